"""reeve iam: what it prints, and what it says when there is nothing to print."""

import base64
import json
import re
import subprocess

import pytest

from tests.iam.simulator import REPO

DELETE_ONLY = "commands: {warehouse.apply: off, warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\n"


KEYS = [base64.b64encode(bytes([n] * 32)).decode() for n in range(1, 4)]
CONFIGURATION = f"""installation: inst-1
vendor: {{name: velodb, url: "https://control.velodb.example"}}
aws: {{region: cn-north-1, account: "123456789012"}}
trust:
  keys:
    - {{name: command, role: command, public_key: {KEYS[0]}}}
    - {{name: release, role: release, public_key: {KEYS[1]}}}
    - {{name: head, role: head, public_key: {KEYS[2]}}}
"""


def iam(*args):
    return subprocess.run([REPO / "build/reeve", "iam", *args], capture_output=True, text=True, check=False)


@pytest.fixture
def policy(tmp_path):
    (tmp_path / "policy.yaml").write_text(DELETE_ONLY)
    return tmp_path / "policy.yaml"


def test_all_powers_are_one_object_and_one_power_is_its_document():
    powers = json.loads(iam("operate").stdout)
    assert list(powers) == ["launch", "delete", "groups", "balancers", "tags", "power", "volumes"]
    for name, document in powers.items():
        assert json.loads(iam("operate", name).stdout) == document


def test_a_configuration_leaves_no_placeholder_of_its_partition(tmp_path):
    (tmp_path / "reeve.yaml").write_text(CONFIGURATION)
    done = iam("operate", "launch", "-c", tmp_path / "reeve.yaml")
    assert "${AWS::" not in done.stdout, done.stderr
    role = next(s for s in json.loads(done.stdout)["Statement"] if s["Sid"] == "NodeRole")
    assert role["Resource"].startswith("arn:aws-cn:iam:")
    assert role["Condition"]["StringEquals"]["iam:PassedToService"] == ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]


def test_what_the_policy_cannot_use_is_left_out_and_the_reason_told(policy):
    done = iam("operate", "--policy", policy)
    assert done.returncode == 0
    assert list(json.loads(done.stdout)) == ["delete"]
    assert "no document for launch: none of warehouse.apply, nodes.replace, warehouse.upgrade, heal runs" in done.stderr


def test_one_power_that_the_policy_cannot_use_is_an_error(policy):
    done = iam("operate", "launch", "--policy", policy)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the policy leaves nothing of the power launch" in done.stderr


def test_a_policy_that_cannot_be_read_is_told_and_cuts_nothing(tmp_path):
    (tmp_path / "broken.yaml").write_text("bounds: {subnets: [vpc-1]}\n")
    for name, why in (("none.yaml", "No such file"), ("broken.yaml", "the id of a subnet")):
        done = iam("operate", "--policy", tmp_path / name)
        assert (done.returncode, done.stdout) == (1, "")
        assert name in done.stderr
        assert why in done.stderr


def test_documents_that_together_do_not_fit_one_role_say_so(tmp_path):
    bounds = {
        "images": ["ami-0a1"],
        "instance_types": [f"r6i.{n}xlarge" for n in range(2, 10)],
        "subnets": [f"subnet-0{n:016x}" for n in range(4)],
        "kms_keys": ["arn:aws:kms:us-east-1:123456789012:key/0a1"],
        "tag_keys": [f"team-{n}-{'x' * 25}" for n in range(8)],
        "instance_profiles": ["node"],
        "warehouses": ["wh-1"],
        "balancers": 1,
    } | dict.fromkeys(("nodes_per_cluster", "nodes_total", "volumes_per_node", "volume_gib"), 4)
    verbs = {"warehouse.apply": "auto", "warehouse.delete": "auto"}
    (tmp_path / "policy.yaml").write_text(json.dumps({"commands": verbs, "bounds": bounds}))
    done = iam("operate", "--policy", tmp_path / "policy.yaml")
    assert done.returncode == 0
    total = sum(len(json.dumps(d, separators=(",", ":"))) for d in json.loads(done.stdout).values())
    assert total > 10240
    assert f"together {total} bytes" in done.stderr
    (tmp_path / "few.yaml").write_text(DELETE_ONLY)
    done = iam("operate", "--policy", tmp_path / "few.yaml")
    assert sum(len(json.dumps(d, separators=(",", ":"))) for d in json.loads(done.stdout).values()) <= 10240
    assert "together" not in done.stderr


def test_the_vpc_stands_where_it_is_given_and_its_placeholder_elsewhere():
    assert "vpc/vpc-0a1" in iam("operate", "groups", "--vpc", "vpc-0a1").stdout
    assert "vpc/${VpcId}" in iam("operate", "groups").stdout


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("lunch",),
        ("operate", "lunch"),
        ("operate", "launch", "x"),
        ("agent", "--policy", "x"),
        ("operate", "--vpc", "x"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_2(args):
    done = iam(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(
        r"see reeve (iam (agent|operate) )?--help", done.stderr
    )  # the page of what was asked, if it is known
