"""turns.py [SECONDS] - how long the turns of the agent's loop take while no name server answers: the binary that ships, from its
start over logins that fail to SIGTERM, measured by turns.so. It reports and asserts nothing.

Two runs: `vendor` finds AWS by addresses and its vendor by a name, so that it has an identity and logs in in vain; `all` asks for
AWS by its own names, too, and does not get that far. Then `handshake`: new connections beside that, with the system's bundle of
certificates."""

import collections
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from tests.e2e.warehouse import second_config
from tests.peers import dark
from tests.peers.stage import Stage, sudo

REPO = pathlib.Path(__file__).resolve().parents[2]
LIMIT_US = 5000
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def shown(turn):
    began_ms, wall, cpu, waited, preempted = turn
    return f"at {began_ms} ms: {wall} us, computed {cpu} us, waited {waited} times, preempted {preempted} times"


def report(name, turns):
    before, *turns, after = turns
    print(f"{name}: before the loop {before[1]} us, behind it {after[1]} us; {len(turns)} turns", flush=True)
    for what, column in (("took", 1), ("computed", 2)):
        sorted_us = sorted(turn[column] for turn in turns)
        parts = [f"{p}%={sorted_us[int(len(sorted_us) * p / 100)]}" for p in (50, 90, 99, 99.9)]
        over = sum(us > LIMIT_US for us in sorted_us)
        print(f"  {what} (us): {' '.join(parts)} most={sorted_us[-1]}; over {LIMIT_US}: {over}")
    for turn in sorted(turns, key=lambda t: -t[1])[:5]:
        print(f"  {shown(turn)}")


def ask_status(stage, config):
    run = subprocess.run(sudo(stage.binary, "status", "-c", config), capture_output=True, check=False, timeout=30)
    return run.returncode == 0


def drop_endpoints(text):
    head, rest = text.split("  endpoints:\n")
    lines = rest.splitlines(keepends=True)
    while lines and lines[0].startswith("    "):
        lines.pop(0)
    return head + "".join(lines)


def measure(stage, name, folder, resolv_conf, seconds):
    folder.mkdir()
    config = second_config(stage, folder)
    if name == "all":
        config.write_text(drop_endpoints(config.read_text()))
    env = f"LD_PRELOAD={REPO}/build/tests/turns/turns.so", f"TURNS_FILE={folder}/turns"
    command = dark.command(resolv_conf, "env", *env, stage.binary, "run", "-c", config)
    with open(folder / "log", "wb") as log:
        agent = subprocess.Popen(command, stdout=log, stderr=log)
    end, answered, asked = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end and agent.poll() is None:
        time.sleep(5)
        asked += 1
        answered += ask_status(stage, config)
    began = time.monotonic()
    subprocess.run(sudo("kill", f"-{int(signal.SIGTERM)}", str(agent.pid)), check=False)
    status = agent.wait(60)
    logins = (folder / "log").read_text().count("control.login.failed")
    print(f"{name}: exit {status} {(time.monotonic() - began) * 1000:.0f} ms after SIGTERM;", end=" ")
    print(f"{logins} logins failed, status answered {answered} of {asked} times")
    report(name, turns_of(folder / "turns"))


def measure_handshake(stage, folder):
    """New connections to a host whose addresses were known before the dark, judged by as many certificates as a system has. The vendor's
    is not for an address, which ends each connection behind its handshake: so each request makes one."""
    env = "env", f"LD_PRELOAD={REPO}/build/tests/turns/turns.so", f"TURNS_FILE={folder}/handshake"
    url = f"https://127.0.0.1:{stage.vendor_port}/\n"
    certificates = folder / "bundle.pem"
    certificates.write_text(pathlib.Path(BUNDLE).read_text() + (stage.dir / "etc/ca.pem").read_text())
    command = [*env, REPO / "build/tests/tools/https_get", certificates]
    run = subprocess.run(command, input=url * 20, text=True, stdout=subprocess.PIPE, check=True)
    print(f"handshake: {collections.Counter(run.stdout.splitlines())}")
    report("handshake", turns_of(folder / "handshake"))


def turns_of(path):
    return turns_from(path.read_text())


def turns_from(text):
    return [tuple(map(int, line.split())) for line in text.splitlines()]


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 140
    with tempfile.TemporaryDirectory(prefix="reeve-turns-") as name:
        folder = pathlib.Path(name)
        with Stage(folder / "stage", REPO / "build/reeve") as stage, dark.silent_servers(folder) as resolv_conf:
            for run in ("vendor", "all"):
                measure(stage, run, folder / run, resolv_conf, seconds)
            measure_handshake(stage, folder)


if __name__ == "__main__":
    main()
