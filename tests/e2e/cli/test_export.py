"""reeve export show and sample: what left, from the ledger's files, and what waits, from the spool's; the daemon may be gone."""

import gzip
import json

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

from tests.e2e.cli.conftest import at_terminal, reeve

DAY = ("--since", "2026-11-30", "--until", "2026-12-01")
BATCH = {"outcome": "sent", "to": "vendor", "kind": "logs", "tries": 1}


class Ledger:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)

    def add(self, time, what, **members):
        with open(self.folder / f"{time[:10]}.jsonl", "a") as f:
            f.write(json.dumps({"time": time, "type": what, **members}) + "\n")

    def batch(self, time, n, **members):
        self.add(time, "batch", **{**BATCH, "id": f"{n:016x}", "raw": 2000, "wire": 500, **members})

    def account(self, time, logs_acknowledged, rows=(), **members):
        self.add(
            time, "account", acknowledged={"vendor": {"logs": logs_acknowledged, "metrics": 0}}, rows=rows, **members
        )


def row(**members):
    return {"source": "/var/log/x", "kind": "logs", **members}


@pytest.fixture
def ledger(site):
    return Ledger(site.dir / "state/ledger")


def show(site, *args):
    run = reeve("export", "show", "-c", site.config, *args)
    assert run.stderr == ""
    assert run.returncode == 0
    return run.stdout


def sums(site, *args):
    return json.loads(show(site, "--json", *args))


def fill(ledger):
    ledger.account("2026-11-29T10:00:00.000Z", 100, [row(taken=100, rule=7)], start=True)
    ledger.batch("2026-11-29T10:01:00.000Z", 1, records=10, sources={"/var/log/x": 10})
    ledger.account(
        "2026-11-29T10:02:00.000Z",
        110,
        [row(taken=110, rule=9)],
        rules=[{"rule": "email", "masked": 3, "dropped": 0, "failed": 0}],
    )
    ledger.batch("2026-11-30T10:00:00.000Z", 2, records=20, rejected=2, tries=3, sources={"/var/log/x": 20})
    ledger.batch("2026-11-30T10:00:01.000Z", 3, records=5, outcome="refused", status=400)
    ledger.batch("2026-11-30T10:00:02.000Z", 4, records=6, outcome="age", bytes=77, raw=0, wire=0)
    counts = row(taken=150, rule=12, truncated=1, truncated_bytes=4096, lost={"vendor": {"age": 6, "refused": 5}})
    ledger.account(
        "2026-11-30T10:02:00.000Z", 128, [counts], rules=[{"rule": "email", "masked": 10, "dropped": 0, "failed": 0}]
    )


def test_a_period_is_summed_by_destination_source_and_rule(site, ledger):
    fill(ledger)
    s = sums(site, *DAY)
    assert s["destinations"]["vendor"]["logs"] == {
        "batches": 1, "records": 20, "rejected": 2, "raw": 4000, "wire": 2000, "again": 2,
        "refused_batches": 1, "refused_records": 5, "lost_batches": 1, "lost_records": 6,
    }  # fmt: skip
    assert s["sources"]["/var/log/x"]["logs"] == {
        "sent": {"vendor": 20}, "taken": 40, "rule": 3, "truncated": 1, "truncated_bytes": 4096,
        "lost": {"vendor": {"age": 6, "refused": 5}},
    }  # fmt: skip
    assert s["rules"] == {"email": {"masked": 7}}
    assert (s["oldest"], s["torn"]) == ("2026-11-29T10:00:00.000Z", False)


def test_what_the_power_took_of_it_is_told(site, ledger):
    fill(ledger)
    ledger.account("2026-11-30T11:00:00.000Z", 228, start=True)
    assert sums(site, *DAY)["destinations"]["vendor"]["logs"]["unlisted"] == 100
    assert "NOT IN THE LEDGER: 100 records more left" in show(site, *DAY)


def test_what_a_killed_agent_sends_again_is_no_gap(site, ledger):
    fill(ledger)
    ledger.account("2026-11-30T11:00:00.000Z", 110, start=True)
    ledger.batch("2026-11-30T11:00:01.000Z", 2, records=20, rejected=2)
    ledger.account("2026-11-30T12:00:00.000Z", 128, start=True)
    assert "unlisted" not in sums(site, *DAY)["destinations"]["vendor"]["logs"]


def test_what_is_gone_is_said(site, ledger):
    fill(ledger)
    ledger.add("2026-11-30T12:00:00.000Z", "removed", file="2026-10-30.jsonl", bytes=7, why="days")
    ledger.add("2026-11-30T12:00:01.000Z", "left_out", lines=9)
    with open(ledger.folder / "2026-11-30.jsonl", "a") as f:
        f.write('no json\n{"time":"2026')
    out = show(site, "--since", "2026-10-01", "--until", "2026-12-01")
    for note in (
        "the ledger begins at 2026-11-29T10:00:00.000Z",
        "2026-10-30.jsonl was removed at 2026-11-30T12:00:00.000Z (days)",
        "9 lines could not be written",
        "1 lines cannot be read",
        "the last line is not whole",
    ):
        assert note in out


def test_it_fits_a_terminal_and_no_text_steers_it(site, ledger):
    fill(ledger)
    ledger.batch("2026-11-30T10:00:03.000Z", 5, records=1, to="a\x1b[2Jb", sources={"/var/log/\x1b]0;x\x07": 1})
    for columns in (80, 100):
        out, status = at_terminal(columns, "export", "show", "-c", site.config, *DAY)
        assert status == 0
        assert max(len(line) for line in out.splitlines()) <= columns
        assert "\x1b" not in out
        assert "3 dropped by a rule" in " ".join(out.split())


def test_without_a_ledger_it_says_so(site):
    run = reeve("export", "show", "-c", site.config)
    assert run.returncode == 1
    assert "holds no ledger" in run.stderr


# ---- sample ----


def put_logs(site, name, *bodies):
    request = logs.ExportLogsServiceRequest()
    of = request.resource_logs.add()
    of.resource.attributes.add(key="service.name").value.string_value = "doris-be"
    scope = of.scope_logs.add()
    scope.scope.attributes.add(key="log.file.path").value.string_value = "/var/log/x"
    for n, body in enumerate(bodies):
        one = scope.log_records.add(
            time_unix_nano=(1796040000000 + n) * 10**6, severity_text="ERROR", severity_number=17
        )
        one.body.string_value = body
        one.attributes.add(key="reeve.log.unfinished").value.string_value = "true"
    put(site, name, gzip.compress(request.SerializeToString()))


def put(site, name, data):
    (site.dir / "state/spool").mkdir(exist_ok=True)
    (site.dir / "state/spool" / name).write_bytes(data)


def sample(site, *args):
    return reeve("export", "sample", "-c", site.config, *args)


def test_records_of_a_batch_are_shown_as_a_person_reads_them(site):
    put_logs(site, "0000000000000007-logs-0123456789abcdef.pb.gz", "older")
    put_logs(site, "0000000000000008-logs-0123456789abcd00.pb.gz", "it broke\n  at x()", "\x1b[2Jclear")
    run = sample(site)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[0] == "batch 0123456789abcd00, logs, 2 records, waiting to be sent"
    assert "2026-11-30T12:00:00.000Z  ERROR  doris-be  /var/log/x" in run.stdout
    assert "    it broke\n      at x()\n    reeve.log.unfinished=true\n" in run.stdout
    assert "\x1b" not in run.stdout
    assert "older" in sample(site, "--batch", "0123456789abcdef").stdout


def test_no_more_is_shown_than_is_asked_for(site):
    put_logs(site, "0000000000000007-logs-0123456789abcdef.pb.gz", *map(str, range(30)))
    assert "and 27 more: -n 30" in sample(site, "-n", "3").stdout
    lines = [json.loads(line) for line in sample(site, "-n", "30", "--json").stdout.splitlines()]
    assert [line["body"] for line in lines] == list(map(str, range(30)))
    assert lines[0]["attributes"] == {"reeve.log.unfinished": "true"}
    assert lines[0]["resource"] == {"service.name": "doris-be"}


def test_points_of_metrics_are_shown_too(site):
    request = metrics.ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="system.x", unit="By")
    point = metric.gauge.data_points.add(time_unix_nano=1796040000000 * 10**6, as_int=7)
    point.attributes.add(key="device").value.string_value = "nvme0n1"
    put(site, "0000000000000007-metrics-0123456789abcdef.pb.gz", gzip.compress(request.SerializeToString()))
    assert "2026-11-30T12:00:00.000Z  system.x = 7 By\n    device=nvme0n1\n" in sample(site).stdout


@pytest.mark.parametrize(
    ("name", "data", "args", "why"),
    [
        ("x", b"", (), "no batch waits in"),
        ("x", b"", ("--batch", "0123456789abcdef"), "no batch 0123456789abcdef in"),
        ("0000000000000007-logs-0123456789abcdef.pb.gz", gzip.compress(b"x")[:-9], (), "is not whole, or not gzip"),
        ("0000000000000007-logs-0123456789abcdef.pb.gz", gzip.compress(b"\x0a\xff"), (), "is no OTLP request"),
        (
            "0000000000000007-logs-0123456789abcdef.pb.gz",
            gzip.compress(bytes(9 << 20)),
            (),
            "is not whole, or not gzip",
        ),
    ],
)
def test_what_cannot_be_shown_says_why(site, name, data, args, why):
    put(site, name, data)
    run = sample(site, *args)
    assert (run.returncode, run.stdout) == (1, "")
    assert why in run.stderr
