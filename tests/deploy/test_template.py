"""The CloudFormation template: clean, no wider than the code, and made whole by an AWS that is not ours."""

import base64
import contextlib
import json
import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from cfnlint.decode import cfn_yaml

from tests.deploy.resolve import PSEUDO, Resolver, policies

REPO = pathlib.Path(__file__).parents[2]
TEMPLATE = REPO / "deploy/cloudformation/reeve.yaml"
USER_DATA_MAX = 16_384
KEY = "A" * 43 + "="
DEBIAN = "/aws/service/debian/release/12/latest/amd64"
POWERS = ["launch", "delete", "groups", "balancers", "tags", "power", "volumes"]
IMAGE = "/images/debian-12"  # in its place: moto has no parameters of Debian's, and lets nobody make one of that name


@pytest.fixture(scope="module")
def template():
    return cfn_yaml.load(str(TEMPLATE))


@contextlib.contextmanager
def stack_in(moto, installation, **more):
    """A stack of the template in a network that the customer had before."""
    ec2 = moto.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    moto.client("ssm").put_parameter(Name=IMAGE, Value=image, Type="String", Overwrite=True)
    given = {
        "Installation": installation,
        "Vendor": "velodb",
        "VendorUrl": "https://control.velodb.example",
        "CommandKey": KEY,
        "ReleaseKey": KEY,
        "HeadKey": KEY,
        "PackageBucket": "velodb-packages",
        "PackageFolder": "reeve",
        "PackageVersion": "0.1.0",
        "PackageSha256": "0" * 64,
        "PackageSigner": KEY,
        "VpcId": vpc,
        "SubnetIds": subnet,
        "RouteTableIds": table,
        "VendorService": "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
    }
    parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in (given | LISTS | more).items()]
    cloud, name = moto.client("cloudformation"), f"reeve-{installation}"
    cloud.create_stack(
        StackName=name,
        TemplateBody=TEMPLATE.read_text().replace(DEBIAN, IMAGE),
        Parameters=parameters,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    made = cloud.describe_stacks(StackName=name)["Stacks"][0]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}
    yield {"vpc": vpc, "status": made["StackStatus"], "outputs": outputs}
    cloud.delete_stack(StackName=name)


@pytest.fixture(scope="module")
def stack(moto):
    with stack_in(moto, "inst-9") as made:
        yield made


def plain(value):
    """!Sub and other short forms as the loader gives them, back to what a document says."""
    if isinstance(value, dict):
        return value["Fn::Sub"] if list(value) == ["Fn::Sub"] else {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def test_cfn_lint_has_nothing_to_say():
    done = subprocess.run(
        [pathlib.Path(sys.executable).with_name("cfn-lint"), TEMPLATE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


NAMES = {"Vendor": "velodb", "Installation": "inst-9", "VpcId": "vpc-0a"}
LISTS = {
    "NodeTypes": "m6i.large, r6i.xlarge",
    "NodeImages": "ami-0a,ami-0b",
    "NodeImageOwners": "amazon, 210987654321",
    "NodeSubnets": "subnet-0a, subnet-0b",
    "NodeKmsKeys": "arn:aws:kms:us-east-1:123456789012:key/k-1",
    "NodeTagKeys": "sdb-*, team",
}
POLICY = """
commands: {warehouse.apply: approve, warehouse.delete: approve}
bounds:
  instance_types: [m6i.large, r6i.xlarge]
  images: [ami-0a, ami-0b, owner:amazon, "owner:210987654321"]
  subnets: [subnet-0a, subnet-0b]
  instance_profiles: [velodb-role-inst-9-node]
  kms_keys: ["arn:aws:kms:us-east-1:123456789012:key/k-1"]
  tag_keys: [sdb-*, team]
  warehouses: [wh-1]
  nodes_per_cluster: 1
  nodes_total: 1
  balancers: 1
  volumes_per_node: 1
  volume_gib: 1
"""


def printed(*args):
    return subprocess.run([REPO / "build/reeve", "iam", *args], capture_output=True, text=True, check=True).stdout


def filled(text):
    for name, value in (PSEUDO | NAMES).items():
        text = text.replace("${" + name + "}", value)
    return json.loads(text)


def exact(documents):
    """Where CloudFormation could only join with literals, `*` stands for what it cannot name."""
    text = json.dumps(documents).replace("arn:*:ec2:*:*:", "arn:aws:ec2:us-east-1:123456789012:")
    return json.loads(text.replace("arn:*:ec2:*::", "arn:aws:ec2:us-east-1::"))


def one_or_many(value):
    """A list of one is as good as that one."""
    if isinstance(value, dict):
        return {k: one_or_many(v) for k, v in value.items()}
    if isinstance(value, list):
        return one_or_many(value[0]) if len(value) == 1 else [one_or_many(v) for v in value]
    return value


def test_the_documents_beside_the_stack_are_what_the_agent_prints():
    assert printed("agent") == (REPO / "deploy/iam/agent.json").read_text()
    for power in POWERS:
        assert printed("operate", power) == (REPO / f"deploy/iam/{power}.json").read_text()
    assert list(json.loads(printed("operate"))) == POWERS


def test_the_instance_role_holds_the_document_that_the_agent_prints(template):
    held = policies(template, "InstanceRole", **NAMES, PackageBucket="b", PackageFolder="f")
    assert held["agent"] == filled(printed("agent"))


def test_the_operate_role_holds_what_a_policy_of_the_same_bounds_leaves(template, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    want = filled(printed("operate", "--policy", tmp_path / "policy.yaml", "--vpc", "vpc-0a"))
    have = exact(policies(template, "OperateRole", **NAMES, **LISTS))
    assert one_or_many(have) == one_or_many(want)


def statement(documents, power, sid):
    return next((s for s in documents[power]["Statement"] if s["Sid"] == sid), None)


def test_an_empty_parameter_allows_nothing(template):
    empty = policies(template, "OperateRole", **NAMES, **dict.fromkeys(LISTS, ""))
    assert statement(empty, "launch", "Key") is None
    assert statement(empty, "launch", "Image")["Resource"] == ["arn:*:ec2:*::image/"]
    assert statement(empty, "launch", "InSubnet")["Resource"] == ["arn:*:ec2:*:*:subnet/"]
    assert statement(empty, "launch", "ImageOf")["Condition"]["StringEquals"]["ec2:Owner"] == [""]
    subnets = statement(empty, "balancers", "Balancer")["Condition"]["ForAllValues:StringEquals"]
    assert subnets == {"elasticloadbalancing:Subnet": [""]}


def test_the_policies_of_the_operate_role_fit(template):
    documents = policies(template, "OperateRole", **NAMES, **LISTS)
    sizes = [len(json.dumps(d, separators=(",", ":"))) for d in documents.values()]
    assert max(sizes) <= 5120  # a managed policy has 6,144
    assert len(sizes) <= 10  # managed policies of a role


def test_the_places_in_the_template_are_filled():
    made = subprocess.run([REPO / "build/tests/tools/iam_print", "stack"], capture_output=True, check=True).stdout
    fill = [sys.executable, REPO / "deploy/cloudformation/fill.py", "--check"]
    assert subprocess.run(fill, input=made, check=False).returncode == 0


def test_the_operate_role_has_one_policy_a_power_and_no_other(template):
    role = template["Resources"]["OperateRole"]["Properties"]
    attached = [template["Resources"][arn["Ref"]]["Properties"] for arn in role["ManagedPolicyArns"]]
    names = {
        p["ManagedPolicyName"]["Fn::Sub"].removeprefix("${Vendor}-role-${Installation}-operate-") for p in attached
    }
    assert names == set(POWERS)
    assert "Policies" not in role


def test_the_operate_role_trusts_the_instance_role_alone(template):
    role = template["Resources"]["OperateRole"]["Properties"]
    (statement,) = plain(role["AssumeRolePolicyDocument"])["Statement"]
    assert statement["Principal"] == {"AWS": {"Fn::GetAtt": ["InstanceRole", "Arn"]}}
    assert statement["Action"] == ["sts:AssumeRole", "sts:SetSourceIdentity"]
    assert statement["Condition"] == {
        "Null": {"sts:SourceIdentity": "false"}
    }  # a session without a command's id is refused
    assert role["MaxSessionDuration"] == 3600


def test_the_instance_role_changes_nothing(template):
    for policy in template["Resources"]["InstanceRole"]["Properties"]["Policies"]:
        for statement in plain(policy["PolicyDocument"])["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert all(re.match(r"\w+:Describe|sts:(AssumeRole|SetSourceIdentity)$|s3:GetObject$", a) for a in actions)


def test_the_operate_role_cannot_touch_the_agents_own_machine(template):
    data = template["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    assert all(t["Key"] == "Name" for s in data["TagSpecifications"] for t in s["Tags"])


def test_the_machine_keeps_its_promises(template):
    data = template["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert data["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is False
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert data["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert "KeyName" not in data
    group = template["Resources"]["SecurityGroup"]["Properties"]
    assert "SecurityGroupIngress" not in group  # nothing listens beyond the machine
    ways_out = [(r["FromPort"], r.get("CidrIp") or r.get("CidrIpv6")) for r in group["SecurityGroupEgress"]]
    assert ways_out == [(443, "0.0.0.0/0"), (443, "::/0")]


@pytest.mark.parametrize("resource", ["ProxyEgress", "ProxyEgressIpv6"])
@pytest.mark.parametrize(("proxy", "port"), [("http://proxy.example.net:3128", "3128"), ("", "0")])
def test_a_proxy_opens_its_port_and_nothing_else_does(template, resource, proxy, port):
    rule = template["Resources"][resource]
    have = Resolver(template, {"VendorProxy": proxy}).of(rule["Properties"])
    assert (rule["Condition"], have["FromPort"], have["ToPort"]) == ("NeedsProxyPort", port, port)


@pytest.mark.parametrize(
    ("proxy", "needs"),
    [("http://p.example:3128", True), ("http://p.example:443", False), ("http://p.example:4430", True), ("", False)],
)
def test_a_proxy_on_a_port_that_is_open_already_needs_no_rule(template, proxy, needs):
    assert Resolver(template, {"VendorProxy": proxy}).of(template["Conditions"]["NeedsProxyPort"]) is needs


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://control.velodb.example", True),
        ("https://control.velodb.example:8443", False),
        ("http://c.example", False),
    ],
)
def test_the_vendor_is_at_the_port_that_the_machine_may_go_out_by(template, url, is_good):
    pattern = template["Parameters"]["VendorUrl"]["AllowedPattern"]
    assert (re.fullmatch(pattern, url) is not None) is is_good


# ---- the endpoints, whose private names hold in the whole VPC ----


def callers(moto, group):
    """Who may call at port 443 of that group: groups, and CIDRs."""
    (found,) = moto.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert {(r["FromPort"], r["ToPort"]) for r in found["IpPermissions"]} == {(443, 443)}
    pairs = [p["GroupId"] for r in found["IpPermissions"] for p in r["UserIdGroupPairs"]]
    return {*pairs, *(c["CidrIp"] for r in found["IpPermissions"] for c in r["IpRanges"])}


def test_every_endpoint_is_in_a_group_of_its_own_that_the_agent_may_call(moto, stack):
    mine, theirs = stack["outputs"]["SecurityGroup"], stack["outputs"]["EndpointGroup"]
    assert mine != theirs and callers(moto, theirs) == {mine}
    made = moto.client("ec2").describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [stack["vpc"]]}])
    groups = [g["GroupId"] for e in made["VpcEndpoints"] for g in e.get("Groups", [])]
    assert set(groups) <= {theirs}
    (own,) = moto.client("ec2").describe_security_groups(GroupIds=[mine])["SecurityGroups"]
    assert own["IpPermissions"] == []


def test_a_second_installation_in_a_vpc_is_let_into_the_endpoints_of_the_first(moto, stack):
    theirs = stack["outputs"]["EndpointGroup"]
    more = {"Endpoints": "existing", "VendorService": "", "EndpointGroup": theirs, "RouteTableIds": ""}
    with stack_in(moto, "inst-2nd", **more) as second:
        assert second["status"] == "CREATE_COMPLETE"
        assert callers(moto, theirs) == {stack["outputs"]["SecurityGroup"], second["outputs"]["SecurityGroup"]}


def test_others_in_the_vpc_are_let_in_where_the_customer_names_them(moto):
    with stack_in(moto, "inst-others", EndpointClients="10.0.0.0/16") as made:
        outputs = made["outputs"]
        assert callers(moto, outputs["EndpointGroup"]) == {outputs["SecurityGroup"], "10.0.0.0/16"}


# What the template's services are called where they have another name, as aws-cdk lists it (vpc-endpoint.ts, VPC_ENDPOINT_SERVICE_
# EXCEPTIONS of 2026). Regions of a partition differ, and S3's gateway, elasticloadbalancing and the newer partitions are in no list.
PREFIXES = {
    ("Ec2Endpoint", "cn-north-1"): "cn.com.amazonaws",
    ("Ec2Endpoint", "cn-northwest-1"): "cn.com.amazonaws",
    ("Ec2Endpoint", "us-iso-east-1"): "gov.ic.c2s",
    ("Ec2Endpoint", "us-iso-west-1"): "gov.ic.c2s",
    ("Ec2Endpoint", "us-isob-east-1"): "gov.sgov.sc2s",
    ("StsEndpoint", "cn-north-1"): "cn.com.amazonaws",
    ("StsEndpoint", "cn-northwest-1"): "cn.com.amazonaws",
}
SERVICES = {"Ec2Endpoint": "ec2", "StsEndpoint": "sts", "ElbEndpoint": "elasticloadbalancing", "S3Endpoint": "s3"}
REGIONS = {
    "us-east-1": "aws",
    "us-gov-west-1": "aws-us-gov",
    "cn-north-1": "aws-cn",
    "cn-northwest-1": "aws-cn",
    "us-iso-east-1": "aws-iso",
    "us-iso-west-1": "aws-iso",
    "us-isob-east-1": "aws-iso-b",
    "us-isob-west-1": "aws-iso-b",
    "us-isof-south-1": "aws-iso-f",
    "us-isof-east-1": "aws-iso-f",
    "eu-isoe-west-1": "aws-iso-e",
    "eusc-de-east-1": "aws-eusc",
}


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("resource", SERVICES)
def test_an_endpoint_service_has_the_name_that_it_has_in_its_region(template, resource, region):
    there = Resolver(template, {"AWS::Region": region, "AWS::Partition": REGIONS[region]})
    have = there.of(template["Resources"][resource]["Properties"]["ServiceName"])
    prefix = PREFIXES.get((resource, region), "com.amazonaws")
    assert have == f"{prefix}.{region}.{SERVICES[resource]}"


def test_every_endpoint_is_of_a_service_whose_names_are_known(template):
    made = {name for name, r in template["Resources"].items() if r["Type"] == "AWS::EC2::VPCEndpoint"}
    assert made == {*SERVICES, "VendorEndpoint"}


# ---- a subnet without IPv4 ----


@pytest.mark.parametrize("addresses", ["ipv4", "dualstack", "ipv6"])
def test_every_endpoint_has_the_addresses_that_the_subnets_have(template, addresses):
    there = Resolver(template, {"Addresses": addresses})
    made = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::EC2::VPCEndpoint"]
    assert {there.of(p["IpAddressType"]) for p in made} == {addresses}


@pytest.mark.parametrize(("addresses", "waits"), [(None, True), ("ipv4", True), ("dualstack", True), ("ipv6", False)])
def test_a_stack_waits_for_the_agent_only_where_the_agent_can_tell_it(template, addresses, waits):
    given = {"Addresses": addresses} if addresses else {}
    there = Resolver(template, given | {"Ready": "https://handle"})
    for resource in ("Ready", "AgentRuns"):
        assert there.of({"Condition": template["Resources"][resource]["Condition"]}) is waits
    data = template["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    _, values = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert there.of(values["Ready"]) == ("https://handle" if waits else "")


def test_a_stack_in_a_subnet_without_ipv4_is_made_and_its_machine_tells_nobody(moto):
    """moto makes no wait, so what is seen is the handle's place in the user data."""
    with stack_in(moto, "inst-6", Addresses="ipv6") as made:
        assert made["status"] == "CREATE_COMPLETE"
        templates = moto.client("ec2").describe_launch_template_versions(Versions=["$Latest"])["LaunchTemplateVersions"]
        texts = [base64.b64decode(t["LaunchTemplateData"]["UserData"]).decode() for t in templates]
        (text,) = [t for t in texts if "installation: inst-6\n" in t]
        assert '\nready="" base="https://velodb-packages.s3.' in text


def test_what_is_shipped_promises_no_kill_switch_that_is_not_there():
    shipped = [f for f in (TEMPLATE.parents[1]).rglob("*") if f.is_file() and f.suffix not in (".json", ".pyc")]
    assert TEMPLATE in shipped
    assert [f.name for f in shipped if "reeve:mode" in f.read_text()] == []


def test_no_parameter_is_a_secret_and_no_resource_is_a_key(template):
    assert not any(p.get("NoEcho") for p in template["Parameters"].values())
    kinds = {r["Type"] for r in template["Resources"].values()}
    assert not kinds & {"AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::Lambda::Function", "AWS::SecretsManager::Secret"}


def longest(template, name):
    pattern = template["Parameters"][name].get("AllowedPattern", "")
    fixed = re.search(r"\{(?:\d+,)?(\d+)\}=?$", pattern)
    known = {
        "AWS::Region": 20,
        "AWS::AccountId": 12,
        "PackageVersion": 16,
        "PackageBucket": 63,
        "Apply": 9,
        "Delete": 9,
    }
    known |= dict.fromkeys(("NodesPerCluster", "NodesTotal", "VolumeGib"), 10)
    return template["Parameters"][name].get("MaxLength") or known.get(name) or int(fixed[1]) + 1


def test_user_data_fits_with_the_longest_values_of_every_parameter(template):
    """The script and what is set in, together; a parameter without a limit fails here."""
    data = template["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    text, _ = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    own = {"Region": 20, "Account": 12, "Ready": 1000, "PackageBase": 250}
    own |= {"Owners": longest(template, "NodeImageOwners") * 2, "Proxy": longest(template, "VendorProxy") + 7}
    total = len(text.encode())
    for name in re.findall(r"\$\{(\w+)\}", text):
        total += own.get(name) or longest(template, name)
    assert total < USER_DATA_MAX


def test_user_data_is_the_script_without_its_comments(template):
    data = template["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    text, _ = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    first, mark, *lines, end = text.splitlines()
    assert (first, mark, end) == ("#!/bin/bash", "# from userdata.sh", "# end of userdata.sh")
    script = (TEMPLATE.parent / "userdata.sh").read_text().splitlines()
    assert lines == [line for line in script if not line.lstrip().startswith("#")]


def test_the_stack_is_made(moto, stack):
    assert stack["status"] == "CREATE_COMPLETE"
    roles = {r["RoleName"] for r in moto.client("iam").list_roles()["Roles"]}
    assert {"velodb-role-inst-9", "velodb-role-inst-9-operate", "velodb-role-inst-9-node"} <= roles
    assert stack["outputs"]["OperateRole"].endswith(":role/velodb-role-inst-9-operate")
    assert stack["outputs"]["NodeProfile"] == "velodb-role-inst-9-node"


def test_the_group_holds_one_machine(moto, stack):
    groups = moto.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    (group,) = [g for g in groups if g["AutoScalingGroupName"] == stack["outputs"]["AutoScalingGroup"]]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"], len(group["Instances"])) == (0, 1, 1, 1)


def test_the_endpoints_of_a_restricted_network_are_there(moto, stack):
    filters = [{"Name": "vpc-id", "Values": [stack["vpc"]]}]
    found = moto.client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    services = {e["ServiceName"].removeprefix("com.amazonaws.us-east-1.") for e in found}
    assert {"ec2", "sts", "elasticloadbalancing", "s3"} < services
    assert len(services) == 5


def test_the_operate_role_holds_the_generated_documents(moto, template, stack):
    want = policies(template, "OperateRole", **NAMES | LISTS | {"VpcId": stack["vpc"]})
    iam, role = moto.client("iam"), "velodb-role-inst-9-operate"
    made = {
        p["PolicyName"]: p["Arn"] for p in iam.list_policies(Scope="Local")["Policies"]
    }  # moto attaches none to its role
    for power in POWERS:
        version = iam.get_policy_version(PolicyArn=made[f"{role}-{power}"], VersionId="v1")["PolicyVersion"]
        held = version["Document"]
        held = yaml.safe_load(held) if isinstance(held, str) else held  # moto leaves a place for what is NoValue
        assert [s for s in held["Statement"] if isinstance(s, dict) and s] == want[power]["Statement"]
