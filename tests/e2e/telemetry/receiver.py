"""An OTLP/HTTP receiver that answers badly on purpose and remembers what it left unanswered.

A batch counts as answered when its 200 was written whole. The test calls sender_killed() behind each kill: a body that
still lies in the spool then was cut off from its answer, on the way or before the sender could act on it, and may come
once more. Any other repeat is a violation.
"""

import gzip
import random
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs

from tests.peers.spool import batch_ids


class Receiver:
    def __init__(self, seed, fault_rate=0.3):
        self.chance = random.Random(seed)
        self.fault_rate = fault_rate
        self.lock = threading.Lock()
        self.bodies = []  # (line bodies) of every body stored, repeats too
        self.distinct = set()  # line bodies
        self.contents = {}  # batch id -> raw bytes
        self.answered, self.unanswered, self.violations = set(), set(), []
        self.faults = {"429": 0, "503": 0, "reset": 0, "lost": 0}
        self.cut_off = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.take(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self.lock:
            fault = self.chance.choice(sorted(self.faults)) if self.chance.random() < self.fault_rate else None
            if fault:
                self.faults[fault] += 1
        if fault == "reset":
            reset(handler)
        elif fault in ("429", "503"):
            handler.send_response(int(fault))
            if self.chance.random() < 0.5:
                handler.send_header("Retry-After", "1")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            self.store(handler.headers, body, lost=fault == "lost")
            if fault == "lost":
                reset(handler)
                return
            self.answer(handler)

    def store(self, headers, body, lost):
        assert headers["Content-Type"] == "application/x-protobuf" and headers["Content-Encoding"] == "gzip"
        batch = headers["Reeve-Batch-Id"]
        assert len(batch) == 16
        request = logs.ExportLogsServiceRequest()
        request.ParseFromString(gzip.decompress(body))
        lines = [r.body.string_value for g in request.resource_logs for s in g.scope_logs for r in s.log_records]
        assert lines, "an empty envelope"
        with self.lock:
            if batch in self.answered and batch not in self.unanswered | self.cut_off:
                self.violations.append(f"batch {batch} came again though it was answered")
            if self.contents.setdefault(batch, body) != body:
                self.violations.append(f"batch {batch} came again with other bytes")
            if batch in self.answered:
                self.cut_off.discard(batch)
            self.bodies.append((batch, lines))
            self.distinct.update(lines)
            if lost:
                self.unanswered.add(batch)
            else:
                self.answered.add(batch)
                self.unanswered.discard(batch)

    def answer(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-protobuf")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def sender_killed(self, spool):
        with self.lock:
            self.cut_off |= batch_ids(p.name for p in spool.iterdir())

    def wait_lines(self, n, idle_s=90):
        """Until n different lines are here. A slow machine is no fault: only one on which nothing new comes for idle_s."""
        seen, end = 0, time.monotonic() + idle_s
        while seen < n:
            assert time.monotonic() < end, f"{seen} of {n} lines came, and for {idle_s} s no other"
            time.sleep(0.1)
            if len(self.distinct) > seen:
                seen, end = len(self.distinct), time.monotonic() + idle_s

    def lines(self):
        """Each batch once."""
        with self.lock:
            return [line for lines in {b: ls for b, ls in self.bodies}.values() for line in lines]


def reset(handler):
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
