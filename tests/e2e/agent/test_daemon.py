"""What the daemon refuses before it does anything."""

import os
import subprocess

import pytest


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
