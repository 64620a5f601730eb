"""Pure readers of the archives that packages come in: nothing is run, nothing is written."""

import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from balsa_pipe.errors import AssetError

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_FOLDER, _ZLIB, _ZSTD = 2, 1, 4


def read_deb(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield (path without a leading ./, bytes) of the wanted regular files of a Debian package."""
    with path.open("rb") as file:
        _seek_data(file, path)
        try:
            with tarfile.open(fileobj=file, mode="r|*") as tar:
                for member in tar:
                    name = member.name.removeprefix("./")
                    content = tar.extractfile(member) if member.isreg() and wanted(name) else None
                    if content is not None:
                        yield name, content.read()
        except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as exc:
            raise AssetError(
                f"{path}: data.tar can't be read: {exc}; delete it, fetch again"
            ) from exc


def _seek_data(file: BinaryIO, path: Path) -> None:
    """Leave the file at the first byte of data.tar.*."""
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise AssetError(f"{path}: not a .deb: no ar header; delete it, fetch again")
    while len(header := file.read(_AR_HEADER)) == _AR_HEADER:
        if header.startswith(b"data.tar"):
            return
        size = header[48:58].strip()
        if not size.isdigit():
            break
        file.seek(int(size) + int(size) % 2, 1)
    raise AssetError(f"{path}: not a .deb: no data.tar in it; delete it, fetch again")


def read_cat(data: bytes) -> list[tuple[str, bytes]]:
    """Return (comment, RIFF WAV bytes) of each entry of an OpenTTD sound catalogue."""
    try:
        return [_cat_entry(data, index) for index in range(_u32(data, 0) // 8)]
    except (struct.error, IndexError) as exc:
        raise AssetError(f"sound catalogue ends early: {exc}; fetch again") from exc


def _cat_entry(data: bytes, index: int) -> tuple[str, bytes]:
    offset = _u32(data, 8 * index)
    start = offset + 1 + data[offset]
    if data[start : start + 4] != b"RIFF":
        raise AssetError(f"sound catalogue: entry {index} is no RIFF WAV; fetch again")
    comment = data[offset + 1 : start].rstrip(b"\0").decode("utf-8", "replace")
    (size,) = struct.unpack_from("<I", data, start + 4)
    return comment, data[start : start + 8 + size]


def _u32(data: bytes, at: int) -> int:
    """Return an offset; its highest bit is a flag."""
    return int(struct.unpack_from("<I", data, at)[0]) & 0x7FFFFFFF


def read_rcc(data: bytes) -> dict[str, bytes]:
    """Return path -> bytes of a Qt resource file; files packed with zstd are left out."""
    try:
        magic, version, tree, content, names = struct.unpack_from(">4s4I", data)
        if magic != b"qres":
            raise AssetError("Qt resource file without its qres header; fetch again")
        files: dict[str, bytes] = {}
        _walk_rcc(_Rcc(data, tree, content, names, 22 if version >= 2 else 14), 0, "", files)
    except (struct.error, zlib.error, RecursionError) as exc:
        raise AssetError(f"Qt resource file can't be read: {exc}; fetch again") from exc
    return files


@dataclass(frozen=True)
class _Rcc:
    """A resource file and where its tables start."""

    data: bytes
    tree: int
    content: int
    names: int
    node_size: int

    def name(self, offset: int) -> str:
        """Return a node's UTF-16 name; a u16 length and a u32 hash come before it."""
        at = self.names + offset
        (length,) = struct.unpack_from(">H", self.data, at)
        return self.data[at + 6 : at + 6 + 2 * length].decode("utf-16-be", "replace")

    def blob(self, offset: int) -> bytes:
        """Return a file's stored bytes."""
        at = self.content + offset
        (length,) = struct.unpack_from(">I", self.data, at)
        return self.data[at + 4 : at + 4 + length]


def _walk_rcc(rcc: _Rcc, index: int, path: str, files: dict[str, bytes]) -> None:
    at = rcc.tree + index * rcc.node_size
    name, flags = struct.unpack_from(">IH", rcc.data, at)
    path = f"{path}/{rcc.name(name)}" if index else ""
    if flags & _FOLDER:
        count, first = struct.unpack_from(">2I", rcc.data, at + 6)
        if first <= index:
            raise AssetError("Qt resource file whose folders hold themselves; fetch again")
        for child in range(first, first + count):
            _walk_rcc(rcc, child, path, files)
    elif not flags & _ZSTD:
        blob = rcc.blob(struct.unpack_from(">I", rcc.data, at + 10)[0])
        files[path.removeprefix("/")] = zlib.decompress(blob[4:]) if flags & _ZLIB else blob
