# make chat   set up and talk to the default model (PROMPT="..." answers once)
# make test   set up everything and run every check and test
# make test-android  the Kotlin library on this machine's JVM and on emulated Arm, and the sample app's APK (Linux x86-64; fetches its toolchain once)
# make check  ruff, mypy, layers, budgets
# make bench  measured speed against the peers (minutes; leave the machine alone meanwhile)
# make quality TEXT=FILE   what 8 and 4 bits cost on both runtimes (minutes)

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/edge-llm
export EDGE_LLM_TEST_HOME ?= $(CACHE)/test-home
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt

.PHONY: chat test test-android check bench quality clean

chat: $(VENV)/.base
ifdef PROMPT
	@$(BIN)/edge-llm run smollm2-135m-instruct "$$PROMPT" --temperature 0
else
	@$(BIN)/edge-llm chat
endif
export PROMPT

test: $(VENV)/.dev check
	$(BIN)/edge-llm pull smollm2-135m-instruct --home "$(EDGE_LLM_TEST_HOME)"
	$(BIN)/edge-llm pull all-minilm-l6-v2 --home "$(EDGE_LLM_TEST_HOME)"
	$(BIN)/python -m pytest

test-android: $(VENV)/.dev
	$(BIN)/edge-llm pull smollm2-135m-instruct --home "$(EDGE_LLM_TEST_HOME)"
	$(BIN)/python -m pytest tests/android

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/unit/test_structure.py

bench: $(VENV)/.dev
	$(BIN)/edge-llm pull smollm2-135m-instruct --home "$(EDGE_LLM_TEST_HOME)"
	$(BIN)/python -m tests.bench

# TEXT is any UTF-8 file; the README says which one its figures come from
quality: $(VENV)/.dev
	$(BIN)/edge-llm pull smollm2-135m-instruct --home "$(EDGE_LLM_TEST_HOME)"
	$(BIN)/python -m tests.bench.bench_quality --text "$(TEXT)"

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.venv:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.base: $(VENV)/.venv pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

# torch first: with it in place, nothing below asks the index for a newer build of it.
$(VENV)/.dev: $(VENV)/.base scripts/llama_wheel.sh
	$(PIP) torch==2.13.0
	$(PIP) "$$(sh scripts/llama_wheel.sh $(BIN)/python constraints.txt '$(CACHE)/wheels')"
	$(PIP) -e ".[dev]"
	sh scripts/test_tools.sh
	touch $@
