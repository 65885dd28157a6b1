import json
import socket
import ssl
import threading

import boto3
import botocore.exceptions
import pytest

from tests.peers import process, web
from tests.peers.fault_proxy import FaultProxy
from tests.vendor import keys


class Proxied:
    """The proxy before moto, and clients that go through it with the keys of the instance."""

    def __init__(self, folder, moto, world):
        self.folder, self.moto, self.world = folder, moto, world
        self.server = FaultProxy(("127.0.0.1", 0), moto.url, folder)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True, args=(0.05,)).start()

    def client(self, service, keys=None):
        return self.moto.client(service, keys or self.world["keys"][0], url=self.url)

    def operator(self):
        sts = self.moto.client("sts", self.world["keys"][0])
        made = sts.assume_role(RoleArn=self.world["operate_role_arn"], RoleSessionName="op")["Credentials"]
        return self.client("ec2", made)

    def launch(self, ec2):
        what = {"ImageId": self.world["image_id"], "InstanceType": "m6i.large", "ClientToken": "token-1"}
        return ec2.run_instances(MinCount=1, MaxCount=1, **what)["Instances"][0]["InstanceId"]

    def instances(self):
        reader = self.moto.client("ec2", self.world["reader"])
        return {i["InstanceId"] for r in reader.describe_instances()["Reservations"] for i in r["Instances"]}

    def rules(self, *rules, **more):
        web.write_json(self.folder / "rules.json", {"rules": rules} | more)

    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]


@pytest.fixture
def proxy(tmp_path, moto, world):
    proxied = Proxied(tmp_path, moto, world)
    yield proxied
    proxied.server.shutdown()
    proxied.server.server_close()


def error(call, **arguments):
    """(status, code) that a call is refused with."""
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**arguments)
    response = e.value.response
    assert response["ResponseMetadata"]["HTTPHeaders"]["date"]
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_signed_calls_pass_and_are_listed(proxy, world):
    assert proxy.client("sts").get_caller_identity()["Account"] == world["account"]
    launched = proxy.launch(proxy.operator())
    assert launched in proxy.instances()
    who, run = proxy.calls()
    assert (who["n"], who["service"], who["action"], who["status"]) == (1, "sts", "GetCallerIdentity", 200)
    assert who["access_key"] == world["keys"][0]["AccessKeyId"] and not who["mutating"] and who["fault"] is None
    assert (run["action"], run["mutating"], run["upstream_status"]) == ("RunInstances", True, 200)
    assert run["params"]["ClientToken"] == "token-1" and "Boto3" in run["user_agent"]
    assert world["keys"][0]["Token"] not in (proxy.folder / "calls.jsonl").read_text()


@pytest.mark.parametrize(
    ("service", "call", "said"),
    [
        ("ec2", "describe_vpcs", (503, "RequestLimitExceeded")),
        ("sts", "get_caller_identity", (400, "Throttling")),
        ("elbv2", "describe_load_balancers", (400, "Throttling")),
    ],
)
def test_throttling_as_each_service_says_it(proxy, service, call, said):
    proxy.rules({"match": {}, "times": 1, "do": "throttle"})
    client = proxy.client(service)
    assert error(getattr(client, call)) == said
    getattr(client, call)()


@pytest.mark.parametrize(
    ("service", "call", "said"),
    [
        ("ec2", "describe_vpcs", (400, "RequestExpired")),
        ("sts", "get_caller_identity", (403, "ExpiredToken")),
        ("elbv2", "describe_load_balancers", (403, "ExpiredToken")),
    ],
)
def test_expired_keys_are_refused_as_each_service_says_it(proxy, world, service, call, said):
    proxy.rules(expired_keys=[world["keys"][0]["AccessKeyId"]])
    assert error(getattr(proxy.client(service), call)) == said
    getattr(proxy.client(service, world["keys"][1]), call)()


def test_rules_choose_by_service_action_key_and_number(proxy, world):
    proxy.rules(
        {"match": {"service": "ec2", "action": "DescribeVpcs", "nth": 2}, "do": "capacity"},
        {"match": {"action": "DescribeSub*", "every": 2}, "do": "error", "status": 400, "code": "Odd", "message": "m"},
        {"match": {"access_key": world["keys"][1]["AccessKeyId"]}, "times": 1, "do": "throttle"},
    )
    ec2 = proxy.client("ec2")
    ec2.describe_vpcs()
    assert error(ec2.describe_vpcs) == (500, "InsufficientInstanceCapacity")
    ec2.describe_vpcs()
    for _ in range(2):
        ec2.describe_subnets()
        assert error(ec2.describe_subnets) == (400, "Odd")
    other = proxy.client("ec2", world["keys"][1])
    assert error(other.describe_vpcs) == (503, "RequestLimitExceeded")
    other.describe_vpcs()
    assert [c["fault"] for c in proxy.calls() if c["fault"]] == ["capacity", "error", "error", "throttle"]


@pytest.mark.parametrize(
    ("do", "launched"), [("reset-before", 0), ("reset-after", 1), ("close-before", 0), ("close-after", 1)]
)
def test_a_lost_connection_leaves_the_call_undone_or_done(proxy, do, launched):
    ec2, before = proxy.operator(), proxy.instances()
    proxy.rules({"match": {"action": "RunInstances"}, "do": do})
    with pytest.raises(botocore.exceptions.HTTPClientError):
        proxy.launch(ec2)
    assert len(proxy.instances() - before) == launched
    call = proxy.calls()[-1]
    assert (call["fault"], call["status"], call["upstream_status"]) == (do, None, 200 if launched else None)


def test_an_answer_is_held_until_it_is_released(proxy):
    ec2, before = proxy.operator(), proxy.instances()
    proxy.rules({"match": {"action": "RunInstances"}, "do": "hold"})
    answers = []
    asking = threading.Thread(target=lambda: answers.append(proxy.launch(ec2)))
    asking.start()
    held = process.wait_for(lambda: web.read_json(proxy.folder / "held"))
    assert held["action"] == "RunInstances" and not answers
    (proxy.folder / "release").touch()
    asking.join(5)
    assert set(answers) == proxy.instances() - before
    assert not (proxy.folder / "held").exists()


def impatient(proxy, given):
    """A client that waits for half a second."""
    config = botocore.config.Config(read_timeout=0.5, retries={"total_max_attempts": 1})
    names = {
        "aws_access_key_id": "AccessKeyId",
        "aws_secret_access_key": "SecretAccessKey",
        "aws_session_token": "Token",
    }
    how = {n: given[v] for n, v in names.items()}
    return boto3.client("ec2", "us-east-1", endpoint_url=proxy.url, config=config, **how)


def test_a_held_answer_is_forgotten_when_the_asker_dies(proxy, world):
    proxy.rules({"match": {"action": "DescribeVpcs"}, "do": "hold"})
    ec2 = impatient(proxy, world["keys"][0])
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        ec2.describe_vpcs()
    ec2.close()
    process.wait_for(lambda: proxy.calls()[-1:], what="the call is listed")
    assert proxy.calls()[-1]["fault"] == "hold" and proxy.calls()[-1]["status"] is None


def test_a_delay_only_takes_time(proxy):
    proxy.rules({"match": {}, "do": "delay", "seconds": 0.2})
    assert proxy.client("sts").get_caller_identity()["Account"]
    assert proxy.calls()[-1]["fault"] == "delay"


def test_a_hint_travels_with_a_throttle(proxy):
    proxy.rules({"match": {}, "times": 1, "do": "throttle", "hint_ms": 700})
    with pytest.raises(botocore.exceptions.ClientError) as e:
        proxy.client("ec2").describe_vpcs()
    assert e.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-retry-after"] == "700"


@pytest.mark.parametrize(("do", "launched"), [("page", 0), ("page-after", 1), ("drip", 1)])
def test_an_answer_that_is_none_leaves_the_call_undone_or_done(proxy, world, do, launched):
    sts = proxy.moto.client("sts", world["keys"][0])
    made = sts.assume_role(RoleArn=world["operate_role_arn"], RoleSessionName="op")["Credentials"]
    before = proxy.instances()
    proxy.rules({"match": {"action": "RunInstances"}, "do": do, "seconds": 0.7})
    with pytest.raises((botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError)):
        proxy.launch(impatient(proxy, made | {"Token": made["SessionToken"]}))
    assert len(proxy.instances() - before) == launched
    call = proxy.calls()[-1]
    assert (call["fault"], call["upstream_status"]) == (do, 200 if launched else None)


def test_a_flood_is_the_answer_and_more(proxy):
    proxy.rules({"match": {}, "do": "flood", "bytes": 1000})
    answer = proxy.client("ec2").describe_vpcs()
    assert answer["Vpcs"] and int(answer["ResponseMetadata"]["HTTPHeaders"]["content-length"]) > 1000


@pytest.mark.parametrize(("seconds", "said"), [(400, (400, "RequestExpired")), (-400, (400, "RequestExpired"))])
def test_a_clock_of_its_own_refuses_what_is_signed_by_ours(proxy, seconds, said):
    proxy.rules({"match": {}, "do": "clock", "seconds": seconds})
    assert error(proxy.client("ec2").describe_vpcs) == said
    assert error(proxy.client("sts").get_caller_identity) == (403, "SignatureDoesNotMatch")
    proxy.rules({"match": {}, "do": "clock", "seconds": 200})
    assert proxy.client("ec2").describe_vpcs()["Vpcs"]


def test_what_is_unseen_is_in_no_list(proxy, world):
    proxy.rules({"match": {"action": "DescribeInstances"}, "times": 1, "do": "unseen"})
    ec2 = proxy.client("ec2")
    assert ec2.describe_instances()["Reservations"] == []
    assert ec2.describe_instances()["Reservations"] != []


def test_tls_takes_the_certificate_that_lies_there_now(tmp_path, moto):
    server = FaultProxy(("127.0.0.1", 0), moto.url, tmp_path, tmp_path)
    threading.Thread(target=server.serve_forever, daemon=True, args=(0.05,)).start()
    for name in ("one.example", "other.example"):
        keys.new_certificate(tmp_path, [name])
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with socket.create_connection(("127.0.0.1", server.server_port), 5) as plain:
            context.wrap_socket(plain, server_hostname=name).close()
        (tmp_path / "server.key").unlink()  # a key is never written over
    server.shutdown()
    server.server_close()
