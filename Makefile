# make demo: the whole chain on real sound. make test: every check. Both make .venv first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
CUDA := $(shell nvidia-smi -L 2>/dev/null | grep -c GPU)
LOCK := requirements/$(if $(filter 0,$(CUDA)),cpu,gpu).lock
# Each stage imports torch in its own process: where bytecode may not be kept, each compiles it anew, 10 s a time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test format clean

demo: .venv/ready
	@. $(BIN)/activate && bash workflow/run.sh

test: .venv/ready
	@. $(BIN)/activate && bash tests/run.sh

format: .venv/ready
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks
	$(BIN)/snakefmt Snakefile workflow

clean:
	rm -rf .venv .snakemake

.venv/ready: $(LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python 3.11 or newer is needed: make PYTHON=python3.11 demo")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable .
	@# torchaudio's wheel is linked against CUDA; without it, its pure-Python part is what works.
	$(BIN)/python -c 'import torch, pathlib, importlib.metadata as m; [p.locate().unlink(missing_ok=True) for p in m.files("torchaudio") if torch.version.cuda is None and p.match("torchaudio/lib/*.so")]'
	@touch $@
