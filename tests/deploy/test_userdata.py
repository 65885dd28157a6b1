"""First boot, in a folder: the script of the stack with a metadata service and a bucket on loopback, and systemd's
tools replaced by ones that write down how they were called."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import threading

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.peers import web as peers
from tests.peers.bucket import is_signed

REPO = pathlib.Path(__file__).parents[2]
SCRIPT = REPO / "deploy/cloudformation/userdata.sh"
NAME = "reeve-9.9.9-linux-x86_64"
SUMS = "/reeve/reeve-9.9.9-x86_64.sums"
PACKAGE = f"/reeve/{NAME}.tar.gz"
KEYS = {"Code": "Success", "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "se/cret+1", "Token": "to/ken+=="}
ROLE = "/latest/meta-data/iam/security-credentials/"


class Handler(peers.Handler):
    def is_late(self):
        """This path works only after so many tries."""
        left = self.server.late.get(self.path, 0)
        if left:
            self.server.late[self.path] = left - 1
            self.answer(self.server.late_code, b"not yet")
        return left > 0

    def do_PUT(self):
        body = self.body()
        self.server.puts.append(self.path)
        if self.is_late():
            return
        if self.path in self.server.refused:
            self.answer(self.server.refused[self.path], b"<Error><Code>AccessDenied</Code></Error>")
            return
        if self.path == "/latest/api/token":
            self.answer(200, b"token-1")
        elif "Content-Type" in self.headers:  # the signature of the handle is for a request without one
            self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        else:
            self.server.signals.append(json.loads(body))
            self.answer(200, b"")

    def do_GET(self):
        if self.is_late():
            return
        if self.path.startswith("/latest/"):
            allowed = self.headers.get("X-aws-ec2-metadata-token") == "token-1"
            body = json.dumps(KEYS, indent=2).encode() if self.path == ROLE + "a-role" else b"a-role"
            self.answer(200 if allowed else 401, body if allowed else b"")
        elif self.path in self.server.objects and is_signed(self.headers, self.path, KEYS):
            self.answer(200, self.server.objects[self.path])
        else:
            self.answer(403, b"")


@pytest.fixture
def web():
    server = peers.Server(("127.0.0.1", 0), Handler)
    server.objects, server.signals, server.late, server.refused, server.puts = {}, [], {}, {}, []
    server.late_code = 503
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
        ("deploy/systemd/telemetry.conf", "usr/share/reeve/telemetry.conf"),
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
        self.has = "neither"  # dpkg or rpm
        self.imds = web.url
        self.patience = "10"
        self.environment = {}  # what an image may have there
        self.key = Ed25519PrivateKey.generate()
        self.root.mkdir()
        self.put(package(folder))
        self.tools(folder / "tools")
        self.values = {
            "Ready": f"{web.url}/ready?X-Amz-Signature=1%2F2&x=1",
            "Region": "us-east-1",
            "Account": "123456789012",
            "PackageBase": f"{web.url}/reeve",
            "PackageVersion": "9.9.9",
            "PackageSha256": hashlib.sha256(self.sums).hexdigest(),
            "PackageSigner": public_half(self.key),
            "Installation": "inst-9",
            "Vendor": "velodb",
            "VendorUrl": "https://control.velodb.example",
            "Proxy": "",
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
        """The .tar.gz as it is; of the others a list names names, and tools that a test makes take them."""
        names = {"reeve_9.9.9_amd64.deb": b"a deb", "reeve-9.9.9-1.x86_64.rpm": b"an rpm", f"{NAME}.tar.gz": data}
        self.sums = "".join(f"{hashlib.sha256(d).hexdigest()}  {n}\n" for n, d in names.items()).encode()
        self.web.objects |= {f"/reeve/{n}": d for n, d in names.items()}
        self.web.objects |= {SUMS: self.sums, f"{SUMS}.sig": self.key.sign(self.sums)}

    def tools(self, folder):
        folder.mkdir()
        said = "vendor         https://control.velodb.example, connected, last answer 2027-01-15T08:00:00Z"
        for name, answer in [
            ("shutdown", ""),
            ("systemd-run", ""),
            ("systemd-sysusers", ""),
            ("systemctl", "echo 0"),
            ("chown", ""),
            ("dpkg", ""),
            ("rpm", ""),
            ("journalctl", 'case "$*" in *err*) echo \'agent.refuses err="no \\"role\\" here"\' ;; esac'),
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
            "REEVE_IMDS": self.imds,
            "REEVE_PAUSE_S": "0",
            "REEVE_PATIENCE_S": self.patience,
            "REEVE_LOGIN_S": "5",
            "REEVE_HAS": self.has,
            "REEVE_STATUS": "reeve-status",
        }
        self.done = subprocess.run(
            ["bash", SCRIPT],
            env={"PATH": self.path, **test, **self.values, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return self.done

    def called(self):
        return self.calls.read_text().splitlines()

    def signals(self):
        return [(s["Status"], s["Reason"]) for s in self.web.signals]

    def is_refused(self, reason):
        assert self.boot().returncode == 1, self.done
        assert f"reeve: {reason}" in self.done.stdout
        assert not (self.root / "usr").exists()
        assert not any(c.startswith("systemctl") for c in self.called())
        assert "shutdown -c" not in self.called()
        assert self.signals() == [("FAILURE", reason)]
        return True


@pytest.fixture
def machine(tmp_path, web):
    return Machine(tmp_path, web)


def test_a_good_package_is_installed_and_the_agent_is_waited_for(machine):
    assert machine.boot().returncode == 0, machine.done
    assert (machine.root / "usr/bin/reeve").read_bytes() == (REPO / "build/reeve").read_bytes()
    unit = machine.root / "usr/lib/systemd/system/reeve.service"
    assert unit.read_text() == (REPO / "deploy/systemd/reeve.service").read_text()
    drop_in = machine.root / "etc/systemd/system/reeve.service.d/telemetry.conf"
    assert drop_in.read_text() == (REPO / "deploy/systemd/telemetry.conf").read_text()
    calls = machine.called()
    assert calls[0].startswith("shutdown -h +15")
    assert calls.index("systemd-sysusers reeve.conf") < calls.index("systemctl restart --no-block reeve.service")
    assert calls.index("systemctl restart --no-block reeve.service") < calls.index("shutdown -c")
    assert machine.web.signals == []  # the agent says it itself
    handle = machine.root / "etc/reeve/wait-handle"
    assert handle.read_text() == machine.values["Ready"] + "\n"
    assert handle.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("has", "call"),
    [
        ("dpkg", "dpkg -i .*/reeve_9.9.9_amd64.deb"),
        ("rpm", "rpm -U --replacepkgs --oldpackage .*/reeve-9.9.9-1.x86_64.rpm"),
    ],
)
def test_the_package_is_of_the_kind_that_the_machine_keeps(machine, has, call):
    machine.has = has
    machine.boot()  # what these stand for is not there, so no further than to them
    assert any(re.fullmatch(call, c) for c in machine.called()), machine.called()


def test_a_package_that_cannot_be_installed_says_why(machine, tmp_path):
    machine.has = "dpkg"
    machine.tool(tmp_path / "tools/dpkg", "echo 'dpkg: error: No space left on device' >&2; exit 1")
    assert machine.is_refused("reeve_9.9.9_amd64.deb cannot be installed: dpkg: error: No space left on device ")


# What the tools say where the image is too old, another package is in the way, or the archive is no good; and the words that tell it.
TROUBLES = {
    "dpkg": (
        """Selecting previously unselected package reeve.
dpkg: dependency problems prevent configuration of reeve:
 reeve depends on libc6 (>= 2.34); however:
  Version of libc6:amd64 on system is 2.31-13+deb11u11.

dpkg: error processing package reeve (--install):
 dependency problems - leaving unconfigured
Errors were encountered while processing:
 reeve""",
        "reeve depends on libc6 (>= 2.34)",
    ),
    "rpm": (
        "error: Failed dependencies:\n\tglibc >= 2.34 is needed by reeve-9.9.9-1.x86_64",
        "glibc >= 2.34 is needed by",
    ),
    "tar": (
        "gzip: stdin: unexpected end of file\ntar: Error is not recoverable: exiting now",
        "unexpected end of file",
    ),
    "none of these": ("first\nsecond\nthird\nthe disk is on fire", "the disk is on fire"),
}


@pytest.mark.parametrize("case", TROUBLES)
def test_the_reason_names_the_cause_in_the_words_of_the_tool(machine, tmp_path, case):
    said, cause = TROUBLES[case]
    machine.has = "dpkg"
    machine.tool(tmp_path / "tools/dpkg", f"cat >&2 <<'END'\n{said}\nEND\nexit 1")
    assert machine.boot().returncode == 1
    ((status, reason),) = machine.signals()
    assert status == "FAILURE" and cause in reason


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


def test_a_proxy_on_the_way_to_the_vendor_is_passed_on(machine):
    machine.values["Proxy"] = "proxy: http://proxy.example.net:3128"
    assert machine.boot().returncode == 0, machine.done  # the agent's check-config has read it
    have = yaml.safe_load((machine.root / "etc/reeve/reeve.yaml").read_text())
    assert have["vendor"]["proxy"] == "http://proxy.example.net:3128"


def test_it_runs_at_each_boot_until_the_agent_has_worked_once(machine, tmp_path):
    again = machine.root / "var/lib/cloud/scripts/per-boot/reeve"
    machine.tool(tmp_path / "tools/reeve-status", f"test -x {again} && echo ', connected, last answer '")
    assert machine.boot().returncode == 0, machine.done
    assert not again.exists()
    machine.tool(tmp_path / "tools/reeve-status", "echo 'NOT connected'")
    assert machine.boot().returncode == 1
    assert again.read_text() == SCRIPT.read_text()


def test_what_cannot_run_at_each_boot_is_said_and_the_rest_goes_on(machine):
    (machine.root / "var/lib/cloud").mkdir(parents=True)
    (machine.root / "var/lib/cloud/scripts").write_text("no folder\n")
    assert machine.boot().returncode == 0, machine.done
    assert "reeve: a reboot before the agent works would not be noticed" in machine.done.stdout


def test_what_fails_within_a_function_is_told(machine, tmp_path):
    machine.tool(tmp_path / "tools/sleep", "exit 7")
    machine.web.late = {SUMS: 3}
    assert machine.boot().returncode != 0
    (told,) = machine.web.signals
    assert told["Status"] == "FAILURE" and told["Reason"].startswith("first boot ended with 7: ")
    assert machine.called()[-1].startswith("shutdown -h +1 ")


def test_without_room_for_a_reason_the_full_folder_is_named(machine, tmp_path):
    machine.tool(tmp_path / "tools/mktemp", f"echo {tmp_path}/none")
    assert machine.boot().returncode == 1
    assert re.search(r"cannot be fetched from \S+: .*/none/why", machine.web.signals[0]["Reason"])


def test_nothing_of_it_is_left_in_the_folder_for_temporary_files(machine, tmp_path):
    machine.tool(tmp_path / "tools/mktemp", f"mkdir -p {tmp_path}/work; echo {tmp_path}/work")
    machine.values["PackageSha256"] = "0" * 64
    assert machine.boot().returncode == 1
    assert not (tmp_path / "work").exists()


def test_a_second_run_is_harmless(machine):
    assert machine.boot().returncode == 0, machine.done
    policy = machine.root / "etc/reeve/policy.yaml"
    policy.write_text("commands: {}\n")
    assert machine.boot().returncode == 0, machine.done
    assert os.access(machine.root / "usr/bin/reeve", os.X_OK)
    assert policy.read_text() == "commands: {}\n"  # the customer's, whatever the parameters say


def test_a_package_changed_on_its_way_is_refused(machine):
    data = machine.web.objects[PACKAGE]
    machine.web.objects[PACKAGE] = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    assert machine.is_refused(f"{NAME}.tar.gz is not the one that reeve-9.9.9-x86_64.sums names")


def test_another_list_of_the_same_vendor_is_refused(machine):
    machine.values["PackageSha256"] = "0" * 64
    assert machine.is_refused("reeve-9.9.9-x86_64.sums is not the one that the stack names")


def test_a_list_that_another_key_signed_is_refused(machine):
    machine.web.objects[f"{SUMS}.sig"] = Ed25519PrivateKey.generate().sign(machine.sums)
    assert machine.is_refused("the signature of reeve-9.9.9-x86_64.sums is not good")


def test_a_list_without_a_signature_is_refused(machine):
    del machine.web.objects[f"{SUMS}.sig"]
    base = machine.values["PackageBase"]
    assert machine.is_refused(
        f"reeve-9.9.9-x86_64.sums.sig cannot be fetched from {base}: curl: (22) The requested URL returned error: 403"
    )


def test_a_metadata_service_and_a_role_that_come_late_are_waited_for_in_place(machine):
    machine.web.late = {"/latest/api/token": 2, ROLE: 2, SUMS: 3}
    assert machine.boot().returncode == 0, machine.done
    assert "reeve-9.9.9-x86_64.sums cannot be fetched yet" in machine.done.stdout
    assert set(machine.web.late.values()) == {0}


def test_a_subnet_without_ipv4_is_asked_elsewhere(machine, tmp_path):
    """curl is replaced by one that knows IPv6 alone, and leads what it knows to this test's services."""
    web = machine.values["PackageBase"].removesuffix("/reeve")
    machine.values["PackageBase"] = "https://b.s3.us-east-1.amazonaws.com/reeve"
    machine.tool(
        tmp_path / "tools/curl",
        rf"""case "$*" in *http://169.254.169.254*) echo 'no route' >&2; exit 7 ;; esac
args=()
for a in "$@"; do
	a=${{a/'http://[fd00:ec2::254]'/{web}}}
	args+=("${{a/https:\/\/b.s3.dualstack.us-east-1.amazonaws.com/{web}}}")
done
exec {shutil.which("curl")} "${{args[@]}}"
""",
    )
    (tmp_path / "tools/curl").write_text((tmp_path / "tools/curl").read_text().replace("#!/bin/sh", "#!/bin/bash"))
    machine.imds = ""
    assert machine.boot().returncode == 0, machine.done


def test_a_unit_that_does_not_stay_up_is_told_with_its_last_error(machine, tmp_path):
    machine.tool(tmp_path / "tools/reeve-status", "exit 6")
    machine.tool(tmp_path / "tools/systemctl", "echo 3")
    assert machine.boot().returncode == 1
    told = [(x["Status"], x["Reason"]) for x in machine.web.signals]
    assert told == [("FAILURE", 'the agent does not stay up: agent.refuses err="no \\"role\\" here"')]
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


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("vendor         https://x.example, NOT connected", "the agent runs, but has not logged in"),
        ("mode           READ_ONLY: the journal", "the agent is read-only"),
    ],
)
def test_an_agent_that_cannot_work_is_told_and_the_machine_ends(machine, tmp_path, says, reason):
    machine.tool(tmp_path / "tools/reeve-status", f"echo '{says}'")
    assert machine.boot().returncode == 1
    told = [(x["Status"], x["Reason"]) for x in machine.web.signals]
    assert told == [("FAILURE", f'{reason}: agent.refuses err="no \\"role\\" here"')]
    assert "shutdown -c" not in machine.called()


def one_key_twice(values):
    values["ReleaseKey"] = values["CommandKey"]


@pytest.mark.parametrize("spoil", [lambda values: values.update(CommandKey="short"), one_key_twice])
def test_a_configuration_that_the_agent_refuses_is_told(machine, spoil):
    spoil(machine.values)
    assert machine.boot().returncode == 1
    assert machine.web.signals[0]["Reason"].startswith("the configuration is not good: ")
    assert "public_key" in machine.web.signals[0]["Reason"]


# ---- a shutdown that cannot be armed ----

TIMER = "systemd-run --unit=reeve-deadline-{0} --on-active={0}m --timer-property=AccuracySec=1s systemctl poweroff"


@pytest.mark.parametrize("says", ["exit 1", "exit 127"])
def test_where_shutdown_arms_nothing_systemd_does_and_the_first_login_calls_it_off(machine, tmp_path, says):
    machine.tool(tmp_path / "tools/shutdown", says)
    assert machine.boot().returncode == 0, machine.done
    calls = machine.called()
    armed = calls.index(TIMER.format(15))
    assert armed < calls.index("systemctl daemon-reload")
    assert calls[-1] == "systemctl stop reeve-deadline-15.timer"
    assert "shutdown -c" not in calls


def no_way_to_arm(machine, tmp_path):
    machine.tool(tmp_path / "tools/shutdown", "exit 1")
    machine.tool(tmp_path / "tools/systemd-run", "exit 1")


def test_where_nothing_arms_a_shutdown_it_is_said_and_the_first_boot_goes_on(machine, tmp_path):
    no_way_to_arm(machine, tmp_path)
    assert machine.boot().returncode == 0, machine.done
    assert "reeve: no shutdown can be armed" in machine.done.stdout
    assert "reeve: the agent of" in machine.done.stdout
    assert machine.web.signals == []


def test_where_nothing_arms_a_shutdown_a_failure_tells_it_and_ends_the_machine_at_once(machine, tmp_path):
    no_way_to_arm(machine, tmp_path)
    machine.values["PackageSha256"] = "0" * 64
    assert machine.boot().returncode == 1
    ((status, reason),) = machine.signals()
    assert status == "FAILURE" and "is not the one that the stack names" in reason and "no shutdown" in reason
    assert machine.called()[-1] == "systemctl poweroff"


def test_a_failure_ends_the_machine_by_systemd_where_shutdown_does_not(machine, tmp_path):
    machine.tool(tmp_path / "tools/shutdown", "exit 1")
    machine.values["PackageSha256"] = "0" * 64
    assert machine.boot().returncode == 1
    assert machine.called()[-1] == TIMER.format(1)


def test_a_shutdown_that_cannot_be_called_off_is_said_and_is_no_failure(machine, tmp_path):
    machine.tool(tmp_path / "tools/shutdown", 'test "$1" != -c')
    assert machine.boot().returncode == 0, machine.done
    assert "reeve: the armed shutdown cannot be called off" in machine.done.stdout
    assert machine.web.signals == []


# ---- a stack that cannot be told at once, or at all ----


def fails_early(machine):
    """The path of the handle, for a first boot that has something to tell."""
    machine.values["PackageSha256"] = "0" * 64
    return machine.values["Ready"].removeprefix(machine.web.url)


@pytest.mark.parametrize("code", [500, 503, 429, 408])
def test_a_failure_is_told_again_until_s3_takes_it(machine, code):
    ready = fails_early(machine)
    machine.web.late, machine.web.late_code = {ready: 3}, code
    assert machine.is_refused("reeve-9.9.9-x86_64.sums is not the one that the stack names")
    assert "cannot be told" not in machine.done.stdout


@pytest.mark.parametrize("code", [400, 403, 404, 307])
def test_a_refused_signal_is_said_with_its_status_and_not_sent_again(machine, code):
    ready = fails_early(machine)
    machine.web.refused = {ready: code}
    assert machine.boot().returncode == 1
    assert f"reeve: the stack cannot be told: {code}\n" in machine.done.stdout
    assert "AccessDenied" not in machine.done.stdout
    assert machine.web.puts.count(ready) == 1
    assert machine.called()[-1].startswith("shutdown -h +1 ")


def test_without_an_answer_from_s3_the_machine_ends_all_the_same(machine):
    fails_early(machine)
    machine.values["Ready"], machine.patience = "http://127.0.0.1:1/ready", "4"
    assert machine.boot().returncode == 1
    assert "reeve: the stack cannot be told: no answer\n" in machine.done.stdout
    assert machine.done.stderr.count("curl: (7)") > 1
    assert machine.called()[-1].startswith("shutdown -h +1 ")


def test_where_no_stack_waits_nothing_is_told_and_no_handle_is_left_for_the_agent(machine):
    machine.values["Ready"] = ""
    assert machine.boot().returncode == 0, machine.done
    assert not (machine.root / "etc/reeve/wait-handle").exists()
    fails_early(machine)
    assert machine.boot().returncode == 1
    assert "cannot be told" not in machine.done.stdout
    assert machine.called()[-1].startswith("shutdown -h +1 ")


# ---- an environment that says otherwise ----

PROXIES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
TRUST = ["CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "SSLKEYLOGFILE"]


@pytest.mark.parametrize("proxy", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment_is_asked(machine, proxy):
    machine.environment = {proxy: "http://127.0.0.1:1"}
    assert machine.boot().returncode == 0, machine.done


def test_no_proxy_of_the_environment_hears_of_a_failure(machine):
    fails_early(machine)
    machine.environment = dict.fromkeys(PROXIES[:6], "http://127.0.0.1:1")
    assert machine.is_refused("reeve-9.9.9-x86_64.sums is not the one that the stack names")


def test_nothing_in_the_environment_makes_a_proxy_or_changes_whom_tls_believes(machine, tmp_path):
    seen = tmp_path / "environment"
    machine.tool(tmp_path / "tools/systemd-sysusers", f"env >{seen}")
    machine.environment = {name: f"{tmp_path}/none" for name in PROXIES + TRUST}
    assert machine.boot().returncode == 0, machine.done
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert not names & {*PROXIES, *TRUST}


@pytest.mark.parametrize("where", ["HOME", "CURL_HOME", "XDG_CONFIG_HOME"])
def test_no_curlrc_counts(machine, tmp_path, where):
    for name in (".curlrc", "curlrc"):
        (tmp_path / name).write_text('proxy = "http://127.0.0.1:1"\n')
    machine.environment = {where: str(tmp_path)}
    assert machine.boot().returncode == 0, machine.done


# ---- a lock that another program holds ----

HELD = {
    "dpkg": "dpkg: error: dpkg frontend lock was locked by another process with pid 4711",
    "rpm": "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)",
}


def is_held(machine, tmp_path, has, times):
    """So many times the tool says that its lock is held, and unpacks then what it would install."""
    count, machine.has = tmp_path / "count", has
    machine.tool(
        tmp_path / "tools" / has,
        f"""echo >>{count}
[ "$(wc -l <{count})" -gt {times} ] || {{ echo "{HELD[has]}" >&2; exit 2; }}
mkdir -p {machine.root}; tar -xzf {tmp_path}/package -C {machine.root} --strip-components=1""",
    )


@pytest.mark.parametrize("has", HELD)
def test_a_lock_of_the_packages_that_is_held_is_waited_for(machine, tmp_path, has):
    is_held(machine, tmp_path, has, 3)
    assert machine.boot().returncode == 0, machine.done
    assert machine.done.stdout.count(f"reeve: another program holds the lock of {has}") == 1
    assert machine.web.signals == []


@pytest.mark.parametrize("has", HELD)
def test_a_lock_of_the_packages_that_stays_held_is_told(machine, tmp_path, has):
    machine.patience = "3"
    is_held(machine, tmp_path, has, 1_000_000)
    assert machine.boot().returncode == 1
    ((status, reason),) = machine.signals()
    assert status == "FAILURE" and re.search(f"cannot be installed: {re.escape(HELD[has])}", reason)


def test_what_is_no_lock_is_not_waited_for(machine, tmp_path):
    machine.has = "dpkg"
    machine.tool(tmp_path / "tools/dpkg", "echo 'dpkg: error: cannot write block: No space left on device' >&2; exit 1")
    assert machine.boot().returncode == 1
    assert len([c for c in machine.called() if c.startswith("dpkg")]) == 1
