#!/usr/bin/env bash
# What `make demo` runs: the workflow on its default config, then the results as a table.
set -euo pipefail
cd "$(dirname "$0")/.."
start=$SECONDS
snakemake --cores all --quiet host reason rules "$@"
printf '\n'
balsa summary data/demo
printf 'time: %d min %02d s\n' $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60))
