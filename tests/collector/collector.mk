# The bodies that the agent sends, held against an OpenTelemetry Collector: built here of its published Go modules (exact versions), which
# takes minutes and 600 MB, so it is no part of make test.
COLLECTOR := build/collector

##@ Test

.PHONY: collector-test
collector-test: ## an OpenTelemetry Collector takes what the agent sends, gzip and zstd; built of its Go modules, some minutes
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve $(COLLECTOR)/collector
	@COLLECTOR=$(CURDIR)/$(COLLECTOR)/collector $(VENV)/bin/python -m pytest -q -p no:cacheprovider tests/collector/accepts.py

$(COLLECTOR)/collector: $(wildcard tests/collector/go/*) $(VENV)/stamp
	@echo "  GO    $@"
	@mkdir -p $(@D)
	@cd tests/collector/go && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" GOMODCACHE=$(CURDIR)/$(COLLECTOR)/mod GOCACHE=$(CURDIR)/$(COLLECTOR)/cache \
		GOFLAGS="-modcacherw -mod=readonly" $(CURDIR)/tests/beat go build -o $(CURDIR)/$@ .
