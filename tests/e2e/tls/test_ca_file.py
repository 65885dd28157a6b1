"""A ca_file narrows: its certificates count, as they stand in it now, and none of the system's beside them."""

import contextlib
import http.server
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from tests.e2e.telemetry.tools import build
from tests.peers.stage import may_be_root, sudo
from tests.vendor import keys

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the connection stays

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.peers.add(self.client_address)
        self.send_response(204)
        self.end_headers()


class V6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


@pytest.fixture
def ours(tmp_path):
    """The CA that signed the server's certificate, and another of the same name."""
    for name in ("ours", "other"):
        keys.new_certificate(tmp_path / name, ["localhost", "127.0.0.1"])
    return tmp_path


@contextlib.contextmanager
def serving(folder, change=lambda context: None, address="127.0.0.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    change(context)
    web = (V6 if ":" in address else http.server.ThreadingHTTPServer)((address, 0), Answer)
    web.peers = set()
    web.socket = context.wrap_socket(web.socket, server_side=True)
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield web
    web.shutdown()
    web.server_close()


@pytest.fixture
def server(ours):
    with serving(ours / "ours") as web:
        yield web


class Getter:
    def __init__(self, ca_file, *before, **env):
        command = [*before, build("https_get"), str(ca_file)]
        pipe = subprocess.PIPE
        env = os.environ | {name: str(value) for name, value in env.items()}
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def get(self, server, host="localhost"):
        self.process.stdin.write(f"https://{host}:{server.server_address[1]}/\n")
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


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_file_that_was_replaced_counts_at_the_next_request_also_on_a_kept_connection(ours, server, getter, host):
    assert [getter.get(server, host) for _ in range(2)] == ["204", "204"]
    assert len(server.peers) == 1
    shutil.copy(ours / "other/ca.pem", ours / "ca.pem")
    assert "certificate" in getter.get(server, host)
    both = (ours / "other/ca.pem").read_text() + (ours / "ours/ca.pem").read_text()
    (ours / "ca.pem").write_text(both)
    assert getter.get(server, host) == "204"


def test_an_address_of_ipv6_is_a_host_like_any_other(ours):
    keys.new_certificate(ours / "six", ["::1"])
    with serving(ours / "six", address="::1") as web:
        one = Getter(ours / "six/ca.pem")
        assert [one.get(web, "[::1]") for _ in range(2)] == ["204", "204"]
        one.close()
        assert len(web.peers) == 1


def test_all_of_a_systems_certificates_are_read_and_judge(ours, server):
    """The file of a distribution, with its comments and its 140 authorities, and one more behind them."""
    bundle = ours / "bundle.pem"
    bundle.write_text(pathlib.Path(BUNDLE).read_text() + (ours / "ours/ca.pem").read_text())
    assert get_with(server, bundle) == "204"
    assert "certificate" in get_with(server, BUNDLE)


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


def get_with(server, ca_file, **env):
    one = Getter(ca_file, **env)
    answer = one.get(server)
    one.close()
    return answer


def test_certificates_that_the_environment_names_do_not_count(ours, server):
    ours_pem, other_pem = ours / "ours/ca.pem", ours / "other/ca.pem"
    folder = {"SSL_CERT_DIR": ours / "ours", "SSL_CERT_FILE": ours_pem, "CURL_CA_BUNDLE": ours_pem}
    assert "certificate" in get_with(server, other_pem, **folder)
    assert (
        get_with(server, ours_pem, SSL_CERT_DIR="/nowhere", SSL_CERT_FILE=other_pem, CURL_CA_BUNDLE=other_pem) == "204"
    )


def test_no_key_of_a_session_is_written_where_the_environment_says(ours, server):
    assert get_with(server, ours / "ours/ca.pem", SSLKEYLOGFILE=ours / "keys.log") == "204"
    assert not (ours / "keys.log").exists()


def test_no_configuration_of_openssl_is_read(ours, server):
    """This one would leave OpenSSL without any algorithm."""
    config = ours / "openssl.cnf"
    config.write_text("openssl_conf = all\n[all]\nproviders = p\n[p]\nnull = n\n[n]\nactivate = 1\n")
    assert get_with(server, ours / "ours/ca.pem", OPENSSL_CONF=config) == "204"


def test_a_certificate_for_another_name_is_refused(ours):
    keys.new_certificate(ours / "named", ["other.example"])
    with serving(ours / "named") as web:
        assert "localhost" in get_with(web, ours / "named/ca.pem")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_version_before_1_2_is_refused(ours):
    def old(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    with serving(ours / "ours", old) as web:
        assert "protocol version" in get_with(web, ours / "ours/ca.pem")


def test_a_session_is_not_resumed(ours):
    """It was verified when it began, by the certificates of then."""
    with serving(ours / "ours") as web:
        web.RequestHandlerClass = type("Once", (Answer,), {"protocol_version": "HTTP/1.0"})
        one = Getter(ours / "ours/ca.pem")
        assert [one.get(web) for _ in range(3)] == ["204"] * 3
        one.close()
        assert len(web.peers) == 3
        assert web.socket.context.session_stats()["hits"] == 0
