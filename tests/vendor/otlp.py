"""POST /v1/metrics and /v1/logs: decodes every body with the official schemas and keeps each record as a line of JSON.

    metrics.jsonl  {"batch", "name", "unit", "type", "attributes", "value", "time", "start", "resource", ...}
    logs.jsonl     {"batch", "body", "attributes", "severity", "time", "observed", "resource", ...}
    batches.jsonl  a line for each body that came: {"id", "kind", "records", "stored", "answered", "status", "fault"}
    stored.jsonl   a line for each body stored, durable before it is answered

Nothing is de-duplicated. A batch id that comes again after its answer was given is kept as a violation; one whose
answer was withheld (or that this plane was killed over) may come again, as at-least-once delivery allows.
"""

import threading

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

from tests.vendor import files, opamp, store
from tests.vendor.refusal import Refusal

LARGEST = 64 << 20


class Otlp:
    def __init__(self, data, records):
        self.records = records
        self.lock = threading.Lock()
        self.answered = {b["id"]: b["answered"] for b in files.read_lines(f"{data}/stored.jsonl")}
        for line in files.read_lines(f"{data}/batches.jsonl"):
            if line["stored"]:
                self.answered[line["id"]] = self.answered.get(line["id"], False) or line["answered"]

    def store(self, installation, kind, headers, body):
        """Decodes and keeps one body; durable on return. Returns (batch id, number of records)."""
        batch = headers.get("Reeve-Batch-Id") or ""
        request = metrics.ExportMetricsServiceRequest() if kind == "metrics" else logs.ExportLogsServiceRequest()
        try:
            request.ParseFromString(opamp.unpack(headers, body, LARGEST))
        except DecodeError as e:
            raise Refusal(400, f"the body is not OTLP {kind}: {e}", installation, violation=True) from None
        except Refusal as r:
            r.installation = installation
            raise
        opamp.check_known(request, f"OTLP {kind}", installation)
        lines = list(metric_lines(request) if kind == "metrics" else log_lines(request))
        if not lines:
            raise Refusal(400, f"OTLP {kind} without a record", installation, violation=True)
        if not batch:
            raise Refusal(400, "header Reeve-Batch-Id is missing", installation, violation=True)
        with self.lock:
            if self.answered.get(batch):
                self.records.violate(installation, "otlp", f"batch {batch} came again though it was answered")
            self.answered.setdefault(batch, False)
        target = self.records.metrics if kind == "metrics" else self.records.logs
        target.append(*({"batch": batch} | line for line in lines))
        line = {"time": store.now(), "id": batch, "kind": kind, "records": len(lines), "answered": False}
        self.records.stored.append(line | {"installation": installation})
        return batch, len(lines)

    def outcome(self, kind, batch, count, status, answered, stored, fault=None):
        """Notes how a body was answered, after the answer has gone out."""
        with self.lock:
            if stored and answered:
                self.answered[batch] = True
        line = {"time": store.now(), "id": batch, "kind": kind, "records": count, "stored": stored}
        self.records.batches.append(line | {"answered": answered, "status": status, "fault": fault}, durable=False)


def value(any_value):
    """A plain Python value of an AnyValue."""
    which = any_value.WhichOneof("value")
    if which is None:
        return None
    inner = getattr(any_value, which)
    if which == "array_value":
        return [value(v) for v in inner.values]
    if which == "kvlist_value":
        return attributes(inner.values)
    return inner.hex() if which == "bytes_value" else inner


def attributes(pairs):
    return {p.key: value(p.value) for p in pairs}


def metric_lines(request):
    for group in request.resource_metrics:
        resource = attributes(group.resource.attributes)
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind) if kind else None
                base = {"name": metric.name, "unit": metric.unit, "type": kind}
                if kind in ("sum", "histogram", "exponential_histogram"):
                    base["temporality"] = data.aggregation_temporality
                if kind == "sum":
                    base["monotonic"] = data.is_monotonic
                for point in data.data_points if data is not None else ():
                    line = base | {"attributes": attributes(point.attributes), "value": number(kind, point)}
                    line |= {"time": point.time_unix_nano, "start": point.start_time_unix_nano}
                    yield line | {"resource": resource, "scope": scope.scope.name}


def number(kind, point):
    if kind in ("gauge", "sum"):
        which = point.WhichOneof("value")
        return getattr(point, which) if which else None
    if kind == "histogram":
        buckets = {"bounds": list(point.explicit_bounds), "counts": list(point.bucket_counts)}
        return {"count": point.count, "sum": point.sum} | buckets
    if kind == "summary":
        quantiles = {str(q.quantile): q.value for q in point.quantile_values}
        return {"count": point.count, "sum": point.sum, "quantiles": quantiles}
    return {"count": point.count, "sum": point.sum}


def log_lines(request):
    for group in request.resource_logs:
        resource = attributes(group.resource.attributes)
        for scope in group.scope_logs:
            common = attributes(scope.scope.attributes)  # log.file.name and log.file.path, for one
            for record in scope.log_records:
                line = {"body": value(record.body), "attributes": common | attributes(record.attributes)}
                line |= {"severity": record.severity_number, "severity_text": record.severity_text}
                line |= {"time": record.time_unix_nano, "observed": record.observed_time_unix_nano}
                yield line | {"event": record.event_name, "resource": resource, "scope": scope.scope.name}


def success(kind):
    """The body of a 200."""
    if kind == "metrics":
        return metrics.ExportMetricsServiceResponse().SerializeToString()
    return logs.ExportLogsServiceResponse().SerializeToString()
