"""One stage for the tests of this folder (the agent itself and what is around it): moto takes seconds to start."""

from tests.e2e.warehouse import neighbour, running, stage, warehouse

__all__ = ["neighbour", "running", "stage", "warehouse"]
