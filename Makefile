# Every target sets up what it needs, once, in a virtual environment of its own.
#   make test PYTHON=python3.13 VENV=/tmp/venv   another interpreter, another place
#   make test ARGS="-k supervisor -x"            arguments for pytest, or for the demo, or for the benchmark
#   make test ARGS=tests/crash CRASH_ROUNDS=200  kill -9 so often, and not only 20 times

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
export PYTHON

bin := $(VENV)/bin
checked := actors supervision tests examples

# A run that was ended from outside leaves the name of its test, and stacks if the test took too long; the last
# thread is the main one, and the innermost frames come first.
running_test := build/running_test
tell_running_test = if test -e $(running_test); then \
	awk '/most recent call first/ { frames = 0 } frames++ < 11' $(running_test); \
	printf 'ended by: '; head -n 1 $(running_test); nproc; cat /proc/loadavg; rm $(running_test); fi

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z.-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: .venv
.venv: $(VENV)/ready-to-test ## Make the virtual environment with what the tests and the demo need

.PHONY: demo
demo: $(VENV)/ready-to-test ## Audit Python's standard library with a team of supervised agents
	$(bin)/python examples/code_audit.py $(ARGS)

.PHONY: test
test: $(VENV)/ready-to-test ## Run the tests
	@$(bin)/python -m pytest $(ARGS) || { status=$$?; $(tell_running_test); exit $$status; }

.PHONY: lint
lint: $(VENV)/ready-to-lint ## Check the style, the format and which way imports point
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/lint-imports --no-cache --no-logo

.PHONY: format
format: $(VENV)/ready-to-lint ## Rewrite the code in the project's format
	$(bin)/ruff check --fix
	$(bin)/ruff format

.PHONY: types
types: $(VENV)/ready-to-lint ## Check the types
	$(bin)/mypy

.PHONY: bench
bench: $(VENV)/ready-to-test ## Measure the runtime beside bare trio, Erlang and other libraries
	$(bin)/python -m tests.benchmarks $(ARGS)

.PHONY: bench-peers
bench-peers: $(VENV)/ready-to-test ## Install what `make bench` compares with; Erlang only if root on Debian
	$(bin)/python -m pip install --quiet otpylib==0.5.18 pykka==4.5 thespian==4.0.1
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update && apt-get install --yes erlang-base; fi

.PHONY: wheel
wheel: $(VENV)/ready-to-build ## Build the wheel, and run the examples on it in a clean environment
	rm -rf dist
	$(bin)/python -m build --wheel --outdir dist
	.ci/try_wheel dist

.PHONY: check
check: ## Run everything that must hold before a change is accepted
	.ci/run

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache

# A stamp is written last, so an installation that was interrupted is done again.

$(VENV)/pip-is-new:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(bin)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

# The pytest plugin is copied when it is installed.
$(VENV)/ready-to-test: $(VENV)/pip-is-new pyproject.toml actors/testing/pytest_trio_actors.py
	$(bin)/python -m pip install --quiet --editable . --group test
	@touch $@

$(VENV)/ready-to-lint: $(VENV)/ready-to-test
	$(bin)/python -m pip install --quiet --group lint
	@touch $@

$(VENV)/ready-to-build: $(VENV)/pip-is-new pyproject.toml
	$(bin)/python -m pip install --quiet --group wheel
	@touch $@
