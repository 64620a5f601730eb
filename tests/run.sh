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
step python -m pytest tests/workflow
