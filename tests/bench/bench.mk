# Measured, not asserted in the tests: a busy machine decides it too. Nothing else should run meanwhile.
IDLE_S      ?= 300
RUNS        ?= 5
SIZE_MB     ?= 1000
ROWS        ?= drain,steady,faults,redact,files
PEERS       ?= fluent-bit,fluent-bit-disk,otelcol,otelcol-disk
STEADY_S    ?= 60
FILES_S     ?= 30
FAULT_LINES ?= 400000
REEVE       ?= $(B)/reeve
PAGE        ?=

# What libreeve's encoder and the compressors cost by themselves; it takes those whose headers are there.
PROGRAMS += $(B)/tests/bench/codec

$(B)/tests/bench/codec: LDLIBS += $(if $(wildcard /usr/include/isa-l/igzip_lib.h),-lisal) $(if $(wildcard /usr/include/zstd.h),-lzstd)
$(B)/tests/bench/codec: $(B)/tests/bench/codec.o $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

# What the rules cost a line: nanoseconds, on lines of the benchmark.
PROGRAMS += $(B)/tests/bench/rules_cost

$(B)/tests/bench/rules_cost: $(B)/tests/bench/rules_cost.o $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

##@ Measure

.PHONY: bench-idle
bench-idle: ## what the released agent costs while it has nothing to do, beside the development build; after make release; IDLE_S=300
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve
	@test -x build/release/reeve || { echo "bench-idle: there is no build/release/reeve: make release first" >&2; exit 1; }
	@tests/beat $(VENV)/bin/python -m tests.bench.idle $(IDLE_S)

# All of it takes hours: ROWS=drain SIZE_MB=100 RUNS=1 is a look. REEVE=build/release/reeve measures what ships.
.PHONY: bench-telemetry
bench-telemetry: ## the way of a log line, measured beside the peers on PATH; ROWS=drain,steady SIZE_MB=100 RUNS=1; PAGE=1 keeps it as a page
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve $(B)/tests/bench/codec
	@tests/beat $(VENV)/bin/python -m tests.bench.telemetry --reeve $(REEVE) --codec $(B)/tests/bench/codec --runs $(RUNS) --size-mb $(SIZE_MB) \
		--rows $(ROWS) --peers $(PEERS) --steady-s $(STEADY_S) --files-s $(FILES_S) --fault-lines $(FAULT_LINES) $(if $(PAGE),--page)

.PHONY: bench-rules
bench-rules: ## what redaction costs a clean line: ten patterns, each detector, both; in nanoseconds
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/tests/bench/rules_cost
	@$(PYTHON) -c 'import sys; from tests.bench.lines import Lines; sys.stdout.buffer.writelines(Lines().first(20000))' > $(B)/rules_cost.log
	@$(B)/tests/bench/rules_cost $(B)/rules_cost.log
