# make run            install, then serve the sample collection
# make run URL=…      capture that page first
# make test           everything, in real Chromium
# make check          ruff, mypy, architecture
# make bench          capture side by side with wget
# make bench-replay   replay side by side with pywb and nginx
# make bench-crawl    crawls side by side with wget
# make bench-holdings  indexing, look-ups, the CDX API and verify side by side with peers
# make bench-storage  captures into object storage and records read from it, beside a folder
# make bench-portal  the reader's pages about a million captures: server times
# make crawl-killed   a crawl that is killed twice and resumed, beside one that is not
# make applications   real applications, live and replayed: docs/applications.md
# make pictures       the pictures of screens in the README and docs/
# make corpus         the conformance corpus: ours, pywb and wabac.js; writes docs/corpus.md
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080
WORKBENCH_PORT ?= 8081

.PHONY: run test check bench bench-replay bench-crawl bench-holdings bench-portal bench-storage crawl-killed corpus applications pictures sample clean chromium
.DELETE_ON_ERROR:

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat -e .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat -e '.[test,dev]'
	touch $@

run: $(VENV)/.installed
	@$(BIN)/python -m archiver.cli.sample
ifdef URL
	@$(BIN)/muniment capture '$(URL)' || true
endif
	@$(BIN)/muniment serve --port $(PORT) --workbench-port $(WORKBENCH_PORT)

test: $(VENV)/.tested chromium
	$(BIN)/python -m pytest -n 3

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(VENV)/.tested
	$(BIN)/python benchmarks/page_capture.py

# needs apt-get and npm for what is served and for the peers, and 5 GB for a video
bench-replay: $(VENV)/.tested
	$(BIN)/python benchmarks/replay_speed.py
	$(BIN)/python benchmarks/replay_speed.py --memory 100000
	$(BIN)/python benchmarks/replay_speed.py --video

# needs apt-get for what is crawled and for nginx, and npm for applications; ARGS="--rounds 1" for a quick look
bench-crawl: $(VENV)/.tested chromium
	$(BIN)/python benchmarks/crawl_speed.py --json $(ARGS)
	$(BIN)/python benchmarks/crawl_speed.py --json --memory
	$(BIN)/python benchmarks/crawl_speed.py --json --browser

bench-storage: $(VENV)/.tested
	$(BIN)/python benchmarks/storage_speed.py

# needs apt-get for what is archived, pip for pywb, and 2 GB; ARGS="verify --quick" for one part of it and smaller inputs
bench-holdings: $(VENV)/.tested
	$(BIN)/python benchmarks/holdings.py --json $(ARGS)
	$(BIN)/python benchmarks/holdings_cdx.py
	$(BIN)/python benchmarks/holdings_cdx.py --memory 10000000

# ARGS="--quick" for a tenth of the captures
bench-portal: $(VENV)/.tested
	$(BIN)/python benchmarks/portal_speed.py $(ARGS)

# needs apt-get for what is crawled and for nginx; ARGS="--workers 2" for more processes
crawl-killed: $(VENV)/.tested
	$(BIN)/python benchmarks/crawl_killed.py $(ARGS)

# needs npm for wabac.js
corpus: $(VENV)/.tested chromium
	$(BIN)/python -m tests.corpus $(ARGS)

# needs apt-get and npm for the applications; ARGS="--only NAME" for one of them
applications: $(VENV)/.tested chromium
	$(BIN)/python -m tests.applications $(ARGS)

# needs npm and apt-get for what is archived and crawled; ARGS="portal compare" for some of them
pictures: $(VENV)/.tested chromium
	$(BIN)/python docs/images/make.py $(ARGS)

sample: $(VENV)/.tested
	$(BIN)/python sample/make.py

# A browser: one that is there, Debian's when root, else Playwright's own. Where Debian has it, also its build without
# windows, in which pages open faster.
chromium: $(VENV)/.tested
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else $(BIN)/python -m playwright install chromium; fi
	@command -v chromium-headless-shell >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  export DEBIAN_FRONTEND=noninteractive; install="apt-get install -y -qq chromium-headless-shell"; \
	  $$install >/dev/null 2>&1 || { apt-get update -qq && $$install >/dev/null 2>&1; } || \
	  echo "There is no chromium-headless-shell here: the tests will take longer."; fi

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
