"""The agent's side of the wire, as short as it can be: how to log in, prove possession, poll and send telemetry.

    client = Client(url, "inst-1", "us-east-1", aws_keys)      # aws_keys: AccessKeyId, SecretAccessKey, Token
    client.login()
    intent = client.poll(control.Report(), wait_s=20)
    client.send("logs", export_request, batch="0011223344556677")

The tests speak to the plane through it, and it is a worked example for whoever writes another agent.
"""

import gzip
import hashlib
import http.client
import json
import ssl
import urllib.parse
import uuid

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from opentelemetry._opamp.proto import opamp_pb2 as pb

from tests.peers.pb import control
from tests.vendor import keys, login, proof
from tests.vendor.opamp import CAPABILITY, gunzip


class Answer(Exception):
    """An answer that is not 200."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status, self.headers, self.body = status, headers, body

    @property
    def error(self):
        return json.loads(self.body)["error"]


class Client:
    def __init__(self, url, installation, region, aws_keys, ca_file=None, audience=None):
        self.url = urllib.parse.urlsplit(url)
        self.audience = audience or self.url.hostname
        self.installation, self.region, self.aws_keys = installation, region, aws_keys
        self.tls = ssl.create_default_context(cafile=ca_file) if self.url.scheme == "https" else None
        self.channel = Ed25519PrivateKey.generate()
        self.journal_key = keys.Key.new().public
        self.uid = uuid.uuid4().bytes
        self.token, self.counter, self.sequence_num = None, 0, 0

    def raw(self, path, body, headers):
        """One POST on a connection of its own; the body of its 200, or Answer."""
        if self.tls:
            connection = http.client.HTTPSConnection(self.url.hostname, self.url.port, timeout=60, context=self.tls)
        else:
            connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.getheader("Content-Encoding") == "gzip":
            data = gunzip(data, 4 << 20)
        if answer.status != 200:
            raise Answer(answer.status, answer.headers, data)
        return data

    # ---- login ----

    def challenge(self):
        return json.loads(self.raw("/reeve/v1/challenge", b"", {}))["challenge"]

    def signed_identity(self, challenge, body=login.BODY, host=None, **changes):
        """The `sts` member of a login: GetCallerIdentity with our headers among the signed ones.

        changes replaces headers before signing, by name with _ for -; None leaves one out.
        """
        host = host or f"sts.{self.region}.amazonaws.com"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Host": host,
            "X-Reeve-Audience": self.audience,
            "X-Reeve-Challenge": challenge,
            "X-Reeve-Channel": keys.b64url(hashlib.sha256(self.channel.public_key().public_bytes_raw()).digest()),
        }
        changes = {name.replace("_", "-").title(): value for name, value in changes.items()}
        headers = {n: v for n, v in (headers | changes).items() if v is not None}
        request = AWSRequest("POST", f"https://{host}/", headers, body)
        k = self.aws_keys
        credentials = Credentials(k["AccessKeyId"], k["SecretAccessKey"], k["Token"])
        SigV4Auth(credentials, "sts", self.region).add_auth(request)
        return {"host": host, "headers": [[n, v] for n, v in request.headers.items()], "body": body}

    def login_request(self, sts):
        return {
            "installation": self.installation,
            "channel_key": keys.b64url(self.channel.public_key().public_bytes_raw()),
            "journal_key": keys.b64url(self.journal_key),
            "sts": sts,
        }

    def login(self, sts=None):
        request = self.login_request(sts or self.signed_identity(self.challenge()))
        answer = self.raw("/reeve/v1/login", json.dumps(request).encode(), {"Content-Type": "application/json"})
        self.token, self.counter = json.loads(answer)["token"], 0
        return json.loads(answer)

    # ---- requests of a session ----

    def proof(self, path, body):
        """The two headers that show whose session this is; each call takes a new counter."""
        self.counter += 1
        message = proof.signed_message("POST", path, body, self.counter, self.token)
        sig = keys.b64url(self.channel.sign(message))
        return {"Authorization": f"Reeve {self.token}", "Reeve-Proof": f"v1 {self.counter} {sig}"}

    def post(self, path, body, **more):
        body = gzip.compress(body)
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
        return self.raw(path, body, headers | self.proof(path, body) | more)

    def message(self, report):
        """The next AgentToServer. The first one says everything, later ones what changed."""
        message = pb.AgentToServer(instance_uid=self.uid, sequence_num=self.sequence_num)
        message.capabilities = pb.AgentCapabilities_ReportsStatus | pb.AgentCapabilities_ReportsHeartbeat
        if self.sequence_num == 0:
            name = message.agent_description.identifying_attributes.add(key="service.name")
            name.value.string_value = "reference-client"
            message.custom_capabilities.capabilities.append(CAPABILITY)
        message.custom_message.capability = CAPABILITY
        message.custom_message.type = "report"
        message.custom_message.data = report.SerializeToString()
        self.sequence_num += 1
        return message

    def exchange(self, message, wait_s=0):
        prefer = {"Prefer": f"wait={wait_s}"} if wait_s else {}
        return pb.ServerToAgent.FromString(self.post("/v1/opamp", message.SerializeToString(), **prefer))

    def poll(self, report, wait_s=0):
        """Sends a report, returns the Intent."""
        answer = self.exchange(self.message(report), wait_s)
        return control.Intent.FromString(answer.custom_message.data)

    def send(self, kind, request, batch):
        return self.post(f"/v1/{kind}", request.SerializeToString(), **{"Reeve-Batch-Id": batch})
