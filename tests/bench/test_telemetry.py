"""The command itself: what it takes, and that one that is interrupted leaves nothing."""

import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from tests.bench import rules, subjects, telemetry
from tests.peers.pb import REPO

PROGRAM = [
    sys.executable,
    "-m",
    "tests.bench.telemetry",
    "--reeve",
    "build/reeve",
    "--codec",
    "build/tests/bench/codec",
]


def lines_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"it ended with {process.wait()} and never said {text!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_interrupted_leaves_no_process_and_no_file(number, tmp_path):
    subprocess.run(["make", "-s", "FLAVOUR=release", "build/reeve"], cwd=REPO, check=True)
    env = os.environ | {"TMPDIR": str(tmp_path)}
    run = subprocess.Popen(
        [*PROGRAM, "--rows", "drain", "--peers", ""], cwd=REPO, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        lines_until(run, "making 5,555,555 lines")
        children = psutil.Process(run.pid).children(recursive=True)
        assert children and list(tmp_path.iterdir())
        run.send_signal(number)
        assert "nothing is left" in run.communicate(timeout=30)[0]
    finally:
        run.kill()
    assert run.returncode == 130
    assert psutil.wait_procs(children, 5)[1] == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [["--rows", "drain,idle"], ["--peers", "vector"]])
def test_a_row_or_a_peer_that_is_not_known_is_refused_by_name(wrong):
    run = subprocess.run([*PROGRAM, *wrong], cwd=REPO, capture_output=True, text=True, check=False)
    assert run.returncode == 2 and f"{wrong[1].split(',')[-1]} is none of " in run.stderr


def test_a_peer_is_taken_from_the_path_and_is_absent_without(tmp_path, monkeypatch):
    sink = type("Sink", (), {"url": "http://127.0.0.1:1", "port": 1})
    program = tmp_path / "bin/otelcol"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho otelcol version 9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/nowhere")
    assert subjects.FluentBit(tmp_path, sink).version() is None
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.path.dirname(shutil.which('sh', path='/bin:/usr/bin'))}")
    assert subjects.Collector(tmp_path, sink).version() == "otelcol version 9"


def test_the_rules_are_ten_and_the_policy_has_them_all_or_none():
    assert len(rules.TEN) == 10
    text = rules.redaction(rules.TEN)
    assert text.startswith("  redact:\n") and text.count("pattern: ") == 10
    assert rules.redaction({}) == ""


def test_the_head_says_how_to_do_it_again_and_on_what_it_was_done():
    options = telemetry.options_of(["--reeve", "x", "--codec", "y", "--rows", "drain,faults", "--size-mb", "100"])
    bench = type("Bench", (), {"options": options})
    text = "\n".join(telemetry.head(bench, {"reeve": "reeve 1", "otelcol": ""}, {"mb_s": 500, "cpu_s_gb": 1}, 0.1))
    assert "make bench-telemetry RUNS=5 SIZE_MB=100 ROWS=drain,faults" in text
    assert "otelcol: absent" in text and "processors (" in text and "commit " in text
