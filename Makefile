# The doors of this project. `make book` and `make test` work on a fresh machine.

PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8000
# For another build of torch, for example: make book PIP_FLAGS="--extra-index-url …" (README).
PIP_FLAGS ?=
# Chapters to execute at a time; without it as many as there are cores: make book JOBS=1
JOBS ?=

bin := $(VENV)/bin
pip := $(bin)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS)
locks := requirements.txt constraints.txt pyproject.toml

# Otter and what it needs, apart from the environment of the book.
ASSIGNMENTS ?= .venv-assignments
apart := $(ASSIGNMENTS)/bin/python

.PHONY: help book serve test browser figures notebooks bench gpu gpu-wheels lint format lock clean \
        assignments grade mutants

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

book: $(bin)/.book  ## execute and build the website into _build/html
	$(bin)/python -m tools.build $(if $(JOBS),--jobs $(JOBS)) $(if $(CI),--budgets)

serve:  ## show the website at http://127.0.0.1:8000 (loopback only)
	@test -f _build/html/index.html || { echo "There is no website yet: make book"; exit 1; }
	@echo "The book is at http://127.0.0.1:$(PORT)/ (Ctrl-C stops)"
	@$(PYTHON) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

test: $(bin)/.test $(ASSIGNMENTS)/.made browser book  ## build the book through its gates, then run every test
	$(bin)/python -m pytest --numprocesses=logical --dist=loadfile
	$(apart) -m pytest assignments/coursework assignments/tests --numprocesses=logical --dist=loadgroup

browser:  ## install Chromium from the system's packages where it is missing and one may
	@sh tools/browser.sh

figures: $(bin)/.book  ## a contact sheet of all figures: wide and narrow, light and dark
	$(bin)/python -m tools.figures

notebooks: $(bin)/.book  ## write notebooks/NN_slug.ipynb from the chapters
	$(bin)/python -m tools.notebooks

assignments: $(ASSIGNMENTS)/.made  ## make the course assignments in _build/assignments (SECRET=file: yours alone)
	@$(apart) -m coursework.making $(if $(ONLY),--only "$(ONLY)") $(if $(CHECK),--check) \
	  $(if $(SECRET),--secret "$(SECRET)",$(if $(CHECK),,--publish))

grade: $(ASSIGNMENTS)/.made  ## grade a folder of submissions: make grade ASSIGNMENT=01_kantorovich DIR=folder
	@$(apart) -m coursework.classroom "$(ASSIGNMENT)" "$(DIR)" $(if $(OUT),--out "$(OUT)") \
	  $(if $(JOBS),--jobs $(JOBS)) $(if $(PER_STUDENT),--per-student) $(if $(SECRET),--secret "$(SECRET)") \
	  $(if $(ROSTER),--roster "$(ROSTER)") $(if $(COLUMN),--column "$(COLUMN)") \
	  $(if $(SIMILAR),--similar "$(SIMILAR)") $(if $(BY_SOURCE),--by-source)

mutants: $(ASSIGNMENTS)/.made  ## test the tests: grade the bank of right and wrong answers (ONLY=01_kantorovich)
	@$(apart) -m coursework.mutants $(if $(ONLY),"$(ONLY)") --write

bench: $(bin)/.test  ## measure against other libraries side by side (ONLY=name: that one), and the website
	@met=0; $(bin)/python -m benchmarks.run $(ONLY) || met=1; \
	$(if $(ONLY),,$(bin)/python -m benchmarks.site || met=1;) exit $$met

gpu:  ## measure on an accelerator, with the Python that has its torch (DEVICE=cpu: rehearse)
	$(PYTHON) -m tools.gpu $(if $(DEVICE),--device $(DEVICE)) $(if $(ONLY),--only "$(ONLY)") $(if $(COMMIT),--commit $(COMMIT))

gpu-wheels:  ## fetch into _build/wheels what `make gpu` needs on a machine without a network
	$(PYTHON) -m tools.gpu.wheels $(MORE)

lint: $(bin)/.lint  ## ruff (lint and format), mypy, and the language: spelling, style, lengths
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/python -m tools.language

format: $(bin)/.lint  ## let ruff put the code in order
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

lock: $(bin)/.test $(bin)/.lint  ## write constraints.txt from this environment
	$(bin)/python -m tools.lock

clean:  ## remove what was built (the environment stays)
	rm -rf _build

$(bin)/python:
	sh tools/environment.sh $(PYTHON) $(VENV)

$(bin)/.book: $(bin)/python $(locks)
	@echo "Installing what the book needs (once; about two minutes)"
	$(pip) -r requirements.txt
	@touch $@

$(bin)/.test: $(bin)/.book
	$(pip) -c constraints.txt -e '.[test]'
	@touch $@

$(ASSIGNMENTS)/.made: $(bin)/.test assignments/requirements.txt assignments/environment.py
	@echo "Installing what the assignments need, apart from the book (once; half a minute)"
	$(bin)/python assignments/environment.py $(ASSIGNMENTS) $(PIP_FLAGS)
	@touch $@

$(bin)/.lint: $(bin)/.test
	$(pip) -c constraints.txt -e '.[lint]'
	@touch $@
