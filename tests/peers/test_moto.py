import botocore.exceptions
import pytest

from tests.peers.moto import widen_resources


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**arguments)
    return e.value.response["Error"]["Code"]


def launch(world):
    return {"ImageId": world["image_id"], "InstanceType": "m6i.large", "MinCount": 1, "MaxCount": 1}


def test_instance_keys_may_look_but_not_launch(moto, world):
    ec2 = moto.client("ec2", world["keys"][0])
    assert ec2.describe_instances(InstanceIds=[world["instance_id"]])["Reservations"]
    assert refused(ec2.run_instances, **launch(world)) in ("AccessDenied", "UnauthorizedOperation")


def test_every_set_of_instance_keys_is_another_one_and_works(moto, world):
    ids = {k["AccessKeyId"] for k in world["keys"]}
    assert len(ids) == len(world["keys"]) == 4
    for k in world["keys"]:
        who = moto.client("sts", k).get_caller_identity()
        assert who["UserId"] == f"{world['role_id']}:{world['instance_id']}"


def test_the_operate_role_is_assumed_and_may_launch(moto, world):
    sts = moto.client("sts", world["keys"][0])
    made = sts.assume_role(RoleArn=world["operate_role_arn"], RoleSessionName="a-command", SourceIdentity="a-command")[
        "Credentials"
    ]
    ec2 = moto.client("ec2", made)
    launched = ec2.run_instances(**launch(world))["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[launched])


def test_nobody_else_may_assume_the_operate_role(moto, world):
    sts = moto.client("sts", world["reader"])
    assert refused(sts.assume_role, RoleArn=world["operate_role_arn"], RoleSessionName="x-y") == "AccessDenied"


def test_the_reader_changes_nothing(moto, world):
    ec2 = moto.client("ec2", world["reader"])
    assert ec2.describe_vpcs()["Vpcs"]
    assert refused(ec2.run_instances, **launch(world)) in ("AccessDenied", "UnauthorizedOperation")


def test_a_wrong_secret_is_refused(moto, world):
    wrong = world["keys"][0] | {"SecretAccessKey": "x" * 40}
    assert refused(moto.client("sts", wrong).get_caller_identity) == "SignatureDoesNotMatch"


def test_widen_resources_keeps_actions_and_what_moto_can_compare():
    launch_only = {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "arn:x", "Condition": {"a": {}}}
    own_prefix = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/p/*"}
    guarded = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"a": {}}}
    widened = widen_resources({"Version": "2012-10-17", "Statement": [launch_only, own_prefix, guarded]})
    assert widened["Statement"] == [{"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}, own_prefix]
