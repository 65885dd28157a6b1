"""What must not be: each an allowed call of the run with one thing changed, and what of it IAM must refuse for that.

A change is of a call's parameters, of what AWS knows beside it (World), or of one of its checks alone. `lists`: refused only
where the documents are cut to a policy's lists; the others are refused always."""

import copy
import dataclasses

from tests.iam.requests import ACCOUNT, REGION, checks_of, ec2, elb
from tests.peers.stage import INSTALLATION, ROLE

VENDOR_TAG, OUR_TAG = "resource-created-by", "reeve:installation"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
KMS = {f"kms:{use} key" for use in ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext")}
KMS |= {"kms:ReEncryptFrom key", "kms:ReEncryptTo key"}
FACE, DISK = "NetworkInterface.1.", "BlockDeviceMapping.2.Ebs."


@dataclasses.dataclass
class Change:
    name: str
    call: str  # the action of the recorded call that is changed
    refused: set  # "action kind"
    params: dict = dataclasses.field(default_factory=dict)  # or a function of them; None: left out, "X." all below X
    world: object = None  # changes what AWS knows
    only: str = None  # "action kind" of the check that is changed, with the three below
    action: str = None
    resource: str = None
    context: dict = dataclasses.field(default_factory=dict)  # None: left out
    lists: bool = False


def kind(check):
    what = check["resource"].split(":", 5)[5] if check["resource"] != "*" else "*"
    return f"{check['action']} {what.split('/')[0]}"


def with_params(params, change):
    params = dict(params)
    for name, value in change.items():
        if value is None:
            params = {k: v for k, v in params.items() if k != name and not (name.endswith(".") and k.startswith(name))}
        else:
            params[name] = value(params) if callable(value) else value
    return params


def changed_check(check, change):
    check["action"] = change.action or check["action"]
    check["resource"] = change.resource or check["resource"]
    context = check["context"] | change.context
    check["context"] = {k: v for k, v in context.items() if v is not None}
    return check


def checks(change, world, calls):
    """The checks of the changed call."""
    call = next(c for c in calls if c["action"] == change.call)
    world = copy.deepcopy(world)
    call = call | {"params": with_params(call["params"], change.params)}
    if change.world:
        change.world(world, call["params"])
    found = checks_of(world, call)
    if change.only is None:
        return found
    return [changed_check(next(c for c in found if kind(c) == change.only), change)]


# ---- launch ----


def launch(name, refused, params=None, **more):
    kinds = {f"ec2:RunInstances {r}" if " " not in r else r for r in refused}
    return Change(name, "RunInstances", kinds, params or {}, **more)


def group_is(**tags):
    def change(world, params):
        world.tags[params[FACE + "SecurityGroupId.1"]] = tags

    return change


def same_subnet(params):
    return params[FACE + "SubnetId"]


def group_in_another_vpc(world, params):
    world.vpcs[params[FACE + "SecurityGroupId.1"]] = "vpc-0f0f"


def tag(spec, number, key, value="x"):
    return {f"TagSpecification.{spec}.Tag.{number}.Key": key, f"TagSpecification.{spec}.Tag.{number}.Value": value}


def rename(spec, number):
    return {f"TagSpecification.{spec}.Tag.{number}.Key": "reeve:other"}


OURS = {VENDOR_TAG: "velodb", OUR_TAG: INSTALLATION}
WITH_TAGS = {"instance", "ec2:CreateTags instance"}

LAUNCHES = [
    launch("an image of a stranger", {"image"}, {"ImageId": "ami-0f0f"}, lists=True),
    launch("a subnet that is not named", {"subnet"}, {FACE + "SubnetId": "subnet-0e0e"}, lists=True),
    launch("a subnet of another VPC", {"subnet", "network-interface"}, {FACE + "SubnetId": "subnet-0f0f"}),
    launch("a group of another VPC", {"security-group"}, world=group_in_another_vpc),
    launch("a group of the customer's", {"security-group"}, world=group_is(Name="database")),
    launch("a group of another installation", {"security-group"}, world=group_is(**OURS | {OUR_TAG: "inst-2"})),
    launch("a group of another vendor", {"security-group"}, world=group_is(**OURS | {VENDOR_TAG: "other"})),
    launch("a second group, the customer's", {"security-group"}, {FACE + "SecurityGroupId.2": "sg-0f0f"}),
    launch("a costly type", {"instance"}, {"InstanceType": "p5.48xlarge"}, lists=True),
    launch("a larger type of the same family", {"instance"}, {"InstanceType": "r6i.32xlarge"}, lists=True),
    launch("the old metadata service", {"instance"}, {"MetadataOptions.HttpTokens": "optional"}),
    launch("metadata options left to the account", {"instance"}, {"MetadataOptions.": None}),
    launch("an administrator's profile", {"instance", "iam:PassRole role"}, {"IamInstanceProfile.Name": "admin"}),
    launch("the agent's own profile", {"instance", "iam:PassRole role"}, {"IamInstanceProfile.Name": ROLE}),
    launch(
        "the operate role as profile", {"instance", "iam:PassRole role"}, {"IamInstanceProfile.Name": f"{ROLE}-operate"}
    ),
    launch("a public address", {"network-interface"}, {FACE + "AssociatePublicIpAddress": "true"}),
    launch("an address left to the subnet", {"network-interface"}, {FACE + "AssociatePublicIpAddress": None}),
    launch(
        "a second interface with a public address",
        {"network-interface"},
        {"NetworkInterface.2.SubnetId": same_subnet, "NetworkInterface.2.AssociatePublicIpAddress": "true"},
    ),
    launch("an unencrypted root volume", {"volume"}, {"BlockDeviceMapping.1.Ebs.Encrypted": "false"}),
    launch("an unencrypted data volume", {"volume"}, {DISK + "Encrypted": "false"}),
    launch("a volume whose encryption is left to the account", {"volume"}, {DISK + "Encrypted": None}),
    launch("a key that is not named", KMS, {DISK + "KmsKeyId": KEY + "other"}, lists=True),
    launch("a key of another account", KMS, {DISK + "KmsKeyId": KEY.replace(ACCOUNT, "999999999999") + "1"}),
    launch("a key of another region", KMS, {DISK + "KmsKeyId": KEY.replace(REGION, "eu-west-1") + "1"}),
    launch("a volume from a snapshot", {"snapshot"}, {DISK + "SnapshotId": "snap-0f0f"}),
    launch(
        "no tags at all",
        {"instance", "volume", "network-interface"},
        {f"TagSpecification.{n}.": None for n in (1, 2, 3)},
    ),
    launch("no tags on the node", {"instance"}, {"TagSpecification.1.": None}),
    launch("no tags on the volumes", {"volume"}, {"TagSpecification.2.": None}),
    launch("no tags on the interface", {"network-interface"}, {"TagSpecification.3.": None}),
    launch("no tag of the vendor", WITH_TAGS, rename(1, 2)),
    launch("no tag of the installation", WITH_TAGS, rename(1, 3)),
    launch("the tag of another vendor", WITH_TAGS, tag(1, 2, VENDOR_TAG, "other")),
    launch("the tag of another installation", WITH_TAGS, tag(1, 3, OUR_TAG, "inst-2")),
    launch("a tag of the customer's on a node", WITH_TAGS, tag(1, 9, "cost-center"), lists=True),
    launch("a tag beyond on a volume", {"volume", "ec2:CreateTags volume"}, tag(2, 10, "backup"), lists=True),
    launch("a key pair", {"key-pair"}, {"KeyName": "laptop"}),
    launch("a launch template", {"launch-template"}, {"LaunchTemplate.LaunchTemplateId": "lt-0f0f"}),
]


# ---- one question of a call, changed ----


def one(name, call, only, **more):
    action, what = only.split(" ")
    kinds = {f"{more.get('action', action)} {what}"}
    return Change(name, call, kinds, only=only, **more)


def not_ours(**tags):
    """The tags that a resource carries instead of ours."""
    mine = {f"aws:ResourceTag/{k}": None for k in OURS}
    return mine | {f"aws:ResourceTag/{k}": v for k, v in tags.items()}


OTHER = {"aws:ResourceTag/" + OUR_TAG: "inst-2"}
ELB = "elasticloadbalancing:"
TAGS_LATER = {"ec2:CreateAction": None}

CHANGES = [
    *LAUNCHES,
    one(
        "the node role passed to Lambda",
        "RunInstances",
        "iam:PassRole role",
        context={"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    one("a key used by ourselves", "RunInstances", "kms:Decrypt key", context={"kms:ViaService": None}),
    one(
        "a key used through another service",
        "RunInstances",
        "kms:Decrypt key",
        context={"kms:ViaService": f"s3.{REGION}.amazonaws.com"},
    ),
    one(
        "a grant for somebody else",
        "RunInstances",
        "kms:CreateGrant key",
        context={"kms:GrantIsForAWSResource": "false"},
    ),
    one("re-tagging a node of ours", "RunInstances", "ec2:CreateTags instance", context=TAGS_LATER),
    one(
        "tagging the agent's machine as ours",
        "RunInstances",
        "ec2:CreateTags instance",
        resource=ec2("instance/i-0a9e"),
        context=TAGS_LATER | not_ours(Name="agent"),
    ),
    one("tagging a volume of the customer's as ours", "RunInstances", "ec2:CreateTags volume", context=TAGS_LATER),
    one(
        "tags by another call that creates",
        "RunInstances",
        "ec2:CreateTags volume",
        context={"ec2:CreateAction": "CreateVolume"},
    ),
    one(
        "tagging a group of the customer's as ours",
        "CreateSecurityGroup",
        "ec2:CreateTags security-group",
        context=TAGS_LATER,
    ),
    one("taking tags off", "TerminateInstances", "ec2:TerminateInstances instance", action="ec2:DeleteTags"),
    # what is taken away
    one(
        "terminating the agent",
        "TerminateInstances",
        "ec2:TerminateInstances instance",
        resource=ec2("instance/i-0a9e"),
        context=not_ours(Name="agent"),
    ),
    one(
        "terminating a machine of the customer's",
        "TerminateInstances",
        "ec2:TerminateInstances instance",
        context=not_ours(),
    ),
    one(
        "terminating another installation's node",
        "TerminateInstances",
        "ec2:TerminateInstances instance",
        context=OTHER,
    ),
    # what stays
    *(
        one(f"{what} {whose}", f"{call}Instances", f"ec2:{call}Instances instance", **more)
        for call, what in (("Stop", "stopping"), ("Start", "starting"), ("Reboot", "rebooting"))
        for whose, more in (
            ("the agent", {"resource": ec2("instance/i-0a9e"), "context": not_ours(Name="agent")}),
            ("a machine of the customer's", {"context": not_ours()}),
            ("another installation's node", {"context": OTHER}),
        )
    ),
    one(
        "another type for the agent's machine",
        "ModifyInstanceAttribute",
        "ec2:ModifyInstanceAttribute instance",
        resource=ec2("instance/i-0a9e"),
        context=not_ours(Name="agent"),
    ),
    one(
        "another type for a machine of the customer's",
        "ModifyInstanceAttribute",
        "ec2:ModifyInstanceAttribute instance",
        context=not_ours(),
    ),
    Change(
        "a costly type for a node that stands",
        "ModifyInstanceAttribute",
        {"ec2:ModifyInstanceAttribute instance"},
        {"InstanceType.Value": "p5.48xlarge"},
        lists=True,
    ),
    *(
        Change(
            f"{what} of a node",
            "ModifyInstanceAttribute",
            {"ec2:ModifyInstanceAttribute instance"},
            {"InstanceType.Value": None, f"{name}.Value": value},
        )
        for what, name, value in (
            ("the user data", "UserData", "ZXZpbA=="),
            ("the protection from termination", "DisableApiTermination", "false"),
            ("the protection from being stopped", "DisableApiStop", "false"),
            ("the check of sources", "SourceDestCheck", "false"),
            ("what a shutdown means", "InstanceInitiatedShutdownBehavior", "terminate"),
        )
    ),
    one(
        "deleting a group of the customer's",
        "DeleteSecurityGroup",
        "ec2:DeleteSecurityGroup security-group",
        context=not_ours(),
    ),
    one(
        "deleting another installation's balancer",
        "DeleteLoadBalancer",
        ELB + "DeleteLoadBalancer loadbalancer",
        context=OTHER,
    ),
    one("deleting a listener of the customer's", "DeleteListener", ELB + "DeleteListener listener", context=not_ours()),
    one(
        "deleting a target group of the customer's",
        "DeleteTargetGroup",
        ELB + "DeleteTargetGroup targetgroup",
        context=not_ours(),
    ),
    one(
        "taking targets out of the customer's",
        "DeregisterTargets",
        ELB + "DeregisterTargets targetgroup",
        context=not_ours(),
    ),
    # volumes
    one("changing a volume of the customer's", "ModifyVolume", "ec2:ModifyVolume volume", context=not_ours()),
    one("changing another installation's volume", "ModifyVolume", "ec2:ModifyVolume volume", context=OTHER),
    one("attaching a volume of the customer's", "AttachVolume", "ec2:AttachVolume volume", context=not_ours()),
    one("attaching another installation's volume", "AttachVolume", "ec2:AttachVolume volume", context=OTHER),
    one(
        "attaching a volume to the customer's machine", "AttachVolume", "ec2:AttachVolume instance", context=not_ours()
    ),
    one("taking a volume off a node", "AttachVolume", "ec2:AttachVolume volume", action="ec2:DetachVolume"),
    one("deleting a volume of ours", "ModifyVolume", "ec2:ModifyVolume volume", action="ec2:DeleteVolume"),
    # groups
    one("a group in another VPC", "CreateSecurityGroup", "ec2:CreateSecurityGroup vpc", resource=ec2("vpc/vpc-0f0f")),
    Change(
        "a group without tags",
        "CreateSecurityGroup",
        {"ec2:CreateSecurityGroup security-group"},
        {"TagSpecification.1.": None},
    ),
    Change(
        "a group tagged as another installation's",
        "CreateSecurityGroup",
        {"ec2:CreateSecurityGroup security-group", "ec2:CreateTags security-group"},
        tag(1, 3, OUR_TAG, "inst-2"),
    ),
    Change(
        "a group with a tag beyond",
        "CreateSecurityGroup",
        {"ec2:CreateSecurityGroup security-group", "ec2:CreateTags security-group"},
        tag(1, 9, "cost-center"),
        lists=True,
    ),
    *(
        one(
            f"{what} of a group of the customer's",
            f"{call}SecurityGroup{way}",
            f"ec2:{call}SecurityGroup{way} security-group",
            context=not_ours(),
        )
        for call, way, what in (
            ("Authorize", "Ingress", "opening a way in"),
            ("Authorize", "Egress", "opening a way out"),
            ("Revoke", "Ingress", "closing a way in"),
            ("Revoke", "Egress", "closing a way out"),
        )
    ),
    one(
        "a rule of a group of ours in another VPC",
        "AuthorizeSecurityGroupIngress",
        "ec2:AuthorizeSecurityGroupIngress security-group",
        context={"ec2:Vpc": ec2("vpc/vpc-0f0f")},
    ),
    # balancers
    one(
        "a balancer that faces the internet",
        "CreateLoadBalancer",
        ELB + "CreateLoadBalancer loadbalancer",
        context={ELB + "Scheme": "internet-facing"},
    ),
    one(
        "a balancer in a security group of the customer's",
        "CreateLoadBalancer",
        ELB + "CreateLoadBalancer loadbalancer",
        context={ELB + "SecurityGroup": ["sg-0f0f0f0f"]},
    ),
    one(
        "a balancer whose scheme is not said",
        "CreateLoadBalancer",
        ELB + "CreateLoadBalancer loadbalancer",
        context={ELB + "Scheme": None},
    ),
    Change(
        "a balancer in a subnet that is not named",
        "CreateLoadBalancer",
        {ELB + "CreateLoadBalancer loadbalancer"},
        {"Subnets.member.1": "subnet-0e0e"},
        lists=True,
    ),
    Change(
        "a balancer with one subnet beyond",
        "CreateLoadBalancer",
        {ELB + "CreateLoadBalancer loadbalancer"},
        {"Subnets.member.2": "subnet-0e0e"},
        lists=True,
    ),
    one(
        "a balancer whose subnets are not said",
        "CreateLoadBalancer",
        ELB + "CreateLoadBalancer loadbalancer",
        context={ELB + "Subnet": None},
        lists=True,
    ),
    one(
        "an application load balancer",
        "CreateLoadBalancer",
        ELB + "CreateLoadBalancer loadbalancer",
        resource=elb("loadbalancer/app/x/0123456789abcdef"),
    ),
    Change("a balancer without tags", "CreateLoadBalancer", {ELB + "CreateLoadBalancer loadbalancer"}, {"Tags.": None}),
    Change(
        "a target group without tags", "CreateTargetGroup", {ELB + "CreateTargetGroup targetgroup"}, {"Tags.": None}
    ),
    Change("a listener without tags", "CreateListener", {ELB + "CreateListener loadbalancer"}, {"Tags.": None}),
    Change(
        "a balancer with a tag beyond",
        "CreateLoadBalancer",
        {ELB + "CreateLoadBalancer loadbalancer", ELB + "AddTags loadbalancer"},
        {"Tags.member.8.Key": "cost-center"},
        lists=True,
    ),
    one(
        "a listener on the customer's balancer",
        "CreateListener",
        ELB + "CreateListener loadbalancer",
        context=not_ours(),
    ),
    one(
        "the customer's listener moved",
        "ModifyListener",
        ELB + "ModifyListener listener",
        context=not_ours(),
    ),
    one(
        "re-tagging a balancer",
        "CreateLoadBalancer",
        ELB + "AddTags loadbalancer",
        context={ELB + "CreateAction": None},
    ),
    one(
        "targets into the customer's group", "RegisterTargets", ELB + "RegisterTargets targetgroup", context=not_ours()
    ),
    one(
        "a role of AWS for another service",
        "CreateLoadBalancer",
        "iam:CreateServiceLinkedRole role",
        context={"iam:AWSServiceName": "autoscaling.amazonaws.com"},
    ),
    one(
        "rights for a role of ours",
        "CreateLoadBalancer",
        "iam:CreateServiceLinkedRole role",
        action="iam:PutRolePolicy",
        resource=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}-node",
        context={"iam:AWSServiceName": None},
    ),
    one(
        "looking in another region",
        "CreateLoadBalancer",
        "ec2:DescribeVpcs *",
        context={"aws:RequestedRegion": "eu-west-1"},
    ),
    # tags of what stands
    *(
        one(f"{what} of somebody else's", call, f"{service}{call} {kind}", context=not_ours())
        for call, service, kind, what in (
            ("CreateTags", "ec2:", "security-group", "tags on a group"),
            ("DeleteTags", "ec2:", "security-group", "tags off a group"),
            ("AddTags", ELB, "targetgroup", "tags on a target group"),
            ("RemoveTags", ELB, "targetgroup", "tags off a target group"),
        )
    ),
    *(
        one(f"{call} of {key}", call, f"{service}{call} {kind}", context={"aws:TagKeys": ["team-x", key]}, lists=lists)
        for call, service, kind in (
            ("CreateTags", "ec2:", "security-group"),
            ("DeleteTags", "ec2:", "security-group"),
            ("AddTags", ELB, "targetgroup"),
            ("RemoveTags", ELB, "targetgroup"),
        )
        for key, lists in ((VENDOR_TAG, False), (OUR_TAG, False), ("backup", True))
    ),
    one(
        "a node's first step forgotten",
        "DeleteTags",
        "ec2:DeleteTags security-group",
        context={"aws:TagKeys": ["reeve:step"]},
    ),
]
