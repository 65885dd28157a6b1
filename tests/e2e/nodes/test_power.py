"""Nodes that stay and do not always run: paused, running again, of another type, rebooted. moto knows the states and the types;
what it does not know of a start (no capacity, a node that is stopped again) is in sim and the unit tests."""

import pytest

from tests.peers import process

PAUSED = {"power": "PAUSED"}


def states(warehouse):
    return sorted(n["State"]["Name"] for n in warehouse.nodes(alive=False))


def ids(warehouse):
    return sorted(n["InstanceId"] for n in warehouse.nodes(alive=False))


def types(warehouse):
    return {n["InstanceType"] for n in warehouse.nodes(alive=False)}


def targets(stage, warehouse):
    elb = stage.reader("elbv2")
    mine = [
        d["ResourceArn"]
        for d in elb.describe_tags(
            ResourceArns=[g["TargetGroupArn"] for g in elb.describe_target_groups()["TargetGroups"]]
        )["TagDescriptions"]
        if {"Key": "reeve:warehouse", "Value": warehouse.id} in d["Tags"]
    ]
    (group,) = mine
    found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sorted(t["Target"]["Id"] for t in found if t["TargetHealth"]["State"] != "draining")


def done(warehouse, command):
    result = warehouse.result(command)
    assert result["state"] == "SUCCEEDED", result
    return result


def actions(warehouse, command):
    return [c["action"] for c in warehouse.calls(command)]


def test_a_cluster_is_paused_and_runs_again_with_the_same_nodes(stage, warehouse):
    shared = warehouse.balancer(9030)
    done(warehouse, warehouse.apply(nodes=2, shared=shared))
    before = ids(warehouse)
    paused = warehouse.apply(nodes=2, shared=shared, cluster=PAUSED)
    done(warehouse, paused)
    assert states(warehouse) == ["stopped", "stopped"]
    assert targets(stage, warehouse) == []
    assert actions(warehouse, paused) == ["DeregisterTargets", "StopInstances"]
    again = warehouse.apply(nodes=2, shared=shared)
    done(warehouse, again)
    assert states(warehouse) == ["running", "running"]
    assert ids(warehouse) == targets(stage, warehouse) == before
    assert actions(warehouse, again) == ["StartInstances", "RegisterTargets"]


def test_a_paused_cluster_launches_nothing_and_says_so(stage, warehouse):
    done(warehouse, warehouse.apply(nodes=1))
    result = done(warehouse, warehouse.apply(nodes=2, cluster=PAUSED))
    assert result["note"] == "be is paused with 1 of 2 nodes: what it lacks is launched when it runs again"
    assert states(warehouse) == ["stopped"]
    done(warehouse, warehouse.apply(nodes=2))
    assert states(warehouse) == ["running", "running"]


@pytest.mark.parametrize("action", ["StopInstances", "StartInstances"])
def test_an_answer_that_is_lost_is_asked_for_again_and_changes_nothing_twice(stage, warehouse, action):
    done(warehouse, warehouse.apply(nodes=1))
    stage.rules({"match": {"action": action}, "times": 1, "do": "reset-after"})
    paused = warehouse.apply(nodes=1, cluster=PAUSED)
    done(warehouse, paused)
    again = warehouse.apply(nodes=1)
    done(warehouse, again)
    assert states(warehouse) == ["running"]
    calls = warehouse.calls(paused, action) + warehouse.calls(again, action)
    assert len(calls) == 2


def test_an_agent_that_is_killed_while_it_pauses_goes_on(stage, warehouse):
    done(warehouse, warehouse.apply(nodes=2))
    stage.rules({"match": {"action": "StopInstances"}, "times": 1, "do": "delay", "seconds": 2})
    command = warehouse.apply(nodes=2, cluster=PAUSED)
    process.wait_for(lambda: states(warehouse) != ["running", "running"], 15, "nodes that stop")
    stage.agent_kill()
    stage.agent_start()
    done(warehouse, command)
    assert states(warehouse) == ["stopped", "stopped"]


def test_nodes_become_of_another_type_one_after_the_other(stage, warehouse):
    shared = warehouse.balancer(9030)
    done(warehouse, warehouse.apply(nodes=2, shared=shared))
    before = ids(warehouse)
    command = warehouse.apply(nodes=2, shared=shared, instance_type="r6i.2xlarge")
    done(warehouse, command)
    assert types(warehouse) == {"r6i.2xlarge"}
    assert ids(warehouse) == targets(stage, warehouse) == before
    one = ["DeregisterTargets", "StopInstances", "ModifyInstanceAttribute", "StartInstances", "RegisterTargets"]
    assert actions(warehouse, command) == one * 2


def test_a_type_that_cannot_be_had_brings_the_node_back_as_it_was(stage, warehouse):
    shared = warehouse.balancer(9030)
    done(warehouse, warehouse.apply(nodes=2, shared=shared))
    before = ids(warehouse)
    stage.rules({"match": {"action": "StartInstances"}, "times": 1, "do": "capacity"})
    command = warehouse.apply(nodes=2, shared=shared, instance_type="r6i.2xlarge")
    result = warehouse.result(command)
    assert (result["state"], result["error"]["class"]) == ("ROLLED_BACK", "CAPACITY")
    assert types(warehouse) == {"r6i.xlarge"}
    process.wait_for(lambda: states(warehouse) == ["running", "running"], 15, "the node back")
    assert targets(stage, warehouse) == before


def test_a_cluster_is_rebooted_and_let_in_again(stage, warehouse):
    shared = warehouse.balancer(9030)
    done(warehouse, warehouse.apply(nodes=2, shared=shared))
    command = stage.vendor("reboot", warehouse.id, "be", "--batch", "2", *warehouse.signed())
    result = warehouse.result(command, 240)
    assert result["state"] == "SUCCEEDED", result
    assert actions(warehouse, command) == ["DeregisterTargets", "RebootInstances", "RegisterTargets"]
    assert targets(stage, warehouse) == ids(warehouse)


def test_a_reboot_of_a_cluster_that_is_not_there_is_a_sentence(stage, warehouse):
    result = warehouse.result(stage.vendor("reboot", warehouse.id, "fe", *warehouse.signed()))
    assert (result["state"], result["error"]["class"]) == ("FAILED", "PRECONDITION")
    assert f"{warehouse.id} has no node of a cluster fe" in result["error"]["message"]


def test_the_last_cluster_never_goes_by_an_apply(stage, warehouse):
    done(warehouse, warehouse.apply(nodes=1))
    path = warehouse.spec(nodes=1)
    text = "".join("clusters: []\n" if x.startswith("clusters:") else x for x in path.read_text().splitlines(True))
    path.write_text(text)
    result = warehouse.result(stage.vendor("apply", path, *warehouse.signed(), *warehouse.both_keys()))
    assert (result["state"], result["error"]["class"]) == ("FAILED", "PRECONDITION")
    assert "goes by warehouse.delete alone" in result["error"]["message"]
    assert states(warehouse) == ["running"]
