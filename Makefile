# Needs a Python (3.11 or newer), make and git; everything else goes into .venv.
# Written for GNU make 3.81 and newer, so that macOS's own make will do.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
STRICT := protocol conversation audio
comma  := ,
empty  :=
space  := $(empty) $(empty)
# Files of the rooms that decide: every branch of them is tested.
PURE   := $(subst $(space),$(comma),$(foreach room,$(STRICT),src/vivavoce/$(room)/*))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check bench clean ruff mypy imports rules pytest

help: ## Show this list
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/  make \1	\2/p' Makefile

demo: $(VENV)/.demo ## Hear an agent: install what that needs, then run `vivavoce demo`
	@$(BIN)/vivavoce demo

test: check pytest ## Everything: the checks, all tests, the coverage floors

check: ruff mypy imports rules ## What a machine can tell in seconds: style, types, imports, house rules

bench: $(VENV)/.dev ## Measure latency, cost and limits (BENCH=--quick: in a minute or two)
	@$(BIN)/python -m bench $(BENCH)

ruff: $(VENV)/.dev
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .

mypy: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

rules: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/test_house_rules.py

pytest: $(VENV)/.dev $(VENV)/.js
	$(BIN)/python -m pytest --cov --cov-report=
	@echo 'Coverage of $(STRICT): every line and branch.'
	@$(BIN)/python -m coverage report --skip-covered --show-missing --fail-under=100 --include='$(PURE)'
	@echo 'Coverage of the rest: 90 %.'
	@$(BIN)/python -m coverage report --skip-covered --show-missing --fail-under=90 --omit='$(PURE)'

clean: ## Remove what make made, .venv included
	rm -rf $(VENV) artefacts build dist htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing vivavoce with its local engines and server into $(VENV) (about a minute) ...'
	@$(PIP) install -c constraints.txt -e '.[local,server,cli]'
	@touch $@

# Oracles of tests, without what they depend on. Of silero-vad the model is wanted, not torch. openai-agents asks
# for websockets below 17, and works with later ones; the tests are to run with what users get.
$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing vivavoce and its tests into $(VENV) (a minute or two) ...'
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@$(PIP) install -c constraints.txt --no-deps silero-vad openai-agents
	@$(PIP) download -c constraints.txt --no-deps --no-binary openai-agents --dest $(VENV)/share/openai-agents openai-agents
	@touch $(VENV)/.demo $@

# The official JavaScript clients, and a Node.js where there is none on the PATH.
$(VENV)/.js: tests/js/package.json tests/js/package-lock.json tools/install_js_clients.py | $(VENV)/.dev
	@echo 'Installing the JavaScript clients of the tests into $(VENV)/share/js ...'
	@$(BIN)/python tools/install_js_clients.py $(VENV)/share/js
	@touch $@

$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'vivavoce needs Python 3.11 or newer, and none is on the PATH. Install one, or name it: make PYTHON=/path/to/python3' >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$found ($$("$$found" -c 'import platform; print(platform.python_version())')) ..."; \
	if ! "$$found" -m venv --clear $(VENV); then \
	  rm -rf $(VENV); \
	  echo 'That Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv' >&2; \
	  exit 1; \
	fi
