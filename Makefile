# Needs only Python >= 3.11, make and a package index.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
MEMBERS := libs/quant libs/common services/market-data services/signals services/risk services/execution \
           services/inference services/recorder services/gateway services/research
EDITABLE := $(foreach m,$(MEMBERS),-e $(m))

.DEFAULT_GOAL := help
.PHONY: help setup setup-train setup-test demo demo-crypto demo-triton train test lint types imports bench up clean

help:    ## say what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# Hashed requirements first; pip refuses editables under --require-hashes, so the members follow without them.
$(VENV)/.base: requirements/base.txt $(foreach m,$(MEMBERS),$(m)/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "contango needs Python >= 3.11; set PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

# Training, the torch backend and a real Triton server. Of nvidia-pytriton only the server's program is used, hence
# without its own requirements, which would take numpy back to 1.x.
$(VENV)/.train: $(VENV)/.base requirements/inference.txt requirements/torch.txt requirements/triton-server.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/inference.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/torch.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/triton-server.txt
	@touch $@

$(VENV)/.test: $(VENV)/.train requirements/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

setup: $(VENV)/.base  ## create .venv and install what the program needs
setup-train: $(VENV)/.train  ## the same, with torch, ONNX and a Triton server
setup-test: $(VENV)/.test  ## the same, with what the tests need

demo: setup  ## five years of S&P 500 through all services over a real NATS into a real PostgreSQL
	$(BIN)/contango demo --out reports/demo

demo-crypto: setup  ## the crypto module on catalog-crypto if it is there, else on a modelled sample
	$(BIN)/contango demo-crypto --out reports/demo-crypto

demo-triton: setup-train  ## every answer of a real Triton server beside the embedded backend's
	$(BIN)/contango demo-triton --out reports/demo-triton

train: setup-train  ## train the daily model on the sample data; minutes on two cores
	$(BIN)/contango train --catalog catalog --out models

test: setup-test  ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: setup-test  ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) types imports

types: setup-test  ## mypy, strict
	$(BIN)/mypy -p contango_quant -p contango_common -p contango_market_data -p contango_signals -p contango_risk -p contango_execution \
	            -p contango_inference -p contango_recorder -p contango_gateway -p contango_research

imports: setup-test  ## who may import whom
	$(BIN)/lint-imports

bench: setup  ## the benchmarks; writes bench.json
	$(BIN)/contango bench --json bench.json

up: setup  ## a paper session with embedded NATS and PostgreSQL; Ctrl-C stops it
	$(BIN)/contango up

clean:  ## remove what the targets above made
	rm -rf $(VENV) reports bench.json .mypy_cache .ruff_cache .import_linter_cache
