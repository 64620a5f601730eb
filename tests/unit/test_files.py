"""A file is there as a whole or not at all; an error is one line."""

from pathlib import Path

import pytest

from balsa_pipe.errors import one_line
from balsa_pipe.files import whole, write_whole


def test_a_file_appears_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with whole(path, ".7") as partial:
        partial.write_text("half")
        assert partial.name == "a.txt.7.partial"
        assert not path.exists()
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "old")

    def interrupted() -> None:
        with whole(path) as partial:
            partial.write_text("new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_is_one_line() -> None:
    assert one_line(ValueError("a\n  b\tc")) == "a b c"
    assert one_line(ValueError("abcdef"), 3) == "abc"
    assert one_line(ValueError()) == "ValueError"
