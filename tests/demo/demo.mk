# The main job, shown; and the demo's own test: each check must notice when its cause is broken.
BREAKS ?= $(shell seq 1 21)

##@ The main job

.PHONY: demo
demo: ## the main job from an empty account to an empty account; KEEP=1 leaves it running, DEMO_BREAK=n breaks check n
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve
	@tests/beat $(VENV)/bin/python -m tests.demo.demo

.PHONY: demo-breaks
demo-breaks: ## breaks the cause of each check in turn (BREAKS="3 13" of two): the demo must end with 1
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve
	@tests/beat tests/demo/breaks.sh $(VENV)/bin/python $(BREAKS)

.PHONY: play
play: ## the agent by hand: moto, metadata service, reference plane and agent on loopback, until Ctrl-C; prints how to command it
	@$(MAKE) -s deps
	@$(MAKE) -s $(B)/reeve
	@$(VENV)/bin/python -m tests.demo.play
