"""A small run of synthesize, and the same as a slow process to be killed: `... FOLDER ROWS`."""

import sys
import time
from pathlib import Path
from typing import Any

from sample_rows import make_seed_prompt

from balsa_pipe.config import Sampling, SynthesizeConfig
from balsa_pipe.engines.base import EngineIdentity, Reply
from balsa_pipe.engines.fake import FakeEngine
from balsa_pipe.errors import BalsaError
from balsa_pipe.schemas import SAMPLE, Row
from balsa_pipe.shards import write_shard
from balsa_pipe.synthesize import open_journal, synthesize_samples

CFG = SynthesizeConfig(engine="fake", max_num_seqs=4, sampling=Sampling(max_tokens=30))
IDENTITY = EngineIdentity("fake 1", "tiny", "rev")


class PlainTokenizer:
    """As much of a tokenizer as it takes to render a chat, without importing transformers."""

    name_or_path = "tiny"
    chat_template = "plain"
    added_tokens_decoder: dict[int, Any] = {}  # noqa: RUF012
    all_special_tokens = ("<|im_end|>",)

    def __len__(self) -> int:
        return 1

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> str:
        return "".join(f"{turn['role']}: {turn['content']}\n" for turn in messages)


TOKENIZER = PlainTokenizer()


def seed_prompts(n: int = 30) -> list[Row]:
    """Return rows that differ in their evidence alone."""
    return [make_seed_prompt(f"p{i}", evidence=f"Sounds: dog {i}.") for i in range(n)]


def judge(row: Row, response: str, finish_reason: str) -> str | None:
    return None if response else "empty"


class SlowEngine(FakeEngine):
    """Prints a line before each step, so that a test knows that it is running."""

    def step(self) -> list[Reply]:
        print("step", flush=True)
        time.sleep(0.01)
        return super().step()

    def close(self) -> None:
        super().close()
        print("engine closed", file=sys.stderr)


def main(folder: Path, n_rows: int) -> None:
    with open_journal(folder / "journal.jsonl") as journal:
        samples = synthesize_samples(
            seed_prompts(n_rows),
            tokenizer=TOKENIZER,
            identity=IDENTITY,
            make_engine=lambda: SlowEngine("tiny", CFG, identity=IDENTITY),
            journal=journal,
            cfg=CFG,
            judge=judge,
            log=lambda line: print(line, file=sys.stderr),
        )
    write_shard(folder / "samples.parquet", samples, SAMPLE)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except BalsaError as exc:
        print(exc, file=sys.stderr)
        sys.exit(2)
