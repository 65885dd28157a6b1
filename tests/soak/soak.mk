# Hours of what a log meets: not in make test.
SOAK_S ?= 3600

##@ Test

.PHONY: soak
soak: ## SOAK_S=3600 seconds of a log under logrotate, restarts, kills, refused posts and a full disk: lines arrived and counted are those written
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve
	@command -v logrotate >/dev/null || { echo "soak: there is no logrotate: install it first" >&2; exit 1; }
	@tests/beat $(VENV)/bin/python -m tests.soak.soak --seconds $(SOAK_S) --reeve $(REEVE)
