"""A plain HTTP receiver of OTLP that does as little as can be done while somebody measures: bodies are kept as they came, and nothing
is unpacked. What it cost is for whoever started it to see.

    python -m tests.bench.receiver        says "listening on http://127.0.0.1:PORT"

POST /v1/logs       counted and kept, unless a fault is on
POST /v1/metrics    counted
POST /bench/set     JSON, begins anew: "fault" (what befalls a POST of logs), "every" (each n-th one), "refuse_s" (503 for so
                    long), "refuse_after_s" (from then on), "upstream" (a port). What is not named is none, but the port stays
POST /bench/fault   the same without "upstream"; what came before is not forgotten
GET  /bench/counts  JSON
GET  /bench/bodies/N    the N-th body; Reeve-Batch-Id and Content-Encoding are the sender's, Answered says whether it got its 200
GET  /bench/stop    the end
anything else       handed on to the port of "upstream", whose answer is handed back

Faults: "429"; "400": the body is refused for ever; "drop": the connection is reset and the body forgotten; "unanswered": the body is kept, then the connection is reset.
"""

import asyncio
import json
import socket
import struct
import time

OTLP = {"/v1/logs": "logs", "/v1/metrics": "metrics"}
HEAD_MAX = 64 << 10
NOTHING = {"fault": None, "every": 0, "refuse_s": 0, "refuse_after_s": 0}


class Store:
    """What all connections share."""

    def __init__(self):
        self.upstream = None
        self.stop = asyncio.Event()
        self.begin(NOTHING)

    def begin(self, given):
        self.turn(given)
        self.upstream = given.get("upstream") or self.upstream
        self.bodies = []  # (batch id, content encoding, bytes, answered)
        self.counts = {"logs": 0, "metrics": 0, "wire": 0, "kept": 0, "faults": 0}
        # When bodies came, and the sizes of the first and the last one.
        self.counts |= {"first": 0.0, "before_last": 0.0, "last": 0.0, "first_kept": 0, "last_kept": 0}

    def turn(self, given):
        self.fault, self.every = given["fault"], given["every"]
        self.refuse_from = time.monotonic() + given["refuse_after_s"]
        self.refuse_s = given["refuse_s"]

    def fault_now(self):
        """Of the POST of logs that has just been counted."""
        if 0 <= time.monotonic() - self.refuse_from < self.refuse_s:
            return "503"
        return self.fault if self.every and self.counts["logs"] % self.every == 0 else None

    def keep(self, headers, body, answered):
        now = time.monotonic()
        self.counts["first"] = self.counts["first"] or now
        self.counts["before_last"], self.counts["last"] = self.counts["last"], now
        self.counts["first_kept"], self.counts["last_kept"] = self.counts["first_kept"] or len(body), len(body)
        self.counts["kept"] += len(body)
        self.bodies.append((headers.get("reeve-batch-id", ""), headers.get("content-encoding", ""), body, answered))


class Connection(asyncio.Protocol):
    def __init__(self, store):
        self.store = store
        self.parts, self.size = [], 0  # what came and was not taken yet
        self.head, self.need = None, 0  # of the request in hand, and the length of its body
        self.relay = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc):
        if self.relay:
            self.relay.cancel()

    def data_received(self, data):
        self.parts.append(data)
        self.size += len(data)
        while self.size >= self.need and not self.relay and not self.transport.is_closing() and self.step():
            pass

    def step(self):
        """A head, or a body with what it asks for; False: there is more to come."""
        data = b"".join(self.parts)
        end = self.need if self.head else data.find(b"\r\n\r\n") + 4
        if end < 4 and not self.head:
            if self.size > HEAD_MAX:
                self.transport.abort()
            return False
        taken, rest = data[:end], data[end:]
        self.parts, self.size = [rest], len(rest)
        if self.head:
            self.take(taken)
            self.head, self.need = None, 0
        else:
            self.begin(taken)
        return True

    def begin(self, head):
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = lines[0].split(" ", 2)
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        self.need = int(self.headers.get("content-length", 0))
        if self.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # ---- requests ----

    def take(self, body):
        kind = OTLP.get(self.path)
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            self.answer(411)
            self.transport.close()
        elif kind == "logs":
            self.logs(body)
        elif kind == "metrics":
            self.store.counts["metrics"] += 1
            self.answer(200)
        elif self.path.startswith("/bench/"):
            self.ask(body)
        else:
            self.relay = asyncio.ensure_future(self.hand_on(self.head, body))

    def logs(self, body):
        counts = self.store.counts
        counts["logs"] += 1
        counts["wire"] += len(self.head) + len(body)
        fault = self.store.fault_now()
        counts["faults"] += fault is not None
        if fault in ("400", "429", "503"):
            self.answer(int(fault))
            return
        if fault != "drop":
            self.store.keep(self.headers, body, answered=fault is None)
        if fault is None:
            self.answer(200)
        else:
            self.reset()

    def answer(self, status, body=b"", headers=""):
        reason = {200: "OK", 404: "Not Found", 411: "Length Required", 429: "Too Many Requests"}.get(status, "Not now")
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/x-protobuf\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)

    def reset(self):
        """No orderly end: the sender sees a reset."""
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    def ask(self, body):
        what, _, number = self.path.removeprefix("/bench/").partition("/")
        if what == "set":
            self.store.begin(NOTHING | json.loads(body))
            self.answer(200)
        elif what == "fault":
            self.store.turn(NOTHING | json.loads(body))
            self.answer(200)
        elif what == "counts":
            self.answer(200, json.dumps(self.store.counts | {"bodies": len(self.store.bodies)}).encode())
        elif what == "bodies" and int(number) < len(self.store.bodies):
            batch, encoding, kept, answered = self.store.bodies[int(number)]
            headers = f"Reeve-Batch-Id: {batch}\r\nContent-Encoding: {encoding}\r\nAnswered: {int(answered)}\r\n"
            self.answer(200, kept, headers)
        elif what == "stop":
            self.answer(200)
            self.store.stop.set()
        else:
            self.answer(404)

    async def hand_on(self, head, body):
        """A connection for each: seldom, and held polls hold nobody else."""
        lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.store.upstream)
        except (OSError, TypeError):
            self.transport.abort()
            return
        try:
            writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
            while part := await reader.read(1 << 16):
                self.transport.write(part)
        except OSError:
            self.transport.abort()
        finally:
            writer.close()
            self.transport.close()


async def serve():
    store = Store()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(store), "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await store.stop.wait()


if __name__ == "__main__":
    asyncio.run(serve())
