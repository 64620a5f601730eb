"""A push sends a sound dataset as it is, once, and tells in a line what stood in its way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Run, one_line
from sample_rows import make_clip, make_sample
from tiny_dataset import SAMPLES, make_dataset
from tiny_hub import TOKEN, TinyHub, tiny_hub

from balsa_pipe.schemas import DATASET_ROW
from balsa_pipe.shards import read_shard, read_shards

FILES = [
    "README.md",
    "croissant.json",
    "provenance.json",
    "train/00000.parquet",
    "validation/00000.parquet",
]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TinyHub]:
    """Yield a hub that a push goes to, with a token that it takes."""
    from huggingface_hub import constants
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()  # the command line does so before it is imported
    with tiny_hub() as found:
        monkeypatch.setattr(constants, "ENDPOINT", found.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield found


def rows_of(hub: TinyHub, folder: Path, repo: str = "me/sounds", branch: str = "main") -> Path:
    """Write what the hub has into a folder."""
    for name, data in hub.repos[repo][branch].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_a_dataset_arrives_as_it_is_and_only_once(run: Run, tmp_path: Path, hub: TinyHub) -> None:
    dataset = make_dataset(tmp_path / "run")
    (dataset / "notes.txt").write_text("not of the dataset")
    status, out, err = run("push", dataset, "--repo", "me/sounds", "--private", "--json")
    assert status == 0, err
    assert [row["file"] for row in json.loads(out)] == FILES
    assert err.splitlines()[-1].startswith(f"push: changed {', '.join(FILES)}: {hub.url}/datasets/")
    assert hub.private == {"me/sounds": True}
    assert sorted(hub.repos["me/sounds"]["main"]) == FILES
    for name in FILES:
        assert hub.repos["me/sounds"]["main"][name] == (dataset / name).read_bytes()

    hub.calls.clear()
    status, _, err = run("push", dataset, "--repo", "me/sounds")
    assert (status, err) == (0, "push: me/sounds has all of it already; nothing was sent\n")
    assert not {"upload", "commit", "preupload"} & set(hub.calls)


def test_only_what_changed_goes_and_shards_that_are_no_more_are_removed(
    run: Run, tmp_path: Path, hub: TinyHub
) -> None:
    run("push", make_dataset(tmp_path / "old"), "--repo", "me/sounds")
    hub.repos["me/sounds"]["main"] |= {"train/00001.parquet": b"old", "mine.txt": b"kept"}
    hub.calls.clear()
    samples = [*SAMPLES[:3], make_sample("e5", "A dog howls.")]
    dataset = make_dataset(tmp_path / "new", [*samples, SAMPLES[3]])
    status, _, err = run("push", dataset, "--repo", "me/sounds")
    assert status == 0, err
    assert "changed README.md, croissant.json, provenance.json, train/00000.parquet, " in err
    assert hub.calls.count("upload") == 1
    assert sorted(hub.repos["me/sounds"]["main"]) == sorted([*FILES, "mine.txt"])


def test_a_branch_is_made(run: Run, tmp_path: Path, hub: TinyHub) -> None:
    dataset = make_dataset(tmp_path / "run")
    for _ in range(2):
        assert run("push", dataset, "--repo", "me/sounds", "--revision", "v2")[0] == 0
    assert sorted(hub.repos["me/sounds"]["v2"]) == FILES
    assert hub.repos["me/sounds"]["main"] == {}


def test_what_should_be_private_does_not_go_into_a_public_repo(
    run: Run, tmp_path: Path, hub: TinyHub
) -> None:
    hub.repos["me/sounds"], hub.private["me/sounds"] = {"main": {}}, False
    dataset = make_dataset(tmp_path / "run")
    told = one_line(run("push", dataset, "--repo", "me/sounds", "--private"))
    assert told.startswith("push: me/sounds is there already and public")
    assert hub.repos["me/sounds"]["main"] == {}


def test_a_dry_run_needs_no_network_and_no_token(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    dataset = make_dataset(tmp_path / "run")
    status, out, err = run("push", dataset, "--repo", "me/sounds", "--dry-run", "--json")
    assert status == 0
    assert {row["file"]: row["bytes"] for row in json.loads(out)} == {
        name: (dataset / name).stat().st_size for name in FILES
    }
    assert err == "push: 5 files would go to me/sounds; nothing was sent\n"


def test_no_path_of_this_machine_goes_out(run: Run, tmp_path: Path, hub: TinyHub) -> None:
    home = tmp_path / "home" / "ann"
    clips = [
        make_clip("c1", path=str(home / "sounds" / "x" / "a.wav")),
        make_clip("c2", path=str(home / "sounds" / "b.wav")),
        make_clip("c3", path="data/c.wav", corpus="other"),
        make_clip("c4", path=r"C:\Users\ann\d.wav", corpus="windows"),
    ]
    samples = [make_sample(f"p{n}", clips=[clip]) for n, clip in enumerate(clips)]
    corpus = {"reader": "table", "name": "tiny", "root": str(home / "sounds")}
    ingest = {"corpora": [corpus], "held_out": []}
    dataset = make_dataset(tmp_path / "run", samples, ingest=ingest)
    status, _, err = run("push", dataset, "--repo", "me/sounds")
    assert status == 0, err
    assert "push: paths of clips are told below the folder that their corpus shares" in err
    there = rows_of(hub, tmp_path / "there")
    rows = read_shard(there / "train" / "00000.parquet", DATASET_ROW)
    paths = [row["clips"][0]["path"] for row in rows]
    assert paths == ["x/a.wav", "b.wav", "data/c.wav", "d.wav"]
    rest = [row | {"clips": [clip | {"path": None} for clip in row["clips"]]} for row in rows]
    here = read_shards(dataset / "train", DATASET_ROW)
    assert rest == [r | {"clips": [c | {"path": None} for c in r["clips"]]} for r in here]
    texts = "".join((there / name).read_text() for name in FILES[:3]) + json.dumps(rows)
    assert str(tmp_path) not in texts
    assert "Users" not in texts
    assert run("push", there, "--repo", "me/sounds")[2].endswith("nothing was sent\n")
    assert run("push", dataset, "--repo", "me/sounds")[2].endswith("nothing was sent\n")


def test_licences_that_forbid_are_named(run: Run, tmp_path: Path) -> None:
    clips = [
        make_clip("c1", licence="CC BY-NC 3.0"),
        make_clip("c2", licence=None),
        make_clip("c3", licence="CC0"),
    ]
    dataset = make_dataset(tmp_path / "run", [make_sample("p0", clips=clips)])
    _, _, err = run("push", dataset, "--repo", "me/sounds", "--dry-run")
    assert err.splitlines()[:-1] == [
        "push: warning: 'CC BY-NC 3.0' (1 clips): no commercial use",
        "push: warning: 'licence not recorded' (1 clips): nobody says what it allows",
    ]


# ---- what stands in the way ------------------------------------------------------------------


def test_a_folder_that_is_not_whole(run: Run, tmp_path: Path) -> None:
    def told(folder: Path) -> str:
        return one_line(run("push", folder, "--repo", "me/sounds", "--dry-run"))

    assert (
        told(tmp_path / "none")
        == f"{tmp_path / 'none'}: no such folder; name the folder of a dataset"
    )
    dataset = make_dataset(tmp_path / "run")
    (dataset / "README.md").rename(tmp_path / "README.md")
    assert "has no README.md, so it is no finished dataset; run snakemake" in told(dataset)
    (tmp_path / "README.md").rename(dataset / "README.md")
    half = dataset / "train" / "00001.parquet.partial"
    half.touch()
    assert "a file that was never finished" in told(dataset)
    half.unlink()
    (dataset / "train" / "00000.parquet").write_bytes(b"PAR1 no more")
    assert "not a complete Parquet file" in told(dataset)


def test_a_card_of_other_shards(run: Run, tmp_path: Path) -> None:
    dataset, other = make_dataset(tmp_path / "run"), make_dataset(tmp_path / "other", SAMPLES[1:])
    shard = Path("train", "00000.parquet")
    (dataset / shard).write_bytes((other / shard).read_bytes())
    told = one_line(run("push", dataset, "--repo", "me/sounds", "--dry-run"))
    assert "croissant.json and README.md don't tell of the shards that are there now" in told


def test_people_may_write_into_the_card(run: Run, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "run")
    card = dataset / "README.md"
    card.write_text(card.read_text().replace("## Rows", "Ask Ann.\n\n## Rows"))
    assert run("push", dataset, "--repo", "me/sounds", "--dry-run")[0] == 0


@pytest.mark.parametrize("repo", ["sounds", "me/so unds", "a/b/c", "me/..", "me/x.git", "/x", ""])
def test_a_name_that_the_hub_does_not_take(run: Run, tmp_path: Path, repo: str) -> None:
    told = one_line(run("push", tmp_path, "--repo", repo, "--dry-run"))
    assert told.startswith(f"push: --repo {repo!r}: ")


@pytest.mark.parametrize(
    ("call", "status", "advice"),
    [
        ("whoami", 401, "the token was refused; make a token with write access"),
        ("create", 403, "the token doesn't allow that; name a repo of your own"),
        ("tree", 404, "there is no such repo or branch, or this token can't see it"),
        ("commit", 409, "somebody else changed it meanwhile; push again"),
        ("batch", 413, "the hub takes no file that large"),
        ("create", 500, "try again later"),
    ],
)
def test_a_refusal_says_what_to_do_and_no_token(
    run: Run, tmp_path: Path, hub: TinyHub, call: str, status: int, advice: str
) -> None:
    hub.refusals[call] = status
    dataset = make_dataset(tmp_path / "run")
    told = one_line(run("push", dataset, "--repo", "me/sounds"))
    assert told.startswith(f"push: me/sounds: the hub says {status} (")
    assert advice in told
    assert TOKEN not in told


def test_no_token(run: Run, tmp_path: Path, hub: TinyHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    told = one_line(run("push", make_dataset(tmp_path / "run"), "--repo", "me/sounds"))
    assert told.startswith("push: there is no token for the hub; make a token")
    assert hub.calls == []


def test_no_network(
    run: Run, tmp_path: Path, hub: TinyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    told = one_line(run("push", make_dataset(tmp_path / "run"), "--repo", "me/sounds"))
    assert "http://127.0.0.1:9 can't be reached" in told
    assert TOKEN not in told


def test_it_works_as_users_call_it(tmp_path: Path, hub: TinyHub) -> None:
    dataset = make_dataset(tmp_path / "run")
    env = os.environ | {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "hf")}
    env |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    words = [sys.executable, "-m", "balsa_pipe", "push", str(dataset), "--repo", "me/sounds"]
    ended = subprocess.run(words, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert sorted(hub.repos["me/sounds"]["main"]) == FILES
    assert TOKEN not in ended.stdout + ended.stderr
