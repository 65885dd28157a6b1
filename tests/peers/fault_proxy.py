"""A reverse proxy in front of moto that goes wrong in the ways AWS does, and keeps a list of every call.

    python -m tests.peers.fault_proxy --listen 127.0.0.1:5001 --upstream http://127.0.0.1:5000 --dir D [--tls T]

With --tls it speaks TLS with T/server.pem and T/server.key, which are read again for each connection.
Requests go on byte for byte, Host included, so that their signatures stay good. D/rules.json is read again at each call:

    {"rules": [{"match": {"service"?, "action"?, "access_key"?, "nth"?, "every"?}, "times"?: n, "do": ...}],
     "expired_keys": ["ASIA..."]}

The first rule that fires decides. service is ec2, sts, elasticloadbalancing, s3, ...; action a name or a prefix ending
in *; nth and every count the calls that match the rest; times is how often the rule fires at most (default: always).
A rule that stays the same in a rewritten file keeps its counts; give it an "id" of its own to begin anew.

    "throttle"      503 RequestLimitExceeded from EC2, 400 Throttling from the others; with "hint_ms", x-amz-retry-after
    "capacity"      500 InsufficientInstanceCapacity
    "error"         with "status", "code", "message"
    "reset-before"  the connection is reset, AWS never saw the call
    "reset-after"   AWS carried it out, the answer is lost
    "close-before"  the connection ends in order, without an answer, and AWS never saw the call
    "close-after"   the same, but AWS carried it out
    "hold"          AWS carried it out, the answer waits for the file D/release; D/held exists meanwhile
    "delay"         with "seconds", then as usual
    "drip"          AWS carried it out, the answer begins and never ends: a byte every "seconds" (0.1) until the peer has gone
    "flood"         AWS carried it out, the answer is followed by "bytes" blanks (16 MiB)
    "page"          502 with a page of HTML, as a forward proxy or a balancer writes it; AWS never saw the call
    "page-after"    the same, but AWS carried it out
    "clock"         AWS's clock is "seconds" ahead of ours: its Date says so, and what is signed more than 5 minutes off it is refused
    "unseen"        the answer of a Describe of EC2, without anything in its lists

expired_keys are refused as AWS does: EC2 400 RequestExpired, the others 403 ExpiredToken.
D/calls.jsonl has a line for each call, in the order they ended: {"time", "n", "service", "action", "access_key",
"user_agent", "params", "mutating", "status", "upstream_status", "fault"}.
"""

import argparse
import contextlib
import datetime
import email.utils
import http.client
import itertools
import json
import pathlib
import re
import ssl
import threading
import time
import urllib.parse
import uuid

from tests.peers import web

CREDENTIAL = re.compile(r"Credential=([A-Z0-9]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
READS = ("Describe", "Get", "List", "Head")
READ_ACTIONS = ("AssumeRole", "DecodeAuthorizationMessage")
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection"}
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
CLOCK_S = 300  # how far off a signature's time may be
LIST = re.compile(rb"<([a-zA-Z]+Set)>.*</\1>", re.DOTALL)
NAMESPACES = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}


class Call:
    """One request of the agent, read as far as rules and the list need it."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        match = CREDENTIAL.search(headers.get("Authorization") or "")
        self.access_key, _, self.service = match.groups() if match else ("", "", "")
        form = urllib.parse.parse_qs(body.decode("latin-1"), keep_blank_values=True) if self.is_form() else {}
        self.params = {name: values[0] if len(values) == 1 else values for name, values in form.items()}
        if "X-Amz-Security-Token" in self.params:
            self.params["X-Amz-Security-Token"] = "(left out)"
        target = (headers.get("X-Amz-Target") or "").rpartition(".")[2]
        self.action = str(self.params.get("Action") or target or f"{method.title()}Object")
        self.mutating = not self.action.startswith(READS) and self.action not in READ_ACTIONS

    def signed_at(self):
        """When its signature was made, by the clock of who made it; None of one without."""
        with contextlib.suppress(ValueError):
            text = self.headers.get("X-Amz-Date") or ""
            return datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC).timestamp()
        return None

    def is_form(self):
        return (self.headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded")


class Rules:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.matched = {}
        self.fired = {}

    def read(self):
        value = web.read_json(self.path, {})
        return {"rules": value} if isinstance(value, list) else value

    def next(self, call):
        """The rule that this call fires, or None."""
        value = self.read()
        if call.access_key in value.get("expired_keys", []):
            return {"do": "expired"}
        with self.lock:
            for rule in value.get("rules", []):
                if self._fires(rule, call):
                    return rule
        return None

    def _fires(self, rule, call):
        match, name = rule.get("match", {}), json.dumps(rule, sort_keys=True)
        if not all(is_like(getattr(call, n), match[n]) for n in ("service", "action", "access_key") if n in match):
            return False
        n = self.matched[name] = self.matched.get(name, 0) + 1
        fired = self.fired.get(name, 0)
        if n != match.get("nth", n) or n % match.get("every", 1) or fired >= rule.get("times", fired + 1):
            return False
        self.fired[name] = fired + 1
        return True


def is_like(value, pattern):
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def error_xml(service, code, message, status):
    """The body of an error in the shape of the service it comes from."""
    request_id = uuid.uuid4()
    if service == "ec2":
        inner = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        body = f"<Response>{inner}<RequestID>{request_id}</RequestID></Response>"
    elif service == "s3":
        inner = f"<Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId>"
        body = f"<Error>{inner}</Error>"
    else:
        kind = "Sender" if status < 500 else "Receiver"
        inner = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        namespace = NAMESPACES.get(service, "https://amazonaws.com/")
        body = f'<ErrorResponse xmlns="{namespace}">{inner}<RequestId>{request_id}</RequestId></ErrorResponse>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()


def error_of(rule, service):
    """(status, code, message) of a rule that answers itself, or None."""
    is_ec2 = service == "ec2"
    table = {
        "throttle": (503, "RequestLimitExceeded", "Request limit exceeded.")
        if is_ec2
        else (400, "Throttling", "Rate exceeded"),
        "capacity": (500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity in this zone."),
        "expired": (400, "RequestExpired", "Request has expired.")
        if is_ec2
        else (403, "ExpiredToken", "The security token included in the request is expired"),
        "late": (400, "RequestExpired", "Request has expired.")
        if is_ec2
        else (403, "SignatureDoesNotMatch", "Signature expired: its time is too far from ours."),
        "error": (
            rule.get("status", 500),
            rule.get("code", "InternalError"),
            rule.get("message", "An error on purpose."),
        ),
    }
    return table.get(rule["do"])


class Handler(web.Handler):
    def handle_call(self):
        call = Call(self.command, self.path, self.headers, self.body())
        rule = self.server.rules.next(call) or {"do": None}
        do = rule["do"]
        if do == "clock" and self.is_off(call, rule):
            do = "late"
        error = error_of(rule | {"do": do}, call.service)
        if error:
            self.refuse(call, rule, do, error)
        elif do in ("reset-before", "close-before"):
            self.note(call, do, None, None)
            self.part(do)
        elif do == "page":
            self.note(call, do, 502, None)
            self.answer(502, PAGE, "text/html")
        else:
            self.pass_on(call, rule)

    def is_off(self, call, rule):
        """Whether this clock refuses what was signed by another one."""
        return abs((call.signed_at() or 0) - time.time() - rule["seconds"]) > CLOCK_S

    def refuse(self, call, rule, do, error):
        status, code, message = error
        self.note(call, do, status, None)
        headers = [("x-amzn-RequestId", str(uuid.uuid4())), *self.date(rule)]
        if "hint_ms" in rule:
            headers.append(("x-amz-retry-after", str(rule["hint_ms"])))
        self.answer(status, error_xml(call.service, code, message, status), "text/xml;charset=UTF-8", headers)

    def date(self, rule):
        """The header of a clock that is not ours, as a list."""
        is_other = rule["do"] == "clock"
        return [("Date", email.utils.formatdate(time.time() + rule["seconds"], usegmt=True))] if is_other else []

    def pass_on(self, call, rule):
        do = rule["do"]
        if do == "delay":
            time.sleep(rule.get("seconds", 1))
        status, headers, body = self.forward(call)
        if do == "unseen":
            body = LIST.sub(rb"<\1/>", body)
        if do == "clock":
            headers = [h for h in headers if h[0].lower() != "date"] + self.date(rule)
        if do == "hold" and not self.hold(call):
            self.note(call, do, None, status)
            self.close_connection = True
        elif do in ("reset-after", "close-after"):
            self.note(call, do, None, status)
            self.part(do)
        elif do == "page-after":
            self.note(call, do, 502, status)
            self.answer(502, PAGE, "text/html")
        elif do == "drip":
            self.note(call, do, None, status)
            self.drip(status, headers, body, rule.get("seconds", 0.1))
        else:
            self.note(call, do, status, status)
            self.answer(status, body + b" " * (rule.get("bytes", 16 << 20) if do == "flood" else 0), None, headers)

    def part(self, do):
        if do.startswith("reset"):
            self.reset()
        self.close_connection = True

    def drip(self, status, headers, body, seconds):
        """A head that promises all of it, and then bytes that never come to an end."""
        self.close_connection = True
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", str(len(body) + (1 << 20)))]:
            self.send_header(name, value)
        self.end_headers()
        for at in itertools.count():
            if self.is_gone():
                return
            self.wfile.write(body[at : at + 1] or b" ")
            time.sleep(seconds)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_call

    def forward(self, call):
        """(status, headers, body) of the upstream."""
        connection = http.client.HTTPConnection(self.server.upstream, timeout=60)
        try:
            connection.putrequest(call.method, call.path, skip_host=True, skip_accept_encoding=True)
            for name, value in call.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(call.body)))
            connection.endheaders(call.body)
            answer = connection.getresponse()
            headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in HOP_BY_HOP]
            return answer.status, headers, answer.read()
        except (OSError, http.client.HTTPException) as e:
            return 502, [("Content-Type", "text/plain")], f"the upstream cannot be reached: {e}\n".encode()
        finally:
            connection.close()

    def hold(self, call):
        """Waits for D/release; False when the peer went away before."""
        held, release = self.server.folder / "held", self.server.folder / "release"
        web.write_json(held, {"action": call.action, "service": call.service, "time": time.time()})
        while not release.exists():
            if self.is_gone():
                held.unlink(missing_ok=True)
                return False
            time.sleep(0.01)
        held.unlink(missing_ok=True)
        return True

    def note(self, call, fault, status, upstream_status):
        line = {"time": time.time(), "n": next(self.server.numbers), "service": call.service, "action": call.action}
        line |= {"access_key": call.access_key, "user_agent": self.headers.get("User-Agent"), "params": call.params}
        line |= {"mutating": call.mutating, "status": status, "upstream_status": upstream_status, "fault": fault}
        self.server.calls.append(line)


class FaultProxy(web.Server):
    def __init__(self, listen, upstream, folder, tls=None):
        """tls: the folder of its certificate."""
        self.folder, self.tls = pathlib.Path(folder), tls and pathlib.Path(tls)
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.rules = Rules(self.folder / "rules.json")
        self.calls = web.Lines(self.folder / "calls.jsonl")
        self.numbers = itertools.count(1)
        super().__init__(listen, Handler)

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.tls / "server.pem", self.tls / "server.key")
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


def main():
    p = argparse.ArgumentParser(prog="python -m tests.peers.fault_proxy", description="moto, going wrong as AWS does")
    p.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT")
    p.add_argument("--upstream", required=True, metavar="URL")
    p.add_argument("--dir", required=True, help="folder of rules.json, calls.jsonl, held, release")
    p.add_argument("--tls", metavar="FOLDER", help="of server.pem and server.key")
    args = p.parse_args()
    pathlib.Path(args.dir).mkdir(parents=True, exist_ok=True)
    host, _, port = args.listen.rpartition(":")
    server = FaultProxy((host, int(port)), args.upstream, args.dir, args.tls)
    web.serve(server, host)


if __name__ == "__main__":
    main()
