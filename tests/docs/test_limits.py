"""The limits that docs/wire.md tells, against the code: numbers as the C source defines them, and of a specification what the real
check takes and what it refuses."""

import base64
import copy
import re

import pytest
from google.protobuf import json_format

from tests.docs import blocks
from tests.docs.test_wire import ours, section
from tests.peers.pb import control

REPO = blocks.REPO
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}


def rows(title):
    """The rows of a section's table, below its head: their cells."""
    found = [[cell.strip() for cell in row.split("|")[1:-1]] for row in section(title).splitlines() if row[:1] == "|"]
    return found[2:]


def amount(text):
    """2,048; 64 KiB; 2^53."""
    number, _, unit = text.partition(" ")
    base, _, power = number.replace(",", "").partition("^")
    return int(base) ** int(power or 1) * UNITS[unit]


def value_of(path, expression):
    """Of an expression of C in which other names of that file may stand."""
    text = re.sub(r"\b(0x[0-9a-f]+|[0-9]+)(?:u|l|ul|ull|ll)?\b", r"\1", expression)
    text = re.sub(r"\b[A-Z][A-Z_]+\b", lambda name: str(defined(path, name[0])), text)
    assert re.fullmatch(r"[0-9 ()*<+-]+", text), expression
    return eval(text, {"__builtins__": {}})


def defined(path, name):
    found = re.search(rf"^#define {name} (.+?)(?:\s*/\*.*)?$", (REPO / path).read_text(), re.MULTILINE)
    assert found, f"{path} defines no {name}"
    return value_of(path, found[1])


def written(path, pattern):
    """A number that the pattern finds in the source, once."""
    found = set(re.findall(pattern, (REPO / path).read_text()))
    assert len(found) == 1, (path, pattern, found)
    return value_of(path, found.pop())


CHANNEL, SESSION, INBOX, HEAD = (f"agent/control/{n}.c" for n in ("channel", "session", "inbox", "inbox_head"))
LIMITS = {
    "header lines of an answer": lambda: written(SESSION, r"http\.head = BUF_MAX\((\w+)\)"),
    "an answer to challenge or login": lambda: defined(CHANNEL, "ANSWER_MAX"),
    "characters of a token": lambda: defined(CHANNEL, "TOKEN_MAX"),
    "seconds that a token is good for": lambda: defined(CHANNEL, "TOKEN_MAX_S"),
    "bytes shown of the sentence in an answer that is not 200": lambda: (
        defined("agent/control/words.h", "WORDS_MAX") - 1
    ),
    "an OpAMP answer, after gunzip": lambda: defined("agent/control/opamp.h", "OPAMP_MESSAGE_MAX"),
    "fields of an OpAMP answer": lambda: defined("agent/control/opamp.h", "OPAMP_FIELDS_MAX"),
    "seconds of `heartbeat_interval_seconds`; others are passed over": lambda: defined(SESSION, "IDLE_MAX_MS") // 1000,
    "seconds that `Retry-After` or `retry_info` of OpAMP and of a login is honoured": lambda: (
        written("agent/control/channel.h", r"most_ms = (.+?) \}") // 1000
    ),
    "seconds that `Retry-After` of OTLP is honoured": lambda: written("shippers/answer.h", r"most_ms = (\w+)") // 1000,
    "an intent": lambda: defined("agent/control/inbox.h", "INBOX_INTENT_MAX"),
    "fields of an intent, what is in `body` not counted": lambda: defined(INBOX, "INTENT_FIELDS"),
    "messages inside each other": lambda: defined("agent/base/pbguard.c", "DEPTH_MAX"),
    "commands read of one intent": lambda: defined(INBOX, "COMMANDS_MAX"),
    "commands without a good signature in one intent, then the rest is not read": lambda: defined(INBOX, "BAD_MAX"),
    "signatures looked at of one `Signed`": lambda: defined("agent/control/trust.c", "SIGS_MAX"),
    "signatures looked at of one key in it": lambda: defined("agent/control/trust.c", "TRIES_MAX"),
    "seconds that a head is valid": lambda: defined(HEAD, "HEAD_MAX_MS") // 1000,
    "seconds that `issued_at` of a head is ahead of the agent's clock": lambda: defined(HEAD, "HEAD_AHEAD_MS") // 1000,
    "ids of cancels in a head; those behind do not count": lambda: defined(HEAD, "CANCELS_MAX"),
    "ids of cancels remembered for commands that have not come; the oldest go": lambda: defined(HEAD, "KEPT_MAX"),
    "open commands; further ones wait": lambda: defined("agent/ops/ops.h", "OPS_OPEN_MAX"),
    "open commands and results that are not acknowledged; further ones wait": lambda: defined(
        "agent/ops/ops_impl.h", "OPS_MAX"
    ),
    "bytes of these, with 208 KiB for the result of each that is open; further ones wait": lambda: defined(
        "agent/ops/room.h", "ROOM_COMMANDS"
    ),
    "numbers in `waiting`": lambda: written("agent/control/inbox.h", r"uint64_t waiting\[([0-9]+)\]"),
    "ids of commands that are remembered": lambda: defined("agent/ops/known.h", "KNOWN_MAX"),
    "a report": lambda: defined("agent/control/report.h", "REPORT_MAX"),
    "statuses in a report": lambda: defined("agent/control/report.h", "REPORT_COMMANDS_MAX"),
    "newest refusals in a report": lambda: defined("agent/control/inbox.h", "INBOX_REFUSALS"),
    "bytes of the reason of a refusal": lambda: written("agent/control/inbox.h", r"char reason\[([0-9]+)\]") - 1,
    "the plan for people in a status": lambda: defined("agent/ops/op_impl.h", "OP_PLAN_TEXT_MAX"),
    "a telemetry body, before gzip": lambda: defined("shippers/batch.h", "BATCH_BYTES_MAX"),
    "an answer to telemetry": lambda: defined("shippers/exporter.c", "ANSWER_MAX"),
}
OF_COMMANDS = {
    "a command with its signatures": lambda: defined(INBOX, "SIGNED_MAX"),
    "fields of a command, what is in `args` not counted": lambda: defined(INBOX, "COMMAND_FIELDS"),
    "fields of `args`": lambda: defined("agent/ops/verb.c", "ARGS_FIELDS"),
    "bytes of `target` (and then it must be an id of 1 to 32)": lambda: written(INBOX, r"is_text\(c->target, (\w+)\)"),
    "bytes of `requested_by`": lambda: written(INBOX, r"is_text\(c->requested_by, (\w+)\)"),
    "bytes of `reason`": lambda: written(INBOX, r"is_text\(c->reason, (\w+)\)"),
    "`epoch`, `seq`": lambda: defined(INBOX, "NUMBER_MAX"),
    "plans that come of a command: FAILED above": lambda: defined("agent/ops/plan/plan.h", "PLANS_MAX"),
    "steps of one of them: FAILED above": lambda: defined("agent/ops/plan/plan.h", "PLAN_STEPS_MAX"),
    "all of them together, as they are recorded: FAILED above": lambda: defined(
        "agent/ops/plan/plan.c", "PLAN_JSON_MAX"
    ),
}


@pytest.mark.parametrize(("title", "limits"), [("Limits", LIMITS), ("Limits of a command", OF_COMMANDS)])
def test_the_limits_of_the_page_are_those_of_the_code(title, limits):
    assert {name: amount(value) for name, value in rows(title)} == {name: look() for name, look in limits.items()}


def test_the_room_that_a_result_is_given_is_that_of_the_page():
    room = defined("agent/ops/room.h", "ROOM_RESULT") + defined("agent/ops/room.c", "TEXTS_MAX")
    assert f"with {room >> 10} KiB for the result" in section("Limits")


def test_no_limit_of_what_a_vendor_sends_is_left_out():
    """A new constant of these files must be told, or stand here because it limits nothing that a vendor sends."""
    ours_alone = {"AGE_MAX_MS", "INBOX_CANCELLED_MAX", "TIME_MAX_MS", "TOLD_EVERY_MS", "ATTRS_MAX", "TRUST_KEYS_MAX"}
    ours_alone |= {"HELD_MOST_MS", "LOOKED_AT_MAX", "REPORT_WAREHOUSES_MAX", "REPORT_DRIFTS_MAX"}
    told = (REPO / "tests/docs/test_limits.py").read_text()
    for path in sorted((REPO / "agent/control").glob("*.[ch]")):
        for name in re.findall(r"^#define (\w*(?:MAX|FIELDS|MOST)\w*) ", path.read_text(), re.MULTILINE):
            assert name in ours_alone or f'"{name}"' in told, f"{path.name}: {name}"


# ---- a specification: one more than the limit is refused, and the limit is not ----


GOOD = {
    "warehouse": "wh-1",
    "generation": "1",
    "vpc_id": "vpc-1",
    "security_groups": [
        {
            "name": "node",
            "description": "nodes",
            "rules": [{"protocol": "tcp", "from_port": 0, "to_port": 1, "self": True, "description": "x"}],
        }
    ],
    "clusters": [
        {
            "name": "c",
            "nodes": 1,
            "instance_type": "m6i.large",
            "image_id": "ami-1",
            "subnet_id": "subnet-1",
            "security_groups": ["node"],
            "volumes": [{"device": "/dev/sdf", "type": "gp3", "size_gib": 1000}],
        }
    ],
    "target_groups": [{"name": "t", "protocol": "TCP", "port": 1, "clusters": ["c"]}],
    "load_balancers": [
        {
            "name": "l",
            "internal": True,
            "subnet_ids": ["subnet-1"],
            "listeners": [{"port": 1, "protocol": "TCP", "target_group": "t"}],
        }
    ],
    "tags": [{"key": "k", "value": "v"}],
}


def judged(spec):
    args = control.WarehouseApply()
    json_format.ParseDict(spec, args.spec)
    args = args.SerializeToString()
    command = control.Command(verb=control.WAREHOUSE_APPLY, target=spec["warehouse"], args=args)
    return ours("judge", command=command.SerializeToString().hex())["says"]


def changed(*changes):
    """GOOD, in which each (path, value) is put in its place."""
    spec = copy.deepcopy(GOOD)
    for path, value in changes:
        at = spec
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
    return spec


def put(*path):
    return lambda n: changed((path, n))


def text(*path, begin=""):
    return lambda n: changed((path, begin + "a" * n))


def listed(make, *path):
    return lambda n: changed((path, [make(i) for i in range(n)]))


def named(*path):
    """Copies of the first one under names of their own."""

    def build(n):
        first = GOOD
        for key in path:
            first = first[key]
        return [first[0] | {"name": f"{first[0]['name']}{i}" if i else first[0]["name"]} for i in range(n)]

    return build


def of_names(n):
    """All places in which a name stands."""
    name = "a" * n
    return [
        changed((("warehouse",), name)),
        changed((("security_groups", 0, "name"), name), (("clusters", 0, "security_groups"), [name])),
        changed((("clusters", 0, "name"), name), (("target_groups", 0, "clusters"), [name])),
        changed((("target_groups", 0, "name"), name), (("load_balancers", 0, "listeners", 0, "target_group"), name)),
        changed((("load_balancers", 0, "name"), name)),
    ]


def of_ids(n):
    rule = {"protocol": "tcp", "from_port": 1, "to_port": 1, "prefix_list": "pl-" + "a" * n}
    kinds = {"image_id": "ami", "subnet_id": "subnet"}
    return [
        changed((("vpc_id",), "vpc-" + "a" * n)),
        *(changed((("clusters", 0, name), f"{kind}-" + "a" * n)) for name, kind in kinds.items()),
        changed((("load_balancers", 0, "subnet_ids"), ["subnet-" + "a" * n])),
        changed((("security_groups", 0, "rules"), [rule])),
    ]


def of_icmp(n):
    rule = {"protocol": "icmp", "cidr": "10.0.0.0/16"}
    places = (
        [("security_groups", 0, "rules"), {"from_port": n, "to_port": -1}],
        [
            ("security_groups", 0, "rules"),
            {"from_port": 3, "to_port": n},
        ],
    )
    return [changed((path, [rule | ports])) for path, ports in places]


def of_groups(n):
    """So many groups, of which a cluster has one."""
    return changed((("security_groups",), named("security_groups")(n)), *([] if n else [(("clusters",), [])]), *bare(n))


def bare(n):
    return [] if n else [(("target_groups",), []), (("load_balancers",), [])]


def of_clusters(n):
    return changed((("clusters",), named("clusters")(n)), *bare(n))


def of_memberships(n):
    several = [{**GOOD["security_groups"][0], "name": f"g{i}"} for i in range(8)]
    names = [f"g{i}" for i in range(n)]
    return changed((("security_groups",), several), (("clusters", 0, "security_groups"), names))


def of_registered(n):
    """The clusters of a target group; there are no more than the limit, and one stands twice beyond it."""
    clusters = [GOOD["clusters"][0] | {"name": f"c{i}"} for i in range(min(n, 32))]
    names = [f"c{min(i, 31)}" for i in range(n)]
    return changed((("clusters",), clusters or GOOD["clusters"]), (("target_groups", 0, "clusters"), names))


def of_target_groups(n):
    return changed((("target_groups",), named("target_groups")(n)), *([] if n else [(("load_balancers",), [])]))


def of_balancers(n):
    """Each leads to a target group of its own."""
    groups = [GOOD["target_groups"][0] | {"name": f"t{i}"} for i in range(n)]
    listener = GOOD["load_balancers"][0]["listeners"][0]
    balancers = [
        GOOD["load_balancers"][0] | {"name": f"l{i}", "listeners": [listener | {"target_group": f"t{i}"}]}
        for i in range(n)
    ]
    return changed((("target_groups",), groups), (("load_balancers",), balancers))


def tag(i):
    return {"key": f"k{i}", "value": "v"}


def rule(i):
    return {
        "protocol": "tcp",
        "from_port": i,
        "to_port": i,
        "self": True,
        "direction": "EGRESS" if i % 2 else "INGRESS",
    }


def volume(i):
    return {"device": f"/dev/sd{'fghijklmnop'[i]}", "type": "gp3", "size_gib": 1}


def listener(i):
    return {"port": i + 1, "protocol": "TCP", "target_group": "t"}


GROUP, CLUSTER, TARGET, BALANCER = (
    (name, 0) for name in ("security_groups", "clusters", "target_groups", "load_balancers")
)
VOLUME = (*CLUSTER, "volumes", 0)
BUILD = {
    "`warehouse`, and `name` of a group, cluster, target group or load balancer: characters of `a-z0-9-`": of_names,
    "`generation`": lambda n: changed((("generation",), str(n))),
    "`vpc_id`, `subnet_id`, `image_id`, `prefix_list`: characters behind `vpc-`, `subnet-`, `ami-`, `pl-`": of_ids,
    "`security_groups`": of_groups,
    "`security_groups[].description`: characters": text(*GROUP, "description"),
    "`security_groups[].rules`, of both directions together": listed(rule, *GROUP, "rules"),
    "`security_groups[].rules[].description`: characters": text(*GROUP, "rules", 0, "description"),
    "`security_groups[].rules[].to_port` of tcp and udp": put(*GROUP, "rules", 0, "to_port"),
    "`security_groups[].rules[].from_port` and `to_port` of icmp: type and code": of_icmp,
    "`clusters`": of_clusters,
    "`clusters[].nodes`": put(*CLUSTER, "nodes"),
    "`clusters[].instance_type`: characters": lambda n: changed(((*CLUSTER, "instance_type"), ("m." + "a" * n)[:n])),
    "`clusters[].other_instance_types`": listed(lambda i: f"m{i}.large", *CLUSTER, "other_instance_types"),
    "`clusters[].subnet_ids`, in place of `subnet_id`": lambda n: changed(
        ((*CLUSTER, "subnet_id"), "" if n > 0 else "subnet-1"),
        ((*CLUSTER, "subnet_ids"), [f"subnet-{i}" for i in range(n)]),
    ),
    "`clusters[].security_groups`": of_memberships,
    "`clusters[].instance_profile`: characters": text(*CLUSTER, "instance_profile"),
    "`clusters[].user_data`: bytes": lambda n: changed(((*CLUSTER, "user_data"), base64.b64encode(b"x" * n).decode())),
    "`clusters[].tags`": listed(tag, *CLUSTER, "tags"),
    "`clusters[].volumes`": listed(volume, *CLUSTER, "volumes"),
    "`clusters[].volumes[].size_gib`": put(*VOLUME, "size_gib"),
    "`clusters[].volumes[].iops`, if not 0, and 500 a GiB": put(*VOLUME, "iops"),
    "`clusters[].volumes[].throughput`, if not 0, and a quarter of the iops": lambda n: changed(
        ((*VOLUME, "iops"), 80000), ((*VOLUME, "throughput"), n)
    ),
    "`clusters[].volumes[].kms_key_id`: characters": text(*VOLUME, "kms_key_id"),
    "`target_groups`": of_target_groups,
    "`target_groups[].port`": put(*TARGET, "port"),
    "`target_groups[].clusters`": of_registered,
    "`load_balancers`": of_balancers,
    "`load_balancers[].subnet_ids`": listed(lambda i: f"subnet-{i}", *BALANCER, "subnet_ids"),
    "`load_balancers[].listeners`": listed(listener, *BALANCER, "listeners"),
    "`load_balancers[].listeners[].port`": put(*BALANCER, "listeners", 0, "port"),
    "`tags`": listed(tag, "tags"),
    "`tags[].key`: characters": text("tags", 0, "key"),
    "`tags[].value`: characters": text("tags", 0, "value"),
}


def specs(name, n):
    built = BUILD[name](n)
    return [(s if "iops`" not in name else with_size(s)) for s in (built if isinstance(built, list) else [built])]


def with_size(spec):
    spec["clusters"][0]["volumes"][0]["size_gib"] = 16384
    return spec


def test_every_limit_of_a_specification_that_the_page_tells_is_tried():
    assert [name for name, _, _ in rows("Limits of a specification")] == list(BUILD)


@pytest.mark.parametrize(("name", "least", "most"), rows("Limits of a specification"))
def test_the_limit_of_a_specification_is_taken_and_one_more_or_less_is_refused(name, least, most):
    least, most = int(least.replace(",", "")), amount(most)
    for spec in specs(name, most) + specs(name, least):
        assert judged(spec) == ""
    for spec in specs(name, most + 1):
        assert judged(spec) != ""
    for spec in specs(name, least - 1) if least > 0 or "icmp" in name else []:
        assert judged(spec) != ""


def test_no_count_of_the_check_is_left_out_of_the_page():
    source = (REPO / "agent/ops/plan/spec.c").read_text()
    counted = re.findall(r'count\([^,]+, [0-9]+, [0-9]+, "(\w+)', source) + re.findall(r"CHECK_LIST\(s, (\w+),", source)
    table = " ".join(BUILD)
    assert len(counted) >= 14 and all(name in table for name in counted)
    for list_of in re.findall(r'count\([^,]+, ([0-9]+), ([0-9]+), "(\w+)', source):
        least, most, name = list_of
        told = [
            (low, amount(high)) for row, low, high in rows("Limits of a specification") if name in row.split("`")[1]
        ]
        assert (least, int(most)) in told, list_of


def test_the_error_names_the_place_as_the_page_shows():
    shown = re.search(r"names the place: `([^`]+)`", section("Limits of a command"))[1]
    assert judged(changed((("clusters",), [GOOD["clusters"][0], GOOD["clusters"][0] | {"nodes": 101}]))) == shown


def test_more_fields_than_the_page_allows_are_refused():
    most = amount(dict(rows("Limits of a command"))["fields of `args`"])
    assert f"more than {most}" in judged(changed((("tags",), [{}] * most)))
