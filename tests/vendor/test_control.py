"""Commands travel until they are accepted, results until they are stored; nothing is lost to a kill or a repeat."""

import base64
import concurrent.futures
import gzip
import hashlib
import json

import pytest

from tests.peers.pb import control
from tests.vendor import keys, store
from tests.vendor.client import Answer
from tests.vendor.control import first_few
from tests.vendor.files import Log, read_lines
from tests.vendor.registry import Registry


def command(signed):
    return control.Command.FromString(signed.body)


def status(plane, command_id, state, seq=1, **more):
    return control.Status(command_id=store.id_bytes(command_id), seq=seq, state=state, **more)


def test_a_command_is_what_was_signed(plane, session, spec, world):
    session.poll(control.Report())
    key = keys.Key.load(plane.keys / "command.key")
    sign = ("apply", spec, "--mode", "plan", "--reason", "because", "--by", "me", "--deadline", "5m")
    command_id = plane.sign(*sign)
    signed = session.poll(control.Report()).commands[0]
    assert [s.key_id for s in signed.sigs] == [key.key_id]
    assert keys.is_valid(key.public, keys.COMMAND_DOMAIN, signed.body, signed.sigs[0].sig)
    c = command(signed)
    assert (c.schema, c.epoch, c.seq, c.verb, c.target) == (1, 1, 1, control.WAREHOUSE_APPLY, "wh-1")
    assert (c.mode, c.reason, c.requested_by, c.deadline_s) == (control.PLAN, "because", "me", 300)
    assert store.id_text(c.command_id) == command_id and command_id[14] == "7"
    b = c.binding
    assert (b.installation, b.account, b.region) == ("inst-1", world["account"], world["region"])
    assert b.role_id == world["role_id"]
    applied = control.WarehouseApply.FromString(c.args).spec
    assert (applied.warehouse, applied.clusters[0].nodes) == ("wh-1", 2)


def test_the_second_key_adds_a_signature(plane, session, spec):
    release = keys.Key.load(plane.keys / "release.key")
    plane.sign("delete", "wh-1", "--confirm", "wh-1", "--second-key", plane.keys / "release.key")
    signed = session.poll(control.Report()).commands[0]
    assert signed.sigs[1].key_id == release.key_id
    assert keys.is_valid(release.public, keys.COMMAND_DOMAIN, signed.body, signed.sigs[1].sig)


def test_accepting_what_was_never_signed_is_a_violation_and_hides_no_command(plane, session, spec):
    session.poll(control.Report(epoch=1, accepted_through=1000))
    assert plane.violations() == ["accepted_through is 1000, but only 0 commands were signed in epoch 1"]
    plane.sign("apply", spec)
    assert [command(c).seq for c in session.poll(control.Report(epoch=1, accepted_through=1000)).commands] == [1]


def test_a_result_of_a_command_that_was_not_accepted_is_a_violation_and_not_kept(plane, session, spec):
    command_id = plane.sign("apply", spec)
    session.poll(control.Report(epoch=1, statuses=[status(plane, command_id, control.SUCCEEDED)]))
    assert plane.violations() == ["a status for command 1, which was not accepted"]
    assert plane.lines("results") == []


def test_commands_come_by_ascending_seq_until_they_are_accepted(plane, session, spec):
    for _ in range(3):
        plane.sign("apply", spec)
    seqs = [command(c).seq for c in session.poll(control.Report()).commands]
    assert seqs == [1, 2, 3]
    intent = session.poll(control.Report(epoch=1, accepted_through=2))
    assert [command(c).seq for c in intent.commands] == [3]
    assert control.Head.FromString(intent.head.body).last_seq == 3


@pytest.mark.parametrize(
    ("sizes", "sent"),
    [([10] * 40, 32), ([400_000] * 4, 2), ([500_000, 600_000], 1), ([2_000_000, 10], 1), ([], 0)],
)
def test_an_intent_stays_below_the_agent_s_limits(sizes, sent):
    orders = [
        store.Order("inst-1", 1, n + 1, bytes(16), control.Signed(body=bytes(size)), None)
        for n, size in enumerate(sizes)
    ]
    assert first_few(orders) == tuple(range(1, sent + 1))


def test_a_result_is_stored_once_and_then_acknowledged(plane, session, spec):
    command_id = plane.sign("apply", spec)
    running = status(plane, command_id, control.RUNNING, steps_done=1, steps_total=3, step="c1/launch")
    assert session.poll(control.Report(epoch=1, accepted_through=1, statuses=[running])).result_acked_through == 0
    done = control.Report(epoch=1, accepted_through=1, statuses=[status(plane, command_id, control.SUCCEEDED)])
    assert session.poll(done).result_acked_through == 1
    assert session.poll(done).result_acked_through == 1
    assert [r["state"] for r in plane.lines("results")] == ["SUCCEEDED"]
    assert [s["state"] for s in plane.lines("statuses")] == ["RUNNING", "SUCCEEDED"]
    assert plane.violations() == []


def test_the_number_stops_at_the_first_command_without_a_result_and_ids_go_on(plane, session, spec):
    ids = [plane.sign("apply", spec) for _ in range(3)]
    waiting = status(plane, ids[0], control.WAIT_HOLD, 1)
    second, third = (status(plane, ids[n], control.SUCCEEDED, n + 1) for n in (1, 2))
    intent = session.poll(control.Report(epoch=1, accepted_through=3, statuses=[waiting, third]))
    assert (intent.result_acked_through, list(intent.results_acked)) == (0, [store.id_bytes(ids[2])])
    intent = session.poll(control.Report(epoch=1, accepted_through=3, statuses=[waiting, second]))
    assert (intent.result_acked_through, list(intent.results_acked)) == (0, [store.id_bytes(ids[1])])
    first = status(plane, ids[0], control.SUCCEEDED)
    intent = session.poll(control.Report(epoch=1, accepted_through=3, statuses=[first, third]))
    assert (intent.result_acked_through, list(intent.results_acked)) == (3, [])


@pytest.mark.plane(process=True)
def test_results_survive_the_death_of_the_plane(plane, session, spec):
    command_id = plane.sign("apply", spec)
    done = control.Report(epoch=1, accepted_through=1, statuses=[status(plane, command_id, control.SUCCEEDED)])
    session.poll(done)
    plane.kill_and_restart(session)
    assert session.poll(done).result_acked_through == 1
    assert len(plane.lines("results")) == 1
    assert plane.violations() == []


def test_a_result_that_changes_is_a_violation(plane, session, spec):
    command_id = plane.sign("apply", spec)
    report = control.Report(epoch=1, accepted_through=1, statuses=[status(plane, command_id, control.SUCCEEDED)])
    session.poll(report)
    report.statuses[0].state = control.FAILED
    session.poll(report)
    session.poll(report)
    assert plane.violations() == [f"the result of {command_id} came again with other content: state"]
    assert len(plane.lines("results")) == 1


def test_a_status_of_a_command_that_was_never_signed_is_a_violation(plane, session):
    unknown = control.Status(command_id=bytes(16), seq=1, state=control.SUCCEEDED)
    session.poll(control.Report(epoch=1, statuses=[unknown]))
    assert "unknown command" in plane.violations()[0]
    assert plane.lines("results") == []


def test_accepted_through_that_goes_back_is_a_violation(plane, session, spec):
    plane.sign("apply", spec)
    session.poll(control.Report(epoch=1, accepted_through=1))
    session.poll(control.Report(epoch=1, accepted_through=0))
    assert "went back" in plane.violations()[0]


def test_a_cancel_is_in_the_head_until_the_command_has_ended(plane, session, spec):
    command_id = plane.sign("apply", spec)
    plane.cli("cancel", command_id)
    raw = store.id_bytes(command_id)
    assert list(control.Head.FromString(session.poll(control.Report()).head.body).cancelled) == [raw]
    done = control.Report(epoch=1, accepted_through=1, statuses=[status(plane, command_id, control.CANCELLED)])
    assert list(control.Head.FromString(session.poll(done).head.body).cancelled) == []


def test_an_agent_that_lost_its_journal_begins_a_new_epoch(plane, session, spec):
    plane.sign("apply", spec)
    session.poll(control.Report(epoch=1, accepted_through=1))
    intent = session.poll(control.Report())
    assert intent.epoch == 2 and not intent.commands
    assert "empty journal" in plane.cli("list") and "release-key" in plane.cli("list")
    assert "VOID" in plane.cli("list")
    plane.sign("apply", spec)
    commands = session.poll(control.Report()).commands
    assert [(command(c).epoch, command(c).seq) for c in commands] == [(2, 1)]
    assert Registry(plane.data).get("inst-1")["epoch"] == 2


def test_a_result_of_an_older_epoch_is_stored_and_acknowledged_by_its_id(plane, session, spec):
    command_id = plane.sign("apply", spec)
    session.poll(control.Report(epoch=1, accepted_through=1))
    assert session.poll(control.Report()).epoch == 2
    running = status(plane, command_id, control.RUNNING, epoch=1)
    assert not session.poll(control.Report(epoch=1, accepted_through=1, statuses=[running])).results_acked
    done = control.Report(epoch=2, statuses=[status(plane, command_id, control.SUCCEEDED, epoch=1)])
    intent = session.poll(done)
    assert list(intent.results_acked) == [store.id_bytes(command_id)] and intent.result_acked_through == 0
    assert [r["state"] for r in plane.lines("results")] == ["SUCCEEDED"]
    assert not session.poll(control.Report(epoch=2)).results_acked


def test_an_agent_that_never_accepted_anything_keeps_the_epoch(plane, session, spec):
    plane.sign("apply", spec)
    session.poll(control.Report())
    assert session.poll(control.Report()).epoch == 1


@pytest.mark.plane(process=True)
def test_two_signers_at_once_get_two_numbers(plane, session, spec):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: plane.sign("apply", spec), range(4)))
    assert [o.seq for o in store.Store(plane.data).orders("inst-1")] == [1, 2, 3, 4]


def test_list_and_watch_tell_the_story(plane, session, spec):
    command_id = plane.sign("apply", spec)
    assert "NOT_ACCEPTED" in plane.cli("list")
    running = status(plane, command_id, control.RUNNING, steps_done=1, steps_total=3, step="c1/launch")
    session.poll(control.Report(epoch=1, accepted_through=1, statuses=[running]))
    assert "timeout" in plane.cli("watch", command_id, "--until", "terminal", "--timeout", "1", status=3)
    error = control.Error(**{"class": control.CAPACITY, "message": "no room", "action": "ec2:RunInstances"})
    failed = status(plane, command_id, control.FAILED, error=error, note="short: 1 of 2 nodes")
    session.poll(control.Report(epoch=1, accepted_through=1, statuses=[failed]))
    story = plane.cli("watch", command_id[:20], "--until", "terminal", status=1)
    assert "1/3  c1/launch" in story and "short: 1 of 2" in story and "ec2:RunInstances no room" in story
    listed = json.loads(plane.cli("list", "--json"))
    assert (listed["state"], listed["id"], listed["verb"]) == ("FAILED", command_id, "warehouse.apply")
    kept = control.Status.FromString(base64.b64decode(plane.lines("results")[0]["raw"]))
    assert kept == failed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("warehouse: a\nclusters:\n  - {nodez: 1}\n", "nodez"),
        ("warehouse: a\nwarehouse: b\n", "comes twice"),
        ("- a\n", "not a mapping"),
        ("generation: 1\n", "warehouse is missing"),
        ("warehouse: a\ngeneration: many\n", "generation"),
    ],
)
def test_a_wrong_specification_is_refused_by_file_and_key(plane, session, tmp_path, text, told):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    said = plane.cli("apply", path, "--command-key", plane.keys / "command.key", status=1)
    assert str(path) in said and told in said


def test_delete_wants_the_name_again(plane, session):
    arguments = ("delete", "wh-1", "--command-key", plane.keys / "command.key", "--confirm", "wh-2")
    assert "--confirm wh-1" in plane.cli(*arguments, status=1)


def test_nothing_is_signed_before_the_first_login(plane, spec):
    said = plane.cli("apply", spec, "--command-key", plane.keys / "command.key", status=1)
    assert "has not logged in yet" in said


def test_a_line_that_a_kill_cut_short_is_cut_off(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":')
    assert read_lines(path) == [{"n": 1}]
    Log(path).append({"n": 2})
    assert read_lines(path) == [{"n": 1}, {"n": 2}]


def inventory_result(plane, command_id, digest=None):
    data = gzip.compress(b'{"warehouses": []}')
    found = control.Output(
        kind="inventory", sha256=digest or hashlib.sha256(data).digest(), size_bytes=len(data), gzip=data
    )
    return control.Report(
        epoch=1, accepted_through=1, statuses=[status(plane, command_id, control.SUCCEEDED, output=found)]
    )


def test_an_inventory_is_asked_for_kept_and_printed(plane, session):
    command_id = plane.sign("inventory", "wh-1")
    c = command(session.poll(control.Report()).commands[0])
    assert (c.verb, c.target) == (control.INVENTORY_GET, "wh-1")
    assert control.InventoryGet.FromString(c.args).warehouse == "wh-1"
    assert session.poll(inventory_result(plane, command_id)).result_acked_through == 1
    assert plane.cli("output", command_id[:8]) == '{"warehouses": []}\n'
    assert "gzip" not in plane.lines("results")[0]["result"]["output"]
    assert plane.violations() == []


def test_all_of_an_installation_has_no_target(plane, session):
    plane.sign("inventory")
    c = command(session.poll(control.Report()).commands[0])
    assert (c.target, control.InventoryGet.FromString(c.args).warehouse) == ("", "")


def test_an_output_that_is_not_what_its_digest_says_is_a_violation(plane, session):
    command_id = plane.sign("inventory")
    session.poll(inventory_result(plane, command_id, digest=bytes(32)))
    assert plane.violations() == [f"the output of {command_id} is not what its digest says"]


def test_an_operation_of_the_agents_own_is_kept_and_acknowledged_by_its_id(plane, session, spec):
    command_id = plane.sign("apply", spec)
    own = bytes([0xAA] * 6 + [0x80, 0xAA, 0x80] + [0xAA] * 7)
    stands_on = store.id_bytes(command_id)
    running = control.Status(command_id=own, stands_on=stands_on, verb="heal", state=control.RUNNING)
    session.poll(control.Report(epoch=1, accepted_through=1, statuses=[running]))
    done = control.Status(command_id=own, stands_on=stands_on, verb="heal", state=control.SUCCEEDED)
    intent = session.poll(control.Report(epoch=1, accepted_through=1, statuses=[done]))
    assert list(intent.results_acked) == [own]
    assert plane.violations() == []
    assert f"local  {store.id_text(own)}  heal" in plane.cli("list")


def test_an_operation_that_stands_on_nothing_that_was_signed_is_a_violation(plane, session, spec):
    own = control.Status(command_id=bytes(16), stands_on=bytes([1] * 16), verb="heal", state=control.SUCCEEDED)
    intent = session.poll(control.Report(statuses=[own]))
    assert list(intent.results_acked) == []
    assert "an operation that stands on an unknown command" in plane.violations()[0]


def test_how_the_account_differs_is_listed(plane, session, spec):
    drift = control.Drift(resource="i-1", field="power", difference="start nodes of be: i-1", since=1)
    seen = control.WarehouseStatus(warehouse="wh-1", generation=3, looked_at=2, drifts=[drift], drifts_total=2)
    session.poll(control.Report(warehouses=[seen]))
    listed = plane.cli("list")
    assert "wh-1 differs in power: i-1: start nodes of be: i-1" in listed
    assert "wh-1 differs in 1 more ways" in listed


def test_what_a_warehouse_is_becoming_is_listed(plane, session):
    fe = control.ClusterStatus(cluster="fe", status=control.Starting)
    be = control.ClusterStatus(cluster="be", status=control.Resizing)
    seen = control.WarehouseStatus(warehouse="wh-1", status=control.Resizing, clusters=[be, fe])
    well = control.WarehouseStatus(warehouse="wh-2", generation=3, looked_at=2, status=control.Running)
    session.poll(control.Report(warehouses=[seen, well, control.WarehouseStatus(warehouse="wh-3")]))
    listed = plane.cli("list")
    assert "wh-1: Resizing (fe Starting)\n" in listed
    assert "wh-2: Running, as generation 3 says\n" in listed
    assert "wh-3: not known how it is\n" in listed


def send_bundle(session, name, bundle):
    """The status of the answer."""
    path = f"/reeve/v1/diag/{name}"
    with pytest.raises(Answer) as told:
        session.raw(path, bundle, {"Content-Type": "application/gzip"} | session.proof(path, bundle))
    return told.value.status


def test_a_bundle_is_kept_under_its_digest_and_known_when_it_comes_again(plane, session):
    bundle = gzip.compress(b'{"part": "about"}')
    digest = hashlib.sha256(bundle).hexdigest()
    assert [send_bundle(session, digest, bundle) for _ in range(2)] == [204, 409]
    assert (plane.data / "diag/inst-1" / f"{digest}.gz").read_bytes() == bundle
    assert send_bundle(session, "0" * 64, bundle) == 400
    assert plane.violations() == ["the bundle is not what its name says"]


def test_what_concerns_the_whole_installation_has_no_target(plane, session):
    plane.sign("diag-collect", "--hours", "2")
    plane.sign("diag-send", "ab" * 32)
    collect, send = (command(c) for c in session.poll(control.Report()).commands)
    assert (collect.verb, collect.target, send.verb, send.target) == (control.DIAG_COLLECT, "", control.DIAG_SEND, "")
    assert control.DiagCollect.FromString(collect.args).hours == 2
    assert control.DiagSend.FromString(send.args).sha256 == bytes.fromhex("ab" * 32)
