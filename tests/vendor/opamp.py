"""POST /v1/opamp: the OpAMP envelope, strictly. What the specification forbids is refused with 400 and kept as a
violation, so that a passing agent is known to conform."""

import gzip
import hashlib
import re
import threading
import time
import uuid
import zlib

from google.protobuf.message import DecodeError
from opentelemetry._opamp.proto import opamp_pb2 as pb

from tests.peers.pb import control
from tests.vendor import store
from tests.vendor.refusal import Refusal

CAPABILITY = "dev.reeve.control/v1"
LARGEST = 4 << 20
LONGEST_HOLD_S = 30
REOFFER_S = 2
KNOWN_CAPABILITIES = 0xFFFF
TUNABLE = 0x100 | 0x2000  # AcceptsOpAMPConnectionSettings, ReportsHeartbeat


class Peer:
    """What we know of one instance_uid since this plane started. custom is None while that is not known."""

    def __init__(self, installation):
        self.installation = installation
        self.sequence_num = None
        self.custom = None
        self.told = None
        self.accepted = None
        self.told_at = 0.0


class Opamp:
    def __init__(self, conversation, records, heartbeat_s, stopping):
        self.control = conversation
        self.records = records
        self.heartbeat_s = heartbeat_s
        self.stopping = stopping
        self.lock = threading.Lock()
        self.peers = {}

    def answer(self, installation, headers, body):
        """The bytes of the ServerToAgent for one POST, or Refusal. Holds the poll as the agent prefers."""
        try:
            return self._answer(installation, headers, body)
        except Refusal as r:
            r.installation = installation
            raise

    def _answer(self, installation, headers, body):
        message = decode(headers, body)
        check(message, headers)
        with self.lock:
            peer = self.peers.setdefault(bytes(message.instance_uid), Peer(installation))
            if peer.installation != installation:
                raise Refusal(400, "the instance_uid of an agent of another installation", violation=True)
            is_gap = self._follow(installation, peer, message)
        self._keep(installation, message)
        answer = pb.ServerToAgent(instance_uid=message.instance_uid)
        answer.capabilities = pb.ServerCapabilities_AcceptsStatus | pb.ServerCapabilities_AcceptsEffectiveConfig
        answer.custom_capabilities.capabilities.append(CAPABILITY)
        if self.heartbeat_s and message.capabilities & TUNABLE:
            answer.capabilities |= pb.ServerCapabilities_OffersConnectionSettings
            answer.connection_settings.opamp.heartbeat_interval_seconds = self.heartbeat_s
            answer.connection_settings.hash = hashlib.sha256(b"%d" % self.heartbeat_s).digest()
        if is_gap:
            answer.flags |= pb.ServerToAgentFlags_ReportFullState
        if message.HasField("agent_disconnect"):
            return answer.SerializeToString()
        report = self._report(installation, message)
        wait_s = 0 if is_gap or report.more else preferred_wait(headers)
        told = self._hold(installation, peer, report, wait_s)
        answer.custom_message.capability = CAPABILITY
        answer.custom_message.type = "intent"
        answer.custom_message.data = self.control.intent(installation, told).SerializeToString()
        return answer.SerializeToString()

    def _follow(self, installation, peer, message):
        """Keeps count; returns whether something was missed, so that the full state must be asked for."""
        last, peer.sequence_num = peer.sequence_num, message.sequence_num
        is_full = message.HasField("agent_description") and message.HasField("custom_capabilities")
        is_gap = message.sequence_num != last + 1 if last is not None else message.sequence_num != 0 and not is_full
        if message.HasField("custom_capabilities"):
            peer.custom = set(message.custom_capabilities.capabilities)
        elif is_gap:
            peer.custom = None
        elif last is None:
            peer.custom = set()
        name = message.custom_message.capability
        if message.HasField("custom_message") and peer.custom is not None and name not in peer.custom:
            raise Refusal(400, f"custom message of {name!r}, which was not declared", installation, violation=True)
        return is_gap

    def _report(self, installation, message):
        report = control.Report()
        custom = message.custom_message
        if message.HasField("custom_message") and custom.capability == CAPABILITY:
            if custom.type != "report":
                raise Refusal(400, f"custom message of type {custom.type!r}", violation=True)
            try:
                report.ParseFromString(custom.data)
            except DecodeError as e:
                raise Refusal(400, f"the report cannot be decoded: {e}", violation=True) from None
            check_known(report, "a report")
            self.control.take(installation, report)
        return report

    def _hold(self, installation, peer, report, wait_s):
        """Waits until there is something to tell; what was offered a moment ago and not taken is not news yet."""
        end = time.monotonic() + wait_s
        while True:
            told = self.control.told(installation, report)
            is_same = is_nothing_new(told, peer.told) and peer.accepted == report.accepted_through
            is_news = not is_same or (told.commands and time.monotonic() - peer.told_at >= REOFFER_S)
            if is_news or time.monotonic() >= end or self.stopping.wait(0.05):
                peer.told, peer.accepted, peer.told_at = told, report.accepted_through, time.monotonic()
                return told

    def _keep(self, installation, message):
        """What the agent says of itself: in agents/<installation>.json beside what its report says."""
        kept = self.control.files.agent(installation)
        values = {"instance_uid": str(uuid.UUID(bytes=message.instance_uid))}
        if message.HasField("agent_description"):
            described = message.agent_description
            both = [*described.identifying_attributes, *described.non_identifying_attributes]
            values["description"] = {a.key: a.value.string_value for a in both}
        if message.HasField("health"):
            health = message.health
            values["health"] = {"healthy": health.healthy, "status": health.status, "last_error": health.last_error}
        if message.HasField("effective_config"):
            config = message.effective_config.config_map.config_map
            values["effective_config"] = {n: f.body.decode(errors="replace") for n, f in config.items()}
        if message.HasField("agent_disconnect"):
            values["disconnected"] = store.now()
        if any(kept.get(name) != value for name, value in values.items()):
            with self.control.lock:
                self.control.files.write_agent(installation, self.control.files.agent(installation) | values)


def gunzip(data, largest):
    """The unpacked bytes; never more than `largest` are made, whatever the input promises."""
    unpacker = zlib.decompressobj(wbits=31)
    out = unpacker.decompress(data, largest + 1)
    if len(out) > largest:
        raise Refusal(413, f"more than {largest} bytes after gunzip", violation=True)
    if not unpacker.eof or unpacker.unused_data:
        raise zlib.error("truncated, or followed by something else")
    return out


def unpack(headers, body, largest):
    """The protobuf bytes of a POST whose headers are right."""
    if headers.get("Content-Type") != "application/x-protobuf":
        raise Refusal(400, f"Content-Type is {headers.get('Content-Type')!r}", violation=True)
    encoding = headers.get("Content-Encoding")
    if encoding not in (None, "gzip"):
        raise Refusal(400, f"Content-Encoding is {encoding!r}", violation=True)
    if encoding == "gzip":
        try:
            body = gunzip(body, largest)
        except zlib.error as e:
            raise Refusal(400, f"the body is not gzip: {e}", violation=True) from None
    if len(body) > largest:
        raise Refusal(413, f"more than {largest} bytes", violation=True)
    return body


def is_nothing_new(told, before):
    """An id that is not acknowledged any more is no news: the agent has heard it, its report is without that result."""
    if before is None or told._replace(acked_ids=()) != before._replace(acked_ids=()):
        return False
    return set(told.acked_ids) <= set(before.acked_ids)


def decode(headers, body):
    message = pb.AgentToServer()
    try:
        message.ParseFromString(unpack(headers, body, LARGEST))
    except DecodeError as e:
        raise Refusal(400, f"the body is not an AgentToServer: {e}", violation=True) from None
    check_known(message, "an AgentToServer")
    return message


def check_known(message, what, installation=None):
    """A field under a number that the schema does not have is a mistake of the sender's schema. Leaves message without them."""
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        raise Refusal(400, f"{what} with fields that the schema does not have", installation, violation=True)


def check(message, headers):
    if len(message.instance_uid) != 16:
        raise Refusal(400, f"instance_uid has {len(message.instance_uid)} bytes, not 16", violation=True)
    if not message.capabilities & pb.AgentCapabilities_ReportsStatus:
        raise Refusal(400, "capabilities lack ReportsStatus", violation=True)
    if message.capabilities & ~KNOWN_CAPABILITIES:
        raise Refusal(400, f"capabilities hold unknown bits: {message.capabilities:#x}", violation=True)
    if message.flags & ~1:
        raise Refusal(400, f"flags hold unknown bits: {message.flags:#x}", violation=True)
    named = headers.get("OpAMP-Instance-UID")
    if named is not None and named.lower() != str(uuid.UUID(bytes=message.instance_uid)):
        raise Refusal(400, f"OpAMP-Instance-UID {named!r} is not the message's instance_uid", violation=True)


def preferred_wait(headers):
    match = re.search(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])", headers.get("Prefer") or "")
    return min(int(match[1]), LONGEST_HOLD_S) if match else 0


def bad_request(reason):
    """The body of a 400, as the specification wants it."""
    answer = pb.ServerToAgent()
    answer.error_response.type = pb.ServerErrorResponseType_BadRequest
    answer.error_response.error_message = reason
    return answer.SerializeToString()


def packed(headers, body):
    """(headers, body) with gzip when the peer takes it."""
    if "gzip" in [e.split(";")[0].strip() for e in (headers.get("Accept-Encoding") or "").split(",")]:
        return {"Content-Encoding": "gzip"}, gzip.compress(body, 1)
    return {}, body
