"""The receiver of the measurement as a process of its own: what it is told, what it counted, what it kept.

with Sink() as sink:
    sink.begin(fault="429", every=10)
    ... somebody sends to sink.url ...
    sink.counts()["logs"], sink.take(account)
"""

import gzip
import hashlib
import http.client
import json
import socket
import subprocess
import time

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from tests.bench import cost
from tests.bench.lines import numbers_in
from tests.peers import process, zstd

LIMIT_BODY, LIMIT_BODIES = 300_000, 1500  # what its own limit is measured with
PARSED_EACH = 50  # of so many bodies one is read by the official schema


class Sink:
    def __init__(self):
        with process.interrupt_blocked():
            self.process = process.start_python("tests.bench.receiver", stdout=subprocess.PIPE)
        try:
            line = self.process.stdout.readline().decode().strip()
            if not line.startswith("listening on "):
                raise RuntimeError(f"the receiver did not start: {line!r}")
        except BaseException:  # Ctrl-C as well: it is nobody else's to end yet
            process.stop(self.process)
            raise
        self.url = line.removeprefix("listening on ")
        self.port = int(self.url.rpartition(":")[2])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.begin()

    def close(self):
        self.connection.close()
        process.stop(self.process)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def ask(self, path, body=None):
        self.connection.request("POST" if body is not None else "GET", f"/bench/{path}", body)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the receiver answered {answer.status} to {path}")
        return answer.headers, data

    def begin(self, **what):
        """Forgets what it has; faults as the receiver's first lines say."""
        self.ask("set", json.dumps(what))
        self.taken, self.batches = 0, {}

    def turn(self, **what):
        """Other faults from here on; nothing is forgotten."""
        self.ask("fault", json.dumps(what))

    def counts(self):
        return json.loads(self.ask("counts")[1])

    def take(self, account, lines=None):
        """Unpacks the bodies that came since the last time, into the account. Of a number that came again, the repeat is explained when
        its body had come before, whole: how many were not, is returned. With `lines`, some bodies are read by the official
        schema, and each line in them must be what was written."""
        unexplained = 0
        for at in range(self.taken, self.counts()["bodies"]):
            headers, body = self.ask(f"bodies/{at}")
            raw = unpacked(headers["Content-Encoding"], body)
            numbers = list(numbers_in(raw))
            if lines and at % PARSED_EACH == 0:
                check(raw, numbers, lines)
            repeated = account.take(numbers)
            batch, digest = headers["Reeve-Batch-Id"], hashlib.sha256(body).digest()
            if not batch or self.batches.get(batch) != digest:
                unexplained += repeated
            self.batches[batch] = digest
            self.taken = at + 1
        return unexplained

    def encodings(self):
        """What the bodies were packed with."""
        return {
            self.ask(f"bodies/{at}")[0]["Content-Encoding"] or "none" for at in range(min(self.counts()["bodies"], 3))
        }

    def limit(self):
        """{MB/s of bodies, CPU-s/GB of bodies} that it takes in, from one sender that makes nothing: it may be more."""
        self.begin()
        before, start = cost.spent_s([self.process.pid]), time.monotonic()
        blast(self.port)
        took, spent = time.monotonic() - start, cost.spent_s([self.process.pid]) - before
        self.begin()
        size = LIMIT_BODY * LIMIT_BODIES
        return {"mb_s": size / took / 1e6, "cpu_s_gb": spent / (size / 1e9)}


def blast(port):
    body = bytes(LIMIT_BODY)
    request = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LIMIT_BODY + body
    with socket.create_connection(("127.0.0.1", port)) as s:
        for _ in range(LIMIT_BODIES):
            s.sendall(request)
            got = b""
            while b"\r\n\r\n" not in got:
                got += s.recv(4096)


def unpacked(encoding, body):
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "zstd":
        return zstd.decompress(body)
    return body


def check(raw, numbers, lines):
    """That what the numbers were picked from is an export request, its records those lines and no other."""
    request = logs_service_pb2.ExportLogsServiceRequest.FromString(raw)
    records = [r.body for g in request.resource_logs for s in g.scope_logs for r in s.log_records]
    texts = [text_of(r) for r in records]
    if texts != [lines.of(n)[:-1].decode() for n in numbers]:
        raise RuntimeError(f"a body's records are not the lines that were written: {texts[:1]}")


def text_of(body):
    """A line as a text, or as the one member of a map that is named for it."""
    if body.HasField("kvlist_value"):
        return next((v.value.string_value for v in body.kvlist_value.values if v.key in ("log", "message")), "")
    return body.string_value or body.bytes_value.decode(errors="replace")
