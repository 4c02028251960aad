# Two commands are all a newcomer needs: make demo, make test. Needs Python >= 3.11, make and git; no database server.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/.run-installed
DEV := $(BIN)/.dev-installed

.DEFAULT_GOAL := help
.PHONY: help demo test explore lint bench scenarios foreign clean lock

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(RUN) ## install, start PostgreSQL, seed a fictional network and serve it on http://127.0.0.1:8080
	@$(BIN)/referral-hub demo

test: $(DEV) ## every test, in parallel and random order, on a real PostgreSQL
	@$(BIN)/pytest -n auto

explore: $(DEV) ## the properties with new examples; what fails is printed so that it can become a test
	@HUB_EXPLORE=1 $(BIN)/pytest -n auto -m "not browser" -k "$(or $(K),test_)"

lint: $(DEV) ## ruff, mypy, import contracts, policies, translations
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m referral_hub.access.validate
	@$(BIN)/pytest -q tests/web/test_catalog.py

scenarios: $(DEV) ## the agreed walk-through cases, step by step; one line each: held, differ, later
	@$(BIN)/python -m referral_hub.cli.demo.scenarios

bench: $(DEV) ## speed beside the tuned twin; writes benchmarks/latest.json
	@$(BIN)/python -m benchmarks

foreign: $(DEV) ## our log's papers, checked by golang.org/x/mod/sumdb (needs Debian's golang-go and golang-golang-x-mod-dev)
	@HUB_FOREIGN=1 $(BIN)/pytest -q tests/foreign

clean: ## forget the demo: its database, keys and accounts (instance/)
	@if [ -x $(BIN)/referral-hub ]; then $(BIN)/referral-hub demo --stop; fi
	@rm -rf instance

lock: $(DEV) ## write the hashed locks anew from requirements/*.in
	@$(BIN)/pip install --quiet uv
	@for name in run dev; do $(BIN)/uv pip compile --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q requirements/$$name.in -o requirements/$$name.txt; done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@echo "1/3 making .venv"
	@$(PYTHON) -m venv .venv

$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "2/3 installing from the hashed lock"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@echo "3/3 installing the tools of the tests"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
