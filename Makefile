# Everything here works on a fresh machine: what a target needs (.venv, ngspice) is set up first.
# `make help` lists the targets; options go through ARGS, as in `make test ARGS="-k diode"`.

SHELL  := /bin/bash
BIN    := .venv/bin
SETUP  := bash scripts/setup.sh
READY  := .venv/.ready-dev
DOCS   := .venv/.ready-docs
PINS   := pyproject.toml constraints.txt
ARGS   ?=
PYTHON ?=
export PYTHON

# Homebrew's folders, where Python does not look by itself.
NGSPICE_LIBRARY_PATH ?= $(firstword $(wildcard $(addsuffix /lib/libngspice.dylib,/opt/homebrew /usr/local)))
export NGSPICE_LIBRARY_PATH

.PHONY: help run doctor test fuzz golden benchmark lint format types docs check ngspice browser clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

run: $(READY) ngspice ## train in ngspice and in mathematics, compare (ARGS="--task xor")
	@$(BIN)/python -m sim.run $(ARGS)

# Installs nothing: it is there for when that went wrong, and starts with any Python.
doctor: ## look at all that runs need, and say how to mend it (ARGS="--json")
	@python=$(BIN)/python; [ -x $$python ] || python=$${PYTHON:-python3}; $$python -m sim.doctor $(ARGS)

# One thread a worker: the workers fill the cores, and results do not depend on their number.
# Each begins with a row of whole modules, whose fixtures it makes once, and takes over at the end.
test: $(READY) ngspice ## run the tests (ARGS="-k diode")
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# Fresh examples every time, DANP_FUZZ_SECONDS of each property (120 by default).
fuzz: $(READY) ngspice ## throw random inputs and circuits at everything (ARGS="-k files")
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m long tests/test_fuzz.py $(ARGS)

golden: $(READY) ngspice ## remake the golden decks and their voltages
	@$(BIN)/python tests/make_golden.py

# A quarter of an hour or more; nothing else should run beside it.
benchmark: $(READY) ngspice ## time a pass in every way to run it (ARGS="--layers 2-2-2-1")
	@$(BIN)/python -m benchmarks.cosim $(ARGS)

lint: $(READY) ## check style and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: $(READY) ## mend style and format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: $(READY) ## check types
	@$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(DOCS) ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "documentation: site/index.html"

check: ## all that CI runs
	@bash .ci/run

ngspice: ## install ngspice and its shared library, where missing
	@$(SETUP) ngspice

# Users need none: without one, the tests of pages are skipped and say so.
browser: ## install Chromium for the tests of pages, where missing
	@$(SETUP) browser

$(READY): $(PINS)
	@$(SETUP) venv dev,second-opinion
	@touch $@

$(DOCS): $(PINS) | $(READY)
	@$(SETUP) venv dev,docs,second-opinion
	@touch $@

clean: ## remove .venv, caches and built files; runs/ stays
	@rm -rf .venv build dist site *.egg-info .hypothesis .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
