"""reeve journal show: one readable sentence a record, the newest last, chosen and followed; verify."""

import json
import os
import subprocess
import time

import pytest

from tests.e2e.cli.conftest import BINARY, accepted, at_terminal, command_id, plan, reeve
from tests.peers import process

LIST = [["instance", f"i-{n}"] for n in range(8)]
RECORDS = [
    ("journal.created", {"installation": "inst-1", "public_key": "k"}, "the journal of inst-1 begins"),
    ("agent.started", {"version": "1", "instance_id": "i-1", "account": "1", "region": "r", "role": "x"}, "the agent 1 starts on i-1"),
    ("command.accepted", accepted(7, requested_by="ann", reason="more nodes"), "command 7 is accepted: warehouse.apply of wh-7, asked for by ann: more nodes"),
    ("command.planned", {"op": command_id(7), "plan_hash": "ab" * 32, "plan": plan(7, "be", "fe")}, "command 7 is planned: 2 steps in 2 plans (cluster-be, cluster-fe)"),
    ("command.started", {"op": command_id(7), "plan_hash": "ab" * 32}, "command 7 starts"),
    ("step.intent", {"op": command_id(7), "plan": "cluster-be", "step": "launch", "action": "ec2:RunInstances", "generation": 2}, "command 7, cluster-be: launch nodes of be: about to call ec2:RunInstances, with its token number 2"),
    ("step.doubt", {"op": command_id(7), "plan": "cluster-be", "step": "launch", "leaving": "stays"}, "command 7, cluster-be: launch nodes of be: not through yet, it is tried again: AWS refused the call, or gave no answer"),
    ("step.outcome", {"op": command_id(7), "plan": "cluster-be", "step": "launch", "outcome": "done", "how": "answer", "created": LIST}, "command 7, cluster-be: launch nodes of be: done (answer); created instance i-0"),
    ("step.outcome", {"op": command_id(7), "plan": "cluster-fe", "step": "launch", "outcome": "failed", "error": {"message": "no room"}}, "command 7, cluster-fe: launch nodes of fe: failed: no room"),
    ("step.intent", {"op": command_id(7), "plan": "cluster-fe", "step": "undo-launch", "action": "ec2:TerminateInstances", "generation": 1}, "command 7, cluster-fe: take back: launch nodes of fe: about to call ec2:TerminateInstances"),
    ("step.intent", {"op": command_id(7), "plan": "cluster-fe", "step": "undone-launch", "action": "ec2:TerminateInstances", "generation": 1}, "command 7, cluster-fe: wait for what was taken back: launch nodes of fe: about to call ec2:TerminateInstances"),
    ("step.intent", {"op": command_id(7), "plan": "cluster-fe", "step": "again-launch", "action": "ec2:TerminateInstances", "generation": 1}, "command 7, cluster-fe: put back: launch nodes of fe: about to call ec2:TerminateInstances"),
    ("step.intent", {"op": command_id(7), "plan": "cluster-xx", "step": "launch", "action": "ec2:RunInstances", "generation": 1}, "command 7, cluster-xx: launch: about to call ec2:RunInstances"),
    ("plan.undo", {"op": command_id(7), "plan": "cluster-fe", "error": {"message": "no room"}}, "command 7, cluster-fe: what was done is taken back: no room"),
    ("command.cancelled", {"op": command_id(7)}, "command 7 is cancelled by the vendor"),
    ("command.result", {"op": command_id(7), "state": "FAILED", "error": {"message": "no room"}, "steps_done": 1, "steps_total": 2, "created": LIST}, "command 7 has ended: FAILED, no room; 1 of 2 steps; created"),
    ("result.acked", {"epoch": 1, "through": 7}, "the vendor has all results up to number 7"),
    ("result.acked", {"ops": [command_id(7)]}, "the vendor has the result of command 7"),
    ("local.accepted", {"op": command_id(11), "verb": "heal", "warehouse": "wh-7", "stands_on": command_id(7), "occurrence": "i-0", "reason": "i-0 of be is terminated"}, "the agent begins heal of i-0 by itself, in wh-7: i-0 of be is terminated; it carries on the spec of command 7"),
    ("command.started", {"op": command_id(11)}, "the agent's heal of i-0 starts"),
    ("warehouse.nodes", {"warehouse": "wh-7", "op": command_id(7), "nodes": {"be": ["i-1", "i-2"], "fe": []}}, "nodes of wh-7 that were seen alive: be 2 fe 0"),
    ("command.refused", {"body_sha256": "cd" * 32, "reason": "a wrong key"}, "a command was refused: a wrong key"),
    ("notes.left_out", {"count": 9, "until_ms": 1}, "9 more notes"),
    ("journal.pruned", {"segment": "0000000000000001.jsonl", "last_seq": 3, "last_sha256": "ef" * 32}, "segment 0000000000000001.jsonl goes"),
    ("checkpoint", {"epoch": 1, "accepted": 7, "records": [["command.accepted", accepted(8), 0]]}, "a segment begins: 1 commands are open"),
    ("command.started", {"op": command_id(8)}, "command 8 starts"),
    ("a.later.version", {"what": "it says"}, 'a.later.version {"what":"it says"}'),
    ("command.started", {"op": command_id(9)}, f"command {command_id(9)[:13]} starts"),
]  # fmt: skip


def filled(journal):
    return [journal.add(kind, **members) for kind, members, _ in RECORDS]


def test_each_record_is_one_sentence_and_the_plans_name_stands_beside_each_step(site, journal):
    filled(journal)
    run = reeve("journal", "show", "-c", site.config)
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert len(lines) == len(RECORDS)
    for n, (line, (_, _, sentence)) in enumerate(zip(lines, RECORDS, strict=True), 1):
        assert line.split()[:2] == [str(n), f"2026-11-29T10:00:{n:02}.000Z"]
        assert sentence in line
        assert '{"' not in line or "a.later.version" in line
    assert "i-5 and 2 more" in lines[7] and "i-6" not in lines[7]
    assert reeve("journal", "show", site.journal).stdout == run.stdout  # DIR in place of FILE


def test_what_is_asked_for_is_shown(site, journal):
    lines = filled(journal)

    def shown(*args):
        run = reeve("journal", "show", "--json", *args, "-c", site.config)
        assert run.returncode == 0, run.stderr
        return run.stdout.splitlines()

    assert shown() == lines  # the lines themselves, byte for byte
    assert shown("-n", "3") == lines[-3:]
    assert shown("-n", "0") == []
    assert shown("-n", "1000000") == lines
    of_7 = [line for line in lines if f'"op": "{command_id(7)}"' in line or f'["{command_id(7)}"]' in line]
    for typed in ("7", command_id(7), command_id(7).replace("-", ""), command_id(7)[:19]):
        assert shown("--op", typed) == of_7
        assert shown("--op=" + typed, "-n", "2") == of_7[-2:]
    assert shown("--since", "2026-11-29T10:00:20Z") == lines[19:]
    assert shown("--since", "2026-11-29") == lines
    assert shown("--since", "2026-11-30") == []
    assert shown("--since", "1970-01-01") == lines
    journal.add("agent.started", time=time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), version="now")
    assert [json.loads(line)["version"] for line in shown("--since", "2h")] == ["now"]
    sentences = reeve("journal", "show", "-n", "2", "-c", site.config).stdout
    assert "the agent now starts" in sentences and len(sentences.splitlines()) == 2


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (("-n", "many"), 2, "-n wants a number"),
        (("-n", "-1"), 2, "-n wants a number"),
        (("--since", "yesterday"), 2, "--since yesterday: expected a time"),
        (("--op", "99"), 1, "there is no command 99"),
        (("--op", "zz"), 2, "is no command"),
        (("--op", "zz", "/nowhere"), 2, "is no command"),
        (("--since", "2026-02-30", "/nowhere"), 2, "expected a time"),
        (("--op", "01a3185c"), 1, "several commands"),
        (("--what",), 2, "is not expected"),
        (("/nowhere",), 1, "/nowhere"),
    ],
)
def test_what_cannot_be_asked_is_said(site, journal, args, status, said):
    filled(journal)
    run = reeve("journal", "show", *args, "-c", site.config)
    assert run.returncode == status and said in run.stderr


def test_it_goes_on_over_segments_and_follows(site, journal):
    filled(journal)
    child = subprocess.Popen(
        [BINARY, "journal", "show", "-n", "1", "-f", "-c", site.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.set_blocking(child.stdout.fileno(), False)
    seen = []

    def sees(text):
        seen.append((child.stdout.read() or b"").decode())
        return text in "".join(seen)

    try:
        process.wait_for(lambda: sees("starts"), 20)
        journal.add("command.cancelled", op=command_id(7))
        process.wait_for(lambda: sees("command 7 is cancelled"), 20)
        journal.segment()
        journal.add("checkpoint", records=[])
        journal.add("command.cancelled", op=command_id(8))
        process.wait_for(lambda: sees("command 8 is cancelled"), 20)
        whole = json.dumps(
            {
                "prev": journal.prev,
                "seq": journal.seq,
                "time": "2026-11-29T10:00:00.000Z",
                "type": "agent.started",
                "version": "9",
            }
        )
        with open(journal.path, "a") as f:  # half a line is not shown, and not forgotten
            f.write(whole[:50])
            f.flush()
            time.sleep(1.2)
            f.write(whole[50:] + "\n")
        process.wait_for(lambda: sees("the agent 9 starts"), 20)
        assert len("".join(seen).splitlines()) == 5 and child.poll() is None
        child.stdout.close()  # the reader goes, and nothing is written any more
        assert child.wait(20) == 0 and child.stderr.read() == b""
    finally:
        child.kill()
        child.wait()
        child.stderr.close()


def test_a_closed_pipe_ends_every_command_silently(site, journal, daemon):
    for _ in range(3000):
        journal.add("command.cancelled", op=command_id(7))
    reader, writer = os.pipe()
    os.close(reader)
    commands = [
        ["journal", "show"],
        ["journal", "show", "--json"],
        ["journal", "verify"],
        ["--help"],
        ["iam", "operate", "launch"],
        ["version"],
    ]
    for command in commands:
        config = ["-c", site.config] if command[0] == "journal" else []
        run = subprocess.run(
            [BINARY, *command, *config], stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
        )
        assert (run.returncode, run.stderr) == (0, b"")
    os.close(writer)
    head = subprocess.run(
        f"set -o pipefail; {BINARY} journal show -c {site.config} | head -1",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        check=False,
    )
    assert (head.returncode, head.stderr) == (0, b"") and b"command" in head.stdout


def test_damage_is_named_by_both_after_what_is_whole(site, journal):
    lines = filled(journal)
    journal.path.write_text("\n".join(lines).replace("more nodes", "more modes") + "\n")
    run = reeve("journal", "show", "-c", site.config)
    assert run.returncode == 1 and "journal damaged at 0000000000000001.jsonl line 4" in run.stderr
    assert len(run.stdout.splitlines()) == 3
    run = reeve("journal", "verify", "-c", site.config)
    assert run.returncode == 1 and "line 4" in run.stderr


def test_what_others_wrote_into_it_steers_no_terminal(site, journal):
    journal.add("command.refused", body_sha256="ab", reason="\x1b[2J\x07\r\nnothing happened \u202e")
    for args in ((), ("-n", "1")):
        said = reeve("journal", "show", *args, "-c", site.config).stdout
        assert not set(said) & set("\x1b\x07\r\u202e") and len(said.splitlines()) == 1


@pytest.mark.parametrize("columns", [40, 80])
def test_it_wraps_at_the_terminal(site, journal, columns):
    filled(journal)
    seen, status = at_terminal(columns, "journal", "show", "-c", site.config)
    assert status == 0 and seen.split() == reeve("journal", "show", "-c", site.config).stdout.split()


def test_a_real_journal_is_sentences_throughout(stage, warehouse):
    command = warehouse.apply(nodes=1)
    assert warehouse.result(command)["state"] == "SUCCEEDED"
    said = reeve("journal", "show", "--op", command, "-c", stage.config).stdout
    number = said.split("command ")[1].split(" ")[0]
    assert f"command {number} is accepted: warehouse.apply of {warehouse.id}" in said
    assert f"command {number}, cluster-be: launch nodes of be: done (" in said
    assert "take back: " not in said  # nothing was
    assert f"command {number} has ended: SUCCEEDED" in said and '{"' not in said
    assert reeve("journal", "show", "--op", number, "-c", stage.config).stdout == said
    assert '{"' not in reeve("journal", "show", "-c", stage.config).stdout
