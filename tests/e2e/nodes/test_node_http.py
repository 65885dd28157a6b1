"""A node's health endpoint and its drain, by the real binary over real HTTP: moto gives the nodes addresses of this machine, where a
server answers for all of them. What EC2's status checks and the metadata service would do is in sim: moto calls every check ok."""

import http.server
import threading

import pytest

from tests.e2e.nodes.test_power import actions, done
from tests.e2e.warehouse import policy
from tests.peers.process import wait_for

HERE = "127.20."
OF_THE_GROUP = "[{protocol: tcp, from_port: 8000, to_port: 9000, self: true}]"


class Nodes:
    """All nodes at once: what they answer by method, and what they were asked."""

    def __init__(self):
        self.answers = {"GET": 200, "POST": 200}
        self.body = b""
        self.asked = []
        nodes = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                address = self.connection.getsockname()[0]
                nodes.asked.append((self.command, address, self.path, dict(self.headers), self.rfile.read(length)))
                self.send_response(nodes.answers[self.command])
                self.send_header("Location", f"http://127.0.0.1:{nodes.port}/trap")
                self.send_header("Content-Length", str(len(nodes.body)))
                self.end_headers()
                self.wfile.write(nodes.body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def said(self, method):
        return [x for x in self.asked if x[0] == method]


@pytest.fixture
def nodes(stage):
    served = Nodes()
    subnets = f"subnets: [{stage.aws['here']['subnet_id']}, "
    text = policy(stage).replace("subnets: [", subnets)
    stage.write_policy(text.replace("  ports: [", f"  node_http: [{{port: {served.port}, path: /api/*}}]\n  ports: ["))
    yield served
    served.close()


def here(stage, nodes, **more):
    """The part of a cluster that stands in the VPC of this machine, with endpoints."""
    at = {"port": nodes.port}
    return {
        "subnet_id": stage.aws["here"]["subnet_id"],
        "volumes": [],
        "health": at | {"path": "/api/health?full=1"},
        "drain": {"wait_s": 60, "call": at | {"path": "/api/drain"}},
    } | more


def apply(stage, warehouse, nodes, count, **more):
    path = warehouse.spec(nodes=count, rules=OF_THE_GROUP, cluster=here(stage, nodes, **more))
    path.write_text(path.read_text().replace(stage.aws["vpc_id"], stage.aws["here"]["vpc_id"]))
    return stage.vendor("apply", path, *warehouse.signed())


def addresses(warehouse):
    return sorted(n["PrivateIpAddress"] for n in warehouse.nodes())


def test_each_node_is_asked_at_its_own_address_and_told_nothing(stage, warehouse, nodes):
    nodes.body = b"secret=xyzzy" * 100_000  # more than anybody reads
    command = apply(stage, warehouse, nodes, 2)
    done(warehouse, command)
    assert sorted(x[1] for x in nodes.said("GET")) == addresses(warehouse)
    assert all(a.startswith(HERE) for a in addresses(warehouse))
    for _, _, path, headers, body in nodes.asked:
        assert (path, body) == ("/api/health?full=1", b"")
        assert set(headers) <= {"Host", "User-Agent"}
    assert actions(warehouse, command)[-1] == "RunInstances"
    assert "xyzzy" not in (stage.dir / "peers/agent.log").read_text()


def test_a_node_that_leads_elsewhere_is_not_followed_and_not_healthy_until_it_says_so(stage, warehouse, nodes):
    nodes.answers["GET"] = 302
    command = apply(stage, warehouse, nodes, 1)
    wait_for(lambda: len(nodes.said("GET")) >= 2, 60, "two questions")
    nodes.answers["GET"] = 200
    done(warehouse, command)
    assert {x[2] for x in nodes.asked} == {"/api/health?full=1"}


def test_a_node_ends_when_it_has_drained(stage, warehouse, nodes):
    done(warehouse, apply(stage, warehouse, nodes, 2))
    nodes.answers["POST"] = 202
    command = apply(stage, warehouse, nodes, 1)
    wait_for(lambda: len(nodes.said("POST")) >= 2, 60, "two questions")
    assert len(warehouse.nodes()) == 2
    nodes.answers["POST"] = 204
    done(warehouse, command)
    assert len(warehouse.nodes()) == 1
    (drained,) = {x[1] for x in nodes.said("POST")}
    assert drained not in addresses(warehouse)


def test_a_node_that_does_not_drain_stays(stage, warehouse, nodes):
    done(warehouse, apply(stage, warehouse, nodes, 2))
    nodes.answers["POST"] = 404
    result = warehouse.result(apply(stage, warehouse, nodes, 1))
    assert (result["state"], result["error"]["class"]) == ("ROLLED_BACK", "PRECONDITION"), result
    assert result["error"]["action"] == "node:POST"
    assert "with HTTP 404" in result["error"]["message"]
    assert len(warehouse.nodes()) == 2
    assert len(nodes.said("POST")) == 1


def reboot(stage, warehouse, nodes, *more):
    asks = ["--health", f"{nodes.port}/api/health", "--drain", f"60s:{nodes.port}/api/drain"]
    return stage.vendor("reboot", warehouse.id, "be", *asks, *more, *warehouse.signed())


def test_a_batch_that_reboots_is_drained_before_and_healthy_behind_it(stage, warehouse, nodes):
    done(warehouse, apply(stage, warehouse, nodes, 2))
    nodes.asked.clear()
    command = reboot(stage, warehouse, nodes, "--batch", "2")
    wait_for(lambda: len(nodes.said("POST")) == 2, 60, "two that drain")
    result = warehouse.result(command, 240)
    assert result["state"] == "SUCCEEDED", result
    assert [(x[0], x[2]) for x in nodes.asked] == [("POST", "/api/drain")] * 2 + [("GET", "/api/health")] * 2
    assert sorted(x[1] for x in nodes.said("GET")) == sorted(x[1] for x in nodes.said("POST")) == addresses(warehouse)
    assert actions(warehouse, command) == ["RebootInstances"]


def test_a_node_that_does_not_drain_is_not_rebooted(stage, warehouse, nodes):
    done(warehouse, apply(stage, warehouse, nodes, 1))
    nodes.answers["POST"] = 404
    command = reboot(stage, warehouse, nodes)
    result = warehouse.result(command)
    assert (result["state"], result["error"]["class"]) == ("ROLLED_BACK", "PRECONDITION"), result
    assert result["error"]["action"] == "node:POST"
    assert actions(warehouse, command) == []


def test_a_reboot_asks_nobody_beyond_the_policy(stage, warehouse, nodes):
    done(warehouse, apply(stage, warehouse, nodes, 1))
    nodes.asked.clear()
    result = warehouse.result(
        stage.vendor("reboot", warehouse.id, "be", "--health", f"{nodes.port}/health", *warehouse.signed())
    )
    assert result["state"] == "DENIED", result
    assert f"bounds.node_http does not hold port {nodes.port} with path /health" in result["error"]["message"]
    assert nodes.asked == []


def test_what_the_policy_does_not_hold_is_asked_of_nobody(stage, warehouse, nodes):
    stage.write_policy(policy(stage).replace("subnets: [", f"subnets: [{stage.aws['here']['subnet_id']}, "))
    result = warehouse.result(apply(stage, warehouse, nodes, 1))
    assert result["state"] == "DENIED", result
    assert f"bounds.node_http does not hold port {nodes.port}" in result["error"]["message"]
    assert nodes.asked == []
    assert warehouse.nodes() == []
