# make run    a gateway on 127.0.0.1:8080 with a first application and a sandbox account
# make test   the test suite; make check: formats, lint, types, migrations, contract
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
export PATH := $(CURDIR)/$(BIN):$(PATH)
WORKERS ?= 2

.PHONY: run setup test test-long check bench routes openapi clean

run: setup
	@$(BIN)/postroom demo
	@exec $(BIN)/postroom serve --host 127.0.0.1 --port 8080

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || (apt-get update && apt-get install -y --no-install-recommends python3-venv && $(PYTHON) -m venv $(VENV))
	$(PIP) .
	@touch $@

$(DEV): $(STAMP)
	$(PIP) '.[dev]'
	@touch $@

test: $(DEV)
	$(BIN)/pytest -n $(WORKERS) -m "not long"

test-long: $(DEV)
	$(BIN)/pytest -n $(WORKERS)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_import_rules.py tests/contract tests/gateway/store/test_migrations.py

bench: $(DEV)
	$(BIN)/python -m bench

routes: setup
	@$(BIN)/postroom routes

openapi: setup
	@$(BIN)/postroom openapi

clean:
	rm -rf $(VENV) var build *.egg-info
