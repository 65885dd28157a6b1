"""mutant.py - one break of the agent: a change of one place, and the tests of which one must turn red (the simulation, if none is
named)."""

SIM = "build/tests/sim/sim --stop --jobs 1 --seeds 1000"


class Mutant:
    def __init__(self, name, path, old, new, *tests):
        self.name, self.path, self.old, self.new = name, path, old, new
        self.tests = tests or (SIM,)
