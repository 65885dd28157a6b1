"""One place for all rows: each has a warehouse of its own, and finds the agent alive and everything in good order."""

import tempfile

import pytest

from tests.e2e.matrix.place import REPO, Place
from tests.e2e.matrix.row import Row
from tests.e2e.warehouse import Warehouse, policy
from tests.peers.stage import may_be_root


@pytest.fixture(scope="session")
def running():
    if not may_be_root():
        pytest.skip("needs root: names and certificates are mounted over the agent's")
    place = Place(tempfile.mkdtemp(prefix="reeve-matrix-"), REPO / "build/reeve")
    try:
        place.start()
        place.write_policy(policy(place))
        place.agent_start()
        place.wait_login()
        yield place
    finally:
        place.free()
        place.close()
        place.remove()


@pytest.fixture
def place(running):
    running.rules()
    yield running


@pytest.fixture
def warehouse(place):
    return Warehouse(place)


@pytest.fixture
def row(place, warehouse):
    one = Row(place, warehouse)
    yield one
    place.mend()
    one.clear()
