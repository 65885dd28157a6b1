"""The OpAMP envelope: what the specification forbids is refused and kept, what it allows is answered."""

import gzip
import threading
import time

import pytest
from opentelemetry._opamp.proto import opamp_pb2 as pb

from tests.peers.pb import control
from tests.vendor import keys, store
from tests.vendor.client import Answer
from tests.vendor.opamp import CAPABILITY
from tests.vendor.store import Store


def violation(plane, session, message=None, body=None, status=400, **headers):
    with pytest.raises(Answer) as e:
        session.post("/v1/opamp", body if body is not None else message.SerializeToString(), **headers)
    assert e.value.status == status
    assert len(plane.violations()) == 1
    if status == 400:
        error = pb.ServerToAgent.FromString(e.value.body).error_response
        assert error.type == pb.ServerErrorResponseType_BadRequest
        assert error.error_message == plane.violations()[0]
    return plane.violations()[0]


def first(session):
    return session.message(control.Report())


def test_the_answer_says_who_we_are_and_carries_an_intent(plane, session):
    message = first(session)
    answer = session.exchange(message)
    assert answer.instance_uid == message.instance_uid
    assert answer.capabilities & pb.ServerCapabilities_AcceptsStatus
    assert list(answer.custom_capabilities.capabilities) == [CAPABILITY]
    assert (answer.custom_message.capability, answer.custom_message.type) == (CAPABILITY, "intent")
    assert answer.flags == 0 and not answer.HasField("connection_settings")
    assert plane.violations() == []


@pytest.mark.parametrize(
    "kind", ["application/x-protobuf; charset=utf-8", "application/json", "Application/X-Protobuf"]
)
def test_another_content_type_is_a_violation(plane, session, kind):
    assert "Content-Type" in violation(plane, session, first(session), **{"Content-Type": kind})


@pytest.mark.parametrize("uid", [b"", b"abc", bytes(17)])
def test_an_instance_uid_of_another_length_is_a_violation(plane, session, uid):
    session.uid = uid
    assert "instance_uid" in violation(plane, session, first(session))


def test_an_instance_uid_header_that_differs_is_a_violation(plane, session):
    other = {"OpAMP-Instance-UID": "00000000-0000-0000-0000-000000000000"}
    assert "OpAMP-Instance-UID" in violation(plane, session, first(session), **other)


@pytest.mark.parametrize("name", ["Reeve-Proof", "Content-Type", "Authorization"])
def test_a_header_that_stands_there_twice_is_a_violation(plane, session, name):
    assert f"{name} stands there twice" in violation(plane, session, first(session), **{name.lower(): "x"})


def test_an_instance_uid_of_another_installation_is_a_violation(plane, session):
    session.exchange(first(session))
    plane.server.plane.opamp.peers[session.uid].installation = "inst-2"
    assert "of another installation" in violation(plane, session, first(session))


UNKNOWN = b"\xfa\x3f\x01x"  # field 1023, one byte


def test_fields_that_the_schema_does_not_have_are_a_violation(plane, session):
    body = first(session).SerializeToString() + UNKNOWN
    assert "fields that the schema does not have" in violation(plane, session, body=body)


def test_a_report_with_fields_that_the_schema_does_not_have_is_a_violation(plane, session):
    message = first(session)
    message.custom_message.data += UNKNOWN
    assert "a report with fields that the schema does not have" in violation(plane, session, message)


@pytest.mark.parametrize(("bits", "reason"), [(0x800, "lack ReportsStatus"), (0x10001, "unknown bits")])
def test_wrong_capabilities_are_a_violation(plane, session, bits, reason):
    message = first(session)
    message.capabilities = bits
    assert reason in violation(plane, session, message)


def test_a_custom_message_that_was_not_declared_is_a_violation(plane, session):
    message = first(session)
    message.ClearField("custom_capabilities")
    assert "not declared" in violation(plane, session, message)


def test_a_capability_stays_declared(plane, session):
    session.poll(control.Report())
    session.poll(control.Report())
    assert plane.violations() == []


def test_a_body_that_cannot_be_decoded_is_a_violation(plane, session):
    assert "not an AgentToServer" in violation(plane, session, body=b"\xff\xff\xff")


def test_a_report_that_cannot_be_decoded_is_a_violation(plane, session):
    message = first(session)
    message.custom_message.data = b"\xff"
    assert "report cannot be decoded" in violation(plane, session, message)


def test_a_gzip_bomb_is_a_violation(plane, session):
    assert "gunzip" in violation(plane, session, body=bytes(64 << 20), status=413)


def test_a_body_that_is_too_large_is_a_violation(plane, session):
    body = bytes(5 << 20)
    with pytest.raises((Answer, ConnectionError)):
        session.raw("/v1/opamp", body, {"Content-Type": "application/x-protobuf"} | session.proof("/v1/opamp", body))
    assert "larger" in plane.violations()[0]


def test_gzip_that_is_cut_off_is_a_violation(plane, session):
    body = gzip.compress(first(session).SerializeToString())[:-4]
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    with pytest.raises(Answer):
        session.raw("/v1/opamp", body, headers | session.proof("/v1/opamp", body))
    assert "not gzip" in plane.violations()[0]


def test_a_sequence_number_that_jumps_asks_for_the_full_state(plane, session):
    session.poll(control.Report())
    session.sequence_num += 1
    assert session.exchange(first(session)).flags == pb.ServerToAgentFlags_ReportFullState
    assert session.exchange(first(session)).flags == 0
    assert plane.violations() == []


@pytest.mark.plane(process=True)
def test_after_a_restart_the_plane_asks_for_the_full_state(plane, session):
    session.poll(control.Report())
    plane.kill_and_restart(session)
    assert session.exchange(first(session)).flags == pb.ServerToAgentFlags_ReportFullState
    assert plane.violations() == []


def test_the_answer_is_packed_only_when_that_is_asked_for(plane, session):
    body = first(session).SerializeToString()
    headers = {"Content-Type": "application/x-protobuf"} | session.proof("/v1/opamp", body)
    assert pb.ServerToAgent.FromString(session.raw("/v1/opamp", body, headers)).custom_message.data


def test_a_poll_is_held_as_long_as_the_agent_prefers(plane, session):
    session.poll(control.Report())
    began = time.monotonic()
    session.poll(control.Report(), wait_s=1)
    assert 0.9 <= time.monotonic() - began < 3


def test_a_command_ends_a_held_poll_at_once(plane, session, spec):
    session.poll(control.Report())
    ids = []
    signing = threading.Thread(target=lambda: ids.append(plane.sign("apply", spec)))
    signing.start()
    began = time.monotonic()
    intent = session.poll(control.Report(), wait_s=20)
    signing.join()
    assert time.monotonic() - began < 10
    assert len(intent.commands) == 1


def test_an_acknowledgement_by_id_that_is_done_with_ends_no_held_poll(plane, session, spec):
    ids = [plane.sign("apply", spec) for _ in range(2)]
    done = control.Status(command_id=store.id_bytes(ids[1]), seq=2, state=control.SUCCEEDED)
    assert session.poll(control.Report(epoch=1, accepted_through=2, statuses=[done])).results_acked
    signing = threading.Thread(target=lambda: plane.sign("apply", spec))
    signing.start()
    intent = session.poll(control.Report(epoch=1, accepted_through=2), wait_s=20)
    signing.join()
    assert len(intent.commands) == 1


def test_a_command_that_is_not_taken_is_offered_again_but_not_in_a_tight_loop(plane, session, spec):
    session.poll(control.Report())
    plane.sign("apply", spec)
    assert session.poll(control.Report(), wait_s=20).commands
    began = time.monotonic()
    assert session.poll(control.Report(), wait_s=20).commands
    assert 1 < time.monotonic() - began < 5


@pytest.mark.plane("--heartbeat", "7")
def test_the_poll_interval_can_be_tuned(session):
    answer = session.exchange(first(session))
    assert answer.connection_settings.opamp.heartbeat_interval_seconds == 7
    assert answer.connection_settings.hash


def test_what_the_agent_says_of_itself_is_kept(plane, session):
    message = first(session)
    message.health.healthy = True
    message.effective_config.config_map.config_map["reeve.yaml"].body = b"installation: inst-1\n"
    session.exchange(message)
    agent = Store(plane.data).agent("inst-1")
    assert agent["description"] == {"service.name": "reference-client"}
    assert agent["health"]["healthy"] is True
    assert agent["effective_config"] == {"reeve.yaml": "installation: inst-1\n"}


@pytest.mark.parametrize("fault", [429, 503, "reset", "drop-answer-after-store"])
def test_faults_on_purpose(plane, session, fault):
    plane.faults({"opamp": {"every": 2, "answers": [fault], "retry_after": 3}})
    session.poll(control.Report())
    with pytest.raises((Answer, ConnectionError)) as e:
        session.poll(control.Report())
    if isinstance(fault, int):
        assert (e.value.status, e.value.headers["Retry-After"]) == (fault, "3")
    else:
        assert isinstance(e.value, ConnectionResetError)


def test_the_head_is_signed_by_the_head_key(plane, session):
    intent = session.poll(control.Report())
    public = keys.Key.load(plane.keys / "head.key")
    assert intent.head.sigs[0].key_id == public.key_id
    assert keys.is_valid(public.public, keys.HEAD_DOMAIN, intent.head.body, intent.head.sigs[0].sig)
    head = control.Head.FromString(intent.head.body)
    assert (head.installation, head.epoch, head.last_seq) == ("inst-1", 1, 0)
    assert head.expires_at - head.issued_at == 600_000
    assert abs(head.issued_at / 1000 - time.time()) < 60
