# Every command a newcomer needs. `make` alone lists them. The work is in scripts/.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo run test soak check bench bench-growth clean-data

help: ## list the commands
	@echo "kith: who is this, and what should I know before I speak to them?"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing to build kith: C++ compiler, libclang, Rust
	@scripts/setup.sh

build: setup ## build the release binary
	@scripts/build.sh

demo: build ## import real purchases into a temporary server and look customers up
	@scripts/demo.sh

run: build ## serve on 127.0.0.1:7600 with the data in ./data, which start as the demo's
	@scripts/run.sh

test: setup ## run every test
	@scripts/test.sh

soak: setup ## hold the properties of the tests against millions of random facts and corrections, and reads beside writes
	@scripts/soak.sh

check: setup ## formatting, lints, documentation, licences and advisories, proto style
	@scripts/check.sh

bench: setup ## measure, and print one table
	@scripts/bench.sh

bench-growth: setup ## measure the same lookups over more and more profiles
	@scripts/bench/growth.sh

clean-data: ## delete ./data, the data of `make run`
	rm -rf data
