"""The conversation inside OpAMP: each report of an agent goes in, the intent for it comes out.

Both are full snapshots of what the other has not acknowledged, so lost, repeated and reordered ones do no harm. A
terminal status is durable here before result_acked_through covers it or results_acked names it.
"""

import base64
import collections
import hashlib
import threading
import time

from google.protobuf import json_format

from tests.peers.pb import control
from tests.vendor import keys, store

MOST_COMMANDS = 32
MOST_BYTES = 1 << 20
HEAD_LIFE_MS = 600_000
HEAD_RESIGN_MS = 60_000

Told = collections.namedtuple("Told", "epoch commands acked acked_ids cancelled")


def is_terminal(state):
    return state >= control.SUCCEEDED


def first_few(orders):
    """As many as an intent may carry: 32, and 1 MiB together, but one always."""
    size, few = 0, []
    for order in orders[:MOST_COMMANDS]:
        size += order.signed.ByteSize()
        if few and size > MOST_BYTES:
            break
        few.append(order.seq)
    return tuple(few)


def state_name(state):
    """The name, or the number of one that this schema does not know."""
    return control.State.Name(state) if state in control.State.values() else str(state)


def without_bytes(status):
    """As JSON, where the bytes of an output would be noise: they have a file of their own."""
    shown = type(status)()
    shown.CopyFrom(status)
    if shown.HasField("output"):
        shown.output.ClearField("gzip")
    return as_json(shown)


class Control:
    def __init__(self, files, records, registry, head_key):
        self.files = files
        self.records = records
        self.registry = registry
        self.head_key = head_key
        self.lock = threading.RLock()
        self.heads = {}
        self.said = set()
        self.results = {store.id_bytes(r["id"]): r for r in files.results()}
        self.last = {store.id_bytes(s["id"]): s for s in files.statuses()}

    # ---- report ----

    def take(self, installation, report):
        """Stores what is new in a report; durable on return."""
        with self.lock:
            self._check_epoch(installation, report)
            orders = {o.id: o for o in self.files.orders(installation)}
            self._check_accepted(installation, report, orders.values())
            for status in report.statuses:
                self._take_status(installation, orders, status, report)
            self._keep_agent(installation, report)

    def _check_epoch(self, installation, report):
        epoch = self.registry.get(installation)["epoch"]
        known = self.files.agent(installation)
        if report.epoch > epoch:
            self._violate(installation, f"the report is of epoch {report.epoch}, which was never begun (now {epoch})")
        elif report.epoch == 0 and known.get("epoch") == epoch and known.get("accepted_through", 0) > 0:
            reason = f"the agent came back with an empty journal after accepting {known['accepted_through']} commands"
            self.registry.raise_epoch(installation, epoch, reason)
            self.records.event(installation, "epoch-raised", epoch=epoch + 1, reason=reason)
        elif report.epoch == epoch == known.get("epoch") and report.accepted_through < known.get("accepted_through", 0):
            self._violate(
                installation, f"accepted_through went back: {known['accepted_through']}, now {report.accepted_through}"
            )

    def _check_accepted(self, installation, report, orders):
        last = max((o.seq for o in orders if o.epoch == report.epoch), default=0)
        if report.accepted_through > last:
            what = f"accepted_through is {report.accepted_through}, but only {last} commands were signed"
            self._violate(installation, f"{what} in epoch {report.epoch}")

    def _take_status(self, installation, orders, status, report):
        order = orders.get(bytes(status.command_id))
        if order is None and status.stands_on and status.seq == status.epoch == 0:
            self._take_local(installation, orders, status)
            return
        if order is None or order.seq != status.seq:
            what = "an unknown command" if order is None else f"seq {status.seq} of a command with seq {order.seq}"
            self._violate(installation, f"a status for {what}: {store.id_text(status.command_id)}")
            return
        if order.epoch == report.epoch and order.seq > report.accepted_through:
            self._violate(installation, f"a status for command {order.seq}, which was not accepted")
            return
        self._keep_status(installation, order, status)

    def _take_local(self, installation, orders, status):
        """An operation of the agent's own: nobody has signed it, and it stands on a command that somebody has."""
        stands_on = orders.get(bytes(status.stands_on))
        if stands_on is None:
            what = f"an operation that stands on an unknown command: {store.id_text(status.command_id)}"
            self._violate(installation, f"a status for {what}")
            return
        own = store.Order(installation, 0, 0, bytes(status.command_id), None, None)
        self._keep_status(installation, own, status)

    def _keep_status(self, installation, order, status):
        if order.id in self.results:
            self._compare(installation, order, status)
            return
        line = self._line(order, status)
        last = self.last.get(order.id)
        if last is None or {**line, "time": 0} != {**last, "time": 0}:
            self.last[order.id] = line
            self.records.statuses.append(line, durable=False)
        if is_terminal(status.state):
            self._keep_output(order, status)
            raw = status.SerializeToString(deterministic=True)
            result = line | {"raw": base64.b64encode(raw).decode(), "result": without_bytes(status)}
            self.records.results.append(result)
            self.results[order.id] = result

    def _keep_output(self, order, status):
        """Durable before the result that names it."""
        if not status.output.gzip:
            return
        if hashlib.sha256(status.output.gzip).digest() != status.output.sha256:
            self._violate(order.installation, f"the output of {store.id_text(order.id)} is not what its digest says")
            return
        self.files.keep_output(order.id, status.output.gzip)

    def _compare(self, installation, order, status):
        kept = control.Status.FromString(base64.b64decode(self.results[order.id]["raw"]))
        if kept != status:
            names = [f.name for f in status.DESCRIPTOR.fields if getattr(kept, f.name) != getattr(status, f.name)]
            what = ", ".join(names) or "unknown fields"
            self._violate(
                installation, f"the result of {store.id_text(order.id)} came again with other content: {what}"
            )

    def _line(self, order, status):
        line = {"time": store.now(), "installation": order.installation, "epoch": order.epoch, "seq": order.seq}
        line |= {"verb": status.verb, "stands_on": store.id_text(status.stands_on) if status.stands_on else None}
        line |= {
            "id": store.id_text(order.id),
            "state": state_name(status.state),
            "terminal": is_terminal(status.state),
        }
        line |= {"steps_done": status.steps_done, "steps_total": status.steps_total, "step": status.step}
        line |= {"note": status.note, "error": as_json(status.error) if status.HasField("error") else None}
        return line | {"plan_hash": status.plan_hash.hex(), "plan_text": status.plan_text}

    def _keep_agent(self, installation, report):
        kept = self.files.agent(installation)
        values = {
            "epoch": report.epoch,
            "accepted_through": report.accepted_through,
            "mode": control.AgentMode.Name(report.mode) if report.mode in control.AgentMode.values() else report.mode,
            "policy_digest": report.policy_digest.hex(),
            "journal_seq": report.journal_head.seq,
            "journal_sha256": report.journal_head.sha256.hex(),
            "journal_key": report.journal_key.hex(),
            "waiting": list(report.waiting),
            "head_stale": report.head_stale,
            "refusals": [as_json(r) for r in report.refusals],
            "warehouses": [as_json(w) for w in report.warehouses],
        }
        if any(kept.get(name) != value for name, value in values.items()):
            self.files.write_agent(installation, kept | values | {"changed": store.now()})

    # ---- intent ----

    def told(self, installation, report):
        """What an intent for this report says, in a form that two can be compared by."""
        entry = self.registry.get(installation)
        epoch = entry["epoch"]
        orders = self.files.orders(installation, epoch)
        last = max((o.seq for o in orders), default=0)
        accepted = report.accepted_through if report.epoch == epoch and report.accepted_through <= last else 0
        done = {o.seq for o in orders if o.id in self.results}
        acked = 0
        while acked + 1 in done:
            acked += 1
        acked_ids = self._stored_beyond(installation, epoch, acked, report)
        commands = first_few([o for o in orders if o.seq > accepted])
        cancelled = tuple(c for c in self.files.cancels(installation) if c not in self.results)
        return Told(epoch, commands, acked, acked_ids, cancelled)

    def _stored_beyond(self, installation, epoch, acked, report):
        """What the agent still reports though it is stored, and no number says so: a command before it has not ended, or
        it is of another epoch, where numbers count anew. It is acknowledged by its id."""
        orders = self.files.orders(installation)
        covered = {o.id for o in orders if o.epoch == epoch and o.seq <= acked}
        ours = {o.id for o in orders} - covered
        local = {bytes(s.command_id) for s in report.statuses if s.stands_on}
        ids = (bytes(s.command_id) for s in report.statuses)
        return tuple(i for i in ids if i in ours | local and i in self.results)

    def intent(self, installation, told):
        orders = {o.seq: o for o in self.files.orders(installation, told.epoch)}
        return control.Intent(
            epoch=told.epoch,
            head=self._head(installation, told, max(orders, default=0)),
            commands=[orders[seq].signed for seq in told.commands],
            result_acked_through=told.acked,
            results_acked=told.acked_ids,
        )

    def _head(self, installation, told, last_seq):
        now_ms = int(time.time() * 1000)
        content = (told.epoch, last_seq, told.cancelled)
        with self.lock:
            kept = self.heads.get(installation)
            if kept is None or kept[0] != content or not 0 <= now_ms - kept[1] < HEAD_RESIGN_MS:
                head = control.Head(installation=installation, epoch=told.epoch, last_seq=last_seq)
                head.issued_at, head.expires_at = now_ms, now_ms + HEAD_LIFE_MS
                head.cancelled.extend(told.cancelled)
                signed = keys.sign(keys.HEAD_DOMAIN, head.SerializeToString(), self.head_key)
                self.heads[installation] = kept = (content, now_ms, signed)
            return kept[2]

    def _violate(self, installation, reason):
        """Once for each reason and installation, however often it is repeated."""
        digest = hashlib.sha256(f"{installation} {reason}".encode()).digest()
        if digest not in self.said:
            self.said.add(digest)
            self.records.violate(installation, "report", reason)


def as_json(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
