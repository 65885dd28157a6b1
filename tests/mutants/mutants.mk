# Mutants: the agent broken on purpose, one promise at a time; a named test must turn red for each.
##@ Test

.PHONY: mutants
mutants: ## break the agent on purpose: each break must turn a named test red
	@$(MAKE) -s $(B)/tests/sim/sim $(LIB)
	@$(PYTHON) tests/mutants/run.py
