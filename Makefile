# One command each; `make` alone lists them. GNU make 3.81 and any POSIX shell will do.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SOME := .venv/.some
TRIED := $(if $(wildcard $(READY)),$(READY),$(SOME))
CLUSTER := $(PYTHON) hack/cluster.py
# What waits more than it works, for a cluster or for other processes.
SIDE_BY_SIDE := 3
SOURCES := crds operator trader_image tests hack

.DEFAULT_GOAL := help
.PHONY: help setup try try-clean style unit simulation simulate integration crash-matrix chaos mutants kind deployed kind-alone kind-together docs docs-generated krew test bench cluster images cluster-down demo demo-down crd lock clean

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make the virtual environment from the locked requirements.

# Bytecode is made when a module is first used: most of what is installed never is.
define INSTALL
	@$(PYTHON) -c 'import sys, ensurepip, venv; assert sys.version_info >= (3, 11)' 2>/dev/null || \
		{ echo "Python 3.11 or newer with venv is needed; on Debian: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
	@{ while sleep 20 >/dev/null 2>&1; do echo "  still installing"; done & } ; beat=$$!; trap 'kill $$beat' EXIT; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
endef

$(READY): requirements/dev.txt pyproject.toml
	@echo "setting up .venv from requirements/dev.txt (about a minute the first time)"
	$(INSTALL)

# What `make try` needs, unless all is there: less than half as much, and `make setup` adds the rest.
$(SOME): requirements/try.txt pyproject.toml
	@echo "setting up .venv from requirements/try.txt (40 MB to download)"
	$(INSTALL)

try: $(TRIED) ## Trade on this machine alone, shown live, until Ctrl-C; STATUS=shutdown|off|on tells a run in another shell.
	@$(BIN)/python -m trial $(if $(STATUS),--status "$(STATUS)")

try-clean: $(TRIED) ## Forget what `make try` has traded.
	@$(BIN)/python -m trial --clean

style: $(READY) ## Check style, types and import directions, and look for dead code.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

unit: $(READY) ## Run the unit tests; they must cover what decides to the last branch.
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest tests/unit -q -n 2
	@$(BIN)/coverage combine -q
	$(BIN)/coverage report

simulation: $(READY) ## Run a share of the seeded simulation of the whole leader.
	$(BIN)/pytest tests/simulation -q

simulate: $(READY) ## Run many seeds of the simulation; SEEDS=N FIRST=K PROCESSES=P STORY=1.
	cd tests && ../$(BIN)/python -m simulation --seeds $(or $(SEEDS),1) --first $(or $(FIRST),0) \
		--processes $(or $(PROCESSES),1) $(if $(STORY),--story)

integration: $(READY) ## Run the tests with a real PostgreSQL, real sockets and real processes.
	$(BIN)/python -m support.prepare
	$(BIN)/pytest tests/integration tests/crash tests/chaos tests/docwalk -q -n $(SIDE_BY_SIDE)

crash-matrix: $(READY) ## End a leader at every step with every fault, and audit what it leaves; SHARD=1/4 takes 35 minutes and resumes, JOBS=N, ONLY=CASE.
	$(BIN)/python -m support.prepare
	$(BIN)/python -m crash $(if $(ONLY),--only "$(ONLY)") $(if $(SHARD),--shard "$(SHARD)") \
		$(if $(JOBS),--jobs "$(JOBS)")

chaos: $(READY) ## Trade a recorded day while leader, connection and PostgreSQL are killed; SEED=N, 8 minutes.
	$(BIN)/python -m support.prepare
	$(BIN)/python -m chaos $(if $(SEED),--seed "$(SEED)")

mutants: $(READY) ## Remove each guard in a copy and see its test fail; ONLY=NAME tries one.
	$(BIN)/python -m support.prepare
	$(BIN)/python -m mutants $(if $(ONLY),--only "$(ONLY)")

kind: ## Run the tests on a real cluster.
	@$(MAKE) --no-print-directory kind-alone
	@$(MAKE) --no-print-directory kind-together

deployed: $(READY) images
	$(BIN)/python -m support.prepare
	$(CLUSTER) deploy

kind-alone: deployed
	$(BIN)/pytest tests/kind -q --durations=10 -m alone


kind-together: deployed
	$(BIN)/pytest tests/kind -q --durations=10 -m "not alone" -n $(SIDE_BY_SIDE) --dist loadfile

docs: $(READY) ## Run the commands of README and docs as printed, on the cluster too where one is up; ONLY=PAGE.
	$(BIN)/python -m docwalk $(if $(ONLY),--only "$(ONLY)")

docs-generated: $(READY) ## Write what the docs show of tables in the code.
	$(BIN)/python -m generated_docs

krew: $(READY) ## Write the archives and the manifest by which krew installs kubectl trading; URL=https://... is where they will be.
	$(BIN)/python -m krew --url "$(URL)"

test: $(READY) ## Run everything, and print how long each part took.
	@$(BIN)/python hack/alltests.py

bench: $(READY) $(if $(filter core latency stream history limits halts,$(ONLY)),,deployed) ## Measure speed, memory and size, and print a table; ONLY=PART SYMBOLS=N ROUNDS=N CYCLES=N SESSIONS=N SOAK=MINUTES.
	$(BIN)/python -m bench $(if $(ONLY),--only "$(ONLY)") $(if $(SYMBOLS),--symbols "$(SYMBOLS)") \
		$(if $(ROUNDS),--rounds "$(ROUNDS)") $(if $(CYCLES),--cycles "$(CYCLES)") \
		$(if $(SESSIONS),--sessions "$(SESSIONS)") $(if $(SOAK),--soak "$(SOAK)")

cluster: ## Make a kind cluster on this machine, or bring it back.
	$(CLUSTER) up

images: cluster ## Build the images and load them into the cluster.
	$(CLUSTER) images

cluster-down: ## Delete the cluster and end what it needed.
	$(CLUSTER) down

demo: ## Trade a symbol on a local cluster and show it live; TRADES=FILE SPEED=X SYMBOL=S LOOP=1.
	@$(PYTHON) hack/demo $(if $(TRADES),--trades "$(TRADES)") $(if $(SPEED),--speed "$(SPEED)") \
		$(if $(SYMBOL),--symbol "$(SYMBOL)") $(if $(LOOP),--loop)

demo-down: ## Remove all that `make demo` made; caches stay.
	$(CLUSTER) down

crd: $(READY) ## Generate the CRDs from the models.
	$(BIN)/python -m tradingsymbol_api.crd tradingsymbol > crds/tradingsymbol.yaml
	$(BIN)/python -m tradingsymbol_api.crd tradinglimit > crds/tradinglimit.yaml

lock: ## Lock the dependencies again, all images to the same versions.
	@for extra in dev operator trader paper-exchange kubectl try; do \
		echo "locking requirements/$$extra.txt"; \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			$$(test $$extra = dev || echo --constraint requirements/dev.txt) \
			--extra $$extra --output-file requirements/$$extra.txt pyproject.toml || exit 1; \
	done

clean: ## Remove what was generated in this folder; the cluster and the caches stay.
	rm -rf .coverage .crash-matrix .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
