"""What the HTTP peers share: a quiet threading server, answers with a length and a date, a connection that is reset."""

import contextlib
import email.utils
import json
import os
import pathlib
import select
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body, content_type="text/plain", headers=()):
        """A whole answer; headers is a list of pairs and may bring its own Date."""
        body = body.encode() if isinstance(body, str) else body
        self.send_response_only(status)
        names = {name.lower() for name, _ in headers}
        if "date" not in names:
            self.send_header("Date", email.utils.formatdate(usegmt=True))
        if content_type and "content-type" not in names:
            self.send_header("Content-Type", content_type)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reset(self):
        """The peer sees a reset connection, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.resets.add(self.request)

    def is_gone(self):
        """Whether the peer has closed its side. Under TLS one that waits for its answer says nothing else."""
        try:
            readable = select.select([self.connection], [], [], 0)[0]
            is_tls = isinstance(self.connection, ssl.SSLSocket)
            return bool(readable) and (is_tls or self.connection.recv(1, socket.MSG_PEEK) == b"")
        except OSError:
            return True

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, handler):
        self.resets = set()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def shutdown_request(self, request):
        if request in self.resets:
            self.resets.discard(request)
            return self.close_request(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A peer that goes away in the middle is its own business; anything else is ours and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def serve(server, host="127.0.0.1"):
    """Says where it listens and serves until SIGTERM or SIGINT, which end it without another word."""
    host = f"[{host}]" if ":" in host else host
    with contextlib.suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        print(f"listening on http://{host}:{server.server_port}", flush=True)
        server.serve_forever(poll_interval=0.1)


class Lines:
    """A JSON Lines file that grows by one line a request."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.touch()
        self.lock = threading.Lock()

    def append(self, record):
        with self.lock, open(self.path, "a") as f:
            f.write(json.dumps(record, separators=(",", ":")) + "\n")


def read_json(path, default=None):
    """The value in a file that a test may be writing just now: half a file is read again."""
    for _ in range(20):
        try:
            return json.loads(pathlib.Path(path).read_bytes())
        except FileNotFoundError:
            return default
        except json.JSONDecodeError:
            time.sleep(0.01)
    raise ValueError(f"{path} is not JSON")


def write_json(path, value):
    """In one step, so that no reader sees half a file."""
    tmp = pathlib.Path(f"{path}.{os.getpid()}.tmp")
    tmp.write_text(json.dumps(value, indent=1) + "\n")
    tmp.replace(path)
