"""Where AWS has no room for the first type of a cluster, another that the spec names is launched in its place. moto has room for all:
the fault proxy refuses the launch as EC2 does."""

from tests.e2e.nodes.test_power import actions, done, types

OTHERS = {"other_instance_types": ["r6i.2xlarge"], "volumes": []}


def test_another_type_of_the_list_comes_where_the_first_has_no_room(stage, warehouse):
    stage.rules({"match": {"action": "RunInstances"}, "times": 1, "do": "capacity"})
    command = warehouse.apply(nodes=2, cluster=OTHERS)
    done(warehouse, command)
    assert types(warehouse) == {"r6i.2xlarge"}
    assert actions(warehouse, command).count("RunInstances") == 2
    assert len(warehouse.nodes(alive=False)) == 2
    intents = [r for r in stage.journal() if r["type"] == "step.intent" and r["op"] == command]
    tokens = [r["client_token"] for r in intents if r["action"] == "ec2:RunInstances"]
    assert len(tokens) == len(set(tokens)) == 2, "another request has another token"


def test_the_first_type_is_launched_where_there_is_room(stage, warehouse):
    command = warehouse.apply(nodes=2, cluster=OTHERS)
    done(warehouse, command)
    assert types(warehouse) == {"r6i.xlarge"}
    assert actions(warehouse, command).count("RunInstances") == 1
