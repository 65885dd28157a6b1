"""The program of docs/opamp-go.md, put together from its blocks: built, and spoken to by the real agent and by its attackers."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

from tests.docs import blocks
from tests.peers import process
from tests.peers.pb import control
from tests.peers.stage import INSTALLATION, VENDOR_HOST, Stage
from tests.vendor.client import Answer, Client

REPO = blocks.REPO
GO = REPO / "build/go"
NAMES = [b.name for b in blocks.blocks("opamp-go.md") if b.language == "go"]


def go_env(home):
    """Go as `make deps` has brought it, without network."""
    env = {"PATH": f"{REPO}/build/venv/bin:{os.environ['PATH']}", "REEVE": str(REPO), "HOME": str(home)}
    env |= {"GOMODCACHE": str(GO / "mod"), "GOCACHE": str(GO / "cache"), "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    return env | {"GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false"}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The built program."""
    folder = tmp_path_factory.mktemp("plane")
    texts = [blocks.text_of("opamp-go.md", name) for name in ["main", *(n for n in NAMES if n != "main")]]
    (folder / "main.go").write_text("\n".join(texts))
    for name in ("go.mod", "go.sum"):
        shutil.copy(REPO / "tests/docs/go" / name, folder / name)
    (folder / "controlv1").mkdir()
    env = go_env(folder)
    build = blocks.text_of("opamp-go.md", "build")
    run = subprocess.run(["bash", "-euc", build], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    gofmt = '"$(go env GOROOT)/bin/gofmt" -l main.go'
    layout = subprocess.run(["bash", "-euc", gofmt], cwd=folder, env=env, capture_output=True, text=True, check=True)
    assert not layout.stdout, "gofmt would lay the blocks out otherwise"
    return folder / "plane"


class GoStage(Stage):
    """A stage whose vendor is the program."""

    def __init__(self, folder, program, **options):
        super().__init__(folder, REPO / "build/reeve", **options)
        self.program = program

    def vendor_start(self, certificate=None):
        chain = certificate or self.keys_dir
        command = [self.program, "-listen", f"127.0.0.1:{self.vendor_port}", "-data", self.vendor_dir]
        command += [
            "-cert",
            chain / "server.pem",
            "-key",
            chain / "server.key",
            "-head-key",
            self.keys_dir / "head.key",
        ]
        command += ["-audience", VENDOR_HOST, "-sts", f"{self.aws['region']}={self.moto.url}"]
        self.vendor_process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE)
        self.peers.append(self.vendor_process)
        assert self.vendor_process.stdout.readline().startswith(b"listening on ")


@pytest.fixture(scope="module")
def stage(program):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-docs-"))
    with GoStage(folder, program) as running:
        running.write_policy(
            running.default_policy(warehouses=["wh-1", "wh-2"]).replace("delete_hold: 0s", "delete_hold: 1h")
        )
        running.agent_start()
        yield running
    running.remove()


def sign(stage, verb, *args, installation=INSTALLATION):
    keys = ["--command-key", stage.keys_dir / "command.key", "--second-key", stage.keys_dir / "release.key"]
    return stage.vendor("--installation", installation, verb, *args, "-q", *keys)


def spec(stage, warehouse="wh-1", generation=1):
    aws = stage.aws
    path = stage.dir / f"{warehouse}-{generation}.yaml"
    path.write_text(
        f"warehouse: {warehouse}\ngeneration: {generation}\nvpc_id: {aws['vpc_id']}\n"
        "security_groups: [{name: node, description: nodes}]\n"
        f"clusters:\n  - {{name: be, nodes: 1, instance_type: r6i.xlarge, image_id: {aws['image_id']}, "
        f"subnet_id: {aws['subnet_ids'][0]}, security_groups: [node]}}\n"
    )
    return path


def role_is_known(stage):
    return json.loads((stage.vendor_dir / f"registry/{INSTALLATION}.json").read_text())["role_id"]


# ---- the real agent ----


@pytest.mark.block("opamp-go.md", "build", *NAMES)
def test_the_agent_makes_a_warehouse_for_the_program_of_the_page(stage, block):
    assert len(block) == 1 + len(NAMES)
    process.wait_for(lambda: role_is_known(stage), 60, "a login")
    result = stage.wait_result(sign(stage, "apply", spec(stage)))
    assert result["state"] == "SUCCEEDED", result["error"]
    process.wait_for(lambda: [r for r in stage.journal() if r["type"] == "result.acked"], 30, "an acknowledgement")


def test_a_plan_is_shown_by_the_reference_command_line(stage):
    process.wait_for(lambda: role_is_known(stage), 60, "a login")
    result = stage.wait_result(sign(stage, "apply", spec(stage, "wh-2"), "--mode", "plan"))
    assert "ec2:RunInstances" in result["plan_text"]
    assert result["id"] in stage.vendor("list")


def test_a_cancel_ends_a_delete_that_is_held(stage):
    process.wait_for(lambda: role_is_known(stage), 60, "a login")
    command = sign(stage, "delete", "wh-1", "--confirm", "wh-1")
    process.wait_for(lambda: any(r.get("op") == command for r in stage.journal()), 60, "the command's acceptance")
    stage.vendor("--installation", INSTALLATION, "cancel", command)
    assert stage.wait_result(command)["state"] == "CANCELLED"


def test_a_killed_plane_comes_back_and_stores_nothing_twice(stage):
    before = stage.wait_result(sign(stage, "apply", spec(stage, "wh-2"), "--mode", "plan"))
    stage.vendor_kill()
    stage.vendor_start()
    after = stage.wait_result(sign(stage, "apply", spec(stage, "wh-2"), "--mode", "plan"))
    ids = [r["id"] for r in stage.vendor_lines("results")]
    assert len(set(ids)) == len(ids)
    assert {before["id"], after["id"]} <= set(ids)


def test_telemetry_arrives_as_otlp(stage):
    folder = stage.vendor_dir / "metrics"
    first = process.wait_for(lambda: next(folder.glob("*.pb"), None), 60, "metrics")
    request = metrics.ExportMetricsServiceRequest.FromString(first.read_bytes())
    names = {m.name for group in request.resource_metrics for scope in group.scope_metrics for m in scope.metrics}
    assert names
    assert all(re.match(r"system\.|reeve\.", name) for name in names)


def test_the_go_plugin_takes_each_schema_by_its_own_go_package(program, tmp_path):
    plugin = subprocess.run(
        ["bash", "-euc", "go tool -n protoc-gen-go"],
        cwd=program.parent,
        env=go_env(program.parent),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    for path in (REPO / "proto").glob("*.proto"):
        out = f"--go_out={tmp_path}"
        subprocess.run(["protoc", f"-I{path.parent}", f"--plugin=protoc-gen-go={plugin}", out, path], check=True)
        package = re.search(r'go_package = "([^;]+);', path.read_text())[1]
        assert (tmp_path / package / f"{path.stem}.pb.go").is_file()


# ---- attackers, by the reference client ----


@pytest.fixture
def client(stage):
    entry = json.loads((stage.vendor_dir / f"registry/{INSTALLATION}.json").read_text())
    (stage.vendor_dir / "registry/inst-2.json").write_text(json.dumps(entry | {"installation": "inst-2", "epoch": 1}))
    made = Client(
        f"https://127.0.0.1:{stage.vendor_port}",
        "inst-2",
        stage.aws["region"],
        stage.aws["keys"][0],
        audience=VENDOR_HOST,
    )
    made.tls.check_hostname = False
    made.tls.load_verify_locations(stage.keys_dir / "ca.pem")
    return made


def refused(call):
    with pytest.raises(Answer) as answer:
        call()
    return answer.value.status


def test_a_login_that_was_not_signed_for_us_is_refused(client):
    def login(**changes):
        return lambda: client.login(
            client.signed_identity(changes.pop("challenge", None) or client.challenge(), **changes)
        )

    assert refused(login(x_reeve_audience="other.example")) == 403
    assert refused(login(x_reeve_channel="AAAA")) == 403
    assert refused(login(challenge="AAAA")) == 403
    assert refused(login(body="Action=GetCallerIdentity&Version=2011-06-15&x=y")) == 403
    assert refused(login(host="sts.eu-west-1.amazonaws.com")) == 403


def test_a_header_that_was_not_signed_proves_nothing(client):
    challenge = client.challenge()
    identity = client.signed_identity(challenge, x_reeve_challenge=None)
    identity["headers"].append(["X-Reeve-Challenge", challenge])
    assert refused(lambda: client.login(identity)) == 403


def test_a_challenge_is_accepted_once(client):
    identity = client.signed_identity(client.challenge())
    client.login(identity)
    assert refused(lambda: client.login(identity)) == 403


def test_a_request_needs_its_own_proof(client):
    client.login()
    headers = client.proof("/v1/logs", b"") | {"Reeve-Batch-Id": "0" * 16}
    assert refused(lambda: client.raw("/v1/logs", b"x", headers)) == 401
    assert refused(lambda: client.raw("/v1/metrics", b"", headers)) == 401
    assert client.raw("/v1/logs", b"", headers) == b""
    assert refused(lambda: client.raw("/v1/logs", b"", headers)) == 401


def test_a_poll_is_held_until_there_is_a_command(client, stage):
    client.login()
    client.poll(control.Report())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        held = pool.submit(client.poll, control.Report(), 30)
        command = sign(stage, "apply", spec(stage), "--mode", "plan", installation="inst-2")
        commands = held.result().commands
    assert [control.Command.FromString(c.body).command_id.hex() for c in commands] == [command.replace("-", "")]


def test_an_agent_without_its_journal_raises_the_epoch(client, stage):
    client.login()
    digest = hashlib.sha256(b"").digest()
    client.poll(control.Report(epoch=1, accepted_through=3, policy_digest=digest))
    assert client.poll(control.Report()).epoch == 2
    assert json.loads((stage.vendor_dir / "registry/inst-2.json").read_text())["epoch"] == 2
    assert client.poll(control.Report()).epoch == 2
