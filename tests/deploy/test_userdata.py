"""First boot, in a folder: the script of the stack with a metadata service and a bucket on loopback, and systemd's
tools replaced by ones that write down how they were called."""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import tarfile
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.peers.bucket import is_signed

REPO = pathlib.Path(__file__).parents[2]
SCRIPT = REPO / "deploy/cloudformation/userdata.sh"
NAME = "reeve-9.9.9-linux-x86_64"
KEYS = {"Code": "Success", "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "se/cret+1", "Token": "to/ken+=="}
ROLE = "/latest/meta-data/iam/security-credentials/"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/latest/api/token":
            self.answer(b"token-1")
        else:
            self.server.signals.append(json.loads(body))
            self.answer(b"")

    def do_GET(self):
        if self.path.startswith("/latest/"):
            allowed = self.headers.get("X-aws-ec2-metadata-token") == "token-1"
            body = json.dumps(KEYS, indent=2).encode() if self.path == ROLE + "a-role" else b"a-role"
            self.answer(body if allowed else b"", 200 if allowed else 401)
        elif self.path in self.server.objects and is_signed(self.headers, self.path, KEYS):
            self.answer(self.server.objects[self.path])
        else:
            self.answer(b"", 403)


@pytest.fixture
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.objects, server.signals = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def package(folder):
    tree = folder / "tree" / NAME
    for source, to in [
        ("build/reeve", "usr/bin/reeve"),
        ("deploy/systemd/reeve.service", "usr/lib/systemd/system/reeve.service"),
        ("deploy/systemd/reeve.sysusers", "usr/lib/sysusers.d/reeve.conf"),
    ]:
        (tree / to).parent.mkdir(parents=True, exist_ok=True)
        (tree / to).write_bytes((REPO / source).read_bytes())
        (tree / to).chmod(0o755 if "bin" in to else 0o644)
    with tarfile.open(folder / "package", "w:gz", compresslevel=1) as tar:
        tar.add(tree, NAME)
    return (folder / "package").read_bytes()


def public_half(key):
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


class Machine:
    """What one first boot needs. A test changes something and calls boot()."""

    def __init__(self, folder, web):
        self.root, self.web, self.calls = folder / "root", web, folder / "calls"
        self.key = Ed25519PrivateKey.generate()
        self.root.mkdir()
        self.put(package(folder))
        self.tools(folder / "tools")
        self.values = {
            "Ready": f"{web.url}/ready?X-Amz-Signature=1%2F2&x=1",
            "Region": "us-east-1",
            "Account": "123456789012",
            "PackageBase": web.url,
            "PackageKey": "reeve/package.tar.gz",
            "PackageSha256": hashlib.sha256(self.package).hexdigest(),
            "PackageSigner": public_half(self.key),
            "Installation": "inst-9",
            "Vendor": "velodb",
            "VendorUrl": "https://control.velodb.example",
            "CommandKey": public_half(Ed25519PrivateKey.generate()),
            "ReleaseKey": public_half(Ed25519PrivateKey.generate()),
            "HeadKey": public_half(Ed25519PrivateKey.generate()),
            "Apply": "approve",
            "Delete": "plan-only",
            "NodeTypes": "m6i.large, m6i.xlarge",
            "NodeImages": "ami-1, ami-2",
            "Owners": "owner:amazon, ",
            "NodeSubnets": "subnet-1",
            "NodeUserData": "",
            "NodeKmsKeys": "arn:aws:kms:us-east-1:123456789012:key/1-2",
            "NodeTagKeys": "sdb-*",
            "Warehouses": "wh-1",
            "NodesPerCluster": "8",
            "NodesTotal": "16",
            "VolumeGib": "500",
            "RuleCidrs": "10.0.0.0/8",
            "RulePorts": "8000-10000, 443",
        }

    def put(self, data):
        self.package = data
        self.web.objects["/reeve/package.tar.gz"] = data
        self.web.objects["/reeve/package.tar.gz.sig"] = self.key.sign(data)

    def tools(self, folder):
        folder.mkdir()
        said = "vendor         https://control.velodb.example, connected, last answer 2027-01-15T08:00:00Z"
        for name, answer in [
            ("shutdown", ""),
            ("systemd-sysusers", ""),
            ("systemctl", "echo 0"),
            ("reeve-status", f"echo '{said}'"),
        ]:
            self.tool(folder / name, answer)
        self.path = f"{folder}:{os.environ['PATH']}"

    def tool(self, path, answer):
        path.write_text(f'#!/bin/sh\necho {path.name} "$@" >>"{self.calls}"\n{answer}\n')
        path.chmod(0o755)

    def boot(self):
        test = {
            "REEVE_ROOT": str(self.root),
            "REEVE_IMDS": self.web.url,
            "REEVE_SETTLE_S": "0",
            "REEVE_STATUS": "reeve-status",
        }
        self.done = subprocess.run(
            ["bash", SCRIPT],
            env={"PATH": self.path, **test, **self.values},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return self.done

    def called(self):
        return self.calls.read_text().splitlines()

    def is_refused(self, reason):
        assert self.boot().returncode == 1, self.done
        assert f"reeve: {reason}" in self.done.stdout
        assert not (self.root / "usr").exists()
        assert not any(c.startswith("systemctl") for c in self.called())
        assert "shutdown -c" not in self.called()
        assert [(s["Status"], s["Reason"]) for s in self.web.signals] == [("FAILURE", reason)]
        return True


@pytest.fixture
def machine(tmp_path, web):
    return Machine(tmp_path, web)


def test_a_good_package_is_installed_and_the_stack_is_told(machine):
    assert machine.boot().returncode == 0, machine.done
    assert (machine.root / "usr/bin/reeve").read_bytes() == (REPO / "build/reeve").read_bytes()
    unit = machine.root / "usr/lib/systemd/system/reeve.service"
    assert unit.read_text() == (REPO / "deploy/systemd/reeve.service").read_text()
    assert machine.web.signals[0]["Status"] == "SUCCESS"
    calls = machine.called()
    assert calls[0].startswith("shutdown -h +15")
    assert calls.index("systemctl enable --now reeve.service") < calls.index("shutdown -c")


def test_the_configuration_says_what_the_parameters_say(machine):
    assert machine.boot().returncode == 0, machine.done
    have = (machine.root / "etc/reeve/reeve.yaml").read_text()
    assert "installation: inst-9\n" in have
    assert machine.values["HeadKey"] in have
    policy = (machine.root / "etc/reeve/policy.yaml").read_text()
    assert "warehouse.delete: plan-only\n" in policy
    assert "instance_types: [m6i.large, m6i.xlarge]\n" in policy
    assert "images: [owner:amazon, ami-1, ami-2]\n" in policy
    assert "user_data_sha256: []\n" in policy
    assert "kms_keys: [arn:aws:kms:us-east-1:123456789012:key/1-2]\n" in policy
    assert "instance_profiles: [velodb-role-inst-9-node]\n" in policy


def test_a_second_run_is_harmless(machine):
    assert machine.boot().returncode == 0, machine.done
    assert machine.boot().returncode == 0, machine.done
    assert os.access(machine.root / "usr/bin/reeve", os.X_OK)


def test_a_package_changed_on_its_way_is_refused(machine):
    data = machine.web.objects["/reeve/package.tar.gz"]
    machine.web.objects["/reeve/package.tar.gz"] = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    assert machine.is_refused("the package is not the one the stack names")


def test_another_package_of_the_same_vendor_is_refused(machine):
    machine.values["PackageSha256"] = "0" * 64
    assert machine.is_refused("the package is not the one the stack names")


def test_a_package_that_another_key_signed_is_refused(machine):
    machine.web.objects["/reeve/package.tar.gz.sig"] = Ed25519PrivateKey.generate().sign(machine.package)
    assert machine.is_refused("the signature of the package is not good")


def test_a_package_without_a_signature_is_refused(machine):
    del machine.web.objects["/reeve/package.tar.gz.sig"]
    assert machine.is_refused("the signature cannot be fetched")


def test_a_unit_that_does_not_start_is_told_and_the_machine_ends(machine, tmp_path):
    text = f'#!/bin/sh\necho systemctl "$@" >>"{machine.calls}"\n[ "$1" != enable ]\n'
    (tmp_path / "tools/systemctl").write_text(text)
    assert machine.boot().returncode == 1
    assert machine.web.signals[0]["Reason"] == "the agent does not start"
    assert machine.called()[-1].startswith("shutdown -h +1 ")


def test_success_waits_for_the_first_login(machine, tmp_path):
    count = tmp_path / "count"
    answer = f"""echo >>{count}
case $(wc -l <{count}) in
1) exit 1 ;;
[2-6]) echo 'vendor         https://control.velodb.example, NOT connected' ;;
*) echo 'vendor         https://control.velodb.example, connected, last answer 2027-01-15T08:00:00Z' ;;
esac"""
    machine.tool(tmp_path / "tools/reeve-status", answer)
    assert machine.boot().returncode == 0, machine.done
    assert machine.called().count("reeve-status") == 7
    assert [s["Status"] for s in machine.web.signals] == ["SUCCESS"]


def test_an_agent_that_is_never_let_in_is_told_and_the_machine_ends(machine, tmp_path):
    machine.tool(tmp_path / "tools/reeve-status", "echo 'vendor         https://x.example, NOT connected'")
    assert machine.boot().returncode == 1
    assert [(s["Status"], s["Reason"]) for s in machine.web.signals] == [
        ("FAILURE", "the agent runs, but has not logged in")
    ]
    assert "shutdown -c" not in machine.called()


def one_key_twice(values):
    values["ReleaseKey"] = values["CommandKey"]


@pytest.mark.parametrize("spoil", [lambda values: values.update(CommandKey="short"), one_key_twice])
def test_a_configuration_that_the_agent_refuses_is_told(machine, spoil):
    spoil(machine.values)
    assert machine.boot().returncode == 1
    assert machine.web.signals[0]["Reason"] == "the configuration is not good"
