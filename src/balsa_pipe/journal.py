"""The append-only file of finished rows beside a shard: what is in it is never drawn again."""

import fcntl
import json
import os
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from balsa_pipe.errors import ShardError
from balsa_pipe.hashing import digest

VERSION = 1

Entry = dict[str, Any]
"""One finished row, by the columns that the journal was opened with."""


class Journal:
    """One writer's view of a journal: its entries by key, and the way to add more.

    An entry is written through to the file at once, so it outlives a killed process; the file is
    forced to the disk in groups, so at most one group is lost with the machine's power.
    """

    def __init__(
        self,
        path: Path,
        columns: tuple[str, ...],
        *,
        group_rows: int = 64,
        group_s: float = 2.0,
    ) -> None:
        """Open or create a journal whose first column is the key, and lock it against others.

        Raises ShardError when another process writes it, a line in its middle is damaged,
        or it is of another version.
        """
        self.path = path
        self.columns = columns
        self.entries: dict[str, Entry] = {}
        self.torn_bytes = 0
        self._group_rows = group_rows
        self._group_s = group_s
        self._unsynced = 0
        self._synced_at = time.monotonic()
        self._header = {"journal": VERSION, "columns": digest(columns)}
        self._fd = _open_locked(path)
        try:
            self._load()
        except BaseException:
            os.close(self._fd)
            raise

    def append(self, entry: Entry) -> None:
        """Add an entry; when this returns, a killed process no longer loses it."""
        if tuple(entry) != self.columns:
            raise ValueError(f"{self.path}: entry has columns {tuple(entry)}, not {self.columns}")
        self._write(_encode(entry))
        self.entries[entry[self.columns[0]]] = entry
        self._unsynced += 1
        self.sync_if_due()

    def sync_if_due(self) -> None:
        """Force the file to the disk when a group is full or old enough."""
        waited = time.monotonic() - self._synced_at
        if self._unsynced >= self._group_rows or (self._unsynced and waited >= self._group_s):
            self.sync()

    def sync(self) -> None:
        """Force what was appended to the disk."""
        try:
            os.fsync(self._fd)
        except OSError as exc:
            raise _unwritable(self.path, exc) from exc
        self._unsynced = 0
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Force the last group to the disk and let another process in."""
        try:
            if self._unsynced:
                self.sync()
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        """Return the open journal."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, also after an error."""
        self.close()

    def _load(self) -> None:
        data = _read_all(self._fd)
        self._end = data.rfind(b"\n") + 1
        self._check_header(data.split(b"\n", 1)[0], whole=bool(self._end))
        self._take(data[: self._end].split(b"\n")[:-1])
        self.torn_bytes = len(data) - self._end
        if self.torn_bytes:
            os.ftruncate(self._fd, self._end)
        if not self._end:
            self._write(_encode(self._header))
            self.sync()
            _sync_folder(self.path.parent)

    def _check_header(self, line: bytes, *, whole: bool) -> None:
        """Refuse what isn't ours before a byte of it is changed."""
        expected = _encode(self._header)
        if line != expected[:-1] if whole else not expected.startswith(line):
            raise ShardError(
                f"{self.path}: line 1 is {_short(line)}, expected {_short(expected)}; another "
                "version of balsa_pipe wrote it: use that one, or move the file away to draw its "
                "rows again"
            )

    def _take(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines[1:], start=2):
            entry = _decode(line)
            if entry is None:
                raise ShardError(
                    f"{self.path}: line {number} of {len(lines)} is damaged; delete that line "
                    "(its row is drawn again) and run the same command again"
                )
            self.entries[entry[self.columns[0]]] = entry

    def _write(self, line: bytes) -> None:
        """Write a whole line or nothing, as far as the disk allows."""
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._fd, line[written:], self._end + written)
        except OSError as exc:
            os.ftruncate(self._fd, self._end)
            raise _unwritable(self.path, exc) from exc
        self._end += len(line)


def _open_locked(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    try:
        # A POSIX lock, unlike flock, isn't inherited by child processes that outlive a kill.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(fd)
        raise ShardError(
            f"{path}: another running job writes this journal; wait until it ends or stop it, "
            "then run the same command again"
        ) from exc
    return fd


def _encode(value: Mapping[str, Any]) -> bytes:
    row = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f'{{"crc":"{_checksum(row)}","row":{row}}}\n'.encode()


def _decode(line: bytes) -> Entry | None:
    """Return what was written as this line; None where it isn't as it was written."""
    try:
        row: Entry = json.loads(line)["row"]
        return row if line + b"\n" == _encode(row) else None
    except (ValueError, KeyError, TypeError):
        return None


def _short(line: bytes) -> str:
    return line.decode(errors="replace").strip()[:100]


def _checksum(row: str) -> str:
    return f"{zlib.crc32(row.encode()):08x}"


def _read_all(fd: int) -> bytes:
    """Return a file's bytes; through this descriptor, since closing another drops the lock."""
    data = bytearray()
    while chunk := os.pread(fd, 1 << 20, len(data)):
        data += chunk
    return bytes(data)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unwritable(path: Path, exc: OSError) -> ShardError:
    return ShardError(
        f"{path}: could not be written ({exc.strerror}); every row that was acknowledged is in it. "
        "Free some space or fix the cause and run the same command again"
    )
