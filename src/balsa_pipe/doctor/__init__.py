"""What this machine and environment have and lack, in plain words, and what to do about each."""

import shutil
from pathlib import Path

from balsa_pipe.doctor.environment import (
    check_gpu,
    check_packages,
    check_python,
    check_snakemake,
    check_torch,
    check_torchaudio,
    check_unwanted,
    check_vllm,
)
from balsa_pipe.doctor.finding import Finding, installed
from balsa_pipe.doctor.machine import check_disk, check_fetching, check_memory, check_soundfile
from balsa_pipe.doctor.models import check_models, check_recordings
from balsa_pipe.doctor.torch_probe import finish_probe, start_probe

__all__ = ["Finding", "diagnose"]


def diagnose(assets: Path | None = None) -> list[Finding]:
    """Return what was found, in the order in which to mend it; assets: data/assets of the demo."""
    process = start_probe()
    torch = installed("torch")
    here = [check_python(), check_disk(assets or Path()), check_memory(), check_snakemake()]
    there = [check_soundfile(), check_fetching(shutil.which)]
    models = [] if assets is None else [*check_models(assets), check_recordings(assets)]
    probe = finish_probe(process)
    return [
        *here,
        check_torch(torch, probe),
        check_gpu(probe),
        check_vllm(torch, probe),
        check_torchaudio(probe),
        *check_unwanted(probe),
        check_packages(),
        *there,
        *models,
    ]
