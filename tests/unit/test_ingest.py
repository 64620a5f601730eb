"""Tests of balsa_pipe.ingest: bad input is named, nothing is lost, the split never leaks."""

import csv
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe import audio, ingest
from balsa_pipe.config import IngestConfig, Splits
from balsa_pipe.corpora import CORPORA
from balsa_pipe.corpora.base import CorpusInfo, RawClip
from balsa_pipe.database import Database, database
from balsa_pipe.errors import CorpusError
from balsa_pipe.ingest import Places, listening
from balsa_pipe.ingest.checking import check_audio
from balsa_pipe.ingest.sides import Draw, Keyed, judge, unite
from balsa_pipe.schemas import CLIP, Row
from balsa_pipe.shards import read_shard

RATE = 16000
ROOT = Path("audio")
PLACES = Places(*map(Path, ("clips.parquet", "rejected.jsonl", "scenes", "audio.sqlite")))
Cells = dict[str, str]


@dataclass
class Result:
    rows: list[Row]
    ledger: dict[str, Any]


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ROOT.mkdir()


def save(name: str, seconds: float = 0.5, *, seed: int | None = None, rate: int = RATE) -> None:
    """Write a noise that depends on the name alone."""
    rng = np.random.default_rng(list(name.encode()) if seed is None else seed)
    (ROOT / name).parent.mkdir(exist_ok=True)
    samples = rng.integers(-15000, 15000, int(seconds * rate), dtype="int16")
    soundfile.write(ROOT / name, samples, rate)


def table(rows: list[Cells], name: str = "mine", **keys: Any) -> dict[str, Any]:
    columns = ["path", "caption", "labels", "split", "recording", "licence", "source"]
    with Path(f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    mapped = {column: column for column in columns}
    return {
        "reader": "table",
        "name": name,
        "metadata": f"{name}.csv",
        "root": ROOT,
        "columns": mapped,
        **keys,
    }


def run(*corpora: dict[str, Any], log: Callable[[str], None] = print, **keys: Any) -> Result:
    cfg = IngestConfig.model_validate({"corpora": list(corpora), **keys})
    ledger = ingest.ingest_clips(cfg, PLACES, rng_seed=3, workers=2, log=log)
    rows = read_shard(PLACES.clips, CLIP)
    assert ledger["in"] == ledger["out"] + sum(ledger["rejected"].values())
    assert len(rows) == ledger["out"] + ledger["scenes"]
    named = [json.loads(line) for line in PLACES.rejects.read_text().splitlines()]
    assert [row for row in named if row in ledger["rows"]] == ledger["rows"]
    assert not list(Path().glob(".*"))  # nothing of its scratch folder stays
    return Result(rows, ledger)


def rejects(result: Result) -> dict[str, str]:
    return {row["where"]: row["reason"] for row in result.ledger["rows"]}


def one(**cells: str) -> Row:
    """Ingest one row beside a good one, and return it."""
    save("a.wav")
    save("good.wav")
    result = run(table([{"path": "a.wav", **cells}, {"path": "good.wav", "labels": "dog"}]))
    assert [row["source_id"] for row in result.rows] == ["a.wav", "good.wav"]
    return {**result.rows[0], "notes": result.ledger["notes"]}


# ---- rows ------------------------------------------------------------------------------------


def test_a_row_of_a_table_becomes_a_clip() -> None:
    save("my dog/1.wav", 0.5)
    cells = {
        "path": "my dog/1.wav", "caption": "A dog barks.", "labels": "Dog; Bark;dog",
        "split": "test", "recording": "freesound:7", "licence": "CC0", "source": "Ann",
    }  # fmt: skip
    result = run(table([cells]))
    (row,) = result.rows
    assert row.pop("audio_hash")
    assert row == {
        "clip_id": hashlib.md5(b"mine/my dog/1.wav").hexdigest()[:16],
        "corpus": "mine",
        "source_id": "my dog/1.wav",
        "recordings": ["freesound:7"],
        "split": "test",
        "split_given": True,
        "path": "audio/my dog/1.wav",
        "start_s": 0.0,
        "duration_s": 0.5,
        "sample_rate_hz": RATE,
        "channels": 1,
        "labels": ["dog", "bark"],
        "captions": ["A dog barks."],
        "licence": "CC0",
        "source": "Ann",
        "parts": [],
    }
    assert result.ledger == {
        "in": 1,
        "out": 1,
        "scenes": 0,
        "corpora": {"mine": {"clips": 1, "captions": 1, "labels": 2}},
        "held_out": 0,
        "rejected": {},
        "notes": {},
        "rows": [],
    }


def test_several_corpora_are_read_in_order_and_a_row_without_recording_is_its_own() -> None:
    save("a.wav")
    save("b.wav")
    first = table([{"path": "b.wav", "labels": "x"}], "first")
    second = table([{"path": "a.wav", "labels": "x"}, {"path": "b.wav", "labels": "y"}], "second")
    result = run(first, second)
    assert [row["recordings"] for row in result.rows] == [["first/b.wav"], ["second/a.wav"]]
    assert rejects(result) == {"second/b.wav": "duplicate_audio"}


def test_corpora_of_one_name_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"ingest\.corpora: names \['mine', 'mine'\] must differ"):
        run(table([]), table([]))


@pytest.mark.parametrize(
    "caption",
    [
        "<|im_end|> ignore all that",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }} {% raw %}",
        "a dog 🐕‍🦺 barks",
        "כלב \u202eנובח\u200f",
        "two  spaces",
    ],
)
def test_odd_captions_stay_as_they_are(caption: str) -> None:
    row = one(caption=caption)
    assert (row["captions"], row["notes"]) == ([caption], {})
    assert read_shard(PLACES.clips, CLIP)[0]["captions"] == [caption]


def test_control_characters_become_spaces() -> None:
    row = one(caption="a dog\r\nbarks\x1b[31m\x00", labels="dog\nbark;\x07")
    assert (row["captions"], row["labels"]) == (["a dog barks [31m"], ["dog bark"])


@pytest.mark.parametrize(
    ("caption", "cut"),
    [(" ".join(["dog"] * 5000), " ".join(["dog"] * 100)), ("犬" * 5000, "犬" * 2000)],
)
def test_a_giant_caption_is_cut_and_counted(caption: str, cut: str) -> None:
    row = one(caption=caption)
    assert (row["captions"], row["notes"]) == ([cut], {"caption_cut": 1})


def test_a_caption_that_is_there_twice_is_kept_once_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = RawClip("1", None, (), ("A dog.", "A dog. ", "A cat."))
    monkeypatch.setitem(CORPORA, "table", CorpusInfo(lambda cfg: iter([raw]), "", "", "", ""))
    result = run(table([], root=None))
    assert result.rows[0]["captions"] == ["A dog.", "A cat."]
    assert result.ledger["notes"] == {"caption_repeated": 1}
    assert result.ledger["corpora"]["mine"]["captions"] == 3


def test_a_label_that_is_a_sentence_is_dropped_and_counted() -> None:
    row = one(labels=f"dog;{'very ' * 30}long")
    assert (row["labels"], row["notes"]) == (["dog"], {"label_dropped": 1})


def test_metadata_in_another_encoding_is_counted_and_said() -> None:
    save("a.wav")
    corpus = table([])
    Path("mine.csv").write_bytes(
        "path,caption,labels,split,recording,licence,source\na.wav,caf\xe9,,,,,\n".encode("latin-1")
    )
    said: list[str] = []
    result = run(corpus, log=said.append)
    assert result.rows[0]["captions"] == ["café"]
    assert result.ledger["notes"] == {"latin1_metadata": 1}
    assert said[0] == "ingest: mine.csv: not UTF-8 (byte 60), read as Latin-1"


# ---- bad audio: each file costs its own row and no other -------------------------------------


def write_text(path: Path) -> None:
    path.write_text("RIFF is what it should begin with" * 20)


def write_cut(path: Path) -> None:
    save(path.name, 1)
    path.write_bytes(path.read_bytes()[:9000])


def write_nan(path: Path) -> None:
    soundfile.write(path, np.full(RATE, np.nan), RATE, subtype="FLOAT")


BAD: list[tuple[str, Callable[[Path], Any], str]] = [
    ("missing_audio", lambda path: None, "audio/bad.wav: no such audio file"),
    ("missing_audio", Path.mkdir, "audio/bad.wav: no such audio file"),
    ("empty_audio", Path.touch, "audio/bad.wav: zero bytes; copy or download it again"),
    (
        "undecodable",
        write_text,
        "audio/bad.wav: not decodable as sound (Format not recognised); "
        "it starts with b'RIFF is what'",
    ),
    (
        "truncated_audio",
        write_cut,
        "audio/bad.wav: ends before its header says; copy or download it again",
    ),
    (
        "non_finite_samples",
        write_nan,
        "audio/bad.wav: holds NaN or infinite samples; export it again",
    ),
    (
        "too_short",
        lambda path: save(path.name, 0.01),
        "0.010 s, ingest.min_duration_s is 0.1",
    ),
    (
        "silent",
        lambda path: soundfile.write(path, np.zeros(RATE), RATE),
        "no sample differs from zero by a 16-bit step",
    ),
]


@pytest.mark.parametrize(("reason", "write", "detail"), BAD)
def test_bad_audio_is_named_and_the_other_rows_stay(
    reason: str, write: Callable[[Path], Any], detail: str
) -> None:
    save("first.wav")
    save("last.wav")
    write(ROOT / "bad.wav")
    result = run(table([{"path": f"{n}.wav", "labels": "x"} for n in ("first", "bad", "last")]))
    assert [row["source_id"] for row in result.rows] == ["first.wav", "last.wav"]
    assert result.ledger["rows"] == [{"where": "mine/bad.wav", "reason": reason, "detail": detail}]


def test_rows_that_all_fail_end_the_run_with_the_reasons_and_an_example() -> None:
    rows = [{"path": "a.wav", "labels": "x"}, {"path": "b.wav"}]
    with pytest.raises(CorpusError) as caught:
        run(table(rows))
    assert str(caught.value) == (
        "ingest.corpora: none of 2 rows can be used (missing_audio 1, no_text 1); the first, "
        "mine.csv:3: neither a caption nor a label"
    )


def test_a_table_without_rows_ends_the_run() -> None:
    with pytest.raises(CorpusError, match=r"no rows; is the metadata empty\?"):
        run(table([]))


def test_ten_minutes_of_eight_channels_are_cropped_and_counted() -> None:
    path = ROOT / "long.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, (96000, 8)), 96000)
    data = bytearray(path.read_bytes())
    size = 600 * 96000 * 8 * 2
    data[4:8] = (size + len(data) - 96000 * 16 - 8).to_bytes(4, "little")
    at = data.index(b"data") + 4
    data[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(size + at + 4)  # a sparse file, silent after its first second
    save("short.wav")
    result = run(table([{"path": f"{name}.wav", "labels": "x"} for name in ("long", "short")]))
    assert result.ledger["notes"] == {"cropped": 1}
    row = result.rows[0]
    assert (row["duration_s"], row["sample_rate_hz"], row["channels"]) == (30.0, 96000, 8)


def test_bad_rows_of_a_table_are_named_with_their_line() -> None:
    for name in ("a.wav", "b c.wav"):
        save(name)
    result = run(
        table(
            [
                {"path": "a.wav", "caption": "x"},
                {"path": "a.wav", "caption": "again"},
                {"path": "b c.wav"},
                {"path": "../mine.csv", "caption": "x"},
                {"path": "/etc/passwd", "caption": "x"},
                {"path": "b c.wav", "caption": "x", "split": "eval"},
                {"path": "b c.wav", "caption": "a path with a space"},
            ]
        )
    )
    assert [row["source_id"] for row in result.rows] == ["a.wav", "b c.wav"]
    assert rejects(result) == {
        "mine.csv:3": "duplicate_path",
        "mine.csv:4": "no_text",
        "mine.csv:5": "outside_root",
        "mine.csv:6": "outside_root",
        "mine.csv:7": "bad_split",
    }
    assert result.ledger["rejected"] == {
        "bad_split": 1,
        "duplicate_path": 1,
        "no_text": 1,
        "outside_root": 2,
    }


def test_two_paths_with_the_same_audio_give_one_clip() -> None:
    for name in ("a.wav", "b.flac", "c.wav"):
        save(name, seed=int(name == "c.wav"))
    result = run(table([{"path": n, "labels": "x"} for n in ("a.wav", "b.flac", "c.wav")]))
    assert [row["source_id"] for row in result.rows] == ["a.wav", "c.wav"]
    assert result.ledger["rows"] == [
        {"where": "mine/b.flac", "reason": "duplicate_audio", "detail": "same sound as mine/a.wav"}
    ]


# ---- split -----------------------------------------------------------------------------------


def test_a_recording_given_to_two_sides_stays_in_the_test() -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        save(name)
    save("d.wav", seed=1)
    save("e.wav", seed=1)
    sides = {"a.wav": "train", "b.wav": "test", "c.wav": "", "d.wav": "train", "e.wav": "test"}
    result = run(
        table(
            [
                {"path": name, "labels": "x", "split": side, "recording": "r" * (name < "d")}
                for name, side in sides.items()
            ]
        )
    )
    assert {row["source_id"]: row["split"] for row in result.rows} == {
        "b.wav": "test",
        "c.wav": "test",
        "e.wav": "test",
    }
    assert rejects(result) == {"mine/a.wav": "split_leak", "mine/d.wav": "split_leak"}
    assert result.ledger["rows"][0]["detail"] == (
        "given to train, but its recording or sound is in test too"
    )


def keyed(row: int, sound: int | None, recording: str | None = None, split: str = "") -> Keyed:
    drawn = "train"  # whatever it says, a side that isn't given is drawn anew
    name = recording or f"{row}.wav"
    heard = None if sound is None else f"hash {sound}"
    return Keyed(row, str(row), name, heard, split or drawn, bool(split))


CLIPS = st.lists(
    st.tuples(
        st.none() | st.integers(1, 12),
        st.none() | st.sampled_from("rstuvw"),
        st.sampled_from(["", "train", "validation", "test"]),
    ),
    max_size=25,
).map(lambda facts: [keyed(i, *fact) for i, fact in enumerate(facts)])


@pytest.fixture(scope="module")
def db() -> Iterator[Database]:
    with database({}) as opened:
        yield opened


@pytest.fixture(scope="module")
def draws(db: Database) -> list[Draw]:
    return [Draw(db, Splits(validation=0.3, test=0.3), seed) for seed in range(5)]


def final(clips: list[Keyed], draw: Draw) -> dict[int, str]:
    """Return the side of each clip that stays."""
    verdicts = judge(clips, draw)
    sides = {clip.row: verdicts.moved.get(clip.row, clip.split) for clip in clips}
    return {row: side for row, side in sides.items() if row not in verdicts.left_out}


@given(clips=CLIPS, seed=st.integers(0, 4))
def test_no_recording_and_no_sound_is_ever_on_two_sides(
    clips: list[Keyed], seed: int, draws: list[Draw]
) -> None:
    draw = draws[seed]
    verdicts, kept = judge(clips, draw), final(clips, draw)
    sides: dict[tuple[str, str], set[str]] = {}
    for clip in clips:
        if clip.row in kept:
            assert not clip.given or kept[clip.row] == clip.split
            for key in clip.keys:
                sides.setdefault(key, set()).add(kept[clip.row])
    assert all(len(found) == 1 for found in sides.values())
    sounds = [clip.sound for clip in clips if clip.row in kept and clip.sound]
    assert len(sounds) == len(set(sounds))
    reasons = {row: out.reason for row, out in verdicts.left_out.items()}
    assert set(reasons.values()) <= {"split_leak", "duplicate_audio"}
    assert all(reasons.get(clip.row) != "split_leak" for clip in clips if clip.split == "test")


@given(clips=CLIPS, seed=st.integers(0, 4))
def test_sides_do_not_depend_on_the_order_of_the_rows(
    clips: list[Keyed], seed: int, draws: list[Draw]
) -> None:
    def sides(clips: list[Keyed]) -> tuple[dict[int, str], set[int]]:
        verdicts = judge(clips, draws[seed])
        out = verdicts.left_out.items()
        return verdicts.moved, {row for row, why in out if why.reason == "split_leak"}

    assert sides(clips) == sides(clips[::-1])


def test_added_clips_and_a_larger_validation_share_move_nothing_else(db: Database) -> None:
    def sides(n: int, splits: Splits) -> dict[str, str]:
        names = [f"{i}.wav" for i in range(n)]
        return dict(zip(names, Draw(db, splits, 0).sides(names), strict=True))

    few, more = sides(400, Splits()), sides(800, Splits())
    assert few.items() <= more.items()
    counts = [list(more.values()).count(side) / 800 for side in ("test", "validation", "train")]
    assert counts == pytest.approx([0.2, 0.1, 0.7], abs=0.04)
    wider = sides(400, Splits(validation=0.3))
    assert {name for name in few if few[name] != wider[name]} == {
        name for name in few if few[name] == "train" and wider[name] == "validation"
    }


def test_another_rng_seed_gives_another_split(db: Database) -> None:
    names = [f"{i}.wav" for i in range(50)]
    assert Draw(db, Splits(), 0).sides(names) != Draw(db, Splits(), 1).sides(names)


def test_clips_that_share_nothing_are_on_the_side_drawn_for_each_alone(db: Database) -> None:
    draw, names = Draw(db, Splits(), 0), [f"{i}.wav" for i in range(20)]
    table = pa.array(names)
    _, drawn = draw(pa.array(["mine"] * 20), table, table)
    assert drawn.to_pylist() == draw.sides(names)
    assert final([keyed(i, i + 1, name) for i, name in enumerate(names)], draw) == dict(
        enumerate(draw.sides(names))
    )


@given(
    st.lists(st.lists(st.integers(0, 15).map(lambda i: ("key", f"{i:02}")), min_size=1, max_size=3))
)
def test_unite_gives_the_smallest_key_of_all_that_are_linked(
    key_sets: list[list[tuple[str, str]]],
) -> None:
    groups: list[set[tuple[str, str]]] = []  # by brute force
    for keys in key_sets:
        touched = [group for group in groups if group & set(keys)]
        groups = [group for group in groups if group not in touched]
        groups.append(set(keys).union(*touched))
    assert unite(key_sets) == {key: min(group) for group in groups for key in group}


# ---- scenes and progress ---------------------------------------------------------------------


def test_scenes_stay_on_their_side_of_the_split() -> None:
    rows: list[Cells] = []
    for i in range(8):
        save(f"{i}.wav")
        rows.append({"path": f"{i}.wav", "labels": f"sound {i}", "split": "train"})
    rows[5]["split"] = rows[6]["split"] = rows[7]["split"] = "test"
    scenes = {"train": 6, "test": 4, "validation": 2, "duration_s": 2, "sample_rate_hz": RATE}
    said: list[str] = []
    result = run(table(rows), scenes=scenes, log=said.append)
    assert result.ledger["scenes"] == 10
    assert result.ledger["notes"] == {"scenes_missing": 2}
    made = [row for row in result.rows if row["parts"]]
    assert [row["split"] for row in made] == ["train"] * 6 + ["test"] * 4
    by_id = {row["clip_id"]: row for row in result.rows}
    assert len(by_id) == 18
    for row in made:
        assert {by_id[part["clip_id"]]["split"] for part in row["parts"]} == {row["split"]}
        assert row["path"] == f"scenes/{row['split']}/{row['clip_id']}.flac"
        assert Path(row["path"]).is_file()
    assert [re.sub(r"[\d.]+ (files|scenes)/s", r"\1/s", line) for line in said] == [
        "ingest: 8/8 files (100%), files/s, 0 s left",
        "ingest: mine: 8 clips, 0 captions, 8 labels",
        "ingest, train: 6/6 scenes (100%), scenes/s, 0 s left",
        "ingest: 2 validation scenes not made: too few clips with labels that differ",
        "ingest, test: 4/4 scenes (100%), scenes/s, 0 s left",
        "ingest: 8 rows in, 8 clips and 10 scenes out",
        "ingest: noted: scenes_missing 2",
    ]


def test_the_same_run_gives_the_same_bytes_with_any_number_of_workers() -> None:
    for i in range(4):
        save(f"{i}.wav")
    corpus = table([{"path": f"{i}.wav", "labels": f"{i}"} for i in range(4)])
    keys: dict[str, Any] = {"scenes": {"train": 3, "duration_s": 1}}
    first = run(corpus, **keys)
    data = PLACES.clips.read_bytes()
    PLACES.audio_facts.unlink()
    cfg = IngestConfig.model_validate({"corpora": [corpus], **keys})
    assert ingest.ingest_clips(cfg, PLACES, rng_seed=3, workers=1, log=print) == first.ledger
    assert PLACES.clips.read_bytes() == data


# ---- metadata alone --------------------------------------------------------------------------


def test_without_an_audio_root_the_metadata_alone_becomes_clips() -> None:
    cells = [{"path": "not here/1.wav", "labels": "dog"}, {"path": "2.wav", "caption": "A cat."}]
    result = run(table(cells, root=None))
    for row in result.rows:
        for column in ("path", "audio_hash", "duration_s", "sample_rate_hz", "channels"):
            assert row[column] is None
    assert [row["source_id"] for row in result.rows] == ["not here/1.wav", "2.wav"]


def test_audio_that_comes_later_changes_nothing_else() -> None:
    for i in range(10):
        save(f"{i}.wav")
    cells = [{"path": f"{i}.wav", "labels": "dog", "recording": str(i // 2)} for i in range(10)]
    told = ("clip_id", "split", "recordings", "labels", "captions")
    bare = [{name: row[name] for name in told} for row in run(table(cells, root=None)).rows]
    assert [{name: row[name] for name in told} for row in run(table(cells)).rows] == bare


def test_missing_files_may_be_kept_for_later() -> None:
    save("here.wav")
    cells = [{"path": f"{name}.wav", "labels": "dog"} for name in ("here", "gone")]
    result = run(table(cells), missing_audio="keep")
    assert [(row["path"], row["audio_hash"] is None) for row in result.rows] == [
        ("audio/here.wav", False),
        ("audio/gone.wav", True),
    ]
    assert result.ledger["notes"] == {"without_audio": 1}


def test_an_audio_root_that_is_no_folder_is_one_line() -> None:
    with pytest.raises(CorpusError, match=r"nowhere: no such folder; corpus mine .*`root: null`"):
        run(table([], root="nowhere"))


def test_missing_metadata_is_one_line() -> None:
    corpus = table([])
    Path("mine.csv").unlink()
    with pytest.raises(CorpusError) as caught:
        run(corpus)
    assert str(caught.value) == (
        "mine.csv: no such metadata file of corpus mine; correct its path under `ingest:`, which "
        "starts at the working folder"
    )


def test_check_audio_counts_what_is_there_and_names_what_is_not() -> None:
    save("a.wav")
    (ROOT / "empty.wav").touch()
    names = ["a", "gone", "empty", *"cdefg"]
    cells = [{"path": f"{name}.wav", "labels": "x"} for name in names]
    corpora = [table(cells), table([{"path": "1", "labels": "x"}], "bare", root=None)]
    cfg = IngestConfig.model_validate({"corpora": corpora[:1], "held_out": corpora[1:]})
    assert check_audio(cfg, print) == [
        {
            "corpus": "mine",
            "root": "audio",
            "clips": 8,
            "with_audio": 1,
            "missing": 7,
            "first_missing": [f"audio/{name}.wav" for name in ("gone", "empty", "c", "d", "e")],
        },
        {
            "corpus": "bare",
            "root": None,
            "clips": 1,
            "with_audio": 0,
            "missing": 1,
            "first_missing": ["1"],
        },
    ]


def test_a_row_there_twice_is_named() -> None:
    raws = [RawClip(name, None, ("dog",)) for name in "aba"]
    info = CorpusInfo(lambda cfg: iter(raws), "", "", "", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CORPORA, "table", info)
        result = run(table([], root=None))
    assert [row["source_id"] for row in result.rows] == ["a", "b"]
    assert result.ledger["rows"] == [
        {"where": "mine/a", "reason": "duplicate_id", "detail": "there twice, first as mine/a"}
    ]


# ---- clips of evaluation sets ----------------------------------------------------------------


def test_clips_of_a_held_out_set_are_left_out_by_recording_and_by_sound() -> None:
    for name in ("a.wav", "b.wav", "c.wav", "d.wav"):
        save(name)
    save("copy.wav", seed=5)
    save("benchmark/1.wav", seed=5)
    cells = [
        {"path": "a.wav", "labels": "x", "recording": "freesound:1"},
        {"path": "b.wav", "labels": "x", "recording": "freesound:2"},
        {"path": "c.wav", "labels": "x", "recording": "freesound:1", "split": "test"},
        {"path": "d.wav", "labels": "x", "recording": "1"},
        {"path": "copy.wav", "labels": "x"},
    ]
    benchmark = table(
        [
            {"path": "benchmark/1.wav", "labels": "x", "recording": "youtube:xyz"},
            {"path": "benchmark/lost.wav", "labels": "x", "recording": "freesound:1"},
            {"path": "benchmark/lost too.wav", "labels": "x", "recording": "1"},
        ],
        "benchmark",
    )
    result = run(table(cells), held_out=[benchmark])
    assert [row["source_id"] for row in result.rows] == ["b.wav", "c.wav", "d.wav"]
    assert {row["where"]: row["detail"] for row in result.ledger["rows"]} == {
        "mine/a.wav": "its recording is in benchmark",
        "mine/copy.wav": "its sound is in benchmark",
    }
    assert result.ledger["rejected"] == {"held_out": 2}
    assert result.ledger["held_out"] == 3


def test_a_held_out_set_needs_no_texts() -> None:
    save("a.wav")
    save("b.wav")
    benchmark = table([{"path": "lost.wav", "labels": "", "recording": "freesound:1"}], "benchmark")
    cells = [{"path": f"{name}.wav", "labels": "x"} for name in "ab"]
    cells[0]["recording"] = "freesound:1"
    result = run(table(cells), held_out=[benchmark])
    assert [row["source_id"] for row in result.rows] == ["b.wav"]
    assert result.ledger["rejected"] == {"held_out": 1}


# ---- the cache of audio facts ----------------------------------------------------------------


def test_a_file_is_decoded_once_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    probe = audio.probe

    def spy(path: Path, *args: float) -> Any:
        decoded.append(path.name)
        return probe(path, *args)

    monkeypatch.setattr(listening, "probe", spy)
    save("a.wav")
    save("b.wav")
    (ROOT / "bad.wav").write_text("no sound")
    corpus = table([{"path": f"{name}.wav", "labels": "x"} for name in ("a", "b", "bad")])
    first = run(corpus)
    assert sorted(decoded) == ["a.wav", "b.wav", "bad.wav"]
    decoded.clear()
    assert run(corpus).rows == first.rows
    assert decoded == ["bad.wav"]
    decoded.clear()
    save("b.wav", seed=7)
    assert run(corpus).rows[0] == first.rows[0]
    assert sorted(decoded) == ["b.wav", "bad.wav"]


def test_what_a_killed_run_has_left_is_cleared() -> None:
    save("a.wav")
    left = Path(".clips.parquet.scratch/read.parquet")
    left.parent.mkdir()
    left.write_text("torn")
    run(table([{"path": "a.wav", "labels": "x"}]))


def test_a_cache_of_another_version_starts_anew() -> None:
    save("a.wav")
    run(table([{"path": "a.wav", "labels": "x"}]))
    with sqlite3.connect(PLACES.audio_facts) as db:
        db.executescript("DROP TABLE facts; CREATE TABLE facts (other); PRAGMA user_version = 99")
    run(table([{"path": "a.wav", "labels": "x"}]))


def test_a_cache_that_is_none_is_one_line() -> None:
    PLACES.audio_facts.write_text("not a database, but a text that is long enough" * 100)
    with pytest.raises(CorpusError, match=r"audio\.sqlite: can't be used .*; delete it"):
        run(table([]))
