"""A ca_file narrows: its certificates count, as they stand in it now, and none of the system's beside them."""

import http.server
import shutil
import ssl
import subprocess
import threading

import pytest

from tests.e2e.telemetry.tools import build
from tests.peers.stage import may_be_root, sudo
from tests.vendor import keys


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the connection stays

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.peers.add(self.client_address)
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def ours(tmp_path):
    """The CA that signed the server's certificate, and another of the same name."""
    for name in ("ours", "other"):
        keys.new_certificate(tmp_path / name, ["localhost", "127.0.0.1"])
    return tmp_path


@pytest.fixture
def server(ours):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours / "ours/server.pem", ours / "ours/server.key")
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    web.peers = set()
    web.socket = context.wrap_socket(web.socket, server_side=True)
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield web
    web.shutdown()
    web.server_close()


class Getter:
    def __init__(self, ca_file, *before):
        command = [*before, build("https_get"), str(ca_file)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def get(self, server):
        self.process.stdin.write(f"https://localhost:{server.server_address[1]}/\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.communicate(timeout=10)


@pytest.fixture
def getter(ours):
    shutil.copy(ours / "ours/ca.pem", ours / "ca.pem")
    one = Getter(ours / "ca.pem")
    yield one
    one.close()


def test_a_file_that_was_replaced_counts_at_the_next_request_also_on_a_kept_connection(ours, server, getter):
    assert [getter.get(server) for _ in range(2)] == ["204", "204"]
    assert len(server.peers) == 1
    shutil.copy(ours / "other/ca.pem", ours / "ca.pem")
    assert "certificate" in getter.get(server)
    both = (ours / "other/ca.pem").read_text() + (ours / "ours/ca.pem").read_text()
    (ours / "ca.pem").write_text(both)
    assert getter.get(server) == "204"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("", "is empty, expected certificates"),
        ("nonsense", "certificate"),
        ("x" * 2**21, "is larger than"),
    ],
)
def test_a_file_that_holds_no_certificates_lets_nothing_through_and_is_named(ours, server, getter, content, says):
    (ours / "ca.pem").unlink()
    if content is not None:
        (ours / "ca.pem").write_text(content)
    answer = getter.get(server)
    assert answer != "204"
    assert says in answer


@pytest.mark.skipif(
    not may_be_root(), reason="needs root: it lays a folder over the system's certificates, for itself alone"
)
def test_a_certificate_that_the_system_trusts_does_not_count_beside_the_file(ours, server):
    trusted = ours / "system"
    trusted.mkdir()
    pem = ours / "ours/ca.pem"
    run = subprocess.run(
        ["openssl", "x509", "-subject_hash", "-noout", "-in", pem], capture_output=True, check=True, text=True
    )
    shutil.copy(pem, trusted / f"{run.stdout.strip()}.0")
    shutil.copy(pem, trusted / "ca-certificates.crt")
    lay = f'mount --bind {trusted} /etc/ssl/certs && exec "$@"'
    foreign = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=foreign", "-days", "1"]
    foreign += ["-keyout", ours / "foreign.key", "-out", ours / "foreign.pem"]
    subprocess.run(foreign, capture_output=True, check=True)  # of another name, or OpenSSL would not look further
    one = Getter(ours / "foreign.pem", *sudo("unshare", "-m", "sh", "-c", lay, "sh"))
    answer = one.get(server)
    one.close()
    if one.process.returncode != 0 and answer == "":
        pytest.skip("no mount of one's own here")
    assert "certificate" in answer, answer
