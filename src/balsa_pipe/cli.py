"""The command line: one command per stage, tools around them, and the boundary where errors end."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import typer

from balsa_pipe import shards_cli
from balsa_pipe.errors import BalsaError, ConfigError, one_line
from balsa_pipe.files import write_whole
from balsa_pipe.locks import joined_run
from balsa_pipe.terminal import AsJson, log, show

T = TypeVar("T")

app = typer.Typer(
    help="From audio metadata to a trained, evaluated audio-aware LLM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(shards_cli.app, name="shards")

Config = Annotated[Path, typer.Option("--config", help="the stage's JSON, written by snakemake")]
Out = Annotated[Path, typer.Option("--out", help="what the stage writes")]
WholeConfig = Annotated[Path, typer.Option("--config", help="a run's config")]
DEFAULT_CONFIG = Path("configs/demo.yaml")


@app.command()
def fetch(
    what: Annotated[Literal["demo"], typer.Argument(help="the asset set")] = "demo",
    folder: Annotated[Path, typer.Option(help="where it goes")] = Path("data/assets"),
) -> None:
    """Fetch the embedded models and recordings, pinned and checked.

    Example: balsa fetch demo
    """
    from balsa_pipe.assets.fetch import fetch_demo

    result = fetch_demo(folder, log)
    summary = {"clips": result.clips, "models": sorted(result.models), "missing": result.missing}
    _write(folder / f"{what}.json", json.dumps(summary, indent=2) + "\n")
    log(f"fetch: {sum(result.clips.values())} recordings, {len(result.models)} models in {folder}")


@app.command()
def corpora(as_json: AsJson = False) -> None:
    """List the corpora that can be read: what each is, its licence, where to get it, its size.

    Example: balsa corpora
    """
    from balsa_pipe.corpora import list_corpora
    from balsa_pipe.inspection.table import render_cards

    show(list_corpora(), as_json, render_cards)


@app.command()
def ingest(
    config: Annotated[Path, typer.Option("--config", help="a config, or the stage's JSON")],
    out: Annotated[Path | None, typer.Option("--out", help="clips.parquet")] = None,
    ledger: Annotated[Path | None, typer.Option(help="counts of rows in, out, left out")] = None,
    rejects: Annotated[Path | None, typer.Option(help="every row left out, and why, JSONL")] = None,
    scenes: Annotated[Path | None, typer.Option(help="folder of the mixed scenes")] = None,
    audio_facts: Annotated[Path | None, typer.Option(help="cache of what files hold")] = None,
    workers: Annotated[int, typer.Option(help="files decoded at once")] = 2,
    check_audio: Annotated[
        bool, typer.Option("--check-audio", help="only say which audio files are missing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Turn corpus metadata into clips: probe the audio, choose the splits, mix the scenes.

    Example: balsa ingest --check-audio --config configs/demo.yaml
    """
    from balsa_pipe import ingest as stages

    stage = _stage(config)
    if check_audio:
        from balsa_pipe.ingest.checking import check_audio as check

        found = check(stage.need("ingest"), log)
        show(found, as_json)
        raise typer.Exit(int(any(row["missing"] for row in found)))
    if not (out and ledger and rejects and scenes and audio_facts):
        needed = "--out, --ledger, --rejects, --scenes and --audio-facts"
        raise ConfigError(f"ingest: {needed} are needed, unless --check-audio is given")
    scenes.mkdir(parents=True, exist_ok=True)
    counts = stages.ingest_clips(
        stage.need("ingest"),
        stages.Places(out, rejects, scenes, audio_facts),
        rng_seed=stage.rng_seed,
        workers=workers,
        log=log,
        facts=_facts(stage),
    )
    _write(ledger, json.dumps(counts, indent=2, ensure_ascii=False) + "\n")


@app.command()
def compose(
    config: Config,
    clips: Annotated[Path, typer.Option(help="clips.parquet")],
    out: Annotated[Path, typer.Option("--out", help="folder of the seed prompt shards")],
) -> None:
    """Write the seed prompts: what the LLM will be asked about which clips.

    Example: balsa compose --config data/demo/config/compose.json --clips data/demo/clips.parquet
    --out data/demo/seed_prompts
    """
    from balsa_pipe.compose import (
        compose_seed_prompts,
        count_rows,
        prompt_names,
        split_into_shards,
    )
    from balsa_pipe.prompts import load_book
    from balsa_pipe.schemas import CLIP, SEED_PROMPT
    from balsa_pipe.shards import read_shard, write_shard

    stage = _stage(config)
    settings = stage.need("compose")
    book = load_book(settings.prompts, prompt_names(settings))
    rows = compose_seed_prompts(read_shard(clips, CLIP), book, settings, rng_seed=stage.rng_seed)
    for index, shard in enumerate(split_into_shards(rows, settings.shards)):
        write_shard(out / f"{index:05d}.parquet", shard, SEED_PROMPT, facts=_facts(stage))
    counts = count_rows(rows, settings)
    each = ", ".join(f"{task} {count}" for task, count in counts.items())
    log(f"compose: {len(rows)} seed prompts: {each}")
    if none := [task for task, count in counts.items() if count == 0]:
        log(
            f"compose: none of {', '.join(none)}: the clips are too few, or no sound is in some "
            "and absent from others; give more clips, or set these tasks to 0"
        )


@app.command()
def synthesize(
    config: Config,
    seed_prompts: Annotated[Path, typer.Option(help="one shard of seed prompts")],
    journal: Annotated[Path, typer.Option(help="the shard's journal, which outlives the job")],
    out: Out,
) -> None:
    """Let the LLM answer a shard of seed prompts, and judge its replies.

    Example: balsa synthesize --config data/demo/config/synthesize.json
    --seed-prompts data/demo/seed_prompts/00000.parquet
    --journal data/demo/samples/journal/00000.jsonl --out data/demo/samples/00000.parquet
    """
    from balsa_pipe.chat import load_tokenizer
    from balsa_pipe.engines import build_engine, identify
    from balsa_pipe.schemas import SAMPLE, SEED_PROMPT
    from balsa_pipe.shards import read_shard, write_shard
    from balsa_pipe.synthesize import open_journal, synthesize_samples
    from balsa_pipe.tasks import TASKS

    stage = _stage(config)
    settings = stage.need("synthesize")
    identity = identify(settings.engine, stage.llm)
    with open_journal(journal) as rows_done:
        samples = synthesize_samples(
            read_shard(seed_prompts, SEED_PROMPT),
            tokenizer=load_tokenizer(stage.llm),
            identity=identity,
            make_engine=lambda: build_engine(
                settings.engine, stage.llm, settings, identity=identity
            ),
            journal=rows_done,
            cfg=settings,
            judge=lambda row, reply, finish: TASKS[row["task"]].judge(row, reply, finish),
            log=log,
            rng_seed=stage.rng_seed,
        )
    write_shard(out, samples, SAMPLE, facts=_facts(stage))


@app.command()
def curate(
    config: Config,
    samples: Annotated[list[Path], typer.Argument(help="sample shards")],
    clips_ledger: Annotated[Path, typer.Option(help="ingest's ledger")],
    dataset: Annotated[Path, typer.Option(help="folder of the dataset")],
    ledger: Annotated[Path, typer.Option(help="counts of what came in and what was left out")],
) -> None:
    """Make the dataset: kept rows, duplicates marked, a card, and a ledger of all the rest.

    The card tells the configs of the stages before, which lie beside this one's.

    Example: balsa curate --config data/demo/config/curate.json
    --clips-ledger data/demo/clips.ledger.json --dataset data/demo/dataset
    --ledger data/demo/ledger.json data/demo/samples/*.parquet
    """
    from balsa_pipe.card import dataset_files
    from balsa_pipe.curate import SPLITS, curate_samples, near_copy_shares, samples_of
    from balsa_pipe.schemas import DATASET_ROW
    from balsa_pipe.shards import write_shard

    stage = _stage(config)
    settings = stage.need("curate")
    with curate_samples(samples_of(samples), settings) as curation:
        for split in SPLITS:
            rows = curation.rows(split)
            write_shard(dataset / split / "00000.parquet", rows, DATASET_ROW, facts=_facts(stage))
    clips = {k: v for k, v in _read_json(clips_ledger).items() if k != "rows"}
    about = settings.model_dump(mode="json", include={"title", "citation", "published"})
    told = {**about, **_facts(stage), "ledger": curation.ledger, "clips": clips}
    for name, text in dataset_files(dataset, config.parent, told).items():
        _write(dataset / name, text)
    _write(ledger, json.dumps(curation.ledger, indent=2) + "\n")
    log(f"curate: {curation.ledger['in']} samples in, {curation.ledger['out']} kept")
    log(f"curate: near-copies of replies to other clips: {near_copy_shares(curation.ledger)}")


@app.command()
def train(
    config: Config,
    train: Annotated[Path, typer.Option(help="shards to fit")],
    validation: Annotated[Path, typer.Option(help="shards for the validation loss")],
    checkpoints: Annotated[Path, typer.Option(help="folder of checkpoints, which outlive the job")],
    out: Annotated[Path, typer.Option("--out", help="the model's folder")],
    losses: Annotated[Path, typer.Option(help="losses by step, JSONL")],
) -> None:
    """Fit the adapter and LoRA to the dataset.

    Example: balsa train --config data/demo/config/train.json --train data/demo/dataset/train
    --validation data/demo/dataset/validation --checkpoints data/demo/train
    --out data/demo/model --losses data/demo/train_log.jsonl
    """
    from balsa_pipe.schemas import DATASET_ROW
    from balsa_pipe.shards import read_shards

    stage = _stage(config)
    rows = {path: list(read_shards(path, DATASET_ROW)) for path in (train, validation)}
    settings = stage.need("train")

    from balsa_pipe.train import train_model

    result = train_model(
        rows[train],
        rows[validation],
        settings,
        llm=stage.llm,
        rng_seed=stage.rng_seed,
        code_version=stage.code_version,
        folder=checkpoints,
        log=log,
    )
    result.model.save(out)
    _write(out / "training.json", json.dumps({**_facts(stage), "replies_cut": result.replies_cut}))
    _write(losses, "".join(json.dumps(record) + "\n" for record in result.losses))
    log(f"train: the model is in {out}")


@app.command()
def evaluate(
    config: Config,
    clips: Annotated[Path, typer.Option(help="clips.parquet")],
    model: Annotated[Path, typer.Option(help="the model's folder")],
    journal: Annotated[Path, typer.Option(help="replies so far, which outlive the job")],
    predictions: Annotated[Path, typer.Option(help="every reply, parsed and scored")],
    metrics: Annotated[Path, typer.Option(help="the numbers")],
) -> None:
    """Ask the model, and its controls, about held-out clips; count what is right.

    Example: balsa evaluate --config data/demo/config/evaluate.json
    --clips data/demo/clips.parquet --model data/demo/model --journal data/demo/evaluate/replies.jsonl
    --predictions data/demo/predictions.parquet --metrics data/demo/metrics.json
    """
    from balsa_pipe.evaluate.run import evaluate_model
    from balsa_pipe.schemas import CLIP, PREDICTION
    from balsa_pipe.shards import read_shard, write_shard

    stage = _stage(config)
    rows, numbers = evaluate_model(
        model,
        read_shard(clips, CLIP),
        stage.need("evaluate"),
        run=stage.run,
        rng_seed=stage.rng_seed,
        journal_path=journal,
        log=log,
    )
    write_shard(predictions, rows, PREDICTION, facts=_facts(stage))
    _write(metrics, json.dumps(numbers, indent=2) + "\n")


@app.command()
def report(
    config: Config,
    metrics: Annotated[Path, typer.Option(help="metrics.json")],
    predictions: Annotated[Path, typer.Option(help="predictions.parquet")],
    losses: Annotated[Path, typer.Option(help="losses by step")],
    clips_ledger: Annotated[Path, typer.Option(help="ingest's ledger")],
    ledger: Annotated[Path, typer.Option(help="curate's ledger")],
    dataset: Annotated[Path, typer.Option(help="dataset shards to show samples of")],
    model: Annotated[Path, typer.Option(help="the model's folder")],
    out: Out,
) -> None:
    """Write the report: one page that opens offline.

    Example: balsa report --config data/demo/config/report.json --metrics data/demo/metrics.json
    --predictions data/demo/predictions.parquet --losses data/demo/train_log.jsonl
    --clips-ledger data/demo/clips.ledger.json --ledger data/demo/ledger.json
    --dataset data/demo/dataset/train --model data/demo/model --out data/demo/report.html
    """
    from balsa_pipe.report import build_report
    from balsa_pipe.schemas import DATASET_ROW, PREDICTION
    from balsa_pipe.shards import read_shard, read_shards

    stage = _stage(config)
    settings = stage.need("report")
    numbers = _read_json(metrics, "suites")
    parts = _read_json(model / "config.json", "llm", "llm_revision", "encoders", "adapter")
    facts = {
        "llm": parts["llm"],
        "llm_revision": parts["llm_revision"],
        "encoders": [encoder["path"] for encoder in parts["encoders"]],
        "adapter": parts["adapter"],
        "environment": numbers.get("environment", {}),
        "timings": _timings(out.parent / "benchmarks"),
    }
    page = build_report(
        run=stage.run,
        title=settings.title,
        metrics=numbers,
        train_log=_read_json_lines(losses),
        ingest_ledger=_read_json(clips_ledger),
        ledger=_read_json(ledger),
        samples=read_shards(dataset, DATASET_ROW),
        predictions=read_shard(predictions, PREDICTION),
        facts=facts,
        gallery=settings.gallery,
    )
    _write(out, page)
    log(f"report: {out} ({len(page.encode()) / 1e6:.1f} MB)")


@app.command("estimate")
def estimate_run(
    config: WholeConfig = DEFAULT_CONFIG,
    tokens_per_second: Annotated[
        float | None, typer.Option(min=1e-3, help="reply tokens a second; then hours are told")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how large a run will be, from its metadata: rows, tokens, disk, and hours if it can.

    Example: balsa estimate --config configs/demo.yaml
    """
    from dataclasses import asdict

    from balsa_pipe.config import load_config
    from balsa_pipe.draft import draft_rows
    from balsa_pipe.estimate import estimate, former_replies, render_estimate

    cfg = load_config(config)
    found = estimate(
        cfg, draft_rows(cfg, log), replies=former_replies(cfg), tokens_per_s=tokens_per_second
    )
    print(
        json.dumps(asdict(found), indent=2) if as_json else render_estimate(found),
        end="\n" * as_json,
    )


@app.command("preview")
def preview_run(
    config: WholeConfig = DEFAULT_CONFIG,
    n: Annotated[int, typer.Option("-n", min=1, help="rows of each task")] = 10,
    task: Annotated[str | None, typer.Option(help="only this task")] = None,
    html: Annotated[Path | None, typer.Option(help="write the rows as a page, too")] = None,
    as_json: AsJson = False,
) -> None:
    """Let the LLM write a few rows of each task, show them, and say what all would take.

    Nothing is written into the run. Example: balsa preview --config configs/demo.yaml -n 3
    """
    from balsa_pipe.config import load_config
    from balsa_pipe.draft import draft_rows
    from balsa_pipe.inspection.gallery import gallery_page
    from balsa_pipe.preview import preview, preview_json, render_preview

    cfg = load_config(config)
    found = preview(cfg, draft_rows(cfg, log), n, log, task=task)
    if html:
        notes = [f"{len(found.samples)} rows, drawn by hash", *found.estimate.notes]
        page = gallery_page(found.samples, f"A preview of {cfg.run}", notes)
        _write(html, page)
        log(f"preview: {html} ({len(page.encode()) / 1e6:.1f} MB)")
    text = json.dumps(preview_json(found), indent=2, ensure_ascii=False)
    print(text if as_json else render_preview(found), end="\n" * as_json)


@app.command()
def summary(
    run: Annotated[Path, typer.Argument(help="the run's folder")] = Path("data/demo"),
    as_json: AsJson = False,
) -> None:
    """Show a run's results as a short table.

    Example: balsa summary data/demo
    """
    from balsa_pipe.report.summary import render_summary, summary_rows

    show(summary_rows(_read_json(run / "metrics.json", "suites")), as_json, render_summary)
    if not as_json:
        print(f"report: {run / 'report.html'}")


@app.command()
def ask(
    model: Annotated[Path, typer.Argument(help="a model's folder")],
    words: Annotated[list[str], typer.Argument(help="audio files, then the question")],
    max_tokens: Annotated[int, typer.Option(help="longest reply")] = 64,
) -> None:
    """Ask a trained model about one or more audio files.

    Example: balsa ask data/demo/model some.wav "What can you hear?"
    """
    from balsa_pipe.model.ask import answer

    *files, question = words
    if not files:
        raise ConfigError("ask: name at least one audio file, then the question in quotes")
    print(answer(model, [Path(file) for file in files], question, max_tokens=max_tokens))


@app.command()
def push(
    dataset: Annotated[Path, typer.Argument(help="a dataset's folder")],
    repo: Annotated[str, typer.Option(help="owner/name on the Hugging Face hub")],
    private: Annotated[bool, typer.Option("--private", help="a new repo only you can see")] = False,
    revision: Annotated[str | None, typer.Option(help="the branch; made if there is none")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only say what would go; no network is used")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a dataset and upload what has changed to the Hugging Face hub, as one commit.

    Example: balsa push data/demo/dataset --repo me/sounds --private --dry-run
    """
    from balsa_pipe.push import push as upload

    found = upload(dataset, repo, log, private=private, revision=revision, dry_run=dry_run)
    show(({"file": name, "bytes": size} for name, size in found.files.items()), as_json)
    if dry_run:
        log(f"push: {len(found.files)} files would go to {repo}; nothing was sent")
    elif found.url is None:
        log(f"push: {repo} has all of it already; nothing was sent")
    else:
        log(f"push: changed {', '.join(found.changed)}: {found.url}")


@app.command()
def doctor(
    assets: Annotated[Path, typer.Option(help="the asset folder")] = Path("data/assets"),
    as_json: AsJson = False,
) -> None:
    """Say what this environment has and lacks, and what to do about each.

    Example: balsa doctor
    """
    from dataclasses import asdict

    from balsa_pipe.doctor import diagnose

    findings = diagnose(assets)
    show((asdict(finding) for finding in findings), as_json)
    if any(finding.status == "missing" for finding in findings):
        raise typer.Exit(1)


def main() -> NoReturn:
    """Run the command line: a user's mistake is one line and exit code 2."""
    for bars in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(bars, "1")  # stages log their own progress
    try:
        with joined_run():
            app()
    except BalsaError as error:
        log(f"balsa: {one_line(error)}")
        sys.exit(2)
    sys.exit(0)


def _stage(path: Path) -> Any:
    from balsa_pipe.config import load_stage_config

    return load_stage_config(path)


def _facts(stage: Any) -> dict[str, object]:
    from balsa_pipe import __version__

    return {
        "run": stage.run,
        "stage": stage.stage,
        "code_version": stage.code_version,
        "rng_seed": stage.rng_seed,
        "balsa_pipe": __version__,
    }


def _timings(folder: Path) -> dict[str, float]:
    """Return the seconds of each stage, summed over its jobs, from Snakemake's benchmark files."""
    seconds: dict[str, float] = {}
    for path in sorted(folder.rglob("*.tsv")):
        stage = path.relative_to(folder).parts[0].removesuffix(".tsv")
        for line in path.read_text().splitlines()[1:]:  # none when a kill left the file empty
            seconds[stage] = seconds.get(stage, 0.0) + float(line.split()[0])
    return seconds


def _read_json(path: Path, *needed: str) -> dict[str, Any]:
    """Return a file's JSON object, which has the keys that are needed."""

    def parse(text: str) -> dict[str, Any]:
        data = json.loads(text)
        lacks = [key for key in needed if key not in data] if isinstance(data, dict) else ["object"]
        if lacks:
            raise ValueError(f"no {', '.join(lacks)} in it")
        return dict(data)

    return _parsed(path, parse)


def _read_json_lines(path: Path) -> list[dict[str, Any]]:
    return _parsed(path, lambda text: [json.loads(line) for line in text.splitlines()])


def _parsed(path: Path, parse: Callable[[str], T]) -> T:
    """Return what a text file says; ConfigError when it is missing or damaged."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ConfigError(f"{path}: no such file; run the stage that writes it first") from exc
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: damaged ({exc}); delete it and run its stage again") from exc


def _write(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    try:
        write_whole(path, text)
    except OSError as exc:
        raise BalsaError(f"{path}: could not be written ({exc.strerror})") from exc
