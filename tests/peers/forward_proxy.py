"""A forward proxy on loopback: it connects (CONNECT) and tunnels, with or without a name and a password.

    python -m tests.peers.forward_proxy --listen 127.0.0.1:0 --dir D --to control.demo.example:443=127.0.0.1:8443

It looks up no names: it leads to the places that --to names, and answers 502 for any other. Reads from D at each request, so that a
test may change the world while it runs:
    rules.json      {"pair"?: "user:password" that it wants, "answer"?: status, "do"?: "hang" | "close"}
Writes requests.jsonl: {"time", "method", "target", "status", "headers"}, of requests that are no CONNECT, too.
"""

import argparse
import base64
import contextlib
import pathlib
import select
import socket
import time

from tests.peers import web

CHUNK = 65_536


class Handler(web.Handler):
    def do_CONNECT(self):
        rules = web.read_json(self.server.folder / "rules.json", {})
        wanted = "Basic " + base64.b64encode(rules["pair"].encode()).decode() if rules.get("pair") else None
        self.close_connection = True
        if rules.get("do") == "hang":
            self.log(None)
            while not self.is_gone():
                time.sleep(0.05)
        elif rules.get("do") == "close":
            self.log(None)
        elif rules.get("answer"):
            self.refuse(rules["answer"])
        elif wanted and self.headers.get("Proxy-Authorization") != wanted:
            self.refuse(407, [("Proxy-Authenticate", 'Basic realm="proxy"')])
        elif self.path not in self.server.places:
            self.refuse(502)
        else:
            self.lead(self.server.places[self.path])

    def do_GET(self):
        self.body()
        self.close_connection = True
        self.refuse(405)

    do_POST = do_PUT = do_HEAD = do_GET

    def refuse(self, status, headers=()):
        self.log(status)
        self.answer(status, "<html>the proxy</html>", "text/html", headers)

    def lead(self, place):
        with contextlib.closing(socket.create_connection(place, 5)) as there:
            self.log(200)
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.wfile.flush()
            pairs = {self.connection: there, there: self.connection}
            while True:
                for side in select.select(list(pairs), [], [], 120)[0]:
                    data = side.recv(CHUNK)
                    if not data:
                        return
                    pairs[side].sendall(data)

    def log(self, status):
        line = {"time": time.time(), "method": self.command, "target": self.path, "status": status}
        self.server.requests.append(line | {"headers": dict(self.headers.items())})


class ForwardProxy(web.Server):
    def __init__(self, address, folder, places):
        self.folder = pathlib.Path(folder)
        self.requests = web.Lines(self.folder / "requests.jsonl")
        self.places = places
        super().__init__(address, Handler)


def place(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    p = argparse.ArgumentParser(prog="python -m tests.peers.forward_proxy", description="a forward proxy on loopback")
    p.add_argument("--listen", type=place, default=("127.0.0.1", 0), metavar="HOST:PORT")
    p.add_argument("--dir", required=True, help="folder of rules.json, requests.jsonl")
    p.add_argument("--to", action="append", default=[], metavar="HOST:PORT=HOST:PORT", help="where a name leads")
    args = p.parse_args()
    pathlib.Path(args.dir).mkdir(parents=True, exist_ok=True)
    places = {name: place(to) for name, _, to in (item.partition("=") for item in args.to)}
    web.serve(ForwardProxy(args.listen, args.dir, places), args.listen[0])


if __name__ == "__main__":
    main()
