"""`reeve inventory` of a real agent, of an account that moto keeps. What a filter that is ignored shows, and an account that is too
large for one answer, are tests/unit/ops/steps/test_inventory_json.c and tests/unit/daemon/test_stocktake.c."""

import json
import subprocess
import threading

from tests.e2e.cli.test_inventory import validate
from tests.e2e.warehouse import Warehouse, policy
from tests.peers import process


def ask(stage, *args):
    run = [stage.binary, "inventory", *args, "-c", stage.config]
    return subprocess.run(run, capture_output=True, check=False, text=True, timeout=120)


def told(stage, name):
    """The warehouse of that name in an inventory that is by the schema; None: there is none."""
    run = ask(stage, "--json")
    assert run.returncode == 0, run.stderr
    found = [w for w in validate(json.loads(run.stdout))["warehouses"] if w["name"] == name]
    return found[0] if found else None


def wait_told(stage, name, condition):
    """What was told within the last seconds may be told again, so it is waited for."""
    return process.wait_for(lambda: next((w for w in [told(stage, name)] if condition(w)), None), 60, "an inventory")


def brought(stage, warehouse):
    """The warehouse in what inventory.get brings the vendor, which is by the schema too, and assumes no role."""
    command = stage.vendor("inventory", warehouse.id, *warehouse.signed())
    result = warehouse.result(command)
    assert (result["state"], result["result"]["output"]["kind"]) == ("SUCCEEDED", "inventory"), result
    assert [c["action"] for c in stage.calls() if c["user_agent"].endswith(f"cmd/{command}")] == []
    whole = validate(json.loads(stage.vendor("output", command)))
    assert (whole["installation"], whole["truncated"]) == (stage.installation, False)
    return next(w for w in whole["warehouses"] if w["name"] == warehouse.id)


def test_what_the_account_holds_of_ours_is_told(stage, warehouse):
    kept = {"volumes": [{"device": "/dev/sdf", "size_gib": 100, "type": "gp3", "keep": True}]}
    made = warehouse.apply(nodes=2, cluster=kept, shared=warehouse.balancer(9030))
    assert warehouse.result(made)["state"] == "SUCCEEDED"
    seen = wait_told(stage, warehouse.id, lambda w: w is not None)
    nodes = {i["InstanceId"]: i for i in warehouse.nodes()}
    assert [c["name"] for c in seen["clusters"]] == ["be"]
    assert {n["id"] for n in seen["clusters"][0]["nodes"]} == set(nodes)
    for n in seen["clusters"][0]["nodes"]:
        real = nodes[n["id"]]
        assert (n["state"], n["type"], n["image"]) == ("running", real["InstanceType"], real["ImageId"])
        assert (n["subnet"], n["private_ip"]) == (real["SubnetId"], real["PrivateIpAddress"])
        assert n["zone"] == real["Placement"]["AvailabilityZone"]
        assert [(v["size_gib"], v["kept"], v["state"]) for v in n["volumes"]] == [(100, True, "in-use")]
    assert seen["generation"] == warehouse.generation
    assert [g["id"] for g in seen["security_groups"]] == [g["GroupId"] for g in warehouse.groups()]
    assert [x["port"] for x in seen["load_balancers"][0]["listeners"]] == [9030]
    assert seen["load_balancers"][0]["listeners"][0]["target_group"] == seen["target_groups"][0]["arn"]
    assert {t["id"] for t in seen["target_groups"][0]["targets"]} == set(nodes)
    assert seen["orphan_volumes"] == []
    assert brought(stage, warehouse) == seen
    text = ask(stage).stdout
    assert all(sum(line.split()[:1] == [i] for line in text.splitlines()) == 1 for i in nodes)
    volumes = {v["id"] for n in seen["clusters"][0]["nodes"] for v in n["volumes"]}
    assert warehouse.result(warehouse.delete(*warehouse.both_keys()))["state"] == "SUCCEEDED"
    left = wait_told(stage, warehouse.id, lambda w: w is not None and w["orphan_volumes"])
    assert {v["id"] for v in left["orphan_volumes"]} == volumes


def test_nothing_of_another_installation_or_of_the_customer_is_told(stage, warehouse, neighbour):
    other = neighbour()
    theirs = Warehouse(other, warehouse.id)
    other.write_policy(policy(other))
    other.agent_start()
    assert theirs.result(theirs.apply(*theirs.both_keys(), nodes=1))["state"] == "SUCCEEDED"
    mine = warehouse.apply(nodes=1)
    assert warehouse.result(mine)["state"] == "SUCCEEDED"
    wait_told(stage, warehouse.id, lambda w: w is not None)
    text = ask(stage, "--json").stdout
    assert warehouse.nodes()[0]["InstanceId"] in text
    assert theirs.nodes()[0]["InstanceId"] not in text and theirs.groups()[0]["GroupId"] not in text


def test_what_aws_refuses_to_show_is_told_and_ends_with_1(stage):
    match = {"action": "DescribeVpcs"}
    stage.rules({"match": match, "do": "error", "status": 403, "code": "UnauthorizedOperation", "message": "no"})
    run = process.wait_for(lambda: next((r for r in [ask(stage)] if r.returncode == 1), None), 60, "a refusal")
    assert "inventory, vpcs" in run.stderr and "UnauthorizedOperation" in run.stderr and run.stdout == ""
    stage.rules()
    process.wait_for(lambda: ask(stage).returncode == 0, 60, "an inventory")


def test_many_who_ask_at_once_are_all_answered(stage):
    runs = []
    threads = [threading.Thread(target=lambda: runs.append(ask(stage, "--json"))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [r.returncode for r in runs] == [0] * 8
