# Needs Python 3.11 to 3.13 with pip, and make; everything else comes from the lock files.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
# Bytecode is written at the first run and halves the time of every later start, whatever the shell says about it.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3 2>/dev/null))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Half of what a test does is waiting for servers: one group more at a time than there are processors.
TESTS_AT_ONCE ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
# Groups of tests to run, and how many at a time: make test PYTEST_ARGS='-x tests/unit'
PYTEST_ARGS ?= -n $(TESTS_AT_ONCE) --maxprocesses 4 --dist loadfile
DASHBOARD_INPUTS := $(shell [ -d frontend ] && find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.d.ts')

.PHONY: help run test check bench faults faults-short soak browser clients fmt lock settings clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Serve everything: PostgreSQL, Redis, simulator, API, dashboard
	@$(MAKE) --no-print-directory -j2 $(VENV)/.required $(VENV)/.installed
	@exec $(BIN)/oms up

test: $(VENV)/.tested-with ## Run the tests, but those of the browser, of foreign clients and of campaigns
	$(BIN)/python -m pytest -m "not browser and not clients and not campaign" $(PYTEST_ARGS)

browser: $(VENV)/.required $(VENV)/.installed $(VENV)/.tested-with ## Run the tests in a real browser (needs chromium)
	$(BIN)/python -m pytest -m browser tests/browser

# Installs each into an environment of its own, in a cache folder (TEST_CLIENTS_DIR); their licences keep them out of ours.
clients: $(VENV)/.tested-with ## Trade on the simulator with five clients that others wrote
	$(BIN)/python -m pytest -n 0 -m clients tests/clients

check: $(VENV)/.tested-with ## Lint, format, types, layers, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m app.cli schema export --check
	$(BIN)/python -m app.cli docs check
	@diff -u .env.example <($(BIN)/python -m app.cli config example) || { echo "run: make settings" >&2; exit 1; }
	@diff -u docs/reference/settings.md <($(BIN)/python -m app.cli config reference) || { echo "run: make settings" >&2; exit 1; }
	@if [ -d frontend/node_modules ] && command -v npm >/dev/null; then npm --prefix frontend run --silent check && npm --prefix frontend run --silent test; \
	else echo "the front end is checked where its packages are installed: npm --prefix frontend ci"; fi

bench: $(VENV)/.required $(VENV)/.installed $(VENV)/.tested-with ## Measure orders per second and latencies on this machine
	$(BIN)/python -m tests.benchmarks

# The same schedule again: make faults FAULTS_ARGS='--seed 7'
faults: $(VENV)/.tested-with ## Break loaded installations for half an hour; write the tables
	$(BIN)/python -m tests.simulation --schedules 10000
	$(BIN)/python -m tests.faults --write $(FAULTS_ARGS)
	$(BIN)/python -m tests.faults --streams --write $(FAULTS_ARGS)

# What tries few examples in `make test`, and here all of them: tests/examples.py.
BY_EXAMPLES := $(shell grep -rl "from tests.examples import" --include="test_*.py" tests)
faults-short: $(VENV)/.tested-with ## Break loaded installations for some minutes
	$(BIN)/python -m pytest -n 2 --dist load -m campaign tests/integration/connector
	$(BIN)/python -m pytest -n 0 -m campaign tests/faults tests/system
	TEST_EXAMPLES=many $(BIN)/python -m pytest -n 2 $(BY_EXAMPLES)
	$(BIN)/python -m tests.faults --short $(FAULTS_ARGS)

# Another length: make soak SOAK_S=300
SOAK_S ?= 3600
soak: $(VENV)/.tested-with ## Break everything, brokers too, for an hour; compare all books; write the tables
	$(BIN)/python -m tests.faults --soak $(SOAK_S) $(if $(filter 3600,$(SOAK_S)),--write) $(FAULTS_ARGS)

fmt: $(VENV)/.tested-with ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

settings: $(VENV)/.tested-with ## Write .env.example and docs/reference/settings.md anew
	@mkdir -p docs/reference
	$(BIN)/python -m app.cli config example > .env.example
	$(BIN)/python -m app.cli config reference > docs/reference/settings.md

lock: $(VENV)/.locked-with ## Resolve the dependencies of pyproject.toml anew
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --quiet \
	  pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --quiet \
	  --group dev -c requirements.txt -o tests/requirements.txt
	for client in tests/clients/requirements/*.in; do \
	  $(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 --quiet \
	    "$$client" -o "$${client%.in}.txt"; \
	done

clean: ## Remove what was made here; the data of embedded servers stays (see OMS_STATE_DIR)
	rm -rf $(VENV) build dist app/static frontend/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './frontend/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "make: no Python found; install 3.11, or: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(None if ok else "make: Python 3.11 to 3.13 is needed; or: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.required: requirements.txt | $(BIN)/python
	$(PIP) install --no-compile --require-hashes --no-deps -r requirements.txt
	@touch $@

$(VENV)/.tested-with: tests/requirements.txt $(VENV)/.required
	$(PIP) install --no-compile --require-hashes --no-deps -r tests/requirements.txt
	@touch $@

# Needs none of the packages, so that the dashboard is built while they are fetched.
$(VENV)/.installed: pyproject.toml $(DASHBOARD_INPUTS) | $(BIN)/python
	$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.locked-with: | $(BIN)/python
	$(PIP) install 'uv>=0.9,<1'
	@touch $@
