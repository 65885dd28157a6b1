# The IAM simulator of the tests (npm, exact versions, build/node): run by them, never linked or shipped.
NODE := build/node

$(NODE)/stamp: tests/iam/package-lock.json $(VENV)/stamp
	@echo "  NPM   $(NODE)"
	@rm -rf $(NODE) && mkdir -p $(NODE) && cp tests/iam/package.json $< $(NODE)/
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" tests/beat $(VENV)/bin/npm ci --prefix $(NODE) --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@
