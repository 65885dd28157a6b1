"""Volumes of a warehouse that stands, by the real binary against moto behind the fault proxy.

moto changes a volume at once, shows every change that there was, makes any of them smaller and counts none: what takes its time
and what EC2 refuses is proved in the simulation (tests/unit/ops/test_volume_life.c) or said by the proxy."""

import subprocess

from tests.peers import process


def data_volumes(stage, warehouse):
    nodes = [i["InstanceId"] for i in warehouse.nodes()]
    found = stage.reader("ec2").describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": nodes}])[
        "Volumes"
    ]
    return [v for v in found if v["Attachments"][0]["Device"] == "/dev/sdf"]


def status(stage):
    command = [stage.binary, "status", "-c", stage.config]
    return " ".join(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())


def disk(size_gib, **more):
    return {"volumes": [{"device": "/dev/sdf", "size_gib": size_gib, "type": "gp3"} | more]}


def grown(warehouse, size_gib, nodes=2):
    return warehouse.apply(nodes=nodes, cluster=disk(size_gib))


def test_a_larger_volume_is_grown_where_it_stands(stage, warehouse):
    assert warehouse.result(warehouse.apply(nodes=2))["state"] == "SUCCEEDED"
    nodes = {i["InstanceId"] for i in warehouse.nodes()}
    command = grown(warehouse, 200)
    result = warehouse.result(command)
    assert result["state"] == "SUCCEEDED"
    assert result["note"] == "file system growth unverified"
    assert [v["Size"] for v in data_volumes(stage, warehouse)] == [200, 200]
    assert len(warehouse.calls(command)) == len(warehouse.calls(command, "ModifyVolume")) == 2
    assert {i["InstanceId"] for i in warehouse.nodes()} == nodes
    again = grown(warehouse, 200)
    assert warehouse.result(again)["state"] == "SUCCEEDED"
    assert warehouse.calls(again) == []


def test_the_plan_says_from_and_to(stage, warehouse):
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    command = warehouse.apply("--mode", "plan", nodes=1, cluster=disk(200))
    assert "grow 100 -> 200 GiB" in warehouse.result(command)["result"]["plan_text"]
    shown = subprocess.run(
        [stage.binary, "plan", "show", command, "-c", stage.config], capture_output=True, check=False, text=True
    )
    assert "grow 100 -> 200 GiB" in shown.stdout
    assert [v["Size"] for v in data_volumes(stage, warehouse)] == [100]


def test_a_change_whose_answer_is_lost_is_found_and_not_made_twice(stage, warehouse):
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    stage.rules({"match": {"action": "ModifyVolume"}, "times": 1, "do": "reset-after"})
    command = grown(warehouse, 200, nodes=1)
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert len(warehouse.calls(command, "ModifyVolume")) == 1


def test_a_smaller_volume_is_refused(stage, warehouse):
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    command = grown(warehouse, 50, nodes=1)
    result = warehouse.result(command)
    assert result["state"] == "FAILED"
    assert "a volume never shrinks; ask for size_gib 100 or more" in result["error"]["message"]
    assert warehouse.calls(command) == []


def test_more_than_the_policy_allows_is_denied(warehouse):
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    result = warehouse.result(grown(warehouse, 201, nodes=1))
    assert result["state"] == "DENIED"
    assert "volume_gib" in result["error"]["message"]


def test_ec2s_own_word_on_too_many_changes_ends_it(stage, warehouse):
    """AWS shows the newest change alone: of others that somebody else has made the plan knows nothing."""
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    says = "You've reached the maximum modification rate per volume limit. Next modification is possible at 09:30."
    stage.rules(
        {
            "match": {"action": "ModifyVolume"},
            "do": "error",
            "status": 400,
            "code": "VolumeModificationRateExceeded",
            "message": says,
        }
    )
    command = grown(warehouse, 200, nodes=1)
    result = warehouse.result(command)
    assert result["state"] == "FAILED"
    assert (result["error"]["class"], result["error"]["aws_code"]) == ("QUOTA", "VolumeModificationRateExceeded")
    assert says in result["error"]["message"]
    assert len(warehouse.calls(command, "ModifyVolume")) == 1, "it is no throttling"


def test_a_fifth_change_of_a_day_is_refused_before_it_is_asked_for(warehouse):
    """moto shows every change and has no limit: that the newest alone is enough is seen in unit/ops/test_volume_life.c."""
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    for size in (101, 102, 103, 104):
        assert warehouse.result(grown(warehouse, size, nodes=1))["state"] == "SUCCEEDED"
    command = grown(warehouse, 105, nodes=1)
    result = warehouse.result(command)
    assert result["state"] == "FAILED"
    assert "was changed 4 times within 24 hours, and EC2 takes no more; another change is possible from " in str(result)
    assert warehouse.calls(command) == []


def test_a_kept_volume_outlives_its_node_and_the_warehouse(stage, warehouse):
    kept = {"volumes": [disk(100)["volumes"][0] | {"keep": True}]}
    assert warehouse.result(warehouse.apply(nodes=2, cluster=kept))["state"] == "SUCCEEDED"
    volumes = {v["VolumeId"] for v in data_volumes(stage, warehouse)}
    plan = warehouse.result(warehouse.apply("--mode", "plan", nodes=1, cluster=kept))["result"]["plan_text"]
    assert ", keeps vol-" in plan and "HIGH RISK" not in plan
    result = warehouse.result(warehouse.apply(nodes=1, cluster=kept))
    assert result["state"] == "SUCCEEDED", "nothing is lost, so one key is enough"
    told = f"{warehouse.id}: 1 volume that no node has: reeve inventory"
    process.wait_for(lambda: told in status(stage), 60, "the orphan in reeve status")
    result = warehouse.result(warehouse.delete(*warehouse.both_keys()))
    assert result["state"] == "SUCCEEDED"
    assert volumes <= {r["id"] for r in result["result"]["preserved"]}
    left = stage.reader("ec2").describe_volumes(VolumeIds=sorted(volumes))["Volumes"]
    assert {v["State"] for v in left} == {"available"}


def test_a_kept_volume_goes_to_the_node_that_comes_next(stage, warehouse):
    kept = {"volumes": [disk(100)["volumes"][0] | {"keep": True}]}
    assert warehouse.result(warehouse.apply(nodes=2, cluster=kept))["state"] == "SUCCEEDED"
    before = {v["VolumeId"]: v["Attachments"][0]["InstanceId"] for v in data_volumes(stage, warehouse)}
    assert warehouse.result(warehouse.apply(nodes=1, cluster=kept))["state"] == "SUCCEEDED"
    (stays,) = (i["InstanceId"] for i in warehouse.nodes())
    (left,) = (v for v, node in before.items() if node != stays)
    plan = warehouse.result(warehouse.apply("--mode", "plan", nodes=3, cluster=kept))["result"]["plan_text"]
    assert f"~ attach {left} to a new node of" in plan
    assert "HIGH RISK" not in plan
    command = warehouse.apply(nodes=3, cluster=kept)
    result = warehouse.result(command)
    assert result["state"] == "SUCCEEDED", result
    assert [r["id"] for r in result["result"]["modified"]] == [left]
    assert len(warehouse.calls(command, "AttachVolume")) == 1
    after = {v["VolumeId"]: v["Attachments"][0] for v in data_volumes(stage, warehouse)}
    assert len(after) == 3, "one each"
    assert after[left]["InstanceId"] not in before.values()
    assert not after[left].get("DeleteOnTermination"), "moto does not tell"
    again = warehouse.apply(nodes=3, cluster=kept)
    assert warehouse.result(again)["state"] == "SUCCEEDED"
    assert warehouse.calls(again) == []


def test_a_lost_attachment_is_made_once(stage, warehouse):
    kept = {"volumes": [disk(100)["volumes"][0] | {"keep": True}]}
    assert warehouse.result(warehouse.apply(nodes=1, cluster=kept))["state"] == "SUCCEEDED"
    (volume,) = (v["VolumeId"] for v in data_volumes(stage, warehouse))
    assert warehouse.result(warehouse.delete(*warehouse.both_keys()))["state"] == "SUCCEEDED"
    stage.rules({"match": {"action": "AttachVolume"}, "times": 1, "do": "reset-after"})
    command = warehouse.apply(nodes=1, cluster=kept)
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert len(warehouse.calls(command, "AttachVolume")) == 1
    assert [v["VolumeId"] for v in data_volumes(stage, warehouse)] == [volume]
