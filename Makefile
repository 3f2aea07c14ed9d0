# The words of this project. `make` alone lists them. Needs Python 3.11 or newer, and make; everything else is set up in .venv.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; `make PYTHON=/path/to/python` names another.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
# Tests run side by side: they wait for processes and disks more than they compute, so one more than the processors.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# Further words for the program that a target runs: make run ARGS="--api-port 8080", make test ARGS="tests/unit -k keys".
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test browser chromium lint types format bench fixtures docs constraints clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.tools ## set up everything that is needed to work on otlpd

run: $(VENV)/.program ## run the daemon (ARGS="--api-port 8080" and so on)
	$(BIN)/python -m otlpd serve $(ARGS)

test: $(VENV)/.tools ## run all tests (ARGS="tests/unit" for some)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

browser: $(VENV)/.tools ## run only the tests of the page in a real Chromium
	$(BIN)/python -m pytest tests/browser $(ARGS)

chromium: ## install the Chromium that the tests of the page drive (Debian and Ubuntu, as root)
	command -v chromium || { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium fonts-liberation; }

lint: $(VENV)/.tools ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tools ## check types
	$(BIN)/mypy

format: $(VENV)/.tools ## put the code into the form that lint asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.tools ## measure, and append the figures to docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

fixtures: $(VENV)/.tools ## record the requests of real SDKs again (needs node and go too)
	$(BIN)/python -m proto_fixtures.record.record $(ARGS)

docs: $(VENV)/.program ## print the tables of docs/configuration.md
	$(BIN)/python -m otlpd config --reference

constraints: $(VENV)/.tools ## pin in constraints.txt what is installed now
	{ sed -n '/^#/p' constraints.txt; $(PIP) freeze --exclude-editable --exclude pip --exclude setuptools; } > constraints.new
	mv constraints.new constraints.txt

clean: ## remove everything that was set up or made
	rm -rf $(VENV) build dist *.egg-info query/static .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "otlpd needs Python 3.11 or newer; none was found (make PYTHON=/path/to/python names one)" >&2; exit 1; }
	@echo "Setting up $(VENV); this is done once and takes a minute or two."
	$(PYTHON) -m venv $(VENV) || { echo "this Python cannot make environments; on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	$(PIP) install --upgrade 'pip>=25.1'

# What the daemon needs; again whenever the needs change.
$(VENV)/.program: $(BIN)/python pyproject.toml setup.py constraints.txt
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

# What tests and checks need on top.
$(VENV)/.tools: $(VENV)/.program
	$(PIP) install --constraint constraints.txt --group test --group lint
	@touch $@
