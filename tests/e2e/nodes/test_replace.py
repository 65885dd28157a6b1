"""nodes.replace: the new node is there, registered and healthy, before the old one leaves. moto calls every target healthy at once:
one that does not become healthy is in the unit tests, and a node that dies young in sim."""

import json

import pytest

from tests.e2e.nodes.test_power import actions, done, ids, targets

NO_VOLUME = {"volumes": []}


@pytest.fixture
def shared(warehouse):
    return warehouse.balancer(9030)


def alive(warehouse):
    return sorted(n["InstanceId"] for n in warehouse.nodes())


def standing(stage, warehouse, shared, nodes=2, **cluster):
    """The SPEC that stands, applied."""
    path = warehouse.spec(nodes=nodes, shared=shared, cluster=NO_VOLUME | cluster)
    done(warehouse, stage.vendor("apply", path, *warehouse.signed()))
    return path


def replace(stage, warehouse, path, *nodes):
    return stage.vendor("replace", path, "be", *nodes, *warehouse.signed())


def calls_of(stage, command):
    return [c["action"] for c in stage.calls() if c["user_agent"].endswith(f"cmd/{command}")]


def test_the_old_node_ends_after_the_new_one_is_healthy(stage, warehouse, shared):
    path = standing(stage, warehouse, shared)
    stays, goes = alive(warehouse)
    command = replace(stage, warehouse, path, goes)
    done(warehouse, command)
    assert actions(warehouse, command) == [
        "RunInstances",
        "RegisterTargets",
        "DeregisterTargets",
        "TerminateInstances",
    ]
    calls = calls_of(stage, command)
    assert "DescribeTargetHealth" in calls[calls.index("RegisterTargets") : calls.index("DeregisterTargets")]
    assert stays in alive(warehouse) and goes not in alive(warehouse) and len(alive(warehouse)) == 2
    assert targets(stage, warehouse) == alive(warehouse)


def test_nodes_go_one_after_the_other(stage, warehouse, shared):
    path = standing(stage, warehouse, shared)
    before = alive(warehouse)
    command = replace(stage, warehouse, path, *before)
    done(warehouse, command)
    one = ["RunInstances", "RegisterTargets", "DeregisterTargets", "TerminateInstances"]
    assert actions(warehouse, command) == one * 2
    assert not set(before) & set(alive(warehouse)) and len(alive(warehouse)) == 2


def test_a_launch_that_fails_leaves_the_old_node_alone(stage, warehouse, shared):
    path = standing(stage, warehouse, shared)
    before = alive(warehouse)
    stage.rules({"match": {"action": "RunInstances"}, "times": 1, "do": "capacity"})
    command = replace(stage, warehouse, path, before[0])
    result = warehouse.result(command)
    assert (result["state"], result["error"]["class"]) == ("ROLLED_BACK", "CAPACITY"), result
    assert actions(warehouse, command) == ["RunInstances"]
    assert alive(warehouse) == targets(stage, warehouse) == before


def test_an_answer_that_is_lost_launches_no_second_node(stage, warehouse, shared):
    path = standing(stage, warehouse, shared)
    goes = alive(warehouse)[0]
    stage.rules({"match": {"action": "RunInstances"}, "times": 1, "do": "reset-after"})
    done(warehouse, replace(stage, warehouse, path, goes))
    assert len(ids(warehouse)) == 3  # with the one that has ended
    assert len(alive(warehouse)) == 2


def test_one_that_was_ended_from_outside_has_another_launched(stage, warehouse, shared):
    path = standing(stage, warehouse, shared)
    stays, goes = alive(warehouse)
    stage.moto.authorize(on=False)
    stage.moto.client("ec2").terminate_instances(InstanceIds=[goes])
    stage.moto.authorize()
    command = replace(stage, warehouse, path, goes)
    done(warehouse, command)
    assert actions(warehouse, command) == ["RunInstances", "RegisterTargets"]
    assert stays in alive(warehouse) and len(alive(warehouse)) == 2


def test_a_spec_that_would_change_more_is_refused_and_changes_nothing(stage, warehouse, shared):
    standing(stage, warehouse, shared)
    before = alive(warehouse)
    path = warehouse.spec(nodes=3, shared=shared, cluster=NO_VOLUME)
    command = replace(stage, warehouse, path, before[0])
    result = warehouse.result(command)
    assert (result["state"], result["error"]["class"]) == ("FAILED", "CONFLICT"), result
    assert actions(warehouse, command) == []
    assert alive(warehouse) == before


def test_data_volumes_that_go_with_a_node_need_a_second_key(stage, warehouse):
    path = warehouse.spec(nodes=1)
    done(warehouse, stage.vendor("apply", path, *warehouse.signed()))
    goes = alive(warehouse)
    result = warehouse.result(replace(stage, warehouse, path, *goes))
    assert (result["state"], result["error"]["class"]) == ("DENIED", "POLICY"), result
    assert alive(warehouse) == goes
    done(warehouse, stage.vendor("replace", path, "be", *goes, *warehouse.signed(), *warehouse.both_keys()))
    assert len(alive(warehouse)) == 1 and alive(warehouse) != goes


def test_the_customer_decides_whether_nodes_are_replaced(stage, warehouse, shared):
    path = standing(stage, warehouse, shared)
    before = alive(warehouse)
    stage.write_policy(json.dumps({"commands": {"warehouse.apply": "auto"}}))
    command = replace(stage, warehouse, path, before[0])
    result = warehouse.result(command)
    assert (result["state"], result["error"]["class"]) == ("DENIED", "POLICY"), result
    assert alive(warehouse) == before
