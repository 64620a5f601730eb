"""Minutes and peak memory from a fresh clone to the report, as a new user has them.

Run: python benchmarks/fresh_clone.py [folder]   (an empty or new folder; 5 GB are written there)
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp())
    clone = folder / "balsa_pipe"
    source = Path(__file__).resolve().parents[1]
    subprocess.run(["git", "clone", "--quiet", str(source), str(clone)], check=True)
    figures = {
        "install_s": timed(["make", ".venv/ready"], clone),
        "fetch_s": timed([".venv/bin/balsa", "fetch", "demo"], clone),
        "demo_s": timed(["make", "demo"], clone),
        "again_s": timed(["make", "demo"], clone),
        "peak_gb": round(peak_bytes / 1e9, 2),
    }
    figures["total_min"] = round(
        (figures["install_s"] + figures["fetch_s"] + figures["demo_s"]) / 60, 1
    )
    print(json.dumps(figures))


peak_bytes = 0


def timed(command: list[str], folder: Path) -> float:
    """Return the seconds of a command; the memory of all its processes is watched meanwhile."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, start_new_session=True, stdout=sys.stderr)
    watcher = threading.Thread(target=watch, args=(process,), daemon=True)
    watcher.start()
    if process.wait():
        sys.exit(f"{' '.join(command)}: failed")
    return round(time.monotonic() - start, 1)


def watch(process: "subprocess.Popen[bytes]") -> None:
    """Keep the highest sum of resident memory over the command's session."""
    global peak_bytes
    while process.poll() is None:
        peak_bytes = max(peak_bytes, session_bytes(process.pid))
        time.sleep(0.5)


def session_bytes(session: int) -> int:
    """Return the resident bytes, shared pages counted once a process, of a session's processes."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == session:
                total += int((entry / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
    return total


if __name__ == "__main__":
    main()
