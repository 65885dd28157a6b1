import http.client
import json
import threading
import time

import pytest

from tests.peers import web
from tests.peers.imds import Imds

KEYS = {"role": "r-1", "Code": "Success", "AccessKeyId": "ASIA1", "SecretAccessKey": "s", "Token": "t"}
ROLE = "/latest/meta-data/iam/security-credentials/"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"


class Service:
    def __init__(self, folder):
        self.folder = folder
        self.server = Imds(0, folder)
        threading.Thread(target=self.server.serve_forever, daemon=True, args=(0.05,)).start()

    def ask(self, method, path, headers=None, timeout=5):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def token(self, ttl="60"):
        return self.ask("PUT", "/latest/api/token", {TTL: ttl})[1]

    def get(self, path, **more):
        return self.ask("GET", path, {"X-aws-ec2-metadata-token": self.token()}, **more)


@pytest.fixture
def imds(tmp_path):
    document = {"region": "us-east-1", "instanceId": "i-1", "accountId": "123456789012"}
    web.write_json(tmp_path / "keys.json", KEYS)
    web.write_json(tmp_path / "instance.json", {"document": document, "tags": {"reeve:mode": "frozen", "a": "b"}})
    service = Service(tmp_path)
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_a_token_needs_a_lifetime_in_bounds(imds):
    for headers in ({}, {TTL: "0"}, {TTL: "21601"}, {TTL: "x"}):
        assert imds.ask("PUT", "/latest/api/token", headers)[0] == 400
    status, token, headers = imds.ask("PUT", "/latest/api/token", {TTL: "21600"})
    assert status == 200 and token and headers[TTL] == "21600" and headers["Connection"] == "close"


def test_a_token_is_not_given_through_a_proxy(imds):
    assert imds.ask("PUT", "/latest/api/token", {TTL: "60", "X-Forwarded-For": "10.0.0.1"})[0] == 403


def test_nothing_is_told_without_a_good_token(imds):
    assert imds.ask("GET", ROLE)[0] == 401
    assert imds.ask("GET", ROLE, {"X-aws-ec2-metadata-token": "x"})[0] == 401
    token = imds.token("1")
    time.sleep(1.05)
    assert imds.ask("GET", ROLE, {"X-aws-ec2-metadata-token": token})[0] == 401


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (ROLE, "r-1"),
        ("/latest/meta-data/placement/region", "us-east-1"),
        ("/latest/meta-data/services/domain", "amazonaws.com"),
        ("/latest/meta-data/services/partition", "aws"),
        ("/latest/meta-data/instance-id", "i-1"),
        ("/latest/meta-data/tags/instance/reeve:mode", "frozen"),
        ("/latest/meta-data/tags/instance", "reeve:mode\na"),
    ],
)
def test_plain_values(imds, path, told):
    assert imds.get(path)[:2] == (200, told)


def test_the_identity_document_and_the_keys_are_json(imds):
    assert json.loads(imds.get("/latest/dynamic/instance-identity/document")[1])["accountId"] == "123456789012"
    keys = json.loads(imds.get(ROLE + "r-1")[1])
    assert keys["AccessKeyId"] == "ASIA1" and "role" not in keys


def test_keys_may_be_swapped_at_any_time(imds):
    web.write_json(imds.folder / "keys.json", KEYS | {"AccessKeyId": "ASIA2"})
    assert json.loads(imds.get(ROLE + "r-1")[1])["AccessKeyId"] == "ASIA2"


def test_unknown_paths_are_404_in_html(imds):
    status, body, headers = imds.get("/latest/meta-data/spot/instance-action")
    assert status == 404 and "<html>" in body and headers["Content-Type"] == "text/html"
    assert imds.get(ROLE + "other")[0] == 404


def test_faults_come_as_often_as_asked(imds):
    web.write_json(imds.folder / "faults.json", [{"path": ROLE, "do": "503", "times": 2}])
    assert [imds.get(ROLE)[0] for _ in range(3)] == [503, 503, 200]


def test_wrong_bodies(imds):
    web.write_json(imds.folder / "faults.json", [{"path": ROLE, "do": "html"}])
    assert imds.get(ROLE)[0] == 200 and "<html>" in imds.get(ROLE)[1]
    web.write_json(imds.folder / "faults.json", [{"path": ROLE, "do": "truncate"}])
    with pytest.raises(http.client.IncompleteRead):
        imds.get(ROLE)


def test_a_hang_ends_with_the_asker(imds):
    web.write_json(imds.folder / "faults.json", [{"path": ROLE, "do": "hang"}])
    with pytest.raises(TimeoutError):
        imds.get(ROLE, timeout=0.3)
    lines = [json.loads(line) for line in (imds.folder / "requests.jsonl").read_text().splitlines()]
    assert (lines[-1]["path"], lines[-1]["fault"]) == (ROLE, "hang")
