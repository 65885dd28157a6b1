"""Who may take the operate role: the agent's machine, and only as somebody; before the IAM simulator."""

import json

import pytest
from cfnlint.decode import cfn_yaml

from tests.deploy.resolve import Resolver
from tests.iam.requests import ACCOUNT, check
from tests.iam.simulator import REPO, judge, needed
from tests.peers.stage import INSTALLATION, ROLE, generated_iam

OPERATE = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}-operate"
ME, ELSE = f"{ROLE}/i-0a9e", "other/i-0a9e"


@pytest.fixture(scope="module")
def trust():
    needed()
    template = cfn_yaml.load(str(REPO / "deploy/cloudformation/reeve.yaml"))
    role = template["Resources"]["OperateRole"]["Properties"]
    text = json.dumps(Resolver(template, {}).of(role["AssumeRolePolicyDocument"]))
    return json.loads(text.replace('{"Fn::GetAtt": ["InstanceRole", "Arn"]}', f'"arn:aws:iam::{ACCOUNT}:role/{ROLE}"'))


def verdict(trust, who, keys):
    documents = {"agent": {"agent": generated_iam(REPO / "build/reeve", "agent")}}
    asked = check("sts:AssumeRole", OPERATE, keys=keys)
    asked |= {"set": "agent", "account": ACCOUNT, "trust": trust}
    (answer,) = judge(documents, [asked | {"principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/{who}"}])
    return answer["result"]


def test_the_agent_takes_the_operate_role_in_the_name_of_a_command(trust):
    assert INSTALLATION in OPERATE
    assert verdict(trust, ME, {"sts:SourceIdentity": "command-1"}) == "Allowed"


def test_nobody_takes_the_operate_role_without_a_name(trust):
    assert verdict(trust, ME, {}) == "ImplicitlyDenied"


def test_nobody_else_takes_the_operate_role(trust):
    assert verdict(trust, ELSE, {"sts:SourceIdentity": "command-1"}) == "ImplicitlyDenied"
