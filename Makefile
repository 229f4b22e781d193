.PHONY: help setup run test test-faults check bench eval clean lock messages compile-messages compile-code

PYTHON ?= python3.11
PORT ?= 8000
BIN := .venv/bin
PYTEST_ARGS ?=
SHELL := /bin/bash

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready compile-messages compile-code ## Make .venv with the locked dependencies

.venv/ready: requirements.txt requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: set PYTHON to its name."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch .venv/ready

compile-messages: .venv/ready
	@$(BIN)/python -m translations.messages compile

# Where PYTHONDONTWRITEBYTECODE is set, every start would compile all of it again.
compile-code: .venv/ready
	@$(BIN)/python -m compileall -q app.py accounts core helpdesk kb peers portal

run: setup ## Serve with demo data on 127.0.0.1 (PORT, DATA_DIR), with the worker
	@PORT=$(PORT) $(BIN)/python -m portal.run

test: setup ## Run the whole test suite on SQLite and PostgreSQL, browser included
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-faults: setup ## Run the fault tests in full: processes killed, connections cut, disks full
	FAULTS=full $(BIN)/python -m pytest -s -m faults $(PYTEST_ARGS)

check: setup ## Lint, types, imports, templates, translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python -m translations.messages check

bench: setup ## Measure speed and size, write bench/RESULTS.md
	$(BIN)/python -m bench

eval: setup ## Measure how well the search answers, write EVAL.md (DOCS=DIR, COLLECTION=DIR)
	$(BIN)/python -m evaluation $(if $(DOCS),--docs "$(DOCS)") $(if $(COLLECTION),--collection "$(COLLECTION)")

messages: setup ## Collect texts to translate into translations/
	$(BIN)/python -m translations.messages update

lock: setup ## Compile the lock files
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements-dev.in -o requirements-dev.txt

clean: ## Remove the virtual environment and caches (never var/)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
