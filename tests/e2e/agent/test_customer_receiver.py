"""The customer's own receiver of telemetry, beside the vendor's: it gets all that the vendor gets, under its own headers, in its own
time; and what waits for it in the spool has nothing in it that the customer's rules keep here."""

import gzip
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

from tests.peers import process, zstd
from tests.peers.stage import sudo

KIND = {"/otlp/v1/logs": logs.ExportLogsServiceRequest, "/otlp/v1/metrics": metrics.ExportMetricsServiceRequest}
RULES = """
  drop: ['^DEBUG ']
  redact:
    - name: aws-key
      pattern: '(?:ASIA|AKIA)[A-Z0-7]{16}'
    - name: token
      pattern: 'token=\\w+'
      action: hmac
  detect: [private_keys, email, card_numbers, {name: ip, action: hmac}, sql_literals]
"""
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\n-----END PRIVATE KEY-----"
SECRETS = (
    "AKIAIOSFODNN7EXAMPLE",
    "token=s3cr3tvalue",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49",
    "jane.doe@customer.example",
    "4111111111111111",
    "203.0.113.77",
    "'Doe, Jane'",
    "DEBUG 1969",
)


UNPACK = {"gzip": gzip.decompress, "zstd": zstd.decompress}


class Receiver:
    """Answers `status`, 415 to an encoding that it does not take, and keeps what it answered 200 to."""

    def __init__(self):
        self.status, self.got, self.takes = 200, [], set(UNPACK)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                encoding = self.headers["Content-Encoding"]
                status = receiver.status if encoding in receiver.takes else 415
                if status == 200:
                    receiver.got.append((self.path, dict(self.headers), UNPACK[encoding](body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/otlp"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self, path):
        return [body for at, _, body in self.got if at == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def start(neighbour, receiver, more=""):
    """An installation that follows a log of log4j's, and sends to the receiver, too. `more`: options of telemetry."""
    agent = neighbour()
    files = {
        "otel.headers": "# ours\nAuthorization: Bearer hunter2\nX-Scope-OrgID: warehouse\n",
        "hmac.key": "0" * 32 + "\n",
    }
    for name, text in files.items():
        (agent.dir / "etc" / name).write_text(text)
        (agent.dir / "etc" / name).chmod(0o600)
        agent.give_agent(f"etc/{name}")
    customer = f'  customer: {{url: "{receiver.url}", auth_file: {agent.dir}/etc/otel.headers}}\n'
    key = f"  hmac_key_file: {agent.dir}/etc/hmac.key\n"
    text = agent.config.read_text().replace(
        "      service: doris-be\n", "      service: doris-be\n      format: log4j\n"
    )
    agent.config.write_text(text.replace("  host_metrics:\n", f"{more}{customer}{key}  host_metrics:\n"))
    agent.write_policy(agent.default_policy().split("  redact:")[0] + RULES.lstrip("\n"))
    agent.agent_start()
    process.wait_for(lambda: "control.connected" in agent.log(), 60, "the login")
    return agent


def told(agent):
    """What reeve status says of the telemetry."""
    command = [agent.binary, "status", "--json", "-c", agent.config]
    run = subprocess.run(command, capture_output=True, check=False, text=True)
    return json.loads(run.stdout)["telemetry"]


def append(agent, text):
    with (agent.dir / "app/app.log").open("a") as f:
        f.write(text)


def spooled(agent):
    """All that waits, unpacked."""
    command = f"cat {agent.dir}/state/spool/*.pb.gz | gunzip -c"
    return subprocess.run(sudo("bash", "-c", command), capture_output=True, check=False).stdout


def test_it_gets_all_that_the_vendor_gets_under_headers_of_its_own(neighbour, receiver):
    agent = start(neighbour, receiver)
    append(agent, "2026-11-30 10:00:00,000 INFO (main) [Env.start():1] the first line\n")
    process.wait_for(lambda: any(b"the first line" in b for b in receiver.bodies("/otlp/v1/logs")), 60, "the line")
    process.wait_for(lambda: receiver.bodies("/otlp/v1/metrics"), 60, "metrics")
    for path, headers, body in receiver.got:
        assert len(KIND[path].FromString(body).ListFields()) == 1
        assert headers["Authorization"] == "Bearer hunter2" and headers["X-Scope-OrgID"] == "warehouse"
        assert "Reeve-Proof" not in headers and len(headers["Reeve-Batch-Id"]) == 16
    assert [d["name"] for d in told(agent)["destinations"]] == ["vendor", "customer"]
    process.wait_for(
        lambda: all(d["logs"]["sent_records"] == 1 for d in told(agent)["destinations"]), 30, "both counts"
    )
    # A key that is wrong is told to a person, and nothing of it is in a log.
    receiver.status = 401
    process.wait_for(lambda: "answers with status 401" in told(agent).get("trouble", ""), 300, "the refusal")
    assert "hunter2" not in agent.log()


def test_no_planted_secret_is_in_the_spool_or_arrives(neighbour, receiver):
    agent = start(neighbour, receiver)
    receiver.status = 503
    head = "2026-11-30 10:00:00,000 INFO (main) [Env.start():1] "
    append(agent, f"{head}key {SECRETS[0][:7]}")
    time.sleep(1)  # one secret in two reads,
    append(agent, f"{SECRETS[0][7:]} and {SECRETS[1]}\n{head}a key of several lines:\n{PEM[:40]}")
    time.sleep(1)  # and one in several lines
    append(agent, f"{PEM[40:]}\n{head}mail to {SECRETS[3]} about {SECRETS[4]} from {SECRETS[5]}\n")
    append(
        agent,
        f"{head}SELECT * FROM t WHERE name = {SECRETS[6]}\nDEBUG 1969 a line that is dropped\n{head}the last line\n",
    )
    process.wait_for(lambda: b"the last line" in spooled(agent), 60, "all of it in the spool")
    waits = spooled(agent)
    assert [s for s in SECRETS[:-1] if s.encode() in waits] == []
    assert b"[REDACTED:aws-key]" in waits and b"[HMAC:token:" in waits and b"[HMAC:ip:" in waits
    receiver.status = 200
    process.wait_for(lambda: any(b"the last line" in b for b in receiver.bodies("/otlp/v1/logs")), 300, "its arrival")
    arrived = b"".join(body for _, _, body in receiver.got)
    assert [s for s in SECRETS[:-1] if s.encode() in arrived] == []
    assert b"a key of several lines" in arrived


def test_where_zstd_is_configured_who_takes_none_gets_gzip(neighbour, receiver):
    agent = start(neighbour, receiver, "  compression: zstd\n")
    head = "2026-11-30 10:00:00,000 INFO (main) [Env.start():1] "
    append(agent, f"{head}the first line\n")
    process.wait_for(lambda: any(b"the first line" in b for b in receiver.bodies("/otlp/v1/logs")), 60, "the line")
    encodings = {headers["Content-Encoding"] for _, headers, _ in receiver.got}
    assert "zstd" in encodings
    for path, _, body in receiver.got:
        assert len(KIND[path].FromString(body).ListFields()) == 1

    receiver.takes = {"gzip"}
    agent.agent_stop()
    agent.agent_start()
    append(agent, f"{head}the second line\n{head}and the last\n")
    process.wait_for(lambda: any(b"and the last" in b for b in receiver.bodies("/otlp/v1/logs")), 120, "the others")
    arrived = b"".join(receiver.bodies("/otlp/v1/logs"))
    assert [arrived.count(text) for text in (b"the first line", b"the second line", b"and the last")] == [1, 1, 1]
    assert [d["encoding"] for d in told(agent)["destinations"] if d["name"] == "customer"] == ["gzip"]
    assert told(agent)["logs"]["rejected"] == 0
