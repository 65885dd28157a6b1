"""One stage for the tests of this folder (nodes, disks and what is told of them): moto takes seconds to start."""

from tests.e2e.warehouse import neighbour, running, stage, warehouse

__all__ = ["neighbour", "running", "stage", "warehouse"]
