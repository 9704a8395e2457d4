# Everything here is `sluice ...` or a standard tool. BROKER, LLM and REGISTRY are short names of SLUICE_BROKER and so on;
# every SLUICE_* variable given to make reaches the commands.
PYTHON ?= python3
ifdef BROKER
export SLUICE_BROKER := $(BROKER)
endif
ifdef LLM
export SLUICE_LLM := $(LLM)
endif
ifdef REGISTRY
export SLUICE_REGISTRY := $(REGISTRY)
endif
BIN = .venv/bin
NO_SECRETS = --exclude-files 'constraints/.*\.txt|.*lock\.json|tests/unit/agents/personal/.*|benchmarks/personal/.*' --exclude-lines nosecret --exclude-secrets '^(none|KEY|SOME_KEY|SLUICE_DEV_KEY)$$'
PACKAGES = agents connectors gateway local sluice streams
CAMPAIGNS = tests/e2e/test_chaos.py
TOGETHER = -n 3 --dist loadscope --no-loadscope-reorder
.DEFAULT_GOAL := help
.PHONY: help up down status clean connect check test test-fast compliance bench chaos warehouse install develop constraints format

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 14

install:
	@$(PYTHON) local/bootstrap.py
develop:
	@$(PYTHON) local/bootstrap.py --develop

up: install      ## install what is missing, start the platform, answer one turn, print where to go
	@$(BIN)/sluice up
down: install    ## stop it; data stays
	@$(BIN)/sluice down
status: install  ## one line per process
	@$(BIN)/sluice status
clean: install   ## stop it, delete data and environments
	@$(BIN)/sluice clean
warehouse: install  ## build the star schema from what has landed, and reconcile
	@$(BIN)/sluice warehouse

connect: install  ## Kafka Connect on this machine: Iceberg and PostgreSQL as landing zones, until Ctrl-C
	@$(BIN)/sluice connect-up

check: develop   ## format, lint, types, import contracts, unused dependencies, SQL, schemas, insecure code, secrets
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/sqlfluff lint dbt
	$(BIN)/sluice schemas check
	$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive $(PACKAGES) benchmarks
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook $(NO_SECRETS)
test: develop    ## all tests
	@$(BIN)/python -m local.test_tools
	$(BIN)/pytest $(TOGETHER) --ignore=$(CAMPAIGNS) --cov --cov-report=
	$(BIN)/pytest $(CAMPAIGNS) --cov --cov-append --cov-report=term:skip-covered
	$(BIN)/coverage report --include='agents/*,sluice/*' --fail-under=100 --skip-covered --show-missing
test-fast: develop  ## unit and contract tests, no network
	$(BIN)/pytest $(TOGETHER) tests/unit tests/contract
compliance: develop  ## which controls are met, by what evidence, and what is stored where; after make test; REQUIRE_AUDIT=1
	@$(BIN)/python -m local.compliance $(if $(JSON),--json) $(if $(REQUIRE_AUDIT),--require-audit)
bench: develop   ## benchmarks, each beside its floor; ONLY=name for one
	$(BIN)/python -m benchmarks $(ONLY)
chaos: install   ## break a platform while it is used, check what was promised; TURNS=n SEED=s, TRANSPORT=stock for Faust's own
	@$(BIN)/sluice chaos --turns $(or $(TURNS),200) --seed $(or $(SEED),1) $(if $(TRANSPORT),--transport $(TRANSPORT))
format: develop
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
constraints: develop  ## pin all dependencies anew
	$(BIN)/python -m local.pin
