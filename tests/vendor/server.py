"""The HTTPS server: four kinds of request, each refused or answered, and every refusal on record.

POST /reeve/v1/challenge, /reeve/v1/login   JSON
POST /v1/opamp                              OpAMP, may be held
POST /v1/metrics, /v1/logs                  OTLP
POST /reeve/v1/diag/<sha256>                a bundle of diag.send, gzip
"""

import hashlib
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.vendor import files, opamp, otlp
from tests.vendor.control import Control
from tests.vendor.faults import Faults
from tests.vendor.login import Login
from tests.vendor.proof import Sessions
from tests.vendor.refusal import Refusal
from tests.vendor.registry import Registry
from tests.vendor.store import Records, Store

ONCE = (
    "Authorization",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "OpAMP-Instance-UID",
    "Reeve-Batch-Id",
    "Reeve-Proof",
)
ENDPOINTS = {
    "/reeve/v1/challenge": "login",
    "/reeve/v1/login": "login",
    "/v1/opamp": "opamp",
    "/v1/metrics": "otlp",
    "/v1/logs": "otlp",
}
DIAG = re.compile(r"/reeve/v1/diag/([0-9a-f]{64})")
LARGEST = {"login": 64 << 10, "opamp": 4 << 20, "otlp": 64 << 20, "diag": 16 << 20}


class Plane:
    """All parts of the plane, put together."""

    def __init__(self, data, head_key, audience, sts_urls, token_ttl_s=3600, heartbeat_s=0):
        self.stopping = threading.Event()
        self.files = Store(data)
        self.records = Records(data)
        self.registry = Registry(data)
        self.sessions = Sessions(token_ttl_s)
        self.login = Login(audience, sts_urls, self.registry, self.sessions)
        self.control = Control(self.files, self.records, self.registry, head_key)
        self.opamp = opamp.Opamp(self.control, self.records, heartbeat_s, self.stopping)
        self.otlp = otlp.Otlp(data, self.records)
        self.faults = Faults(data)
        self.records.event("", "started", pid=os.getpid())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    fault = None

    def setup(self):
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(10)
            self.request.do_handshake()
        super().setup()

    def do_POST(self):
        plane = self.server.plane
        endpoint = "diag" if DIAG.fullmatch(self.path) else ENDPOINTS.get(self.path)
        if endpoint is None:
            self.close_connection = True
            return self._json(404, {"error": "no such path"})
        self.fault, retry_after = plane.faults.next(endpoint)
        if self.fault == "reset":
            self._note_batch(0, False)
            return self._reset()
        try:
            body = self._body(LARGEST[endpoint])
            self._check_headers()
            if isinstance(self.fault, int):
                self._json(self.fault, {"error": "a fault on purpose"}, {"Retry-After": str(retry_after)})
                return self._note_batch(self.fault, True)
            if endpoint == "login":
                self._login(body)
            else:
                installation = plane.sessions.check("POST", self.path, self.headers, body)
                {"opamp": self._opamp, "otlp": self._otlp, "diag": self._diag}[endpoint](installation, body)
        except Refusal as r:
            self._refuse(endpoint, r)

    def do_GET(self):
        self.close_connection = True
        self._json(405, {"error": "POST only"}, {"Allow": "POST"})

    do_PUT = do_DELETE = do_HEAD = do_GET

    def _login(self, body):
        plane = self.server.plane
        if self.path.endswith("/challenge"):
            return self._json(200, plane.login.challenge())
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            raise Refusal(400, "the body is not JSON") from None
        if not isinstance(request, dict):
            raise Refusal(400, "the body is not a JSON object")
        answer = plane.login.login(request)
        journal_key = request["journal_key"]
        plane.records.event(request["installation"], "login", journal_key=journal_key)
        self._json(200, answer)

    def _opamp(self, installation, body):
        answer = self.server.plane.opamp.answer(installation, self.headers, body)
        if self.fault:
            return self._reset()
        headers, answer = opamp.packed(self.headers, answer)
        self._send(200, "application/x-protobuf", answer, headers)

    def _otlp(self, installation, body):
        plane = self.server.plane
        kind = self.path.removeprefix("/v1/")
        batch, count = plane.otlp.store(installation, kind, self.headers, body)
        if self.fault:
            plane.otlp.outcome(kind, batch, count, None, False, True, self.fault)
            return self._reset()
        try:
            self._send(200, "application/x-protobuf", otlp.success(kind))
        except OSError:
            plane.otlp.outcome(kind, batch, count, None, False, True, "the peer went away")
            raise
        plane.otlp.outcome(kind, batch, count, 200, True, True)

    def _diag(self, installation, body):
        """204: stored. 409: it is there already."""
        name = DIAG.fullmatch(self.path)[1]
        if self.headers.get("Content-Type") != "application/gzip":
            raise Refusal(400, "a bundle is application/gzip", installation, violation=True)
        if hashlib.sha256(body).hexdigest() != name:
            raise Refusal(400, "the bundle is not what its name says", installation, violation=True)
        known = self.server.plane.files.keep_diag(installation, name, body)
        if self.fault:
            return self._reset()
        self.send_response(409 if known else 204)
        if known:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(self, endpoint, refusal):
        self.server.plane.records.refuse(endpoint, refusal)
        self._note_batch(refusal.status, True)
        if endpoint == "opamp" and refusal.status == 400:
            return self._send(400, "application/x-protobuf", opamp.bad_request(refusal.reason))
        headers = {"Retry-After": "1"} if refusal.status == 503 else {}
        self._json(refusal.status, {"error": refusal.reason}, headers)

    def _note_batch(self, status, answered):
        """A line of batches.jsonl for a body that was not stored."""
        if ENDPOINTS.get(self.path) == "otlp":
            batch, kind = self.headers.get("Reeve-Batch-Id") or "", self.path.removeprefix("/v1/")
            self.server.plane.otlp.outcome(kind, batch, 0, status or None, answered, False, self.fault)

    def _check_headers(self):
        """Which of two would count is a question that two readers answer differently: neither does."""
        for name in ONCE:
            if len(self.headers.get_all(name, [])) > 1:
                self.close_connection = True
                raise Refusal(400, f"header {name} stands there twice", violation=True)

    def _body(self, largest):
        length = self.headers.get("Content-Length") or ""
        if not length.isascii() or not length.isdigit() or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise Refusal(411, "Content-Length is needed")
        if int(length) > largest:
            self.close_connection = True
            raise Refusal(413, f"the body is larger than {largest} bytes", violation=True)
        return self.rfile.read(int(length))

    def _json(self, status, value, headers=None):
        self._send(status, "application/json", json.dumps(value).encode() + b"\n", headers)

    def _send(self, status, content_type, body, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _reset(self):
        """The peer sees a reset connection, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.resets.add(self.request)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, plane, tls=None):
        self.plane = plane
        self.tls = tls
        self.resets = set()
        super().__init__(address, Handler)

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown_request(self, request):
        if request in self.resets:
            self.resets.discard(request)
            return self.close_request(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A peer that goes away in the middle is its own business; anything else is ours and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


def open_server(plane, data, address, tls=None):
    """A server that accepts connections as soon as it is served; its address is in <data>/plane.json."""
    server = Server(address, plane, tls)
    url = f"{'https' if tls else 'http'}://{address[0]}:{server.server_port}"
    files.write_json(f"{data}/plane.json", {"url": url, "pid": os.getpid()})
    return server, url


def serve(plane, data, address, tls=None):
    """Until SIGTERM or SIGINT."""
    server, url = open_server(plane, data, address, tls)
    print(f"listening on {url}", flush=True)
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        plane.stopping.set()
        server.server_close()
