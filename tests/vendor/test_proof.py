"""A session is worth nothing without its key, and no request of it twice."""

import pytest

from tests.peers import process
from tests.peers.pb import control
from tests.vendor.client import Answer
from tests.vendor.proof import WINDOW, Session


def refused(plane, session, headers, body=b"", path="/v1/opamp"):
    with pytest.raises(Answer) as e:
        session.raw(path, body, headers)
    assert e.value.status == 401
    assert plane.refusals()[-1] == e.value.error
    return e.value.error


def test_a_request_without_a_session_is_refused(plane, session):
    assert "log in" in refused(plane, session, {})
    assert "log in" in refused(plane, session, {"Authorization": "Reeve made-up"})
    assert "log in" in refused(plane, session, {"Authorization": f"Bearer {session.token}"})


def test_a_request_without_proof_of_possession_is_refused(plane, session):
    assert "no proof" in refused(plane, session, {"Authorization": f"Reeve {session.token}"})


def test_a_stolen_token_is_of_no_use(plane, session, world):
    thief = plane.client(world)
    thief.token = session.token
    assert "does not fit" in refused(plane, thief, thief.proof("/v1/opamp", b""))


@pytest.mark.parametrize(("path", "body"), [("/v1/opamp", b"other"), ("/v1/logs", b"body")])
def test_a_proof_fits_one_request_alone(plane, session, path, body):
    assert "does not fit" in refused(plane, session, session.proof("/v1/opamp", b"body"), body, path)


def test_a_tampered_signature_is_refused(plane, session):
    headers = session.proof("/v1/opamp", b"")
    sig = headers["Reeve-Proof"]
    headers["Reeve-Proof"] = sig[:10] + ("A" if sig[10] != "A" else "B") + sig[11:]
    assert "does not fit" in refused(plane, session, headers)


def test_a_counter_is_accepted_once(plane, session):
    session.poll(control.Report())
    session.counter -= 1
    assert "was used before" in refused(plane, session, session.proof("/v1/opamp", b""))


def test_counters_overtake_each_other_within_the_window():
    s = Session("i", bytes(32), 0)
    assert s.take(2000) and s.take(2000 - WINDOW + 1) and s.take(1500)
    assert not s.take(2000 - WINDOW) and not s.take(1500) and not s.take(2000)


@pytest.mark.plane("--token-ttl", "1")
def test_an_expired_token_is_refused(client):
    assert client.login()["expires_in_s"] == 1
    process.wait_for(lambda: "expired" in expired(client), 5, "expiry")


def expired(client):
    try:
        client.poll(control.Report())
    except Answer as a:
        assert a.status == 401
        return a.error
    return ""


@pytest.mark.plane(process=True)
def test_after_a_restart_a_session_is_unknown_and_login_works(plane, session):
    headers = session.proof("/v1/opamp", b"")
    plane.kill_and_restart(session)
    assert "log in" in refused(plane, session, headers)
    session.poll(control.Report())
