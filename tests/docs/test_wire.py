"""docs/wire.md against our code, the reference plane, and an implementation of the signatures that is not ours."""

import base64
import hashlib
import hmac
import json
import re
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf import json_format
from opentelemetry._opamp.proto import opamp_pb2

from tests.docs import blocks
from tests.peers.pb import control
from tests.vendor import keys, proof
from tests.vendor.client import Answer
from tests.vendor.conftest import client, plane  # noqa: F401 - fixtures

REPO = blocks.REPO
WIRE = (REPO / "docs/wire.md").read_text()


def ours(what, **values):
    """What our C code makes of it."""
    run = subprocess.run(
        [REPO / "build/tests/docs/vectors"],
        input=json.dumps({"what": what} | values),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


def section(title):
    """The text from this heading to the next one of any depth."""
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", WIRE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title!r}"
    return found[1]


def first_column(text):
    """The names in backticks in the first column of its tables."""
    cells = [row.split("|")[1] for row in text.splitlines() if row.startswith("| ")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def is_signed(public, message, sig):
    Ed25519PublicKey.from_public_bytes(public).verify(sig, message)


# ---- login and proof ----


@pytest.mark.block("wire.md", "challenge-answer", "login-answer", "vector-session")
def test_the_agent_takes_the_answers_that_the_page_shows(block):
    challenge, answer, session = map(json.loads, block)
    assert len(keys.b64url_decode(challenge["challenge"])) == 32
    done = ours("session", **session | {"challenge": challenge["challenge"], "token": answer["token"]})
    assert done["requests"][0]["Authorization"] == f"Reeve {answer['token']}"


@pytest.mark.block("wire.md", "challenge-answer", "login-answer")
def test_the_reference_plane_answers_with_the_members_that_the_page_shows(block, client):  # noqa: F811
    challenge, answer = map(json.loads, block)
    assert json.loads(client.raw("/reeve/v1/challenge", b"{}", {})).keys() == challenge.keys()
    assert client.login().keys() == answer.keys()


@pytest.mark.block("wire.md", "login-refused")
def test_the_reference_plane_refuses_as_the_page_shows(block, plane, world):  # noqa: F811
    stranger = plane.client(world, installation="inst-9")
    with pytest.raises(Answer) as refused:
        stranger.login()
    assert (refused.value.status, json.loads(refused.value.body)) == (403, json.loads(block))


@pytest.mark.block("wire.md", "login-request", "vector-session")
def test_the_agent_sends_the_login_that_the_page_shows(block):
    login, session = map(json.loads, block)
    assert json.loads(ours("session", **session)["login"]) == login
    assert set(first_column(section("The login"))) >= {*login, *(f"sts.{name}" for name in login["sts"])}


def sigv4(secret, scope, headers, signed, body):
    """The signature of AWS Signature Version 4 over POST / with these headers."""
    canonical_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    request = ["POST", "/", "", canonical_headers, ";".join(signed), hashlib.sha256(body.encode()).hexdigest()]
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], "/".join(scope), digest])
    key = b"AWS4" + secret.encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


@pytest.mark.block("wire.md", "login-request", "vector-session")
def test_the_login_of_the_page_is_signed_as_others_compute_it(block):
    login, session = map(json.loads, block)
    channel = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(session["channel_seed"])).public_key()
    headers = {name.lower(): value for name, value in login["sts"]["headers"]}
    assert keys.b64url_decode(login["channel_key"]) == channel.public_bytes_raw()
    assert headers["x-reeve-channel"] == keys.b64url(hashlib.sha256(channel.public_bytes_raw()).digest())
    assert headers["x-reeve-challenge"] == session["challenge"]
    assert headers["x-reeve-audience"] == session["audience"]
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(.*), SignedHeaders=(.*), Signature=(.*)", headers["authorization"]
    )
    access_key, *scope = found[1].split("/")
    signed = found[2].split(";")
    assert (access_key, scope[1:]) == (session["access_key"], ["us-east-1", "sts", "aws4_request"])
    assert set(re.findall(r"`([a-z-]+)`", WIRE.split("4. `SignedHeaders`")[1].split("5. ")[0])) == set(signed)
    assert found[3] == sigv4(session["secret_key"], scope, headers, signed, login["sts"]["body"])


@pytest.mark.block("wire.md", "vector-session", "vector-proof")
def test_the_proofs_of_the_page_are_the_agents_and_hold(block):
    session, proofs = map(json.loads, block)
    channel = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(session["channel_seed"])).public_key()
    assert [{n: p[n] for n in ("Authorization", "Reeve-Proof")} for p in proofs] == ours("session", **session)[
        "requests"
    ]
    assert [p["body"] for p in proofs] == [r["body"] for r in session["requests"]]
    for p in proofs:
        version, counter, sig = p["Reeve-Proof"].split()
        body, token = (hashlib.sha256(t.encode()).hexdigest() for t in (p["body"], session["token"]))
        parts = [p["method"], p["path"], body, str(p["counter"]), token]
        assert p["message"] == "reeve-proof-v1\0" + "\n".join(parts)
        assert (version, counter) == ("v1", str(p["counter"]))
        is_signed(channel.public_bytes_raw(), p["message"].encode(), keys.b64url_decode(sig))


@pytest.mark.block("wire.md", "vector-session", "vector-proof")
def test_the_reference_plane_takes_the_proofs_of_the_page(block, monkeypatch):
    session, proofs = map(json.loads, block)
    channel = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(session["channel_seed"])).public_key()
    monkeypatch.setattr(proof.secrets, "token_urlsafe", lambda n: session["token"])
    sessions = proof.Sessions()
    sessions.open(session["installation"], channel.public_bytes_raw())
    for p in reversed(proofs):
        assert sessions.check(p["method"], p["path"], p, p["body"].encode()) == session["installation"]


# ---- what is signed ----


def check_signed(vector, kind, roles):
    """One vector by another implementation, then by our own code."""
    body, message = bytes.fromhex(vector["body_hex"]), kind()
    digest = hashlib.sha256(body).digest()
    assert vector["body_sha256"] == digest.hex()
    assert vector["signed_text_hex"] == (vector["domain"].encode() + b"\0" + digest).hex()
    assert kind.FromString(body) == json_format.ParseDict(vector["message"], message)
    signed = control.Signed.FromString(base64.b64decode(vector["signed_base64"]))
    assert (signed.body, len(signed.sigs)) == (body, len(vector["keys"]))
    for key, sig, role in zip(vector["keys"], signed.sigs, roles, strict=True):
        public = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key["seed"])).public_key().public_bytes_raw()
        assert (public.hex(), hashlib.sha256(public).hexdigest()[:16]) == (key["public_key"], key["key_id"])
        assert (sig.key_id.hex(), sig.sig.hex(), sig.alg) == (key["key_id"], key["sig"], control.ED25519)
        is_signed(public, bytes.fromhex(vector["signed_text_hex"]), sig.sig)
        values = {"role": role, "public_key": key["public_key"]}
        assert ours("signed", **values, signed=vector["signed_base64"])["holds"]
        signed.body += b"x"
        changed = base64.b64encode(signed.SerializeToString()).decode()
        assert not ours("signed", **values, signed=changed)["holds"]
        signed.body = body


@pytest.mark.block("wire.md", "vector-command")
def test_the_signed_command_of_the_page_holds_for_us_and_for_others(block):
    vector = json.loads(block)
    check_signed(vector, control.Command, ["command", "release"])
    args = control.WarehouseDelete.FromString(base64.b64decode(vector["message"]["args"]))
    assert args.warehouse == args.confirm == vector["message"]["target"]


@pytest.mark.block("wire.md", "vector-head")
def test_the_signed_head_of_the_page_holds_for_us_and_for_others(block):
    check_signed(json.loads(block), control.Head, ["head"])


# ---- report, intent, result ----


@pytest.mark.block("wire.md", "report")
def test_the_report_of_the_page_is_one(block):
    report = json_format.ParseDict(json.loads(block), control.Report())
    assert report.mode == control.RUN
    assert len(report.statuses[0].plan_hash) == len(report.journal_head.sha256) == len(report.policy_digest) == 32


@pytest.mark.block("wire.md", "intent", "vector-head")
def test_the_intent_of_the_page_is_one_with_the_head_of_the_vector(block):
    intent = json_format.ParseDict(json.loads(block[0]), control.Intent())
    head = control.Signed.FromString(base64.b64decode(json.loads(block[1])["signed_base64"]))
    assert intent.head == head


@pytest.mark.block("wire.md", "result")
def test_the_agent_sends_results_with_the_members_that_the_page_shows(block, agent_life):
    shown, sent = json.loads(block), agent_life.results["apply"]["result"]
    json_format.ParseDict(shown, control.Status())
    assert shown.keys() == sent.keys()
    assert {r["kind"] for r in shown["created"]} <= {r["kind"] for r in sent["created"]}


def test_the_agent_sends_the_kinds_of_resources_that_the_page_names(agent_life):
    named = set(first_column(section("Resource"))) - {"kind", "id"}
    results = [r["result"] for r in agent_life.results.values()]
    lists = [result.get(which, ()) for result in results for which in ("created", "deleted", "modified", "preserved")]
    sent = {resource["kind"] for one in lists for resource in one}
    sources = "".join(path.read_text() for path in (REPO / "agent/ops").rglob("*.c"))
    assert named == set(re.findall(r'(?:\.kind = |plan_preserve\(p\.b, )"([a-z-]+)"', sources))
    assert sent == named - {
        "network-interface"
    }  # moto keeps no tags of these: the simulation holds that they are tagged


def test_every_state_that_the_agent_has_been_in_stands_on_the_page(agent_life):
    states = set(first_column(section("Status")))
    assert {line["state"] for line in agent_life.statuses} <= states


@pytest.mark.parametrize("message", ["Report", "Intent", "Command", "Head", "Status", "Error", "Resource"])
def test_the_page_names_every_member_of_the_schema_and_no_other(message):
    named = set(first_column(section(message)))
    others = {name for name in named if name.isupper() or message == "Resource"} - {"kind", "id"}
    members = {f.name for f in getattr(control, message).DESCRIPTOR.fields}
    assert named - others == members


@pytest.mark.parametrize(
    "message", ["JournalHead", "Refusal", "Signed", "Sig", "Binding", "WarehouseApply", "WarehouseDelete"]
)
def test_the_page_names_every_member_of_the_small_messages(message):
    for field in getattr(control, message).DESCRIPTOR.fields:
        assert re.search(rf"\b{field.name}\b", WIRE), field.name


def test_the_page_names_every_value_of_the_enumerations():
    assert {s for s in first_column(section("Status")) if s.isupper()} == {*control.State.keys()} - {
        "STATE_UNSPECIFIED"
    }
    named = set(re.findall(r"`([A-Z_]+)`", section("Error")))
    assert named == {*control.ErrorClass.keys()} - {"ERROR_NONE"}
    modes = section("Report").split("| `mode` |")[1].splitlines()[0]
    assert set(re.findall(r"`([A-Z_]+)`", modes)) == {*control.AgentMode.keys()} - {"AGENT_MODE_UNSPECIFIED"}
    for value in {*control.Verb.keys(), *control.Mode.keys()} - {"VERB_UNSPECIFIED", "MODE_UNSPECIFIED"}:
        assert f"`{value}`" in section("Command")


def test_the_page_names_the_statuses_of_resources():
    values = {*control.ResourceStatus.keys()} - {"RESOURCE_STATUS_UNSPECIFIED"}
    assert values == {*first_column(section("ResourceStatus"))}
    schema = json.loads((REPO / "docs/status.schema.json").read_text())
    warehouse = schema["properties"]["warehouses"]["items"]["properties"]
    assert values == {*warehouse["status"]["enum"]} - {""}
    assert values == {*warehouse["clusters"]["additionalProperties"]["enum"]}


@pytest.mark.parametrize("message", ["WarehouseStatus", "ClusterStatus", "Drift"])
def test_the_page_names_every_member_of_what_is_told_of_a_warehouse(message):
    for field in getattr(control, message).DESCRIPTOR.fields:
        assert f"`{field.name}`" in section("Report") + section("ResourceStatus"), field.name


def test_the_page_names_the_fields_of_the_envelope_under_their_published_numbers():
    for name in ("AgentToServer", "ServerToAgent"):
        mine = re.search(rf"message {name} {{(.*?)}}", (REPO / "proto/opamp.proto").read_text(), re.DOTALL)[1]
        fields = dict(re.findall(r"(\w+) = (\d+);", mine))
        table = WIRE.split(f"| field of `{name}` | content |")[1].split("\n\n")[0]
        assert set(first_column(table)) == set(fields)
        for field, number in fields.items():
            assert int(number) == getattr(opamp_pb2, name).DESCRIPTOR.fields_by_name[field].number


def test_the_page_names_the_verbs_and_their_deadlines():
    rows = re.findall(
        r"__VERB__([A-Z_]+),.*?\.deadline_s = ([0-9]+)", (REPO / "agent/ops/verb.c").read_text(), re.DOTALL
    )
    told = re.findall(r"([0-9,]+) s for (\w+)", section("Command"))
    short = {verb.split("_")[-1].lower(): number for verb, number in rows}  # WAREHOUSE_APPLY: "apply"
    assert {verb: number.replace(",", "") for number, verb in told} == short
    assert all(f"`{verb}`" in section("Command") for verb, _ in rows)
    turns = re.findall(r"__VERB__\w+_([A-Z]+),[^}]*?\.turn_s = ([0-9]+)", (REPO / "agent/ops/verb.c").read_text())
    assert [verb.lower() for verb, _ in turns] == ["reboot", "replace", "upgrade"]
    assert {number for _, number in turns} == {re.search(r"([0-9,]+) s a turn", section("Command"))[1].replace(",", "")}


# ---- answers and limits ----


def codes(cell):
    """The HTTP statuses that a cell names."""
    found = []
    for part in re.sub(r"no answer|any other", "", cell).split(","):
        ends = [int(n) for n in re.findall(r"[0-9]{3}", part)]
        found += range(ends[0], ends[-1] + 1) if ends else []
    return found


def test_the_agent_makes_of_each_otlp_answer_what_the_page_says():
    rows = [
        row.split("|")[1:3] for row in WIRE.split("## 12.")[1].split("## 13.")[0].splitlines() if row.startswith("| ")
    ]
    said = {code: what.split(":")[0].strip() for cell, what in rows for code in codes(cell)}
    for code in range(200, 600):
        assert ours("otlp", status=code)["answer"] == said.get(code, "refused"), code


def polled(status, head="", body=b"", delay_ms=0):
    """When the agent, with nothing to do, polls again after this answer, in virtual time."""
    return ours("opamp", status=status, head=head, body=body.decode("latin-1"), delay_ms=delay_ms)


def error_answer(kind, retry_s=0):
    answer = opamp_pb2.ServerToAgent()
    answer.error_response.type = kind
    answer.error_response.error_message = "a reason"
    if retry_s:
        answer.error_response.retry_info.retry_after_nanoseconds = retry_s * 10**9 + 1
    data = answer.SerializeToString()
    assert b"\0" not in data  # the pretend network's bodies are texts
    assert data.isascii(), "and this test's are ASCII"
    return data


BUSY, BAD = opamp_pb2.ServerErrorResponseType_Unavailable, opamp_pb2.ServerErrorResponseType_BadRequest
S, MIN = 1000, 60_000
ANSWERS = {  # the rows of the page: answers of that kind, and between which two waits the next poll comes
    "200": [((200,), 29 * S, 31 * S)],
    "401": [((401,), 0, 5 * S)],
    "429, 503": [((n, "Retry-After: 120\n"), 120 * S, 121 * S) for n in (429, 503)]
    + [((n, "Retry-After: 999999\n"), 15 * MIN, 15 * MIN + S) for n in (429, 503)]
    + [((503,), 0, 5 * MIN)],
    "any other": [((n,), 30 * S, 5 * MIN) for n in (302, 400, 403, 404, 413, 500, 502)],
    "no answer": [((0,), 0, 5 * MIN)],
    "200 with `error_response` BAD_REQUEST": [((200, "", error_answer(BAD)), 30 * S, 5 * MIN)],
    "200 with another `error_response`": [((200, "", error_answer(BUSY)), 0, 5 * MIN)],
    "200 that cannot be decoded, or goes beyond a limit": [((200, "", b"x"), 0, 5 * MIN)],
}


def test_the_agent_makes_of_each_answer_to_a_poll_what_the_page_says():
    rows = [
        row.split("|")[1].strip() for row in section("Which answer means what").splitlines() if row.startswith("| ")
    ]
    assert set(rows) - {"status of `/v1/opamp`"} == set(ANSWERS)
    for name, cases in ANSWERS.items():
        for answer, least, most in cases:
            found = polled(*answer)
            assert least <= found["next_ms"] <= most, (name, answer, found)
            assert found["logins"] == (2 if name == "401" else 1), name


def test_an_idle_agent_polls_as_often_as_the_page_says():
    assert polled(200) == polled(200) | {"prefer": "wait=20"}
    assert polled(200, delay_ms=20 * S)["next_ms"] <= 200  # it was held
    assert polled(200, delay_ms=2 * S)["next_ms"] >= 29 * S  # it was not
    named = re.findall(r"\(([0-9]+) s[,)]", section("How often"))
    config = (REPO / "agent/config.c").read_text()
    assert [int(n) * S for n in named] == [
        int(re.search(rf"poll_{n}_ms = ([0-9]+);", config)[1]) for n in ("idle", "busy")
    ]
