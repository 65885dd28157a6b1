"""The systemd units: correct, and exposed no more than a network service must be. tests/boot asks the running ones."""

import pathlib
import re
import shutil
import subprocess

import pytest

SYSTEMD = pathlib.Path(__file__).parents[2] / "deploy/systemd"
UNIT = SYSTEMD / "reeve.service"
BINARY = "/usr/bin/reeve"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def score(path):
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=100", "--no-pager", path)
    return float(re.search(r"exposure level for \S+ ([\d.]+)", done.stdout)[1])


def test_systemd_understands_all_of_it(tmp_path):
    (tmp_path / UNIT.name).write_text(
        UNIT.read_text().replace(f"={BINARY}", f"={shutil.which('true')}").replace("RootDirectory=", "#RootDirectory=")
    )
    (tmp_path / "reeve-again.timer").write_text((SYSTEMD / "reeve-again.timer").read_text())
    for unit in (UNIT.name, "reeve-again.timer"):
        done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / unit)
        assert (done.returncode, done.stderr) == (0, "")


def test_its_exposure_is_one_or_better():
    assert score(UNIT) <= 1.0


def test_with_the_telemetry_drop_in_it_is_one_point_three_or_better(tmp_path):
    drop_in = (SYSTEMD / "telemetry.conf").read_text()
    (tmp_path / UNIT.name).write_text(
        UNIT.read_text().replace("[Install]", drop_in[drop_in.index("[Service]") :] + "[Install]")
    )
    assert score(tmp_path / UNIT.name) <= 1.3


def test_the_drop_in_opens_logs_and_the_journal_and_the_unit_the_machines_libraries():
    assert "\nSupplementaryGroups=adm systemd-journal\n" in (SYSTEMD / "telemetry.conf").read_text()
    paths = " ".join(line for line in UNIT.read_text().splitlines() if line.startswith("ExecPaths="))
    for where in ("/usr/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):  # where libsystemd.so.0 may lie
        assert f"+{where} " in f"{paths} "


@pytest.mark.parametrize("line", ["NoNewPrivileges=yes", "CapabilityBoundingSet=", "PrivateUsers=yes"])
def test_the_gate_would_notice_if_it_were_weaker(tmp_path, line):
    text = UNIT.read_text()
    assert f"\n{line}\n" in text
    (tmp_path / UNIT.name).write_text(text.replace(f"\n{line}\n", "\n"))
    command = ("systemd-analyze", "security", "--offline=true", "--threshold=10", "--no-pager", tmp_path / UNIT.name)
    assert run(*command).returncode != 0


def test_a_crash_loop_ends_and_the_watchdog_is_quick():
    """tests/boot shortens these by drop-ins, so the shipped numbers are held here."""
    unit = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0] != "#")
    timer = dict(line.split("=", 1) for line in (SYSTEMD / "reeve-again.timer").read_text().splitlines() if "=" in line)
    assert (unit["WatchdogSec"], unit["RestartSec"]) == ("60", "5")
    assert int(unit["StartLimitBurst"]) * 5 * 2 <= seconds(unit["StartLimitIntervalSec"]), (
        "the limit would never be reached"
    )
    assert 60 <= seconds(timer["OnActiveSec"]) <= 3600


def seconds(text):
    n, unit = re.fullmatch(r"(\d+)(s|min|h)?", text).groups()
    return int(n) * {"s": 1, None: 1, "min": 60, "h": 3600}[unit]


def paths(setting):
    found = re.findall(rf"^{setting}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return {p.lstrip("-+") for line in found for p in line.split()}


def test_each_folder_that_is_mounted_by_itself_is_named_where_nothing_may_be_run():
    """systemd 252 does not go on into them, and `/` alone left /usr, /tmp and the state to be run. tests/boot looks at the mounts."""
    assert {"/", "/tmp", "/var/tmp", "/run", "/run/reeve", "/var/lib/reeve"} <= paths("NoExecPaths")
    assert paths("BindReadOnlyPaths") - paths("NoExecPaths") - paths("ExecPaths") == set()


def test_it_runs_the_daemon_as_its_own_user():
    lines = UNIT.read_text().splitlines()
    for line in [
        "Type=notify",
        "User=reeve",
        "StateDirectoryMode=0700",
        "RuntimeDirectoryMode=0755",
        "LoadCredential=reeve.proxy",  # without a path: a missing one stops no start (systemd.exec(5))
        f"ExecStart={BINARY} run -c /etc/reeve/reeve.yaml",
    ]:
        assert line in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)
