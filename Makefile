# Reeve. `make help` explains every target.
#
# One folder a flavour: build/ (what ships), build/asan (tests with sanitizers), build/fuzz, build/clang, build/coverage; any
# other FLAVOUR=name is built as what ships is, into build/name. All generated code lies in build/gen, shared by the flavours.
# Folders under tests/ bring their own targets in *.mk: what they add to PROGRAMS is built with the rest, what they add to JOBS is
# run by `make test` (a job is 'name=command', and its last line says "N passed, N failed").

CC      ?= gcc
CROSS   ?= # for another processor: what stands before the names of its tools, such as aarch64-linux-gnu-
ifneq ($(CROSS),)
CC      := $(CROSS)gcc
AR      := $(CROSS)ar
endif
PKG_CONFIG := $(CROSS)pkg-config
PYTHON  ?= python3
FLAVOUR ?= release
B       := $(if $(filter release,$(FLAVOUR)),build,build/$(FLAVOUR))
G       := build/gen
VENV    := build/venv
VERSION := 0.1.0

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc) --no-print-directory
endif

comma   := ,
# ISA-L packs telemetry where it is there when the agent is built; elsewhere, or with `make ISAL=`, zlib does.
ISAL    := $(if $(filter static,$(FLAVOUR)),$(wildcard $(RECIPES)/include/isa-l.h),$(shell $(PKG_CONFIG) --exists libisal 2>/dev/null && echo yes))
LIBS    := libuv libcurl libssl libcrypto libprotobuf-c zlib expat jansson yaml-0.1 libpcre2-8 libzstd $(if $(ISAL),libisal)
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef -Wvla -Wwrite-strings
WARN    += -Wconversion -Wsign-conversion -Werror
# What stands between a fault of ours and whoever finds it; `make lint` reads it off the built file (tests/lint/hardening.py).
#   -fstack-protector-strong       an array that is overrun ends the agent before the function returns
#   -fstack-clash-protection       a large frame cannot step over the guard page: each page is touched (gcc alone: clang has it
#                                  for x86 only, and only tests are built with that)
#   -D_FORTIFY_SOURCE=3            copies and prints are checked against sizes known while running too (2: only while compiling)
#   -fPIE -pie                     no fixed addresses
#   -z relro -z now                all functions are bound at the start, and then the table is read-only
#   -z noexecstack                 said aloud: one object without the mark would make the stack executable
# Not -fcf-protection: the start files of Debian 12 do not have its mark, so the linker drops it for the whole program.
# Of arm64 more: -mbranch-protection=standard, a return address is signed before it lies on the stack (PAC), and jumps have marked
# targets (BTI). The first works by function; for the second Debian's archives would have to have the mark, so it waits for them.
HARDEN  := -fstack-protector-strong -fPIE -fno-common
HARDEN  += $(if $(filter aarch64-%,$(shell $(CC) -dumpmachine 2>/dev/null)),-mbranch-protection=standard)
REEVE_PACKAGES ?= # what a release names beside the versions of its libraries: agent/cli/cmd_version.c
BASE    := -std=gnu11 -D_GNU_SOURCE -DREEVE_VERSION='"$(VERSION)"' -DREEVE_PACKAGES='"$(strip $(REEVE_PACKAGES))"' -I. -I$(G) -isystem /usr/share/include/llhttp -MMD -MP -g
BASE    += $(if $(ISAL),-DREEVE_ISAL)
BASE    += -ffile-prefix-map=$(CURDIR)=. $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
ifeq ($(FLAVOUR),asan)
OPT     := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDOPT   := -fsanitize=address,undefined
else ifeq ($(FLAVOUR),clang)
CC      := clang-14
OPT     := -O2
else ifeq ($(FLAVOUR),fuzz)
CC      := clang-14
OPT     := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDOPT   := -fsanitize=address,undefined
else ifeq ($(FLAVOUR),static)
# What ships, as deploy/release/release.py builds it: RECIPES is where it has put what Debian has no usable archive of. What nothing
# calls stays out (a section for each function). Nothing unwinds at run time, so the tables for it are reeve.debug's alone
# (unwind.ld).
OPT     := -O2 -D_FORTIFY_SOURCE=3 -fstack-clash-protection -isystem $(RECIPES)/include
# Optimised as one (LTO): the way of a line goes through a dozen short functions in as many files.
OPT     += -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -flto=auto
AR      := $(CROSS)gcc-ar
LDOPT   := $(HARDEN) $(OPT) -static-libgcc -Wl,--gc-sections -Wl,--no-eh-frame-hdr -Wl,-T,deploy/release/unwind.ld -Wl,-Map=$(B)/reeve.map
SHIMS   := $(addprefix $(B)/deploy/release/,arc4random.o zstd_rest.o)
STATIC  := curl uv_a ssl crypto protobuf-c z expat jansson yaml pcre2-8 zstd $(if $(ISAL),isal)
else ifeq ($(FLAVOUR),coverage)
OPT     := -O0 --coverage -fprofile-update=atomic
LDOPT   := --coverage
else
OPT     := -O2 -D_FORTIFY_SOURCE=3 -fstack-clash-protection
endif
CFLAGS_ALL := $(BASE) $(WARN) $(HARDEN) $(OPT) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now,-z,noexecstack $(LDOPT) $(LDFLAGS)
LDLIBS  := $(if $(STATIC),-L$(RECIPES)/lib -Wl$(comma)-Bstatic $(STATIC:%=-l%) -Wl$(comma)-Bdynamic,$(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null))

PROTOS  := $(wildcard proto/*.proto)
PB_C    := $(PROTOS:%.proto=$(G)/%.pb-c.c)
PB_H    := $(PB_C:.c=.h)
AGENT_C := $(sort $(filter-out agent/main.c,$(wildcard agent/*.c agent/*/*.c agent/*/*/*.c collectors/*.c shippers/*.c)))
AGENT_O := $(AGENT_C:%.c=$(B)/%.o)
PB_O    := $(PB_C:$(G)/%.c=$(B)/gen/%.o)
LLHTTP_C := $(wildcard /usr/share/llhttp/*.c)
LLHTTP_O := $(LLHTTP_C:/usr/share/llhttp/%.c=$(B)/llhttp/%.o)
LIB     := $(B)/libreeve.a

SIM_C   := $(sort $(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c)))
SIM_O   := $(SIM_C:%.c=$(B)/%.o)
SIM_LIB := $(B)/libsim.a
UNIT_C  := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c tests/unit/*/*/*.c))
UNIT    := $(UNIT_C:%.c=$(B)/%)
MAIN    := $(if $(wildcard agent/main.c),$(B)/reeve)

PROGRAMS :=
JOBS    :=

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

##@ Build

.PHONY: all
all: ## the agent: build/reeve (the default)
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve

.PHONY: everything
everything: $(MAIN) $(UNIT) # the agent and every program of the tests, in this FLAVOUR

$(B)/reeve: $(B)/agent/main.o $(SHIMS) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

$(LIB): $(AGENT_O) $(PB_O) $(LLHTTP_O)
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $^

$(SIM_LIB): $(SIM_O)
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: %.c | $(PB_H)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS_ALL) -c $< -o $@

# What ships has a limit, and these rooms work now and then: for size. The loop and the telemetry path are for speed.
ifeq ($(FLAVOUR),static)
$(foreach room,ops cli control daemon aws,$(eval $(B)/agent/$(room)/%.o: CFLAGS_ALL += -Os))
endif

$(B)/gen/%.o: $(G)/%.c
	@mkdir -p $(@D)
	@$(CC) $(filter-out $(WARN),$(CFLAGS_ALL)) -w -c $< -o $@

$(B)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	@$(CC) $(filter-out $(WARN),$(CFLAGS_ALL)) -w -c $< -o $@

$(G)/%.pb-c.c $(G)/%.pb-c.h: %.proto
	@mkdir -p $(G)
	@echo "  PROTO $<"
	@protoc-c --c_out=$(G) $<

# Unit tests: one program a file. They may use the simulated world and so link it.
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(SIM_LIB) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS) -lcmocka

include $(wildcard tests/*/*.mk)
everything: $(PROGRAMS)

-include $(AGENT_O:.o=.d) $(PB_O:.o=.d) $(SIM_O:.o=.d) $(UNIT:=.d) $(PROGRAMS:=.d) $(B)/agent/main.d $(B)/tests/sim/main.d

.PHONY: clang
clang: ## all of it, tests too, once more with clang-14: warnings are errors
	@$(MAKE) -s deps
	@$(MAKE) -s FLAVOUR=clang everything

.PHONY: compile_commands.json
compile_commands.json: $(PB_H) ## for editors and clang's tools: how each C file is compiled
	@tests/compile_commands.py $(CC) $(filter-out -MMD -MP,$(CFLAGS_ALL)) -- $(filter %.c,$(C_FILES)) > $@

.PHONY: clean
clean: ## forget what was built (build/)
	@rm -rf build

##@ Ship

EPOCH   := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

# deploy/release/release.py explains itself, and every gate that the result has passed (deploy/release/gates.py).
RELEASE_PACKAGES := binutils debootstrap git openssl python3

.PHONY: release
release: ## build/release/reeve: what ships, static but for libc, built in a fresh Debian 12 of its own; its SBOM, every licence
	@tests/beat tests/deps $(RELEASE_PACKAGES)
	@tests/beat deploy/release/release.py build/release $(VERSION) $(EPOCH)

# Reproducible: the same sources and the same versions of what is linked give the same bytes.
.PHONY: package
package: ## build/package: .deb, .rpm and .tar.gz of a release, each with its .sha256; KEY=pem signs them (.sig, Ed25519)
	@tests/beat tests/deps $(RELEASE_PACKAGES)
	@deploy/release/signing.py "$(KEY)"
	@$(MAKE) -s release
	@tests/beat deploy/release/package.py build/release build/package $(VERSION) $(EPOCH) "$(KEY)"

# Debian 12 for amd64 with a cross compiler and libraries for arm64 beside its own; qemu-user runs what came out.
BOOT_PACKAGES := binutils debootstrap systemd-container e2fsprogs iproute2

.PHONY: boot-test
boot-test: ## the service on a machine that boots: sandbox, telemetry, watchdog, crash loop, full disk, memory (ten minutes)
	@tests/beat tests/deps $(BOOT_PACKAGES)
	@$(MAKE) -s deps package
	@$(VENV)/bin/python -m tests.boot.unit_story build/boot

.PHONY: deploy-test
deploy-test: boot-test ## that, and first boots by the stack's own user data, good and bad; writes tests/boot/RESULT.md (20 minutes)
	@$(VENV)/bin/python -m tests.boot.userdata_story build/boot
	@$(VENV)/bin/python -m tests.boot.result build/boot tests/boot/RESULT.md

.PHONY: package-arm64
package-arm64: ## build/arm64/package: the same for arm64, cross-built, with tests under qemu-user (some minutes)
	@tests/beat tests/deps $(RELEASE_PACKAGES)
	@deploy/release/signing.py "$(KEY)"
	@tests/beat deploy/release/release.py build/arm64 $(VERSION) $(EPOCH) --arch=aarch64
	@tests/beat deploy/release/package.py build/arm64 build/arm64/package $(VERSION) $(EPOCH) "$(KEY)"
	@tests/beat $(PYTHON) tests/packages/emulated.py build/arm64

.PHONY: package-check
package-check: ## are the packages the same bytes, built again in another room, umask, locale and time zone? FOR=aarch64: those for arm64
	@tests/beat tests/deps $(RELEASE_PACKAGES)
	@umask 022 && $(call CHECKED,build/check/first)
	@umask 077 && export TZ=Pacific/Auckland LC_ALL=C && $(call CHECKED,build/check/the-second-time)
	@for f in reeve reeve.debug reeve.cdx.json THIRD_PARTY; do \
		cmp build/check/first/$$f build/check/the-second-time/$$f || exit 1; done
	@cd build/check/first/package && for f in *.deb *.rpm *.tar.gz; do \
		cmp $$f ../../the-second-time/package/$$f || exit 1; done
	@echo "the same bytes twice:" && cat build/check/first/package/*.sha256

CHECKED = tests/beat deploy/release/release.py $(1) $(VERSION) $(EPOCH) --all-recipes $(FOR:%=--arch=%) && \
	deploy/release/package.py $(1) $(1)/package $(VERSION) $(EPOCH)

##@ Test

.PHONY: test
test: ## units (gcc, then sanitizers), 50 seeds of the simulation, a moment of each fuzzer, Python against the real binary
	@$(MAKE) -s deps
	@$(MAKE) -s everything
	@$(MAKE) -s FLAVOUR=asan everything
	@$(MAKE) -s FLAVOUR=fuzz fuzzers
	@$(VENV)/bin/python tests/run.py $(PYTEST_JOBS) $(JOBS) $(UNIT_JOBS) $(ASAN_JOBS)

.PHONY: unit
unit: ## the unit tests of one FLAVOUR; ONLY=text picks those with the text in their name
	@$(MAKE) -s $(ONLY_UNIT)
	@$(PYTHON) tests/run.py $(foreach t,$(ONLY_UNIT),'$(t:$(B)/tests/%=%)=$t')

.PHONY: golden
golden: ## writes the plan prints anew that people approve (tests/unit/ops/plan/golden): read their difference before you commit it
	@$(MAKE) -s $(B)/tests/unit/ops/plan/test_plan_print
	@GOLDEN=write $(B)/tests/unit/ops/plan/test_plan_print >/dev/null

ONLY_UNIT = $(if $(ONLY),$(foreach t,$(UNIT),$(if $(findstring $(ONLY),$t),$t)),$(UNIT))

PYTEST      = $(VENV)/bin/python -m pytest -q -p no:cacheprovider
# With the real binary a file is a job, the slowest jobs first; elsewhere a folder is one: its tests share what takes seconds to start.
PYTEST_JOBS = $(foreach d,$(E2E_FILES) $(PYTEST_DIRS),'$d=$(PYTEST) $d')
E2E_FILES   = $(sort $(wildcard tests/e2e/*/test_*.py))
PYTEST_DIRS = $(sort $(patsubst %/,%,$(dir $(wildcard tests/*/test_*.py))))
UNIT_JOBS   = $(foreach t,$(UNIT_C:tests/%.c=%),'$t=build/tests/$t')
ASAN_JOBS   = $(foreach t,$(UNIT_C:tests/%.c=%),'asan/$t=build/asan/tests/$t')

##@ Keep in order

C_FILES  = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
PY_FILES = $(shell git ls-files -co --exclude-standard '*.py')
SH_FILES = $(shell git ls-files -co --exclude-standard '*.sh') .ci/run tests/beat tests/deps $(wildcard deploy/release/debian/*)
RUFF     = $(VENV)/bin/ruff

.PHONY: format
format: ## lay out all C and Python files
	@clang-format-14 -i $(C_FILES)
	@$(RUFF) format -q --config tests/ruff.toml $(PY_FILES)

IAM_DOCUMENTS = agent launch delete groups balancers tags power volumes

LINT_JOBS = 'layers=tests/lint/layers.py' 'voice=tests/lint/voice.py' 'citations=tests/lint/documents.py' 'headers=tests/lint/headers.py $(filter-out -DREEVE% -MMD -MP -g,$(BASE) $(WARN))' 'pairs=tests/lint/pairs.py' 'tidy=tests/lint/tidy.py' 'hardening=tests/lint/hardening.py build/reeve' 'names=tests/lint/names.py build' \
	'format=clang-format-14 --dry-run -Werror $(C_FILES)' 'shellcheck=shellcheck $(SH_FILES)' \
	'ruff=$(RUFF) check -q --config tests/ruff.toml $(PY_FILES)' \
	'ruff-format=$(RUFF) format -q --check --config tests/ruff.toml $(PY_FILES)' \
	'template=$(VENV)/bin/cfn-lint deploy/cloudformation/reeve.yaml' 'filled=build/tests/tools/iam_print stack | deploy/cloudformation/fill.py --check' \
	'documents=for d in $(IAM_DOCUMENTS); do build/tests/tools/iam_print $$d | cmp - deploy/iam/$$d.json || exit 1; done' \
	'mutants=$(PYTHON) tests/mutants/run.py --places' \
	'exposure=systemd-analyze security --offline=true --threshold=10 --no-pager deploy/systemd/reeve.service'

# A file is looked at again when its object was made again: that knows its headers.
TIDY = $(patsubst %.c,build/tidy/%.ok,agent/main.c $(AGENT_C))

build/tidy/%.ok: %.c build/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY  $<"
	@clang-tidy-14 -quiet $< -- $(filter-out -MMD -MP -g,$(BASE)) 2>$@.err || { cat $@.err; exit 1; }
	@touch $@

.PHONY: tidy
tidy: ## clang-tidy over agent, collectors and shippers; .clang-tidy says for what, and why not for the rest
	@$(MAKE) -s deps
	@$(MAKE) -s -k $(TIDY)

.PHONY: lint
lint: ## clang build, clang-tidy; layers, headers, a test for every file, layout, scripts, templates
	@$(MAKE) -s clang
	@$(MAKE) -s tidy
	@$(MAKE) -s everything
	@$(VENV)/bin/python tests/run.py $(LINT_JOBS)

.PHONY: iam
iam: $(B)/tests/tools/iam_print ## write deploy/iam from the step kinds and the reads, and the template from that
	@for d in $(IAM_DOCUMENTS); do $< $$d > deploy/iam/$$d.json || exit 1; done
	@$< stack | deploy/cloudformation/fill.py

.PHONY: logs
logs: ## write docs/logs.md, the list of all events, from the source
	@$(PYTHON) tests/docs/events.py

##@ This machine

PACKAGES := ca-certificates clang-14 clang-format-14 clang-tidy-14 curl gcc git groff-base jq libc6-dev libclang-rt-14-dev libcmocka-dev libcurl4-openssl-dev \
	libexpat1-dev libisal-dev libjansson-dev libpcre2-dev libprotobuf-c-dev libssl-dev libuv1-dev libyaml-dev libzstd-dev make node-llhttp openssl pkg-config \
	procps protobuf-c-compiler protobuf-compiler python3 python3-venv shellcheck systemd systemd-journal-remote zlib1g-dev

.PHONY: deps
deps: ## what the build and the tests stand on (Debian 12; root or passwordless sudo), build/venv, build/node and build/go
	@tests/beat tests/deps $(PACKAGES)
	@$(MAKE) -s $(VENV)/stamp
	@$(MAKE) -s $(NODE)/stamp
	@$(MAKE) -s $(GO)/stamp

$(VENV)/stamp: tests/requirements.txt
	@echo "  VENV  $(VENV)"
	@rm -rf $(VENV) && tests/beat $(PYTHON) -m venv $(VENV)
	@tests/beat $(VENV)/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

.PHONY: help
help: ## this page
	@awk -F ':.*## ' '/^##@/ { at = substr($$0, 5); if (!(at in text)) order[++n] = at } \
		/^[a-z0-9_.-]+:.*## / { text[at] = text[at] sprintf("  make %-21s %s\n", $$1, $$2) } \
		END { for (i = 1; i <= n; i++) printf "\n%s\n%s", order[i], text[order[i]] }' $(MAKEFILE_LIST)
