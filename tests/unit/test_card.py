"""The card says what is in a dataset and whose it is, and the dataset loads as the card says."""

import html
import json
import logging
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sample_rows import make_clip, make_sample
from tiny_dataset import PROMPTS, SAMPLES, make_dataset

from balsa_pipe.card import CROISSANT, PROVENANCE, README, card_files, facts, facts_of
from balsa_pipe.card.columns import MEANINGS, columns, flat
from balsa_pipe.card.licences import address, caution, hub_licence
from balsa_pipe.card.provenance import is_local, shareable
from balsa_pipe.card.readme import stamp_of
from balsa_pipe.schemas import DATASET_ROW, Row
from balsa_pipe.shards import read_shards

HOSTILE = (
    "<script>alert(1)</script> | [x](javascript:y) `code` *b* _i_ # h\n---\n## Injected <|im_end|>"
)


def make_card(tmp_path: Path, *samples: Row, **told: Any) -> str:
    return (make_dataset(tmp_path / "run", samples, **told) / README).read_text()


def header(text: str) -> dict[str, Any]:
    _, block, _ = text.split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(block)
    return found


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n\n")[1].split("\n\n## ")[0].strip()


# ---- README.md -------------------------------------------------------------------------------


def test_the_header_is_what_the_hub_reads(tmp_path: Path) -> None:
    assert header(make_card(tmp_path, *SAMPLES)) == {
        "pretty_name": "Tiny data",
        "language": ["en"],
        "license": ["cc-by-4.0", "cc0-1.0"],
        "task_categories": ["audio-text-to-text"],
        "tags": ["audio", "synthetic"],
        "size_categories": ["n<1K"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "train/*.parquet"},
                    {"split": "validation", "path": "validation/*.parquet"},
                ],
            }
        ],
    }


def test_the_header_promises_no_more_than_there_is(tmp_path: Path) -> None:
    nobodys = make_sample("b", clips=[make_clip(licence="mine alone")])
    silent = make_sample("c", task="text_only", clips=[], question="Was ist das für ein Wort?")
    found = header(make_card(tmp_path, nobodys, silent))
    assert [one["split"] for one in found["configs"][0]["data_files"]] == ["train"]
    assert (found["license"], found["license_name"]) == ("other", "licences-of-the-sources")
    assert found["task_categories"] == ["audio-text-to-text", "text-generation"]


def test_the_card_counts_rows_rejects_and_duplicates(tmp_path: Path) -> None:
    assert section(make_card(tmp_path, *SAMPLES), "Rows") == (
        "| task | yes or no | drawn by | train | validation | of these duplicates |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| absence | - | popular | 0 | 1 | 0 |\n"
        "| caption | - | - | 2 | 0 | 1 |\n"
        "| all |  |  | 2 | 1 | 1 |\n\n"
        "4 replies were judged, 3 kept.\n\n"
        "- absence: 100% of the replies kept; rejected: none\n"
        "- caption: 67% of the replies kept; rejected: empty 1\n"
        "- absence: 0% of 1 replies are near-copies of a reply to other clips\n"
        "- caption: 0% of 1 replies are near-copies of a reply to other clips"
    )


def test_the_card_names_clips_wordings_writers_and_configs(tmp_path: Path) -> None:
    held_out = [{"reader": "clotho", "name": "clotho"}]
    text = make_card(tmp_path, *SAMPLES, ingest={"corpora": [], "held_out": held_out})
    clips = section(text, "Clips")
    assert clips.startswith("| corpus | clips | hours |\n| --- | --- | --- |\n| tiny | 2 | 0.0 |")
    assert "9 rows of metadata were read; 6 clips and 1 mixed scenes" in clips
    assert "Left out: too\\_long 2." in clips
    assert "Held out: clotho (5 recordings and sounds)." in clips
    assert "| absence/rule\\_out | 1 | Which sounds can you rule out? |" in text
    writers = section(text, "Who wrote the replies")
    assert '| tiny-llm | abc | fake 1 | {"temperature": 0.7} | 3 |' in writers
    assert re.search(r"^- synthesize: config [0-9a-f]{16}, code version 2, seed 3$", writers, re.M)
    assert "Labels are incomplete" in section(text, "Known limits")
    assert "| clips.licence | the recording's licence" in section(text, "Columns")


def folded(line: str) -> str:
    return f"<details><summary>1 sources</summary>\n\n{line}\n\n</details>"


def test_sources_are_grouped_by_licence_and_counted_once_a_clip(tmp_path: Path) -> None:
    nameless = make_clip("clip-c", licence=None, source=None)
    text = make_card(tmp_path, *SAMPLES, make_sample("e", "Nothing.", clips=[nameless]))
    assert section(text, "Licences and sources").split("\n\n<!--")[0] == (
        "Before you pass the data on or sell what was made of it, look at these licences:\n\n"
        "- licence not recorded: nobody says what it allows\n\n"
        f"**CC-BY-4.0** (1 clips)\n\n{folded('- Bob (1 clips)')}\n\n"
        f"**CC0** (1 clips)\n\n{folded('- Ann, https://example.org/dogs (1 clips)')}\n\n"
        "**licence not recorded** (1 clips)\n\n"
        f"{folded('- corpus tiny, source not recorded (1 clips)')}"
    )


def test_many_sources_are_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MAX_SOURCES", 2)
    clips = [make_clip(f"c{n}", source=f"Maker {n}") for n in range(5)]
    found = section(make_card(tmp_path, make_sample("a", clips=clips)), "Licences and sources")
    assert "- Maker 1 (1 clips)\n- and 3 more, in `clips[].source` of the rows" in found
    assert "(5 clips)" in found


def test_text_from_data_is_shown_as_text(tmp_path: Path) -> None:
    clip = make_clip(licence=HOSTILE, source=HOSTILE, corpus=HOSTILE)
    sample = make_sample("a", clips=[clip], question=HOSTILE, model=HOSTILE)
    held_out = [{"reader": HOSTILE, "name": HOSTILE}]
    text = make_card(tmp_path, sample, title=HOSTILE, ingest={"held_out": held_out})
    body = text.split("---\n", 2)[2]
    assert "<script>" not in body
    assert "<|im_end|>" not in body
    assert "\n## Injected" not in text
    assert not re.search(r"(?<!\\)\[x", body)
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 6, 7)  # the tables' own
    assert header(text)["pretty_name"] == " ".join(HOSTILE.split())
    assert html.escape("<script>") in text


def test_same_rows_same_bytes_and_the_stamp_outlives_edits(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "run")
    files = card_files(facts_of(dataset))
    assert files == {name: (dataset / name).read_text() for name in (README, CROISSANT)}
    assert stamp_of(files[README].replace("# Tiny data", "# Ours")) == stamp_of(files[README])
    assert stamp_of(files[README]) != stamp_of(make_card(tmp_path / "2", *SAMPLES[:2]))
    assert stamp_of("# By hand") is None


def test_no_absolute_path_is_told(tmp_path: Path) -> None:
    ingest = {"corpora": [{"reader": "table", "root": str(tmp_path), "metadata": "~/m.csv"}]}
    dataset = make_dataset(tmp_path / "run", ingest=ingest)
    text = "".join((dataset / name).read_text() for name in (README, CROISSANT, PROVENANCE))
    assert str(tmp_path) not in text
    assert "~/" not in text
    assert str(PROMPTS) not in text


@given(st.lists(st.sampled_from(["/", "\\", "~", "C:", "a", "..", " "])).map("".join))
@example(r"C:\Users\ann\x.csv")
def test_what_is_shared_is_never_a_place(path: str) -> None:
    shared = shareable({"x": [path]})["x"][0]
    assert not is_local(shared)
    assert shared in path
    assert shared == path or is_local(path)


# ---- croissant.json --------------------------------------------------------------------------


def records(dataset: Path, monkeypatch: pytest.MonkeyPatch, n: int) -> list[Row]:
    """Return the first rows as mlcroissant loads them, once it finds nothing wrong."""
    import mlcroissant

    monkeypatch.setattr(logging, "raiseExceptions", False)
    found = mlcroissant.Dataset(dataset / CROISSANT)
    assert found.metadata.issues.errors == set()
    assert {text.rpartition("/")[2].split('"')[0] for text in found.metadata.issues.warnings} <= {
        "citeAs",
        "datePublished",
    }
    return [_plain(record) for record in islice(found.records("rows"), n)]


def _plain(value: Any) -> Any:
    """Return what mlcroissant gives as Parquet has it: texts for bytes, the last part of names."""
    if isinstance(value, dict):
        return {name.rpartition("/")[2]: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.decode() if isinstance(value, bytes) else value


def without_parts(row: Row) -> Row:
    return row | {"clips": [{k: v for k, v in c.items() if k != "parts"} for c in row["clips"]]}


def test_mlcroissant_loads_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = make_sample(
        "m",
        HOSTILE,
        clips=[
            make_clip(audio_hash="ab", duration_s=1.5, sample_rate_hz=16000, path="a.wav"),
            make_clip("clip-z", labels=["dog", "cat"], captions=[HOSTILE], source=None),
        ],
        expected={"present": ["dog", "cat"], "absent": [HOSTILE], "verdict": "yes"},
    )
    dataset = make_dataset(tmp_path / "run", [*SAMPLES, many], title=HOSTILE)
    rows = [without_parts(row) for row in read_shards(dataset, DATASET_ROW)]
    assert records(dataset, monkeypatch, 9) == rows


def test_a_citation_and_a_day_leave_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlcroissant

    about = {"citation": "@misc{tiny}", "published": "2026-01-02"}
    dataset = make_dataset(tmp_path / "run", SAMPLES, **about)
    assert mlcroissant.Dataset(dataset / CROISSANT).metadata.issues.warnings == set()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_one_card(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    sample = make_sample("a", clips=[make_clip(licence=text, source=text)], question=text)
    folder = tmp_path_factory.mktemp("any")
    dataset = make_dataset(folder / "run", [sample], title=text)
    assert header((dataset / README).read_text())["pretty_name"] == " ".join(text.split())
    assert json.loads((dataset / CROISSANT).read_text())["name"] == " ".join(text.split())


def test_every_column_is_explained_and_nothing_else() -> None:
    assert [column.name for column in flat(columns())] == list(MEANINGS)
    assert [column.name for column in columns()] == DATASET_ROW.names


# ---- licences --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licence", "hub", "url", "why"),
    [
        ("CC0", "cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", None),
        ("CC BY 4.0", "cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/", None),
        ("http://creativecommons.org/licenses/by-nc/3.0/", "cc-by-nc-3.0",
         "https://creativecommons.org/licenses/by-nc/3.0/", "no commercial use"),
        ("CC-BY-ND-2.0", None, "https://creativecommons.org/licenses/by-nd/2.0/",
         "changed works may not be shared, and captions were rewritten"),
        ("MIT", "mit", "https://spdx.org/licenses/MIT.html", None),
        ("CC BY 4.0 by its card, which allows academic use only", None,
         "CC BY 4.0 by its card, which allows academic use only", "no commercial use"),
        ("All rights reserved", None, "All rights reserved", "it forbids passing on"),
        ("licence not recorded", None, "licence not recorded", "nobody says what it allows"),
        ("Sand and wind", None, "Sand and wind", None),
    ],
)  # fmt: skip
def test_licences_are_known_by_many_names(
    licence: str, hub: str | None, url: str, why: str | None
) -> None:
    assert (hub_licence(licence), address(licence), caution(licence)) == (hub, url, why)


# ---- loading ---------------------------------------------------------------------------------


def test_the_dataset_loads_as_the_card_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    folder, cache = make_dataset(tmp_path / "run"), str(tmp_path / "cache")
    whole = datasets.load_dataset(str(folder), cache_dir=cache)
    assert {split: len(rows) for split, rows in whole.items()} == {"train": 2, "validation": 1}
    assert whole["train"][0] == next(iter(read_shards(folder / "train", DATASET_ROW)))
    files = {"train": str(folder / "train" / "*.parquet")}
    train = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
    assert train["duplicate_of"][:] == [None, "a1"]
