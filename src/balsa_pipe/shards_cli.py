"""`balsa shards`: what lies in shards, shown, counted, searched, compared, checked and exported."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from balsa_pipe.errors import ShardError
from balsa_pipe.inspection.formats import FormatName
from balsa_pipe.terminal import AsJson, log, print_json, show

app = typer.Typer(help="Look into shards of any record type.", no_args_is_help=True)

ShardPath = Annotated[Path, typer.Argument(help="a shard or a folder of shards")]
Runs = Annotated[Path, typer.Argument(help="a run's folder, or samples or a dataset of it")]

TABLE_ROWS = 1000
"""A table is aligned as a whole, so it has an end; JSON has none."""


@app.command()
def ls(path: ShardPath, as_json: AsJson = False) -> None:
    """List shards: record type, rows, size, facts.

    Example: balsa shards ls data/demo
    """
    from balsa_pipe.inspection.listing import ls

    show(ls(path), as_json)


@app.command()
def head(
    path: ShardPath,
    n: Annotated[int, typer.Option("-n", help="how many rows")] = 5,
    row_id: Annotated[str | None, typer.Option("--id", help="only the rows with this id")] = None,
    columns: Annotated[str | None, typer.Option(help="comma-separated columns")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the first rows, or those of one id.

    Example: balsa shards head data/demo/samples -n 3 --columns task,question,response
    """
    from balsa_pipe.inspection.listing import head

    names = columns.split(",") if columns else None
    width = None if as_json or row_id else 60
    show(head(path, n, row_id=row_id, columns=names, width=width), as_json)


@app.command()
def stats(
    path: ShardPath,
    by: Annotated[
        str | None,
        typer.Option(help="comma-separated columns, as in task,expected.verdict,n_clips"),
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mix", help="what the kept rows are mixed of, and what was wanted")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Count rows by group, or show what a dataset is mixed of.

    Example: balsa shards stats data/demo/samples --by task,reject_reason
    """
    from balsa_pipe.inspection.mix import mix
    from balsa_pipe.inspection.stats import stats

    if mixed and by:
        raise ShardError("--mix has its own groups; leave out --by")
    show(mix(path, log) if mixed else stats(path, by.split(",") if by else None), as_json)


@app.command()
def grep(
    pattern: Annotated[str, typer.Argument(help="a regular expression (RE2)")],
    path: ShardPath,
    columns: Annotated[
        list[str] | None, typer.Option("--column", help="search here only; may be repeated")
    ] = None,
    ignore_case: Annotated[bool, typer.Option("-i", help="upper and lower case alike")] = False,
    n: Annotated[int, typer.Option("-n", min=1, help="how many matches")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find rows whose texts match, nested ones too; exit code 1 when there is none.

    Example: balsa shards grep "dogs? bark" data/demo/dataset -i --column response
    """
    from balsa_pipe.inspection.grep import grep

    found = grep(path, pattern, columns=columns, ignore_case=ignore_case, n=n + 1)
    show(found[:n], as_json)
    if len(found) > n:
        log(f"shards: the first {n} matches; -n shows more")
    if not found:
        raise typer.Exit(1)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="one SELECT, as DuckDB has it")],
    paths: Annotated[list[Path], typer.Argument(help="shards or folders of shards")],
    as_json: AsJson = False,
) -> None:
    """Ask in SQL: clips, seed_prompts, samples, dataset, items, predictions; or shards, if all are alike.

    Example: balsa shards sql "SELECT task, count(*) FROM samples GROUP BY task" data/demo
    """
    from balsa_pipe.inspection.sql import sql

    rows = sql(query, paths)
    if as_json:
        print_json(rows)
        return
    show(islice(rows, TABLE_ROWS), as_json)
    if next(rows, None) is not None:
        log(f"shards: the first {TABLE_ROWS} rows; --json gives all")


@app.command()
def diff(
    a: Runs,
    b: Runs,
    n: Annotated[int, typer.Option("-n", min=0, help="how many examples")] = 3,
    as_json: AsJson = False,
) -> None:
    """Compare the samples of two runs: which rows changed, and why.

    Example: balsa shards diff data/demo data/other
    """
    from balsa_pipe.inspection.diff import diff
    from balsa_pipe.inspection.listing import show_cell

    found = diff(a, b, examples=n)
    if as_json:
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False))
        return
    show(found.counts, as_json)
    if found.examples:
        show(({k: show_cell(v) for k, v in row.items()} for row in found.examples), as_json)


@app.command()
def lineage(
    path: Runs,
    row_id: Annotated[str, typer.Argument(help="a prompt_id, or how it begins")],
    as_json: AsJson = False,
) -> None:
    """Show where a row comes from: clips, wording, messages, model, seed, configs, verdict, copies.

    Example: balsa shards lineage data/demo 8bf2638
    """
    from balsa_pipe.inspection.lineage import lineage, lines

    found = lineage(path, row_id)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False, default=str))
        return
    for line in lines(found):
        print(line)


@app.command()
def check(path: ShardPath) -> None:
    """Check shards against their schema and the promises of the design; exit code 1 on a problem.

    Example: balsa shards check data/demo
    """
    from balsa_pipe.inspection.check import check

    problems = check(path, log)
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    log(f"shards: {path} is sound")


@app.command()
def export(
    path: Runs,
    out: Annotated[Path, typer.Option("--out", help="a .jsonl, or a .json that is one array")],
    form: Annotated[FormatName, typer.Option("--format", help="which trainer reads it")],
    allow_missing_audio: Annotated[
        bool, typer.Option("--allow-missing-audio", help="leave out rows without an audio file")
    ] = False,
) -> None:
    """Write the kept rows, each once, for another trainer.

    Example: balsa shards export data/demo/dataset/train --format ms-swift --out train.jsonl
    """
    from balsa_pipe.inspection.export import export

    found = export(path, out, form, allow_missing_audio=allow_missing_audio)
    log(
        f"export: {found.rows} rows in {out} ({_listed(found.splits)}); "
        f"left out: {_listed(found.left_out) or 'none'}; "
        f"tags in texts that were broken by a space: {found.tags}"
    )


@app.command()
def gallery(
    path: ShardPath,
    out: Annotated[Path, typer.Option("--out", help="the page, .html")],
    where: Annotated[
        str | None, typer.Option(help='a condition in SQL, as in "n_attempts > 1"')
    ] = None,
    task: Annotated[str | None, typer.Option(help="only this task")] = None,
    reason: Annotated[str | None, typer.Option(help="only rows rejected for this reason")] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="only rejected rows")] = False,
    n: Annotated[int, typer.Option("-n", min=1, help="how many rows")] = 50,
) -> None:
    """Write a page to read and listen to: rows, verdicts and players, in one file, offline.

    Example: balsa shards gallery data/demo/samples --out page.html --rejected -n 50
    """
    from balsa_pipe.files import write_whole
    from balsa_pipe.inspection.gallery import Wanted, gallery

    page = gallery(path, Wanted(n, where, task, reason, rejected))
    try:
        write_whole(out, page)
    except OSError as exc:
        raise ShardError(f"{out}: could not be written ({exc.strerror or exc})") from exc
    log(f"gallery: {out} ({len(page.encode()) / 1e6:.1f} MB)")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
