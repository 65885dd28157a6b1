"""Calls as the fault proxy records them, turned into what IAM is asked about them.

One call of EC2 or load balancing is several questions: RunInstances is asked about each resource that it makes or refers to,
about the tags that it sets, the role that it passes and the keys that it uses. Which resources and context keys an action
has: Service Authorization Reference. The simulator checks that this table knows no key that the reference does not."""

import re

ACCOUNT, REGION = "123456789012", "us-east-1"
NEW = "0123456789abcdef0"  # the id of what is not there yet
KEY_USES = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")
LOOKS = ("AccountAttributes", "Addresses", "InternetGateways", "SecurityGroups", "Subnets", "Vpcs")
BALANCER_ROLE = "aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"


def ec2(resource):
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{resource}"


def elb(resource):
    return f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:{resource}"


def check(action, resource, **context):
    keys = {k: v for k, v in context.pop("keys", {}).items() if v is not None}
    return {"action": action, "resource": resource, "context": {"aws:RequestedRegion": REGION, **keys}}


def numbered(params, prefix):
    """The values of prefix.1, prefix.2, ...: one where the parameter ends there, else a mapping of what is below."""
    found = {}
    for name, value in params.items():
        match = re.fullmatch(re.escape(prefix) + r"\.(\d+)(?:\.(.+))?", name)
        if match and match[2] is None:
            found[int(match[1])] = value
        elif match:
            found.setdefault(int(match[1]), {})[match[2]] = value
    return [found[n] for n in sorted(found)]


def tags_of(params, prefix):
    return {t["Key"]: t.get("Value", "") for t in numbered(params, prefix)}


def given(tags):
    """The request sets these tags."""
    return {f"aws:RequestTag/{k}": v for k, v in tags.items()} | ({"aws:TagKeys": list(tags)} if tags else {})


def carried(tags):
    """The resource has these tags already."""
    return {f"aws:ResourceTag/{k}": v for k, v in tags.items()}


class World:
    """What AWS knows beside the call: tags by id or ARN, the VPC of a subnet or group, the owner of an image."""

    def __init__(self, tags, vpcs, owners):
        self.tags, self.vpcs, self.owners = tags, vpcs, owners

    def carried(self, name):
        return carried(self.tags.get(name, {}))

    def vpc(self, name):
        return ec2(f"vpc/{self.vpcs[name]}")


def tag_specs(params):
    return {s["ResourceType"]: tags_of(s, "Tag") for s in numbered(params, "TagSpecification")}


def create_tags(specs, action):
    new = {"instance": "i", "volume": "vol", "network-interface": "eni", "security-group": "sg"}
    return [
        check("ec2:CreateTags", ec2(f"{kind}/{new[kind]}-{NEW}"), keys=given(tags) | {"ec2:CreateAction": action})
        for kind, tags in specs.items()
    ]


def node(params, tags):
    profile = params.get("IamInstanceProfile.Name")
    return given(tags) | {
        "ec2:InstanceType": params["InstanceType"],
        "ec2:MetadataHttpTokens": params.get("MetadataOptions.HttpTokens"),
        "ec2:MetadataHttpPutResponseHopLimit": params.get("MetadataOptions.HttpPutResponseHopLimit"),
        "ec2:InstanceProfile": profile and f"arn:aws:iam::{ACCOUNT}:instance-profile/{profile}",
    }


def interfaces(params):
    listed = numbered(params, "NetworkInterface")
    groups = numbered(params, "SecurityGroupId")
    return listed or [{"SubnetId": params["SubnetId"], **{f"SecurityGroupId.{i}": g for i, g in enumerate(groups, 1)}}]


def launch_interface(world, face, tags):
    public = face.get("AssociatePublicIpAddress")  # not said: the subnet says
    subnet = face["SubnetId"]
    keys = {"ec2:AssociatePublicIpAddress": public, "ec2:Subnet": ec2(f"subnet/{subnet}"), "ec2:Vpc": world.vpc(subnet)}
    yield check("ec2:RunInstances", ec2(f"network-interface/eni-{NEW}"), keys=given(tags) | keys)
    keys = {"ec2:SubnetID": subnet, "ec2:Vpc": world.vpc(subnet)}
    yield check("ec2:RunInstances", ec2(f"subnet/{subnet}"), keys=keys)
    for group in numbered(face, "SecurityGroupId"):
        keys = world.carried(group) | {"ec2:SecurityGroupID": group, "ec2:Vpc": world.vpc(group)}
        yield check("ec2:RunInstances", ec2(f"security-group/{group}"), keys=keys)


def launch_volume(disk, tags):
    keys = {
        "ec2:Encrypted": disk.get("Ebs.Encrypted", "false"),
        "ec2:VolumeSize": disk.get("Ebs.VolumeSize"),
        "ec2:VolumeType": disk.get("Ebs.VolumeType"),
    }
    yield check("ec2:RunInstances", ec2(f"volume/vol-{NEW}"), keys=given(tags) | keys)
    if "Ebs.SnapshotId" in disk:
        yield check("ec2:RunInstances", f"arn:aws:ec2:{REGION}::snapshot/{disk['Ebs.SnapshotId']}")
    for use in KEY_USES if "Ebs.KmsKeyId" in disk else ():
        grant = {"kms:GrantIsForAWSResource": "true"} if use == "CreateGrant" else {}
        yield check(f"kms:{use}", disk["Ebs.KmsKeyId"], keys={"kms:ViaService": f"ec2.{REGION}.amazonaws.com"} | grant)


def pass_role(profile, to="ec2.amazonaws.com"):
    return check("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{profile}", keys={"iam:PassedToService": to})


def run_instances(world, params):
    specs, image = tag_specs(params), params["ImageId"]
    keys = {"ec2:ImageID": image, "ec2:Owner": world.owners.get(image, "999999999999"), "ec2:ImageType": "machine"}
    yield check("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/{image}", keys=keys)
    yield check("ec2:RunInstances", ec2(f"instance/i-{NEW}"), keys=node(params, specs.get("instance", {})))
    for face in interfaces(params):
        yield from launch_interface(world, face, specs.get("network-interface", {}))
    for disk in numbered(params, "BlockDeviceMapping"):
        yield from launch_volume(disk, specs.get("volume", {}))
    if "KeyName" in params:
        yield check(
            "ec2:RunInstances", ec2(f"key-pair/{params['KeyName']}"), keys={"ec2:KeyPairName": params["KeyName"]}
        )
    if "LaunchTemplate.LaunchTemplateId" in params:
        yield check("ec2:RunInstances", ec2(f"launch-template/{params['LaunchTemplate.LaunchTemplateId']}"))
    yield from create_tags(specs, "RunInstances")
    if "IamInstanceProfile.Name" in params:
        yield pass_role(params["IamInstanceProfile.Name"])


def create_group(world, params):
    specs = tag_specs(params)
    yield check("ec2:CreateSecurityGroup", ec2(f"security-group/sg-{NEW}"), keys=given(specs.get("security-group", {})))
    yield check("ec2:CreateSecurityGroup", ec2(f"vpc/{params['VpcId']}"), keys={"ec2:VpcID": params["VpcId"]})
    yield from create_tags(specs, "CreateSecurityGroup")


def on_group(world, params, action):
    group = params["GroupId"]
    keys = world.carried(group) | {"ec2:SecurityGroupID": group, "ec2:Vpc": world.vpc(group)}
    yield check(f"ec2:{action}", ec2(f"security-group/{group}"), keys=keys)


def on_instances(world, params, action):
    for instance in numbered(params, "InstanceId"):
        yield check(f"ec2:{action}", ec2(f"instance/{instance}"), keys=world.carried(instance))


def modify(world, params, action):
    """EC2 tells IAM the one attribute that is changed, and its new value under a key of its own."""
    instance = params["InstanceId"]
    (name, value) = next((n.removesuffix(".Value"), v) for n, v in params.items() if n.endswith(".Value"))
    keys = world.carried(instance) | {"ec2:Attribute": name, f"ec2:Attribute/{name}": value}
    yield check(f"ec2:{action}", ec2(f"instance/{instance}"), keys=keys)


def on_volume(world, params, action):
    volume = params["VolumeId"]
    yield check(f"ec2:{action}", ec2(f"volume/{volume}"), keys=world.carried(volume) | {"ec2:VolumeID": volume})


def attach(world, params, action):
    yield from on_volume(world, params, action)
    yield check(f"ec2:{action}", ec2(f"instance/{params['InstanceId']}"), keys=world.carried(params["InstanceId"]))


def retag(world, params, action):
    """Tags set later, on what is there: no call creates anything."""
    for resource in numbered(params, "ResourceId"):
        kind = {"i": "instance", "sg": "security-group", "vol": "volume"}[resource.split("-")[0]]
        keys = given(tags_of(params, "Tag")) | world.carried(resource)
        yield check(f"ec2:{action}", ec2(f"{kind}/{resource}"), keys=keys)


def made_by_elb(action, arn, tags, **keys):
    yield check(f"elasticloadbalancing:{action}", arn, keys=given(tags) | keys)
    yield from add_tags(arn, tags, action)


def add_tags(arn, tags, action):
    if tags:
        created = {"elasticloadbalancing:CreateAction": action}
        yield check("elasticloadbalancing:AddTags", arn, keys=given(tags) | created)


def create_balancer(world, params):
    kind = {"network": "net", "gateway": "gwy"}.get(params.get("Type"), "app")
    arn = elb(f"loadbalancer/{kind}/{params['Name']}/{NEW}")
    keys = {
        "elasticloadbalancing:Scheme": params.get("Scheme", "internet-facing"),
        "elasticloadbalancing:Subnet": numbered(params, "Subnets.member") or None,
    }
    yield from made_by_elb("CreateLoadBalancer", arn, tags_of(params, "Tags.member"), **keys)
    yield linked_role("elasticloadbalancing.amazonaws.com", BALANCER_ROLE)
    for look in LOOKS:
        yield check(f"ec2:Describe{look}", "*")


def linked_role(service, path):
    return check(
        "iam:CreateServiceLinkedRole", f"arn:aws:iam::{ACCOUNT}:role/{path}", keys={"iam:AWSServiceName": service}
    )


def create_target_group(world, params):
    yield from made_by_elb(
        "CreateTargetGroup", elb(f"targetgroup/{params['Name']}/{NEW}"), tags_of(params, "Tags.member")
    )
    yield check("ec2:DescribeInternetGateways", "*")
    yield check("ec2:DescribeVpcs", "*")


def create_listener(world, params):
    balancer, tags = params["LoadBalancerArn"], tags_of(params, "Tags.member")
    yield check("elasticloadbalancing:CreateListener", balancer, keys=given(tags) | world.carried(balancer))
    yield from add_tags(balancer.replace("loadbalancer/", "listener/") + f"/{NEW}", tags, "CreateListener")


def retag_by_elb(world, params, action):
    keys = numbered(params, "TagKeys.member")
    asked = given(tags_of(params, "Tags.member")) | ({"aws:TagKeys": keys} if keys else {})
    for arn in numbered(params, "ResourceArns.member"):
        yield check(f"elasticloadbalancing:{action}", arn, keys=asked | world.carried(arn))


def on_arn(world, params, action):
    names = ("TargetGroupArn", "ListenerArn", "LoadBalancerArn")
    arn = next(params[n] for n in names if n in params)
    yield check(f"elasticloadbalancing:{action}", arn, keys=world.carried(arn))


MAKES = {
    "RunInstances": run_instances,
    "CreateSecurityGroup": create_group,
    "CreateLoadBalancer": create_balancer,
    "CreateTargetGroup": create_target_group,
    "CreateListener": create_listener,
}
CHANGES = {
    "TerminateInstances": on_instances,
    "StopInstances": on_instances,
    "StartInstances": on_instances,
    "RebootInstances": on_instances,
    "ModifyInstanceAttribute": modify,
    "ModifyVolume": on_volume,
    "AttachVolume": attach,
    "CreateTags": retag,
    "DeleteTags": retag,
}
CHANGES |= {"AddTags": retag_by_elb, "RemoveTags": retag_by_elb}


def checks_of(world, call):
    """All that IAM is asked about one call; every answer must be yes."""
    service, action, params = call["service"], call["action"], call["params"]
    if action in MAKES:
        return list(MAKES[action](world, params))
    if service == "elasticloadbalancing" and action not in CHANGES:
        return list(on_arn(world, params, action))
    return list(CHANGES.get(action, on_group)(world, params, action))
