"""reeve plan show: by number, id, or the beginning of one; from the daemon or the journal; in columns, within the terminal."""

import json
import shutil

import pytest

from tests.e2e.cli.conftest import accepted, at_terminal, command_id, plan, reeve
from tests.e2e.warehouse import Warehouse, policy
from tests.peers import process

LONG = "a-cluster-whose-name-is-longer-than-any-column-was-ever-wide"


def spellings(n):
    whole = command_id(n)
    return [str(n), whole, whole.replace("-", ""), whole.upper(), whole[:18]]


def recorded(journal, n, state="DENIED", message="high risk: needs a release signature"):
    journal.add("command.accepted", **accepted(n))
    journal.add("command.planned", op=command_id(n), plan_hash="0" * 64, plan=plan(n, "be", LONG))
    if state:
        journal.add("command.result", op=command_id(n), state=state, error={"message": message})


@pytest.mark.parametrize("typed", spellings(7))
def test_the_journal_has_what_was_only_planned_and_denied_by_every_spelling(site, journal, typed):
    journal.add("journal.created", installation="inst-1", public_key="k")
    recorded(journal, 6, state="SUCCEEDED")
    recorded(journal, 7)
    run = reeve("plan", "show", typed, "-c", site.config)  # and no daemon is there
    assert run.returncode == 0, run.stderr
    assert "Number 7, DENIED: high risk: needs a release signature" in run.stdout
    assert f"Command {command_id(7)}: warehouse.apply of wh-7" in run.stdout
    assert "2 to make, 0 to change, 0 to remove." in run.stdout


@pytest.mark.parametrize("typed", spellings(7))
def test_the_daemon_tells_what_is_open_and_the_journal_what_it_has_forgotten(site, daemon, journal, typed):
    recorded(journal, 7)
    about = {
        "id": command_id(7),
        "seq": 7,
        "verb": "warehouse.apply",
        "warehouse": "wh-7",
        "state": "WAIT_APPROVAL",
        "ended": False,
    }
    path = f"/v1/plans/{typed}"
    daemon.answers[path] = (
        200,
        about | {"note": "waits for its approval", "plan": plan(7, "be"), "high_risk": "user data"},
    )
    said = reeve("plan", "show", typed, "-c", site.config).stdout
    assert "Number 7, WAIT_APPROVAL: waits for its approval" in said and "1 to make" in said
    assert "[HIGH RISK: needs a release signature] user data" in said
    daemon.answers[path] = (200, about | {"note": "STOP stands"})
    run = reeve("plan", "show", typed, "-c", site.config)
    assert run.returncode == 0 and "is not planned yet" in run.stdout and "STOP stands" in run.stdout
    run = reeve("plan", "show", typed, "--json", "-c", site.config)
    assert run.returncode == 0 and run.stdout == "null\n"  # what reads JSON is given JSON
    for gone in (about | {"ended": True}, about | {"plan_is_large": True}):
        daemon.answers[path] = (200, gone)
        assert "2 to make" in reeve("plan", "show", typed, "-c", site.config).stdout
    del daemon.answers[path]
    assert "DENIED" in reeve("plan", "show", typed, "-c", site.config).stdout
    assert daemon.asked[-1] == path


def test_several_are_listed_and_none_is_said(site, daemon, journal):
    recorded(journal, 7)
    recorded(journal, 8, state=None)
    run = reeve("plan", "show", "01a3185c", "-c", site.config)
    assert run.returncode == 1 and "several commands" in run.stderr
    assert [line.split()[:2] for line in run.stdout.splitlines()] == [["7", command_id(7)], ["8", command_id(8)]]
    one = {
        "id": command_id(7),
        "seq": 7,
        "verb": "v",
        "warehouse": "w",
        "state": "RUNNING",
        "ended": False,
        "plan": plan(7, "be"),
    }
    daemon.answers["/v1/plans/01a3185c"] = (200, one)  # it has forgotten the other
    run = reeve("plan", "show", "01a3185c", "-c", site.config)
    assert run.returncode == 1 and command_id(8) in run.stdout
    listed = [{"id": command_id(n), "seq": n, "verb": "v", "warehouse": "w", "state": "RUNNING"} for n in (3, 4)]
    daemon.answers["/v1/plans/01"] = (409, {"error": "several", "several": listed, "left_out": 5})
    run = reeve("plan", "show", "01", "-c", site.config)
    assert run.returncode == 1 and "and 5 more" in run.stdout and command_id(4) in run.stdout
    run = reeve("plan", "show", "99", "-c", site.config)
    assert run.returncode == 1 and f"there is no command 99, neither open nor in {site.journal}" in run.stderr
    for wrong in ("../status", "xyz", "", "7 8"):
        assert reeve("plan", "show", wrong, "-c", site.config).returncode == 2
    assert reeve("plan", "show", "-c", site.config).returncode == 2


def test_a_number_of_two_epochs_is_asked_back(site, journal):
    journal.add("command.accepted", **accepted(7))
    journal.add("command.accepted", **accepted(7) | {"op": command_id(9), "epoch": 2})
    run = reeve("plan", "show", "7", "-c", site.config)
    assert run.returncode == 1 and command_id(7) in run.stdout and command_id(9) in run.stdout


def test_a_plan_is_found_in_a_checkpoint_and_before_damage(site, journal):
    records = [
        ["command.accepted", accepted(7), 0],
        ["command.planned", {"op": command_id(7), "plan": plan(7, "be")}, 0],
    ]
    journal.add("checkpoint", records=records)
    assert "1 to make" in reeve("plan", "show", "7", "-c", site.config).stdout
    journal.add("agent.started", version="1")
    text = journal.path.read_text()
    journal.add("agent.started", version="1")
    journal.add("agent.started", version="1")
    journal.path.write_text(text.replace('"version": "1"', '"version": "2"') + journal.path.read_text()[len(text) :])
    run = reeve("plan", "show", "7", "-c", site.config)
    assert run.returncode == 0 and "1 to make" in run.stdout and "damaged" in run.stderr
    shutil.rmtree(site.journal)
    run = reeve("plan", "show", "7", "-c", site.config)
    assert run.returncode == 1 and "no daemon answers" in run.stderr


def test_columns_stand_below_each_other_whatever_the_names(site, journal):
    recorded(journal, 7)
    lines = [x for x in reeve("plan", "show", "7", "-c", site.config).stdout.splitlines() if "ec2:RunInstances" in x]
    assert len(lines) == 2 and len({x.index("ec2:RunInstances") for x in lines}) == 1
    assert len({x.index("2 x m6i.large") for x in lines}) == 1


@pytest.mark.parametrize("columns", [30, 60, 100, 250])
def test_it_wraps_at_the_terminal_and_loses_nothing(site, journal, columns):
    recorded(journal, 7)
    seen, status = at_terminal(columns, "plan", "show", "7", "-c", site.config)
    assert status == 0
    assert seen.split() == reeve("plan", "show", "7", "-c", site.config).stdout.split()
    for line in seen.splitlines():
        assert len(line) <= columns or max(map(len, line.split())) + 16 > columns


def test_json_is_what_was_recorded(site, journal):
    recorded(journal, 7)
    assert json.loads(reeve("plan", "show", "7", "--json", "-c", site.config).stdout) == plan(7, "be", LONG)


def test_real_plans_are_shown_while_they_wait_and_when_they_are_over(stage, warehouse):
    stage.write_policy(policy(stage, apply="approve"))
    command = warehouse.apply("--expires", "30s", nodes=2)
    process.wait_for(
        lambda: [s for s in stage.vendor_lines("statuses") if s["id"] == command and s["state"] == "WAIT_APPROVAL"], 15
    )
    waiting = [
        reeve("plan", "show", typed, "-c", stage.config) for typed in (command, command.replace("-", ""), command[:20])
    ]
    assert {run.returncode for run in waiting} == {0} and len({run.stdout for run in waiting}) == 1
    assert "WAIT_APPROVAL" in waiting[0].stdout and "2 x r6i.xlarge" in waiting[0].stdout
    number = waiting[0].stdout.split("Number ")[1].split(",")[0]
    assert reeve("plan", "show", number, "-c", stage.config).stdout == waiting[0].stdout
    other = Warehouse(stage).apply("--expires", "30s")
    process.wait_for(lambda: reeve("plan", "show", other, "-c", stage.config).stdout.startswith("Number"), 15)
    both = reeve("plan", "show", command[:4], "-c", stage.config)
    assert both.returncode == 1 and command in both.stdout and other in both.stdout
    stage.vendor("cancel", other)
    stage.vendor("cancel", command)
    assert warehouse.result(command)["state"] == "CANCELLED"
    over = reeve("plan", "show", command, "-c", stage.config)  # acknowledged by now, or soon
    assert over.returncode == 0 and f"Number {number}, CANCELLED" in over.stdout and "2 x r6i.xlarge" in over.stdout
    assert stage.agent_stop() == 0
    gone = reeve("plan", "show", number, "-c", stage.config)
    assert gone.returncode == 0 and "2 x r6i.xlarge" in gone.stdout


def test_what_the_agent_has_begun_by_itself_is_shown_by_its_id(site, journal):
    about = {"op": command_id(7), "verb": "heal", "warehouse": "wh-7", "stands_on": command_id(3), "occurrence": "i-1"}
    journal.add("local.accepted", **about)
    journal.add("command.planned", op=command_id(7), plan=plan(7, "be"), plan_hash="ab" * 32)
    done = reeve("plan", "show", command_id(7), "-c", site.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "launch nodes of be" in done.stdout
