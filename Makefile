# SPDX-License-Identifier: BSD-2-Clause
#
# Meson and ninja do the work; `make help' says what there is.

PREFIX ?= /usr/local
DESTDIR ?=
# make run: the directory that is served.
DIR ?= .
# make check: the configurations (see scripts/check), all if empty.
CONFIGS ?=
# make soak: for how long.
MINUTES ?= 30
# make bench: options of the program, such as --json.
ARGS ?=

release = build/release
# make run: what a program does that is not root, and needs not be.
define world
echo; echo "as `id -un`, in a world: install, give away, remove"
mkdir -p /opt/librump
cp -R include man /opt/librump
chown -R nobody:nogroup /opt/librump
tar -C /opt -cf - librump | tar -tvf - | tail -n 3
rm -rf include man src
ls
endef
export world

c_files = $(shell find src include tests bench examples fuzz -name '*.[ch]')

.PHONY: all build run check bench install fmt lint soak clean help

all: build

build:
	@scripts/bootstrap build
	@scripts/configure release -Dprefix=$(PREFIX)
	ninja -C $(release)

run:
	@scripts/bootstrap build
	@scripts/configure release -Dprefix=$(PREFIX)
	ninja -C $(release) examples/tenants world-programs
	$(release)/examples/tenants $(DIR)
	$(release)/src/cmd/rump/rump run -- sh -ec "$$world"

# Only the benchmark itself prints on standard output.
bench:
	@scripts/bootstrap build >&2
	@scripts/configure release -Dprefix=$(PREFIX) >&2
	@ninja -C $(release) bench-programs >&2
	@$(release)/bench/bench $(ARGS)

check:
	@scripts/bootstrap check
	@scripts/check $(CONFIGS)

soak:
	@scripts/bootstrap check
	@scripts/soak $(MINUTES)

# Programs find a library that is new to the host when its cache is made again.
install: build
	DESTDIR=$(DESTDIR) meson install -C $(release) --no-rebuild
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

fmt:
	@scripts/bootstrap check
	clang-format -i $(c_files)

lint:
	@scripts/bootstrap check
	@scripts/lint

clean:
	rm -rf build

help:
	@echo 'make            build the library, the examples and the benchmark'
	@echo 'make run        load DIR (here: this tree) and serve it to tenants;'
	@echo '                run programs that change the host, and do not'
	@echo 'make check      all tests; CONFIGS="gcc asan" for some of them'
	@echo 'make bench      measure, beside the host; ARGS=--json for programs'
	@echo 'make install    PREFIX (/usr/local) and DESTDIR are heeded'
	@echo 'make fmt        lay the sources out with clang-format'
	@echo 'make lint       look through the sources with all the checkers'
	@echo 'make soak       a build in a world, aarch64; stress tests for MINUTES (30)'
	@echo 'make clean      remove build/, where everything is made'
