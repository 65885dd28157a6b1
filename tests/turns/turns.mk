# How long the loop's turns take while no name server answers, and while a log drains: measured, not asserted, because a busy machine decides it too.
TURNS_S  ?= 140
DRAIN_MB ?= 1000

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

.PHONY: turns-drain
turns-drain: ## how long they take while DRAIN_MB=1000 of a log drain, and how soon a command is accepted meanwhile
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve $(B)/tests/turns/turns.so
	@tests/beat $(VENV)/bin/python -m tests.turns.drain $(DRAIN_MB)
