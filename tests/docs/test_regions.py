"""The regions that the agent knows by name (agent/aws/region.c) are those that AWS publishes to its SDKs."""

import json
import pathlib
import re

import botocore

REPO = pathlib.Path(__file__).resolve().parents[2]


def test_every_region_that_the_sdks_of_aws_know_is_on_the_agents_list_and_no_other():
    endpoints = json.loads((pathlib.Path(botocore.__file__).parent / "data/endpoints.json").read_text())
    source = (REPO / "agent/aws/region.c").read_text().split("published[] = {")[1].split("};")[0]
    ours = re.findall(r'"([^"]+)"', source)
    theirs = {region for partition in endpoints["partitions"] for region in partition["regions"]}
    assert set(ours) == theirs and len(ours) == len(theirs)
