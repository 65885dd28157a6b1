# Measured, not asserted in the tests: a busy machine decides it too. Nothing else should run meanwhile.
IDLE_S ?= 300

##@ Measure

.PHONY: bench-idle
bench-idle: ## what the released agent costs while it has nothing to do, beside the development build; after make release; IDLE_S=300
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve
	@test -x build/release/reeve || { echo "bench-idle: there is no build/release/reeve: make release first" >&2; exit 1; }
	@tests/beat $(VENV)/bin/python -m tests.bench.idle $(IDLE_S)
