"""The page of any shard: which rows it shows, what it says of each, and that texts stay texts."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command_line import Run, one_line
from sample_rows import make_clip, make_sample, make_seed_prompt

from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.gallery import Wanted, gallery, gallery_page
from balsa_pipe.schemas import CLIP, DATASET_ROW, ITEM, PREDICTION, SAMPLE, SEED_PROMPT, Row
from balsa_pipe.shards import write_shard

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> \x1b[2J <|im_end|>'


def write_samples(folder: Path, *rows: Row) -> Path:
    write_shard(folder / "samples/00000.parquet", rows, SAMPLE)
    return folder / "samples"


def make_item(**changes: object) -> Row:
    return {
        "item_id": "i0",
        "suite": "presence",
        "suite_version": 1,
        "cluster": "c",
        "strategy": None,
        "clips": [make_clip()],
        "swapped_clips": [],
        "question": "Is there a dog?",
        "sound": "dog",
        "gold": ["yes"],
        **changes,
    }


class Elements(HTMLParser):
    """The elements of a page and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def cards(self) -> list[tuple[str | None, str | None]]:
        """Return task and verdict of each card."""
        return [(a["data-task"], a["data-verdict"]) for tag, a in self.found if tag == "article"]


def cards(page: str) -> list[tuple[str | None, str | None]]:
    return Elements(page).cards()


def test_tasks_and_verdicts_come_in_turn(tmp_path: Path) -> None:
    rows = [make_sample(f"k{i}") for i in range(40)]
    rows += [make_sample("e", "", reject_reason="empty")]
    rows += [make_sample("a", task="absence", template_id="absence/x")]
    path = write_samples(tmp_path, *rows)
    page = gallery(path, Wanted(n=4))
    assert sorted(cards(page)) == [
        ("absence", "kept"),
        ("caption", "empty"),
        ("caption", "kept"),
        ("caption", "kept"),
    ]
    assert f"4 of 42 rows of {path}, drawn by hash" in page
    assert gallery(path, Wanted(n=4)) == page


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Wanted(rejected=True), {"p1", "p2"}),
        (Wanted(reason="empty"), {"p1"}),
        (Wanted(task="absence"), {"p3"}),
        (Wanted(where="n_attempts > 1"), {"p2"}),
        (Wanted(where="n_attempts > 1 OR task = 'absence'", rejected=True), {"p2"}),
        (Wanted(where="expected.verdict IS NULL", n=9), {"p0", "p1", "p2", "p3"}),
    ],
)
def test_rows_can_be_asked_for(tmp_path: Path, wanted: Wanted, ids: set[str]) -> None:
    path = write_samples(
        tmp_path,
        make_sample("p0"),
        make_sample("p1", "", reject_reason="empty"),
        make_sample("p2", reject_reason="too_long", n_attempts=3),
        make_sample("p3", task="absence"),
    )
    page = gallery(path, wanted)
    assert {one for one in ("p0", "p1", "p2", "p3") if f'row-id">{one}<' in page} == ids


def test_every_record_has_a_page(tmp_path: Path) -> None:
    prediction = make_item() | {
        "system": "trained",
        "response": "Yes.",
        "answer": "yes",
        "score": 1,
    }
    records = {
        "clips": (CLIP, make_clip()),
        "seeds": (SEED_PROMPT, make_seed_prompt()),
        "dataset": (DATASET_ROW, make_sample() | {"duplicate_of": "p9"}),
        "items": (ITEM, make_item()),
        "predictions": (PREDICTION, prediction),
    }
    found = {}
    for name, (schema, row) in records.items():
        write_shard(tmp_path / name / "0.parquet", [row], schema)
        found[name] = cards(gallery(tmp_path / name, Wanted()))
    assert found == {
        "clips": [("train", "")],
        "seeds": [("caption", "")],
        "dataset": [("caption", "duplicate")],
        "items": [("presence", "")],
        "predictions": [("presence", "right")],
    }


def test_predictions_of_one_item_are_different_rows(tmp_path: Path) -> None:
    rows = [
        make_item() | {"system": system, "response": "Yes.", "answer": "yes", "score": score}
        for system, score in (("trained", 1.0), ("no_audio", 0.0))
    ]
    write_shard(tmp_path / "0.parquet", rows, PREDICTION)
    page = gallery(tmp_path, Wanted())
    assert sorted(cards(page)) == [("presence", "right"), ("presence", "wrong")]
    assert cards(gallery(tmp_path, Wanted(where="system = 'no_audio'"))) == [("presence", "wrong")]


def test_texts_of_the_data_stay_texts() -> None:
    clip = make_clip(labels=[HOSTILE], captions=[HOSTILE], source=HOSTILE, source_id=HOSTILE)
    row = make_sample("p0", HOSTILE, clips=[clip], evidence=HOSTILE, question=HOSTILE)
    row |= {"task": HOSTILE, "reject_reason": HOSTILE, "prompt_id": HOSTILE}
    page = gallery_page([row], HOSTILE, [HOSTILE])
    tags = [tag for tag, _ in Elements(page).found]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert "\x1b" not in page
    assert cards(page) == [(HOSTILE.replace("\x1b", "\ufffd"),) * 2]


def test_sound_is_there_or_its_absence_is_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(8000, 0.1, np.float32), 16000)
    clips = [make_clip("a", path=str(tmp_path / "a.wav")), make_clip("b")]
    page = gallery_page([make_sample(clips=clips)], "rows")
    assert page.count('src="data:audio/mpeg;base64,') == 1
    assert "1 of 2 clips have sound here (at most 15 s a clip, 12 MB in all" in page
    assert "no audio here: the metadata names no file" in page
    assert "0 of 1 clips have sound here: no audio here" in gallery_page([make_sample()], "rows")


def test_mistakes_are_told(run: Run, tmp_path: Path) -> None:
    path = write_samples(tmp_path, make_sample())
    out = tmp_path / "page.html"
    with pytest.raises(ShardError, match="no sample where \\(n_tokens > 99\\)"):
        gallery(path, Wanted(where="n_tokens > 99"))
    words = ["shards", "gallery", path, "--out", out]
    assert "colour" in one_line(run(*words, "--where", "colour = 1"))
    assert "Permission Error" in one_line(
        run(*words, "--where", "EXISTS (FROM read_csv('/etc/passwd'))")
    )
    for trick in ("1 = 1); SELECT (1", "true); INSTALL httpfs; SELECT (true"):
        assert "a condition is expected" in one_line(run(*words, "--where", trick))
    assert not out.exists()
    status, shown, err = run(*words, "--task", "caption")
    assert (status, shown) == (0, "")
    assert err == f"gallery: {out} (0.0 MB)\n"
    write_shard(tmp_path / "clips.parquet", [make_clip()], CLIP)
    assert "reject_reason" in one_line(
        run(*words[:2], tmp_path / "clips.parquet", *words[3:], "--rejected")
    )
    assert "several record types" in one_line(run(*words[:2], tmp_path, *words[3:]))
