# Two commands do all the set-up on a fresh Debian with Python and make:
#   make demo    the gateway in a browser
#   make test    everything
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8300
RUN := $(VENV)/.run-ready
DEV := $(VENV)/.dev-ready

.PHONY: help demo test soak lint audit format bench lock wheel clean chromium emulate odata synapse tryton

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

demo: $(RUN) ## the gateway with a made-up company, in a browser (FRESH=1 forgets the last one)
	@$(BIN)/floatcard demo --port $(PORT) $(if $(FRESH),--fresh)

test: $(DEV) chromium emulate odata synapse tryton ## everything, in small sizes (some 20 minutes on two cores)
	@$(BIN)/python scripts/run_tests.py

soak: $(DEV) chromium emulate odata synapse tryton ## the same at full size (more than two hours on two cores); seeds are printed
	@FLOATCARD_SOAK=1 $(BIN)/python scripts/run_tests.py

lint: $(DEV) ## ruff, mypy --strict, the Dockerfile, compose.yaml
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

audit: $(DEV) ## known faults of what is depended on; it needs the internet (pip-audit is fetched, and asks for advisories)
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	@.venv-audit/bin/pip-audit --require-hashes --disable-pip -r requirements/run.txt

format: $(DEV) ## what ruff mends by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(DEV) ## measures beside the bare limits and the peers; by hand, never as a test
	@$(BIN)/python -m benchmarks

wheel: $(DEV) ## a wheel in dist/
	@$(BIN)/python -m build --wheel --no-isolation

lock: ## pins every dependency again, with hashes, for every platform at once (needs uv)
	@for group in run:build dev:dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" pyproject.toml --group "$${group#*:}" -o "requirements/$${group%:*}.txt"; \
	done
	@for server in synapse tryton; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" "requirements/$$server.in" -o "requirements/$$server.txt"; \
	done

clean: ## removes the environment and what was built
	@rm -rf $(VENV) .venv-audit .venv-synapse .venv-tryton .node-slack .node-odata dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11)' 2>/dev/null || { \
	  echo "Floatcard needs Python 3.11 or newer with venv. On Debian: apt install python3 python3-venv make" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the gateway needs (about a minute) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@echo "Installing what the tests need (about a minute) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# The browser tests need a Chromium. As root it is fetched with apt; else the tests say that they are skipped.
chromium:
	@scripts/chromium.sh

emulate:
	@scripts/emulate.sh

odata:
	@scripts/odata.sh

# The tests of Matrix run against a real Synapse, those of Tryton against a real one: programs in environments of their
# own, never imported.
synapse: | $(BIN)/python
	@PYTHON=$(BIN)/python scripts/server.sh $@

tryton: $(DEV)
	@PYTHON=$(BIN)/python scripts/server.sh $@
	@$(BIN)/python -m tests.crm.tryton.server
