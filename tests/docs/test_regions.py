"""The regions, partitions and hosts that the agent knows (agent/aws/region.c, agent/aws/aws.c) are those that AWS publishes to its
SDKs."""

import functools
import json
import pathlib
import re
import subprocess

import botocore
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader

from tests.vendor.cli import sts_urls

REPO = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(botocore.__file__).parent / "data"
RULES_OF = {"ec2": "ec2", "sts": "sts", "elasticloadbalancing": "elbv2", "s3": "s3"}


@functools.cache
def published(name):
    return json.loads((DATA / name).read_text())["partitions"]


def table(name):
    """The texts of a table of region.c, in the order in which they stand."""
    source = (REPO / "agent/aws/region.c").read_text().split(f"{name}[] = {{")[1].split("};")[0]
    return re.findall(r'"([^"]*)"', source)


def our_partitions():
    cells = table("partitions")
    return {name: rest for name, *rest in zip(*[iter(cells)] * 4, strict=True)}


def regions_of(partition):
    return {r for r in partition["regions"] if not r.endswith("-global")}


def test_every_region_that_the_sdks_of_aws_know_is_on_the_agents_list_and_no_other():
    ours = table("published")
    theirs = {region for partition in published("endpoints.json") for region in partition["regions"]}
    assert set(ours) == theirs and len(ours) == len(theirs)


def test_every_partition_is_on_the_agents_list_with_both_suffixes_and_no_other():
    ours = our_partitions()
    assert set(ours) == {p["id"] for p in published("partitions.json")}
    for p in published("partitions.json"):
        prefix, suffix, dual_suffix = ours[p["id"]]
        assert (suffix, dual_suffix) == (p["outputs"]["dnsSuffix"], p["outputs"]["dualStackDnsSuffix"]), p["id"]
        assert p["outputs"]["supportsDualStack"] is True
        # The prefix says the same as AWS's own pattern does.
        assert p["regionRegex"].replace("\\", "").startswith(f"^{prefix}")
        assert all(r.startswith(prefix) and re.match(p["regionRegex"], r) for r in regions_of(p))
    suffixes = {p["partition"]: p["dnsSuffix"] for p in published("endpoints.json")}
    assert suffixes == {name: suffix for name, (_, suffix, _) in ours.items()}


@functools.cache
def rules(service):
    loader = Loader()
    found = loader.load_service_model(RULES_OF[service], "endpoint-rule-set-1")
    return EndpointProvider(found, loader.load_data("partitions"))


def their_host(service, region, is_dual):
    asked = {"Region": region, "UseFIPS": False, "UseDualStack": is_dual}
    return rules(service).resolve_endpoint(**asked).url.removeprefix("https://")


@pytest.fixture(scope="module")
def ours():
    """{(region, service): (partition, usual host, dual-stack host)} as the agent makes them."""
    regions = sorted(r for p in published("partitions.json") for r in regions_of(p))
    run = subprocess.run([REPO / "build/tests/tools/aws_hosts", *regions], capture_output=True, text=True, check=True)
    lines = [line.split() for line in run.stdout.splitlines()]
    assert {line[0] for line in lines} == set(regions)
    return {(region, service): rest for region, partition, service, *rest in lines for rest in [(partition, *rest)]}


def test_each_region_is_of_the_partition_that_aws_counts_it_to(ours):
    theirs = {r: p["id"] for p in published("partitions.json") for r in regions_of(p)}
    assert {region: partition for (region, _), (partition, _, _) in ours.items()} == theirs


@pytest.mark.parametrize("service", RULES_OF)
def test_each_host_usual_and_dual_stack_is_the_one_that_the_endpoint_rules_of_the_service_name(ours, service):
    wrong = []
    for (region, of), (_, usual, dual) in ours.items():
        theirs = (their_host(service, region, False), their_host(service, region, True))
        if of == service and (usual, dual) != theirs:
            wrong.append((region, usual, dual, *theirs))
    assert wrong == []


def test_the_reference_plane_knows_both_names_of_each_regions_sts_and_the_wire_shows_them(ours):
    wire = (REPO / "docs/wire.md").read_text()
    for (region, service), (_, usual, dual) in ours.items():
        if service == "sts":
            assert list(sts_urls([f"{region}=http://127.0.0.1:1"])) == [usual, dual]
            row = "| `{}` | `{}` |".format(*(h.replace(region, "<region>") for h in (usual, dual)))
            assert row in wire, region
    with pytest.raises(ValueError, match="not REGION or REGION=URL"):
        sts_urls(["us-east-1=ftp://host"])


@pytest.mark.parametrize("folder", ["agent", "deploy", "collectors", "shippers"])
def test_no_arn_of_the_source_or_of_a_template_names_the_commercial_partition(folder):
    """But in a comment, and where it shows a person what an ARN looks like."""
    shown = {"the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID)", "arn:aws:iam::123456789012:role/velodb-role-"}
    found = []
    for path in sorted((REPO / folder).rglob("*")):
        if path.suffix not in (".c", ".h", ".json", ".yaml", ".sh", ".py"):
            continue
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        lines = [line for line in text.splitlines() if "arn:aws:" in line and not any(s in line for s in shown)]
        found += [f"{path.relative_to(REPO)}: {line.strip()}" for line in lines]
    assert found == []
