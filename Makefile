"""`make histories`: thousands of long random histories on all cores; says how far it is, and how to replay what failed.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test kill crash-points histories fuzz live lint type imports check fmt bindings check-bindings pyangbind bench docs check-docs clean

help:  ## tell what there is to make
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(READY)  ## make the virtual environment in .venv and install everything into it

$(READY): pyproject.toml requirements.lock tools/setup.sh
	tools/setup.sh $(PYTHON) $(VENV)
	@touch $@

demo: $(READY)  ## play an orchestrator's whole story against a simulated cloud, and explain it
	$(BIN)/promise demo

test: $(READY)  ## the test suite
	$(BIN)/pytest -q -n 2 --dist worksteal -m "not live and not slow"

kill: $(READY)  ## kill -9 the server a hundred times under load; nothing acknowledged is lost
	PROMISE_KILLS=100 $(BIN)/pytest -q -n 2 --dist worksteal tests/crash

crash-points: $(READY)  ## stop the controller at every step of every workflow, and let the cloud misbehave at every request
	$(BIN)/pytest -q -n 2 --dist worksteal tests/crashpoints

histories: $(READY)  ## 2000 random histories of 200 steps, judged by a model after each step; a failed seed can be replayed
	PYTHONPATH=.:tests $(BIN)/python -m oracle.histories

fuzz: $(READY)  ## ask the RESTCONF door for all that OpenAPI allows and forbids, for PROMISE_FUZZ_SECONDS (600), by PROMISE_FUZZ_SEED
	$(BIN)/pytest -q -m slow tests/interop/test_schemathesis.py

live: $(READY)  ## the tests that need a real OpenStack: PROMISE_LIVE_CLOUDS=path/to/clouds.yaml
	$(BIN)/pytest -q -m live

check: lint type imports check-bindings check-docs test  ## what has to be true before a commit

lint: $(READY)  ## style, spelling and the YANG; writes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/pyang --strict --lint -p yang:yang/ietf yang/nfv-infrastructure.yang yang/opnfv-promise.yang

type: $(READY)  ## types
	$(BIN)/mypy

imports: $(READY)  ## who may import what
	$(BIN)/lint-imports --no-cache

fmt: $(READY)  ## put the code into its form
	$(BIN)/ruff check --fix -q . || true
	$(BIN)/ruff format .

bindings: $(READY)  ## generate promise/northbound/bindings from yang/
	$(BIN)/python yang/plugins/generate.py

check-bindings: $(READY)  ## fail when the committed bindings are not those of the schema
	$(BIN)/python yang/plugins/generate.py --check

pyangbind: $(READY)  ## generate pyangbind classes for consumers into build/pyangbind
	$(BIN)/python yang/plugins/generate_pyangbind.py build/pyangbind

docs: $(READY)  ## write the generated reference pages
	$(BIN)/python tools/reference.py

check-docs: $(READY)  ## fail when a generated reference page is out of date
	$(BIN)/python tools/reference.py --check

bench: $(READY)  ## measure what a request costs; docs/reference/performance.md has the figures
	$(BIN)/python bench/create_reservation.py
	$(BIN)/python bench/northbound.py

clean:  ## remove what make made
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
