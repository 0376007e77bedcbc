# One command per intention, the same for a person and for CI. Each makes the virtual environment
# it needs, once; it is made again when pyproject.toml or constraints.txt change.

PYTHON ?= python3
SOURCES = src tests bench examples docs

.DEFAULT_GOAL := help
.PHONY: help study test check bench docs format clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

study: .venv/.made ## Recommend a batch size for the built-in digits; writes a report
	.venv/bin/rightbatch study digits

test: .venv-test/.made ## Run every test and every example of the docstrings
	OMP_NUM_THREADS=1 .venv-test/bin/python -m pytest -n 2

check: .venv-test/.made ## Check format, lint and types
	.venv-test/bin/ruff format --check $(SOURCES)
	.venv-test/bin/ruff check $(SOURCES)
	.venv-test/bin/mypy

format: .venv-test/.made ## Format the sources and mend what the linter can
	.venv-test/bin/ruff check --fix $(SOURCES)
	.venv-test/bin/ruff format $(SOURCES)

bench: .venv-test/.made ## Run the benchmarks, one after the other
	@set -e; for script in bench/*.py; do echo "== $$script"; .venv-test/bin/python "$$script"; done

docs: .venv-docs/.made ## Build the documentation into docs/_build
	.venv-docs/bin/sphinx-build -W --keep-going -b html docs docs/_build
	@echo "The documentation: docs/_build/index.html"

clean: ## Remove the environments and everything built
	rm -rf .venv .venv-test .venv-docs build dist docs/_build docs/_figures .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.made: extras =
.venv-test/.made: extras = [check,test]
.venv-docs/.made: extras = [docs]

.venv/.made .venv-test/.made .venv-docs/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".$(extras)"
	@touch $@
