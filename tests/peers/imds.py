"""The metadata service of an EC2 instance, version 2 alone, on loopback.

    python -m tests.peers.imds --port 1338 --dir D

Reads from D at each request, so that a test may change the world while it runs:
    keys.json      {"role", "AccessKeyId", "SecretAccessKey", "Token", "Expiration", ...}; absent: no role
    instance.json  {"document": {identity document}, "tags": {name: value}, "domain"?, "partition"?, "tokenless"?: true}
    user-data      what the first boot runs; absent: nothing
    faults.json    [{"path": prefix, "do": "503" | "404" | "hang" | "truncate" | "html", "times"?: n}]
Writes requests.jsonl: {"time", "method", "path", "status", "fault"}.
"""

import argparse
import json
import pathlib
import re
import secrets
import threading
import time

from tests.peers import web

ROLE = "/latest/meta-data/iam/security-credentials/"
TAGS = "/latest/meta-data/tags/instance"
LONGEST_TOKEN_S = 21_600
HTML = (
    '<?xml version="1.0" encoding="iso-8859-1"?>\n<!DOCTYPE html>\n<html><head><title>{0} - {1}</title></head>\n'
    "<body><h1>{0} - {1}</h1></body></html>\n"
)
TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
TITLES |= {503: "Service Unavailable"}


class Handler(web.Handler):
    fault = None

    def do_PUT(self):
        self.serve(self.put)

    def do_GET(self):
        self.serve(self.get)

    def do_POST(self):
        self.serve(lambda: self.fail(405))

    do_DELETE = do_HEAD = do_POST

    def serve(self, act):
        self.close_connection = True
        self.body()
        self.fault = self.server.next_fault(self.path)
        if self.fault == "hang":
            self.log(None)
            while not self.is_gone():
                time.sleep(0.05)
        elif self.fault == "html":
            self.give(HTML.format(200, "OK"), "text/html")
        elif self.fault in ("404", "503"):
            self.fail(int(self.fault))
        else:
            act()

    def put(self):
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds") or ""
        if self.headers.get("X-Forwarded-For") is not None:
            self.fail(403)
        elif self.path != "/latest/api/token":
            self.fail(404)
        elif not ttl.isascii() or not ttl.isdigit() or not 1 <= int(ttl) <= LONGEST_TOKEN_S:
            self.fail(400)
        else:
            token = secrets.token_urlsafe(39) + "=="
            self.server.tokens[token] = time.monotonic() + int(ttl)
            self.give(token, headers=[("X-aws-ec2-metadata-token-ttl-seconds", ttl)])

    def get(self):
        token = self.headers.get("X-aws-ec2-metadata-token") or ""
        # cloud-init asks without a token where the firmware does not say that this is EC2, as in a container.
        is_free = not token and web.read_json(self.server.folder / "instance.json", {}).get("tokenless", False)
        if not is_free and self.server.tokens.get(token, 0) <= time.monotonic():
            self.fail(401)
            return
        found = look_up(self.server.folder, self.path)
        if found is None:
            self.fail(404)
        else:
            self.give(found)

    def give(self, body, content_type="text/plain", headers=()):
        self.log(200)
        if self.fault == "truncate":
            self.send_response_only(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode()[: len(body) // 2])
        else:
            self.answer(200, body, content_type, headers)

    def fail(self, status):
        self.log(status)
        self.answer(status, HTML.format(status, TITLES[status]), "text/html")

    def log(self, status):
        line = {"time": time.time(), "method": self.command, "path": self.path, "status": status}
        self.server.requests.append(line | {"fault": self.fault})


VERSION = re.compile(r"^/20\d\d-\d\d-\d\d(?=/)")


def look_up(folder, path):
    """What the service says at a path, or None."""
    path = VERSION.sub("/latest", path)
    if path == "/latest/user-data":
        return (folder / "user-data").read_text() if (folder / "user-data").exists() else None
    keys = web.read_json(folder / "keys.json")
    instance = web.read_json(folder / "instance.json", {})
    document, tags = instance.get("document", {}), instance.get("tags", {})
    if path in (ROLE, ROLE.rstrip("/")):
        return keys["role"] if keys else None
    if keys and path == ROLE + keys["role"]:
        return json.dumps({name: value for name, value in keys.items() if name != "role"}, indent=2)
    if path.rstrip("/") == TAGS:
        return "\n".join(tags) if tags else None
    if path.startswith(TAGS + "/"):
        return tags.get(path.removeprefix(TAGS + "/"))
    plain = {
        "/latest/dynamic/instance-identity/document": json.dumps(document, indent=2) if document else None,
        "/latest/meta-data/instance-id": document.get("instanceId"),
        "/latest/meta-data/placement/region": document.get("region"),
        "/latest/meta-data/placement/availability-zone": document.get("availabilityZone"),
        "/latest/meta-data/services/domain": instance.get("domain", "amazonaws.com"),
        "/latest/meta-data/services/partition": instance.get("partition", "aws"),
    }
    below = [name.removeprefix(path) for name in plain if path.endswith("/") and name.startswith(path)]
    if below:
        return "\n".join(sorted({name.split("/")[0] + ("/" if "/" in name else "") for name in below}))
    return plain.get(path)


class Imds(web.Server):
    def __init__(self, port, folder, host="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.requests = web.Lines(self.folder / "requests.jsonl")
        self.tokens = {}
        self.lock = threading.Lock()
        self.given = {}
        super().__init__((host, port), Handler)

    def next_fault(self, path):
        """What goes wrong with the request that has just come, if anything."""
        for rule in web.read_json(self.folder / "faults.json", []):
            name = json.dumps(rule, sort_keys=True)
            with self.lock:
                given = self.given.get(name, 0)
                if path.startswith(rule["path"]) and given < rule.get("times", given + 1):
                    self.given[name] = given + 1
                    return rule["do"]
        return None


def main():
    p = argparse.ArgumentParser(prog="python -m tests.peers.imds", description="a metadata service on loopback")
    p.add_argument("--port", type=int, default=0, help="default: any free one; it is printed")
    p.add_argument("--host", default="127.0.0.1", help="address to listen at, IPv6 too; default 127.0.0.1")
    p.add_argument("--dir", required=True, help="folder of keys.json, instance.json, faults.json, requests.jsonl")
    args = p.parse_args()
    pathlib.Path(args.dir).mkdir(parents=True, exist_ok=True)
    server = Imds(args.port, args.dir, args.host)
    web.serve(server, args.host)


if __name__ == "__main__":
    main()
