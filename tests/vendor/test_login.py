"""Login believes STS and nothing else. Each test bends one thing of a login that would be accepted."""

import hashlib
import http.server
import json
import re
import threading
import time
import types

import pytest

from tests.vendor import keys
from tests.vendor.client import Answer, Client
from tests.vendor.conftest import INSTALLATION, REGION
from tests.vendor.login import NAMESPACE, Challenges, Login, check_date, read_identity
from tests.vendor.proof import Sessions
from tests.vendor.refusal import Refusal
from tests.vendor.registry import Registry


def refused(plane, client, sts=None, status=403):
    """The reason a login was refused for; the same sentence must be on record."""
    with pytest.raises(Answer) as e:
        client.login(sts)
    assert e.value.status == status
    assert plane.refusals()[-1] == e.value.error
    assert plane.lines("refusals")[-1]["installation"] == client.installation
    return e.value.error


def test_the_right_login_is_accepted_and_fills_in_the_role_id(plane, client, world):
    answer = client.login()
    assert answer["expires_in_s"] <= 3600
    assert Registry(plane.data).get(INSTALLATION)["role_id"] == world["role_id"]
    assert plane.refusals() == []


@pytest.mark.parametrize("name", ["X-Reeve-Audience", "X-Reeve-Challenge", "X-Reeve-Channel"])
def test_a_binding_header_that_is_not_signed_is_refused(plane, client, name):
    sts = client.signed_identity(client.challenge(), **{name: None})
    value = dict(client.signed_identity(client.challenge())["headers"])[name]
    sts["headers"].append([name, value])
    assert refused(plane, client, sts) == f"header {name.lower()} is not signed"


@pytest.mark.parametrize("name", ["X-Reeve-Audience", "X-Reeve-Challenge", "X-Reeve-Channel"])
def test_a_binding_header_that_is_missing_is_refused(plane, client, name):
    sts = client.signed_identity(client.challenge(), **{name: None})
    assert refused(plane, client, sts) == f"header {name.lower()} is missing"


def test_another_audience_is_refused(plane, client):
    sts = client.signed_identity(client.challenge(), x_reeve_audience="other-vendor.example")
    assert "audience" in refused(plane, client, sts)


def test_a_challenge_is_accepted_once(plane, client):
    sts = client.signed_identity(client.challenge())
    client.login(sts)
    assert "was used before" in refused(plane, client, sts)


def test_a_challenge_of_somebody_else_is_refused(plane, client):
    assert "not one of ours" in refused(plane, client, client.signed_identity(keys.b64url(bytes(32))))


def test_an_expired_challenge_is_refused(monkeypatch):
    challenges = Challenges()
    challenge = challenges.new()
    later = time.monotonic() + 61
    monkeypatch.setattr("tests.vendor.login.time", types.SimpleNamespace(monotonic=lambda: later))
    with pytest.raises(Refusal, match="expired"):
        challenges.take(challenge)


def test_only_so_many_challenges_are_open_at_once(monkeypatch):
    monkeypatch.setattr("tests.vendor.login.MOST_CHALLENGES", 2)
    challenges = Challenges()
    challenge = challenges.new()
    challenges.new()
    with pytest.raises(Refusal, match="too many challenges") as e:
        challenges.new()
    assert e.value.status == 503
    challenges.take(challenge)
    challenges.new()


@pytest.mark.parametrize("host", [f"sts.{REGION}.amazonaws.com", f"sts.{REGION}.api.aws"])
def test_each_of_the_two_names_of_a_regions_sts_may_be_signed_for(plane, client, host):
    client.login(client.signed_identity(client.challenge(), host=host))
    assert client.token


@pytest.mark.parametrize(
    "host",
    [
        "sts.eu-west-1.amazonaws.com",
        "sts.eu-west-1.api.aws",
        "sts.us-east-1.api.aws.example",
        "sts.us-east-1.amazonaws.com.example",
        "127.0.0.1",
    ],
)
def test_a_host_that_is_not_on_the_list_is_refused(plane, client, host):
    assert "not an STS host" in refused(plane, client, client.signed_identity(client.challenge(), host=host))


def test_a_signed_host_other_than_the_named_one_is_refused(plane, client):
    sts = client.signed_identity(client.challenge(), host="sts.eu-west-1.amazonaws.com")
    sts["host"] = f"sts.{REGION}.amazonaws.com"
    assert "another one than sts.host" in refused(plane, client, sts)


def test_a_duplicate_parameter_is_refused(plane, client):
    body = "Action=GetCallerIdentity&Version=2011-06-15&Action=GetCallerIdentity"
    assert "not exactly GetCallerIdentity" in refused(plane, client, client.signed_identity(client.challenge(), body))


def test_a_duplicate_header_is_refused(plane, client):
    sts = client.signed_identity(client.challenge())
    sts["headers"].append(["x-reeve-audience", "127.0.0.1"])
    assert refused(plane, client, sts) == "header x-reeve-audience comes twice"


def test_a_body_other_than_get_caller_identity_is_refused(plane, client):
    body = "Action=GetSessionToken&Version=2011-06-15"
    assert "not exactly GetCallerIdentity" in refused(plane, client, client.signed_identity(client.challenge(), body))


def test_a_header_that_is_not_on_the_list_is_refused(plane, client):
    sts = client.signed_identity(client.challenge(), x_forwarded_host="a")
    assert "not on the list" in refused(plane, client, sts)


def test_a_header_value_cannot_smuggle_a_line(plane, client):
    sts = client.signed_identity(client.challenge())
    sts["headers"].append(["user-agent", "a\r\nHost: b"])
    assert "not plain text" in refused(plane, client, sts)


def altered(sts, name, change):
    """The same request, one header changed behind the signer's back."""
    return sts | {"headers": [[n, change(v) if n == name else v] for n, v in sts["headers"]]}


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("SignedHeaders=content-type;", "SignedHeaders=content-type;content-type;"),
        ("SignedHeaders=content-type;", "SignedHeaders=accept;content-type;"),
    ],
)
def test_signed_headers_that_repeat_one_or_name_one_that_is_not_there_are_refused(plane, client, was, becomes):
    sts = altered(client.signed_identity(client.challenge()), "Authorization", lambda v: v.replace(was, becomes))
    assert "repeats a header or names one" in refused(plane, client, sts)


@pytest.mark.parametrize("was", ["AWS4-HMAC-SHA256", "/sts/", "Signature="])
def test_an_authorization_that_is_not_a_signature_for_sts_is_refused(plane, client, was):
    sts = altered(client.signed_identity(client.challenge()), "Authorization", lambda v: v.replace(was, "x"))
    assert "not a SigV4 signature for STS" in refused(plane, client, sts)


@pytest.mark.parametrize("value", ["application/json", "text/plain; application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(plane, client, value):
    assert "content type" in refused(plane, client, client.signed_identity(client.challenge(), content_type=value))


def test_a_request_signed_too_long_ago_is_refused(plane, client):
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 16 * 60))
    sts = altered(client.signed_identity(client.challenge()), "X-Amz-Date", lambda v: date)
    sts = altered(sts, "Authorization", lambda v: re.sub("/[0-9]{8}/", f"/{date[:8]}/", v))
    assert "15 minutes" in refused(plane, client, sts)


def test_a_channel_key_other_than_the_signed_one_is_refused(plane, client):
    other = keys.b64url(hashlib.sha256(b"other").digest())
    assert "channel_key" in refused(plane, client, client.signed_identity(client.challenge(), x_reeve_channel=other))


def test_a_wrong_signature_is_refused_by_sts(plane, client):
    client.aws_keys = client.aws_keys | {"SecretAccessKey": "x" * 40}
    assert refused(plane, client) == "STS answered 403: SignatureDoesNotMatch"


def test_a_date_more_than_15_minutes_off_is_refused():
    for off in (-901, 901):
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + off))
        with pytest.raises(Refusal, match="15 minutes"):
            check_date(date, date[:8])


def test_a_date_of_another_day_than_the_scopes_is_refused():
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    check_date(date, date[:8])
    with pytest.raises(Refusal, match="different days"):
        check_date(date, "20200229")


def test_a_date_that_is_none_is_refused():
    with pytest.raises(Refusal, match="not a date"):
        check_date("yesterday", "20200229")


@pytest.mark.parametrize("changed", [{"account": "210987654321"}, {"role": "other"}, {"role_id": "AROAOTHEROTHER"}])
def test_what_differs_from_the_registry_is_refused(plane, world, changed):
    plane.register(world, "inst-2", **changed)
    (name, value) = next(iter(changed.items()))
    reason = refused(plane, plane.client(world, "inst-2"))
    assert reason.startswith(name.replace("_", " ")) and (value in reason or name == "role_id")


def test_another_region_than_the_registered_one_is_refused(plane, world):
    plane.register(world, "inst-2", region="eu-west-1")
    assert "region" in refused(plane, plane.client(world, "inst-2"))


@pytest.mark.parametrize("name", ["nobody", "../registry/inst-1", "INST-1"])
def test_an_installation_that_is_not_registered_is_refused(plane, world, name):
    assert refused(plane, plane.client(world, name)) == "no such installation"


def test_a_user_is_not_the_role(plane, world):
    user = Client(plane.url, INSTALLATION, REGION, world["reader"] | {"Token": None})
    sts = user.signed_identity(user.challenge(), x_amz_security_token="none")
    assert refused(plane, user, sts).startswith(("STS answered", "arn:"))


GOOD = (
    f'<GetCallerIdentityResponse xmlns="{NAMESPACE}"><GetCallerIdentityResult><Arn>arn:aws:sts::1:assumed-role/r/s</Arn>'
    "<UserId>AROA1:s</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{}",
        "<html>200 OK</html>",
        GOOD.replace(NAMESPACE, "https://example.com/"),
        GOOD.replace("GetCallerIdentityResponse", "GetSessionTokenResponse"),
        GOOD.replace("<Account>1</Account>", ""),
        GOOD.replace("<Account>1</Account>", "<Account>1</Account><Account>2</Account>"),
        f"<a>{GOOD}</a>",
        '<!DOCTYPE a [<!ENTITY b "1">]>' + GOOD,
        GOOD + GOOD,
    ],
)
def test_an_answer_that_is_not_one_of_sts_is_refused(answer):
    assert read_identity(GOOD.encode()) == ("arn:aws:sts::1:assumed-role/r/s", "AROA1:s", "1")
    with pytest.raises(Refusal, match="not one of STS"):
        read_identity(answer.encode())


class Impostor(http.server.BaseHTTPRequestHandler):
    status, body = 200, b"<html>welcome</html>"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args):
        pass


def login_at(url, folder, world):
    """A login whose signed request goes to this URL as if it were STS."""
    registry = Registry(folder)
    registry.add(INSTALLATION, world["account"], REGION, world["role"])
    login = Login("127.0.0.1", {f"sts.{REGION}.amazonaws.com": url}, registry, Sessions())
    client = Client("http://127.0.0.1:1", INSTALLATION, REGION, world["keys"][0])
    return login.login(client.login_request(client.signed_identity(login.challenge()["challenge"])))


@pytest.fixture
def impostor(tmp_path, world):
    """login(status, body): the outcome of a login to which a server answers that is not STS."""

    def login(status, body):
        handler = type("Once", (Impostor,), {"status": status, "body": body})
        with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                return login_at(f"http://127.0.0.1:{server.server_port}", tmp_path, world)
            finally:
                server.shutdown()

    return login


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [(200, "not one of STS", 403), (302, "answered 302", 403), (404, "answered 404", 403), (500, "answered 500", 503)],
)
def test_a_server_that_is_not_sts_is_not_believed(impostor, status, reason, said):
    with pytest.raises(Refusal, match=reason) as e:
        impostor(status, b"<html>welcome</html>")
    assert e.value.status == said


def test_an_sts_that_cannot_be_reached_is_asked_again_later(tmp_path, world):
    with pytest.raises(Refusal, match="cannot be reached") as e:
        login_at("http://127.0.0.1:1", tmp_path, world)
    assert e.value.status == 503


def identity(world, arn_account=None, user_id="AROA1:s"):
    """What STS would say of the role of the registry, but for what is given."""
    account = world["account"]
    good = GOOD.replace("sts::1:assumed-role/r/", f"sts::{arn_account or account}:assumed-role/{world['role']}/")
    good = good.replace("AROA1:s", user_id).replace("<Account>1<", f"<Account>{account}<")
    return good.encode()


def test_an_identity_that_fits_is_believed(impostor, world):
    assert "token" in impostor(200, identity(world))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user_id": "AIDA1:s"}, "does not fit"),
        ({"user_id": "AROA1:other"}, "does not fit"),
        ({"user_id": "AROA1"}, "does not fit"),
        ({"arn_account": "210987654321"}, "is not an assumed role"),
    ],
)
def test_an_identity_that_contradicts_itself_is_refused(impostor, world, change, reason):
    with pytest.raises(Refusal, match=reason):
        impostor(200, identity(world, **change))


def test_an_answer_of_any_length_is_not_read(impostor, world):
    with pytest.raises(Refusal, match="too long"):
        impostor(200, identity(world).ljust(65_537))


@pytest.mark.parametrize("value", [None, "", 1, "AAAA", keys.b64url(bytes(31)), keys.b64url(bytes(33)), "*" * 43])
@pytest.mark.parametrize("name", ["channel_key", "journal_key"])
def test_a_key_that_is_none_is_a_bad_request(plane, client, name, value):
    request = client.login_request(client.signed_identity(client.challenge())) | {name: value}
    with pytest.raises(Answer) as e:
        client.raw("/reeve/v1/login", json.dumps(request).encode(), {})
    assert e.value.status == 400
    assert e.value.error.startswith(name)


@pytest.mark.parametrize(
    "sts", [None, {}, {"headers": None}, {"headers": ["a"]}, {"headers": [["a"]]}, {"headers": [["a", 1]]}]
)
def test_an_sts_request_that_is_none_is_a_bad_request(plane, client, sts):
    sts = sts and {"host": f"sts.{REGION}.amazonaws.com", "body": "x", **sts}
    request = client.login_request(sts)
    with pytest.raises(Answer) as e:
        client.raw("/reeve/v1/login", json.dumps(request).encode(), {})
    assert e.value.status == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"installation": 1}', b"[" * 60_000])
def test_a_login_that_is_no_login_is_a_bad_request(plane, client, body):
    with pytest.raises(Answer) as e:
        client.raw("/reeve/v1/login", body, {})
    assert e.value.status == 400


@pytest.mark.plane(process=True, scheme="https")
def test_login_over_tls(plane, client):
    assert plane.url.startswith("https://")
    client.login()
