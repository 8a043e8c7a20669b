# Everything a developer types. Needs only Python 3.11 or newer (with venv) and make.

PYTHON ?= python3
UV ?= uv
ARGS ?=
ROUNDS ?= 200
MINUTES ?= 10
EXAMPLES ?= 200
SEED ?=

VENV := .venv
OWN := .venv-now
SCRATCH := echo "Making $(OWN) (up to a minute) ..." && trap 'rm -rf $(OWN)' EXIT && $(PYTHON) -m venv --clear $(OWN) \
	&& $(OWN)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header
LOCKED := pyproject.toml --group build

# A stamp is written after its step has succeeded, so an interrupted install is done again.
# They stand inside the environment and vanish with it.
MADE := $(VENV)/.made
TOOLS := $(VENV)/.tools
LINKED := $(VENV)/.linked

# An environment knows its own path and its interpreter; when either has moved, make it anew.
ifneq ($(shell test -x $(BIN)/python && cat $(MADE) 2>/dev/null),$(CURDIR))
$(MADE): again
endif

# Hundreds of processes load the same code: it is compiled once, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help install run test crash soak fuzz lint format lock bench bench-check audit sbom again

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(LINKED) ## Make .venv from requirements.lock, when it is missing or older
	@echo "$(VENV) is ready: $(BIN)/basalt --help"

run: $(LINKED) ## Serve on http://127.0.0.1:8000 (ARGS="--port 9000" and the like)
	@$(BIN)/basalt serve $(ARGS)

# Three processes for two cores: many of the tests wait for something.
test: lint ## Judge everything: style, types, architecture, then all tests
	@echo "==> tests of the domain and the application"
	@$(BIN)/python -m pytest -q tests/domain tests/application
	@echo "==> all other tests"
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not benchmark" --ignore=tests/domain --ignore=tests/application

crash: $(TOOLS) $(LINKED) ## Kill the service ROUNDS=200 times at work, on each database, and look for losses
	@$(BIN)/python -m tests.black_box.crashes --rounds $(ROUNDS) --database sqlite
	@$(BIN)/python -m tests.black_box.crashes --rounds $(ROUNDS) --database postgresql

soak: $(TOOLS) $(LINKED) ## Work for MINUTES=10 on each database while it has one fault after the other
	@$(BIN)/python -m tests.black_box.soak --minutes $(MINUTES) $(ARGS)

# The seed is another one each time, and printed; SEED=… asks the same again.
fuzz: $(TOOLS) $(LINKED) ## Let Schemathesis ask a server on each database for long (EXAMPLES=200 SEED=)
	@BASALT_TEST_EXAMPLES=$(EXAMPLES) BASALT_TEST_SEED=$(or $(SEED),$$$$) \
		$(BIN)/python -m pytest -q -s tests/black_box/test_schemathesis.py

lint: $(TOOLS) $(LINKED) ## Judge style, types and architecture only
	@echo "==> ruff check"
	@$(BIN)/ruff check --quiet
	@echo "==> ruff format --check"
	@$(BIN)/ruff format --check --quiet || { echo "make format puts it into style" >&2; exit 1; }
	@echo "==> mypy"
	@$(BIN)/mypy
	@echo "==> lint-imports"
	@$(BIN)/lint-imports --no-logo

# Tools that are needed now and then live in an environment of their own, which goes when they are
# done. The load generator, wrk, is not in it: it comes from the system's packages.
bench: $(LINKED) ## Compare with the peers, some 25 minutes; writes docs/benchmarks.md (needs wrk)
	@command -v wrk >/dev/null || { echo "make bench needs wrk (Debian and Ubuntu: apt install wrk)" >&2; exit 1; }
	@$(SCRATCH) requirements-bench.lock \
		&& $(OWN)/bin/python -m pip --disable-pip-version-check --quiet install --no-build-isolation --no-deps --no-index --editable . \
		&& $(OWN)/bin/python -m tests.benchmarks.bench --docs docs $(ARGS)

bench-check: $(TOOLS) $(LINKED) ## Fail if a hot path is more than 20 % slower than it was (needs wrk)
	@$(BIN)/python -m tests.benchmarks.check $(ARGS)

audit: ## Look for known vulnerabilities in what is installed (asks the package index's advisories)
	@$(SCRATCH) requirements-audit.lock \
		&& for lock in requirements*.lock; do echo "==> $$lock" && $(OWN)/bin/pip-audit --strict --disable-pip --require-hashes --requirement $$lock || exit; done

sbom: ## Write dist/basalt.cdx.json, a CycloneDX bill of what the service runs on
	@$(SCRATCH) requirements-audit.lock && mkdir -p dist \
		&& $(OWN)/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
			--short-PURLs --output-file dist/basalt.cdx.json requirements.lock && echo "dist/basalt.cdx.json is written"

format: $(TOOLS) ## Put the code into the house's style
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

lock: ## Resolve the dependencies anew into the lock files (needs uv; ARGS=--upgrade for newer ones)
	@command -v $(firstword $(UV)) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/, or name it: make lock UV=/path/to/uv" >&2; exit 1; }
	$(LOCK) $(LOCKED) $(ARGS) --output-file requirements.lock
	$(LOCK) $(LOCKED) $(ARGS) --group test --constraints requirements.lock --output-file requirements-test.lock
	$(LOCK) $(LOCKED) $(ARGS) --group test --group bench --constraints requirements-test.lock --output-file requirements-bench.lock
	$(LOCK) $(ARGS) --group audit --constraints requirements-bench.lock --output-file requirements-audit.lock

# A changed lock means a fresh environment: pip adds, but never takes away.
$(MADE): requirements.lock requirements-test.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Basalt needs Python 3.11 or newer, and '$(PYTHON)' is not: $$($(PYTHON) --version 2>&1 || true)" >&2; \
		echo "Install one and name it: make $(or $(MAKECMDGOALS),install) PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' comes without venv; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) from requirements.lock (about 15 seconds) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes --requirement requirements.lock
	@echo "$(CURDIR)" > $@

$(TOOLS): $(MADE)
	@echo "Adding the test tools from requirements-test.lock (about 15 seconds) ..."
	@$(PIP) install --require-hashes --requirement requirements-test.lock
	@touch $@

# The command `basalt` and the import path; `check` sees a dependency that is not locked yet.
$(LINKED): $(MADE) pyproject.toml
	@$(PIP) install --no-build-isolation --no-deps --no-index --editable .
	@problems=$$($(PIP) check) || { echo "$$problems" >&2; \
		echo "pyproject.toml asks for what requirements.lock does not hold: run make lock" >&2; exit 1; }
	@touch $@
