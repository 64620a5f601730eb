"""A journal loses nothing that it acknowledged, and says so when it can't be trusted."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balsa_pipe.errors import ShardError
from balsa_pipe.hashing import digest
from balsa_pipe.journal import Entry, Journal

COLUMNS = ("key", "text")
WRITER = """
import sys, time
from pathlib import Path
from balsa_pipe.journal import Journal
with Journal(Path(sys.argv[1]), ("key", "text")) as journal:
    for number in range(int(sys.argv[2])):
        journal.append({"key": str(number), "text": "x" * 50})
        print(number, flush=True)
    time.sleep(float(sys.argv[3]))
"""


def write(path: Path, *entries: Entry) -> None:
    with Journal(path, COLUMNS) as journal:
        for entry in entries:
            journal.append(entry)


def read(path: Path) -> dict[str, Entry]:
    with Journal(path, COLUMNS) as journal:
        return journal.entries


def entry(key: str, text: str = "a dog") -> Entry:
    return {"key": key, "text": text}


def start_writer(path: Path, rows: int, sleep_s: float = 30) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(rows), str(sleep_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_new_journal_is_empty_and_has_a_header(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "00000.jsonl"
    assert read(path) == {}
    header = json.loads(path.read_text())
    assert header["row"] == {"journal": 1, "columns": digest(COLUMNS)}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_is_appended_is_read_again(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "j.jsonl"
    path.unlink(missing_ok=True)
    entries = [entry(str(number), text) for number, text in enumerate(texts)]
    write(path, *entries)
    assert list(read(path).values()) == entries


def test_the_last_entry_of_a_key_counts(tmp_path: Path) -> None:
    write(tmp_path / "j.jsonl", entry("a", "one"), entry("a", "two"))
    assert read(tmp_path / "j.jsonl") == {"a": entry("a", "two")}


def test_an_entry_of_other_columns_is_a_bug(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.jsonl", COLUMNS) as journal, pytest.raises(ValueError, match="key"):
        journal.append({"key": "a"})


def test_a_torn_last_line_is_cut_off_wherever_it_was_torn(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, entry("a"), entry("b"))
    whole = path.read_bytes()
    end_of_a = whole.rstrip().rfind(b"\n") + 1
    for size in range(end_of_a + 1, len(whole)):
        path.write_bytes(whole[:size])
        with Journal(path, COLUMNS) as journal:
            assert list(journal.entries) == ["a"]
            assert journal.torn_bytes == size - end_of_a
        assert path.read_bytes() == whole[:end_of_a]


def test_rows_go_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, entry("a"), entry("b"))
    path.write_bytes(path.read_bytes()[:-5])
    write(path, entry("c"))
    assert list(read(path)) == ["a", "c"]


def test_a_torn_header_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert read(path) == {}
        assert path.read_bytes() == whole


@pytest.mark.parametrize("line", [2, 3])
def test_a_damaged_line_is_named(tmp_path: Path, line: int) -> None:
    path = tmp_path / "j.jsonl"
    write(path, entry("a", "a dog barks"), entry("b", "a dog barks"))
    lines = path.read_text().split("\n")
    lines[line - 1] = lines[line - 1].replace("dog", "cat")
    path.write_text("\n".join(lines))
    with pytest.raises(ShardError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: line {line} of 3 is damaged; delete that line (its row is drawn again) and run "
        "the same command again"
    )
    del lines[line - 1]
    path.write_text("\n".join(lines))
    assert len(read(path)) == 1


@pytest.mark.parametrize("content", [b"", b"[]", b'{"row":3}', b"\xff\x00", b"null"])
def test_a_line_of_nonsense_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j.jsonl"
    write(path, entry("a"))
    path.write_bytes(path.read_bytes() + content + b"\n")
    with pytest.raises(ShardError, match=r"j\.jsonl: line 3 of 3 is damaged"):
        read(path)


def test_another_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, entry("a"))
    before = path.read_bytes()
    with pytest.raises(ShardError) as caught:
        Journal(path, ("key", "text", "more"))
    assert "line 1 is " in str(caught.value)
    assert "another version of balsa_pipe wrote it: use that one, or move the file" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"precious notes", b"precious\nnotes"])
def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ShardError, match="line 1 is precious"):
        read(path)
    assert path.read_bytes() == content


def test_entries_outlive_a_killed_writer(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    writer = start_writer(path, rows=200)
    assert writer.stdout is not None
    for acknowledged in writer.stdout:
        if int(acknowledged) == 100:
            break
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert [str(number) for number in range(101)] == list(read(path))[:101]


def test_a_second_writer_is_told_and_exits(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    first = start_writer(path, rows=1)
    assert first.stdout is not None
    first.stdout.readline()
    try:
        with pytest.raises(ShardError) as caught:
            Journal(path, COLUMNS)
    finally:
        first.kill()
        first.wait()
    assert str(caught.value) == (
        f"{path}: another running job writes this journal; wait until it ends or stop it, then "
        "run the same command again"
    )
    assert list(read(path)) == ["0"]  # and the dead writer's lock is gone


def test_an_error_while_opening_lets_the_next_writer_in(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(b"nonsense\n")
    with pytest.raises(ShardError):
        read(path)
    path.unlink()
    write(path, entry("a"))
    with start_writer(path, rows=1, sleep_s=0) as writer:
        assert writer.wait() == 0


def test_a_full_disk_is_one_line_and_the_journal_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, entry("a"))
    room = path.stat().st_size + 100
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        with Journal(path, COLUMNS) as journal:
            journal.append(entry("b"))
            with pytest.raises(ShardError) as caught:
                journal.append(entry("c", "x" * 200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(caught.value) == (
        f"{path}: could not be written (File too large); every row that was acknowledged is in it. "
        "Free some space or fix the cause and run the same command again"
    )
    assert list(read(path)) == ["a", "b"]


def test_a_write_that_stops_half_way_leaves_no_torn_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.jsonl"
    pwrite = os.pwrite

    def half(fd: int, data: bytes, offset: int) -> int:
        if len(data) < 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(fd, data[:20], offset)

    with Journal(path, COLUMNS) as journal:
        journal.append(entry("a"))
        before = path.read_bytes()
        monkeypatch.setattr(os, "pwrite", half)
        with pytest.raises(ShardError, match="No space left on device"):
            journal.append(entry("b"))
        assert path.read_bytes() == before


def test_a_disk_that_fails_to_sync_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with Journal(tmp_path / "j.jsonl", COLUMNS, group_rows=1) as journal:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(ShardError, match="Input/output error"):
            journal.append(entry("a"))
        monkeypatch.undo()


def test_groups_are_synced_by_rows_and_by_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def count(fd: int) -> None:
        synced.append(fd)
        fsync(fd)

    with Journal(tmp_path / "j.jsonl", COLUMNS, group_rows=3, group_s=3600) as journal:
        monkeypatch.setattr(os, "fsync", count)
        for number in range(7):
            journal.append(entry(str(number)))
        assert len(synced) == 2
    assert len(synced) == 3
    with Journal(tmp_path / "j.jsonl", COLUMNS, group_rows=1000, group_s=0) as journal:
        journal.append(entry("a"))
        assert len(synced) == 4
        journal.sync_if_due()
        assert len(synced) == 4  # nothing new


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ShardError, match=r"j\.jsonl: could not be written \((Not|File)"):
        Journal(tmp_path / "file" / "j.jsonl", COLUMNS)
