# make forecast   the main job: fit on Seattle's weather, write the model and the report
# make test       the tests, within minutes
# make test-all   the tests, then the long ones
# make check      lint, format, types
# make benchmark  the measured tables of the README (needs nothing but the example file); it opens a
#                 test part, so REASON="..." says why whenever that has been opened before

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SOURCES := $(shell find src -name '*.py' -o -name py.typed) pyproject.toml constraints.txt
# one test process per core, one torch thread each
export OMP_NUM_THREADS ?= 1

.PHONY: install forecast test test-all check benchmark clean

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# pinned dependencies; reinstalled, not editable, whenever a source file has changed
$(INSTALLED): $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt '.[dev]'
	@touch $@

install: $(INSTALLED)

forecast: $(INSTALLED)
	$(BIN)/longshort fit forecast examples/seattle-weather.csv --time date \
	  --target temp_max,temp_min --horizon 7 \
	  --valid-from 2014-01-01 --test-from 2015-01-01 --out seattle

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2

test-all: test
	$(BIN)/python -m pytest -n 2 -m slow

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(INSTALLED)
	$(BIN)/python benchmarks/seattle.py --reason "$(REASON)"

clean:
	rm -rf $(VENV) build dist seattle
