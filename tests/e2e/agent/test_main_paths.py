"""The real binary against moto behind the fault proxy: the main paths, and how each of them fails."""

import base64
import hashlib
import re
import subprocess
import time

import pytest

from tests.e2e.warehouse import policy
from tests.peers import process
from tests.peers.stage import sudo


def held(stage):
    """The policy with the delete_hold that customers have."""
    return policy(stage).replace("delete_hold: 0s", "delete_hold: 24h")


def launches(warehouse, command):
    return [c for c in warehouse.calls(command, "RunInstances") if c["upstream_status"] == 200]


def test_a_throttled_launch_is_repeated_and_launches_once(stage, warehouse):
    stage.rules({"match": {"action": "RunInstances"}, "times": 2, "do": "throttle"})
    command = warehouse.apply(nodes=2)
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert len(warehouse.nodes(alive=False)) == 2
    assert len(launches(warehouse, command)) == 1


def test_too_little_capacity_keeps_what_can_be_had_and_says_short(stage, warehouse):
    stage.rules({"match": {"action": "RunInstances"}, "times": 1, "do": "capacity"})
    command = warehouse.apply(nodes=2)
    result = warehouse.result(command)
    assert result["state"] == "SUCCEEDED"
    assert result["note"] == "short: 1 of 2 nodes in be"
    first, second = warehouse.calls(command, "RunInstances")
    assert (first["params"]["MinCount"], second["params"]["MinCount"]) == ("2", "1")
    assert first["params"]["ClientToken"] != second["params"]["ClientToken"]
    assert len(warehouse.nodes()) == 1


def test_nodes_are_spread_and_fall_back_on_another_zone_where_one_is_full(stage, warehouse):
    a, b = stage.aws["subnet_ids"][:2]
    spread = {"subnet_id": "", "subnet_ids": [a, b]}
    assert warehouse.result(warehouse.apply(nodes=2, cluster=spread))["state"] == "SUCCEEDED"
    assert {i["SubnetId"] for i in warehouse.nodes()} == {a, b}
    stage.rules({"match": {"service": "ec2", "action": "RunInstances"}, "times": 1, "do": "capacity"})
    command = warehouse.apply(nodes=4, cluster=spread)
    result = warehouse.result(command)
    assert result["state"] == "SUCCEEDED"
    assert result["note"] == (
        f"1 nodes of be are r6i.xlarge in {b}: as r6i.xlarge in {a} there was no room for them, or they did not come up"
    )
    tried = [c["params"]["NetworkInterface.1.SubnetId"] for c in warehouse.calls(command, "RunInstances")]
    assert tried == [a, b, b]
    assert sorted(i["SubnetId"] for i in warehouse.nodes()) == sorted([a, b, b, b])


def test_an_atomic_cluster_without_capacity_fails_and_leaves_no_node(stage, warehouse):
    stage.rules({"match": {"action": "RunInstances"}, "do": "capacity"})
    command = warehouse.apply(nodes=2, atomic=True)
    result = warehouse.result(command)
    assert result["state"] == "FAILED"
    assert result["error"]["class"] == "CAPACITY"
    assert result["error"]["aws_code"] == "InsufficientInstanceCapacity"
    assert len(warehouse.calls(command, "RunInstances")) == 1, "HTTP 500 of this code must not be hammered"
    assert warehouse.nodes(alive=False) == []


def test_a_launch_whose_answer_is_lost_is_found_by_its_tags(stage, warehouse):
    stage.rules({"match": {"action": "RunInstances"}, "times": 1, "do": "reset-after"})
    command = warehouse.apply(nodes=2)
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert len(warehouse.nodes(alive=False)) == 2
    assert len(launches(warehouse, command)) == 1


def test_a_call_that_never_arrived_is_made_again(stage, warehouse):
    stage.rules({"match": {"action": "CreateSecurityGroup"}, "times": 1, "do": "reset-before"})
    command = warehouse.apply()
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert len(warehouse.groups()) == 1


def test_expired_keys_are_renewed_and_the_command_goes_on(stage, warehouse):
    old = stage.swap_keys(1)
    stage.rules(expired_keys=[old])
    command = warehouse.apply()
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    refused = {(c["service"], c["status"]) for c in stage.calls(access_key=old) if c["fault"]}
    assert refused & {("ec2", 400), ("sts", 403), ("elasticloadbalancing", 403)}


def test_grow_and_shrink_are_the_same_verb(warehouse):
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    first = {i["InstanceId"] for i in warehouse.nodes()}
    time.sleep(1.1)  # launch times are told in seconds; within one the id decides
    assert warehouse.result(warehouse.apply(nodes=3))["state"] == "SUCCEEDED"
    assert first < {i["InstanceId"] for i in warehouse.nodes()}
    assert warehouse.result(warehouse.apply(*warehouse.both_keys(), nodes=1))["state"] == "SUCCEEDED"
    assert {i["InstanceId"] for i in warehouse.nodes()} == first, "the oldest stays"


def denied_for_want_of_a_key(warehouse, command):
    result = warehouse.result(command)
    return (
        result["state"] == "DENIED"
        and "needs a release signature" in result["error"]["message"]
        and warehouse.calls(command) == []
    )


def test_nodes_with_data_volumes_go_only_with_two_keys(warehouse):
    assert warehouse.result(warehouse.apply(nodes=2))["state"] == "SUCCEEDED"
    plan = warehouse.result(warehouse.apply("--mode", "plan", nodes=1))["result"]["plan_text"]
    assert "with 1 data volume  [HIGH RISK: needs a release signature]" in plan
    assert denied_for_want_of_a_key(warehouse, warehouse.apply(nodes=1))
    assert len(warehouse.nodes()) == 2
    assert warehouse.result(warehouse.apply(*warehouse.both_keys(), nodes=1))["state"] == "SUCCEEDED"
    assert len(warehouse.nodes()) == 1


def test_a_balancer_in_use_goes_only_with_two_keys_also_in_two_commands(warehouse):
    assert warehouse.result(warehouse.apply(shared=warehouse.balancer(9030)))["state"] == "SUCCEEDED"
    assert denied_for_want_of_a_key(warehouse, warehouse.apply())
    assert denied_for_want_of_a_key(warehouse, warehouse.apply(shared=warehouse.balancer()))
    assert denied_for_want_of_a_key(warehouse, warehouse.apply(shared=warehouse.balancer(9031)))
    assert warehouse.result(warehouse.apply(shared=warehouse.balancer(9030, 9031)))["state"] == "SUCCEEDED"
    assert warehouse.result(warehouse.apply(shared=warehouse.balancer(9031)))["state"] == "SUCCEEDED"
    assert warehouse.result(warehouse.apply(*warehouse.both_keys()))["state"] == "SUCCEEDED"


def tags_of(warehouse):
    """Of the nodes, their volumes, the group, the target group, the balancer and its listener: key to value, what all of them
    bear. Of network interfaces moto keeps no tags: the simulation holds that they bear them."""
    elb, ec2 = warehouse.stage.reader("elbv2"), warehouse.stage.reader("ec2")
    arns = [b["LoadBalancerArn"] for b in elb.describe_load_balancers()["LoadBalancers"]]
    listeners = [elb.describe_listeners(LoadBalancerArn=arn)["Listeners"] for arn in arns]
    arns += [listener["ListenerArn"] for of_one in listeners for listener in of_one]
    arns += [g["TargetGroupArn"] for g in elb.describe_target_groups()["TargetGroups"]]
    lists = [t["Tags"] for t in elb.describe_tags(ResourceArns=arns)["TagDescriptions"]]
    lists += [thing["Tags"] for thing in warehouse.nodes() + warehouse.groups()]
    lists += [v["Tags"] for v in ec2.describe_volumes()["Volumes"] if "Tags" in v]
    ours = [t for t in lists if {"Key": "reeve:warehouse", "Value": warehouse.id} in t]
    assert len(ours) == 10
    return set.intersection(*({(t["Key"], t["Value"]) for t in tags} for tags in ours))


def test_tags_are_what_the_spec_and_the_customer_say_and_what_others_set_stays(stage, warehouse):
    usual = policy(stage).replace("tag_keys: [sdb-cluster-id]", "tag_keys: [sdb-*]")
    stage.write_policy(usual)
    shared = warehouse.balancer(9030)
    first = shared + "tags: [{key: sdb-a, value: '1'}, {key: sdb-b, value: '1'}]\n"
    assert warehouse.result(warehouse.apply(nodes=2, shared=first))["state"] == "SUCCEEDED"
    assert {("sdb-a", "1"), ("sdb-b", "1")} < tags_of(warehouse)
    theirs = warehouse.nodes()[0]["InstanceId"]
    stage.moto.authorize(on=False)
    stage.moto.client("ec2").create_tags(Resources=[theirs], Tags=[{"Key": "owner", "Value": "me"}])
    stage.moto.authorize()
    stage.write_policy(usual + 'customer_tags: [{key: cost-center, value: "4711"}]\n')
    second = shared + "tags: [{key: sdb-a, value: '2'}]\n"
    plan = warehouse.result(warehouse.apply("--mode", "plan", nodes=2, shared=second))["plan_text"]
    assert "untag nodes of be" in plan
    assert "cost-center=4711, " in plan or ", cost-center=4711" in plan
    result = warehouse.result(warehouse.apply(nodes=2, shared=second))
    assert result["state"] == "SUCCEEDED"
    kinds = sorted(r["kind"] for r in result["result"]["modified"])
    parts = ["listener", "loadbalancer", "security-group", "targetgroup"]
    assert kinds == ["instance", "instance", *parts, "volume", "volume", "volume", "volume"]
    have = tags_of(warehouse)
    assert {("sdb-a", "2"), ("cost-center", "4711")} < have
    assert "sdb-b" not in {key for key, _ in have}
    tags = {t["Key"]: t["Value"] for i in warehouse.nodes() if i["InstanceId"] == theirs for t in i["Tags"]}
    assert tags["owner"] == "me"
    command = warehouse.apply(nodes=2, shared=second)
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert warehouse.calls(command) == []


def test_the_same_spec_again_changes_nothing(warehouse):
    assert warehouse.result(warehouse.apply(nodes=1))["state"] == "SUCCEEDED"
    command = warehouse.apply(nodes=1)
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert warehouse.calls(command) == []


def test_a_rule_that_the_spec_no_longer_has_is_revoked(warehouse):
    assert warehouse.result(warehouse.apply())["state"] == "SUCCEEDED"
    assert len(warehouse.groups()[0]["IpPermissions"]) == 1
    assert warehouse.result(warehouse.apply(rules="[]"))["state"] == "SUCCEEDED"
    assert warehouse.groups()[0]["IpPermissions"] == []


def test_a_type_outside_the_policy_is_denied_without_a_call(warehouse):
    command = warehouse.apply(instance_type="p5.48xlarge")
    result = warehouse.result(command)
    assert result["state"] == "DENIED"
    assert "bounds.instance_types does not hold p5.48xlarge" in result["error"]["message"]
    assert warehouse.calls(command) == []


@pytest.mark.parametrize(
    ("cluster", "says"),
    [
        ({"user_data": base64.b64encode(b"#!/bin/sh\ncurl evil\n").decode()}, "bounds.user_data_sha256 does not hold"),
        ({"instance_profile": "admin"}, "bounds.instance_profiles does not hold admin"),
        ({"image_id": "ami-0123456789abcdef0"}, "bounds.images does not hold ami-0123456789abcdef0"),
        ({"subnet_id": "subnet-0123456789abcdef0"}, "bounds.subnets does not hold subnet-0123456789abcdef0"),
        (
            {"volumes": [{"device": "/dev/sdf", "size_gib": 1, "type": "gp3", "kms_key_id": "alias/x"}]},
            "bounds.kms_keys does not hold",
        ),
        ({"tags": [{"key": "team", "value": "x"}]}, "bounds.tag_keys does not hold team"),
    ],
)
def test_what_the_policy_does_not_name_never_starts(warehouse, cluster, says):
    command = warehouse.apply(cluster=cluster)
    result = warehouse.result(command)
    assert result["state"] == "DENIED"
    assert says in result["error"]["message"]
    assert warehouse.calls(command) == []


def test_a_warehouse_that_the_policy_does_not_name_is_not_touched(stage, warehouse):
    warehouse.id = "foreign"
    command = warehouse.apply()
    result = warehouse.result(command)
    assert result["state"] == "DENIED"
    assert "bounds.warehouses does not hold foreign" in result["error"]["message"]
    assert warehouse.calls(command) == []


def test_user_data_runs_when_the_policy_names_its_hash_and_the_plan_shows_it(stage, warehouse):
    script = b"#!/bin/sh\necho \x1b[2Jhello\n"
    usual = policy(stage)
    stage.write_policy(
        usual.replace("bounds:\n", f"bounds:\n  user_data_sha256: [{hashlib.sha256(script).hexdigest()}]\n")
    )
    data = {"user_data": base64.b64encode(script).decode()}
    result = warehouse.result(warehouse.apply("--mode", "plan", cluster=data))
    assert result["state"] == "SUCCEEDED"
    assert f"user data: {len(script)} bytes, SHA-256 {hashlib.sha256(script).hexdigest()}" in result["plan_text"]
    assert "      | #!/bin/sh\n      | echo \\x1b[2Jhello\n" in result["plan_text"]
    assert warehouse.result(warehouse.apply(cluster=data))["state"] == "SUCCEEDED"


def waits_for(stage, command, text):
    return process.wait_for(
        lambda: [s for s in stage.vendor_lines("statuses") if s["id"] == command and text in s["note"]], 15, text
    )


def test_without_a_policy_nothing_is_changed_and_the_reason_is_said(stage, warehouse):
    (stage.dir / "etc/policy.yaml").unlink()
    command = warehouse.apply("--expires", "10s")
    assert waits_for(stage, command, "policy.yaml")
    result = warehouse.result(command)
    assert result["state"] == "EXPIRED"
    assert "waits for the policy: " in result["error"]["message"] and "policy.yaml" in result["error"]["message"]
    assert warehouse.calls(command) == []


def test_a_policy_that_is_away_or_half_there_for_a_moment_ends_nothing(stage, warehouse):
    path = stage.dir / "etc/policy.yaml"
    whole = path.read_text()
    path.unlink()
    command = warehouse.apply()
    assert waits_for(stage, command, "policy.yaml")
    for part in range(len(whole) // 5, len(whole), len(whole) // 5):
        path.write_text(whole[:part])  # in place, as an editor on a slow disk would
        time.sleep(0.3)
    path.write_text(whole)
    assert warehouse.result(command)["state"] == "SUCCEEDED"


def test_a_policy_behind_a_link_is_nobodys(stage, warehouse):
    link, target = stage.dir / "etc/policy.yaml", stage.dir / "state/policy.yaml"
    subprocess.run(sudo("mv", link, target), check=True)  # the file stays root's, its folder is the agent's
    link.symlink_to(target)
    command = warehouse.apply()
    assert waits_for(stage, command, "etc/policy.yaml is a symbolic link")
    assert warehouse.calls(command) == []
    stage.vendor("cancel", command)
    assert warehouse.result(command)["state"] == "CANCELLED"


@pytest.mark.parametrize("put", [lambda stop: stop.touch(), lambda stop: stop.symlink_to("none")], ids=["file", "link"])
def test_a_stop_holds_new_steps_until_it_goes(stage, warehouse, put):
    put(stage.dir / "etc/STOP")
    command = warehouse.apply()
    frozen = process.wait_for(
        lambda: [s for s in stage.vendor_lines("statuses") if s["id"] == command and "STOP" in s["note"]], 15, "frozen"
    )
    assert frozen
    assert warehouse.calls(command) == []
    (stage.dir / "etc/STOP").unlink()
    assert warehouse.result(command)["state"] == "SUCCEEDED"


def test_approve_waits_and_does_not_run(stage, warehouse):
    stage.write_policy(policy(stage, apply="approve"))
    command = warehouse.apply("--expires", "8s")
    process.wait_for(
        lambda: [s for s in stage.vendor_lines("statuses") if s["id"] == command and s["state"] == "WAIT_APPROVAL"], 15
    )
    assert warehouse.result(command)["state"] == "EXPIRED"
    assert warehouse.calls(command) == []


def test_a_vendor_that_was_away_gets_the_result_once(stage, warehouse):
    stage.rules({"match": {"action": "RunInstances"}, "times": 1, "do": "delay", "seconds": 2})
    command = warehouse.apply()
    process.wait_for(lambda: warehouse.calls(command, "CreateSecurityGroup"), 15, "the command at work")
    stage.vendor_kill()
    process.wait_for(warehouse.nodes, 15, "nodes while the vendor is away")
    stage.vendor_start()
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    assert len([r for r in stage.vendor_lines("results") if r["id"] == command]) == 1


def test_a_cancel_before_the_start_changes_nothing(stage, warehouse):
    stage.write_policy(held(stage))
    assert warehouse.result(warehouse.apply())["state"] == "SUCCEEDED"
    command = warehouse.delete(*warehouse.both_keys())
    process.wait_for(
        lambda: [s for s in stage.vendor_lines("statuses") if s["id"] == command and s["state"] == "WAIT_HOLD"], 15
    )
    stage.vendor("cancel", command)
    assert warehouse.result(command)["state"] == "CANCELLED"
    assert len(warehouse.nodes()) == 1


def test_what_cannot_pass_its_hold_is_denied_before_it(stage, warehouse):
    stage.write_policy(held(stage))
    assert warehouse.result(warehouse.apply())["state"] == "SUCCEEDED"
    result = warehouse.result(warehouse.delete())
    assert result["state"] == "DENIED"
    assert "needs a release signature" in result["error"]["message"]
    result = warehouse.result(warehouse.delete("--expires", "1h", *warehouse.both_keys()))
    assert result["state"] == "DENIED"
    assert "delete_hold of the policy ends" in result["error"]["message"]
    assert "after the command expires" in result["error"]["message"]
    assert len(warehouse.nodes()) == 1


def test_a_command_behind_another_says_so(stage, warehouse):
    stage.write_policy(held(stage))
    assert warehouse.result(warehouse.apply())["state"] == "SUCCEEDED"
    first, second = warehouse.delete(*warehouse.both_keys()), warehouse.apply()
    note = f"waits for warehouse.delete {first}, which came before it for the same warehouse"
    process.wait_for(
        lambda: [s for s in stage.vendor_lines("statuses") if s["id"] == second and s["note"] == note], 15, "the note"
    )
    stage.vendor("cancel", first)
    assert warehouse.result(second)["state"] == "SUCCEEDED"


def test_the_journal_verifies_and_a_changed_byte_is_found(stage, tmp_path):
    folder = stage.dir / "state/journal"
    verify = [stage.binary, "journal", "verify"]
    assert subprocess.run([*verify, folder], capture_output=True, check=False).returncode == 0
    for segment in folder.iterdir():
        if segment.suffix == ".jsonl":
            (tmp_path / segment.name).write_bytes(segment.read_bytes().replace(b"inst-1", b"inst-2", 1))
    run = subprocess.run([*verify, tmp_path], capture_output=True, check=False, text=True)
    assert run.returncode == 1
    assert "journal damaged at 0000000000000001.jsonl line" in run.stderr


def test_status_and_plan_show_speak_to_people(stage, warehouse):
    stage.write_policy(policy(stage, apply="approve"))
    command = warehouse.apply("--expires", "20s", nodes=2)
    process.wait_for(
        lambda: [s for s in stage.vendor_lines("statuses") if s["id"] == command and s["state"] == "WAIT_APPROVAL"], 15
    )
    status = subprocess.run([stage.binary, "status", "-c", stage.config], capture_output=True, check=False, text=True)
    assert "WAIT_APPROVAL" in status.stdout
    assert "connected" in status.stdout
    assert re.search(
        r"rates +\d+ of 100000 changes in the last hour, \d+ of 100000 deletions in the last day", status.stdout
    )
    plan = subprocess.run(
        [stage.binary, "plan", "show", command, "-c", stage.config], capture_output=True, check=False, text=True
    )
    assert "2 x r6i.xlarge" in plan.stdout
    stage.vendor("cancel", command)
    assert warehouse.result(command)["state"] == "CANCELLED"


def test_status_says_how_an_encoded_refusal_is_decoded(stage, warehouse):
    """The vendor acknowledges the result at once; what the customer needs stays."""
    encoded = "EqV8ib8_HDy-" * 100
    stage.rules(
        {
            "match": {"action": "CreateSecurityGroup"},
            "do": "error",
            "status": 403,
            "code": "UnauthorizedOperation",
            "message": f"You are not authorized. Encoded authorization failure message: {encoded}",
        }
    )
    result = warehouse.result(warehouse.apply(nodes=1))
    assert result["state"] == "ROLLED_BACK"
    assert "You are not authorized." in str(result) and "EqV8" not in str(result)
    outcomes = [r for r in stage.journal() if r["type"] == "step.outcome" and r["outcome"] == "failed"]
    assert outcomes[-1]["error"]["aws_encoded_message"] == encoded
    status = subprocess.run([stage.binary, "status", "-c", stage.config], capture_output=True, check=False, text=True)
    assert (
        f"aws sts decode-authorization-message --query DecodedMessage --output text --encoded-message {encoded}\n"
        in status.stdout
    )
