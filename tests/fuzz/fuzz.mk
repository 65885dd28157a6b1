# Fuzzers: one program a file, with clang's libFuzzer, in a flavour of their own: build/fuzz. See tests/fuzz/fuzz.h.
TIME         ?= 60
FUZZ_SMOKE_S := 3
FUZZ_NAMES   := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZERS      := $(FUZZ_NAMES:%=$(B)/tests/fuzz/%)
FUZZ_SMOKE   := $(foreach n,$(FUZZ_NAMES),'fuzz/$n=tests/fuzz/run.sh $n $(FUZZ_SMOKE_S)')

JOBS += $(FUZZ_SMOKE)

$(B)/tests/fuzz/%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/fuzz.o $(SIM_LIB) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LDLIBS) -lcmocka -lm

-include $(wildcard $(B)/tests/fuzz/*.d)

##@ Test

.PHONY: fuzzers
fuzzers: $(FUZZERS) # of FLAVOUR=fuzz

.PHONY: fuzz
fuzz: ## every fuzzer for TIME seconds (60), two at a time; what they find is in build/fuzz/found
	@$(MAKE) -s FLAVOUR=fuzz fuzzers
	@JOB_LIMIT_S=$$(($(TIME) + 120)) $(PYTHON) tests/run.py $(foreach n,$(FUZZ_NAMES),'fuzz/$n=tests/fuzz/run.sh $n $(TIME)')

.PHONY: fuzz-smoke
fuzz-smoke: ## every fuzzer for a few seconds, as `make test` does
	@$(MAKE) -s FLAVOUR=fuzz fuzzers
	@$(PYTHON) tests/run.py $(FUZZ_SMOKE)
