# Two commands do everything: `make local` and `make test`. Both set up what they need and show it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
REQUIREMENTS := requirements.txt requirements-dev.txt constraints.txt
STAMP := $(VENV)/.made-from-$(shell cat $(REQUIREMENTS) | cksum | cut -d' ' -f1)

.PHONY: help local local-down local-status test lint bench tools venv lock-requirements clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do printf 'make %-18s %s\n' "$$name" "$$text"; done

local: $(STAMP) ## the whole fleet on this machine: two regions, real pods as root on Linux, simulated ones elsewhere
	@$(RUN) -m local up

local-down: $(STAMP) ## remove it, in order
	@$(RUN) -m local down

local-status: $(STAMP) ## what runs where, and what does not run
	@$(RUN) -m local status

test: $(STAMP) ## every check and tier of tests that this machine can run
	@$(RUN) -m tests.run

lint: $(STAMP) ## style, format and types alone
	@$(RUN) -m tests.run lint

bench: $(STAMP) ## speed, side by side with a bare program
	@$(RUN) -m bench

tools: $(STAMP) ## find or build the engine, its provider and the control plane
	@$(RUN) -m local.tools

venv: $(STAMP) ## the virtual environment

lock-requirements: ## write constraints.txt anew from requirements-dev.txt
	@rm -rf .venv-lock
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@{ echo "# Every package of the environment, so that two machines get the same one. Made by: make lock-requirements"; .venv-lock/bin/pip freeze; } > constraints.partial
	@mv constraints.partial constraints.txt
	@rm -rf .venv-lock

clean: ## remove the environment and caches of the checkout; a running fleet stays (make local-down)
	@rm -rf $(VENV) .venv-lock .pytest_cache .ruff_cache .hypothesis

# Made whole or not at all: the stamp comes last. A person sees pip's progress, a log stays short.
$(STAMP): $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"error: Python 3.11 or newer is needed, $(PYTHON) is {sys.version.split()[0]}: make PYTHON=/path/to/python …")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: this Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV): about a minute, 1.2 GB."
	@rm -rf $(VENV)
	@began=$$(date +%s); \
	$(PYTHON) -m venv $(VENV); \
	$(RUN) -m pip install $(if $(CI),--quiet) --disable-pip-version-check -r requirements-dev.txt -c constraints.txt; \
	echo $$(( $$(date +%s) - began )) > $(VENV)/seconds
	@touch $(STAMP)
