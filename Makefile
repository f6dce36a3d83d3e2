# One verb per job. `make demo` and `make test` set up all they need in .venv (Python 3.11+).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test browser lint coverage faults fuzz mutants licences audit bench example record-fixtures real-session clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "flakelens needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV) || { echo "Trying to install Debian's python3-venv ..."; \
	  apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); } \
	  || { echo "Python's venv module is missing: on Debian, sudo apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.ready  ## the Gate 1 verdict on recorded real runs
	$(BIN)/flakelens demo

test: $(VENV)/.ready browser  ## all tests, the notebooks among them
	$(BIN)/python -m pytest -n 2 -q --nbmake --nbmake-timeout=300 tests notebooks

browser:  ## Chromium and axe-core for the tests of the report's page, where they can be installed
	@tests/browser/install.sh

example: $(VENV)/.ready  ## reports/example: the nightly report on the recorded runs
	$(BIN)/python -m reports.make_example

lint: $(VENV)/.ready  ## ruff, mypy --strict, import-linter, docs in step
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check README.md docs/cli.md docs/lake.md docs/policy.md

coverage: $(VENV)/.ready  ## line and branch coverage of flakelens/, and the lines that no test reaches
	$(BIN)/python -m pytest -n 2 -q --cov --cov-report= --cov-report=json:.coverage.json tests
	$(BIN)/python -m tests.untested

faults: $(VENV)/.ready  ## kills, full disks, flipped bits, many writers, hostile reports: minutes, counts for docs/reliability.md
	for kind in kills writes cuts disks damage together reports hostile; do $(BIN)/python -m tests.faults $$kind --count 100 || exit 1; done

fuzz: $(VENV)/.ready  ## coverage-guided fuzzing of the reader, 10 minutes; inputs stay in .fuzz/
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	$(BIN)/python -m tests.faults.fuzz .fuzz/kept --seconds 600

mutants: $(VENV)/.ready  ## are wrong criteria of the gate noticed? 300 drawn with seed 1, half an hour; results stay in .mutants/
	$(BIN)/python -m pip install --quiet --editable '.[mutants]'
	$(BIN)/python -m tests.mutants --count 300

licences: $(VENV)/.ready  ## licences of all that an installation brings; works without a network
	$(BIN)/python -m tests.licences

audit: $(VENV)/.ready  ## known vulnerabilities (asks PyPI); says how many packages it could ask for
	$(BIN)/python -m pip install --quiet 'pip-audit>=2.9' || true
	$(BIN)/python -m tests.audit

bench: $(VENV)/.ready  ## accuracy and speed: figure beside target
	$(BIN)/python -m benchmarks

record-fixtures:  ## record the fixtures again with real Jest and Playwright (needs npm and chromium)
	$(PYTHON) fixtures/record/record.py

real-session: $(VENV)/.ready  ## flakelens run before real Jest and Playwright: a break, a flake, an outage (needs npm and chromium)
	$(BIN)/python fixtures/record/session.py

clean:  ## remove what these targets made
	rm -rf $(VENV) .bench dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
