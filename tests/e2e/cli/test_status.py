"""reeve status: what it does now first, then what is wrong with what to do; the exit status is the highest that applies."""

import copy
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import jsonschema
import pytest

from tests.e2e.cli.conftest import BINARY, REPO, at_terminal, command_id, reeve
from tests.peers import process
from tests.peers.stage import AGENT_USER, is_root, sudo

NOW = "2026-11-29T12:00:00.000Z"
KIND = dict.fromkeys(
    ["sent_records", "sent_bytes", "not_allowed_by_policy", "dropped_by_rule", "rests_by_rule", "failed_by_rule", "rejected", "dropped_for_room", "dropped_for_age", "damaged_records", "uncommitted_bodies", "waiting_bodies", "waiting_bytes"], 0
)  # fmt: skip


def destination(name, **logs):
    members = ("sent_records", "sent_bytes", "rejected", "dropped_for_room", "dropped_for_age", "waiting_bodies")
    none = dict.fromkeys((*members, "waiting_bytes"), 0)
    how = {"encoding": "gzip", "catching_up": False, "retries": 0, "last_status": 0}
    return {"name": name, "metrics": none, "logs": none | logs} | how


def fine(**more):
    return {
        "version": "0.1.0",
        "installation": "inst-1",
        "started": "2026-11-29T10:00:00.000Z",
        "time": NOW,
        "summary": "RUN, vendor connected",
        "policy_file": "/etc/reeve/policy.yaml",
        "stop_file": "/etc/reeve/STOP",
        "state_folder": "/var/lib/reeve",
        "account": "123456789012",
        "region": "us-east-1",
        "instance": "i-1",
        "role": "role-1",
        "mode": "RUN",
        "why": "",
        "bounds_missing": [],
        "journal": {"seq": 7, "sha256": "0" * 64, "disk_is_full": False},
        "vendor": {
            "url": "https://control.example",
            "connected": True,
            "last_answer": "2026-11-29T11:59:57.000Z",
            "head_is_fresh": True,
        },
        "log_lines_dropped": 0,
        "operations": [],
        "operations_left_out": 0,
        "telemetry": {
            "metrics": KIND | {"sent_records": 12},
            "logs": KIND,
            "destinations": [destination("vendor")],
            "retries": 0,
            "damaged": 0,
            "write_failures": 0,
            "rules": [{"rule": "email", "masked": 3, "dropped": 0, "failed": 0}],
        },
    } | more


def op(n, state, **more):
    about = {
        "id": command_id(n),
        "verb": "warehouse.apply",
        "warehouse": f"wh-{n}",
        "seq": n,
        "state": state,
        "ended": False,
    }
    return about | {"accepted": NOW, "steps_done": 0, "steps_total": 0} | more


def vendor(**more):
    return {"vendor": {"url": "https://control.example", "connected": False, "head_is_fresh": False} | more}


STATES = [
    ("at work", {"operations": [op(7, "RUNNING", steps_done=3, steps_total=9, step="cluster-be/launch")]}, 0, "wrong          nothing"),
    ("starting", {"mode": "STARTING", "summary": "finding out who this machine is"} | vendor(), 0, "finding out who"),
    ("starting, with trouble", {"mode": "STARTING", "start_trouble": "STS is away", "started": "2026-11-29T11:55:00.000Z"} | vendor(), 0, "STS is away"),
    ("starting for long", {"mode": "STARTING", "start_trouble": "STS is away"} | vendor(), 3, "cannot find out who this machine is: STS is away"),
    ("logging in", vendor(), 0, "NOT connected, no answer yet"),
    ("no policy", {"mode": "NO_POLICY", "why": "/etc/reeve/policy.yaml: no such file"}, 3, "do: write /etc/reeve/policy.yaml"),
    ("disk full", {"journal": {"seq": 7, "sha256": "0" * 64, "disk_is_full": True}, "why": "the disk is full"}, 3, "do: free some space on the file system of /var/lib/reeve"),
    ("no head", {"vendor": {"url": "u", "connected": True, "last_answer": NOW, "head_is_fresh": False}}, 3, "no fresh signed head"),
    ("spool", {"telemetry": fine()["telemetry"] | {"trouble": "its spool cannot be read"}}, 3, "telemetry: its spool cannot be read"),
    ("losing", {"telemetry": fine()["telemetry"] | {"last_loss": "2026-11-29T11:50:00.000Z"}}, 3, "telemetry is being lost"),
    ("lost long ago", {"telemetry": fine()["telemetry"] | {"last_loss": "2026-11-29T11:40:00.000Z"}}, 0, "nothing"),
    ("stuck", {"operations": [op(4, "RUNNING", error="CreateLoadBalancer: Throttling", note="it is tried until 12:00")]}, 3, "command 4 does not get on: CreateLoadBalancer: Throttling"),
    ("nobody knows", {"operations": [op(3, "INDETERMINATE", ended=True, error="no answer")]}, 3, f"reeve journal show --op {command_id(3)}"),
    ("STOP", {"mode": "FROZEN", "why": "the STOP file stands"}, 4, "do: when changes may go on: remove /etc/reeve/STOP"),
    ("mode off", {"mode": "FROZEN", "why": "the policy says mode: off"}, 4, "do: when changes may go on: take `mode: off` out of /etc/reeve/policy.yaml"),
    ("damaged", {"mode": "READ_ONLY", "why": "read-only", "journal": {"damaged": "0000000000000001.jsonl line 3"}}, 4, "0000000000000001.jsonl line 3"),
    ("newer", {"mode": "READ_ONLY", "why": "read-only", "journal": {"newer": "0000000000000001.jsonl line 3: a newer version has written this journal"}}, 4, "do: install the version that has written it"),
    ("401", vendor(trouble="login, token: the vendor answered 401 to https://control.example/reeve/v1/login: no", trouble_kind="refused"), 5, "ask the vendor whether this installation"),
    ("403", vendor(trouble="login, token: the vendor answered 403 to https://control.example/reeve/v1/login: no", trouble_kind="refused"), 5, "ask the vendor whether this installation"),
    ("500", vendor(trouble="login, token: the vendor answered 500 to https://control.example/reeve/v1/login", trouble_kind="busy"), 5, "trouble of its own"),
    ("down", vendor(trouble="no answer from https://control.example/v1/opamp: refused", trouble_kind="no_answer", last_answer=NOW), 5, "look at the way there"),
    ("no keys", vendor(trouble="login, keys: 404", trouble_kind="keys"), 5, "metadata service"),
    ("nonsense", vendor(trouble="no JSON", trouble_kind="answer"), 5, "tell the vendor"),
    ("all at once", {"mode": "FROZEN", "why": "the STOP file stands"} | vendor(trouble="no answer from x: refused"), 5, "the STOP file stands"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "state", "status", "says"), STATES, ids=[s[0] for s in STATES])
def test_each_state_has_its_exit_status_and_says_what_to_do(site, daemon, name, state, status, says):
    daemon.answers["/v1/status"] = (200, fine(**state))
    run = reeve("status", "-c", site.config)
    assert (run.returncode, run.stderr) == (status, "")
    assert says in run.stdout
    lines = run.stdout.splitlines()
    assert lines[0].startswith("now ")
    wrong = next(i for i, line in enumerate(lines) if line.startswith("wrong "))
    assert all(not line or line.startswith(" ") for line in lines[1:wrong])  # nothing between now and wrong
    assert ("do: " in run.stdout) == (status != 0)
    data = json.loads(reeve("status", "--json", "-c", site.config).stdout)
    assert data["exit_status"] == status == max([p["exit"] for p in data["problems"]], default=0)
    validate(data)


def test_no_daemon_is_6_and_one_that_lets_us_not_ask_is_1(site, daemon):
    daemon.answers["/v1/status"] = (403, {"error": "root, the agent's user and its group may ask here"})
    run = reeve("status", "-c", site.config)
    assert run.returncode == 1 and "may ask here" in run.stderr and run.stdout == ""
    daemon.shutdown()
    daemon.server_close()
    for args in ((), ("--json",), ("-v",)):
        run = reeve("status", "-c", site.config, *args)
        assert run.returncode == 6 and run.stdout == ""
        assert f"no daemon answers on {site.dir}/reeve.sock" in run.stderr and "systemctl status reeve" in run.stderr
    (site.dir / "reeve.sock").unlink(missing_ok=True)
    assert reeve("status", "-c", site.config).returncode == 6


def test_who_may_not_ask_is_told_so_and_not_that_nothing_runs(site, daemon):
    if not is_root():
        pytest.skip("needs root: another user asks")
    (site.dir / "reeve.sock").chmod(0o660)
    where = pathlib.Path(tempfile.mkdtemp(prefix="reeve-cli-"))  # pytest's own folders are closed to others
    try:
        where.chmod(0o755)
        shutil.copy(BINARY, where / "reeve")
        (where / "reeve.yaml").write_text(
            site.config.read_text().replace(f"{site.dir}/reeve.sock", f"{where}/reeve.sock")
        )
        os.link(site.dir / "reeve.sock", where / "reeve.sock")
        for command, status in ((["status"], 1), (["inventory"], 1), (["plan", "show", "7"], 1)):
            run = subprocess.run(
                [where / "reeve", *command, "-c", where / "reeve.yaml"],
                user=AGENT_USER,
                group="nogroup",
                extra_groups=[],
                capture_output=True,
                check=False,
                text=True,
            )
            assert run.returncode == status and "is closed to you" in run.stderr
    finally:
        shutil.rmtree(where)


DRIFT = {"resource": "i-1", "field": "power", "difference": "start nodes of be: i-1", "since": NOW}
LOOKED = {
    "name": "wh-1",
    "status": "Running",
    "clusters": {"be": "Running"},
    "stands_on": command_id(1),
    "generation": 3,
    "drifts_total": 0,
    "drifts": [],
    "looked_at": NOW,
}


NO_SPEC = LOOKED | {"status": "", "clusters": {}, "stands_on": "", "generation": 0}
del NO_SPEC["looked_at"]


@pytest.mark.parametrize(
    ("warehouse", "says"),
    [
        (LOOKED, "wh-1: Running, as generation 3 says, looked at 2026"),
        (
            LOOKED | {"drifts_total": 1, "drifts": [DRIFT]},
            "wh-1: Running, differs from generation 3 in 1 way, looked at 2026",
        ),
        (LOOKED | {"drifts_total": 1, "drifts": [DRIFT]}, "power of i-1: start nodes of be: i-1 (since 2026"),
        (LOOKED | {"orphan_volumes": 2}, "wh-1: 2 volumes that no node has: reeve inventory"),
        (LOOKED | {"orphan_volumes": 1}, "wh-1: 1 volume that no node has: reeve inventory"),
        (LOOKED | {"drifts_total": 9, "drifts": [DRIFT] * 8}, "and 6 more: reeve status -v"),
        (
            LOOKED | {"unknown": "the last warehouse.apply ended FAILED"},
            "wh-1: Running; how it differs is not known: the last",
        ),
        ({k: v for k, v in LOOKED.items() if k != "looked_at"}, "wh-1: Running, not looked at yet"),
        (LOOKED | {"clusters": {"be": "Running", "fe": "Stopped"}}, "wh-1: Running (fe Stopped), as generation 3 says"),
        (NO_SPEC | {"status": "Creating", "clusters": {"be": "Creating"}}, "warehouses wh-1: Creating "),
        (NO_SPEC | {"status": "Deleted"}, "warehouses wh-1: Deleted "),
        (
            NO_SPEC | {"unknown": "the last one failed"},
            "wh-1: not known how it is; how it differs is not known: the last",
        ),
    ],
)
def test_how_a_warehouse_differs_is_told(site, daemon, warehouse, says):
    daemon.answers["/v1/status"] = (200, fine(warehouses=[warehouse]))
    done = reeve("status", "-c", site.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in " ".join(done.stdout.split())


def test_one_of_the_agents_own_is_listed_without_a_number(site, daemon):
    own = op(0, "RUNNING", verb="heal", id=command_id(7))
    daemon.answers["/v1/status"] = (200, fine(operations=[own]))
    out = reeve("status", "-c", site.config).stdout
    assert "now            heal of wh-0: RUNNING" in out
    assert f"reeve plan show {command_id(7)}" in out


def test_zero_counters_are_told_with_v_alone(site, daemon):
    daemon.answers["/v1/status"] = (200, fine())
    short, whole = (reeve("status", "-c", site.config, *args).stdout for args in ((), ("-v",)))
    assert "12 records sent" in short and "dropped for want of room" not in short
    assert not any(line.split(maxsplit=1)[1].startswith("0 ") for line in short.splitlines() if " " in line.strip())
    assert "0 dropped for want of room" in whole and "0 rejected by the vendor" in whole
    lost = fine()
    lost["telemetry"]["logs"] = KIND | {"rejected": 3}
    daemon.answers["/v1/status"] = (200, lost)
    assert "3 rejected by the vendor" in reeve("status", "-c", site.config).stdout


def test_the_customers_own_receiver_has_lines_of_its_own(site, daemon):
    daemon.answers["/v1/status"] = (200, fine())
    assert "to customer" not in reeve("status", "-v", "-c", site.config).stdout
    both = fine()
    logs = {"sent_records": 8, "dropped_for_room": 5, "waiting_bodies": 2}
    both["telemetry"]["destinations"].append(destination("customer", **logs))
    daemon.answers["/v1/status"] = (200, both)
    told = reeve("status", "-c", site.config).stdout
    assert "to customer  8 lines sent, 5 dropped above its quota, 2 bodies waiting for it" in told


def test_each_source_of_the_journal_has_a_line_and_says_why_it_cannot_be_read(site, daemon):
    said = fine()
    told = dict.fromkeys(SCHEMA_OF_A_SOURCE, 0) | {"entries": 9, "gaps_vacuumed": 1}
    absent = dict.fromkeys(SCHEMA_OF_A_SOURCE, 0) | {"trouble": "libsystemd.so.0 is not there", "read_errors": 2}
    said["telemetry"]["journald"] = [told | {"service": "be"}, absent | {"service": "fe"}]
    validate(said | {"exit_status": 0, "problems": []})
    daemon.answers["/v1/status"] = (200, said)
    short = reeve("status", "-c", site.config).stdout
    assert "journal be     9 entries read, 1 gaps, as journald deleted what was not read" in short
    assert "journal fe     cannot be read: libsystemd.so.0 is not there" in short


def test_what_comes_from_outside_steers_no_terminal(site, daemon):
    evil = "\x1b]0;owned\x07 \u202eback \r\n now nothing"
    state = fine(**vendor(trouble=evil), operations=[op(7, "RUNNING", note=evil, step=evil)], why=evil)
    daemon.answers["/v1/status"] = (200, state)
    said = reeve("status", "-c", site.config).stdout
    assert not set(said) & set("\x1b\x07\r\u202e")


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_terminal_is_not_overrun_and_nothing_is_lost_by_wrapping(site, daemon, columns):
    note = "waits for the word of a person who has gone to bed long ago, and says so in very many short words"
    daemon.answers["/v1/status"] = (200, fine(operations=[op(7, "WAIT_APPROVAL", note=note)]))
    seen, status = at_terminal(columns, "status", "-c", site.config)
    words = [w for w in seen.split() if len(w) < columns // 3]
    assert status == 0 and "\x1b" not in seen
    for line in seen.splitlines():
        assert len(line) <= columns or len(line.split()) <= 2  # a long word stays whole
    assert seen.split() == reeve("status", "-c", site.config).stdout.split() and words


def test_many_operations_are_listed_in_part_and_counted(site, daemon):
    daemon.answers["/v1/status"] = (200, fine(operations=[op(n, "RECEIVED") for n in range(1, 33)]))
    said = reeve("status", "-c", site.config).stdout
    assert said.count("reeve plan show") == 10 and "and 22 more" in said


# ---- the schema ----

SCHEMA = json.loads((REPO / "docs/status.schema.json").read_text())
SOURCE = SCHEMA["properties"]["telemetry"]["properties"]["journald"]["items"]
SCHEMA_OF_A_SOURCE = [name for name in SOURCE["required"] if name != "service"]


def strict(schema):
    """What the schema does not name is not there: it is to be named when it comes."""
    if isinstance(schema, dict):
        schema = {k: strict(v) for k, v in schema.items()}
        if "properties" in schema:
            schema["additionalProperties"] = False
    elif isinstance(schema, list):
        schema = [strict(v) for v in schema]
    return schema


def validate(data):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(strict(copy.deepcopy(SCHEMA))).validate(data)


def told(stage):
    """What a real daemon says, by the schema; nothing while none answers."""
    run = reeve("status", "--json", "-c", stage.config)
    data = json.loads(run.stdout or '{"exit_status": 6}')
    assert data["exit_status"] == run.returncode
    if run.stdout:
        validate(data)
    return data


def wait_told(stage, condition, timeout_s=60):
    return process.wait_for(lambda: next((s for s in [told(stage)] if condition(s)), None), timeout_s, "a status")


def test_what_real_daemons_answer_is_as_the_schema_says(stage, warehouse):
    wait_told(stage, lambda s: s["exit_status"] == 0 and s["vendor"]["connected"])
    stage.write_policy(stage.default_policy(apply="approve", warehouses=[warehouse.id]))
    command = warehouse.apply("--expires", "30s")
    waiting = wait_told(stage, lambda s: any(o["state"] == "WAIT_APPROVAL" for o in s["operations"]))
    assert [(o["id"], o["ended"], o["steps_total"] > 0) for o in waiting["operations"]] == [(command, False, True)]
    stage.vendor("cancel", command)
    (stage.dir / "etc/STOP").touch()
    assert wait_told(stage, lambda s: s["exit_status"] == 4)["mode"] == "FROZEN"
    (stage.dir / "etc/STOP").unlink()
    stage.write_policy("mode: off\n")
    assert "mode: off" in wait_told(stage, lambda s: s["exit_status"] == 4)["why"]
    (stage.dir / "etc/policy.yaml").unlink()
    assert wait_told(stage, lambda s: s["mode"] == "NO_POLICY")["exit_status"] == 3
    stage.vendor_kill()
    assert "no answer from https://" in wait_told(stage, lambda s: s["exit_status"] == 5)["vendor"]["trouble"]
    stage.vendor_start()
    assert stage.agent_stop() == 0
    assert told(stage)["exit_status"] == 6
    stage.rules({"match": {"action": "GetCallerIdentity"}, "do": "error", "status": 500, "code": "InternalFailure"})
    stage.agent_start()
    starting = wait_told(stage, lambda s: "start_trouble" in s)
    assert starting["exit_status"] == 0 and starting["mode"] == "STARTING"


def test_a_damaged_journal_is_told_and_stops(stage):
    segment = stage.dir / "state/journal/0000000000000001.jsonl"
    wait_told(stage, lambda s: s["exit_status"] == 0)
    assert stage.agent_stop() == 0
    kept = segment.read_bytes()
    try:
        segment.write_bytes(kept.replace(b"journal.created", b"journal.CREATED", 1))
        stage.agent_start()
        assert "line 2" in wait_told(stage, lambda s: s.get("mode") == "READ_ONLY")["journal"]["damaged"]
        assert "do: `reeve journal verify` names the line" in reeve("status", "-c", stage.config).stdout
        assert stage.agent_stop() == 0
    finally:
        segment.write_bytes(kept)


def test_the_journal_of_a_newer_version_is_told_to_both_sides_and_left_alone(stage):
    """As after a package that was put back to an older one."""
    segment = stage.dir / "state/journal/0000000000000001.jsonl"
    wait_told(stage, lambda s: s["exit_status"] == 0)
    assert stage.agent_stop() == 0
    kept = segment.read_bytes()
    last = kept.splitlines()[-1]
    line = {"prev": hashlib.sha256(last).hexdigest(), "seq": json.loads(last)["seq"] + 1}
    line |= {"time": "2026-11-29T12:00:00.000Z", "type": "agent.started", "schema": 2}
    newer = kept + json.dumps(line, separators=(",", ":")).encode() + b"\n"
    try:
        segment.write_bytes(newer)
        stage.agent_start()
        data = wait_told(stage, lambda s: s.get("mode") == "READ_ONLY" and s["vendor"]["connected"])
        assert "a newer version has written this journal (schema 2)" in data["journal"]["newer"]
        assert data["exit_status"] == 4
        assert "do: install the version that has written it" in reeve("status", "-c", stage.config).stdout
        assert reeve("journal", "verify", stage.dir / "state/journal").returncode == 0  # it is whole
        assert stage.agent_stop() == 0  # it has stayed up
        assert segment.read_bytes() == newer
    finally:
        segment.write_bytes(kept)


def test_a_refused_login_shows_status_url_and_the_vendors_words(stage):
    """The vendor knows no such installation."""
    wait_told(stage, lambda s: s["exit_status"] != 6)
    assert stage.agent_stop() == 0
    config, other = stage.config.read_text(), stage.dir / "state2"
    other.mkdir()
    subprocess.run(sudo("chown", AGENT_USER, other), check=True)
    try:
        stage.config.write_text(config.replace("inst-1", "inst-2").replace(f"{stage.dir}/state\n", f"{other}\n"))
        stage.agent_start()
        trouble = wait_told(stage, lambda s: s["exit_status"] == 5)["vendor"]["trouble"]
        assert trouble.startswith(
            "login, token: the vendor answered 403 to https://control.demo.example/reeve/v1/login: "
        )
        assert "inst-2" in trouble or "installation" in trouble
        assert trouble in reeve("status", "-c", stage.config).stdout
    finally:
        stage.agent_stop()
        stage.config.write_text(config)
        subprocess.run(sudo("rm", "-rf", other), check=True)
