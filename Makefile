# Two commands for a fresh machine: make demo, make test. Nothing needed but git, make and Python 3.11 or later.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

.PHONY: demo test check bench soak audit format clean

.venv/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

demo: .venv/.installed ## simulator, widget server and a sample site on loopback
	$(BIN)/ece-widget demo --port $(PORT)

test: .venv/.installed ## every test; ends with pytest's closing line
	$(BIN)/python tests/install_tools.py
	$(BIN)/python -m pytest

check: .venv/.installed ## format, lint, types, imports, tests with coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

clean:
	rm -rf .venv dist
