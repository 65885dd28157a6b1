"""The fault matrix: the real binary, and each fault that AWS, the vendor, names, certificates, disks and SIGTERM have for it.

A row is a fault at a place; whatever the fault, each ends as its warehouse's spec says, with one launch, with nothing lost, nothing
left over and the result told once; the agent lives, has not grown, and its log tells the fault. What takes minutes in the world
takes a moment here: the agent's clock is moved (place.py), never waited for. moto knows no ClientToken, no clock and no capacity;
where one of these decides, the fault proxy answers in its place, and the row's fault says so.
"""

import collections
import re
import signal
import subprocess

import pytest

from tests.e2e.matrix.place import AWS_HOST
from tests.peers import process
from tests.peers.stage import VENDOR_HOST, sudo
from tests.vendor import keys

# ---- what AWS does to a call ----

Fault = collections.namedtuple("Fault", "rule says")

FAULTS = {
    "throttled": Fault({"do": "throttle", "times": 2}, "RequestLimitExceeded|Throttling"),
    "throttled with a hint": Fault({"do": "throttle", "hint_ms": 3000, "times": 1}, "RequestLimitExceeded|Throttling"),
    "a 500": Fault({"do": "error", "status": 500, "code": "InternalError", "times": 1}, "InternalError"),
    "a 503 of no known code": Fault({"do": "error", "status": 503, "code": "Odd", "times": 1}, "Odd"),
    "reset before it arrives": Fault({"do": "reset-before", "times": 1}, "no answer|status=0"),
    "reset after it was done": Fault({"do": "reset-after", "times": 1}, "no answer|status=0"),
    "closed before it arrives": Fault({"do": "close-before", "times": 1}, "no answer|status=0"),
    "closed after it was done": Fault({"do": "close-after", "times": 1}, "no answer|status=0"),
    "an oversize body": Fault({"do": "flood", "times": 1}, "no answer|more than"),
    "a proxy's page before it arrives": Fault({"do": "page", "times": 1}, "502"),
    "a proxy's page after it was done": Fault({"do": "page-after", "times": 1}, "502"),
    "keys that have expired": Fault({"do": "expired", "times": 1}, "RequestExpired|ExpiredToken"),
}
CHANGES = (
    *("CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupEgress", "CreateTargetGroup"),
    *("CreateLoadBalancer", "CreateListener", "RunInstances", "RegisterTargets"),
)
READS = ("AssumeRole", "DescribeInstances", "DescribeTargetGroups", "DescribeTargetHealth")
ENDS = ("TerminateInstances", "DeleteLoadBalancer", "DeleteTargetGroup", "DeleteSecurityGroup")


def under(row, fault, *actions):
    row.place.rules(*({"id": f"{row.warehouse.id} {a}", "match": {"action": a}} | FAULTS[fault].rule for a in actions))


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_that_makes_a_warehouse(row, fault):
    under(row, fault, *CHANGES, *READS)
    row.apply()
    row.passes(600)
    row.is_made()
    for action in CHANGES:
        row.is_told("op.step.refused", row.command, action, FAULTS[fault].says)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_that_ends_a_warehouse(row, fault):
    row.apply()
    row.is_made()
    under(row, fault, *ENDS, *READS)
    row.delete()
    row.passes(600)
    row.is_ended()
    for action in ENDS:
        row.is_told("op.step.refused", row.command, action, FAULTS[fault].says)


@pytest.mark.parametrize(
    "action", ["DescribeVpcs", "AssumeRole", "CreateSecurityGroup", "CreateLoadBalancer", "RunInstances"]
)
def test_a_slow_body_that_never_ends(row, action):
    row.place.rules({"id": row.warehouse.id, "match": {"action": action}, "times": 1, "do": "drip"})
    row.apply()
    row.hangs(action, 61)  # 30 seconds of a call, 60 of RunInstances
    row.passes(300)
    row.is_made()
    row.is_told(f"{action}.*no answer|action={action} .*status=0")


@pytest.mark.parametrize("seconds", [600, -600])
def test_a_clock_that_is_off(row, seconds):
    def clock(ahead):
        row.place.rules({"id": f"{row.warehouse.id} {ahead}", "match": {}, "do": "clock", "seconds": ahead})

    clock(seconds)
    row.apply()
    row.is_made()
    row.is_told("aws.clock", f"offset_ms={seconds // 600}?[56]")
    late = [c["action"] for c in row.place.calls(fault="late")]
    assert len(late) <= 3, "each reader and each role learns it once"
    clock(0)
    row.delete()
    row.is_ended()
    row.is_told("aws.clock", "offset_ms=0")


# ---- what AWS says of a launch ----


def test_a_500_with_a_capacity_code_of_all_or_nothing(row):
    row.place.rules({"id": row.warehouse.id, "match": {"action": "RunInstances"}, "do": "capacity"})
    row.apply(atomic=True)
    error = row.ends("FAILED")["error"]
    assert (error["class"], error["aws_code"]) == ("CAPACITY", "InsufficientInstanceCapacity")
    assert row.warehouse.nodes(alive=False) == []
    assert len(row.warehouse.calls(row.command, "RunInstances")) == 1, "HTTP 500 of this code must not be hammered"
    row.is_told("op.step.refused|op.step.end", "launch")


def test_a_500_with_a_capacity_code_where_less_will_do(row):
    row.place.rules({"id": row.warehouse.id, "match": {"action": "RunInstances"}, "times": 1, "do": "capacity"})
    row.apply()
    result = row.is_made(nodes=1)
    assert result["note"] == "short: 1 of 2 nodes in be"
    row.is_told("InsufficientInstanceCapacity")


def replayed(row, code, unseen):
    """The launch is carried out, its answer is lost, its nodes are not shown for a while, and AWS knows the token."""
    launch = {"action": "RunInstances"}
    row.place.rules(
        {"id": row.warehouse.id, "match": launch, "times": 1, "do": "close-after"},
        {
            "id": row.warehouse.id,
            "match": launch,
            "do": "error",
            "status": 400,
            "code": code,
            "message": "The token is known.",
        },
        {"id": row.warehouse.id, "match": {"action": "DescribeInstances"}, "times": unseen, "do": "unseen"},
    )
    row.apply()
    process.wait_for(lambda: row.calls("RunInstances", "close-after"), 30, "a launch")


def test_a_client_token_that_is_known_with_other_parameters(row):
    replayed(row, "IdempotentParameterMismatch", 4)
    row.passes(300)
    row.is_made()
    row.is_told("op.step.refused", "IdempotentParameterMismatch")
    row.is_told("op.step.end", "launch outcome=done how=found")


def test_a_client_token_whose_instances_have_ended(row):
    replayed(row, "IdempotentInstanceTerminated", 4)
    row.place.owner("ec2").terminate_instances(InstanceIds=[i["InstanceId"] for i in row.warehouse.nodes()])
    row.passes(400)
    row.ends("FAILED")
    assert len(row.warehouse.nodes(alive=False)) == 2 and row.warehouse.nodes() == []
    row.is_told("op.step.refused", "IdempotentInstanceTerminated")


YOUNG = {
    "AuthorizeSecurityGroupIngress": "InvalidGroup.NotFound",
    "AuthorizeSecurityGroupEgress": "InvalidGroup.NotFound",
    "RunInstances": "InvalidGroup.NotFound",
    "CreateListener": "TargetGroupNotFound",
    "RegisterTargets": "TargetGroupNotFound",
    "DescribeTargetHealth": "TargetGroupNotFound",
    "DescribeInstances": "InvalidInstanceID.NotFound",
}


def test_not_found_for_a_while_after_it_was_made(row):
    """Each call that names a thing made a moment ago is answered three times that there is none. Not of the balancer: moto's
    are of another type than ours, which the agent sees in their ids."""
    row.holds("CreateSecurityGroup")
    row.apply()
    row.is_held()
    said = {"do": "error", "status": 400, "message": "It does not exist.", "times": 3}
    row.place.rules(
        *({"match": {"action": a}, "code": code, "id": row.warehouse.id} | said for a, code in YOUNG.items())
    )
    row.released()
    row.passes(300)
    row.is_made()
    for action, code in YOUNG.items():
        row.is_told(code)
        assert len(row.calls(action, "error")) == 3, action


# ---- names ----


def test_names_that_are_gone_and_come_back_while_it_works(row):
    """What was known stays known: an outage of the name servers stops nothing."""
    row.holds("RunInstances")
    row.apply()
    row.is_held()
    row.place.names(AWS_HOST, VENDOR_HOST)
    row.place.aws_restart()  # no connection is left
    row.passes(300)
    row.is_made()
    row.place.names()
    row.is_told("op.step.refused", "no answer")


def test_names_that_are_gone_at_a_start_and_come_back(row):
    row.holds("RunInstances")
    row.apply()
    row.is_held()
    assert row.place.agent_ends(signal.SIGKILL) != 0
    row.place.names(AWS_HOST, VENDOR_HOST)
    row.place.rules()
    row.place.agent_start()
    row.waits_for(f"the name {AWS_HOST}: ")
    row.place.names()
    row.passes(300)
    row.is_made(same_agent=False)


# ---- certificates ----

CERTIFICATES = {
    "of another name": lambda place: (place.certificate("other.example"), place.believe()),
    "that has expired": lambda place: (place.certificate(days_ago=31), place.believe()),
    "of an authority that nobody knows": lambda place: place.certificate(),
}


@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_a_certificate_of_aws(row, certificate):
    row.holds("CreateTargetGroup")
    row.apply()
    row.is_held()
    CERTIFICATES[certificate](row.place)
    row.place.aws_restart()
    row.waits_for(f"POST {AWS_HOST}", "certificate|SSL")
    row.place.certificate()
    row.place.believe()
    row.place.aws_restart()
    row.passes(300)
    row.is_made()


@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_a_certificate_of_the_vendor(row, tmp_path, certificate):
    """Work goes on without it; its result is told when the vendor is believed again."""
    place, good = row.place, (row.place.keys_dir / "ca.pem").read_text()
    keys.new_certificate(
        tmp_path, ["other.example" if "name" in certificate else VENDOR_HOST], 31 if "expired" in certificate else 0
    )
    row.holds("RunInstances")
    row.apply()
    row.is_held()
    place.replace("ca.pem", good if "authority" in certificate else good + (tmp_path / "ca.pem").read_text())
    place.vendor_kill()
    place.vendor_start(tmp_path)
    row.released()
    row.waits_for("op.end", row.command, "SUCCEEDED")
    row.waits_for("control.(poll|login).failed", "certificate|SSL")
    place.replace("ca.pem", good)
    place.vendor_kill()
    place.vendor_start()
    row.passes(300)
    row.is_made()


# ---- the vendor is gone ----


def test_a_vendor_that_is_gone_for_an_hour(row):
    """By the agent's clock: each time it is moved by what the agent says it waits, until that makes an hour."""
    failed = r"control\.(?:poll|login)\.failed .*retry_in_ms=(\d+)"
    row.holds("RunInstances")
    row.apply()
    row.is_held()
    row.place.vendor_kill()
    row.released()
    row.waits_for("op.end", row.command, "SUCCEEDED")
    waits = []
    while sum(waits) < 3600_000:
        tries = len(waits)
        process.wait_for(lambda tries=tries: len(re.findall(failed, row.log())) > tries, 30, "another try")
        waits = [int(ms) for ms in re.findall(failed, row.log())]
        row.place.clock.move(waits[-1] / 1000)
    most = [min(300_000, 1000 * 2**n) for n in range(len(waits))]
    assert all(1 <= wait <= limit for wait, limit in zip(waits, most, strict=True)), waits
    row.place.vendor_start()
    row.passes(300)
    row.is_made()


# ---- disks ----


def test_a_disk_that_is_full_before_a_command(row):
    row.place.fill()
    row.apply()
    row.waits_for("journal.full|journal.write.failed")
    assert row.warehouse.nodes() == []
    row.place.free()
    row.passes(300)
    row.is_made()


def test_a_disk_that_fills_up_while_it_works(row):
    """At the first call: the records of the others need more room than the journal's last page has."""
    row.holds("CreateSecurityGroup")
    row.apply()
    row.is_held()
    row.place.fill()
    row.released()
    row.waits_for("journal.full|journal.write.failed")
    row.place.free()
    row.passes(300)
    row.is_made()


def test_a_disk_that_becomes_read_only_in_a_launch(row):
    row.holds("RunInstances")
    row.apply()
    row.is_held()
    row.place.read_only()
    row.released()
    row.waits_for("journal.write.failed", "Read-only")
    row.place.writable()
    row.passes(300)
    row.is_made()


def test_a_disk_that_is_read_only_at_a_start(row):
    """It ends and says why, for its service manager to try again; what was begun stands."""
    place, state = row.place, row.place.dir / "state"
    row.holds("RunInstances")
    row.apply()
    row.is_held()
    place.agent_ends(signal.SIGKILL)
    place.rules()
    subprocess.run(sudo("mount", "-o", "remount,ro", state), check=True)
    place.agent_start()
    assert place.agent.wait(30) == 1
    subprocess.run(sudo("mount", "-o", "remount,rw", state), check=True)
    row.is_told("agent.failed", "Read-only")
    place.agent_start()
    row.passes(300)
    row.is_made(same_agent=False)


# ---- SIGTERM ----

PHASES = {
    "planning": "DescribeInstances",
    "before the first call": "AssumeRole",
    "in flight": "CreateLoadBalancer",
    "in flight, a launch": "RunInstances",
    "waiting": "DescribeTargetHealth",
}


@pytest.mark.parametrize("phase", PHASES)
def test_sigterm(row, phase):
    row.holds(PHASES[phase])
    row.apply()
    row.is_held()
    assert row.place.agent_ends() == 0
    row.place.rules()
    row.place.agent_start()
    row.passes(300)
    row.is_made(same_agent=False)
    row.is_told("agent.stop|agent.end")


def test_sigterm_while_it_waits_for_its_next_try(row):
    row.place.rules({"match": {"action": "RunInstances"}, "do": "throttle", "hint_ms": 5000, "id": row.warehouse.id})
    row.apply()
    row.waits_for("op.step.refused", row.command, "RequestLimitExceeded")
    assert row.place.agent_ends() == 0
    row.place.rules()
    row.place.agent_start()
    row.passes(300)
    row.is_made(same_agent=False)


def test_sigterm_in_an_undo(row):
    refused = {"match": {"action": "CreateListener"}, "do": "error", "status": 400, "code": "ValidationError"}
    row.holds("DeleteLoadBalancer", refused)
    row.apply()
    row.is_held()
    assert row.place.agent_ends() == 0
    row.place.rules(refused)
    row.place.agent_start()
    row.passes(300)
    row.ends("ROLLED_BACK", same_agent=False)
    row.is_empty()
    row.is_told("op.step.refused", "CreateListener", "ValidationError")


def test_sigterm_after_the_last_step_before_the_report(row):
    row.holds("RunInstances")
    row.apply()
    row.is_held()
    row.place.vendor_kill()
    row.released()
    row.waits_for("op.end", row.command, "SUCCEEDED")
    assert row.place.agent_ends() == 0
    row.place.vendor_start()
    row.place.agent_start()
    row.is_made(same_agent=False)
