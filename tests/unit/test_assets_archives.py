"""What the readers take out of archives, and which archives they refuse."""

import struct
from hashlib import shake_128
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_archives import make_cat, make_deb, make_rcc, make_riff

from balsa_pipe.assets.archives import read_cat, read_deb, read_rcc
from balsa_pipe.errors import AssetError


@pytest.mark.parametrize("compression", ["xz", "gz", "bz2"])
def test_read_deb_yields_wanted_files_only(tmp_path: Path, compression: str) -> None:
    deb = tmp_path / "a.deb"
    deb.write_bytes(make_deb({"usr/a.ogg": b"sound", "usr/b.png": b"picture"}, compression))
    assert list(read_deb(deb, lambda name: name.endswith(".ogg"))) == [("usr/a.ogg", b"sound")]


def test_read_deb_leaves_out_links(tmp_path: Path) -> None:
    deb = tmp_path / "a.deb"
    deb.write_bytes(make_deb({"usr/a": b""}))
    assert [name for name, _ in read_deb(deb, lambda name: True)] == ["usr/a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a .deb: no ar header"),
        (b"PK\3\4 a zip file", "not a .deb: no ar header"),
        (b"!<arch>\n", "not a .deb: no data.tar in it"),
        (b"!<arch>\n" + b"x" * 60, "not a .deb: no data.tar in it"),
        (make_deb({"usr/a": shake_128(b"noise").digest(5000)})[:-2000], "data.tar can't be read"),
    ],
)
def test_read_deb_refuses_other_files(tmp_path: Path, content: bytes, message: str) -> None:
    deb = tmp_path / "a.deb"
    deb.write_bytes(content)
    with pytest.raises(AssetError) as caught:
        list(read_deb(deb, lambda name: True))
    assert str(caught.value).startswith(f"{deb}: {message}")


@given(
    st.lists(
        st.tuples(st.text(max_size=60).filter(lambda t: "\0" not in t), st.binary(max_size=50)),
        min_size=1,
        max_size=5,
    )
)
def test_read_cat_gives_back_what_was_written(entries: list[tuple[str, bytes]]) -> None:
    entries = [(text[:20], make_riff(content)) for text, content in entries]
    assert read_cat(make_cat(entries)) == entries


@pytest.mark.parametrize("data", [b"", b"\x08\0\0\0", make_cat([("a", b"not riff at all")])])
def test_read_cat_refuses_other_data(data: bytes) -> None:
    with pytest.raises(AssetError, match="sound catalogue"):
        read_cat(data)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_read_rcc_unpacks_plain_and_zlib(version: int) -> None:
    rcc = make_rcc({"cow.ogg": (b"moo", 0), "é.qml": (b"text" * 99, 1)}, version)
    assert read_rcc(rcc) == {"sounds/cow.ogg": b"moo", "sounds/é.qml": b"text" * 99}


def test_read_rcc_leaves_out_zstd() -> None:
    assert read_rcc(make_rcc({"a": (b"a", 4), "b": (b"b", 0)})) == {"sounds/b": b"b"}


def test_read_rcc_refuses_folders_that_hold_themselves() -> None:
    rcc = bytearray(make_rcc({"a": (b"a", 0)}))
    rcc[20 + 10 : 20 + 14] = struct.pack(">I", 0)
    with pytest.raises(AssetError, match="folders hold themselves"):
        read_rcc(bytes(rcc))


@pytest.mark.parametrize("data", [b"", b"RIFF" + b"\0" * 40, make_rcc({"a": (b"a", 0)})[:40]])
def test_read_rcc_refuses_other_data(data: bytes) -> None:
    with pytest.raises(AssetError, match="Qt resource file"):
        read_rcc(data)
