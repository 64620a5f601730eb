"""Archives as the packages hold them, made small."""

import io
import struct
import tarfile
import wave
import zlib
from typing import Any


def make_tar(files: dict[str, bytes], compression: str = "xz") -> bytes:
    buffer = io.BytesIO()
    mode: Any = f"w:{compression}"
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("./usr/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return buffer.getvalue()


def make_deb(files: dict[str, bytes], compression: str = "xz") -> bytes:
    """Return an ar archive with odd-sized members before data.tar."""
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": b"odd",
        f"data.tar.{compression}": make_tar(files, compression),
    }
    ar = b"!<arch>\n"
    for name, content in members.items():
        ar += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        ar += content + b"\n" * (len(content) % 2)
    return ar


def make_cat(entries: list[tuple[str, bytes]]) -> bytes:
    """Return a catalogue; the highest bit of an offset is set, as the game does."""
    comments = [text.encode() + b"\0" for text, _ in entries]
    blobs = [
        bytes([len(comment)]) + comment + wav
        for comment, (_, wav) in zip(comments, entries, strict=True)
    ]
    offset, index = 8 * len(entries), b""
    for blob, (_, wav) in zip(blobs, entries, strict=True):
        index += struct.pack("<II", offset | 0x80000000, len(wav))
        offset += len(blob)
    return index + b"".join(blobs)


def make_riff(content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(content)) + b"WAVE" + content


def make_rcc(files: dict[str, tuple[bytes, int]], version: int = 3) -> bytes:
    """Return a resource file with one folder `sounds`; a file is (content, flags)."""
    stamp = b"\0" * 8 if version >= 2 else b""
    names, offsets = b"", []
    for name in ("sounds", *files):
        offsets.append(len(names))
        names += struct.pack(">HI", len(name), 7) + name.encode("utf-16-be")
    tree = struct.pack(">IHII", 0, 2, 1, 1) + stamp
    tree += struct.pack(">IHII", offsets[0], 2, len(files), 2) + stamp
    data = b""
    for offset, (content, flags) in zip(offsets[1:], files.values(), strict=True):
        tree += struct.pack(">IHHHI", offset, flags, 0, 0, len(data)) + stamp
        packed = struct.pack(">I", len(content)) + zlib.compress(content) if flags & 1 else content
        data += struct.pack(">I", len(packed)) + packed
    start = 20
    places = (start, start + len(tree), start + len(tree) + len(data))
    return b"qres" + struct.pack(">4I", version, *places) + tree + data + names


def make_wav(frames: int = 8) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, frames, "NONE", ""))
        file.writeframes(b"\1\2" * frames)
    return buffer.getvalue()
