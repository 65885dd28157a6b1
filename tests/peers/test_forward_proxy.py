"""The forward proxy of the tests does what a forward proxy does, and writes down what it was asked."""

import contextlib
import json
import socket
import subprocess
import threading

import pytest

from tests.peers import process, web


@pytest.fixture
def far():
    """Something to be led to: it says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    conn, _ = server.accept()
                    with conn:
                        while data := conn.recv(4096):
                            conn.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(tmp_path, far):
    args = ("--dir", tmp_path, "--to", f"far.example:443=127.0.0.1:{far}")
    peer = process.start_python("tests.peers.forward_proxy", *args, stdout=subprocess.PIPE)
    yield int(peer.stdout.readline().decode().rpartition(":")[2])
    process.stop(peer)
    peer.stdout.close()


def ask(port, *lines):
    conn = socket.create_connection(("127.0.0.1", port), 10)
    conn.sendall("\r\n".join([*lines, "", ""]).encode())
    return conn, conn.recv(4096).decode()


def requests(folder):
    return [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]


def test_it_leads_to_a_place_that_it_knows_and_passes_bytes_both_ways(proxy, tmp_path):
    conn, answer = ask(proxy, "CONNECT far.example:443 HTTP/1.1", "Host: far.example:443")
    assert answer.startswith("HTTP/1.1 200 ")
    conn.sendall(b"hello")
    assert conn.recv(100) == b"hello"
    conn.close()
    assert [(r["target"], r["status"]) for r in requests(tmp_path)] == [("far.example:443", 200)]


@pytest.mark.parametrize(
    ("rules", "line", "status"),
    [
        ({}, "CONNECT near.example:443 HTTP/1.1", 502),
        ({}, "GET http://far.example/ HTTP/1.1", 405),
        ({"answer": 403}, "CONNECT far.example:443 HTTP/1.1", 403),
        ({"pair": "a:b"}, "CONNECT far.example:443 HTTP/1.1", 407),
    ],
)
def test_it_refuses_what_it_is_told_to_and_writes_it_down(proxy, tmp_path, rules, line, status):
    web.write_json(tmp_path / "rules.json", rules)
    conn, answer = ask(proxy, line)
    conn.close()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert requests(tmp_path)[0]["status"] == status


def test_it_takes_the_name_and_the_password_that_it_wants(proxy, tmp_path):
    web.write_json(tmp_path / "rules.json", {"pair": "a:b"})
    conn, answer = ask(proxy, "CONNECT far.example:443 HTTP/1.1", "Proxy-Authorization: Basic YTpi")
    conn.close()
    assert answer.startswith("HTTP/1.1 200 ")
