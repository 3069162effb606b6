# Two commands do everything: `make local` and `make test`. Both set up what they need and show it.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.made-from-$(shell cat requirements.txt requirements-dev.txt constraints.txt | cksum | cut -d' ' -f1)

.PHONY: local local-down local-status test bench lint tools lock-requirements clean

local: $(STAMP)
	@$(RUN) -m local up

local-down: $(STAMP)
	@$(RUN) -m local down

local-status: $(STAMP)
	@$(RUN) -m local status

test: $(STAMP)
	@$(RUN) -m tests.run

lint: $(STAMP)
	@$(RUN) -m tests.run lint

bench: $(STAMP)
	@$(RUN) -m bench

tools: $(STAMP)
	@$(RUN) -m local.tools

lock-requirements:
	@rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install -q -r requirements-dev.txt
	@(echo "# Every package of the environment, so that two machines get the same one. Made by: make lock-requirements"; .venv-lock/bin/pip freeze) > constraints.txt
	@rm -rf .venv-lock

clean:
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

$(STAMP): requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Making the virtual environment (about a minute)."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $(STAMP)
