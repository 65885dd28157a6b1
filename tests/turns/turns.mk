# How long the loop's turns take while no name server answers: measured, not asserted, because a busy machine decides it too.
TURNS_S ?= 140

PROGRAMS += $(B)/tests/turns/turns.so

$(B)/tests/turns/turns.so: tests/turns/turns.c
	@echo "  LD    $@"
	@mkdir -p $(@D)
	@$(CC) $(filter-out -fPIE,$(CFLAGS_ALL)) -fPIC -shared -o $@ $< -ldl

##@ Test

.PHONY: turns
turns: ## how long the loop's turns take with the resolver dark; TURNS_S=140 seconds of it
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve $(B)/tests/turns/turns.so $(B)/tests/tools/https_get
	@tests/beat $(VENV)/bin/python -m tests.turns.turns $(TURNS_S)
