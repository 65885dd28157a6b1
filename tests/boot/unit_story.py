"""The service under systemd, on a machine that boots (make boot-test): what it may do, what it sees, when it is ready, what ends it
and what starts it again. Every sentence below is asked of a running machine."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from tests.boot import machine, story

PACKAGE = machine.REPO / "build/package"
UNIT = "reeve.service"
DROP_IN = "/etc/systemd/system/reeve.service.d/telemetry.conf"
LOG = "/var/log/warehouse.log"
HOST = """telemetry:
  host_metrics:
    interval: 2s
  logs:
    - path: /var/log/warehouse.log
      service: doris-be
    - journald: [systemd-journald.service]
      service: journald
poll:
  idle: 2s
"""
# Every family that the collector knows (docs of the metrics: OpenTelemetry's semantic conventions).
FAMILIES = ["cpu", "memory", "paging", "disk", "filesystem", "network", "process", "uptime"]
THEIRS = ["/home", "/root", "/boot", "/srv", "/opt"]  # folders of the machine that are none of the agent's business
RUNS = ["/usr/bin/reeve", "/lib64", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/x86_64-linux-gnu"]
NSPAWNS = "/run/host/"  # what a container has and a machine has not
EXPOSURE = {"base": 1.0, "telemetry": 1.3}  # at most


def package():
    found = sorted(PACKAGE.glob("*.deb"))
    if not found:
        raise SystemExit("build/package holds no .deb: make package")
    return found[0]


def install(m, w, more=""):
    shutil.copy(package(), m.root / "tmp/reeve.deb")
    m.disk.run("dpkg -i /tmp/reeve.deb")
    w.prepare(m)
    for path in THEIRS:
        m.put(f"{path}/theirs", "somebody else's\n")
    m.put("/etc/reeve/reeve.yaml", w.configuration(more))
    m.put("/etc/reeve/policy.yaml", w.policy())
    m.disk.run("systemctl enable reeve.service")


def exposure(m):
    told = m.inside("systemd-analyze", "security", "--no-pager", UNIT)
    return float(re.search(r"exposure level for reeve.service: ([\d.]+)", told)[1])


def show(m, *names):
    """Properties of the unit; each "" while systemd cannot be asked yet."""
    status, told = m.ask("systemctl", "show", UNIT, *(f"--property={n}" for n in names))
    found = dict(line.split("=", 1) for line in told.splitlines() if "=" in line) if status == 0 else {}
    return dict.fromkeys(names, "") | found


def is_up(m):
    return show(m, "ActiveState")["ActiveState"] == "active"


def main_pid(m):
    """Of the agent, as this side of the container sees it."""
    inner = int(show(m, "MainPID")["MainPID"])
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = path.read_text()
            ns = re.search(r"^NSpid:\s+(.*)$", text, re.MULTILINE)
            if ns and ns[1].split()[-1] == str(inner) and len(ns[1].split()) > 1 and "Name:\treeve" in text:
                return int(path.parent.name)
    raise RuntimeError(f"no agent with pid {inner} in the machine")


def metrics(w):
    return {line["name"] for line in w.stage.vendor_lines("metrics") if line["name"].startswith("system.")}


def missing(w):
    return [f for f in FAMILIES if not any(name.startswith(f"system.{f}") for name in metrics(w))]


def journal_says(m, pattern):
    return re.search(pattern, m.ask("journalctl", "--unit", UNIT, "--output=cat", "--no-pager")[1])


# ---- the base unit ----


def base(s, w, image, folder):
    s.tell("the base unit")
    with machine.Machine(folder, image) as m:
        install(m, w, "poll:\n  idle: 2s\n")
        m.boot()
        m.wait(lambda: show_is(m, "activating"), 60, "a unit that starts")
        m.wait(lambda: "metadata service" in said(m), 30, "a status that names the metadata service")
        s.check("before it knows who it is it says what it waits for", True)
        s.check("and is not ready", not is_up(m))
        w.connect(m)
        m.wait(lambda: is_up(m), 60, "an active unit")
        s.check("it is ready once identity, journal and policy are known", True)
        m.wait(lambda: is_connected(m), 60, "a login")
        s.check("it logs in to the vendor with nothing but what a stack writes", True)
        score = exposure(m)
        s.check(f"its exposure is {EXPOSURE['base']} or better: {score}", score <= EXPOSURE["base"], score)
        sees(s, m)
        may(s, m)
        status = m.ask("reeve", "status")
        s.check(
            "`reeve status` finds it by its socket", status[0] == 0 and ", connected, last answer" in status[1], status
        )
        told = show(
            m, "MemoryMax", "CPUQuotaPerSecUSec", "LimitCORE", "TasksMax", "Restart", "OnFailure", "SupplementaryGroups"
        )
        wanted = {"MemoryMax": "268435456", "CPUQuotaPerSecUSec": "1s", "LimitCORE": "0", "TasksMax": "64"}
        wanted |= {"Restart": "always", "OnFailure": "reeve-again.timer"}
        s.check("its limits are those of the unit", wanted.items() <= told.items(), told)
        s.check("it is in no group but its own", told["SupplementaryGroups"] == "", told)
        m.off()


def show_is(m, state):
    return show(m, "ActiveState")["ActiveState"] == state


def is_connected(m):
    return re.search(r"vendor connected", said(m)) is not None


def said(m):
    return show(m, "StatusText")["StatusText"]


def mounts(m):
    """Place to options, in the agent's own namespaces; of two at one place the later one covers the other."""
    pid = show(m, "MainPID")["MainPID"]
    return {line.split()[1]: line.split()[3].split(",") for line in m.inside("cat", f"/proc/{pid}/mounts").splitlines()}


def options(m, path):
    """Those of the mount that a path lies on."""
    held = mounts(m)
    return held[max((at for at in held if at == "/" or path == at or path.startswith(f"{at}/")), key=len)]


def sees(s, m):
    """The base unit's root."""
    root = f"/proc/{show(m, 'MainPID')['MainPID']}/root"
    status, told = m.ask("ls", f"{root}/usr/bin/reeve", f"{root}/etc/reeve/reeve.yaml")
    s.check("its root shows /usr and /etc", status == 0, told)
    for path in THEIRS:
        m.inside("ls", f"{path}/theirs")
        status, told = m.ask("ls", f"{root}{path}/theirs")
        s.check(f"it cannot see {path}, which is there", status != 0 and "No such file" in told, told)


def may(s, m):
    for path, mode in [("/usr", "ro"), ("/etc", "ro"), ("/var/lib/reeve", "rw")]:
        s.check(f"{path} is {mode} for it", mode in options(m, path), options(m, path))
    runs = {at: held for at, held in mounts(m).items() if "noexec" not in held and not at.startswith(NSPAWNS)}
    s.check("nothing but itself and what its loader opens may be run", set(runs) <= set(RUNS), set(runs) - set(RUNS))
    s.check("and none of that may be written", not [at for at, held in runs.items() if "ro" not in held], runs)
    status = m.inside("cat", f"/proc/{show(m, 'MainPID')['MainPID']}/status")
    caps, new = (re.search(rf"{name}:\s+(\w+)", status)[1] for name in ("CapEff", "NoNewPrivs"))
    s.check("it holds no capability, and can get none", (int(caps, 16), new) == (0, "1"), (caps, new))


# ---- with telemetry ----


def telemetry(s, w, image, folder):
    s.tell("with the telemetry drop-in")
    with machine.Machine(folder, image) as m:
        install(m, w, HOST)
        m.disk.run(f"install -D -m 644 /usr/share/reeve/telemetry.conf {DROP_IN}")
        m.put(LOG, "the first line\n", 0o640)
        m.disk.run(f"chgrp adm {LOG}")
        m.boot()
        w.connect(m)
        m.wait(lambda: is_up(m), 60, "an active unit")
        score = exposure(m)
        s.check(f"its exposure is {EXPOSURE['telemetry']} or better: {score}", score <= EXPOSURE["telemetry"], score)
        m.wait(lambda: any("the first line" in x["body"] for x in w.stage.vendor_lines("logs")), 60, "the log's line")
        s.check("it tails a log of root:adm, mode 0640", True)
        m.wait(
            lambda: any("Journal started" in x["body"] for x in w.stage.vendor_lines("logs")),
            60,
            "an entry of the journal",
        )
        s.check("it reads a unit of the machine's journal", True)
        m.wait(lambda: not missing(w), 60, "metrics of every family")
        s.check("it tells metrics of every family", True)
        s.check("it counts the machine's processes", "system.process.count" in metrics(w), sorted(metrics(w)))
        groups = show(m, "SupplementaryGroups")["SupplementaryGroups"]
        s.check("the groups of logs come by the drop-in alone", groups == "adm systemd-journal", groups)
        may(s, m)
        m.off()


# ---- the watchdog, and crash loops ----


def spin(pid):
    """A busy loop where the agent waits for its loop: two bytes of machine code, "jump to yourself"."""
    where = int(pathlib.Path(f"/proc/{pid}/syscall").read_text().split()[-1], 16)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(where)
        memory.write(b"\xeb\xfe")


def never_durable(m, pid):
    """The same in front of fdatasync: the loop turns, and no record ever gets its answer."""
    libc = "usr/lib/x86_64-linux-gnu/libc.so.6"
    symbols = machine.run("nm", "--dynamic", m.root / libc)
    offset = int(re.search(r"^(\w+) \w fdatasync@@", symbols, re.MULTILINE)[1], 16)
    base = int(re.search(r"^(\w+)-\S+ \S+ 00000000 \S+ \S+ +\S*/libc\.so\.6$", maps_of(pid), re.MULTILINE)[1], 16)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(base + offset)
        memory.write(b"\xeb\xfe")


def maps_of(pid):
    return pathlib.Path(f"/proc/{pid}/maps").read_text()


def undurable(s, w, m):
    m.wait(lambda: is_connected(m), 60, "a login")
    commands = []

    def do(pid):
        never_durable(m, pid)
        commands.append(w.apply("wh-2"))

    watched(s, m, "a journal that never becomes durable", do)
    w.stage.wait_result(commands[0], 300)
    s.check(
        "and its command is carried out afterwards, once", len(results(w, commands[0])) == 1, results(w, commands[0])
    )


def watched(s, m, how, do, seconds=200):
    before, bites = int(show(m, "NRestarts")["NRestarts"]), journal_count(m, "Watchdog timeout")
    begun = time.monotonic()
    do(main_pid(m))
    m.wait(lambda: int(show(m, "NRestarts")["NRestarts"]) > before, seconds, f"a restart after {how}")
    took = time.monotonic() - begun
    s.check(
        f"{how} ends it and starts it again, after {took:.0f} s",
        journal_count(m, "Watchdog timeout") == bites + 1,
        "no watchdog in the journal",
    )
    m.wait(lambda: is_up(m), 90, f"an active unit after {how}")


def watchdog(s, w, image, folder):
    s.tell("the watchdog")
    with machine.Machine(folder, image) as m:
        install(m, w, "poll:\n  idle: 2s\n")
        short = "[Service]\nWatchdogSec=20\n"  # the tests' patience; the unit has a minute
        m.put("/etc/systemd/system/reeve.service.d/short.conf", short)
        disk = folder / "state.img"
        machine.run("truncate", "-s", "64M", disk)
        machine.run("mkfs.ext4", "-q", disk)
        state = folder / "state"
        state.mkdir()
        machine.run("mount", "-o", "loop", disk, state)
        try:
            m.boot(f"--bind={state}:/var/lib/reeve")
            w.connect(m)
            m.wait(lambda: is_up(m), 60, "an active unit")
            watched(s, m, "SIGSTOP", lambda pid: os.kill(pid, signal.SIGSTOP))
            watched(s, m, "a busy loop", spin)
            undurable(s, w, m)
            frozen(s, w, m, state)
            m.off()
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", state], capture_output=True, check=False)
            m.kill()
            machine.run("umount", "-l", state)


def frozen(s, w, m, state):
    """Nothing can be written, so an accepted command never becomes durable."""
    m.wait(lambda: is_connected(m), 60, "a login")
    begun, bites = time.monotonic(), journal_count(m, "Watchdog timeout")
    machine.run("fsfreeze", "--freeze", state)
    command = w.apply()
    m.wait(
        lambda: "owed the journal" in said(m),
        120,
        "a status that names the disk",
    )
    s.check("a frozen disk stands in its status", True)
    m.wait(lambda: journal_count(m, "Watchdog timeout") > bites, 200, "a watchdog that bites")
    s.check(f"a frozen disk ends it, after {time.monotonic() - begun:.0f} s", True)
    machine.run("fsfreeze", "--unfreeze", state)
    m.wait(lambda: is_up(m) and is_connected(m), 900, "an agent that works again")
    s.check("and once it thaws it works again", True)
    w.stage.wait_result(command, 300)
    s.check(
        "the command that could not be accepted is carried out then, once",
        len(results(w, command)) == 1,
        results(w, command),
    )


def results(w, command):
    return [r for r in w.stage.vendor_lines("results") if r["id"] == command]


def journal_count(m, pattern):
    return len(re.findall(pattern, m.ask("journalctl", "--unit", UNIT, "--output=cat", "--no-pager")[1]))


def crash_loop(s, w, image, folder):
    s.tell("a crash loop")
    with machine.Machine(folder, image) as m:
        install(m, w, "nonsense: 1\n")
        m.put(
            "/etc/systemd/system/reeve-again.timer.d/short.conf",
            "[Timer]\nOnActiveSec=\nOnActiveSec=15s\nAccuracySec=1s\n",
        )
        m.put(
            "/etc/systemd/system/reeve.service.d/short.conf",
            "[Unit]\nStartLimitIntervalSec=10s\n[Service]\nRestartSec=100ms\n",
        )
        m.boot()
        w.connect(m)
        m.wait(lambda: journal_says(m, "Start request repeated too quickly"), 90, "the limit of starts")
        starts = journal_count(m, r"config\.wrong")
        s.check(f"it is started ten times and no more: {starts}", starts == 10, starts)
        m.put("/etc/reeve/reeve.yaml", w.configuration("poll:\n  idle: 2s\n"))
        m.wait(lambda: is_up(m), 60, "an agent that was started again")
        s.check("reeve-again.timer starts it again, and what was mended meanwhile works", True)
        m.off()


def full(s, w, image, folder):
    s.tell("a full disk")
    with machine.Machine(folder, image) as m:
        install(m, w, "poll:\n  idle: 2s\n")
        m.boot("--tmpfs=/var/lib/reeve:size=3M,mode=755")
        w.connect(m)
        m.wait(lambda: is_up(m) and is_connected(m), 90, "an agent that works")
        m.inside("sh", "-c", "head -c 10M /dev/zero >/var/lib/reeve/filler || true")
        command = w.apply("wh-2")
        m.wait(
            lambda: journal_says(m, "journal.full|journal.write.failed|command.*full"), 120, "a full disk in the log"
        )
        restarts = int(show(m, "NRestarts")["NRestarts"])
        time.sleep(30)
        s.check(
            "on a full disk it goes on and says so", is_up(m) and int(show(m, "NRestarts")["NRestarts"]) == restarts
        )
        m.inside("rm", "/var/lib/reeve/filler")
        w.stage.wait_result(command, 300)
        s.check(
            "with room again it carries out what was asked, once", len(results(w, command)) == 1, results(w, command)
        )
        m.off()


def redis(image):
    """The exposure of the best kept service that a Debian brings."""
    unit = image.folder / "usr/share/reeve-test/redis-server.service"
    told = machine.run("systemd-analyze", "security", "--offline=true", "--threshold=100", "--no-pager", unit)
    return re.search(r"exposure level for \S+ ([\d.]+)", told)[1]


# ---- memory: MemoryMax= is not enforced in a container of this kind, so a cgroup of the host stands for it ----


def memory(s, w, image, folder):
    """A receiver that is away, and logs without end, in a quarter of what the unit allows."""
    s.tell("memory")
    group = pathlib.Path("/sys/fs/cgroup/memory/reeve-boot-test")
    if not group.parent.exists():
        group = pathlib.Path("/sys/fs/cgroup/reeve-boot-test")
    group.mkdir(exist_ok=True)
    is_old = (group / "memory.limit_in_bytes").exists()
    (group / ("memory.limit_in_bytes" if is_old else "memory.max")).write_text(str(64 << 20))
    w.stage.agent_start()
    try:
        (group / "cgroup.procs").write_text(str(w.stage.agent.pid))
        w.stage.wait_login()
        w.stage.vendor_kill()
        line = "x" * 180
        with (w.stage.dir / "app/app.log").open("a") as log:
            for n in range(1_500_000):
                log.write(f"{n:09} {line}\n")
        time.sleep(30)
        killed = re.search(
            r"oom_kill (\d+)", (group / ("memory.oom_control" if is_old else "memory.events")).read_text()
        )[1]
        rss = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{w.stage.agent.pid}/status").read_text())[1]
        s.check("with 64 MiB and 285 MB of logs that nobody takes it is not killed", killed == "0", killed)
        s.check(f"its memory was never above 64 MiB: {int(rss) // 1024} MiB", int(rss) < 64 << 10, rss)
        w.stage.vendor_start()
        w.stage.agent_stop()
    finally:
        w.stage.agent_kill() if w.stage.agent else None
        with contextlib.suppress(OSError):
            group.rmdir()


STORIES = [base, telemetry, watchdog, crash_loop, full, memory]


def beside(s, image):
    s.tell(f"  redis-server of Debian, beside it: {redis(image)}")


def play(s, part, w, image, place):
    part(s, w, image, place)


if __name__ == "__main__":
    sys.exit(story.tell("unit", STORIES, play, beside))
