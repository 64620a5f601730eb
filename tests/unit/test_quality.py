"""Tests of benchmarks/quality.py: the checker is right, independent, and its figures add up."""

import ast
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import contradictions as checker
import make_real_corpus
import pyarrow as pa
import pytest
import quality
from diversity import distinct, self_bleu, words
from grammar import read
from hypothesis import given
from hypothesis import strategies as st
from negatives import asks_for_no_sound, wrong_negatives
from ontology_walk import ontology, stem
from sample_rows import make_clip, make_sample

from balsa_pipe.corpora import CORPORA
from balsa_pipe.corpora.base import RawClip
from balsa_pipe.corpus_config import AudioCapsCorpus, AudioSetCorpus
from balsa_pipe.schemas import SAMPLE
from balsa_pipe.shards import write_shard

BENCHMARKS = Path(quality.__file__).parent
LABELLED = BENCHMARKS / "data" / "labelled_replies.jsonl"
INDEPENDENT = ("contradictions", "grammar", "cues", "ontology_walk", "negatives", "diversity")
Row = dict[str, Any]

WORDS = [
    *("no", "not", "a", "dog", "cat", "is", "and", ",", "but", "while"),
    "absent",
    "the",
    "first",
]

# ---- the checker -----------------------------------------------------------------------------


def labelled() -> list[Row]:
    return [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("module", INDEPENDENT)
def test_the_checker_shares_no_code_with_the_package(module: str) -> None:
    tree = ast.parse((BENCHMARKS / f"{module}.py").read_text())
    names = [
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    own = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert own <= set(INDEPENDENT)
    assert "import_module" not in ast.dump(tree)


def precision_recall(rows: list[Row]) -> tuple[float, float]:
    pairs = [(bool(row["contradictions"]), bool(checker.contradictions(row))) for row in rows]
    counts = Counter(pairs)
    found = counts[True, True] + counts[False, True]
    wrong = counts[True, True] + counts[True, False]
    return counts[True, True] / found, counts[True, True] / wrong


@pytest.mark.parametrize("origins", [{"demo", "real"}, {"own", "blind"}])
def test_the_checker_is_right_on_replies_that_were_labelled(origins: set[str]) -> None:
    rows = [row for row in labelled() if row["origin"] in origins]
    precision, recall = precision_recall(rows)
    assert len(rows) >= 150
    assert precision >= 0.95
    assert recall >= 0.95


def test_the_checker_says_in_which_way_a_reply_is_wrong() -> None:
    wrong = [row for row in labelled() if row["contradictions"]]
    right = [
        sorted({found.kind for found in checker.contradictions(row)})
        == sorted(row["contradictions"])
        for row in wrong
    ]
    assert sum(right) >= 0.95 * len(wrong)
    assert {kind for row in wrong for kind in row["contradictions"]} == set(checker.KINDS)


@given(st.text(max_size=80), st.sampled_from(["presence_qa", "caption", "difference"]))
def test_any_text_can_be_checked(response: str, task: str) -> None:
    verdict = "yes" if task == "presence_qa" else None
    expected = {"present": ["dog"], "absent": ["cat"], "verdict": verdict}
    clips = [make_clip()] * (2 if task == "difference" else 1)
    row = make_sample(response=response, task=task, clips=clips, expected=expected)
    assert {found.kind for found in checker.contradictions(row)} <= set(checker.KINDS)


@given(st.lists(st.sampled_from(WORDS)))
def test_any_order_of_its_cues_can_be_read(tokens: list[str]) -> None:
    read(" ".join(tokens), ontology().phrases, n_clips=2)


@pytest.mark.parametrize(
    "forms",
    ["bark barks barked barking", "horse horses", "cry cries crying cried", "drum drums drumming"],
)
def test_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


# ---- negatives -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "captions", "absent", "way"),
    [
        (["dog"], [], "dogs", "label"),
        (["smash, crash"], [], "crash", "synonym"),
        (["owl"], [], "wild animal", "ancestor"),
        (["vehicle"], [], "car", "descendant"),
        (["musical instrument", "piano"], [], "drum", None),  # the piano is the instrument
        ([], ["A car passes"], "car", "in_caption"),
        (["dog"], ["It barks"], "rain", None),
    ],
)
def test_a_negative_that_is_there_is_named(
    labels: list[str], captions: list[str], absent: str, way: str | None
) -> None:
    clip = make_clip(labels=labels, captions=captions)
    expected = {"present": [], "absent": [absent], "verdict": None}
    row = make_sample(task="absence", clips=[clip], expected=expected)
    assert list(wrong_negatives(row)) == ([(way, absent)] if way else [])


def test_a_part_of_a_scene_may_be_any_of_its_kind() -> None:
    parts = [
        {"labels": labels, "captions": [], "onset_s": 0.0, "clip_id": "x"}
        for labels in (["musical instrument"], ["piano", "musical instrument"])
    ]
    clip = make_clip(labels=["musical instrument", "piano"], captions=[], parts=parts)
    expected = {"present": [], "absent": ["drum"], "verdict": None}
    row = make_sample(task="presence_absence", clips=[clip], expected=expected)
    assert list(wrong_negatives(row)) == [("descendant", "drum")]


@pytest.mark.parametrize(
    ("sound", "none"),
    [("inside, small room", True), ("silence", True), ("human voice", True), ("dog", False)],
)
def test_places_silence_and_headings_are_no_sounds(sound: str, none: bool) -> None:
    expected = {"present": [], "absent": [sound], "verdict": "no"}
    assert asks_for_no_sound(make_sample(task="presence_qa", expected=expected)) == none


# ---- diversity -------------------------------------------------------------------------------


def test_self_bleu_is_that_of_sacrebleu() -> None:
    texts = [
        "a dog barks .",
        "a dog barks loudly .",
        "there is no cat",
        "a dog",
        "rain falls on a roof and a dog barks .",
    ]
    assert self_bleu([words(text) for text in texts]) == pytest.approx(0.41157148740201865)


@given(st.lists(st.text("ab ", min_size=1), max_size=8))
def test_diversity_is_a_share_and_copies_lower_it(texts: list[str]) -> None:
    tokens = [words(text) for text in texts]
    assert 0 <= distinct(tokens, 1) <= 1
    assert 0 <= self_bleu(tokens) <= 1 + 1e-9
    assert distinct(tokens * 2, 1) <= distinct(tokens, 1)


# ---- the command -----------------------------------------------------------------------------


def qa(prompt_id: str, response: str, **changes: Any) -> Row:
    expected = {"present": [], "absent": ["cat"], "verdict": "no"}
    question = "Is there a sound of cat in the audio?"
    row = make_sample(prompt_id, response, task="presence_qa", question=question, expected=expected)
    return row | changes


def run(folder: Path, rows: list[Row], *options: str, monkeypatch: pytest.MonkeyPatch) -> int:
    write_shard(folder / "samples" / "00000.parquet", rows, SAMPLE)
    monkeypatch.setattr(sys, "argv", ["quality.py", str(folder), *options])
    with pytest.raises(SystemExit) as ended:
        quality.main()
    return int(ended.value.code or 0)


def test_figures_of_a_run_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        qa("p1", "No, there is no cat."),
        qa("p2", "No, there is no cat."),
        qa("p3", "No, I can hear a cat."),
        qa("p4", "Yes.", reject_reason="wrong_verdict"),
        make_sample("p5"),
    ]
    assert run(tmp_path, rows, "--json", "--show", "1", monkeypatch=monkeypatch) == 1
    [figures] = json.loads(capsys.readouterr().out)
    tasks = {one["task"]: one for one in figures["tasks"]}
    assert (
        tasks["presence_qa"] | {"rows": 4, "kept": 3, "replies": 2, "duplicates": 1}
        == (tasks["presence_qa"])
    )
    assert tasks["presence_qa"]["contradictions"] == 1
    assert figures["reject_reasons"] == [{"task": "presence_qa", "reason": "wrong_verdict", "n": 1}]
    assert [aim["met"] for aim in figures["aims"]] == [True, False, True]
    assert {one["response"] for one in figures["examples"]} == {"No, I can hear a cat."}


def test_aims_that_are_met_end_well_and_stand_in_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, [qa("p1", "No, it is not.")], "--markdown", monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    assert re.search(r"\| contradictions in presence_qa \| 0 \| 0 of 1 \| yes \|", out)


def test_a_folder_without_samples_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["quality.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        quality.main()
    assert capsys.readouterr().err.startswith(f"quality: {tmp_path / 'samples'}: ")


# ---- the corpus of real metadata -------------------------------------------------------------


@given(st.dictionaries(st.text(), st.integers(0, 50), min_size=1), st.integers(0, 120))
def test_shares_are_equal_where_sizes_allow(sizes: dict[str, int], wanted: int) -> None:
    quotas = make_real_corpus.shares(sizes, wanted)
    assert sum(quotas.values()) == min(wanted, sum(sizes.values()))
    largest = max(quotas.values())
    assert all(quotas[name] in (size, largest, largest - 1) for name, size in sizes.items())


def test_a_drawn_corpus_is_read_as_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    lines = [f'{n:011d}, 0.000, 10.000, "/m/09x0r,/t/dd00088"' for n in range(30)]
    write(data / "audioset" / "balanced_train_segments.csv", ["# a", "# b", SEGMENTS, *lines])
    lines = [f'{n},{n // 5:011d},30,"A dog barks, {n} times"' for n in range(20)]
    write(data / "audiocaps" / "val.csv", ["audiocap_id,youtube_id,start_time,caption", *lines])
    argv = ["x", str(out), "--data", str(data), "--clips", "10"]
    monkeypatch.setattr(sys, "argv", argv)
    make_real_corpus.main()
    assert "audioset 6, audiocaps 4 clips" in capsys.readouterr().out
    segments = AudioSetCorpus(
        reader="audioset", metadata=[out / "audioset" / "balanced_train_segments.csv"]
    )
    [batch] = CORPORA["audioset"].read(segments)  # no note: the head promises what there is
    assert isinstance(batch, pa.RecordBatch)
    assert batch.num_rows == 6
    captions = AudioCapsCorpus(reader="audiocaps", metadata=[out / "audiocaps" / "val.csv"])
    clips = list(CORPORA["audiocaps"].read(captions))
    assert [len(clip.captions) for clip in clips if isinstance(clip, RawClip)] == [5] * 4


SEGMENTS = "# YTID, start_seconds, end_seconds, positive_labels"


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n")
