"""moto as the AWS of a test: started on a free port, filled with what an installation finds in an account, then locked
so that signatures and permissions count.

    with Moto() as moto:
        world = seed(moto, agent_policy, operate_policies)
        keys = world["keys"][0]           # what the metadata service hands out
        ec2 = moto.client("ec2", world["reader"])

By hand: python -m tests.peers.moto --port 5000 --dir D [--agent-policy F --operate-policy F]; D then holds aws.json (the
world), and keys.json and instance.json for the metadata service (python -m tests.peers.imds --dir D).

What moto cannot do shapes this file: it knows no Condition and no resource but "*" for most services (widen_resources),
its trust policies must name the caller's session, and keys must be minted before authorization is turned on.
"""

import argparse
import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import urllib.request

import boto3
from botocore.config import Config

from tests.peers import process

ACCOUNT = "123456789012"
REGION = "us-east-1"
BY_RESOURCE = ("s3", "sts", "iam")  # services whose resources moto does compare


class Moto:
    def __init__(self, port=0):
        self.port = port or process.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = process.start_python(
            "moto.server", "-H", "127.0.0.1", "-p", self.port, stderr=subprocess.DEVNULL
        )
        try:
            process.wait_port(self.port, self.process)
        except BaseException:  # Ctrl-C as well: it is nobody else's to end yet
            self.close()
            raise

    def client(self, service, keys=None, region=REGION, url=None):
        """A boto3 client; keys as of the metadata service or CreateAccessKey, default any."""
        keys = keys or {"AccessKeyId": "AKIASEEDSEEDSEEDSEED", "SecretAccessKey": "seed"}
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=url or self.url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("Token") or keys.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    def authorize(self, on=True):
        """From here on signatures and permissions are checked, or not."""
        body, headers = b"0" if on else b"inf", {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", body, headers, method="POST")
        urllib.request.urlopen(request).close()

    def close(self):
        process.stop(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def widen_resources(policy):
    """The policy as far as moto understands one: no conditions, any resource; which actions are allowed stays true.

    A Deny with a condition would deny always, so it goes; s3, sts and iam resources are compared and stay.
    """
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    widened = []
    for statement in statements:
        if statement["Effect"] == "Deny" and "Condition" in statement:
            continue
        statement = {name: value for name, value in statement.items() if name != "Condition"}
        actions = statement.get("Action", [])
        actions = [actions] if isinstance(actions, str) else actions
        if not actions or not all(action.split(":")[0] in BY_RESOURCE for action in actions):
            statement["Resource"] = "*"
        widened.append(statement)
    return policy | {"Statement": widened}


def seed(moto, agent_policy, operate_policies, role="velodb-role-inst-1", instance_tags=None, sets=4):
    """Fills the account and locks it; operate_policies are documents by name. Returns the world as plain data: ids, names,
    and `sets` sets of instance keys."""
    ec2, iam = moto.client("ec2"), moto.client("iam")
    world = {"account": ACCOUNT, "region": REGION, "url": moto.url} | make_network(ec2)
    world["reader"] = make_reader(iam)
    world = add_installation(moto, world, agent_policy, operate_policies, role, instance_tags, sets)
    moto.authorize()
    return world


def add_installation(moto, world, agent_policy, operate_policies, role, instance_tags=None, sets=4):
    """The world with the machine and the roles of one more agent, in the same VPC. Only while the account is not locked."""
    ec2, iam = moto.client("ec2"), moto.client("iam")
    world = world | {"role": role}
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for name in (f"{role}-node", role):
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    world |= {"role_arn": made["Arn"], "role_id": made["RoleId"]}
    world["instance_id"] = launch_agent_machine(ec2, world, instance_tags or {})
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{world['instance_id']}"
    trust = {"Effect": "Allow", "Principal": {"AWS": session}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
    trust["Condition"] = {"Null": {"sts:SourceIdentity": "false"}}
    operate = iam.create_role(RoleName=f"{role}-operate", AssumeRolePolicyDocument=document(trust))["Role"]
    world |= {"operate_role": operate["RoleName"], "operate_role_arn": operate["Arn"]}
    put_policies(iam, role, {"agent": agent_policy})
    put_policies(iam, operate["RoleName"], operate_policies)
    world["keys"] = [mint(moto, world) for _ in range(sets)]
    return world


def put_policies(iam, role, policies):
    for name, policy in policies.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(widen_resources(policy)))


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_network(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = []
    for i, zone in enumerate("ab"):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")
        subnets.append(made["Subnet"]["SubnetId"])
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    return {"vpc_id": vpc, "subnet_ids": subnets, "image_id": image, "here": make_network_here(ec2)}


def make_network_here(ec2):
    """A VPC whose nodes have addresses of this very machine, which AWS would refuse: a server here answers in their place."""
    vpc = ec2.create_vpc(CidrBlock="127.20.0.0/16")["Vpc"]["VpcId"]
    return {"vpc_id": vpc, "subnet_id": ec2.create_subnet(VpcId=vpc, CidrBlock="127.20.1.0/24")["Subnet"]["SubnetId"]}


def launch_agent_machine(ec2, world, tags):
    tags = [{"Key": k, "Value": v} for k, v in ({"Name": "agent"} | tags).items()]
    run = ec2.run_instances(
        ImageId=world["image_id"],
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=world["subnet_ids"][0],
        IamInstanceProfile={"Name": world["role"]},
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    return run["Instances"][0]["InstanceId"]


def make_reader(iam):
    """Access keys of a user who may read everything and change nothing: what checks look with."""
    iam.create_user(UserName="reader")
    actions = ["ec2:Describe*", "elasticloadbalancing:Describe*", "iam:Get*", "iam:List*", "s3:Get*", "s3:List*"]
    policy = document({"Effect": "Allow", "Action": actions, "Resource": "*"})
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy)
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    return {"AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"]}


def mint(moto, world):
    """Keys of the instance role in the form the metadata service shows them. Only before the account is locked."""
    sts = moto.client("sts")
    made = sts.assume_role(RoleArn=world["role_arn"], RoleSessionName=world["instance_id"])["Credentials"]
    return {
        "Code": "Success",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "Type": "AWS-HMAC",
        "AccessKeyId": made["AccessKeyId"],
        "SecretAccessKey": made["SecretAccessKey"],
        "Token": made["SessionToken"],
        "Expiration": made["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def metadata(world):
    """(keys.json, instance.json) for the metadata service."""
    identity = {
        "accountId": world["account"],
        "architecture": "x86_64",
        "availabilityZone": f"{world['region']}a",
        "imageId": world["image_id"],
        "instanceId": world["instance_id"],
        "instanceType": "t3.micro",
        "pendingTime": "2026-01-01T00:00:00Z",
        "privateIp": "10.0.0.10",
        "region": world["region"],
        "version": "2017-09-30",
    }
    return {"role": world["role"], **world["keys"][0]}, {"document": identity, "tags": {}}


def main():
    p = argparse.ArgumentParser(prog="python -m tests.peers.moto", description="moto, filled and locked")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--dir", required=True, type=pathlib.Path, help="where aws.json, keys.json, instance.json go")
    p.add_argument("--agent-policy", type=pathlib.Path, metavar="FILE", help="IAM policy of the instance role")
    p.add_argument(
        "--operate-policy", type=pathlib.Path, metavar="FILE", help="IAM policies of the operate role, by name"
    )
    p.add_argument("--role", default="velodb-role-inst-1")
    args = p.parse_args()
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Version": "2012-10-17"}
    agent = json.loads(args.agent_policy.read_bytes()) if args.agent_policy else everything
    operate = json.loads(args.operate_policy.read_bytes()) if args.operate_policy else {"operate": everything}
    args.dir.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt), Moto(args.port) as moto:
        world = seed(moto, agent, operate, role=args.role)
        keys, instance = metadata(world)
        for name, value in (("aws", world), ("keys", keys), ("instance", instance)):
            (args.dir / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
        print(f"ready on {moto.url}", flush=True)
        moto.process.wait()


if __name__ == "__main__":
    main()
