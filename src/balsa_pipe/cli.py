"""The command line: tools around the stages' commands, and the boundary where errors end."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from balsa_pipe import shards_cli, stages_cli
from balsa_pipe.errors import BalsaError, ConfigError, one_line
from balsa_pipe.json_files import read_json, write_text
from balsa_pipe.locks import joined_run
from balsa_pipe.terminal import AsJson, log, show

app = typer.Typer(
    help="From audio metadata to a trained, evaluated audio-aware LLM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(shards_cli.app, name="shards")
app.add_typer(stages_cli.app)

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
    write_text(folder / f"{what}.json", json.dumps(summary, indent=2) + "\n")
    log(f"fetch: {sum(result.clips.values())} recordings, {len(result.models)} models in {folder}")


@app.command()
def corpora(as_json: AsJson = False) -> None:
    """List the corpora that can be read: what each is, its licence, where to get it, its size.

    Example: balsa corpora
    """
    from balsa_pipe.corpora import list_corpora
    from balsa_pipe.inspection.table import render_cards

    show(list_corpora(), as_json, render_cards)


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
        write_text(html, page)
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

    show(summary_rows(read_json(run / "metrics.json", "suites")), as_json, render_summary)
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
