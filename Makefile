# Reeve. `make help` explains every target.
#
# One folder a flavour: build/ (what ships), build/asan (tests with sanitizers), build/clang. All generated code lies in
# build/gen, shared by the flavours.

CC      ?= gcc
FLAVOUR ?= release
B       := $(if $(filter release,$(FLAVOUR)),build,build/$(FLAVOUR))
G       := build/gen
VERSION := 0.1.0

LIBS    := libuv libcurl libcrypto libprotobuf-c zlib expat jansson yaml-0.1 libpcre2-8
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef -Wvla -Wwrite-strings -Werror
HARDEN  := -fstack-protector-strong -fPIE -fno-common
BASE    := -std=gnu11 -D_GNU_SOURCE -DREEVE_VERSION='"$(VERSION)"' -I. -I$(G) -isystem /usr/share/include/llhttp -MMD -MP -g $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
ifeq ($(FLAVOUR),asan)
OPT     := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDOPT   := -fsanitize=address,undefined
else ifeq ($(FLAVOUR),clang)
CC      := clang-14
OPT     := -O2
else
OPT     := -O2 -D_FORTIFY_SOURCE=2
endif
CFLAGS_ALL := $(BASE) $(WARN) $(HARDEN) $(OPT) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now $(LDOPT) $(LDFLAGS)
LDLIBS  := $(shell pkg-config --libs $(LIBS) 2>/dev/null)

PROTOS  := $(wildcard proto/*.proto)
PB_C    := $(PROTOS:%.proto=$(G)/%.pb-c.c)
PB_H    := $(PB_C:.c=.h)
AGENT_C := $(sort $(filter-out agent/main.c,$(wildcard agent/*.c agent/*/*.c collectors/*.c shippers/*.c)))
AGENT_O := $(AGENT_C:%.c=$(B)/%.o)
PB_O    := $(PB_C:$(G)/%.c=$(B)/gen/%.o)
LLHTTP_C := $(wildcard /usr/share/llhttp/*.c)
LLHTTP_O := $(LLHTTP_C:/usr/share/llhttp/%.c=$(B)/llhttp/%.o)
LIB     := $(B)/libreeve.a

SIM_C   := $(sort $(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c)))
SIM_O   := $(SIM_C:%.c=$(B)/%.o)
UNIT_C  := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c))
UNIT    := $(UNIT_C:%.c=$(B)/%)

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all
all: deps $(B)/reeve ## build the agent: build/reeve

$(B)/reeve: $(B)/agent/main.o $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

$(LIB): $(AGENT_O) $(PB_O) $(LLHTTP_O)
	@echo "  AR    $@"
	@rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c $(PB_H)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS_ALL) -c $< -o $@

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
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(SIM_O) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS) -lcmocka

-include $(shell find $(B) -maxdepth 5 -name '*.d' -not -path 'build/asan/*' -not -path 'build/clang/*' 2>/dev/null)

C_FILES := $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null)
.PHONY: format
format: ## lay out all C files
	@clang-format-14 -i $(C_FILES)

.PHONY: deps
deps:
