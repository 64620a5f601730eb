"""Published files, as their publishers gave them out, are read whole. No copy of them is kept here."""

import os
from pathlib import Path

import pytest
from real_files import FILES, compared

FOLDER = os.environ.get("BALSA_REAL_METADATA")

pytestmark = pytest.mark.skipif(
    not FOLDER,
    reason="BALSA_REAL_METADATA names no folder with audioset/, audiocaps/ and fsd50k/",
)


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_the_counts_that_its_publishers_promise(name: str) -> None:
    assert FOLDER
    path = Path(FOLDER) / name
    if not path.is_file():
        pytest.skip(f"{path} isn't there")
    count, expected = FILES[name]
    found = count(path)
    assert {what: found[what] for what in expected} == expected


def test_files_that_are_there_are_all_compared() -> None:
    assert FOLDER
    there = {name for name in FILES if (Path(FOLDER) / name).is_file()}
    assert {row["file"] for row in compared(Path(FOLDER))} == there
