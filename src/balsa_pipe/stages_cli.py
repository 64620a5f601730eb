"""The stages' commands: what the workflow runs, one for each stage."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from balsa_pipe.errors import ConfigError
from balsa_pipe.json_files import read_json, read_json_lines, write_text
from balsa_pipe.terminal import AsJson, log, show

app = typer.Typer()
PANEL = "Stages, which the workflow runs"

Config = Annotated[Path, typer.Option("--config", help="the stage's JSON, written by snakemake")]
Out = Annotated[Path, typer.Option("--out", help="what the stage writes")]


@app.command(rich_help_panel=PANEL)
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
    write_text(ledger, json.dumps(counts, indent=2, ensure_ascii=False) + "\n")


@app.command(rich_help_panel=PANEL)
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


@app.command(rich_help_panel=PANEL)
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


@app.command(rich_help_panel=PANEL)
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
    clips = {k: v for k, v in read_json(clips_ledger).items() if k != "rows"}
    about = settings.model_dump(mode="json", include={"title", "citation", "published"})
    told = {**about, **_facts(stage), "ledger": curation.ledger, "clips": clips}
    for name, text in dataset_files(dataset, config.parent, told).items():
        write_text(dataset / name, text)
    write_text(ledger, json.dumps(curation.ledger, indent=2) + "\n")
    log(f"curate: {curation.ledger['in']} samples in, {curation.ledger['out']} kept")
    log(f"curate: near-copies of replies to other clips: {near_copy_shares(curation.ledger)}")


@app.command(rich_help_panel=PANEL)
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
    write_text(
        out / "training.json", json.dumps({**_facts(stage), "replies_cut": result.replies_cut})
    )
    write_text(losses, "".join(json.dumps(record) + "\n" for record in result.losses))
    log(f"train: the model is in {out}")


@app.command(rich_help_panel=PANEL)
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
    write_text(metrics, json.dumps(numbers, indent=2) + "\n")


@app.command(rich_help_panel=PANEL)
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
    numbers = read_json(metrics, "suites")
    parts = read_json(model / "config.json", "llm", "llm_revision", "encoders", "adapter")
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
        train_log=read_json_lines(losses),
        ingest_ledger=read_json(clips_ledger),
        ledger=read_json(ledger),
        samples=read_shards(dataset, DATASET_ROW),
        predictions=read_shard(predictions, PREDICTION),
        facts=facts,
        gallery=settings.gallery,
    )
    write_text(out, page)
    log(f"report: {out} ({len(page.encode()) / 1e6:.1f} MB)")


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
