"""A forward proxy between the agent and the vendor: login, polls and telemetry go through it, and nothing else ever does."""

import base64
import json
import re

import pytest

from tests.peers import process, web
from tests.peers.stage import VENDOR_HOST

PAIR = "reeve:hunter2%41 x"
TARGET = f"{VENDOR_HOST}:443"
# Whatever libcurl, and programs like it, would take for a proxy.
NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class World:
    """Another installation beside the stage's, a proxy in front of the vendor, and a trap that nobody may ever ask."""

    def __init__(self, stage, neighbour, folder):
        self.stage, self.neighbour, self.dir = stage, neighbour, folder
        self.place, self.trap = self.start_proxy("proxy"), self.start_proxy("trap")
        self.agent = None

    def start_proxy(self, name):
        to = f"{TARGET}=127.0.0.1:{self.stage.vendor_port}"
        url = self.stage.start_peer("tests.peers.forward_proxy", "--dir", self.dir / name, "--to", to)
        return url.removeprefix("http://")

    def start(self, proxy=None, pair=None, change=lambda text: text, **env):
        """proxy: another one; pair: the content of the credential."""
        self.agent = self.neighbour(proxy=proxy or self.place)
        self.agent.config.write_text(change(self.agent.config.read_text()))
        if pair is not None:
            folder = self.agent.dir / "credentials"
            folder.mkdir()
            (folder / "reeve.proxy").write_text(pair)
            env["CREDENTIALS_DIRECTORY"] = str(folder)
        self.agent.agent_start(**env)
        return self.agent

    def hostile(self):
        return {name: f"http://{self.trap}" for name in NAMES}

    def rules(self, **rules):
        web.write_json(self.dir / "proxy/rules.json", rules)

    def asked(self):
        return self.stage.lines(self.dir / "proxy/requests.jsonl")

    def trapped(self):
        return self.stage.lines(self.dir / "trap/requests.jsonl")

    def wait_log(self, text):
        process.wait_for(lambda: text in self.agent.log(), 60, text)


@pytest.fixture
def world(stage, neighbour, tmp_path):
    return World(stage, neighbour, tmp_path)


CONNECTED = "control.connected"  # a login and a poll that is answered


def test_login_polls_and_telemetry_go_through_it_and_aws_and_metadata_never(world):
    agent = world.start()
    world.wait_log(CONNECTED)

    def points():
        return [m for m in agent.vendor_lines("metrics") if agent.installation in json.dumps(m["resource"])]

    process.wait_for(points, 60, "metrics of this installation")
    assert {(r["method"], r["target"]) for r in world.asked()} == {("CONNECT", TARGET)}
    assert agent.calls() != [] and agent.lines(agent.imds_dir / "requests.jsonl") != [], "asked past it"
    # It is told where to, and nothing that is the vendor's.
    assert {name for r in world.asked() for name in r["headers"]} == {"Host", "Proxy-Connection"}
    # Whatever libcurl would draw or print by itself is in no log.
    assert [line for line in agent.log().splitlines() if not re.match(r"<[0-7]>[a-z]", line)] == []


def test_the_name_and_the_password_of_the_credential_are_for_the_proxy_alone(world):
    world.rules(pair=PAIR)
    agent = world.start(pair=f"{PAIR}\n")
    world.wait_log(CONNECTED)
    encoded = base64.b64encode(PAIR.encode()).decode()
    assert {r["headers"]["Proxy-Authorization"] for r in world.asked()} == {f"Basic {encoded}"}
    agent.agent_stop()
    agent.give("root", "state")
    kept = [p for at in (agent.dir, agent.vendor_dir) for p in at.rglob("*") if p.is_file()]
    kept = [p for p in kept if "credentials" not in p.parts]
    assert any("journal" in p.parts for p in kept) and any(p.name == "agent.log" for p in kept)
    for secret in (b"hunter2", encoded.encode()):
        assert not [p for p in kept if secret in p.read_bytes()]


@pytest.mark.parametrize(
    ("rules", "pair", "says"),
    [
        ({"pair": PAIR}, None, "it answers 407: it wants a name and a password, which the credential reeve.proxy can"),
        ({"pair": PAIR}, "reeve:hunter1", "it answers 407: it does not take the name and password of the credential"),
        ({"answer": 403}, None, "it answers 403 to CONNECT: it must be let through there"),
        ({"do": "close"}, None, ""),
    ],
)
def test_what_a_proxy_refuses_is_told_with_its_name_and_passes_when_it_is_mended(world, rules, pair, says):
    world.rules(**rules)
    agent = world.start(pair=pair)
    told = f"by the proxy {world.place}: {says}"
    world.wait_log(told)

    def status():
        return re.sub(r"\s+", " ", agent.status())

    process.wait_for(lambda: told in status(), 30, "the status tells it")
    assert f"not logged in, by the proxy {world.place}" in status()
    assert "vendor.proxy" in status(), "what to look at"
    assert "hunter" not in agent.log() + status()
    world.rules()
    world.wait_log(CONNECTED)
    process.wait_for(lambda: ", connected, last answer" in status() and "by the proxy" not in status(), 30, "mended")


def test_a_proxy_that_is_away_is_told_and_nothing_goes_past_it(world):
    port = process.free_port()
    agent = world.start(proxy=f"127.0.0.1:{port}")
    world.wait_log(f"by the proxy 127.0.0.1:{port}: Connection refused")
    assert CONNECTED not in agent.log()


def without_a_way(text):
    """Neither a proxy nor connect_to."""
    return re.sub(r"  proxy: .*\n", "", text)


def test_no_variable_of_the_environment_makes_a_proxy(world):
    """Without one in the configuration the vendor is not found here; AWS and the metadata service are, past the trap."""
    agent = world.start(change=without_a_way, **world.hostile())
    world.wait_log(f"the name {VENDOR_HOST}: ")
    assert agent.calls() != []
    assert world.trapped() == [] and world.asked() == []


@pytest.mark.parametrize("exempt", ["*", VENDOR_HOST, f".{VENDOR_HOST},127.0.0.1"])
def test_no_variable_of_the_environment_leads_past_it_or_to_another(world, exempt):
    world.start(**world.hostile(), no_proxy=exempt, NO_PROXY=exempt)
    world.wait_log(CONNECTED)
    assert {r["target"] for r in world.asked()} == {TARGET}
    assert world.trapped() == []


def test_a_credential_that_is_no_pair_stops_the_start_and_is_not_shown(world):
    agent = world.start(pair="hunter2")
    assert agent.agent.wait(15) == 1
    assert "credentials/reeve.proxy: its first line is not user:password" in agent.log()
    assert "hunter2" not in agent.log()
