# The simulation: the agent's own objects in a pretend world.
SEEDS ?= 1000
SEED  ?=
WITH  ?=

PROGRAMS += $(B)/tests/sim/sim
JOBS     += 'sim=build/tests/sim/sim --seeds 50' 'asan/sim=build/asan/tests/sim/sim --seeds 50'

$(B)/tests/sim/sim: $(B)/tests/sim/main.o $(SIM_LIB) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS)

##@ Test

.PHONY: sim
sim: ## the simulation; SEEDS=n, or SEED=n to replay one; WITH=NAME brings a fault that is off (tests/sim/fault.c)
	@$(MAKE) -s $(B)/tests/sim/sim
	@$(B)/tests/sim/sim $(WITH:%=--with %) $(if $(SEED),--seed $(SEED) -v,--seeds $(SEEDS))
