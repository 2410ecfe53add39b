# make run    a gateway on 127.0.0.1:8080 with a first application and a sandbox account
# make test   the test suite; make check: formats, lint, types, migrations, contract
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
WORKERS ?= 2

.PHONY: run setup test test-long check bench routes openapi clean

run: setup
	@$(BIN)/postroom demo
	@exec $(BIN)/postroom serve --host 127.0.0.1 --port 8080

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || (apt-get update && apt-get install -y --no-install-recommends python3-venv && $(PYTHON) -m venv $(VENV))
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

test: setup
	$(BIN)/pytest -n $(WORKERS) -m "not long"

test-long: setup
	$(BIN)/pytest -n $(WORKERS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_import_rules.py tests/contract tests/gateway/store/test_migrations.py

bench: setup
	$(BIN)/python -m bench

routes: setup
	@$(BIN)/postroom routes

openapi: setup
	@$(BIN)/postroom openapi

clean:
	rm -rf $(VENV) var build *.egg-info
