# Hailpoint. "make help" lists what this can do.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory

GO   := .ci/go
LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BIN  := build/hailpoint build/hailpoint-fleet

# The version: of the tag, else of the changelog and the commit.
VERSION ?= $(shell git describe --tags --dirty 2>/dev/null || \
	{ sed -nE '1s/.*\((.*)\).*/\1/p' systemd/changelog; git describe --always --dirty 2>/dev/null | sed 's/^/+g/'; } | tr -d '\n')
LDFLAGS  = -X hailpoint/cmd/internal/version.Version=$(VERSION)

# make run
HTTP ?= 127.0.0.1:8080
MQTT ?= 127.0.0.1:1883
SIM  ?= 0

# make install
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR    ?=
LIB         = $(DESTDIR)$(PREFIX)/lib
DOC         = $(DESTDIR)$(PREFIX)/share/doc/hailpoint

# make bench, make fuzz-short
BENCHTIME ?= 1s
FUZZTIME  ?= 20s

# Packages that hold C, and those that decide without I/O, goroutines or clock.
CGO_PACKAGES  := audio/opus audio/portaudio
PURE_PACKAGES := device/gesture device/led audio audio/playout audio/stoi mqtt/topic \
	callagent/call callagent/command callagent/dialect callagent/event callagent/signal \
	cmd/hailpoint-fleet/internal/registry

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Build

.PHONY: deps deps-test deps-arm
deps: ## install what is missing to build and run (Debian, Raspberry Pi OS; asks sudo)
	@.ci/deps build

deps-test: ## install what is missing for the tests: brokers, sound servers, a browser
	@.ci/deps build test

deps-arm: ## install what is missing to build for arm64 and armhf
	@.ci/deps build arm

.PHONY: build
build: deps ## build both programs into build/
	@mkdir -p build
	$(GO) build -buildvcs=false -trimpath -ldflags '$(LDFLAGS)' -o build/ ./cmd/hailpoint ./cmd/hailpoint-fleet

.PHONY: arm
arm: deps-arm ## build stripped arm64 and armv7 terminals, and start each in an emulator
	LDFLAGS='$(LDFLAGS)' .ci/cross arm64
	LDFLAGS='$(LDFLAGS)' .ci/cross armv7

.PHONY: clean
clean: ## remove build/, with the state of make run
	rm -rf build

##@ Try

define RUN_TOML
id = "terminal-1"
name = "First terminal"
state_dir = "build/run/terminal"
control_socket = "build/run/control.sock"
[mqtt]
broker = "mqtt://$(MQTT)"
delivery = "backend"
[rtc]
loopback = true
endef
export RUN_TOML

.PHONY: run
run: build ## run the fleet service and one terminal, with the sound card if there is one
	@mkdir -p -m 0700 build/run/terminal build/run/fleet
	@echo "$$RUN_TOML" >build/run/hailpoint.toml
	@echo 'Press the button of the terminal:  build/hailpoint ctl --socket build/run/control.sock press call'
	@trap 'kill $$(jobs -p) 2>/dev/null; wait' EXIT; trap 'exit 0' INT TERM; \
	build/hailpoint-fleet serve --http $(HTTP) --mqtt $(MQTT) --data build/run/fleet --sim $(SIM) & \
	build/hailpoint run --sim --config build/run/hailpoint.toml & \
	wait -n

.PHONY: demo
demo: build build/speech.wav ## call in both directions without a person, and judge what was heard
	build/hailpoint-fleet demo --speech build/speech.wav

SPEECH := This is the help point on platform two. The lift is out of order, and I cannot climb the stairs. \
	Could somebody please come and help me?

build/speech.wav:
	@.ci/deps demo
	@mkdir -p build
	espeak-ng -v en-gb -s 150 -w $@ '$(SPEECH)'

##@ Test

# One package at a time: the tests of whole calls hear each other in real time,
# which the race detector makes dear enough.
.PHONY: test
test: deps-test ## run every test, with the race detector
	@mkdir -p build
	@$(GO) build -buildvcs=false -o build/testsum ./cmd/internal/testsum
	$(GO) test -race -shuffle=on -p 1 -timeout 15m -json ./... | build/testsum

.PHONY: check
check: deps-test check-tidy check-format check-lint check-imports check-stubs check-386 check-tree ## look at the tree as a reviewer would; runs no test that make test runs
	@echo 'check: the tree is in order'

.PHONY: check-tidy
check-tidy:
	$(GO) mod tidy -diff
	$(GO) mod verify

.PHONY: check-format
check-format:
	$(LINT) fmt --diff

.PHONY: check-lint
check-lint:
	$(LINT) config verify
	$(LINT) run ./...

# What depguard cannot see: import "C", and goroutines in pure packages.
.PHONY: check-imports
check-imports:
	@diff <(printf '%s\n' $(CGO_PACKAGES)) \
		<($(GO) list -f '{{if .CgoFiles}}{{.ImportPath}}{{end}}' ./... | sed 's|^hailpoint/||' | sort) || \
		{ echo 'check: these packages hold C (<: should, >: do)' >&2; exit 1; }
	@! grep -nE '^[[:space:]]*go[[:space:]]+(func\b|[a-zA-Z_])' $$($(GO) list -f '{{$$d := .Dir}}{{range .GoFiles}}{{$$d}}/{{.}} {{end}}' $(PURE_PACKAGES:%=./%)) || \
		{ echo 'check: a pure package starts a goroutine' >&2; exit 1; }

# Without C, stubs take the place of some files: everything builds, and the
# packages that differ are tested that way. They may skip what needs sound.
FILES := list -f '{{.ImportPath}} {{.GoFiles}} {{.TestGoFiles}} {{.XTestGoFiles}}' ./...

.PHONY: check-stubs
check-stubs: export CI :=
check-stubs:
	CGO_ENABLED=0 $(GO) build -buildvcs=false ./...
	CGO_ENABLED=0 $(GO) test -timeout 5m \
		$$(diff <(CGO_ENABLED=1 $(GO) $(FILES)) <(CGO_ENABLED=0 $(GO) $(FILES)) | sed -nE 's/^> ([^ ]+).*/\1/p')

# A 32-bit machine, without C: sizes of integers, alignment, and every file of the tests.
.PHONY: check-386
check-386:
	GOARCH=386 CGO_ENABLED=0 $(GO) vet ./...

.PHONY: check-tree
check-tree:
	@changed=$$(git status --porcelain); [ -z "$$changed" ] || \
		{ echo 'check: the tree is not clean; commit, or add to .gitignore:' >&2; echo "$$changed" >&2; exit 1; }

.PHONY: fuzz-short
fuzz-short: deps ## run each fuzz target for FUZZTIME (20s)
	@grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | sed -E 's|^\./(.*)/[^/]+:func (.*)|\1 \2|' | sort | \
	while read -r package target; do \
		echo "$$package $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$package" </dev/null; \
	done

.PHONY: bench
bench: deps-test ## run the benchmarks, one package at a time, and name the machine
	@echo "machine: $$(hostname), $$(uname -srm), $$(nproc) CPUs,$$(sed -nE '/^(model name|Model)/{s/.*:/ /;p;q}' /proc/cpuinfo), load $$(cut -d' ' -f1 /proc/loadavg)"
	$(GO) test -p 1 -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 30m \
		$$(grep -rlE '^func Benchmark' --include='*_test.go' . | xargs -r dirname | sort -u)

.PHONY: test-vm
test-vm: deps ## test the installed package in a virtual machine with GPIO chips and a sound card
	systemd/vmtest/lab deps
	HAILPOINT_VM=1 $(GO) test -count=1 -v -timeout 60m ./systemd/vmtest

##@ Install

# sed gives the units the paths of this installation.
.PHONY: install
install: ## install into PREFIX (/usr/local) below DESTDIR: programs, units, users, sample configuration
	@for program in $(BIN); do [ -x $$program ] || { echo "install: $$program is missing: run make build" >&2; exit 1; }; done
	install -D -t $(DESTDIR)$(PREFIX)/bin $(BIN)
	@for unit in hailpoint.service hailpoint-fleet.service; do \
		install -D -m 0644 systemd/$$unit $(LIB)/systemd/system/$$unit; \
		sed -i -e 's|/usr/bin/|$(PREFIX)/bin/|; s|/usr/share/|$(PREFIX)/share/|; s|\([ =-]\)/etc/|\1$(SYSCONFDIR)/|' $(LIB)/systemd/system/$$unit; \
	done
	install -D -m 0644 systemd/hailpoint.sysusers $(LIB)/sysusers.d/hailpoint.conf
	install -D -m 0644 -t $(LIB)/udev/rules.d systemd/60-hailpoint-gpio.rules
	install -D -m 0644 -t $(DOC) LICENSE systemd/changelog systemd/hailpoint.toml $(wildcard README.md)
	@# What an administrator may have changed stays.
	[ -e $(DESTDIR)$(SYSCONFDIR)/hailpoint/hailpoint.toml ] || install -D -m 0644 -t $(DESTDIR)$(SYSCONFDIR)/hailpoint systemd/hailpoint.toml
	[ -e $(DESTDIR)$(SYSCONFDIR)/default/hailpoint-fleet ] || install -D -m 0644 -t $(DESTDIR)$(SYSCONFDIR)/default systemd/hailpoint-fleet
ifeq ($(DESTDIR),)
	@# sysusers.d and rules.d below another prefix are not looked at by systemd.
	@if command -v systemd-sysusers >/dev/null; then systemd-sysusers $(LIB)/sysusers.d/hailpoint.conf; fi
	@if [ -d /run/systemd/system ]; then \
		udevadm control --reload && udevadm trigger --subsystem-match=gpio; \
		systemctl daemon-reload; \
	fi
	@echo 'Now edit $(SYSCONFDIR)/hailpoint/hailpoint.toml, then: systemctl enable --now hailpoint (or hailpoint-fleet)'
endif

.PHONY: uninstall
uninstall: ## remove what install put there; configuration, state and users stay
ifeq ($(DESTDIR),)
	@if [ -d /run/systemd/system ]; then systemctl disable --now hailpoint.service hailpoint-fleet.service || true; fi
endif
	rm -f $(BIN:build/%=$(DESTDIR)$(PREFIX)/bin/%)
	rm -f $(LIB)/systemd/system/hailpoint.service $(LIB)/systemd/system/hailpoint-fleet.service
	rm -f $(LIB)/sysusers.d/hailpoint.conf $(LIB)/udev/rules.d/60-hailpoint-gpio.rules
	rm -rf $(DOC)
ifeq ($(DESTDIR),)
	@if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
endif
