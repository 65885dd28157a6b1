"""Login: believes that a caller holds a role because AWS STS says so about a request made for this login alone.

The agent signs sts:GetCallerIdentity with our challenge, our name and the hash of its session key among the *signed*
headers; we check all of that ourselves (STS does not), forward the request to an STS endpoint of our own list, and
believe nothing but its 200. Each check below has a test that breaks it.
"""

import datetime
import hashlib
import http.client
import re
import secrets
import threading
import time
import urllib.parse
from xml.parsers import expat

from tests.vendor import keys
from tests.vendor.refusal import Refusal

BODY = "Action=GetCallerIdentity&Version=2011-06-15"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
SIGNED = {
    "content-type",
    "host",
    "x-amz-date",
    "x-amz-security-token",
    "x-reeve-audience",
    "x-reeve-challenge",
    "x-reeve-channel",
}
ALLOWED = SIGNED | {"accept", "authorization", "content-length", "user-agent", "x-amz-content-sha256"}
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([A-Z0-9]{16,128})/([0-9]{8})/([a-z0-9-]+)/sts/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
ARN = re.compile(r"arn:aws[a-z-]*:sts::([0-9]{12}):assumed-role/([\w+=,.@-]+)/([\w+=,.@-]+)")
CHALLENGE_S = 60
CLOCK_S = 15 * 60
MOST_CHALLENGES = 10_000


class Challenges:
    """Handed out once, accepted once, within a minute. They are in memory: after a restart the agent asks again."""

    def __init__(self):
        self.lock = threading.Lock()
        self.expires = {}

    def new(self):
        now = time.monotonic()
        challenge = keys.b64url(secrets.token_bytes(32))
        with self.lock:
            self.expires = {c: t for c, t in self.expires.items() if t > now}
            if len(self.expires) >= MOST_CHALLENGES:
                raise Refusal(503, "too many challenges are open: try again in a minute")
            self.expires[challenge] = now + CHALLENGE_S
        return challenge

    def take(self, challenge):
        with self.lock:
            expires = self.expires.pop(challenge, None)
        if expires is None:
            raise Refusal(403, "the challenge is not one of ours or was used before")
        if expires <= time.monotonic():
            raise Refusal(403, "the challenge is expired")


class Login:
    def __init__(self, audience, sts_urls, registry, sessions):
        """sts_urls maps each STS host that may be signed for to the URL that is connected to."""
        self.audience = audience.lower()
        self.sts_urls = sts_urls
        self.registry = registry
        self.sessions = sessions
        self.challenges = Challenges()

    def challenge(self):
        return {"challenge": self.challenges.new(), "expires_in_s": CHALLENGE_S}

    def login(self, request):
        """The answer to POST /reeve/v1/login, or Refusal."""
        installation = text(request, "installation")
        try:
            return self._login(request, installation)
        except Refusal as r:
            r.installation = installation
            raise

    def _login(self, request, installation):
        channel_key = raw_key(request, "channel_key")
        raw_key(request, "journal_key")
        entry = self.registry.get(installation)
        if entry is None:
            raise Refusal(403, "no such installation")
        sts = request.get("sts")
        if not isinstance(sts, dict):
            raise Refusal(400, "sts is missing")
        self._check_request(sts, channel_key, entry)
        arn, user_id, account = read_identity(self._ask_sts(text(sts, "host"), sts["headers"]))
        self._check_identity(entry, arn, user_id, account)
        token = self.sessions.open(installation, channel_key)
        return {"token": token, "expires_in_s": self.sessions.ttl_s}

    def _check_request(self, sts, channel_key, entry):
        host, body = text(sts, "host"), text(sts, "body")
        headers = header_map(sts.get("headers"))
        if host not in self.sts_urls:
            raise Refusal(403, f"{host} is not an STS host of our list")
        if body != BODY:
            raise Refusal(403, "the signed request is not exactly GetCallerIdentity")
        match = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if not match:
            raise Refusal(403, "the Authorization header is not a SigV4 signature for STS")
        _, day, region, signed_list, _ = match.groups()
        signed = signed_list.split(";")
        for name in sorted(SIGNED):
            if name not in headers:
                raise Refusal(403, f"header {name} is missing")
            if name not in signed:
                raise Refusal(403, f"header {name} is not signed")
        if len(set(signed)) != len(signed) or not set(signed) <= set(headers):
            raise Refusal(403, "SignedHeaders repeats a header or names one that is not there")
        if headers["host"] != host:
            raise Refusal(403, "the signed Host is another one than sts.host")
        if region != entry["region"] or not host.startswith(f"sts.{region}."):
            raise Refusal(403, f"signed for region {region}, the installation is in {entry['region']}")
        if headers["content-type"].split(";")[0].strip() != "application/x-www-form-urlencoded":
            raise Refusal(403, "the content type is not that of a form")
        check_date(headers["x-amz-date"], day)
        if headers["x-reeve-audience"] != self.audience:
            raise Refusal(403, f"signed for the audience {headers['x-reeve-audience']!r}, this is {self.audience!r}")
        if headers["x-reeve-channel"] != keys.b64url(hashlib.sha256(channel_key).digest()):
            raise Refusal(403, "X-Reeve-Channel is not the hash of channel_key")
        self.challenges.take(headers["x-reeve-challenge"])

    def _ask_sts(self, host, headers):
        """Sends the signed request as it is, Host included, to the one URL that belongs to its host."""
        url = urllib.parse.urlsplit(self.sts_urls[host])
        connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = connect(url.hostname, url.port, timeout=10)
        try:
            connection.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() != "content-length":
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(BODY)))
            connection.endheaders(BODY.encode())
            answer = connection.getresponse()
            data = answer.read(65_537)
        except (OSError, http.client.HTTPException) as e:
            raise Refusal(503, f"STS cannot be reached: {e}") from None
        finally:
            connection.close()
        if answer.status >= 500:
            raise Refusal(503, f"STS answered {answer.status}")
        if answer.status != 200:
            raise Refusal(403, f"STS answered {answer.status}: {error_code(data)}")
        if len(data) > 65_536:
            raise Refusal(403, "the answer is not one of STS: it is too long")
        return data

    def _check_identity(self, entry, arn, user_id, account):
        match = ARN.fullmatch(arn)
        if not match or match[1] != account:
            raise Refusal(403, f"{arn} is not an assumed role")
        role_id, _, session = user_id.partition(":")
        if session != match[3] or not role_id.startswith("AROA"):
            raise Refusal(403, f"user id {user_id} does not fit {arn}")
        if account != entry["account"]:
            raise Refusal(403, f"account {account} is not the installation's {entry['account']}")
        if match[2] != entry["role"]:
            raise Refusal(403, f"role {match[2]} is not the installation's {entry['role']}")
        if not self.registry.fill_role_id(entry["installation"], role_id):
            raise Refusal(403, f"role id {role_id} is not the installation's: the role was deleted and made anew")


def text(value, name):
    member = value.get(name) if isinstance(value, dict) else None
    if not isinstance(member, str) or not member:
        raise Refusal(400, f"{name} is missing or not a string")
    return member


def raw_key(request, name):
    try:
        key = keys.b64url_decode(text(request, name))
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Refusal(400, f"{name} is not base64url of 32 bytes")
    return key


def header_map(pairs):
    """Lower-case name to value. What is not on the list, comes twice or could smuggle a line is refused."""
    headers = {}
    if not isinstance(pairs, list):
        raise Refusal(400, "sts.headers is not a list")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(p, str) for p in pair):
            raise Refusal(400, "sts.headers holds something else than [name, value]")
        name, value = pair[0].lower(), pair[1]
        if name not in ALLOWED:
            raise Refusal(403, f"header {name!r} is not on the list of those that may be forwarded")
        if name in headers:
            raise Refusal(403, f"header {name} comes twice")
        if not re.fullmatch(r"[\x20-\x7e]{0,8192}", value):
            raise Refusal(403, f"header {name} has a value that is not plain text")
        headers[name] = value
    return headers


def check_date(value, day):
    try:
        date = datetime.datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    except ValueError:
        raise Refusal(403, "X-Amz-Date is not a date") from None
    if not value.startswith(day):
        raise Refusal(403, "X-Amz-Date and the credential scope name different days")
    if abs(date.timestamp() - time.time()) > CLOCK_S:
        raise Refusal(403, "X-Amz-Date is more than 15 minutes off")


def read_identity(data):
    """(Arn, UserId, Account) out of a GetCallerIdentityResponse; every element has its one place, nothing else may."""
    root, result = NAMESPACE + " GetCallerIdentityResponse", NAMESPACE + " GetCallerIdentityResult"
    path, found = [], {}
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name, attributes):
        path.append(name)
        if path[:2] == [root, result] and len(path) == 3:
            if name in found:
                raise ValueError("an element comes twice")
            found[name] = ""

    def characters(data):
        if len(path) == 3 and path[:2] == [root, result]:
            found[path[2]] += data

    def end(name):
        path.pop()

    def doctype(*args):
        raise ValueError("a document type declaration")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, doctype
    try:
        parser.Parse(data, True)
        if set(found) != {f"{NAMESPACE} {n}" for n in ("Arn", "UserId", "Account")}:
            raise ValueError("the elements of GetCallerIdentityResponse are not there")
    except (expat.ExpatError, ValueError) as e:
        raise Refusal(403, f"the answer is not one of STS: {e}") from None
    return tuple(found[f"{NAMESPACE} {n}"].strip() for n in ("Arn", "UserId", "Account"))


def error_code(data):
    match = re.search(rb"<Code>([A-Za-z0-9.]{1,64})</Code>", data)
    return match[1].decode() if match else "no error code"
