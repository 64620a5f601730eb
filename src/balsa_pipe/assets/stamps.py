"""What says that a part is finished: a small file, written last, with what it was made of."""

import json
from pathlib import Path
from typing import Any

from balsa_pipe.assets.clients import file_digest
from balsa_pipe.assets.manifest import Package
from balsa_pipe.assets.parts import Clip, Part
from balsa_pipe.files import write_whole

CODE_VERSION = 1
"""Raise by one when a converter or reader makes other files than before."""


def stamp_path(assets: Path, part: Part) -> Path:
    """Return where a part's stamp lies."""
    return assets / "fetched" / f"{part.name}.json"


def write_stamp(assets: Path, part: Part, package: Package, clips: list[Clip]) -> None:
    """Record a finished part: its package, its files with size and digest, its clips."""
    folder = assets / part.folder(package)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)  # safetensors lets only the owner read
    files = {
        str(path.relative_to(folder)): {"size": path.stat().st_size, "sha256": file_digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    stamp = {
        "code_version": CODE_VERSION,
        "package": package.name,
        "version": package.version,
        "client": package.client,
        "sha256": package.sha256,
        "licence": package.licence,
        "what": package.what,
        "folder": part.folder(package),
        "files": files,
        "clips": clips,
    }
    write_whole(stamp_path(assets, part), json.dumps(stamp, indent=1, ensure_ascii=False) + "\n")


def read_stamp(assets: Path, part: Part) -> dict[str, Any] | None:
    """Return a finished part's stamp, or null: sizes are compared, digests are not made again."""
    try:
        stamp: dict[str, Any] = json.loads(stamp_path(assets, part).read_text())
        folder = assets / stamp["folder"]
        sizes = {folder / name: facts["size"] for name, facts in stamp["files"].items()}
        known = (stamp["code_version"], stamp["sha256"])
        whole = all(path.stat().st_size == size for path, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    pinned = [(CODE_VERSION, package.sha256) for package in part.sources]
    return stamp if whole and known in pinned else None


def write_manifest(assets: Path, clips: list[Clip]) -> None:
    """Write recordings/manifest.jsonl, one line a clip; an equal file is left untouched."""
    path = assets / "recordings" / "manifest.jsonl"
    text = "".join(json.dumps(clip, ensure_ascii=False) + "\n" for clip in clips)
    if clips and not (path.is_file() and path.read_text(encoding="utf-8") == text):
        write_whole(path, text)
