"""self_heal: a node that somebody ends is launched again by the agent itself, and once. The patrol looks 15 seconds behind an apply:
each node here is ended before that, and is known from the apply's result. moto has no failing status checks and no notices: those
are in the unit tests and in sim."""

import time

import pytest

from tests.e2e.nodes.test_power import done, ids, targets
from tests.e2e.warehouse import policy
from tests.peers import process

LOOK_S = 15  # behind the end of whatever has changed a warehouse


@pytest.fixture
def heals(stage):
    """By the customer's leave."""
    stage.write_policy(policy(stage).replace("  nodes.replace: auto\n", "  nodes.replace: auto\n  heal: auto\n"))


def healing(warehouse, for_s=3600):
    """Two nodes that serve, in a warehouse that heals itself for so long without the vendor."""
    until = int((time.time() + for_s) * 1000)
    shared = f"self_heal: true\nheal_until: {until}\n" + warehouse.balancer(9030)
    done(warehouse, warehouse.apply(nodes=2, shared=shared, cluster={"volumes": []}))
    return sorted(n["InstanceId"] for n in warehouse.nodes())


def is_ended_from_outside(stage, node):
    stage.moto.authorize(on=False)
    stage.moto.client("ec2").terminate_instances(InstanceIds=[node])
    stage.moto.authorize()


def local(stage, warehouse):
    """Ids of what the agent has begun by itself."""
    return [r["op"] for r in stage.journal() if r["type"] == "local.accepted" and r["warehouse"] == warehouse.id]


def results(stage, *ops):
    return [r for r in stage.journal() if r["type"] == "command.result" and r["op"] in ops]


def healed(stage, warehouse):
    """Its id."""
    (heal,) = process.wait_for(lambda: local(stage, warehouse), LOOK_S + 10, "a heal")
    (result,) = process.wait_for(lambda: results(stage, heal), 20, "its result")
    assert (result["state"], len(result["created"])) == ("SUCCEEDED", 1), result
    return heal


def is_whole(stage, warehouse, lost, heal):
    """By one launch."""
    assert local(stage, warehouse) == [heal]
    assert [c["action"] for c in warehouse.calls(heal)] == ["RunInstances", "RegisterTargets"]
    alive = sorted(n["InstanceId"] for n in warehouse.nodes())
    assert len(alive) == 2 and lost not in alive and len(ids(warehouse)) == 3
    assert set(alive) <= set(targets(stage, warehouse))


def test_a_node_that_somebody_ends_comes_back_and_the_vendor_is_told(stage, warehouse, heals):
    lost = healing(warehouse)[1]
    is_ended_from_outside(stage, lost)
    heal = healed(stage, warehouse)
    told = stage.wait_result(heal)
    assert (told["verb"], told["state"]) == ("heal", "SUCCEEDED")
    is_whole(stage, warehouse, lost, heal)


def test_it_comes_back_while_the_vendor_is_gone(stage, warehouse, heals):
    lost = healing(warehouse)[0]
    stage.vendor_kill()
    try:
        is_ended_from_outside(stage, lost)
        heal = healed(stage, warehouse)
        is_whole(stage, warehouse, lost, heal)
    finally:
        stage.vendor_start()
    time.sleep(LOOK_S + 2)
    is_whole(stage, warehouse, lost, heal)  # the look behind it has found nothing more to do
    assert stage.wait_result(heal)["state"] == "SUCCEEDED"
    assert len([r for r in stage.vendor_lines("results") if r["id"] == heal]) == 1
