# Thin by intent: each target names what it needs, scripts/ does it. `make` alone prints this list.
# LIBTORCH=/path/to/libtorch uses a libtorch of your own (CUDA or CPU) in place of the system's packages.
SHELL := /bin/bash
.DEFAULT_GOAL := help
LIBTORCH ?=
export LIBTORCH
ARGS ?=

.PHONY: help setup native build program demo demo-causal test test-slow test-gpu test-network test-processes test-foreign test-browser test-tools study-smoke fuzz bench format clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing: compiler, CMake, libtorch, DuckDB's library
	@bash scripts/setup.sh

native: setup ## compile artifacts/native/libgenoseq_torch.so (LIBTORCH=/path for your own libtorch)
	@bash scripts/native.sh

program: native
	@bash scripts/build.sh cli

build: native ## compile everything; ./genoseq runs the result
	@bash scripts/build.sh all

demo: program ## train a small masked-language model on a small genome (ARGS="train.steps=50" overrides)
	@bash scripts/demo.sh configs/demo.yaml $(ARGS)

demo-causal: program ## train a small next-base model on a small genome
	@bash scripts/demo.sh configs/demo-causal.yaml $(ARGS)

test: build test-tools ## run every test but the slow, GPU, network and many-process ones (PROJECTS="GenoSeq.Data.Tests" selects)
	@bash scripts/test.sh fast

test-slow: build ## run the slow tests
	@bash scripts/test.sh slow

test-gpu: build ## run the tests that need a GPU
	@bash scripts/test.sh gpu

test-network: build ## run the tests that need the network
	@bash scripts/test.sh network

test-processes: build ## run the tests of several processes: launching, lost ranks, fewer ranks, windows divided among ranks, shared suites
	@bash scripts/test.sh processes

test-foreign: build ## give our outputs to other programs: NumPy, h5py, DuckDB, hyparquet, zarrita, bcftools
	@bash scripts/foreign-tools.sh
	@bash scripts/test.sh foreign

test-browser: build ## open studies' reports in a headless browser: phone, screen, dark, paper
	@bash scripts/browser.sh
	@bash scripts/test.sh browser

study-smoke: program ## run every study of configs/studies at toy size on the CPU, with its report
	@bash scripts/study-smoke.sh

test-tools: # the programs that tests compare with
	@bash scripts/test-tools.sh

fuzz: build ## feed mutated files to every reader (GENOSEQ_FUZZ_INPUTS, GENOSEQ_FUZZ_SEED; PROJECTS stays GenoSeq.Data.Tests)
	@PROJECTS=GenoSeq.Data.Tests bash scripts/test.sh fuzz

bench: native ## run the benchmarks (ARGS="--filter '*Scan*'" selects)
	@dotnet run --project bench -c Release -- $(ARGS)

format: ## check that all code is formatted
	@dotnet format GenoSeq.sln --verify-no-changes

clean: ## remove everything that was built or fetched
	rm -rf artifacts
