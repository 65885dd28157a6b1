"""What the daemon refuses before it does anything, and what it says when it cannot do all it should."""

import contextlib
import json
import os
import socket
import subprocess

import pytest

from tests.peers import process
from tests.peers.stage import INSTALLATION, sudo


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_it_does_not_start_with_a_key_in_its_environment(stage, name):
    run = subprocess.run(
        [stage.binary, "run", "-c", stage.config],
        env={name: "x"},
        capture_output=True,
        check=False,
        text=True,
        timeout=10,
    )
    assert run.returncode == 1
    assert name in run.stderr


def test_two_daemons_do_not_share_a_state_folder(stage):
    run = subprocess.run(
        [stage.binary, "run", "-c", stage.config], capture_output=True, check=False, text=True, timeout=10
    )
    assert run.returncode == 1
    assert "lock" in run.stderr


def health_of(stage):
    said = stage.vendor_dir / "agents" / f"{INSTALLATION}.json"
    known = json.loads(said.read_text()) if said.exists() else {}
    return known.get("health", {"healthy": False, "last_error": ""})


def test_a_spool_that_cannot_be_read_is_told_to_both_sides_and_used_when_it_can_be(stage):
    commits = stage.dir / "state/spool/commits"
    assert stage.agent_stop() == 0
    subprocess.run(sudo("sh", "-c", f"rm -f {commits} && mkdir {commits}"), check=True)
    stage.agent_start()
    process.wait_for(lambda: "spool cannot be read" in health_of(stage)["last_error"], 60, "health that says so")
    assert not health_of(stage)["healthy"]
    status = subprocess.run(
        [stage.binary, "status", "-v", "-c", stage.config], capture_output=True, check=False, text=True
    )
    assert status.returncode == 3
    assert "no telemetry is taken or sent" in status.stdout
    assert f"move {commits.parent} away" in status.stdout
    assert "0 rejected by the vendor" in status.stdout  # what could be lost is told also when it is none
    assert "0 bodies or commit records damaged" in status.stdout
    subprocess.run(sudo("rmdir", commits), check=True)
    process.wait_for(lambda: health_of(stage)["healthy"], 60, "health")


class Manager:
    """systemd's end of sd_notify(3)."""

    def __init__(self, path):
        self.path, self.said = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o777)
        self.socket.settimeout(0.2)

    def hears(self, text):
        with contextlib.suppress(TimeoutError):
            while True:
                self.said.append(self.socket.recv(4096).decode())
        return any(said.startswith(text) for said in self.said)

    def close(self):
        self.socket.close()
        self.path.unlink()


def test_ready_means_that_identity_journal_and_policy_are_known(stage):
    process.wait_for(lambda: health_of(stage)["healthy"], 60, "health")
    assert stage.agent_stop() == 0
    manager = Manager(stage.dir / "run/notify.sock")
    stage.rules({"match": {"action": "GetCallerIdentity"}, "do": "error", "status": 500, "code": "InternalFailure"})
    stage.agent_start(notify=manager.path)
    process.wait_for(lambda: manager.hears("STATUS=finding out who this machine is:"), 30, "a status")
    status = subprocess.run([stage.binary, "status", "-c", stage.config], capture_output=True, check=False, text=True)
    assert "STARTING" in status.stdout and "damaged" not in status.stdout
    assert not manager.hears("READY=1")
    stage.rules()
    process.wait_for(lambda: manager.hears("READY=1"), 60, "READY")
    process.wait_for(lambda: health_of(stage)["healthy"], 60, "health")
    status = subprocess.run([stage.binary, "status", "-c", stage.config], capture_output=True, check=False, text=True)
    assert ", connected, last answer 2" in status.stdout  # what the stack's first boot waits for
    manager.close()


def test_status_tells_when_the_vendor_was_last_heard_also_when_it_is_gone(stage):
    def vendor_line():
        run = subprocess.run([stage.binary, "status", "-c", stage.config], capture_output=True, check=False, text=True)
        return next((line for line in run.stdout.splitlines() if line.startswith("vendor ")), "")

    process.wait_for(lambda: ", connected, last answer 2" in vendor_line(), 60, "a connection")
    stage.vendor_kill()
    process.wait_for(lambda: ", NOT connected, last answer 2" in vendor_line(), 60, "its loss")
    stage.vendor_start()
    process.wait_for(lambda: ", connected, last answer 2" in vendor_line(), 60, "a connection")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("pol: {idle: 2s}", 'key "pol" is not known'),
        ("journal: {max: lots}", 'found "lots", expected a size'),
        ("poll: {idle: 1ms}", "expected at least 1s"),
        ("telemetry: {logs: [{path: relative.log, service: x}]}", "expected an absolute path"),
    ],
)
def test_a_wrong_configuration_is_refused_by_file_line_found_and_expected(tmp_path, stage, line, said):
    text = "\n".join(
        part
        for part in stage.config.read_text().splitlines()
        if not part.startswith(("poll", "telemetry", "  idle", "  busy"))
    )
    path = tmp_path / "reeve.yaml"
    kept = text.split("  host_metrics:")[0] + "trust:" + text.split("trust:")[1]
    path.write_text(kept + "\n" + line + "\n")
    run = subprocess.run([stage.binary, "check-config", "-c", path], capture_output=True, check=False, text=True)
    assert run.returncode == 1
    assert f"{path}:" in run.stderr
    assert said in run.stderr


def check_config(binary, config):
    return subprocess.run([binary, "check-config", "-c", config], capture_output=True, check=False, text=True)


def test_check_config_says_what_a_policy_counts_as(tmp_path, stage):
    config, policy_file = tmp_path / "reeve.yaml", tmp_path / "policy.yaml"
    config.write_text(stage.config.read_text())
    run = check_config(stage.binary, config)
    assert run.returncode == 0, run.stderr
    assert (
        "policy.yaml: counts as none" in run.stdout
    )  # there is none: nothing would be changed, and that is no mistake
    policy_file.write_text("bounds: {nodes_total: many}\n")
    run = check_config(stage.binary, config)
    assert run.returncode == 1
    assert "policy.yaml:1" in run.stdout and "counts as none" in run.stdout
    policy_file.write_text("commands: {warehouse.apply: auto}\n")
    run = check_config(stage.binary, config)
    if os.geteuid() == 0:  # its writer is root, as it should be
        assert run.returncode == 0, run.stdout + run.stderr
        assert "warehouse.apply auto" in run.stdout
        assert "bounds.images is not given, which stops every launch" in run.stdout
    else:
        assert run.returncode == 1
        assert "can be written by the agent's own user" in run.stdout


def test_a_command_explains_itself_and_says_when_it_cannot_write(stage):
    for command in ("run", "status", "plan", "journal", "iam", "check-config", "version"):
        run = subprocess.run([stage.binary, command, "--help"], capture_output=True, check=False, text=True)
        assert run.returncode == 0 and f"reeve {command}" in run.stdout
    with open("/dev/full", "w") as full:
        for command in (["version"], ["iam", "operate"], ["--help"]):
            run = subprocess.run([stage.binary, *command], stdout=full, stderr=subprocess.PIPE, check=False, text=True)
            assert run.returncode == 1 and "could not be written" in run.stderr


def test_it_refuses_to_run_on_a_machine_it_was_not_written_for(stage, tmp_path):
    text = stage.config.read_text().replace("aws:\n", 'aws:\n  account: "999999999999"\n', 1)
    (tmp_path / "state").mkdir()
    text = text.replace(f"dir: {stage.dir}/state", f"dir: {tmp_path}/state")
    text = text.replace(f"socket: {stage.dir}/run/", f"socket: {tmp_path}/")
    path = tmp_path / "reeve.yaml"
    path.write_text(text)
    run = subprocess.run([stage.binary, "run", "-c", path], capture_output=True, check=False, text=True, timeout=20)
    assert run.returncode == 1
    assert "999999999999" in run.stderr
    assert "not the machine it was written for" in run.stderr


def test_help_names_every_command(stage):
    run = subprocess.run([stage.binary, "--help"], capture_output=True, check=False, text=True, env=os.environ)
    for command in ("run", "status", "plan show", "journal verify", "iam", "check-config", "version"):
        assert f"reeve {command}" in run.stdout
