# `make help` lists the targets. Every target does its own set-up (tools/setup); a second run finds it done.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Where rustup puts cargo, for shells that did not read its profile.
export PATH := $(PATH):$(HOME)/.cargo/bin

# Arguments passed on: make demo ARGS="--help"
ARGS ?=
STEP := tools/step

.PHONY: help demo test chaos service-load lint bench setup setup-test clean-data

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## set up, build, then call 24 simulated people and show what came of it
	@$(STEP) "Building Samvad (release profile; the first build takes minutes)" cargo build --release --locked
	@exec cargo run --release --locked --quiet -- demo $(ARGS)

test: lint ## set up, then check formatting, lints and documentation, and run every test
	@$(STEP) "Python environment of the tests" tools/python-env
	@$(STEP) "npm packages of the tests" tools/npm-packages
	@exec tools/run-tests

# A long run, then one short run for each guard that is taken out, which the laws have to notice.
CHAOS_SEED ?= $(shell date +%s)
CHAOS_CONTACTS ?= 2000
CHAOS_SECONDS ?= 1800
CHAOS := cargo test --locked --test chaos -- --nocapture the_laws_of_dialling_hold_whatever_fails

chaos: setup-test ## a fleet of three dials 2,000 contacts while servers die; set CHAOS_SEED to repeat a run's choices
	@CHAOS_SEED=$(CHAOS_SEED) CHAOS_CONTACTS=$(CHAOS_CONTACTS) CHAOS_SECONDS=$(CHAOS_SECONDS) $(CHAOS)
	@for guard in unique_row fence recheck; do CHAOS_SEED=$(CHAOS_SEED) CHAOS_MUTATION=$$guard $(CHAOS); done

# Release, because it is figures that are wanted.
SERVICE_LOAD_CALLS ?= 10000
SERVICE_LOAD_TALKERS ?= 200

service-load: setup-test ## 10,000 calls against failing speech services, and the time our own code adds with 200 at once
	@SERVICE_LOAD_CALLS=$(SERVICE_LOAD_CALLS) SERVICE_LOAD_TALKERS=$(SERVICE_LOAD_TALKERS) \
		cargo test --release --locked --test service_load -- --nocapture --test-threads 1

lint: setup-test ## check formatting, lints (clippy) and the documentation's links
	@$(STEP) "Formatting" cargo fmt --all --check
	@$(STEP) "Lints" cargo clippy --workspace --all-targets --locked -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(STEP) "Documentation" cargo doc --workspace --no-deps --document-private-items --locked --quiet

bench: setup ## run the benchmarks
	@exec cargo bench --workspace --locked

setup: ## install what building and running needs
	@tools/setup run

setup-test: ## install what the tests need besides
	@tools/setup test

clean-data: ## delete ./data: results, journals, transcripts and recordings
	rm -rf data
