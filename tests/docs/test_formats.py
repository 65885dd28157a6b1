"""docs/formats.md against what a real agent leaves behind, and against the sources."""

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.docs import blocks

REPO = blocks.REPO
PAGE = (REPO / "docs/formats.md").read_text()
SOURCES = [
    path for root in ("agent", "shippers") for path in sorted((REPO / root).rglob("*.c")) if path.parent.name != "cli"
]
ALWAYS = {"prev", "seq", "time", "type"}


def table(head):
    """{first name of a row: the names in its second column}, of the table whose first line begins so."""
    rows = PAGE.split(f"| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [row.split(" | ") for row in rows]
    return {name: re.findall(r"`([^`]+)`", cell[1]) for cell in cells for name in re.findall(r"`([^`]+)`", cell[0])}


def run(block, folder, **env):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "REEVE": str(REPO)} | env,
    )
    return done.returncode, done.stdout, done.stderr


# ---- the journal ----


@pytest.mark.block("formats.md", "verify")
def test_a_journal_verifies_with_the_commands_of_the_page(block, agent_life):
    assert run(block, agent_life.journal) == (0, "every record names the one before\n", "")


@pytest.mark.block("formats.md", "verify")
def test_a_changed_line_is_found_with_the_commands_of_the_page(block, agent_life, tmp_path):
    shutil.copytree(agent_life.journal, tmp_path / "journal")
    first = min((tmp_path / "journal").glob("*.jsonl"))
    first.write_text(first.read_text().replace('"requested_by":""', '"requested_by":"x"', 1))
    status, out, _ = run(block, tmp_path / "journal")
    assert status != 0
    changed = next(r["seq"] for r in agent_life.records() if r["type"] == "command.accepted")
    assert out == f"broken at record {changed + 1}\n"


@pytest.mark.block("formats.md", "changes")
def test_the_changes_that_the_page_lists_are_the_intents(block, agent_life):
    status, out, err = run(block, agent_life.journal)
    assert (status, err) == (0, "")
    intents = [r for r in agent_life.records() if r["type"] == "step.intent"]
    assert [line.split("\t")[1] for line in out.splitlines()] == [r["action"] for r in intents]
    assert {"ec2:RunInstances", "ec2:TerminateInstances"} <= {r["action"] for r in intents}


@pytest.mark.block("formats.md", "results")
def test_the_results_that_the_page_lists_are_those_of_the_commands(block, agent_life):
    status, out, err = run(block, agent_life.journal)
    assert (status, err) == (0, "")
    shown = {line.split("\t")[1]: line.split("\t")[2] for line in out.splitlines()}
    assert {r["id"]: r["state"] for r in agent_life.results.values()}.items() <= shown.items()


@pytest.mark.block("formats.md", "signed")
def test_the_signed_bytes_are_decoded_as_the_page_says(block, agent_life):
    status, out, err = run(block, agent_life.journal)
    assert (status, err) == (0, "")
    assert out.count("sigs {") == 1
    assert "alg: ED25519" in out


@pytest.mark.block("formats.md", "refused")
def test_what_was_refused_is_listed_as_the_page_says(block, agent_life):
    status, out, err = run(block, agent_life.journal)
    assert (status, err) == (0, "")
    assert "without a valid signature of a command key" in out


def test_every_record_type_that_the_code_writes_is_on_the_page_and_no_other():
    text = "\n".join(path.read_text() for path in SOURCES)
    writes = r"\b\w*(?:append|record|note|note_start|note_write|add_line)\s*\([^;{]*?\"([a-z]+\.[a-z_]+|checkpoint)\""
    written = set(re.findall(writes, text))
    alone = set(re.findall(r'json_pack\("\[s, \{?[^"]*i\]",\s*"([a-z.]+)"', text))
    assert set(table("type | members | when")) == written
    assert set(table("type | members | what")) == alone - written


# Of these a life would have to be long, or unlucky.
RARE = ["step.doubt", "notes.left_out", "journal.pruned", "local.accepted", "warehouse.nodes"]


def test_records_have_the_members_of_the_page_and_no_others(agent_life):
    told = table("type | members | when")
    inner = told | table("type | members | what")
    seen = {}
    for record in agent_life.records():
        seen.setdefault(record["type"], set()).update(record.keys() - ALWAYS)
        for kind, members, _ in record.get("records", ()):
            assert members.keys() <= {*inner[kind]}, kind
    for kind, members in seen.items():
        assert members <= {*told[kind]}, kind
    unseen = {*RARE}
    assert set(told) - unseen == set(seen)


@pytest.mark.parametrize("kind", RARE)
def test_members_of_rare_records_stand_in_the_code_that_writes_them(kind):
    text = "\n".join(path.read_text() for path in SOURCES)
    near = text[: text.index(f'"{kind}", ')][-900:] + text[text.index(f'"{kind}", ') :][:900]
    for member in table("type | members | when")[kind]:
        assert f'"{member}"' in near, member


def test_the_program_reads_the_journal_as_the_page_says(agent_life):
    verify = [REPO / "build/reeve", "journal", "verify", agent_life.journal]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0


# ---- the spool ----


@pytest.fixture(scope="module")
def otlp(tmp_path_factory):
    """The published schemas, as the Python package carries them."""
    from google.protobuf import descriptor_pb2
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

    folder = tmp_path_factory.mktemp("otlp")
    todo, done = [logs_service_pb2.DESCRIPTOR], {}
    while todo:
        file = todo.pop()
        done[file.name] = file
        todo += [d for d in file.dependencies if d.name not in done]
    for name, file in done.items():
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source(proto))
    return folder


TYPES = {
    1: "double",
    3: "int64",
    4: "uint64",
    5: "int32",
    6: "fixed64",
    7: "fixed32",
    8: "bool",
    9: "string",
    12: "bytes",
}
TYPES |= {13: "uint32", 16: "sfixed64"}


def source(proto):
    """A schema as text, as far as these have it."""
    lines = ['syntax = "proto3";', f"package {proto.package};", *(f'import "{d}";' for d in proto.dependency)]
    for enum in proto.enum_type:
        lines += [f"enum {enum.name} {{", *(f"{v.name} = {v.number};" for v in enum.value), "}"]
    for message in proto.message_type:
        lines += [f"message {message.name} {{"]
        for f in message.field:
            kind = TYPES.get(f.type) or f.type_name
            lines += [f"{'repeated ' if f.label == 3 else ''}{kind} {f.name} = {f.number};"]
        lines += ["}"]
    return "\n".join(lines) + "\n"


@pytest.mark.block("formats.md", "spool")
def test_the_lines_that_wait_are_read_as_the_page_says(block, agent_life, otlp):
    status, out, err = run(block, agent_life.spool, OTLP=str(otlp))
    assert (status, err) == (0, "")
    assert '"a line that stays"' in out


def test_commit_records_have_the_members_of_the_page_and_no_others(agent_life):
    lines = [json.loads(line) for line in (agent_life.spool / "commits").read_text().splitlines()]
    part = PAGE.split("A line of `commits`:")[1].split("\n\n")[1]
    told = {name for row in part.splitlines() for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}
    ranges = set(re.findall(r"`([^`]+)`", part.split("`ranges` |")[1].splitlines()[0]))
    assert set().union(*lines) == told
    assert {name for line in lines for one in line["ranges"] for name in one} | {"size"} == ranges
    names = {path.name for path in agent_life.spool.glob("*.pb.gz")}
    assert names <= {f"{line['seq']:016}-{line['kind']}-{line['id']}.pb.gz" for line in lines}


@pytest.mark.block("formats.md", "ledger")
def test_the_ledger_is_summed_as_the_page_says(block, agent_life):
    status, out, err = run(block, agent_life.ledger)
    assert (status, err) == (0, "")
    name, bodies, wire = out.split("\t")
    assert name == "vendor"
    assert int(bodies) > 0
    assert int(wire) > 100 * int(bodies)


def test_lines_of_the_ledger_have_the_members_of_the_page(agent_life):
    rows = PAGE.split("### The ledger")[1].split("| type | members | when |")[1].split("\n\n")[0].splitlines()[2:]
    told = {row.split("`")[1]: set(re.findall(r"`([^`]+)`", row.split(" | ")[1])) for row in rows}
    lines = [json.loads(line) for path in agent_life.ledger.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert {line["type"] for line in lines} >= {"batch", "account"}
    for line in lines:
        assert set(line) - {"time", "type"} <= told[line["type"]]


# ---- the policy ----


def test_the_page_names_every_bound_rate_and_section_of_the_policy():
    rows = "".join(path.read_text() for path in (REPO / "agent/ops/steps").glob("*.c"))
    bounds = re.findall(r'^const struct bound bound_[a-z_]+ = \{\s*\.key = "([a-z_0-9]+)"', rows, re.MULTILINE)
    first = PAGE.split("| bound | what is allowed |")[1].split("\n\n")[0]
    named = {n for row in first.splitlines() for n in re.findall(r"`([a-z_0-9]+)`", row.split(" | ")[0])}
    assert named == {*bounds, "user_data_sha256"}
    rows = table("member | what | default")
    keys = re.search(r'YAML_KEYS\(("mode"[^)]*)\)', source_of("policy"))[1]
    assert set(rows) == set(re.findall(r'"([a-z_]+)"', keys))
    assert set(rows["rates"]) == set(
        re.findall(r'"([a-z_]+)"', re.search(r"YAML_KEYS\(([^)]*)\)", source_of("rates"))[1])
    )


def test_the_page_names_every_verb_of_the_policy():
    row = PAGE.split("| `commands` |")[1].splitlines()[0]
    named = re.findall(r"`([a-z]+\.[a-z.]+|heal)`", row)
    assert [*dict.fromkeys(named)] == re.findall(r'\.name = "([a-z.]+)"', source_of("verb"))


def source_of(name):
    return next(path.read_text() for path in SOURCES if path.name == f"{name}.c")
