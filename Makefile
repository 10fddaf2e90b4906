# `make run` and `make test` are all that a bare machine with Python and make needs.

PORT ?= 8000
FOOTAGE ?= ../shared/data
WEIGHTS ?= ../shared/weights/mobilenet_v2_imagenet_no_top.h5

# The first Python here that the libraries support.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
BIN := .venv/bin

# Where Python may not keep what it compiled, each process that a test or the site starts compiles
# the project anew, and each run of pytest all of its tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-all test-postgres test-serve test-faults test-few-faults quick fuzz lint audit check soak lock models recipes clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: .venv/runtime ## install what is needed and serve http://127.0.0.1:8000
	@test -z "$$DATABASE_URL" || $(BIN)/python manage.py check --tag database --database default
	@$(BIN)/python manage.py migrate --verbosity 0 --skip-checks
	@$(BIN)/python manage.py create_first_admin
	@echo "Serving http://127.0.0.1:$(PORT) - stop with Ctrl-C"
	@PORT=$(PORT) $(BIN)/gunicorn --config python:shoplift_site.gunicorn shoplift_site.wsgi

# As many processes as tests/conftest.py says, and each file in one of them: some of its tests share
# what takes long to make.
# In the order of tests/conftest.py, which puts what takes longest first.
PARALLEL := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# What is marked `long` takes a quarter of the time of all, and has shorter neighbours.
WHICH ?= not long
TRIES ?= 1

test: .venv/development ## install what the tests need and run all but the longest: what CI runs
	$(BIN)/python -m pytest $(PARALLEL) -m "$(WHICH)" --seeds $(TRIES)
	@$(MAKE) --no-print-directory test-postgres test-serve test-few-faults

test-all: .venv/development ## the longest, too: before a release, and what is near to your change
	@$(MAKE) --no-print-directory test WHICH="long or not long" TRIES=3

# Folders in which no test asks the database take long to read.
test-postgres: .venv/development ## those that PostgreSQL may answer otherwise, with one of their own
	$(BIN)/python -m pytest $(PARALLEL) -p tests.servers -m "db and ($(WHICH))" --seeds $(TRIES) --ignore tests/ml --ignore tests/browser

# A virtual environment of its own, which lasts until the requirements change.
SERVE := .venv.serve-$(shell sha256sum requirements-serve.txt | cut -c1-12)
test-serve: $(SERVE)/ready ## that requirements-serve.txt is all that the site and the shipped models need
	$(SERVE)/bin/python -m tests.without_tensorflow

$(SERVE)/ready: .venv/development
	rm -rf .venv.serve-*
	$(BIN)/uv venv --quiet --python $(BIN)/python $(SERVE)
	$(BIN)/uv pip install --quiet --python $(SERVE)/bin/python -r requirements-serve.txt
	@touch $@

test-few-faults: .venv/development ## a few chosen faults on each set-up, all beside each other: two minutes or three
	$(BIN)/python -m scripts.faults.brief

quick: .venv/development ## the tests that need neither Keras nor a browser: before every commit
	$(BIN)/python -m pytest $(PARALLEL) -m "not keras and not browser and not long"

SEEDS ?= 1000
fuzz: .venv/development ## damage clips and fill forms at random in SEEDS ways; `make test` tries a few
	$(BIN)/python -m pytest -m fuzz --seeds $(SEEDS)

SETUPS ?= sqlite postgres celery
KILLS ?= 10
test-faults: .venv/development ## kill, freeze and starve the parts of a site at work, for two minutes on each of SETUPS
	@for each in $(SETUPS); do $(BIN)/python -m scripts.faults --setup $$each --kills $(KILLS) --minutes 2 || exit; done

MINUTES ?= 30
ORDINARY := $(wildcard $(FOOTAGE)/mnnit/non_shoplifters/normal_01*.mp4)
PLANTED := $(foreach n,016 074 080,$(FOOTAGE)/mnnit/shoplifters/shoplifting_$(n).mp4)
soak: .venv/runtime ## watch two simulated cameras with faults for MINUTES (30); clips from FOOTAGE
	@test -n "$(ORDINARY)" || { echo "There are no clips in $(FOOTAGE)/mnnit. Say where: make soak FOOTAGE=FOLDER"; exit 2; }
	$(BIN)/python -m scripts.soak --ordinary $(ORDINARY) --planted $(PLANTED) --minutes $(MINUTES)

# B608 is SQL made of strings: ruff asks the same (S608), and each exception stands in the code.
lint: .venv/development ## ruff, strict mypy, import-linter, bandit, migrations up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --severity-level medium --skip B608 video_classifier shoplift_site scripts
	$(BIN)/python manage.py makemigrations --check --dry-run

# Not what keeps CI green: what is found today may have been there yesterday, and the service may be away.
audit: .venv/development ## known vulnerabilities of what the site needs, where the service that knows them answers
	-$(BIN)/python -m scripts.audit_requirements $(filter-out requirements-dev.txt,$(wildcard requirements*.txt))

check: test lint ## tests and linters

lock: .venv/development ## pin the newest versions that requirements*.in allow
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade -c requirements.txt requirements-serve.in -o requirements-serve.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade requirements-gpu.in -o requirements-gpu.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade requirements-alerts.in -o requirements-alerts.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade requirements-celery.in -o requirements-celery.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade requirements-storage.in -o requirements-storage.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade requirements-dev.in -o requirements-dev.txt

# $(call TRAIN,network,folder): its card measures each person by networks that have not seen them.
TRAIN = $(BIN)/python -m scripts.train $(1) --manifest $(FOOTAGE)/manifest.csv --cache .cache \
	--backbone-weights $(WEIGHTS) --folds by-group --stop-by epochs --out $(2)
FROM_SCRATCH := --batch-size 8 --mixed-precision
# Crops of persons that were scaled or lit once more look like nothing that will be served.
ON_PERSONS := --view person --variants 12 --smallest-crop 1 --brightness 0 --contrast 0
POOLED := --size 224 --epochs 60 --learning-rate 0.001

models: .venv/runtime ## train the shipped models again on FOOTAGE, and their tables (hours)
	$(call TRAIN,mobilenetv2_lstm,models_storage/mobilenetv2_lstm) --epochs 30
	$(call TRAIN,conv3d,models_storage/conv3d) --epochs 10 --learning-rate 0.003 $(FROM_SCRATCH)
	$(call TRAIN,person_ensemble,models_storage/person_ensemble) $(ON_PERSONS) $(POOLED)
	$(BIN)/python -m scripts.compare_models --write docs/models.md
	$(BIN)/python -m scripts.measure_duplicates $(FOOTAGE)/manifest.csv --overlaps $(FOOTAGE)/mnnit_overlaps.csv --write docs/data.md

recipes: .venv/runtime ## measure the recipes that are not shipped on FOOTAGE (hours)
	$(call TRAIN,mobilenetv2_pool,docs/recipes/mobilenetv2_pool) --epochs 30 --learning-rate 0.001
	$(call TRAIN,mobilenetv2_gru,docs/recipes/mobilenetv2_gru) --epochs 30
	$(call TRAIN,mobilenetv2_pool,docs/recipes/mobilenetv2_pool_person) $(ON_PERSONS) $(POOLED)
	$(call TRAIN,yolo_cnn_lstm,docs/recipes/yolo_cnn_lstm) $(ON_PERSONS) --epochs 30
	$(call TRAIN,mobilenetv2_lstm,docs/recipes/mobilenetv2_lstm_person) $(ON_PERSONS) --epochs 30
	$(call TRAIN,conv3d,docs/recipes/conv3d_person) --view person --epochs 5 --learning-rate 0.003 $(FROM_SCRATCH)
	$(call TRAIN,cnn_lstm,docs/recipes/cnn_lstm) --epochs 8 --learning-rate 0.002 $(FROM_SCRATCH)
	$(call TRAIN,cnn_gru,docs/recipes/cnn_gru) --epochs 3 --learning-rate 0.002 $(FROM_SCRATCH)
	$(BIN)/python -m scripts.compare_models --write docs/models.md

clean: ## remove what was installed; clips and database in var/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none of them is on the PATH."; exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) can't make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; \
		rm -rf .venv; exit 1; }
	@touch $@

.venv/runtime: .venv/python requirements.txt
	@echo "Installing the libraries: about 400 MB, a few minutes the first time …"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
