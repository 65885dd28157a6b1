"""A run of the real agent, from nothing to a warehouse with all that it may have, changed, and to nothing again: what it asked
of AWS, and what AWS knew of what it asked about."""

import json
import re
import tempfile

import pytest
from cfnlint.decode import cfn_yaml

from tests.deploy.resolve import policies
from tests.iam import simulator
from tests.iam.requests import ACCOUNT, REGION, World
from tests.peers.stage import INSTALLATION, ROLE, Stage, generated_iam

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
NODE = f"{ROLE}-node"
FOREIGN = {"vpc": "vpc-0f0f", "subnet": "subnet-0f0f", "image": "ami-0f0f", "group": "sg-0f0f"}


def policy_of(aws, **but):
    """A policy of all that the run needs and no more; `but`: bounds that differ."""
    bounds = {
        "instance_types": ["r6i.xlarge", "r6i.2xlarge"],
        "images": [aws["image_id"], "owner:amazon"],
        "subnets": aws["subnet_ids"],
        "nodes_per_cluster": 4,
        "nodes_total": 8,
        "instance_profiles": [NODE],
        "kms_keys": [KEY],
        "volumes_per_node": 2,
        "volume_types": ["gp3"],
        "volume_gib": 200,
        "warehouses": ["wh-1"],
        "balancers": 1,
        "tag_keys": ["team-*"],
        "cidrs": ["10.0.0.0/16"],
        "egress_cidrs": ["10.0.0.0/16"],
        "ports": ["8000-10000"],
    }
    text = "commands: {warehouse.apply: auto, warehouse.delete: auto, cluster.reboot: auto}\ndelete_hold: 0s\n"
    text += "rates: {mutations_per_hour: 10000, deletions_per_day: 10000, ended_at_once: 1/1}\n"
    return text + f"bounds: {json.dumps(bounds | but)}\n"  # JSON is YAML


def spec(aws, generation, nodes, from_port, instance_type="r6i.xlarge"):
    """YAML is JSON too."""
    disk = {"device": "/dev/sdf", "size_gib": 100 * min(generation, 2), "type": "gp3", "kms_key_id": KEY, "keep": True}
    cluster = {
        "name": "be",
        "nodes": nodes,
        "instance_type": instance_type,
        "image_id": aws["image_id"],
        "subnet_id": aws["subnet_ids"][0],
        "security_groups": ["node"],
        "instance_profile": NODE,
        "volumes": [disk],
    }
    rule = {"protocol": "tcp", "from_port": from_port, "to_port": 9000, "cidr": "10.0.0.0/16"}
    described = {"protocol": "tcp", "from_port": 9100, "to_port": 9100, "cidr": "10.0.0.0/16"}
    described["description"] = f"of generation {generation}"
    beside = {"name": "beside", "description": "both", "rules": [described, described | {"direction": "EGRESS"}]}
    listener = {"port": 9030 + generation, "protocol": "TCP", "target_group": "sql"}
    moves = {"port": 9040, "protocol": "TCP", "target_group": "sql" if generation == 1 else "other"}
    balancer = {"name": "main", "internal": True, "subnet_ids": aws["subnet_ids"][:1], "listeners": [listener, moves]}
    groups = [{"name": name, "port": 9030, "protocol": "TCP", "clusters": ["be"]} for name in ("sql", "other")]
    return json.dumps(
        {
            "warehouse": "wh-1",
            "generation": generation,
            "vpc_id": aws["vpc_id"],
            "tags": [{"key": "team-data" if generation == 1 else "team-other", "value": "x"}],
            "security_groups": [{"name": "node", "description": "nodes", "rules": [rule]}, beside],
            "clusters": [cluster],
            "load_balancers": [balancer],
            "target_groups": groups[:generation],
        }
    )


def apply(stage, *args):
    path = stage.dir / f"spec-{args[0]}.yaml"
    path.write_text(spec(stage.aws, *args))
    keys = ("--command-key", stage.keys_dir / "command.key", "--second-key", stage.keys_dir / "release.key")
    return done(stage, stage.vendor("apply", path, "-q", *keys))


def reboot(stage):
    done(
        stage,
        stage.vendor("reboot", "wh-1", "be", "--batch", "2", "-q", "--command-key", stage.keys_dir / "command.key"),
    )


def delete(stage):
    keys = ("--command-key", stage.keys_dir / "command.key", "--second-key", stage.keys_dir / "release.key")
    return done(stage, stage.vendor("delete", "wh-1", "--confirm", "wh-1", "-q", *keys))


def done(stage, command):
    result = stage.wait_result(command)
    assert result["state"] == "SUCCEEDED", result


def plain(tags):
    return {t["Key"]: t["Value"] for t in tags}


def as_aws_names(value):
    """moto names every load balancer `app`; AWS names a network load balancer `net`."""
    return json.loads(re.sub(r"(loadbalancer|listener)/app/", r"\1/net/", json.dumps(value)))


def look(stage):
    """Tags, VPCs and owners of what is there now."""
    ec2, elb, aws = stage.reader("ec2"), stage.reader("elbv2"), stage.aws
    tags, vpcs = {}, dict.fromkeys(aws["subnet_ids"], aws["vpc_id"])
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        tags[group["GroupId"]] = plain(group.get("Tags", []))
        vpcs[group["GroupId"]] = group["VpcId"]
    for reservation in ec2.describe_instances()["Reservations"]:
        tags |= {i["InstanceId"]: plain(i.get("Tags", [])) for i in reservation["Instances"]}
    tags |= {v["VolumeId"]: plain(v.get("Tags", [])) for v in ec2.describe_volumes()["Volumes"]}
    arns = [b["LoadBalancerArn"] for b in elb.describe_load_balancers()["LoadBalancers"]]
    listeners = [ls["ListenerArn"] for a in arns for ls in elb.describe_listeners(LoadBalancerArn=a)["Listeners"]]
    arns += listeners + [g["TargetGroupArn"] for g in elb.describe_target_groups()["TargetGroups"]]
    for found in elb.describe_tags(ResourceArns=arns)["TagDescriptions"]:
        tags[found["ResourceArn"]] = plain(found["Tags"])
    vpcs |= {FOREIGN["subnet"]: FOREIGN["vpc"], FOREIGN["group"]: FOREIGN["vpc"], "subnet-0e0e": aws["vpc_id"]}
    return World(as_aws_names(tags), vpcs, {aws["image_id"]: "801119661308", "ami-0a3a": "amazon"})


@pytest.fixture(scope="session")
def run():
    """(stage, world, calls): the calls that would change something, each once."""
    simulator.needed()
    stage = Stage(tempfile.mkdtemp(prefix="reeve-iam-"), simulator.REPO / "build/reeve")
    try:
        stage.start()
        stage.write_policy(policy_of(stage.aws))
        stage.agent_start()
        apply(stage, 1, 2, 8000)
        before = look(stage)
        apply(stage, 2, 1, 8500)
        between = look(stage)
        apply(stage, 3, 2, 8500, "r6i.2xlarge")  # one more, which gets the volume that one has left
        reboot(stage)
        world = look(stage)
        world.tags = before.tags | between.tags | world.tags
        delete(stage)
        yield stage, world, [as_aws_names(c) for c in stage.calls(mutating=True, status=200)]
    finally:
        stage.close()
        stage.remove()


def parameters(aws):
    """Of the stack, for the same bounds."""
    return {
        "Vendor": "velodb",
        "Installation": INSTALLATION,
        "VpcId": aws["vpc_id"],
        "NodeTypes": "r6i.xlarge, r6i.2xlarge",
        "NodeImages": aws["image_id"],
        "NodeImageOwners": "amazon",
        "NodeSubnets": ", ".join(aws["subnet_ids"]),
        "NodeKmsKeys": KEY,
        "NodeTagKeys": "team-*",
    }


@pytest.fixture(scope="session")
def documents(run, tmp_path_factory):
    """The operate role's documents by set: open, cut to the policy of the run, and those of a stack of the same bounds; then
    those of a policy that names no key, profile, tag key and balancer, and those of a stack whose lists are all empty."""
    stage, _, _ = run
    aws, folder = stage.aws, tmp_path_factory.mktemp("iam")
    template = cfn_yaml.load(str(simulator.REPO / "deploy/cloudformation/reeve.yaml"))
    given = parameters(aws)

    def cut(name, **but):
        path = folder / f"{name}.yaml"
        path.write_text(policy_of(aws, **but))
        return generated_iam(stage.binary, "operate", "--policy", path, "--vpc", aws["vpc_id"])

    return {
        "open": generated_iam(stage.binary, "operate", "--vpc", aws["vpc_id"]),
        "cut": cut("cut"),
        "bare": cut("bare", instance_profiles=[], kms_keys=[], tag_keys=[], balancers=0),
        "stack": policies(template, "OperateRole", **given),
        "empty": policies(template, "OperateRole", **given | {n: "" for n in given if n.startswith("Node")}),
    }
