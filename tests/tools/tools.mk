# Small programs that tests drive: parts of the agent on the real world, without the rest. One program a file.
TOOLS_C := $(sort $(wildcard tests/tools/*.c))
TOOLS   := $(TOOLS_C:%.c=$(B)/%)

$(B)/tests/tools/%: $(B)/tests/tools/%.o $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

PROGRAMS += $(TOOLS)

##@ Test

.PHONY: tools
tools: $(TOOLS) ## programs that end-to-end tests drive
