# Small programs that tests drive: parts of the agent on the real world, without the rest. One program a file.
TOOLS_C := $(sort $(wildcard tests/tools/*.c))
TOOLS   := $(TOOLS_C:%.c=$(B)/%)

$(B)/tests/tools/%: $(B)/tests/tools/%.o $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

# And what a test has loaded into a program of its own.
PRELOAD := $(patsubst %.c,$(B)/%.so,$(wildcard tests/tools/preload/*.c))

$(B)/tests/tools/preload/%.so: tests/tools/preload/%.c
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -fPIC -shared -o $@ $<

PROGRAMS += $(TOOLS) $(PRELOAD)

##@ Test

.PHONY: tools
tools: $(TOOLS) ## programs that end-to-end tests drive
