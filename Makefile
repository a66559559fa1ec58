# Each goal works alone on a fresh machine with git, Python 3.11 or newer, and Pulumi or Go.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
STAMP := $(VENV)/.ready

# Lines and branches in percent: what was reached, rounded down. `coverage report --show-missing` says
# which are left.
FLOORS := components=98 policies=95 rollout=96

# Under sudo all but the lab is done as the user who called, and root leaves nothing in the checkout.
SUDOER := $(if $(filter 0,$(shell id -u)),$(filter-out 0,$(SUDO_UID)))
ifneq ($(SUDOER),)
AS_USER := setpriv --reuid=$(SUDO_UID) --regid=$(SUDO_GID) --init-groups \
	env -u PYTHONPYCACHEPREFIX HOME="$(shell getent passwd $(SUDO_UID) | cut -d: -f6)"
export PYTHONPYCACHEPREFIX := /var/cache/dualstack-edge/python
endif

# A deployment starts a dozen Pythons, and each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up clouds yaml down lab env test coverage floors check format bench lock docs site policy-packs

help: ## List the goals
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/'

up: $(STAMP) ## Deploy the edge to a cloud on this machine; RECORDS=1: beside records that serve
	@$(RUN)/dualstack sandbox up $(if $(RECORDS),--with-records)

clouds: $(STAMP) ## Start the sandbox's clouds only, for the examples and your own programs
	@$(RUN)/dualstack sandbox clouds

yaml: $(STAMP) ## Build Pulumi's language host for YAML beside the sandbox's engine, where it is missing
	@folder=$$(dirname "$$($(RUN)/dualstack sandbox engine)") && PATH="$$folder:$$PATH" && \
		{ command -v pulumi-language-yaml >/dev/null || { command -v go >/dev/null || { \
		echo "Go is missing on PATH; 1.25 or newer can build the language host for YAML. Install Go, or Pulumi." >&2; exit 2; }; \
		echo "Building Pulumi's language host for YAML from its Go module: about 2 minutes on 2 cores, once ..." && \
		cd sandbox/engine/yaml && $(AS_USER) go build -mod=readonly -ldflags "-s -w" -o "$$folder/pulumi-language-yaml" \
			github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml; }; }

down: ## Stop the sandbox and remove what it wrote; the caches stay
	@if [ ! -e "$${DUALSTACK_SANDBOX_HOME:-.sandbox}" ]; then echo "Nothing was up."; else \
		$(RUN)/dualstack sandbox --help >/dev/null 2>&1 || rm -f $(STAMP); \
		$(MAKE) --silent --no-print-directory $(STAMP) && $(RUN)/dualstack sandbox down; fi

lab: $(STAMP) ## Open the network lab: the deployed edge with packets in it; needs root
	@[ "$$(uname) $$(id -u)" = "Linux 0" ] || { echo "The system is $$(uname) and the user number $$(id -u);" \
		"the lab needs Linux and root. Use Debian 12 or 13, and: sudo make lab" >&2; exit 2; }
	@$(RUN)/python -m sandbox.debian
	@$(RUN)/dualstack sandbox roots >/dev/null
	@$(RUN)/dualstack sandbox env >/dev/null 2>&1 || $(RUN)/dualstack sandbox up
	@$(RUN)/dualstack sandbox lab open

test: yaml ## Run all the tests, several beside each other
	@$(RUN)/python -m sandbox.debian
	@[ "$$(uname) $$(id -u)" != "Linux 0" ] || $(RUN)/dualstack sandbox roots >/dev/null
	@$(RUN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder --cost=20 $(MEASURE)

coverage: MEASURE := --cov --cov-report=
coverage: test floors ## Run all the tests, and hold the coverage of each room to its floor

floors: $(STAMP)
	@for floor in $(FLOORS); do \
		echo "Coverage of $${floor%=*} in percent, of which $${floor#*=} must be reached:"; \
		$(RUN)/coverage report --include="$${floor%=*}/*" --fail-under="$${floor#*=}" --format=total || exit; \
	done

check: $(STAMP) ## Format, lint, types, layers
	@echo "format …" && $(RUN)/ruff format --check .
	@echo "lint …" && $(RUN)/ruff check .
	@echo "types …" && $(RUN)/pyright
	@echo "layers …" && $(RUN)/lint-imports

format: $(STAMP) ## Put every file into the project's format
	@$(RUN)/ruff format . && $(RUN)/ruff check --fix .

bench: $(STAMP) ## Measure what is claimed to be fast
	@$(RUN)/python benchmarks/starting.py
	@$(RUN)/python benchmarks/preview.py
	@$(RUN)/python benchmarks/policies_cost.py
	@PYTHONPATH=tests $(RUN)/python benchmarks/clean_runs.py
	@PYTHONPATH=tests $(RUN)/python benchmarks/simulation.py
	@PYTHONPATH=tests $(RUN)/python benchmarks/gates.py
	@$(RUN)/python -m sandbox.debian
	@$(RUN)/dualstack sandbox roots >/dev/null
	@PYTHONPATH=tests $(RUN)/python benchmarks/verification.py

policy-packs: $(STAMP) ## Build each policy pack into a folder that runs from anywhere
	@$(RUN)/python -m policies.bundle build/policy-packs

docs: $(STAMP) ## Write again the pages that are made from the code
	@$(RUN)/python -m pytest -q tests/components/test_settings_docs.py tests/components/test_arguments.py \
		tests/components/test_plugin.py tests/rollout/verify/test_report.py tests/sandbox/test_permissions.py \
		tests/sandbox/lab/origin/test_contract.py tests/rollout/test_cli.py tests/rollout/shift/test_abort.py \
		tests/rollout/status/test_status_report.py tests/rollout/report/test_plan_view.py tests/rollout/simulate/test_command.py --write-docs
	@$(RUN)/python -m policies.rules_reference > docs/rules.md
	@PYTHONPATH=tests $(RUN)/python -m support.aws_rules_page docs/aws-model.md
	@PYTHONPATH=tests $(RUN)/python -m support.routes_page docs/digitalocean-model.md

site: $(STAMP) ## Make a site of all the pages, in build/site, that works without a network
	@rm -rf build/site build/doctrees
	@$(RUN)/python -m sphinx -q -W --keep-going -b html -c docs -d build/doctrees . build/site
	@echo "The site is made: build/site/index.html"

lock: $(STAMP) ## Pin the newest versions that pyproject.toml allows
	@$(RUN)/uv pip compile pyproject.toml --all-extras --group sandbox --group dev --group docs --universal --upgrade \
		--generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements.lock

$(STAMP): requirements.lock pyproject.toml sandbox/setup.sh
	@$(AS_USER) env PYTHON="$(PYTHON)" sh sandbox/setup.sh $(VENV)
	@$(AS_USER) touch $@
