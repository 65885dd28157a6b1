"""Each host metric against an independent reading by psutil: within 2 %, or one unit where numbers are small.

The machine moves while it is read, so psutil reads before and after: the value must lie between the two, with the
tolerance on either side. A value that went up and came back in between (memory, while a compiler ends beside us) is
read again: a metric that is wrong is wrong in every round."""

import json
import os
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.e2e.telemetry.tools import build


def cpu():
    t = psutil.cpu_times()
    modes = {m: getattr(t, m) for m in ("user", "nice", "system", "idle", "iowait", "steal")}
    modes["interrupt"] = t.irq + t.softirq
    return {("system.cpu.time", m): v for m, v in modes.items()}


def memory():
    m, s = psutil.virtual_memory(), psutil.swap_memory()
    states = {"used": m.total - m.available, "free": m.free, "cached": m.cached, "buffers": m.buffers}
    yield from ((("system.memory.usage", k), v) for k, v in states.items())
    yield ("system.memory.limit",), m.total
    yield ("system.memory.linux.available",), m.available
    yield ("system.memory.linux.shared",), m.shared
    yield ("system.paging.operations", "in"), s.sin // os.sysconf("SC_PAGESIZE")
    yield ("system.paging.operations", "out"), s.sout // os.sysconf("SC_PAGESIZE")


def disks():
    for name, d in psutil.disk_io_counters(perdisk=True, nowrap=False).items():
        if not os.path.exists(f"/sys/block/{name}") or name.startswith(("loop", "ram")):
            continue
        for metric, read, write in (
            ("io", d.read_bytes, d.write_bytes),
            ("operations", d.read_count, d.write_count),
            ("merged", d.read_merged_count, d.write_merged_count),
            ("operation_time", d.read_time / 1000, d.write_time / 1000),
        ):
            yield (f"system.disk.{metric}", name, "read"), read
            yield (f"system.disk.{metric}", name, "write"), write
        yield ("system.disk.io_time", name), d.busy_time / 1000


def network():
    for name, n in psutil.net_io_counters(pernic=True, nowrap=False).items():
        for metric, received, sent in (
            ("io", n.bytes_recv, n.bytes_sent),
            ("packet.count", n.packets_recv, n.packets_sent),
            ("packet.dropped", n.dropin, n.dropout),
            ("errors", n.errin, n.errout),
        ):
            yield (f"system.network.{metric}", name, "receive"), received
            yield (f"system.network.{metric}", name, "transmit"), sent


def file_systems():
    for p in psutil.disk_partitions(all=False):
        u, v = psutil.disk_usage(p.mountpoint), os.statvfs(p.mountpoint)
        yield ("system.filesystem.usage", p.mountpoint, "used"), u.used
        yield ("system.filesystem.usage", p.mountpoint, "free"), u.free
        yield ("system.filesystem.usage", p.mountpoint, "reserved"), (v.f_bfree - v.f_bavail) * v.f_frsize
        yield ("system.filesystem.limit", p.mountpoint), u.total
        yield ("system.filesystem.utilization", p.mountpoint), u.used / u.total


def the_rest():
    load = psutil.getloadavg()
    yield from (((f"system.cpu.load_average.{n}",), v) for n, v in zip(("1m", "5m", "15m"), load, strict=True))
    yield ("system.cpu.logical.count",), psutil.cpu_count()
    yield ("system.process.count",), len(psutil.pids())


def psutil_reading():
    reading = cpu()
    for part in (memory(), disks(), network(), file_systems(), the_rest()):
        reading |= dict(part)
    return reading


SHOWN = (
    "system.device",
    "network.interface.name",
    "system.filesystem.mountpoint",
    "cpu.mode",
    "disk.io.direction",
    "network.io.direction",
    "system.memory.state",
    "system.filesystem.state",
    "system.paging.direction",
)


def key(point):
    attributes = point["attributes"]
    names = [n for n in SHOWN if n in attributes]
    if "system.filesystem.mountpoint" in names:
        names.remove("system.device")
    return (point["name"], *(attributes[n] for n in names))


def readings_of(program):
    before = psutil_reading()
    out = subprocess.run([program], capture_output=True, check=True, timeout=30).stdout
    after = psutil_reading()
    return before, [json.loads(line) for line in out.splitlines()], after


def compare(before, points, after):
    """The keys psutil knows, and those of them whose value is not within the tolerance: key -> (low, ours, high)."""
    ours = {key(p): p["value"] for p in points}
    known = before.keys() & after.keys()
    wrong = {}
    for k in known:
        low, high = sorted((before[k], after[k]))
        slack = max(0.02 * high, 1 if "utilization" not in k[0] else 0.01)
        if k not in ours or not low - slack <= ours[k] <= high + slack:
            wrong[k] = (low, ours.get(k), high)
    return known, wrong


@pytest.fixture(scope="module")
def program():
    return build("host_dump")


@pytest.fixture(scope="module")
def readings(program):
    return readings_of(program)


ROUNDS = 10


def test_every_metric_that_psutil_knows_agrees_within_two_percent_or_one_unit(program):
    known, wrong = compare(*readings_of(program))
    assert len(known) > 30
    for _ in range(ROUNDS - 1):
        if not wrong:
            break
        again = compare(*readings_of(program))[1]
        wrong = {k: again[k] for k in wrong.keys() & again.keys()}
    assert wrong == {}


UNKNOWN_TO_PSUTIL = {"system.uptime", "system.process.created", "system.paging.faults", "system.paging.usage"}
UNKNOWN_TO_PSUTIL |= {"system.disk.limit"}


def test_nothing_is_sent_that_was_not_compared(readings):
    before, points, _ = readings
    compared = {k[0] for k in before}
    assert {p["name"] for p in points} - compared <= UNKNOWN_TO_PSUTIL


def test_what_psutil_does_not_know_agrees_with_the_kernel(program):
    _, points, _ = readings_of(program)
    by_name = {p["name"]: p for p in points}
    now = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 <= now - by_name["system.uptime"]["value"] < 5
    for p in points:
        if p["name"] == "system.disk.limit":
            device = p["attributes"]["system.device"]
            assert p["value"] == 512 * int(Path(f"/sys/block/{device}/size").read_text())
    vmstat = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    faults = sum(p["value"] for p in points if p["name"] == "system.paging.faults")
    assert abs(faults - int(vmstat["pgfault"])) <= 0.02 * faults
    created = int(
        next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("processes")).split()[1]
    )
    assert 0 <= created - by_name["system.process.created"]["value"] <= 0.02 * created


def test_counters_start_at_boot_and_nothing_else_does(readings):
    _, points, _ = readings
    boot_ms = 1000 * int(psutil.boot_time())
    for p in points:
        assert p["start_ms"] == (boot_ms if p["shape"] == "counter" else 0), p
    assert {p["unit"] for p in points if p["name"].endswith((".io", ".usage", ".limit"))} == {"By"}
