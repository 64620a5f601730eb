"""What a fresh Python sees of torch, torchaudio and the GPUs."""

import json
import subprocess
import sys
from dataclasses import dataclass

CODE = """
import json, warnings
warnings.simplefilter("ignore")
import torch
found = {"cuda": torch.version.cuda, "devices": []}
if torch.cuda.is_available():
    for i in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(i)
        found["devices"].append([p.name, p.total_memory])
try:
    import torchaudio
    found["torchaudio"] = torchaudio.__version__
except Exception as exc:
    found["failed"] = f"{type(exc).__name__}: {exc}"
print(json.dumps(found))
"""
"""What the fresh Python runs; its last line of output is JSON."""


@dataclass(frozen=True, slots=True)
class TorchProbe:
    """What a fresh Python sees of torch: imported apart, as a broken build can kill a process."""

    cuda: str | None = None  # the CUDA version that torch was built for
    devices: tuple[tuple[str, int], ...] = ()  # name, bytes
    torchaudio: str | None = None
    failed: str | None = None


def start_probe() -> subprocess.Popen[str]:
    """Return a running import of torch; other checks go on meanwhile."""
    return subprocess.Popen(
        [sys.executable, "-c", CODE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish_probe(process: subprocess.Popen[str], timeout_s: float = 60) -> TorchProbe:
    """Return what a started probe found, also when it died or hung."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return TorchProbe(failed=f"torch: import took over {timeout_s:.0f} s")
    return read_probe(out, err)


def read_probe(out: str, err: str) -> TorchProbe:
    """Return what the probe printed, or the last line of its traceback."""
    try:
        found = json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        return TorchProbe(failed=f"torch: {(err.strip().splitlines() or ['it died'])[-1]}")
    devices = tuple((str(name), int(memory)) for name, memory in found.pop("devices"))
    return TorchProbe(devices=devices, **found)
