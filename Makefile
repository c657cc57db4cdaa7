# dqkit: `make demo` shows it, `make test` tests it; both set up what they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo

.PHONY: help install demo test lint docs docs-check bench pins tools clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "dqkit needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	  apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }  # Debian keeps ensurepip in a package of its own
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(VENV)/.installed ## Build .venv

demo: install ## Audit a small archive of four hospitals with faults sown into it
	@rm -rf $(DEMO)/catalog $(DEMO)/report
	$(BIN)/python -m tests.demo_archive $(DEMO)/archive
	@DQKIT_KEY=$${DQKIT_KEY:-demo-key-demo-key-demo} $(BIN)/dqkit audit $(DEMO)/archive --catalog $(DEMO)/catalog --out $(DEMO)/report --pixels sample; \
	code=$$?; if [ $$code -le 1 ]; then echo "(the faults are sown on purpose: a real run would exit $$code)"; else exit $$code; fi

tools: ## Install what tests need of Debian (browser, Chinese fonts, dciodvfy) where this may be done
	@sh tests/install_tools.sh

test: install tools ## Run the tests
	$(BIN)/pytest -q -n auto --dist loadfile --no-loadscope-reorder

lint: install ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: install ## Write docs/rules from the rule files
	$(BIN)/python -m dqkit.rulebook.docs docs/rules

docs-check: docs ## Fail when docs/rules is not what the rule files say
	@test -z "$$(git status --porcelain docs/rules)" || { git status --short docs/rules; git --no-pager diff docs/rules; exit 1; }

.venv-peers/.installed: tests/bench/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check -r tests/bench/peers.txt
	@touch $@

bench: install .venv-peers/.installed ## Measure speed and memory; writes docs/benchmarks.md
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[idc]'
	$(BIN)/python -m tests.bench

pins: ## Renew constraints.txt from the newest versions that resolve together
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,idc]'
	{ echo '# Every package that `make install` may bring, at the version that CI tested. Renew with: make pins'; \
	  $(BIN)/pip freeze --exclude-editable | sort -f; } > constraints.txt
	@touch $(VENV)/.installed

clean: ## Remove what was built
	rm -rf $(VENV) .venv-peers $(DEMO) build dist *.egg-info
