# Every target makes what it needs: a virtual environment in .venv, with the package installed in it.
PYTHON ?= python3
BIN := .venv/bin
# pip resolves the declared dependencies; the stamp makes that happen once per change of pyproject.toml
CORE := .venv/.core
DEV := .venv/.dev
BENCH := .venv/.bench

.PHONY: demo test soak surface lint bench bench-general lenet examples gallery docs clean
.DEFAULT_GOAL := demo

demo: $(CORE)          ## train on real house prices: score, saved model, pictures
	$(BIN)/steepest train housing

test: $(DEV)           ## every test, on two processes
	$(BIN)/python -m pytest -n 2

soak: $(DEV)           ## 2,000 random programs, compiled against eager; memory over 500 compilations
	$(BIN)/python tests/soak.py

surface: $(DEV)        ## every sample input of PyTorch's own tests, and how much of its surface agrees
	$(BIN)/python tests/test_torch_surface.py

lint: $(DEV)           ## formatting, style, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(BENCH)        ## time the training step against other libraries, in one run
	$(BIN)/python -m benchmarks

bench-general: $(BENCH)  ## the same on twenty networks that nobody tuned for, drawn from a fixed seed
	$(BIN)/python -m benchmarks.general

lenet: $(BENCH)        ## LeNet-5 on handwritten digits: accuracy over 5 seeds, time beside PyTorch's loop
	$(BIN)/python -m benchmarks.lenet

examples: $(DEV)      ## ten programs in PyTorch's words: losses and time beside PyTorch
	$(BIN)/python -m examples

gallery: $(CORE)       ## every kind of figure and every lesson's, light and dark: docs/gallery.md
	$(BIN)/python docs/gallery.py

docs: $(DEV)           ## the reference, from the docstrings, in docs/reference/
	$(BIN)/pdoc --output-directory docs/reference steepest

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(CORE): pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

$(DEV): pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $(CORE) $@

$(BENCH): pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[dev,bench]'
	touch $(CORE) $(DEV) $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
