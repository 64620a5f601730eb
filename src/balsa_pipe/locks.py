"""One run at a time in a folder: locks that end with the processes that hold them, however they end."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from balsa_pipe.errors import BalsaError

JOB_LOCK = "BALSA_LOCK"
"""The environment variable that tells the jobs of a run which lock they share."""

_RUN, _JOBS = 0, 1
"""The bytes of the lock file that stand for the run, and for its jobs."""


def claim_run(path: Path) -> IO[bytes]:
    """Return a lock that is this process's alone, and let its jobs know of it.

    Raises BalsaError when another run holds it, or when a killed run's jobs are still at work.
    """
    lock = _open(path)
    if not _take(lock, fcntl.LOCK_EX, _RUN):
        raise BalsaError(
            f"{path.parent}: another snakemake is at work here; wait until it ends or stop it, "
            "then run the same command again"
        )
    if not _take(lock, fcntl.LOCK_EX, _JOBS):
        raise BalsaError(
            f"{path.parent}: a job of a run that was killed is still at work here; wait until it "
            "ends or stop it (`pgrep -af balsa` names it), then run the same command again"
        )
    fcntl.lockf(lock, fcntl.LOCK_UN, 1, _JOBS)
    os.environ[JOB_LOCK] = str(path.resolve())
    return lock


@contextmanager
def joined_run() -> Iterator[None]:
    """Hold the lock that the jobs of a run share, where this process is one of them."""
    if path := os.environ.get(JOB_LOCK):
        with _open(Path(path)) as lock:
            fcntl.lockf(lock, fcntl.LOCK_SH, 1, _JOBS)
            yield
    else:
        yield


def _open(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+b")
    except OSError as exc:
        raise BalsaError(f"{path}: can't be opened ({exc.strerror}); is it yours?") from exc


def _take(lock: IO[bytes], kind: int, byte: int) -> bool:
    """Tell whether the lock on a byte could be had at once.

    A POSIX lock, unlike flock, isn't inherited by the children of a killed process.
    """
    try:
        fcntl.lockf(lock, kind | fcntl.LOCK_NB, 1, byte)
    except OSError:
        lock.close()
        return False
    return True
