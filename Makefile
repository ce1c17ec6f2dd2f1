# `make` alone lists what can be done.

PYTHON := .venv/bin/python
READY := .venv/.ready

# Cheap and pure first; what takes minutes or needs a container engine has a target of its own.
TEST_FOLDERS := $(wildcard $(addprefix tests/,unit properties contracts crash simulation integration tidy))
TEST_PROCESSES ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos check simulate mutants bench format coverage lock clean

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv from the hash-pinned lock (first time: a minute or two)
	@:

$(READY): requirements-dev.txt pyproject.toml tools/setup
	@tools/setup
	@touch $(READY)

demo: setup ## Watch one rebalance survive a competing login; SCENARIO=name runs another
	@.venv/bin/rebalancer demo $(if $(SCENARIO),--scenario $(SCENARIO))

test: setup ## Run all tests that need no container engine
	@$(PYTHON) -m pytest --numprocesses $(TEST_PROCESSES) $(TEST_FOLDERS)

chaos: setup ## Kill, freeze and starve real processes; Redis Cluster and Sentinel fail-overs (minutes)
	@$(PYTHON) -m pytest --numprocesses $(TEST_PROCESSES) tests/chaos

check: setup ## Check format, lint, types and the house rules
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest --quiet tests/tidy

simulate: setup ## Run SEEDS=1000 drawn runs with faults, from seed FROM=1 on
	@$(PYTHON) -m tests.simulation.simulate $(or $(SEEDS),1000) $(or $(FROM),1)

mutants: setup ## Plant deliberate defects one by one; each must be caught
	@$(PYTHON) -m tests.mutants $(MUTANTS)

bench: setup ## Measure and write docs/reference/benchmarks.md; PARTS='memory queues' only shows those
	@$(PYTHON) -m benchmarks $(PARTS)

format: setup ## Format the code and mend what lint can mend
	@$(PYTHON) -m ruff check --fix --quiet .
	@$(PYTHON) -m ruff format .

coverage: setup ## Run the tests and show which branches no test reached
	@$(PYTHON) -m pytest --quiet --numprocesses $(TEST_PROCESSES) --cov $(TEST_FOLDERS)

COMPILE = $(PYTHON) -m uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: setup ## Refresh the lock: the newest versions that fit, with their hashes
	@$(COMPILE) --output-file requirements.txt >/dev/null
	@$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt >/dev/null
	@echo "lock: requirements.txt and requirements-dev.txt are fresh; make setup installs them"

clean: ## Remove .venv, caches and build products
	@rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
