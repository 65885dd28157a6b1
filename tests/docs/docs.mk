# The documents: what their tests run beside the agent. The Go modules of the opamp-go page (exact versions, build/go) are fetched
# once, so that the test itself needs no network.
PROGRAMS += $(B)/tests/docs/vectors

$(B)/tests/docs/vectors: $(B)/tests/docs/vectors.o $(SIM_LIB) $(LIB)
	@echo "  LD    $@"
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS) -lcmocka

GO := build/go

$(GO)/stamp: tests/docs/go/go.mod tests/docs/go/go.sum $(VENV)/stamp
	@echo "  GO    $(GO)"
	@mkdir -p $(GO) && cp tests/docs/go/go.mod tests/docs/go/go.sum $(GO)/
	@cd $(GO) && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" GOMODCACHE=$(CURDIR)/$(GO)/mod GOFLAGS=-modcacherw $(CURDIR)/tests/beat go mod download
	@touch $@
