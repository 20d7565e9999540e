# Targets install what they need into .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# The package index of the PyTorch build you want; empty: pip's own, unless that would bring CUDA where there is no GPU.
TORCH_INDEX ?=
# The VS Code extension, and where its tools go (Node.js, and the workbench that it is tested in).
VSCODE := editor-plugins/vscode
NODE := build/vscode
WITH_NODE := PATH="$(CURDIR)/$(NODE)/bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help vsix test-model test-vscode test-dashboard moving-picture dashboard-image demo dist test trace soak test-security test-remote bench-gpu test-nvim test-editors-more check format constraints clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt tools/install_torch.py | $(BIN)/python
	$(BIN)/python tools/install_torch.py --constraint constraints.txt --index-url "$(TORCH_INDEX)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev-installed: $(VENV)/.installed
	$(PIP) --editable '.[test,test-editors,check]'
	@touch $@

demo: $(VENV)/.installed  ## install, fetch a model, index this repository, complete at a real place
	$(BIN)/codeassist demo

$(VENV)/.release-installed: $(VENV)/.installed
	$(PIP) --editable '.[release]'
	@touch $@

# The wheel is built from the sdist, so the sdist is complete. Metadata of an earlier build would bring in its files.
dist: vsix $(VENV)/.release-installed  ## wheel, sdist and .vsix in dist/, checked
	rm -rf dist *.egg-info
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*
	cp $(NODE)/codeassist.vsix dist/codeassist-$$($(BIN)/python -c 'import codeassist; print(codeassist.__version__)').vsix
	@ls -l dist

# Tests in editors and of servers mostly wait for other processes, so they run beside the others.
BESIDE := tests/editors tests/lsp tests/end_to_end tests/remote
test: $(VENV)/.dev-installed  ## every test that needs no model (under 10 minutes on 2 cores)
	@$(BIN)/python -m pytest -q -m "not real_model" $(BESIDE) >$(VENV)/beside.log 2>&1 & beside=$$!; \
	trap 'kill $$beside' INT TERM; \
	$(BIN)/python -m pytest -q -m "not real_model" $(addprefix --ignore=,$(BESIDE)); code=$$?; \
	wait $$beside || code=1; \
	echo "In $(BESIDE):"; cat $(VENV)/beside.log; exit $$code

test-model: $(VENV)/.dev-installed  ## tests with a real model: those in ~/.cache/codeassist-models, or CODEASSIST_TEST_MODELS
	$(BIN)/python -m pytest -q -m real_model tests/editors/nvim tests/end_to_end tests/tokenization

# The random ones run longer here than in `test`.
test-security: $(VENV)/.dev-installed  ## break-in attempts and generators, at their full length
	CODEASSIST_TEST_TREES=1000 CODEASSIST_TEST_HOSTILE=13 $(BIN)/python -m pytest -q --timeout 3000 \
	  tests/security tests/indexer/workers tests/indexer/open_document tests/indexer/ingest

trace: $(VENV)/.dev-installed  ## the modules that one edit and one completion run through, in order
	@$(BIN)/python tools/trace_requests.py

MODEL ?= $(error name a model: MODEL=path/to/model.gguf)
soak: $(VENV)/.dev-installed  ## 10,000 edits and 2,000 requests on one language server: MODEL=path/to/small.gguf
	$(BIN)/python -m tests.lsp.soak --gguf $(MODEL)

LLAMA_PYTHON ?=
REMOTE_URL ?=
test-remote: $(VENV)/.dev-installed  ## remote engines on a real server: LLAMA_PYTHON=python/with/llama-cpp-python, or REMOTE_URL=http://127.0.0.1:8000/v1
	CODEASSIST_TEST_LLAMA_PYTHON="$(LLAMA_PYTHON)" CODEASSIST_TEST_REMOTE_URL="$(REMOTE_URL)" \
	  $(BIN)/python -m pytest -q -s tests/remote/test_real.py

OUT ?= $(error name a folder: OUT=bench/gpu)
DEVICE ?= cuda
GPU_MODEL ?=
GPU_OPTIONS ?=
# Another Python that has what the product needs, where none can be installed.
BENCH_PYTHON ?=
bench-gpu: $(if $(BENCH_PYTHON),,$(VENV)/.dev-installed)  ## the engine on a GPU, in 8 minutes: OUT=folder GPU_MODEL=path/to/0.5b.gguf (DEVICE=cpu tries the command)
	@mkdir -p "$(OUT)" && export PYTHONPATH="$(CURDIR):$(CURDIR)/indexer:$(CURDIR)/lsp:$(CURDIR)/eval" && \
	python="$(or $(BENCH_PYTHON),$(BIN)/python)"; \
	timeout $(if $(filter cpu,$(DEVICE)),900,120) $$python -m pytest -q tests/engine >"$(OUT)/tests.txt" 2>&1; tests=$$?; \
	echo "The engine's tests (124: the time was up): $$tests"; tail -n 6 "$(OUT)/tests.txt"; \
	$$python -m codeassist bench gpu --device $(DEVICE) --minutes 5.5 --sources codeassist \
	  $(if $(GPU_MODEL),--model "$(GPU_MODEL)") --out "$(OUT)" $(GPU_OPTIONS) && exit $$tests

test-nvim: $(VENV)/.dev-installed  ## the Neovim plugin's tests alone
	$(BIN)/python -m pytest -q tests/editors/nvim

$(VENV)/.browser-installed: $(VENV)/.dev-installed
	$(PIP) --editable '.[test-browser]'
	@touch $@

test-dashboard: $(VENV)/.browser-installed  ## the dashboard in a real browser: CHROMIUM, or one on PATH; pictures in build/dashboard
	CODEASSIST_CHROMIUM=$$(bash $(VSCODE)/tools/find_chromium.sh) $(BIN)/python -m pytest -q tests/cli/dashboard/in_browser.py

EDITORS ?= eglot,lsp-mode,helix,vim-lsp,kakoune
VIM_LSP ?=
test-editors-more: $(VENV)/.dev-installed  ## Emacs (eglot, lsp-mode), Helix, Vim, Kakoune: VIM_LSP=checkout/of/vim-lsp, EDITORS=eglot,...
	editors=$$(bash tools/find_editors.sh "$(EDITORS)" "$(VIM_LSP)") && \
	  CODEASSIST_TEST_EDITORS=$$editors CODEASSIST_TEST_VIM_LSP="$(abspath $(VIM_LSP))" \
	  $(BIN)/python -m pytest -q tests/editors/others

$(NODE)/bin/node: $(VSCODE)/tools/install_node.sh
	bash $< $(PYTHON) $(NODE)
	@touch $@

$(VSCODE)/node_modules/.installed: $(VSCODE)/package.json $(VSCODE)/package-lock.json $(NODE)/bin/node
	cd $(VSCODE) && $(WITH_NODE) npm ci --no-audit --no-fund
	@touch $@

$(NODE)/workbench/.installed: $(VSCODE)/tools/install_workbench.sh $(NODE)/bin/node
	bash $< $(NODE)
	@touch $@

vsix: $(VSCODE)/node_modules/.installed  ## the VS Code extension, as build/vscode/codeassist.vsix
	cd $(VSCODE) && $(WITH_NODE) npm run --silent package -- --out $(CURDIR)/$(NODE)/codeassist.vsix

test-vscode: vsix $(NODE)/workbench/.installed $(VENV)/.dev-installed  ## lint, types and tests of the VS Code extension, in the real workbench
	cd $(VSCODE) && $(WITH_NODE) npm run --silent check && $(WITH_NODE) npm run --silent test
	cd $(VSCODE) && $(WITH_NODE) \
	  CODEASSIST_VSIX=$(CURDIR)/$(NODE)/codeassist.vsix \
	  CODEASSIST_CODE_SERVER=$(CURDIR)/$(NODE)/workbench/node_modules/code-server/out/node/entry.js \
	  CODEASSIST_CHROMIUM=$$(bash tools/find_chromium.sh) \
	  CODEASSIST_PYTHON=$(CURDIR)/$(BIN)/python \
	  npm run --silent test:workbench

moving-picture: vsix $(NODE)/workbench/.installed $(VENV)/.dev-installed  ## docs/images/vscode.gif, played in the real workbench: MODEL=path/to/model.gguf
	cd $(VSCODE) && $(WITH_NODE) \
	  CODEASSIST_VSIX=$(CURDIR)/$(NODE)/codeassist.vsix \
	  CODEASSIST_CODE_SERVER=$(CURDIR)/$(NODE)/workbench/node_modules/code-server/out/node/entry.js \
	  CODEASSIST_CHROMIUM=$$(bash tools/find_chromium.sh) \
	  CODEASSIST_PYTHON=$(CURDIR)/$(BIN)/python \
	  node tools/record.ts $(abspath $(MODEL)) $(CURDIR)/$(NODE)/scene
	$(BIN)/python tools/moving_picture.py $(NODE)/scene docs/images/vscode.gif

dashboard-image: $(VENV)/.browser-installed  ## docs/images/dashboard.png, of a real server: MODEL=path/to/model.gguf
	CODEASSIST_CHROMIUM=$$(bash $(VSCODE)/tools/find_chromium.sh) \
	  $(BIN)/python tools/record_dashboard.py $(abspath $(MODEL)) docs/images/dashboard.png

check: $(VENV)/.dev-installed  ## lint, format, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/.dev-installed  ## rewrite the sources in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

constraints: $(VENV)/.dev-installed  ## pin what is installed now (what CI runs)
	$(BIN)/python -m pip freeze --exclude-editable | sed -E 's/\+[a-z0-9]+$$//' > constraints.txt

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache build *.egg-info
