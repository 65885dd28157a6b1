"""The rows, with a sender that loses and repeats on purpose: what it did must stand in what was measured."""

import gzip
import http.client
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from tests.bench import cost, rows, subjects
from tests.bench.lines import LENGTH, numbers_in
from tests.bench.sink import Sink
from tests.bench.telemetry import one
from tests.bench.writer import Input

LINES, BATCH = 6000, 250


class StandIn:
    """Reads all files of its pattern from their beginning and sends each line once, but for what `change` does to a batch's
    numbers. A batch that was not answered by 200 is sent again, under its id."""

    name = "stand-in"

    def __init__(self, sink, change=lambda numbers: numbers, ids=True):
        self.sink, self.change, self.ids = sink, change, ids
        self.thread, self.offsets = None, {}

    @property
    def pid(self):
        return os.getpid()

    def fresh(self, folder, pattern, rules=None):
        self.folder, self.pattern, self.offsets, self.batches = folder, pattern, {}, 0

    def start(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def stop(self):
        self.over.set()
        self.thread.join()

    def kill(self):
        self.stop()

    def alive(self):
        return True

    def said(self):
        return {"retries": 1}

    def codec(self, encoding):
        return f"made {encoding}"

    def work(self):
        while not self.over.wait(0.02):
            for path in self.folder.glob(self.pattern):
                self.read(path)

    def identity(self, f):
        return os.fstat(f.fileno()).st_ino

    def read(self, path):
        with path.open("rb") as f:
            who = self.identity(f)
            at = self.offsets.get(who, 0)
            while data := os.pread(f.fileno(), BATCH * LENGTH, at):
                whole = len(data) // LENGTH * LENGTH
                if whole == 0:
                    return
                self.send(data[:whole])
                at += whole
                self.offsets[who] = at

    def send(self, data):
        texts = {n: data[i * LENGTH : (i + 1) * LENGTH - 1].decode() for i, n in enumerate(numbers_in(data))}
        request = logs_service_pb2.ExportLogsServiceRequest()
        records = request.resource_logs.add().scope_logs.add().log_records
        for n in self.change(list(texts)):
            records.add().body.string_value = texts[n]
        self.batches += 1
        body = gzip.compress(request.SerializeToString(), 1)
        headers = {"Content-Encoding": "gzip"} | ({"Reeve-Batch-Id": f"{self.batches:016x}"} if self.ids else {})
        while not self.post(body, headers):
            time.sleep(0.02)

    def post(self, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.sink.port, timeout=10)
        try:
            connection.request("POST", "/v1/logs", body, headers)
            return connection.getresponse().status == 200
        except ConnectionResetError:
            return False
        finally:
            connection.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    source = Input(folder / "input.log", LINES)
    options = SimpleNamespace(fault_lines=LINES, steady_s=1, files_s=1)
    with Sink() as sink:
        yield SimpleNamespace(
            folder=folder, sink=sink, input=source, whole=source.path, drain_lines=LINES, options=options
        )
    source.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Nobody is waited for longer than a stand-in takes."""
    monkeypatch.setattr(rows, "QUIET_S", 0.3)
    monkeypatch.setattr(rows, "GIVE_UP_S", 3)
    monkeypatch.setattr(rows, "FIRST_S", 2)
    monkeypatch.setattr(rows, "WARM_S", 0)
    monkeypatch.setattr(rows, "FAULT_RATE", 30_000)


def without(*lost):
    return lambda numbers: [n for n in numbers if n not in lost]


def test_a_drain_tells_the_speed_the_cost_the_wire_and_that_all_came(bench):
    found = rows.drain_once(bench, StandIn(bench.sink))
    assert (found["lost"], found["repeated"]) == (0, 0)
    assert found["mb_s"] > 0 and found["cpu_s_gb"] > 0 and found["peak"] >= found["median"] > 1 << 20
    assert 0 < found["wire"] < 0.45 and 0 < found["posts"] <= LINES // BATCH
    assert (found["encoding"], found["said"]) == ("gzip", {"retries": 1})
    assert not (bench.folder / "logs").exists()


def test_a_drain_tells_what_was_lost_and_what_came_twice(bench):
    found = rows.drain_once(bench, StandIn(bench.sink, without(1, 77, LINES - 1)))
    assert (found["lost"], found["repeated"]) == (3, 0)
    found = rows.drain_once(bench, StandIn(bench.sink, lambda numbers: numbers + numbers[:2]))
    assert (found["lost"], found["repeated"], found["unexplained"]) == (0, 2 * LINES // BATCH, 2 * LINES // BATCH)


@pytest.mark.parametrize("case", rows.FAULTS)
def test_an_honest_sender_loses_nothing_in_any_fault_and_repeats_where_an_answer_was_lost_alone(
    bench, case, monkeypatch
):
    if case == "503 for 20 s":
        monkeypatch.setitem(rows.FAULTS, case, ("app.log", {"refuse_s": 0.3, "refuse_after_s": 0.05}, None, 0))
    found = rows.fault_once(bench, StandIn(bench.sink), *rows.FAULTS[case])
    if case != "copytruncate":  # it reads on behind the cut
        assert found["lost"] == 0
    assert found["unexplained"] == 0
    assert (found["repeated"] > 0) == (case == "answer lost each 10th POST")
    assert found["written"] == LINES


def test_a_sender_without_ids_is_told_for_what_it_repeats(bench):
    found = rows.fault_once(bench, StandIn(bench.sink, ids=False), *rows.FAULTS["answer lost each 10th POST"])
    assert found["unexplained"] == found["repeated"] > 0


def test_a_sender_that_knows_files_by_their_names_repeats_by_a_rename(bench):
    class ByName(StandIn):
        def identity(self, f):
            return f.name

    found = rows.fault_once(bench, ByName(bench.sink), *rows.FAULTS["rename, glob of both names"])
    assert found["repeated"] > 0


def test_steady_work_tells_the_processor_and_the_posts_a_second(bench):
    found = rows.at_rate(bench, StandIn(bench.sink), 2000, 1, 5)
    assert 0 < found["cpu"] < 200 and found["posts_s"] > 0
    assert (found["lost"], found["repeated"]) == (0, 0)


def test_a_sender_that_sends_nothing_or_ends_has_failed_and_no_other(bench):
    silent = StandIn(bench.sink, lambda numbers: numbers)
    silent.read = lambda path: None
    assert "sent nothing" in one(silent, lambda: rows.drain_once(bench, silent))["failed"]
    ended = StandIn(bench.sink)
    ended.read = lambda path: None

    def alive():
        raise subjects.Failed("it ended: out of memory")

    ended.alive = alive
    assert one(ended, lambda: rows.drain_once(bench, ended)) == {"failed": "it ended: out of memory"}
    good = StandIn(bench.sink)
    assert one(good, lambda: rows.drain_once(bench, good))["codec"] == "made gzip"


def test_a_number_that_was_never_written_is_no_arrival(bench):
    stranger = StandIn(bench.sink)
    bench_of_less = SimpleNamespace(**vars(bench))
    bench_of_less.drain_lines = LINES - 10
    assert "never written" in one(stranger, lambda: rows.drain_once(bench_of_less, stranger))["failed"]


def test_the_cost_of_a_program_holds_that_of_its_children_also_when_they_have_ended():
    burn = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass\n"
    program = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {burn!r}]); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program])
    try:
        with cost.Watch(child.pid) as watch:
            end = time.monotonic() + 20
            while watch.spent() < 0.45 and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(0.3)
            assert 0.45 <= watch.spent() < 2
            memory = watch.end()
        assert memory["peak"] >= memory["median"] > 1 << 20
    finally:
        child.kill()
        child.wait()
