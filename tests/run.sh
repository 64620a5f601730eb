#!/usr/bin/env bash
# Every check that `make test` runs, cheapest first; run inside the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '\n== %s\n' "$*"; "$@"; }

step ruff check src tests benchmarks
step ruff format --check src tests benchmarks
step snakefmt --check Snakefile workflow
step mypy
step python -m pytest tests/unit
# The real engine is tested on the demo's own models; without a network those tests are skipped, and say so.
step balsa fetch demo || echo "no models: the tests of the real engine will be skipped"
step python -m pytest tests/workflow
