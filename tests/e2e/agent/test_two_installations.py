"""Two installations in one VPC, with warehouses of the same ids: neither sees, changes or deletes what the other has."""

import types

import pytest

from tests.e2e.warehouse import RATES, Warehouse
from tests.peers import process

INSTALLATION_TAG = "reeve:installation"


def tags_of(listed):
    return {tag["Key"]: tag["Value"] for tag in listed}


def things(one):
    """{kind: {id: (name, state)}} of what has an installation's tags, as AWS tells."""
    ec2, elb = one.reader("ec2"), one.reader("elbv2")
    mine = [{"Name": f"tag:{INSTALLATION_TAG}", "Values": [one.installation]}]
    instances = [i for r in ec2.describe_instances(Filters=mine)["Reservations"] for i in r["Instances"]]
    found = {
        "nodes": {i["InstanceId"]: ("", i["State"]["Name"]) for i in instances},
        "groups": {
            g["GroupId"]: (g["GroupName"], repr(sorted(repr(p) for p in g["IpPermissions"])))
            for g in ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
        },
    }
    lbs = [(b["LoadBalancerArn"], b["LoadBalancerName"]) for b in elb.describe_load_balancers()["LoadBalancers"]]
    tgs = [(g["TargetGroupArn"], g["TargetGroupName"]) for g in elb.describe_target_groups()["TargetGroups"]]
    for kind, rows in (("balancers", lbs), ("target groups", tgs)):
        found[kind] = {}
        for arn, name in rows:
            tags = tags_of(elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])
            if tags.get(INSTALLATION_TAG) != one.installation:
                continue
            health = elb.describe_target_health(TargetGroupArn=arn) if kind == "target groups" else {}
            behind = sorted(t["Target"]["Id"] for t in health.get("TargetHealthDescriptions", []))
            found[kind][arn] = (name, repr(behind))
    return found


@pytest.fixture
def pair(neighbour):
    """Two agents whose policies allow two nodes each, and a warehouse of either, of the same id."""
    one, other = neighbour(), neighbour()
    first = Warehouse(one)
    second = Warehouse(other, first.id)
    for agent in (one, other):
        text = agent.default_policy(warehouses=[first.id]).replace("nodes_total: 8", "nodes_total: 2")
        agent.write_policy(text + RATES)
        agent.agent_start()
    for agent in (one, other):
        process.wait_for(lambda agent=agent: "control.connected" in agent.log(), 60, "a login")
    return types.SimpleNamespace(one=one, other=other, first=first, second=second)


def made(warehouse, nodes):
    command = warehouse.apply(*warehouse.both_keys(), nodes=nodes, shared=warehouse.balancer(9030))
    assert warehouse.result(command, 120)["state"] == "SUCCEEDED"
    return command


def test_the_same_warehouse_in_both_is_two_and_a_change_or_the_end_of_one_leaves_the_other_as_it_is(pair):
    made(pair.first, 2)
    before = things(pair.one)
    made(pair.second, 2)  # by the other's count it would be beyond nodes_total: it counts its own
    assert things(pair.one) == before
    after = things(pair.other)
    for kind, found in before.items():
        assert found and after[kind], kind
        assert not set(found) & set(after[kind]), kind
    for kind in ("groups", "balancers", "target groups"):
        names = [name for name, _ in [*before[kind].values(), *after[kind].values()]]
        assert len(set(names)) == len(names), kind

    made(pair.first, 1)  # a change in one
    assert things(pair.other) == after
    before = things(pair.one)
    command = pair.second.delete(*pair.second.both_keys())
    assert pair.second.result(command, 120)["state"] == "SUCCEEDED"
    assert pair.second.nodes() == [] and pair.second.groups() == []
    assert things(pair.one) == before

    # All of this, seen from the calls: no id of the other's in any call that changes something.
    for agent, theirs in ((pair.one, after), (pair.other, before)):
        calls = repr([c["params"] for c in agent.calls(mutating=True)])
        assert [i for kind in theirs.values() for i in kind if i in calls] == []


def test_the_bound_on_all_nodes_counts_those_of_the_installation_alone_and_counts_them_all(pair):
    made(pair.first, 2)
    made(pair.second, 2)
    command = pair.second.apply(*pair.second.both_keys(), nodes=3, shared=pair.second.balancer(9030))
    result = pair.second.result(command)
    assert result["state"] == "DENIED"
    assert "bounds.nodes_total is 2, the plan makes 3" in result["error"]["message"]


def test_what_one_is_told_to_do_the_other_does_not_do(pair):
    command = made(pair.first, 1)
    assert [r["id"] for r in pair.one.vendor_lines("results") if r["id"] == command] == [command]
    assert pair.other.calls(mutating=True) == []
    assert things(pair.other) == {kind: {} for kind in ("nodes", "groups", "balancers", "target groups")}
