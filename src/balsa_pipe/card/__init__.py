"""The dataset card: README.md for people, croissant.json for machines, both made from counted facts.

Lineage is provenance.json: with it, a dataset's folder alone makes its card again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from balsa_pipe.card import provenance
from balsa_pipe.card.croissant import croissant
from balsa_pipe.card.facts import Facts, gather_facts, wordings_used
from balsa_pipe.card.provenance import read_provenance
from balsa_pipe.card.readme import description, languages, readme

README = "README.md"
CROISSANT = "croissant.json"
PROVENANCE = provenance.FILE


def dataset_files(folder: Path, configs: Path, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts that go beside a dataset's shards, by file name.

    configs: the folder of the stages' configs; facts: title, run, ledger and clips (ingest's
    ledger). Raises ShardError when the shards aren't a dataset's.
    """
    stages = provenance.stage_configs(configs)
    wordings = provenance.wordings_of(stages, configs, wordings_used(folder))
    told = {**facts, "stages": stages, "wordings": wordings}
    return {PROVENANCE: provenance.written(told), **card_files(gather_facts(folder, told))}


def card_files(facts: Facts) -> dict[str, str]:
    """Return the texts of README.md and croissant.json."""
    return {
        README: readme(facts),
        CROISSANT: croissant(facts, description(facts), languages(facts)),
    }


def facts_of(folder: Path) -> Facts:
    """Return the facts of a finished dataset; BalsaError when its folder isn't whole."""
    return gather_facts(folder, read_provenance(folder))
