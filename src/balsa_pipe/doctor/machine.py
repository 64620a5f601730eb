"""Whether the machine can decode, fetch and hold what a run needs."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from balsa_pipe.doctor.finding import GIB, Finding

NEEDED_FORMATS = ("WAV", "FLAC", "OGG", "MP3")
DISK_GIB = 5
MEMORY_GIB = 12
"""What the demo needs at its peak."""


def check_soundfile() -> Finding:
    """Say which audio files can be decoded."""
    try:
        import soundfile

        known = soundfile.available_formats()
    except (ImportError, OSError) as exc:
        return Finding("audio files", "missing", f"soundfile does not load: {exc}", "run `make`")
    lacking = [name for name in NEEDED_FORMATS if name not in known]
    what = f"soundfile {soundfile.__version__}, libsndfile {soundfile.__libsndfile_version__}"
    if lacking:
        todo = "pip install --force-reinstall soundfile: its own libsndfile reads all of them"
        return Finding("audio files", "warn", f"{what} can't read {', '.join(lacking)}", todo)
    return Finding("audio files", "ok", f"{what}: {', '.join(NEEDED_FORMATS).lower()}")


def check_fetching(which: Callable[[str], str | None]) -> Finding:
    """Say which of the demo's recordings can be fetched here."""
    apt, npm = which("apt-get"), which("npm")
    if apt:
        return Finding("fetching", "ok", "apt-get is here: all recordings of the demo")
    if npm:
        what = "npm, but no apt-get: a part of the demo's recordings"
        return Finding("fetching", "warn", what, "bring your own clips as a table, or use Debian")
    todo = "use Debian or install npm; or bring your own clips as a table of paths and captions"
    return Finding("fetching", "warn", "neither apt-get nor npm: few recordings", todo)


def check_disk(folder: Path, free: int | None = None) -> Finding:
    """Say whether the demo's files fit beside a folder that may not exist yet."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free if free is None else free
    what = f"{free / GIB:.0f} GiB free"
    if free < DISK_GIB * GIB:
        return Finding(
            "disk", "warn", what, f"the demo needs about {DISK_GIB} GiB: free some space"
        )
    return Finding("disk", "ok", what)


def check_memory(memory: int | None = None, cores: int | None = None) -> Finding:
    """Say how much memory and how many cores this process may use."""
    memory = _memory() if memory is None else memory
    cores = _cores() if cores is None else cores
    what = f"{memory / GIB:.0f} GiB, {cores} cores"
    if memory < MEMORY_GIB * GIB:
        todo = f"the demo may need {MEMORY_GIB} GiB: close other programs or use a larger machine"
        return Finding("memory", "warn", what, todo)
    return Finding("memory", "ok", what)


def _memory() -> int:
    """Return the bytes of memory of the machine, or of the container when it has less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            total = min(total, int((Path("/sys/fs/cgroup") / limit).read_text()))
        except (OSError, ValueError):
            continue
    return total


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
