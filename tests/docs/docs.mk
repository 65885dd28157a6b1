# The documents: what their tests run beside the agent. The Go modules of the opamp-go page (exact versions, build/go) are fetched
# once, so that the test itself needs no network.
PROGRAMS += $(B)/tests/docs/vectors

$(B)/tests/docs/vectors: $(B)/tests/docs/vectors.o $(SIM_LIB) $(LIB)
	@echo "  LD    $@"
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS) -lcmocka
