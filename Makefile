# Two commands for a newcomer: `make check` shows a verdict, `make test` runs the tests. Both work from a clean clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CLIENTS := examples/clients
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Tests start hundreds of processes: each would compile all modules anew where nothing may be kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: check test slow release test-all lint types adapters lowest pythons survey bench clean

check: $(VENV)/core
	$(BIN)/nnlaws check scipy

# What takes longer is marked `slow`, and of what is `sampled` every 32nd case runs.
test: $(VENV)/test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not release"

# What takes longer.
slow: $(VENV)/test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow and not release"

# The rest, before a release: every mutant, every sound variant and every mistake, one by one.
release: $(VENV)/test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m release

test-all: test slow release

lint: $(VENV)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/lint
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

# The real libraries: here, one that is missing fails instead of being skipped.
adapters: $(VENV)/libraries $(CLIENTS)/node_modules
	NNLAWS_REQUIRE_LIBRARIES=1 $(BIN)/python -m pytest -n 2 --dist worksteal \
		tests/adapters tests/wire/test_languages.py tests/test_examples.py tests/packaging/test_layer_norm_chapter.py \
		tests/rounding/test_functions.py tests/test_accuracy.py tests/test_sensitivity.py \
		-k "test_adapters or test_recognition or test_clients or test_languages or test_examples or torch or tensors"

# The versions of pyproject.toml that are lowest, and the other Pythons that are to be had here.
lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-lowest.txt --editable '.[test]'
	.venv-lowest/bin/nnlaws check reference --profile quick > .venv-lowest/report.txt \
		|| { cat .venv-lowest/report.txt; exit 1; }
	tail -n 3 .venv-lowest/report.txt
	.venv-lowest/bin/python -m pytest -q -n 2 -p no:cacheprovider tests/rounding tests/reference tests/wire/test_words.py

PYTHONS := 3.12 3.13
pythons:
	for version in $(PYTHONS); do \
		for python in python$$version $$HOME/.pyenv/versions/$$version.*/bin/python; do \
			"$$python" -c '' 2> /dev/null || continue; \
			"$$python" -m venv .venv-$$version && .venv-$$version/bin/python -m pip install --quiet \
				--disable-pip-version-check --constraint constraints.txt --editable '.[test]' && \
			{ .venv-$$version/bin/nnlaws check reference --profile quick > .venv-$$version/report.txt \
				|| { cat .venv-$$version/report.txt; exit 1; }; } && tail -n 3 .venv-$$version/report.txt || exit 1; \
			continue 2; \
		done; \
		echo "there is no Python $$version here"; \
	done

# Every optimizer and batch norm of ten packages, as it is: twenty minutes. The page is docs/survey.md.
survey: $(VENV)/libraries
	$(PIP) --editable '.[survey]'
	$(PIP) --no-deps 'fastai>=2.8'
	$(BIN)/python benchmarks/survey.py --write

bench: $(VENV)/libraries
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .venv-* $(CLIENTS)/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/test: $(VENV)/core
	$(PIP) --editable '.[test]'
	touch $@

$(VENV)/lint: $(VENV)/test
	$(PIP) --editable '.[lint]'
	touch $@

$(VENV)/libraries: $(VENV)/test
	$(PIP) --editable '.[libraries,test]'
	touch $@

# The libraries in JavaScript that examples/clients calls.
$(CLIENTS)/node_modules: $(CLIENTS)/package.json
	cd $(CLIENTS) && npm install --no-audit --no-fund --no-package-lock --silent
	touch $@
