"""`reeve inventory`: what a person reads of it, what a script does, and how long it asks."""

import copy
import json

import jsonschema
import pytest

from tests.e2e.cli.conftest import REPO, at_terminal, reeve
from tests.e2e.cli.test_status import strict

SCHEMA = json.loads((REPO / "docs/inventory.schema.json").read_text())
NOTHING = dict.fromkeys(("nodes", "volumes", "security_groups", "load_balancers", "target_groups"), 0)


def validate(data):
    """By the schema, and no member that it does not name."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    closed = strict(copy.deepcopy(SCHEMA))
    jsonschema.Draft202012Validator(closed).validate(data)
    return data


def volume(n, **more):
    about = {"id": f"vol-{n}", "state": "in-use", "device": "/dev/sdf", "type": "gp3", "zone": "us-east-1a"}
    about |= {"size_gib": 100, "iops": 3000, "throughput": 125, "kept": False, "encrypted": True, "tags": {}}
    return about | more


def node(n, **more):
    about = {"id": f"i-{n}", "state": "running", "reason": "", "type": "r6i.xlarge", "image": "ami-1"}
    about |= {"subnet": "subnet-1", "zone": "us-east-1a", "private_ip": f"10.0.0.{n}"}
    about |= {"launched": "2026-11-30T01:00:00.000Z", "generation": 3, "volumes": [volume(n)], "tags": {"cost": "4711"}}
    return about | more


def warehouse(name="wh-1", **more):
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/velodb-sql/6d0ecf831eec9f09"
    listener = {"arn": "arn:l", "port": 9030, "protocol": "TCP", "target_group": arn}
    balancer = {"name": "velodb-main", "arn": "arn:lb", "state": "active", "dns_name": "x.example", "tags": {}}
    target = {"id": "i-1", "port": 9030, "health": "unhealthy", "reason": "Target.Timeout"}
    group = {"name": "velodb-sql", "arn": arn, "protocol": "TCP", "port": 9030, "targets": [target], "tags": {}}
    about = {"name": name, "generation": 3}
    about |= {"clusters": [{"name": "be", "nodes": [node(1), node(22, state="stopped", volumes=[])]}]}
    about |= {"security_groups": [{"id": "sg-1", "name": "velodb-node", "vpc": "vpc-1", "rules": 4, "tags": {}}]}
    about |= {"load_balancers": [balancer | {"listeners": [listener]}], "target_groups": [group]}
    about |= {"orphan_volumes": [volume(9, state="available", device="", kept=True, cluster="be", instance="")]}
    return about | more


def inventory(*warehouses, **left_out):
    about = {"installation": "inst-1", "account": "123456789012", "region": "us-east-1"}
    about |= {"taken_at": "2026-11-30T01:43:00.000Z", "warehouses": list(warehouses), "left_out": NOTHING | left_out}
    return validate(about)


def told(site, daemon, data, *args):
    daemon.answers["/v1/inventory"] = (200, data)
    return reeve("inventory", *args, "-c", site.config)


def test_a_node_is_one_line_with_all_that_matters_of_it(site, daemon):
    run = told(site, daemon, inventory(warehouse()))
    assert (run.returncode, run.stderr) == (0, "")
    lines = [line.split() for line in run.stdout.splitlines()]
    assert "taken 2026-11-30T01:43:00.000Z: account 123456789012 in us-east-1, installation inst-1" in run.stdout
    assert "warehouse wh-1, generation 3" in run.stdout.splitlines()
    where = ["r6i.xlarge", "us-east-1a", "subnet-1"]
    assert [
        "i-1",
        "be",
        "running",
        *where,
        "10.0.0.1",
        "ami-1",
        "2026-11-30T01:00:00.000Z",
        "1:",
        "100",
        "GiB",
        "-",
    ] in lines
    assert [line[2] for line in lines if line[:2] == ["i-22", "be"]] == ["stopped"]
    assert [
        "vol-1",
        "i-1",
        "be",
        "/dev/sdf",
        "100",
        "GiB",
        "gp3",
        "3000",
        "125",
        "in-use",
        "goes",
        "with",
        "it",
    ] in lines
    assert any(line[:3] == ["vol-9", "NO", "NODE"] and line[-1] == "kept" for line in lines)
    assert ["velodb-main", "active", "9030", "TCP", "velodb-sql", "x.example"] in lines
    assert ["velodb-sql", "9030", "i-1", "unhealthy", "Target.Timeout"] in lines
    assert ["velodb-node", "sg-1", "vpc-1", "4"] in lines


def test_columns_of_an_inventory_stand_below_each_other(site, daemon):
    lines = told(site, daemon, inventory(warehouse())).stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  NODE "))
    for head, cell in (("STATE", "running"), ("TYPE", "r6i.xlarge"), ("ADDRESS", "10.0.0.1"), ("LAUNCHED", "2026-")):
        assert lines[at].index(head) == lines[at + 1].index(cell)
    assert lines[at].index("STATE") == lines[at + 2].index("stopped")


def test_what_is_left_out_is_said_and_ends_with_3(site, daemon):
    run = told(site, daemon, inventory(warehouse(), nodes=12, security_groups=1))
    assert run.returncode == 3
    assert "NOT WHOLE: for want of room 12 nodes, 1 security groups are left out" in run.stdout
    run = told(site, daemon, inventory(nodes=12), "--json")
    assert run.returncode == 3 and json.loads(run.stdout)["left_out"]["nodes"] == 12


def test_an_empty_account_and_things_of_no_warehouse_are_told(site, daemon):
    run = told(site, daemon, inventory())
    assert run.returncode == 0 and "nothing of this installation is there" in run.stdout
    assert "of no warehouse" in told(site, daemon, inventory(warehouse(""))).stdout.splitlines()


def test_json_is_what_the_daemon_told(site, daemon):
    data = inventory(warehouse())
    run = told(site, daemon, data, "--json")
    assert (run.returncode, run.stderr) == (0, "") and json.loads(run.stdout) == data


def test_a_failed_question_is_1_and_no_daemon_6(site, daemon):
    daemon.answers["/v1/inventory"] = (503, {"error": "inventory, volumes: AccessDenied", "taking": False})
    run = reeve("inventory", "-c", site.config)
    assert run.returncode == 1 and "inventory, volumes: AccessDenied" in run.stderr and run.stdout == ""
    daemon.answers["/v1/inventory"] = (403, {"error": "root, the agent's user and its group may ask here"})
    run = reeve("inventory", "-c", site.config)
    assert run.returncode == 1 and "may ask here" in run.stderr
    daemon.shutdown()
    daemon.server_close()
    for args in ((), ("--json",)):
        run = reeve("inventory", *args, "-c", site.config)
        assert run.returncode == 6 and run.stdout == ""
        assert f"no daemon answers on {site.dir}/reeve.sock" in run.stderr


def test_while_it_is_taken_it_is_asked_again_and_not_for_ever(site, daemon):
    daemon.answers["/v1/inventory"] = (503, {"error": "inventory, vpcs: Throttling", "taking": True})
    run = reeve("inventory", "-c", site.config)
    assert run.returncode == 1 and run.stderr.count("it takes its time: inventory, vpcs: Throttling") == 9
    assert daemon.asked == ["/v1/inventory"] * 10


def test_what_comes_from_aws_steers_no_terminal(site, daemon):
    evil = "\x1b]0;owned\x07 \u202eback \r\n  i-9  be  running"
    nodes = [node(1, reason=evil, type=evil)]
    said = told(site, daemon, inventory(warehouse(evil, clusters=[{"name": evil, "nodes": nodes}]))).stdout
    assert not set(said) & set("\x1b\x07\r\u202e")
    assert not any(line.startswith("  i-9") for line in said.splitlines())


@pytest.mark.parametrize("columns", [40, 80])
def test_an_inventory_wraps_at_the_terminal_and_loses_nothing(site, daemon, columns):
    daemon.answers["/v1/inventory"] = (200, inventory(warehouse()))
    seen, status = at_terminal(columns, "inventory", "-c", site.config)
    assert status == 0 and seen.split() == reeve("inventory", "-c", site.config).stdout.split()
    assert all(len(line) <= columns or len(line.split()) <= 2 for line in seen.splitlines())
