# Everything a fresh machine needs is Python 3.10 or later with venv, git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# CrewAI must neither phone home nor ask questions while we run it.
export CREWAI_DISABLE_TELEMETRY ?= true
export CREWAI_DISABLE_TRACKING ?= true
export CREWAI_TRACING_ENABLED ?= false

.PHONY: demo test check docs bench backends phoenix mlflow traceql clean

demo: $(READY)          ## run a CrewAI flow on a scripted LLM: traced, recorded, replayed
	$(BIN)/otelstream demo

# One more than there are processors, as tests also wait: for the disk, for other processes, for time to pass.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# Compiled once: some hundred processes of the tests import the same modules.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)          ## run the tests, on real CrewAI, DuckDB and OTLP
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile

check: $(READY)         ## formatting, lint, types, import contracts, freshness of generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m dashboards.panels --check

docs: $(READY)          ## regenerate docs/MAPPING.md, docs/CLI.md and the Grafana dashboards
	$(BIN)/python docs/generate.py
	$(BIN)/python -m dashboards.panels

bench: $(READY)         ## what observing costs, as ratios; frames a second through the assembler and replayed
	$(BIN)/python benchmarks/assembler.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/recording.py
	$(BIN)/python -m benchmarks.replaying
	$(BIN)/python -m benchmarks.million

# Servers whose API the backend tests read our spans back from. Each pins much of what we use too, in other
# versions, so it gets an environment of its own (some 600 MB). `make clean` leaves them.
PHOENIX := arize-phoenix==20.26.1
MLFLOW  := mlflow==3.17.2

phoenix: .backends/phoenix/$(PHOENIX)  ## install Arize Phoenix for tests/backends
mlflow: .backends/mlflow/$(MLFLOW)     ## install MLflow for tests/backends

.backends/phoenix/$(PHOENIX) .backends/mlflow/$(MLFLOW):
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(@F)
	@touch $@

# The grammar of TraceQL that Grafana's editor has (Apache-2.0), and what runs it (MIT).
TRACEQL := @grafana/lezer-traceql@1.0.0 @lezer/lr@1.4.12

traceql:                ## install Grafana's grammar of TraceQL for tests/backends; needs Node and npm
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix .backends/traceql $(TRACEQL)

backends: $(READY)      ## build Jaeger, a Collector, Prometheus 3 and Compose's loader for tests/backends; needs Go
	$(BIN)/python -m tests.backends.build

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "otelstream needs Python 3.10 or later, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[crewai,test,dev]'
	@touch $(READY)
