# Figures about the code itself: how much of it the tests reach, how long and how alike its parts are.
FILE ?=

##@ Keep in order

.PHONY: coverage
coverage: ## what units and 50 seeds reach, by folder, and the ten files least reached; FILE=agent/x.c shows the lines that were not
	@$(MAKE) -s deps
	@$(MAKE) -s FLAVOUR=coverage covered
	@$(PYTHON) tests/figures/coverage.py build/coverage $(FILE)

.PHONY: covered
covered: $(UNIT) $(B)/tests/sim/sim $(B)/agent/main.o # of FLAVOUR=coverage: runs them anew
	@find $(B) -name '*.gcda' -delete
	@$(PYTHON) tests/run.py 'sim=$(B)/tests/sim/sim --seeds 50' $(foreach t,$(UNIT),'$(t:$(B)/tests/%=%)=$t')

.PHONY: pairs
pairs: ## a file that is tested under another's name is really reached by that test, measured
	@$(MAKE) -s deps
	@$(MAKE) -s FLAVOUR=coverage $(shell tests/lint/pairs.py --programs build/coverage)
	@tests/lint/pairs.py build/coverage

.PHONY: figures
figures: ## how long functions and files are, how much is comment, how much is test, and which places are most alike
	@$(PYTHON) tests/figures/figures.py
