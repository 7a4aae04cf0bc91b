# Two commands for a fresh machine: make demo, make test. Nothing needed but git, make and Python 3.11 or later.
PYTHON ?= python3
PORT ?= 8000
SIMULATOR_PORT ?= 8100
SITE_PORT ?= 8080
COVERED ?= 90
WORKERS ?= 3
ADVISORY_SERVICE ?= pypi
BIN := .venv/bin
# Each file runs in one worker, in the order of names: the slow ones are not left for the end.
TESTS = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
unexport PYTHONDONTWRITEBYTECODE # each process of the tests would compile the product anew
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

.PHONY: demo test check covered lint tools bench soak audit format wheel release advisories clean

.venv/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'Python 3.11 or later is needed; name it as in: make test PYTHON=python3.12'; exit 1; }
	@$(PYTHON) tests/install_tools.py venv
	$(PYTHON) -m venv .venv
	$(PIP) install --no-deps -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/.installed ## simulator, widget server and a sample site on loopback
	@$(BIN)/ece-widget demo --port $(PORT) --simulator-port $(SIMULATOR_PORT) --site-port $(SITE_PORT)

tools: .venv/.installed ## what the tests need beside Python
	@$(BIN)/python tests/install_tools.py tests

test: tools ## every test; ends with pytest's closing line
	@$(TESTS)

lint: .venv/.installed ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: .venv/.installed ## what every change must pass; the tests, with coverage, run beside the rest and print the last line
	@$(MAKE) --no-print-directory -j 2 lint covered

covered: tools
	@$(TESTS) --cov --cov-fail-under=$(COVERED)

bench: tools ## figures as ratios, all from one run
	@$(BIN)/python -m tests.bench

soak: tools ## the long proofs: kills, seeds, hostile requests
	@$(BIN)/python -m tests.soak
	@$(BIN)/python -m tests.soak.requests --count 100000 --outside

audit: tools ## outside judges; installs their tools
	@$(BIN)/python -m tests.audit

format: .venv/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: .venv/.installed ## dist/ece_widget-….whl
	$(BIN)/python -m hatchling build -t wheel

release: .venv/.installed ## dist/: the wheel, its bill of materials and their hashes; the same bytes for the same commit
	@rm -rf dist && mkdir dist
	@export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} && \
	  $(BIN)/python -m hatchling build -t wheel -d dist && \
	  $(BIN)/python -m tests.release.bill dist/ece_widget.cdx.json
	@cd dist && sha256sum *.whl *.json > SHA256SUMS && cat SHA256SUMS

advisories: ## known weaknesses of the locked versions; for networks that reach an advisory service
	@$(PYTHON) -m tests.release.advisories .tools/advisories $(ADVISORY_SERVICE)

clean:
	rm -rf .venv .tools dist .coverage .coverage.*
