# Everything a newcomer needs: `make run`. Everything a contributor needs: `make test lint`.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
TORCH ?= cpu
ROWS ?= 1000000
HARDLINE_HOME ?= ./.hardline
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup run test test-witness setup-witness bench-validate lint lock wheel clean

help:  ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP)  ## make .venv with the locked dependencies and the program in it (TORCH=cpu|cuda)

$(STAMP): requirements/lock.txt requirements/constraints.txt pyproject.toml
	@echo "setting up $(VENV): downloads about $$(cat requirements/download-mb) MB at most (what pip has cached is not downloaded again)"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --no-compile -r requirements/lock.txt
	@TORCH=$(TORCH) ./requirements/install-torch $(BIN)/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-compile -e .
	@echo "compiling"
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q -j 2 $(VENV)/lib >/dev/null || true
	@touch $@

run: setup  ## publish and harden the diagnosis example in ./.hardline
	@$(BIN)/hardline --home $(HARDLINE_HOME) run diagnosis

test: setup  ## the fast tests: real crypto, real files, a real Prefect server once
	@env -u PYTHONDONTWRITEBYTECODE $(PYTEST) -q -n 2 --dist loadgroup --ignore tests/witness

setup-witness: setup  ## the foreign verifiers, each in its own environment
	@$(BIN)/python tests/witness/setup.py

test-witness: setup  ## other people's tools verify what the program makes
	@$(PYTEST) -q tests/witness

lint: setup  ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy -p hardline
	@$(BIN)/lint-imports

.venvs/bench/.stamp: requirements/bench.txt $(STAMP)
	@rm -rf .venvs/bench
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --target .venvs/bench -r requirements/bench.txt
	@touch $@

bench-validate: setup .venvs/bench/.stamp  ## measure validation against Great Expectations and peers (ROWS=1000000)
	@PYTHONPATH=.venvs/bench $(BIN)/python benchmarks/validate.py --rows $(ROWS) --write

lock: setup  ## pin everything again, with hashes
	@$(BIN)/python requirements/lock.py

wheel: setup  ## build dist/*.whl
	@$(BIN)/python -m build -q --wheel --no-isolation

clean:  ## remove what can be made again (not a home)
	@rm -rf $(VENV) .venvs dist build *.egg-info .ruff_cache .mypy_cache
