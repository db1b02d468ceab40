# Every task of a developer and of CI is a target here. `make` lists the targets.

SHELL := /bin/sh
BIN := .venv/bin
DEV := .venv/.dev-installed
RUNTIME := .venv/.runtime-installed

LISTEN ?= :10091
ADDRESS = $(patsubst :%,localhost:%,$(LISTEN))
ARGS ?=
FILES ?=

# Compiled files save seconds in each worker, and half of the time in which an exporter starts.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest

# Tests with peers wait for processes, intervals and deadlines more than half of the time.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# Fast tests wait for sockets and files a part of the time, so two cores run three at once. Each further
# worker would take seconds to start.
FAST_WORKERS ?= $(shell echo $$(((3 * $$(getconf _NPROCESSORS_ONLN) + 1) / 2)))

# A usable Python is new enough and can make a virtual environment.
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(USABLE)' >/dev/null 2>&1 && echo $$python && break; done)

# On the compiled package: the fast ring without the rooms of tests that run no compiled module, and
# the peer tests of the path of a push. A machine without a C compiler has no build/compiled.
WITHOUT_EXPORTER := benchmarks dashboards deploy docs fakes kubernetes onboarding peers rules
TEST_COMPILED = { test ! -d build/compiled || { cd build/compiled && PYTHONDONTWRITEBYTECODE= \
	../../$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
	-m "not interpreted and (hot or not peer)" --hypothesis-profile=fast \
	$(addprefix --ignore=tests/,$(WITHOUT_EXPORTER)) $(ARGS); }; }

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-compiled compiled check lint types layers prose rules rules-generate \
	dashboards-generate screenshots format fuzz cov bench bench-page peers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  LISTEN=:10091  address of \`make run\`"
	@echo "  ARGS=...       more arguments of the exporter or of pytest"
	@echo "  FILES=...      files and folders for \`make prose\`, which then lists lines"
	@echo "  PYTHON=...     the Python for the virtual environment"

# An environment with the developer tools can run the exporter too; otherwise install less.
run: $(if $(wildcard $(DEV)),$(DEV),$(RUNTIME)) ## start the exporter with the example monitors
	@mkdir -p data
	@echo
	@echo "Push from another terminal, then look at the metrics:"
	@echo
	@echo "  curl -X POST http://$(ADDRESS)/api/push/yuptime/backup-job \\"
	@echo "    -H 'Authorization: Bearer my-secure-token' -H 'Content-Type: application/json' \\"
	@echo "    -d '{\"status\": \"up\", \"message\": \"Backup completed\"}'"
	@echo "  curl http://$(ADDRESS)/metrics"
	@echo
	@exec $(BIN)/yuptime-exporter --source.manifests=deploy/examples \
		--storage.url=sqlite:data/yuptime.db --web.listen-address=$(LISTEN) $(ARGS)

test: $(DEV) peers compiled ## set up all that the tests need, and run all tests
	@$(PYTEST) -n $(WORKERS) --dist worksteal $(ARGS) || failed=1; \
		$(TEST_COMPILED) || failed=1; \
		test -z "$$failed"

test-fast: $(DEV) ## run the tests that need only Python, in less than a minute
	@$(PYTEST) -n $(FAST_WORKERS) --dist worksteal -m "not peer" --hypothesis-profile=fast $(ARGS)

test-compiled: compiled ## run the tests of the fast ring, and some peer tests, on the compiled package
	@$(TEST_COMPILED)

compiled: $(DEV) ## make build/compiled: this checkout with the package as the image has it
	@$(BIN)/python -m tests.compiled.prepare

check: lint types layers prose rules ## run every check that changes no file

lint: $(DEV) ## ruff: style, likely bugs, formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV) ## mypy, strict
	@$(BIN)/mypy

layers: $(DEV) ## import-linter: the allowed imports
	@$(BIN)/lint-imports --no-logo

prose: $(DEV) ## count the vague words in docstrings, comments and docs
	@$(BIN)/python -m tests.docs.prose $(FILES)

rules: $(DEV) ## promtool: the alert rules and their tests
	@$(BIN)/python -m tests.peers.prepare debian prometheus
	@tests/peers/rules.sh $(BIN)/python

rules-generate: $(DEV) ## make the PrometheusRule from the alert rules
	@$(BIN)/python alert-rules/generate.py

dashboards-generate: $(DEV) ## make the Grafana dashboards from their script
	@$(BIN)/python -m dashboards.generate

screenshots: $(DEV) ## make the pictures of the pages in docs/images
	@$(BIN)/python -m tests.peers.prepare chromium
	@$(BIN)/python -m tests.web.pages.pictures

format: $(DEV) ## format the code with ruff
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

fuzz: $(DEV) ## compare all ways of reading a push with random bytes, for five minutes
	@$(BIN)/python -m tests.web.servers.comparing $(ARGS)

cov: $(DEV) peers ## run all tests and list the lines that no test runs
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(ARGS)
	@$(BIN)/coverage report --skip-covered --show-missing --fail-under=95
	@$(BIN)/coverage report --skip-covered --show-missing --fail-under=100 \
		--include='yuptime_exporter/core/*'

# The compiled exporter is measured, as users of the image run it.
bench bench-page: export YUPTIME_BENCHMARK_CHECKOUT ?= $(CURDIR)/build/compiled

bench: $(DEV) ## measure the compiled exporter beside both Pushgateways (ten minutes)
	@$(BIN)/python -m tests.peers.prepare debian pushgateway wrk
	@$(BIN)/python -m tests.compiled.prepare --needed
	@$(BIN)/python -m benchmarks.pushgateway $(ARGS)

bench-page: $(DEV) ## measure the tables and the plot of docs/performance.md (half an hour)
	@$(BIN)/python -m tests.peers.prepare debian pushgateway wrk
	@$(BIN)/python -m tests.compiled.prepare --needed
	@$(BIN)/python -m benchmarks.page

peers: $(DEV) ## fetch and build the real programs that tests use (minutes, once)
	@$(BIN)/python -m tests.peers.prepare

clean: ## remove generated files; keeps data/ and the peers
	rm -rf .venv .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@"$(PYTHON)" -c '$(USABLE)' 2>/dev/null || { \
		echo "Expected Python 3.11 or newer with venv and ensurepip, got $(if $(PYTHON),$(PYTHON),none). Install Python" >&2; \
		echo "(on Debian: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@echo "Making .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv --clear .venv

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "Installing the exporter into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	@echo "Installing the exporter and its developer tools into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(RUNTIME)
