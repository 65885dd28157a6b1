"""Telemetry is decoded with the official schemas, kept whole, and every body that came is on record."""

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

from tests.peers import process
from tests.vendor.client import Answer

BATCH = "00112233445566aa"


def log_request(*bodies):
    request = logs.ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "doris-be"
    for body in bodies:
        scope = group.scope_logs.add()
        scope.scope.attributes.add(key="log.file.name").value.string_value = "a"
        record = scope.log_records.add(time_unix_nano=5)
        record.body.string_value = body
        record.attributes.add(key="log.file.path").value.string_value = "/var/log/a"
    return request


def metric_request():
    request = metrics.ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="system.cpu.time", unit="s")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = 2
    point = metric.sum.data_points.add(as_double=1.5, time_unix_nano=7)
    point.attributes.add(key="cpu.mode").value.string_value = "user"
    return request


def batches(plane):
    return [(b["id"], b["kind"], b["records"], b["stored"], b["answered"], b["status"]) for b in plane.lines("batches")]


def test_logs_are_kept_record_by_record(plane, session):
    session.send("logs", log_request("one", "two"), BATCH)
    kept = plane.lines("logs")
    assert [(r["body"], r["batch"], r["time"]) for r in kept] == [("one", BATCH, 5), ("two", BATCH, 5)]
    assert kept[0]["resource"] == {"service.name": "doris-be"}
    assert kept[0]["attributes"] == {"log.file.name": "a", "log.file.path": "/var/log/a"}
    process.wait_for(lambda: batches(plane) == [(BATCH, "logs", 2, True, True, 200)])


def test_metrics_are_kept_point_by_point(plane, session):
    session.send("metrics", metric_request(), BATCH)
    (kept,) = plane.lines("metrics")
    assert (kept["name"], kept["unit"], kept["type"], kept["value"]) == ("system.cpu.time", "s", "sum", 1.5)
    assert kept["attributes"] == {"cpu.mode": "user"} and kept["monotonic"] and kept["temporality"] == 2


def test_telemetry_needs_a_session(plane, client):
    client.token = "made-up"
    with pytest.raises(Answer) as e:
        client.send("logs", log_request("one"), BATCH)
    assert e.value.status == 401
    assert plane.lines("logs") == []


def test_what_is_not_otlp_is_a_violation(plane, session):
    for body, batch in ((b"\xff", BATCH), (b"\x9a\x06\x01a", BATCH), (b"", BATCH)):
        with pytest.raises(Answer) as e:
            session.post("/v1/logs", body, **{"Reeve-Batch-Id": batch})
        assert e.value.status == 400
    with pytest.raises(Answer):
        session.post("/v1/logs", log_request("one").SerializeToString())
    assert len(plane.violations()) == 4
    assert plane.lines("logs") == []


def test_a_batch_that_comes_again_after_its_answer_is_a_violation(plane, session):
    session.send("logs", log_request("one"), BATCH)
    process.wait_for(lambda: batches(plane))
    session.send("logs", log_request("one"), BATCH)
    assert plane.violations() == [f"batch {BATCH} came again though it was answered"]
    assert len(plane.lines("logs")) == 2


@pytest.mark.plane(process=True)
def test_a_batch_whose_answer_was_withheld_may_come_again(plane, session):
    plane.faults({"otlp": {"every": 1, "answers": ["drop-answer-after-store"]}})
    with pytest.raises(ConnectionError):
        session.send("logs", log_request("one"), BATCH)
    plane.faults({})
    plane.kill_and_restart(session)
    session.send("logs", log_request("one"), BATCH)
    process.wait_for(lambda: len(batches(plane)) == 2)
    assert batches(plane) == [(BATCH, "logs", 1, True, False, None), (BATCH, "logs", 1, True, True, 200)]
    assert plane.violations() == []


def test_faults_come_in_turn_and_store_nothing(plane, session):
    plane.faults({"otlp": {"every": 2, "answers": [429, 503, "reset"]}})
    said = []
    for n in range(6):
        try:
            session.send("logs", log_request(str(n)), f"{n:016x}")
            said.append(200)
        except Answer as a:
            said.append(a.status)
        except ConnectionError:
            said.append("reset")
    assert said == [200, 429, 200, 503, 200, "reset"]
    assert [r["body"] for r in plane.lines("logs")] == ["0", "2", "4"]
    process.wait_for(lambda: len(batches(plane)) == 6)
    assert [(b[4], b[5]) for b in batches(plane)][1::2] == [(True, 429), (True, 503), (False, None)]


def test_larger_than_allowed_after_gunzip_is_refused(plane, session):
    with pytest.raises(Answer) as e:
        session.post("/v1/logs", bytes(65 << 20), **{"Reeve-Batch-Id": BATCH})
    assert e.value.status == 413
