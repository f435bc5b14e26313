# SPDX-License-Identifier: BSD-2-Clause
#
# A thin front for Meson; everything is built below build/.
#
#   make          build the command (build/tern) and the libraries
#   make demo     fetch a page over tern's own TCP and show the ladder of the connection
#   make check    every check and test (CHECK="lint unit" runs some; tools/check --list names them)
#   make bench    measurements against the kernel and other stacks
#   make fuzz     fuzz for FUZZ_SECONDS (default: an hour) a target
#   make soak     the simulator on fresh seeds for SOAK_SECONDS (default: an hour), then for a tenth of that the same
#                 segments to tern and to the kernel (as root)
#   make install  PREFIX=/usr/local DESTDIR=
#   make format   clang-format on all C files
#
# `make demo`, `make check`, `make bench` install the Debian packages that they miss (tools/packages.txt).

PREFIX ?= /usr/local
DESTDIR ?=
CHECK ?=
FUZZ_SECONDS ?= 3600
SOAK_SECONDS ?= 3600

all: build/build.ninja
	ninja -C build

build/build.ninja:
	meson setup build --prefix='$(PREFIX)' || { \
		echo 'make: could not set up build/; `tools/deps build` installs the packages it needs' >&2; exit 1; }

demo:
	@tools/deps build demo
	$(MAKE) all
	tools/demo

check:
	@tools/deps build demo check
	@tools/check $(CHECK)

bench:
	@tools/deps build bench
	$(MAKE) all
	bench/run

fuzz:
	@tools/deps build check
	tests/fuzz/run --seconds $(FUZZ_SECONDS)

soak:
	@tools/deps build check
	$(MAKE) all
	ninja -C build tests/sim/goodput
	tools/goodput --check
	tests/sim/soak --seconds $(SOAK_SECONDS)
	ninja -C build tests/interop/interop-peer
	tests/interop/differential.py --peer build/tests/interop/interop-peer --seeds $$(date +%s)000 \
		--seconds $$(( $(SOAK_SECONDS) / 10 + 1 ))

install: all
	meson configure build --prefix='$(PREFIX)'
	DESTDIR='$(DESTDIR)' meson install -C build

format:
	tools/lint.py format --fix

clean:
	rm -rf build

.PHONY: all demo check bench fuzz soak install format clean
