# make forecast   the main job: fit on Seattle's weather, write the model and the report
# make test       the tests, within minutes
# make test-all   the tests, then the long ones
# make check      lint, format, types
# make benchmark  the measured tables of the README (needs nothing but the example file); it opens a
#                 test part, so REASON="..." says why whenever that has been opened before
# make native     the CPU engine alone, compiled into src/ (ISAS=avx2 for one instruction set only,
#                 SANITIZE=ON to check memory accesses)

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
BUILDERS := $(VENV)/.builders
INSTALLED := $(VENV)/.installed
SOURCES := $(shell find src -type f ! -name '*.pyc' ! -name '_native*.so') CMakeLists.txt \
  pyproject.toml constraints.txt
ISAS ?= baseline;avx2;avx512
SANITIZE ?= OFF
NATIVE := build/native$(if $(filter ON,$(SANITIZE)),-sanitized)
# one test process per core, one torch thread each
export OMP_NUM_THREADS ?= 1

.PHONY: install forecast test test-all check benchmark native clean

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# what compiles the CPU engine, in the place where it stays, so that only what changed is compiled
$(BUILDERS): $(VENV)/bin/python constraints.txt
	$(PIP) scikit-build-core nanobind cmake ninja
	@touch $@

# pinned dependencies; reinstalled, not editable, whenever a source file has changed
$(INSTALLED): $(BUILDERS) $(SOURCES)
	$(PIP) --no-build-isolation '.[dev]'
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

# for a checkout that is on the import path: compiles only what has changed
native: $(BUILDERS)
	$(BIN)/cmake -G Ninja -B $(NATIVE) --log-level=WARNING \
	  -DLONGSHORT_ISAS="$(ISAS)" -DLONGSHORT_SANITIZE=$(SANITIZE) \
	  -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja -DPython_EXECUTABLE=$(abspath $(BIN))/python
	$(BIN)/cmake --build $(NATIVE)
	$(BIN)/cmake --install $(NATIVE) --prefix src

clean:
	rm -rf $(VENV) build dist seattle
	rm -f src/longshort/kernels/_native*.so
