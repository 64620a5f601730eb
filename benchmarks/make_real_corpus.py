"""Draw clips of real metadata and write a config that makes a data set of them.

Run: python benchmarks/make_real_corpus.py OUT --clips 2000 --data FOLDER
then: snakemake --cores all --configfile OUT/config.yaml --until curate

FOLDER holds what the publishers gave out (see SOURCES), any of the three or all. Clips are drawn by
hash, as many of each source as of any other, or all that it has. No audio is needed: the config
reads the metadata alone. Its prompts, LLM and sampling are those of configs/demo.yaml, which stands
for the repository's root: run snakemake there.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from balsa_pipe.hashing import ranked

Lines = list[str]
DEMO = Path(__file__).parent.parent / "configs" / "demo.yaml"


@dataclass(frozen=True)
class Source:
    """A published file: who reads it, how many lines its head has, what makes lines one clip."""

    reader: str
    file: str
    n_head: int
    clip: Callable[[list[str]], str]
    head: Callable[[Lines, Lines], Lines] = lambda head, _: head


def segments_head(head: Lines, body: Lines) -> Lines:
    """Return AudioSet's comments with the counts of the lines that are left."""
    cells = [cells_of(line) for line in body]
    labels = [label for row in cells for label in row[3].split(",")]
    counts = {
        "num_ytids": len({row[0] for row in cells}),
        "num_segs": len(cells),
        "num_unique_labels": len(set(labels)),
        "num_positive_labels": len(labels),
    }
    promise = ", ".join(f"{name}={count}" for name, count in counts.items())
    return [head[0], f"# {promise}", *head[2:]]


def cells_of(line: str) -> list[str]:
    return next(csv.reader([line], skipinitialspace=True))


SOURCES = [
    Source(
        "audioset",
        "audioset/balanced_train_segments.csv",
        3,
        clip=lambda cells: f"{cells[0]}_{cells[1]}",
        head=segments_head,
    ),
    Source("audiocaps", "audiocaps/val.csv", 1, clip=lambda cells: f"{cells[1]}_{cells[2]}"),
    Source("fsd50k", "fsd50k/dev_head.csv", 1, clip=lambda cells: cells[0]),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="a folder for the drawn files and config.yaml")
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--data", type=Path, required=True, help="the published files")
    parser.add_argument("--run", default="real", help="the run's name: its folder under data/")
    args = parser.parse_args()
    drawn = draw(args.data, args.clips)
    corpora = []
    for source, clips in drawn.items():
        path = args.out.resolve() / source.file
        write_lines(path, args.data / source.file, source, clips)
        corpora.append({"reader": source.reader, "metadata": str(path), "split": "drawn"})
    config = args.out / "config.yaml"
    config.write_text(yaml.safe_dump(real_config(args.run, corpora), sort_keys=False))
    counts = ", ".join(f"{source.reader} {len(clips)}" for source, clips in drawn.items())
    print(f"{config}: {counts} clips\nsnakemake --cores all --configfile {config} --until curate")


def draw(data: Path, n_clips: int) -> dict[Source, set[str]]:
    """Return the clips drawn of each source that is there; ends the program where none is."""
    found = [source for source in SOURCES if (data / source.file).is_file()]
    if not found:
        names = ", ".join(source.file for source in SOURCES)
        sys.exit(f"{data}: none of {names} is there; name the folder that holds them")
    pools = {source: clips_of(data / source.file, source) for source in found}
    quotas = shares({source: len(pool) for source, pool in pools.items()}, n_clips)
    return {
        source: set(ranked(pool, "real corpus")[: quotas[source]]) for source, pool in pools.items()
    }


def shares(sizes: dict[Any, int], wanted: int) -> dict[Any, int]:
    """Return equal shares of a number, where a size allows; the larger take what is left over."""
    quotas: dict[Any, int] = {}
    for left, (name, size) in enumerate(sorted(sizes.items(), key=lambda item: item[1])):
        quotas[name] = min(size, (wanted - sum(quotas.values())) // (len(sizes) - left))
    return quotas


def clips_of(path: Path, source: Source) -> list[str]:
    lines = read_lines(path)[source.n_head :]
    return list(dict.fromkeys(source.clip(cells_of(line)) for line in lines))


def write_lines(path: Path, published: Path, source: Source, clips: Iterable[str]) -> None:
    """Write the lines of some clips as they are published."""
    lines = read_lines(published)
    head, wanted = lines[: source.n_head], set(clips)
    body = [line for line in lines[source.n_head :] if source.clip(cells_of(line)) in wanted]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*source.head(head, body), *body]) + "\n", encoding="utf-8")


def read_lines(path: Path) -> Lines:
    """Return a file's lines; in these files no cell holds a line break."""
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def real_config(run: str, corpora: list[dict[str, str]]) -> dict[str, Any]:
    """Return the demo's config on other corpora; text-only rows, which hold no clip, are left out."""
    config: dict[str, Any] = yaml.safe_load(DEMO.read_text())
    config["run"] = run
    config["ingest"] = {
        "corpora": corpora,
        "missing_audio": "keep",
        "splits": {"validation": 0.1, "test": 0},
    }
    del config["compose"]["tasks"]["text_only"]
    config["curate"]["title"] = "What SmolLM2-135M wrote about published metadata"
    return config


if __name__ == "__main__":
    main()
