"""Fixtures shared by all Python tests."""

import pytest

from tests.peers import moto as peer

READ = {"Effect": "Allow", "Action": ["ec2:Describe*", "elasticloadbalancing:Describe*"], "Resource": "*"}
ASSUME = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
ASSUME |= {"Resource": "arn:aws:iam::123456789012:role/velodb-role-inst-1-operate"}
OPERATE = {"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:CreateTags", "ec2:TerminateInstances"]}
OPERATE |= {"Resource": "arn:aws:ec2:*:*:instance/*", "Condition": {"StringEquals": {"aws:RequestTag/a": "b"}}}


def pytest_configure(config):
    config.addinivalue_line("markers", "plane(*flags, process=False, scheme='http'): how the vendor plane is run")


@pytest.fixture(scope="session")
def moto():
    with peer.Moto() as started:
        yield started


@pytest.fixture(scope="session")
def world(moto):
    """The account of one installation, locked: signatures and permissions are checked."""
    agent = {"Version": "2012-10-17", "Statement": [READ, ASSUME]}
    operate = {"Version": "2012-10-17", "Statement": [OPERATE, READ]}
    return peer.seed(moto, agent, {"operate": operate})
