"""A warehouse on a stage, for the tests that command one: each test has its own, and a folder of tests one stage."""

import itertools
import json
import pathlib
import tempfile

import pytest

from tests.peers.stage import Neighbour, Stage

REPO = pathlib.Path(__file__).resolve().parents[2]
numbers = itertools.count(1)


class Warehouse:
    """A warehouse that nobody else has, and the vendor's commands for it."""

    def __init__(self, stage, id=None):
        """`id`: of one that another installation has, too."""
        self.stage = stage
        self.id = id or f"wh-{next(numbers)}"
        self.generation = 0

    def spec(self, nodes=1, atomic=False, **more):
        aws = self.stage.aws
        self.generation += 1
        rules = more.get("rules", "[{protocol: tcp, from_port: 8000, to_port: 9000, cidr: 10.0.0.0/16}]")
        path = self.stage.dir / f"{self.id}-{self.generation}.yaml"  # each installation has a folder
        cluster = {
            "name": "be",
            "nodes": nodes,
            "atomic": atomic,
            "instance_type": more.get("instance_type", "r6i.xlarge"),
            "image_id": aws["image_id"],
            "subnet_id": aws["subnet_ids"][0],
            "security_groups": ["node"],
            "volumes": [{"device": "/dev/sdf", "size_gib": 100, "type": "gp3"}],
        }
        path.write_text(
            f"warehouse: {self.id}\ngeneration: {self.generation}\nvpc_id: {aws['vpc_id']}\n"
            f"security_groups:\n  - {{name: node, description: nodes, rules: {rules}}}\n"
            f"clusters: [{json.dumps(cluster | more.get('cluster', {}))}]\n"
            f"{more.get('shared', '')}"
        )
        return path

    def balancer(self, *ports):
        """The part of a spec with a load balancer that listens on these ports."""
        listeners = ", ".join(f"{{port: {port}, protocol: TCP, target_group: sql}}" for port in ports)
        return (
            f"load_balancers:\n  - {{name: main, internal: true, subnet_ids: [{self.stage.aws['subnet_ids'][0]}],"
            f" listeners: [{listeners}]}}\n"
            f"target_groups:\n  - {{name: sql, port: 9030, protocol: TCP, clusters: [be]}}\n"
        )

    def apply(self, *args, **spec):
        return self.stage.vendor("apply", self.spec(**spec), *self.signed(), *args)

    def delete(self, *args):
        return self.stage.vendor("delete", self.id, "--confirm", self.id, *self.signed(), *args)

    def signed(self):
        return ("-q", "--command-key", self.stage.keys_dir / "command.key")

    def both_keys(self):
        return ("--second-key", self.stage.keys_dir / "release.key")

    def result(self, command, timeout_s=60):
        return self.stage.wait_result(command, timeout_s)

    def nodes(self, alive=True):
        filters = [
            {"Name": "tag:reeve:installation", "Values": [self.stage.installation]},
            {"Name": "tag:reeve:warehouse", "Values": [self.id]},
        ]
        found = self.stage.reader("ec2").describe_instances(Filters=filters)["Reservations"]
        nodes = [i for r in found for i in r["Instances"]]
        return [i for i in nodes if not alive or i["State"]["Name"] in ("pending", "running")]

    def groups(self):
        filters = [
            {"Name": "tag:reeve:installation", "Values": [self.stage.installation]},
            {"Name": "tag:reeve:warehouse", "Values": [self.id]},
        ]
        return self.stage.reader("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]

    def calls(self, command, action=None):
        """Calls of one command that would change something, in the order they ended."""
        calls = [c for c in self.stage.calls(mutating=True) if c["user_agent"].endswith(f"cmd/{command}")]
        return [c for c in calls if action in (None, c["action"])]


# One agent serves all tests, so an hour of it holds more than a customer's.
RATES = "rates: {mutations_per_hour: 100000, deletions_per_day: 100000, ended_at_once: 1/1}\n"


def policy(stage, **verbs):
    """The usual policy, with room for the nodes of all tests together."""
    warehouses = [f"wh-{n}" for n in range(1, 200)]
    text = stage.default_policy(warehouses=warehouses, **verbs).replace("nodes_total: 8", "nodes_total: 1000")
    return text + RATES


def second_config(stage, folder, drop="connect_to", more=""):
    """The configuration of another agent beside the stage's, in a folder of its own; without `connect_to` it finds no vendor."""
    text = stage.config.read_text().replace(f"{stage.dir}/state", f"{folder}/state")
    text = text.replace(f"{stage.dir}/run/", f"{folder}/run/")
    path = folder / "reeve.yaml"
    path.write_text("".join(x for x in text.splitlines(keepends=True) if drop not in x) + more)
    for name in ("state", "run"):
        (folder / name).mkdir()
    return path


@pytest.fixture(scope="session")
def running():
    stage = Stage(tempfile.mkdtemp(prefix="reeve-e2e-"), REPO / "build/reeve")
    try:
        stage.start()
        stage.agent_start()
        yield stage
    finally:
        stage.close()
        stage.remove()


@pytest.fixture
def stage(running):
    """The stage in good order: no faults, the usual policy, no STOP, the agent and the vendor alive."""
    running.rules()
    running.write_policy(policy(running))
    (running.dir / "etc/STOP").unlink(missing_ok=True)
    if running.agent is None:
        running.agent_start()
    yield running
    running.rules()


@pytest.fixture
def neighbour(stage):
    """Makes another installation in the same VPC, at the same vendor; the test starts its agent."""
    made = []

    def make(**options):
        name = f"inst-n{next(numbers)}"
        made.append(Neighbour(stage, tempfile.mkdtemp(prefix=f"reeve-{name}-"), name, **options))
        return made[-1].start()

    yield make
    for one in made:
        one.close()
        one.remove()


@pytest.fixture
def warehouse(stage):
    return Warehouse(stage)
