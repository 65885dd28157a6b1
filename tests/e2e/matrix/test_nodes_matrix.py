"""The fault matrix of nodes and disks that stand: each call of the verbs that change them meets each fault once, on its way, and the
verb ends well with one effect.

What was done is counted where AWS was reached. A launch, or a change of a volume, whose answer was lost is found and not made
twice. The other calls may be made once more, which changes nothing: what they have come to is looked at. moto stops, starts,
modifies and lets in at once, changes the type of a node that runs and forgets a reboot: the states between are in sim
(tests/sim/scene_promise.c, scene_held.c) and in the unit tests. The other faults have their rows in test_fault_matrix.py alone: what
a slow, an oversize or an HTML body, another clock, expired keys, a known token, a thing not found yet, names, certificates, disks and
a vendor that is gone come to is decided below the step kinds, the same for every call."""

import pytest

from tests.e2e.matrix.test_fault_matrix import FAULTS
from tests.e2e.nodes.test_upgrade import another_image
from tests.e2e.warehouse import policy

SIGTERM = "SIGTERM while its answer is on the way"
MEETS = ("throttled with a hint", "a 500", "reset before it arrives", "reset after it was done", SIGTERM)
MADE_TWICE = ("reset after it was done", SIGTERM)  # of such a call nobody knows whether it was done
ONCE = ("RunInstances", "ModifyVolume")
OUT_AND_IN = {"DeregisterTargets": 1, "RegisterTargets": 1}
EXCHANGE = {"RunInstances": 1, "RegisterTargets": 1, "DeregisterTargets": 1, "TerminateInstances": 1}
NO_VOLUME = {"volumes": []}


def does(row, fault, verb, calls, order):
    """`calls`: each that the verb makes, and how often AWS has carried it out when all is over."""
    if fault == SIGTERM:
        is_ended_in(row, verb, calls, order)
    else:
        rules(row, verb, calls, FAULTS[fault].rule)
        row.command = order()
    row.passes(900, at_once=5)
    row.ends("SUCCEEDED", same_agent=fault != SIGTERM)
    made = row.warehouse.calls(row.command)
    assert {c["action"] for c in made} == set(calls), verb
    for action, times in calls.items():
        done = [c for c in made if c["action"] == action and c["upstream_status"] == 200]
        again = action not in ONCE and fault in MADE_TWICE
        assert times <= len(done) <= times + again, (verb, action)
        if fault != SIGTERM:
            row.is_told("op.step.refused", row.command, action, FAULTS[fault].says)


def rules(row, verb, calls, rule):
    row.place.rules(*({"id": f"{row.warehouse.id} {verb} {a}", "match": {"action": a}} | rule for a in calls))


def is_ended_in(row, verb, calls, order):
    """Each time one of them is out the agent is ended, and started again."""
    rules(row, verb, calls, {"do": "hold", "times": 1})
    row.command = order()
    for _ in calls:
        row.passes(900, gone=row.held.exists, at_once=5)
        row.is_held()
        assert row.place.agent_ends() == 0
        row.is_let_go()
        row.place.agent_start()


def nodes(row):
    return {n["InstanceId"]: n for n in row.warehouse.nodes(alive=False) if n["State"]["Name"] != "terminated"}


def changes(row):
    """Of the data volumes: moto shows all that there ever were."""
    ec2, ids = row.place.reader("ec2"), list(nodes(row))
    volumes = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": ids}])["Volumes"]
    data = [v["VolumeId"] for v in volumes if v["Attachments"][0]["Device"] == "/dev/sdf"]
    return ec2.describe_volumes_modifications(VolumeIds=data)["VolumesModifications"]


def serves(row):
    """All nodes run, and each is behind the balancer."""
    assert {n["State"]["Name"] for n in nodes(row).values()} == {"running"}
    assert row.balancer()[2] == set(nodes(row))


def made(row, **spec):
    """One node behind a balancer; its id."""
    row.apply(nodes=1, **spec)
    row.passes(300)
    row.is_made(nodes=1)
    return next(iter(nodes(row)))


def reboots(row):
    return row.place.vendor("reboot", row.warehouse.id, "be", *row.warehouse.signed())


def replaces(row, node):
    path = row.warehouse.spec(nodes=1, shared=row.warehouse.balancer(9030), cluster=NO_VOLUME)
    return row.place.vendor("replace", path, "be", node, *row.warehouse.signed())


def upgrades(row, image):
    path = row.warehouse.spec(nodes=1, shared=row.warehouse.balancer(9030), cluster=NO_VOLUME | {"image_id": image})
    return row.place.vendor("upgrade", path, *row.warehouse.signed())


@pytest.mark.parametrize("fault", MEETS)
def test_every_call_that_changes_nodes_that_stay(row, fault):
    spec = {"nodes": 1}
    node = made(row)

    def apply(**more):
        spec.update(more)
        return row.apply(**spec)

    grown = {"volumes": [{"device": "/dev/sdf", "size_gib": 200, "type": "gp3"}]}
    does(row, fault, "grow", {"ModifyVolume": 1}, lambda: apply(cluster=grown))
    (change,) = changes(row)
    assert change["TargetSize"] == 200
    # one call for the node, one for its volumes
    tags = {"tags": [{"key": "sdb-cluster-id", "value": "blue"}]}
    does(row, fault, "tag", {"CreateTags": 2}, lambda: apply(cluster=grown | tags))
    assert {"Key": "sdb-cluster-id", "Value": "blue"} in nodes(row)[node]["Tags"]
    away = {"DeregisterTargets": 1, "StopInstances": 1}
    does(row, fault, "pause", away, lambda: apply(cluster=grown | tags | {"power": "PAUSED"}))
    assert nodes(row)[node]["State"]["Name"] == "stopped" and row.balancer()[2] == set()
    back = {"StartInstances": 1, "RegisterTargets": 1}
    does(row, fault, "resume", back, lambda: apply(cluster=grown | tags))
    serves(row)
    resize = OUT_AND_IN | {"StopInstances": 1, "ModifyInstanceAttribute": 1, "StartInstances": 1}
    does(row, fault, "resize", resize, lambda: apply(instance_type="r6i.2xlarge"))
    assert nodes(row)[node]["InstanceType"] == "r6i.2xlarge"
    does(row, fault, "reboot", OUT_AND_IN | {"RebootInstances": 1}, lambda: reboots(row))
    serves(row)
    assert list(nodes(row)) == [node], "it is the same one all the time"


@pytest.mark.parametrize("fault", MEETS)
def test_every_call_that_puts_nodes_in_the_place_of_others(row, fault):
    usual, other = row.place.aws["image_id"], another_image(row.place)
    row.place.write_policy(policy(row.place).replace(f"[{usual}]", f"[{usual}, {other}]"))
    first = made(row, cluster=NO_VOLUME)
    does(row, fault, "replace", EXCHANGE, lambda: replaces(row, first))
    serves(row)
    (second,) = nodes(row)
    assert second != first
    does(row, fault, "upgrade", EXCHANGE, lambda: upgrades(row, other))
    serves(row)
    (third,) = nodes(row)
    assert third != second and nodes(row)[third]["ImageId"] == other
    assert len(row.warehouse.nodes(alive=False)) == 3, "one launch for each"


# ---- AWS has no room: what stands is as it was ----


def has_no_room(row, action, order):
    rules(row, "no room", (action,), {"do": "capacity", "times": 1})
    row.command = order()
    row.passes(900, at_once=5)
    error = row.ends("ROLLED_BACK")["error"]
    assert (error["class"], error["aws_code"]) == ("CAPACITY", "InsufficientInstanceCapacity")
    row.is_told("op.step.refused|op.step.end", action)
    serves(row)


def test_a_500_with_a_capacity_code_where_a_node_stands(row):
    node = made(row, cluster=NO_VOLUME)
    has_no_room(row, "RunInstances", lambda: replaces(row, node))
    has_no_room(row, "StartInstances", lambda: row.apply(nodes=1, cluster=NO_VOLUME, instance_type="r6i.2xlarge"))
    assert nodes(row)[node]["InstanceType"] == "r6i.xlarge" and list(nodes(row)) == [node]
