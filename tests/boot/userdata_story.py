"""First boots (make deploy-test): a Debian image boots, cloud-init runs the stack's own user data from a metadata service, and the
agent logs in to the vendor; or something is wrong, and the console, the stack and the machine's end say what.

Each is a machine of its own. What a boot shows is written down in tests/boot/RESULT.md."""

import base64
import hashlib
import re
import sys
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.boot import machine, story, unit_story, world
from tests.peers import stage, web

SCRIPT = machine.REPO / "deploy/cloudformation/userdata.sh"
PACKAGES = machine.REPO / "build/package"
FOLDER = "reeve"
HANDLE = f"https://{world.WAIT}/arn%3Aaws%3Acloudformation?X-Amz-Expires=86399&X-Amz-Signature=ab%2F1"


def public_half(key):
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


class Boot:
    """One first boot: what the stack says, what the bucket holds. A story changes something and calls run()."""

    def __init__(self, w, m):
        self.w, self.m = w, m
        self.key = Ed25519PrivateKey.generate()
        self.sums = next(PACKAGES.glob("*.sums")).read_bytes()
        self.version = re.search(r"reeve-([\d.]+)-\w+\.sums", next(PACKAGES.glob("*.sums")).name)[1]
        self.objects = {
            p.name: p.read_bytes() for p in PACKAGES.iterdir() if p.suffix in (".deb", ".rpm", ".gz", ".sums")
        }
        self.objects[f"{self.list_name}.sig"] = self.key.sign(self.sums)
        keys = (w.stage.keys_dir / "trust.yaml").read_text()
        trust = dict(re.findall(r"role: (\w+)\s+public_key: \"?([A-Za-z0-9+/=]+)", keys))
        aws = w.stage.aws
        self.values = {
            "Ready": HANDLE,
            "Region": world.REGION,
            "Account": aws["account"],
            "PackageBase": f"https://{world.BUCKET}/{FOLDER}",
            "PackageVersion": self.version,
            "PackageSha256": hashlib.sha256(self.sums).hexdigest(),
            "PackageSigner": public_half(self.key),
            "Installation": stage.INSTALLATION,
            "Vendor": "velodb",
            "VendorUrl": f"https://{stage.VENDOR_HOST}",
            "Proxy": "",
            "CommandKey": trust["command"],
            "ReleaseKey": trust["release"],
            "HeadKey": trust["head"],
            "Apply": "auto",
            "Delete": "approve",
            "NodeTypes": "m6i.large",
            "NodeImages": aws["image_id"],
            "Owners": "",
            "NodeSubnets": aws["subnet_ids"][0],
            "NodeUserData": "",
            "NodeKmsKeys": "",
            "NodeTagKeys": "sdb-*",
            "Warehouses": "wh-1",
            "NodesPerCluster": "8",
            "NodesTotal": "16",
            "VolumeGib": "500",
            "RuleCidrs": "10.0.0.0/8",
            "RulePorts": "8000-10000, 443",
        }

    @property
    def list_name(self):
        return f"reeve-{self.version}-x86_64.sums"

    def user_data(self):
        """As CloudFormation fills it in: what stands in braces, and nothing else."""
        text = re.sub(r"\$\{(\w+)\}", lambda m: self.values[m[1]], SCRIPT.read_text())
        assert len(text) < 16384, len(text)
        # fifteen minutes are what a customer waits; a test waits less between two tries
        return (
            text.replace("pause_s=5", "pause_s=2")
            .replace("patience_s=240", "patience_s=60")
            .replace("login_s=480", "login_s=90")
        )

    def prepare(self):
        self.w.prepare(self.m)
        instance = web.read_json(self.w.stage.imds_dir / "instance.json")
        web.write_json(self.w.stage.imds_dir / "instance.json", instance | {"tokenless": True})
        (self.w.stage.imds_dir / "user-data").write_text(self.user_data())
        self.w.bucket.objects = {f"/{FOLDER}/{name}": data for name, data in self.objects.items()}

    def run(self, *options, cable=True):
        self.prepare()
        self.m.boot(*options, cable=cable)
        if cable:
            self.w.connect(self.m)

    def signals(self):
        return [(s["Status"], s["Reason"]) for s in self.w.bucket.signals]

    def fails(self, s, sentence, reason, seconds=240, is_told=True):
        """The console says why, the stack hears it, and the machine ends."""
        found = self.m.until(r"^.*reeve: (" + reason + r".*)$", seconds)
        s.check(f"{sentence}: the console says why", True)
        if is_told:
            told = self.m.wait(self.signals, 60, "a signal")
            s.check("  the stack hears the same", told[0][0] == "FAILURE" and re.match(reason, told[0][1]), told)
        else:
            s.check("  the stack hears nothing, there being no way to it", self.signals() == [], self.signals())
        s.check("  the vendor has seen no login", not logins(self.w), logins(self.w))
        s.check("  the machine ends within two minutes, so that the group makes a new one", self.m.has_ended(120))
        return found[1].strip()


def logins(w):
    return [e for e in w.stage.vendor_lines("events") if e["event"] == "login"]


# ---- what goes well ----


def good(s, b):
    b.run()
    b.m.wait(lambda: logins(b.w), 240, "a login")
    s.check(f"from power on to the first login it takes {time.monotonic() - b.m.begun:.0f} s", True)
    told = b.m.wait(b.signals, 120, "a signal")
    s.check("the agent itself tells the stack", told == [("SUCCESS", "the agent has logged in")], told)
    s.check(
        "without a Content-Type, which is what the handle is signed for",
        b.w.bucket.signals[0]["type"] is None,
        b.w.bucket.signals,
    )
    b.m.until(r"reeve: the agent of \S+ has logged in", 120)
    s.check("the console says which package has logged in", f"reeve_{b.version}_amd64.deb" in b.m.said())
    s.check("the armed shutdown is called off", not is_armed(b.m))
    s.check(
        "the unit is active and enabled",
        b.m.inside("systemctl", "is-enabled", "reeve.service") == "enabled" and unit_story.is_up(b.m),
    )
    b.m.wait(lambda: "system.filesystem.usage" in unit_story.metrics(b.w), 90, "metrics")
    s.check("the machine's metrics arrive", True)
    again(s, b)


def again(s, b):
    """The same machine boots once more: cloud-init runs nothing, systemd starts the agent."""
    first, asked = len(logins(b.w)), len(b.w.bucket.asked)
    b.m.off()
    b.m.boot()
    b.w.connect(b.m)
    b.m.wait(lambda: len(logins(b.w)) > first, 120, "a login after the second boot")
    s.check(f"a second boot logs in again, after {time.monotonic() - b.m.begun:.0f} s", True)
    s.check("and the stack is not told twice", len(b.w.bucket.signals) == 1, b.w.bucket.signals)
    time.sleep(10)  # cloud-init is over by then
    s.check("the second boot fetches nothing", len(b.w.bucket.asked) == asked, b.w.bucket.asked)


def late(s, b):
    """The role was made a moment ago, and the metadata service stutters."""
    b.w.bucket.refuse = 4
    web.write_json(b.w.stage.imds_dir / "faults.json", [{"path": "/latest/api/token", "do": "503", "times": 3}])
    b.run()
    b.m.wait(lambda: logins(b.w), 300, "a login")
    b.m.until(r"reeve: the agent of \S+ has logged in", 120)
    s.check("403s of a role just made and a stuttering metadata service are waited for in place", True)
    s.check("  and told", "cannot be fetched yet" in b.m.said())


def tarball(s, b):
    b.m.disk.run("rm -rf /usr/bin/dpkg /usr/bin/rpm")
    b.run()
    b.m.wait(lambda: logins(b.w), 240, "a login")
    s.check(
        "a machine without dpkg and rpm takes the .tar.gz",
        any(p.endswith(".tar.gz") for p in b.w.bucket.asked),
        b.w.bucket.asked,
    )


def interrupted(s, b):
    """The machine boots again while the first boot still waits: an armed shutdown does not outlive that, and user data runs once."""
    b.w.is_vendor_away = True
    b.run()
    b.m.wait(lambda: unit_story.is_up(b.m), 240, "an active unit")
    b.m.off()
    b.m.boot()
    b.w.connect(b.m)
    b.m.wait(lambda: is_armed(b.m), 120, "an armed shutdown")
    s.check("after a reboot in the middle of the first boot the shutdown is armed again", True)
    b.w.is_vendor_away = False
    b.m.until(r"reeve: the agent of \S+ has logged in", 240)
    told = b.m.wait(b.signals, 60, "a signal")
    s.check("and called off by the first login", not is_armed(b.m) and told[0][0] == "SUCCESS", told)
    s.check("no later boot runs it", not (b.m.root / "var/lib/cloud/scripts/per-boot/reeve").exists())


def no_room_for_each_boot(s, b):
    """The folder of what runs at each boot is full: that is said, and the first boot goes on."""
    b.run("--tmpfs=/var/lib/cloud/scripts/per-boot:size=4k")
    b.m.wait(lambda: logins(b.w), 240, "a login")
    s.check("where nothing can be kept for the next boot, it is said", "would not be noticed" in b.m.said())
    s.check("and the agent logs in", True)


HOLDS = """[Unit]
Description=Holds the locks of dpkg, as unattended upgrades do
DefaultDependencies=no
After=local-fs.target
Before=cloud-final.service
[Service]
ExecStart=/usr/bin/python3 -c "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(3600)"
[Install]
WantedBy=sysinit.target
"""


def held_lock(s, b):
    """Another program holds the lock of dpkg when the first boot comes to it."""
    b.m.put("/etc/systemd/system/holds.service", HOLDS)
    b.m.disk.run("systemctl enable holds.service")
    b.run()
    b.m.until(r"reeve: another program holds the lock of dpkg", 240)
    s.check("a held lock of dpkg is said", True)
    b.m.inside("systemctl", "stop", "holds.service")
    b.m.wait(lambda: logins(b.w), 240, "a login")
    told = b.m.wait(b.signals, 60, "a signal")
    s.check("  and waited for: the agent logs in", told[0][0] == "SUCCESS", told)


def without_logind(s, b):
    """shutdown can arm nothing then; a timer of systemd's ends the machine."""
    b.m.disk.run("systemctl mask systemd-logind.service")
    b.w.is_vendor_away = True
    b.run()
    b.m.wait(lambda: unit_story.is_up(b.m), 240, "an active unit")
    s.check("without logind shutdown arms nothing", not is_armed(b.m))
    s.check("  and a timer is armed", b.m.inside("systemctl", "is-active", "reeve-deadline-15.timer") == "active")
    b.fails(s, "  a failure is told", r"the agent runs, but has not logged in: \S+ ", 900)


def proxied_environment(s, b):
    """The image has a curlrc, and proxies that nobody answers stand where user data runs. Were they cloud-init's own from the start,
    it would not even find its user data."""
    b.m.put("/root/.curlrc", 'proxy = "http://127.0.0.1:1"\n')
    proxies = "".join(f'"{name}=http://127.0.0.1:1" ' for name in ("http_proxy", "https_proxy", "ALL_PROXY"))
    b.m.put("/etc/systemd/system/cloud-final.service.d/proxy.conf", f"[Service]\nEnvironment={proxies}\n")
    b.run()
    b.m.wait(lambda: logins(b.w), 240, "a login")
    told = b.m.wait(b.signals, 60, "a signal")
    s.check("proxies of the image and a curlrc are not asked", told[0][0] == "SUCCESS", told)


def is_armed(m):
    return m.ask("sh", "-c", "test -e /run/systemd/shutdown/scheduled")[0] == 0


# ---- what goes wrong ----


def tampered(s, b):
    name = f"reeve_{b.version}_amd64.deb"
    b.objects[name] = b.objects[name][:-1] + bytes([b.objects[name][-1] ^ 1])
    b.run()
    b.fails(s, "a package changed on its way", rf"{name} is not the one that {b.list_name} names")
    s.check("  nothing of it was unpacked", not (b.m.root / "usr/bin/reeve").exists())


def wrong_pin(s, b):
    b.values["PackageSigner"] = public_half(Ed25519PrivateKey.generate())
    b.run()
    b.fails(s, "a list that another key signed", rf"the signature of {b.list_name} is not good")


def another_list(s, b):
    b.values["PackageSha256"] = "0" * 64
    b.run()
    b.fails(
        s, "a list of the vendor's that the stack does not name", rf"{b.list_name} is not the one that the stack names"
    )


def unsigned(s, b):
    del b.objects[f"{b.list_name}.sig"]
    b.run()
    b.fails(
        s, "a list without a signature", rf"{b.list_name}.sig cannot be fetched from https://\S+: curl: .*(403|404)"
    )


def missing_key(s, b):
    (b.w.stage.imds_dir / "keys.json").unlink()
    b.run()
    b.fails(s, "an instance without a role", rf"{b.list_name} cannot be fetched from https://\S+: curl: .*404")


def no_network(s, b):
    b.m.put("/var/lib/cloud/seed/nocloud/meta-data", "instance-id: i-seed\n")
    b.prepare()
    b.m.put("/var/lib/cloud/seed/nocloud/user-data", b.user_data())
    b.m.put("/etc/cloud/cloud.cfg.d/99-boot.cfg", machine.CLOUD.replace("[Ec2]", "[NoCloud]"))
    b.m.boot(cable=False)
    b.fails(
        s,
        "a machine without a network",
        rf"{b.list_name} cannot be fetched from https://\S+: curl: ",
        400,
        is_told=False,
    )


def full_disk(s, b):
    b.run("--tmpfs=/usr/lib/reeve:size=1M", "--tmpfs=/usr/share/doc/reeve:size=64k")
    b.fails(s, "a full disk", rf"reeve_{b.version}_amd64.deb cannot be installed: .*No space left")


def wrong_configuration(s, b):
    b.values["HeadKey"] = "short"
    b.run()
    b.fails(s, "a configuration with a key that is none", r"the configuration is not good: .*public_key")


def vendor_away(s, b):
    b.w.is_vendor_away = True
    b.run()
    b.m.wait(lambda: unit_story.is_up(b.m), 240, "an active unit")
    s.check("with the vendor away the unit becomes active", True)
    b.fails(s, "and the stack is told that nobody was let in", r"the agent runs, but has not logged in: \S+ ", 900)


def newer_state(s, b):
    line = (
        '{"prev":"' + "0" * 64 + '","seq":1,"time":"2026-01-01T00:00:00.000Z","type":"journal.created","schema":99}\n'
    )
    b.m.put("/var/lib/reeve/journal/0000000000000001.jsonl", line)
    b.m.disk.run(
        "systemd-sysusers --inline 'u reeve - \"Reeve agent\" /var/lib/reeve /usr/sbin/nologin' && chown -R reeve: /var/lib/reeve"
    )
    b.run()
    b.m.until(r"reeve: the agent is read-only: .*newer version", 300)
    s.check("the state of a newer version: the agent is read-only, and the console says why", True)
    told = b.m.wait(b.signals, 60, "a signal")
    s.check(
        "  the stack hears the same, and no success",
        [t[0] for t in told] == ["FAILURE"] and "newer version" in told[0][1],
        told,
    )
    s.check("  the agent does not loop", int(unit_story.show(b.m, "NRestarts")["NRestarts"]) == 0)
    s.check(
        "  the journal is as it was", b.m.inside("cat", "/var/lib/reeve/journal/0000000000000001.jsonl") + "\n" == line
    )


STORIES = [
    good,
    late,
    tarball,
    interrupted,
    no_room_for_each_boot,
    held_lock,
    without_logind,
    proxied_environment,
    tampered,
    wrong_pin,
    another_list,
    unsigned,
    missing_key,
    no_network,
    full_disk,
    wrong_configuration,
    vendor_away,
    newer_state,
]


def play(s, part, w, image, place):
    s.tell(part.__name__.replace("_", " "))
    with machine.Machine(place, image) as m:
        part(s, Boot(w, m))


if __name__ == "__main__":
    sys.exit(story.tell("userdata", STORIES, play))
