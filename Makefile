# NexusVibe. `make help` explains the repository; the scripts in infra/setup bring what a fresh machine lacks.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.PHONY: help up test check fmt bench faults setup setup-tools setup-test

PORT ?= 8080
SFU ?= janus
ARGS ?=
ROUNDS ?= 5
bin := .venv/bin
npm := infra/setup/npm --prefix web --silent
bridge := infra/setup/npm --prefix media_adapters/mediasoup/bridge --silent

help:
	@cat infra/setup/help.txt

up: setup
	@exec $(bin)/nexusvibe up --port $(PORT) --sfu $(SFU) $(ARGS)

# With ARGS only what pytest picks; without, also the tests in TypeScript. No failure hides another's.
test: setup-test
	@result=0; $(if $(ARGS),,$(npm) run test || result=$$?; $(bridge) run test || result=$$?;) \
	$(if $(ARGS),$(bin)/pytest $(ARGS),tools/test-in-shares) || result=$$?; exit $$result

check: setup-tools
	@$(bin)/ruff format --check --quiet . && $(bin)/ruff check --quiet .
	@$(bin)/mypy
	@$(bin)/lint-imports --no-cache --no-logo
	@$(bin)/python tools/generate_protocol.py --check
	@$(bin)/python tools/generate_clients.py --check
	@$(npm) run check
	@$(bridge) run check

fmt: setup-tools
	@$(bin)/ruff check --quiet --fix . && $(bin)/ruff format --quiet .
	@$(bin)/python tools/generate_protocol.py
	@$(bin)/python tools/generate_clients.py
	@$(npm) run fmt
	@$(bridge) run fmt

faults: setup-test
	@exec $(bin)/pytest tests/faults --rounds $(ROUNDS) $(ARGS)

bench: setup-test
	@infra/setup/bench
	@exec $(bin)/python -m bench $(ARGS)

setup:
	@infra/setup/packages up $(SFU)
	@infra/setup/python-env
	@infra/setup/web
	@$(if $(filter mediasoup,$(SFU)),infra/setup/mediasoup)

setup-test:
	@infra/setup/packages test
	@infra/setup/python-env
	@infra/setup/web
	@infra/setup/mediasoup

setup-tools:
	@infra/setup/packages tools
	@infra/setup/python-env
	@infra/setup/web packages
	@infra/setup/mediasoup packages
