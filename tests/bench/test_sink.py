"""The receiver of the measurement: what it counts, what it keeps, and that its faults befall whom they should."""

import gzip
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from tests.bench import receiver
from tests.bench.lines import Account, Lines
from tests.bench.sink import Sink


@pytest.fixture(scope="module")
def shared():
    with Sink() as sink:
        yield sink


@pytest.fixture
def sink(shared):
    shared.begin()
    return shared


def export(numbers, change=lambda text: text):
    """A packed request with these lines."""
    lines, request = Lines(), logs_service_pb2.ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for n in numbers:
        records.add().body.string_value = change(lines.of(n)[:-1].decode())
    return gzip.compress(request.SerializeToString())


def post(sink, body, batch="", path="/v1/logs", connection=None):
    """The status; None: the connection was reset."""
    c = connection or http.client.HTTPConnection("127.0.0.1", sink.port, timeout=10)
    try:
        c.request("POST", path, body, {"Content-Encoding": "gzip", "Reeve-Batch-Id": batch})
        answer = c.getresponse()
        answer.read()
        return answer.status
    except ConnectionResetError:
        return None
    finally:
        if not connection:
            c.close()


def test_bodies_are_kept_as_they_came_and_counted_with_their_heads(sink):
    body = export(range(100))
    connection = http.client.HTTPConnection("127.0.0.1", sink.port)
    for _ in range(3):
        assert post(sink, body, connection=connection) == 200
    connection.close()
    assert post(sink, b"x", path="/v1/metrics") == 200
    counts = sink.counts()
    assert (counts["logs"], counts["metrics"], counts["bodies"], counts["kept"]) == (3, 1, 3, 3 * len(body))
    assert 3 * len(body) + 300 < counts["wire"] < 3 * len(body) + 3000
    assert sink.ask("bodies/2")[1] == body
    sink.begin()
    assert sink.counts()["bodies"] == 0


def test_a_large_body_in_pieces_and_one_that_waits_for_100_continue_are_whole(sink):
    body = bytes(range(256)) * 9000
    c = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=10)
    c.putrequest("POST", "/v1/logs")
    c.putheader("Content-Length", str(len(body)))
    c.putheader("Expect", "100-continue")
    c.endheaders()
    assert c.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    for at in range(0, len(body), 100_001):
        c.send(body[at : at + 100_001])
    assert c.getresponse().status == 200
    c.close()
    assert sink.ask("bodies/0")[1] == body


def test_a_planted_loss_and_a_planted_repeat_are_found(sink):
    for numbers in (range(50), range(50, 99), range(40, 45)):  # 99 is missing
        assert post(sink, export(numbers)) == 200
    account = Account(100)
    assert sink.take(account, Lines()) == 5
    assert (account.missing, account.repeated) == (1, 5)


def test_a_repeat_is_explained_by_the_same_body_under_the_same_id_alone(sink):
    first, other = export(range(10)), export(range(9))
    post(sink, first, "a" * 16)
    post(sink, first, "a" * 16)
    account = Account(10)
    assert sink.take(account) == 0 and account.repeated == 10
    post(sink, first, "b" * 16)
    assert sink.take(account) == 10
    post(sink, other, "a" * 16)
    assert sink.take(account) == 9
    post(sink, first)
    post(sink, first)
    assert sink.take(account) == 20


def test_a_line_that_is_not_as_it_was_written_is_told(sink):
    post(sink, export(range(3), lambda text: text.replace("00002", "00001")))
    with pytest.raises(RuntimeError, match="not the lines that were written"):
        sink.take(Account(3), Lines())


@pytest.mark.parametrize(
    ("fault", "status", "kept"), [("429", 429, 4), ("400", 400, 4), ("drop", None, 4), ("unanswered", None, 6)]
)
def test_a_fault_befalls_each_third_post_of_logs_and_no_other(sink, fault, status, kept):
    sink.begin(fault=fault, every=3)
    assert post(sink, b"x", path="/v1/metrics") == 200
    answers = [post(sink, export([n])) for n in range(6)]
    assert answers == [200, 200, status, 200, 200, status]
    counts = sink.counts()
    assert (counts["bodies"], counts["faults"], counts["logs"]) == (kept, 2, 6)


def test_a_turn_of_faults_forgets_nothing(sink):
    assert post(sink, export([0])) == 200
    sink.turn(fault="429", every=1)
    assert post(sink, export([1])) == 429
    sink.turn()
    assert post(sink, export([2])) == 200
    account = Account(3)
    sink.take(account)
    assert (account.arrived, sink.counts()["logs"]) == (2, 3)


def test_503_begins_and_ends_at_its_time(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(receiver, "time", SimpleNamespace(monotonic=lambda: now[0]))
    store = receiver.Store()
    store.begin(receiver.NOTHING | {"refuse_s": 20, "refuse_after_s": 5, "fault": "429", "every": 1})
    seen = {}
    for at in (0, 4.9, 5, 24.9, 25):
        now[0] = 1000 + at
        seen[at] = store.fault_now()
    assert seen == {0: "429", 4.9: "429", 5: "503", 24.9: "503", 25: "429"}


def test_a_503_comes_over_the_wire_and_its_body_is_not_kept(sink):
    sink.begin(refuse_s=3600)
    assert post(sink, b"1") == 503
    assert (sink.counts()["bodies"], sink.counts()["faults"]) == (0, 1)


def test_what_is_no_telemetry_goes_on_to_the_plane_behind_and_its_answer_comes_back(sink):
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, body, self.headers["Reeve-Batch-Id"]))
            self.send_response(418)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"answer")

        def log_message(self, *args):
            pass

    plane = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=plane.serve_forever, args=(0.05,), daemon=True).start()
    try:
        sink.begin(upstream=plane.server_port, fault="429", every=1)
        assert post(sink, b"who are you", "id", "/reeve/v1/challenge") == 418
        sink.begin()  # the port stays
        assert post(sink, b"again", "id", "/v1/opamp") == 418
    finally:
        plane.shutdown()
        plane.server_close()
    assert seen == [("/reeve/v1/challenge", b"who are you", "id"), ("/v1/opamp", b"again", "id")]
    assert sink.counts()["logs"] == 0
