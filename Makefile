# make, with no argument, lists what it can do.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# The version of a release is its tag; any other build names its commit.
VERSION ?= $(shell git describe --tags --exact-match 2>/dev/null || echo "0.1.0-dev+$$(git describe --always --dirty 2>/dev/null || echo unknown)")

.PHONY: help
help: ## list the targets
	@echo "cutover: what make can do"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## migrate a small organisation on this machine, with Go alone
	go run ./cmd/cutover demo

.PHONY: build
build: ## build bin/cutover, with its version
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/cutover ./cmd/cutover
	@bin/cutover version

.PHONY: test
test: ## install the servers that tests talk to (Debian packages), then run every check and test
	scripts/test all

.PHONY: quick
quick: ## checks and tests without -race and without installing; a missing server skips its tests
	scripts/test quick

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	scripts/test lint

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s)
	scripts/test fuzz

.PHONY: vuln
vuln: ## look for known vulnerabilities (govulncheck), if its database can be reached
	scripts/test vuln

.PHONY: bench
bench: ## measure against mbsync, doveadm and imapsync, side by side (docs/speed.md)
	scripts/bench

.PHONY: update-golden
update-golden: ## write the golden files anew; look at git diff afterwards
	scripts/test golden

.PHONY: generate
generate: ## protobuf code of the plugin boundary, from providers/plugin/pb/*.proto
	scripts/generate

.PHONY: docs
docs: ## write the generated parts of docs/ anew (commands, codes, settings)
	go test ./docs -run 'TestCommands|TestCodes|TestSettings' -count=1 -update

.PHONY: clean
clean: ## remove what make has built; servers in .test-servers stay
	rm -rf bin
