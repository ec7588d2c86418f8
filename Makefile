# Everything a person needs is here. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 3000
SITE_PORT ?= 8000
DAGSTER_HOME ?= $(CURDIR)/.dagster
export DAGSTER_HOME

.PHONY: help setup run test audit bench faults calibrate ui site browser image spark check format pins clean

help: ## List what can be done
	@echo "The open index of adult social care productivity."
	@echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(BIN)/.runtime ## Make .venv and install what running needs (make run does it by itself)

run: $(BIN)/.runtime ## From published figures to a ranking and a release; no network once installed
	@$(BIN)/asc run

test: $(BIN)/.dev ## All tests: Python, Dagster, dbt unit tests, end to end, documents, style and types
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check --quiet .
	@$(BIN)/python -m mypy
	@$(BIN)/python -m sqlfluff lint --disable-progress-bar -p 0 dbt_project/models dbt_project/tests orchestration/publication/views
	@$(BIN)/pymarkdown scan *.md docs/*.md
	@$(BIN)/asc prepare
	@VIRTUAL_ENV="$(CURDIR)/.venv" $(BIN)/dg check defs --log-level error
	@$(BIN)/dagster definitions validate -w workspace.yaml --log-level error
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

bench: $(BIN)/.dev ## How fast the run, reading, the simulations and the terminal are, as ratios and growth with size (twenty minutes)
	@$(BIN)/asc run
	@$(BIN)/python -m tests.benchmarks.pipeline
	@$(BIN)/python -m tests.benchmarks.reading
	@$(BIN)/python -m tests.benchmarks.uncertainty
	@$(BIN)/python -m tests.benchmarks.growth
	@$(BIN)/python -m tests.benchmarks.terminal

faults: $(BIN)/.dev ## Kill whole runs at every stage and at random: releases stay as they are, and the next run makes the same tables (half an hour)
	@$(BIN)/python -m tests.end_to_end.kills

calibrate: $(BIN)/.runtime ## How often the 90 % intervals hold the true rank: the table that releases carry (ten minutes)
	@$(BIN)/asc calibrate

ui: $(BIN)/.runtime ## Dagster's pages at http://127.0.0.1:3000, another with PORT= (stop with Ctrl-C)
	@$(BIN)/asc prepare
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $(PORT)

site: $(BIN)/.runtime ## The pages of the current release at http://127.0.0.1:8000/site/, another port with SITE_PORT= (stop with Ctrl-C)
	@$(BIN)/asc site
	@echo "http://127.0.0.1:$(SITE_PORT)/site/ (stop with Ctrl-C)"
	@$(BIN)/python -m http.server $(SITE_PORT) --bind 127.0.0.1 --directory "$$($(BIN)/asc path)" >/dev/null 2>&1

browser: ## Install Chromium from the system's packages, which the tests of the pages drive (needs root; without it they skip)
	@command -v chromium >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq chromium >/dev/null; }

image: $(BIN)/.runtime ## Build the image of a service, asc-index; without a Docker engine, fetch what it installs, so that a test can take its steps
	@if docker info >/dev/null 2>&1; then docker build -f deploy/Dockerfile -t asc-index .; else \
	  $(BIN)/python -m pip download --quiet --dest data/build/wheels -r requirements/sharing.txt && \
	  $(BIN)/python -m pip download --quiet --dest data/build/wheels "$$(sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml)" editables; fi

spark: ## Install Apache Spark into .venv-spark, and Java from the system's packages (needs root), for rolling up on a cluster
	@test -x .venv-spark/bin/python || $(PYTHON) -m venv .venv-spark
	@.venv-spark/bin/python -m pip install --quiet -r requirements/spark.txt
	@command -v java >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq openjdk-17-jre-headless >/dev/null; }

check: $(BIN)/.runtime ## Is everything here that the project needs?
	@$(BIN)/asc doctor

format: $(BIN)/.dev ## Put Python and SQL into the project's style
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .
	@$(BIN)/python -m sqlfluff fix --disable-progress-bar dbt_project/models dbt_project/tests orchestration/publication/views

audit: ## Ask for known weaknesses of what is pinned (needs the network, and pip-audit: pipx install pip-audit)
	pip-audit --require-hashes --disable-pip -r requirements/runtime.txt

pins: ## Compile requirements/*.txt from pyproject.toml again (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate --no-emit-index-url -q -o requirements/runtime.txt
	uv pip compile pyproject.toml --extra sharing --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate --no-emit-index-url -c requirements/runtime.txt -q -o requirements/sharing.txt
	uv pip compile --group spark --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate --no-emit-index-url -q -o requirements/spark.txt
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate --no-emit-index-url -c requirements/runtime.txt -q -o requirements/dev.txt

clean: ## Delete what can be made again: the environment, builds, caches. Releases and raw files stay
	rm -rf .venv .venv-spark data/build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name one with make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: install a newer one, or name one with make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: on Debian and Ubuntu, apt-get install python3-venv."; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv

$(BIN)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing what running needs (a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(BIN)/.dev: requirements/dev.txt $(BIN)/.runtime
	@echo "Installing what tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@
