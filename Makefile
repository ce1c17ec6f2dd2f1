# `make` alone lists what can be done.

PYTHON := .venv/bin/python
READY := .venv/.ready

# Cheap and pure first; what takes minutes or needs a container engine has a target of its own.
TEST_FOLDERS := $(wildcard $(addprefix tests/,unit properties contracts crash simulation integration tidy))
TEST_PROCESSES ?= 2

.DEFAULT_GOAL := help
.PHONY: help secrets up up-sim down status login mfa logs logs-gateway ps restart-gateway upgrade backup restore doctor \
	preview rebalance pause resume halt \
	setup demo test test-stack crash chaos check simulate mutants bench format coverage lock clean

help: ## List what can be done
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Stack: needs Docker with Compose and nothing else; STACK=practice or STACK=real names one, else the last one started

secrets: ## Ask for the passwords and put them into files; ROTATE=ib|vnc|redis makes one anew
	@tools/stack/secrets

up: ## Start the stack of .env, and wait for the login
	@tools/stack/up

up-sim: ## Start the same stack with the simulator for a gateway: no account needed
	@tools/stack/up --practice

down: ## Log out at IBKR, then stop everything; data stays
	@tools/stack/down

status: ## One page in words: services, session, next login, pauses, last outcomes
	@tools/stack/status

login: ## Print the link to the gateway's screen, and open it where there is a browser
	@tools/stack/login

mfa: ## Wait for the second factor, and show live how it stands
	@tools/stack/mfa

logs: ## Follow the logs; SERVICE=redis of one service only
	@tools/stack/logs

logs-gateway: ## Follow the gateway's log
	@SERVICE=ibkr tools/stack/logs

ps: ## List the containers
	@tools/stack/compose ps --all

restart-gateway: ## Restart the gateway, without a second factor where possible; HARD=1 with one
	@tools/stack/restart-gateway

upgrade: ## New gateway image and new code with the fewest second factors; PULL=no code only, FORCE=1 though orders work
	@tools/stack/upgrade

backup: ## Copy journal and gateway settings to backups/, while everything runs
	@tools/stack/backup

restore: ## Put FILE=backups/... back; all trading is paused after it
	@tools/stack/restore

doctor: ## Look for what can be wrong, and say what to do; JSON=1 for programs
	@tools/stack/doctor $(if $(JSON),--json)

##@ Trading: needs the running stack

preview: ## Show what FILE=event.json would do; places nothing
	@tools/stack/event preview "$$FILE"

rebalance: ## Publish FILE=event.json and show what happens until it is final
	@tools/stack/event rebalance "$$FILE"

pause: ## Place no new orders; ACCOUNT=name in one account, REASON='why'
	@tools/stack/pause

resume: ## Lift a pause or a halt; ACCOUNT=name in one account
	@tools/stack/resume

halt: ## Emergency: pause all trading for good and stop the event processor
	@tools/stack/halt

##@ Development: needs Python 3.11 or newer; the first target makes .venv

setup: $(READY) ## Make .venv from the hash-pinned lock (first time: a minute or two)
	@:

$(READY): requirements-dev.txt pyproject.toml tools/setup
	@tools/setup
	@touch $(READY)

demo: setup ## Watch one rebalance survive a competing login; SCENARIO=name runs another
	@.venv/bin/rebalancer demo $(if $(SCENARIO),--scenario $(SCENARIO))

test: setup ## Run all tests that need no container engine
	@$(PYTHON) -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal $(TEST_FOLDERS)

test-stack: setup ## Run the tests on the real container engine (minutes)
	@$(PYTHON) -m pytest tests/stack

crash: setup ## Let the processor die after every pair of facts, in every variant (minutes)
	@$(PYTHON) -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal --every-pair tests/crash/test_crash_twice.py

chaos: setup ## Kill, freeze and starve real processes at moments drawn by lot, or from SEED=1 (minutes)
	@$(PYTHON) -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal $(if $(SEED),--chaos-seed $(SEED)) tests/chaos

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
	--generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: setup ## Refresh the lock: the newest versions that fit, with their hashes
	@$(COMPILE) --output-file requirements.txt >/dev/null
	@$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt >/dev/null
	@echo "lock: requirements.txt and requirements-dev.txt are fresh; make setup installs them"

clean: ## Remove .venv, caches and build products
	@rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
