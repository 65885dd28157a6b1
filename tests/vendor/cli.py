"""The vendor's command line: registers installations, signs commands, shows what became of them, runs the server."""

import argparse
import gzip
import json
import os
import pathlib
import secrets
import signal
import sys
import time
import urllib.parse
import uuid

from tests.peers.pb import control
from tests.vendor import keys, spec, store
from tests.vendor.registry import Registry

EXIT_FAILED, EXIT_TIMEOUT = 1, 3


def uuid7():
    """16 bytes, ascending with time."""
    value = (int(time.time() * 1000) & (2**48 - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return uuid.UUID(int=value).bytes


def seconds(text):
    """90, 90s, 15m, 2h or 1d."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    try:
        return int(number) * unit
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 15m, 2h") from None


def endpoint(text):
    """PORT/PATH: what a node answers."""
    port, slash, path = text.partition("/")
    if not (port.isascii() and port.isdigit() and slash):
        raise argparse.ArgumentTypeError(f"{text!r} is not PORT/PATH such as 8040/api/health")
    return control.NodeEndpoint(port=int(port), path=slash + path)


def drain(text):
    """TIME, TIME:PORT/PATH or PORT/PATH: what is waited, what each node is asked."""
    if "/" not in text:
        return control.Drain(wait_s=seconds(text))
    if ":" not in text.partition("/")[0]:
        return control.Drain(call=endpoint(text))
    wait, _, call = text.partition(":")
    return control.Drain(wait_s=seconds(wait), call=endpoint(call))


def the_installation(args):
    """(registry entry) of --installation, or of the only one there is."""
    registry = Registry(args.data)
    names = [args.installation] if args.installation else registry.names()
    if len(names) != 1:
        raise ValueError(f"name one with --installation: {', '.join(names) or 'none is registered yet'}")
    entry = registry.get(names[0])
    if entry is None:
        raise ValueError(f"installation {names[0]} is not registered")
    return entry


# ---- commands to the agent ----


def issue(args, verb, arguments, target):
    entry = the_installation(args)
    if not entry["role_id"]:
        raise ValueError(
            f"{entry['installation']} has not logged in yet: its role id, which commands are bound to, is unknown"
        )
    signers = [keys.Key.load(args.command_key)]
    if args.release_key:
        signers.append(keys.Key.load(args.release_key))
    now_ms = int(time.time() * 1000)
    command = control.Command(
        schema=1,
        binding=control.Binding(**{name: entry[name] for name in ("installation", "account", "region", "role_id")}),
        epoch=entry["epoch"],
        command_id=uuid7(),
        verb=verb,
        args=arguments.SerializeToString(),
        target=target,
        expect_generation=args.expect_generation,
        expires_at=now_ms + args.expires * 1000,
        deadline_s=args.deadline,
        mode=control.PLAN if args.mode == "plan" else control.EXECUTE,
        approved_plan_hash=bytes.fromhex(args.plan_hash),
        requested_by=args.by,
        reason=args.reason,
    )

    def make(seq):
        command.seq = seq
        return keys.sign(keys.COMMAND_DOMAIN, command.SerializeToString(), *signers)

    order = store.Store(args.data).add(entry["installation"], entry["epoch"], make)
    if args.quiet:
        print(store.id_text(order.id))
    else:
        second = ", second key" if args.release_key else ""
        print(f"signed {verb_name(command.verb)} of {target or 'all'} as {store.id_text(order.id)}")
        print(f"  epoch {order.epoch}, seq {order.seq}, mode {args.mode}{second}, {entry['installation']}")


def verb_name(verb):
    name = control.Verb.Name(verb) if verb in control.Verb.values() else str(verb)
    return name.lower().replace("_", ".")


def apply(args):
    wanted = spec.read(args.spec)
    issue(args, control.WAREHOUSE_APPLY, control.WarehouseApply(spec=wanted), wanted.warehouse)


def delete(args):
    confirm = args.confirm
    if confirm is None and sys.stdin.isatty():
        confirm = input(f"This deletes {args.warehouse} and cannot be undone. Type its id: ")
    if confirm != args.warehouse:
        raise ValueError(f"not confirmed: give --confirm {args.warehouse}")
    arguments = control.WarehouseDelete(warehouse=args.warehouse, confirm=confirm)
    issue(args, control.WAREHOUSE_DELETE, arguments, args.warehouse)


def reboot(args):
    arguments = control.ClusterReboot(
        warehouse=args.warehouse, cluster=args.cluster, batch=args.batch, health=args.health, drain=args.drain
    )
    issue(args, control.CLUSTER_REBOOT, arguments, args.warehouse)


def replace(args):
    wanted = spec.read(args.spec)
    arguments = control.NodesReplace(
        warehouse=wanted.warehouse, cluster=args.cluster, instances=args.instance, spec=wanted
    )
    issue(args, control.NODES_REPLACE, arguments, wanted.warehouse)


def upgrade(args):
    wanted = spec.read(args.spec)
    arguments = control.WarehouseUpgrade(warehouse=wanted.warehouse, spec=wanted, order=args.order, batch=args.batch)
    issue(args, control.WAREHOUSE_UPGRADE, arguments, wanted.warehouse)


def inventory(args):
    issue(args, control.INVENTORY_GET, control.InventoryGet(warehouse=args.warehouse), args.warehouse)


def diag_collect(args):
    issue(args, control.DIAG_COLLECT, control.DiagCollect(hours=args.hours), "")


def diag_send(args):
    issue(args, control.DIAG_SEND, control.DiagSend(sha256=bytes.fromhex(args.sha256)), "")


def output(args):
    """Prints what a command has found."""
    entry = the_installation(args)
    files_ = store.Store(args.data)
    found = files_.output(find(files_, entry["installation"], args.id).id)
    if found is None:
        raise ValueError(f"{args.id}: no output has come of it")
    print(gzip.decompress(found).decode())


def cancel(args):
    entry = the_installation(args)
    files_ = store.Store(args.data)
    order = find(files_, entry["installation"], args.id)
    files_.cancel(entry["installation"], order.id)
    print(f"cancel of {store.id_text(order.id)} is in the next head")


def find(files_, installation, text):
    """The command with this id; its first eight or more characters will do when no other begins like that."""
    wanted = text.replace("-", "").lower()
    found = [o for o in files_.orders(installation) if len(wanted) >= 8 and o.id.hex().startswith(wanted)]
    if len(found) != 1:
        raise ValueError(f"{text}: {'more than one command begins' if found else 'no command has an id'} like that")
    return found[0]


# ---- looking ----


def show_list(args):
    files_ = store.Store(args.data)
    latest = {s["id"]: s for s in files_.statuses()} | {r["id"]: r for r in files_.results()}
    names = [args.installation] if args.installation else Registry(args.data).names()
    for name in names:
        entry = Registry(args.data).get(name)
        if entry is None:
            raise ValueError(f"installation {name} is not registered")
        orders = files_.orders(name)
        cancels = set(files_.cancels(name))
        if args.json:
            for order in orders:
                print(json.dumps(describe(order, latest, cancels, entry)))
            continue
        print_installation(entry, files_.agent(name))
        for line in latest.values():
            if line.get("stands_on") and line["installation"] == name:
                print(f"    local  {line['id']}  {line['verb']:<17} {line['state']}{progress(line)}")
        for order in orders:
            d = describe(order, latest, cancels, entry)
            where = f"{d['epoch']}/{d['seq']}"
            print(f"  {where:>7}  {d['id']}  {d['verb']:<17} {d['target']:<16} {d['mode']:<7} {d['state']}{d['more']}")


def describe(order, latest, cancels, entry):
    status = latest.get(store.id_text(order.id))
    state = status["state"] if status else "NOT_ACCEPTED"
    if status is None and order.epoch < entry["epoch"]:
        state = "VOID"
    more = progress(status) if status else ""
    more += "  (cancel asked)" if order.id in cancels and not (status and status["terminal"]) else ""
    command = order.command
    line = {"installation": order.installation, "epoch": order.epoch, "seq": order.seq, "id": store.id_text(order.id)}
    mode = control.Mode.Name(command.mode).lower() if command.mode in control.Mode.values() else str(command.mode)
    return line | {
        "verb": verb_name(command.verb),
        "target": command.target,
        "mode": mode,
        "state": state,
        "more": more,
    }


def print_installation(entry, agent):
    print(f"{entry['installation']}  account {entry['account']}  region {entry['region']}  role {entry['role']}")
    known = entry["role_id"] or "unknown until the first login"
    print(f"  role id {known}; epoch {entry['epoch']}; agent mode {agent.get('mode', 'never seen')}")
    if entry["raised_because"]:
        print(f"  epoch {entry['epoch']} was begun because {entry['raised_because']}; older commands are void")
        print("  an agent that still has a journal takes its first command only with --release-key")
    if agent.get("waiting"):
        print(f"  waiting behind a gap: {agent['waiting']}")
    for warehouse in agent.get("warehouses", []):
        print_warehouse(warehouse)
    for refusal in agent.get("refusals", []):
        print(f"  the agent refused {refusal.get('digest', '')[:16]}: {refusal.get('reason', '')}")


def clusters(seen):
    """Those that are another way than the warehouse."""
    other = [c for c in seen.get("clusters", []) if c.get("status") != seen.get("status")]
    return f" ({', '.join(c['cluster'] + ' ' + c.get('status', '?') for c in other)})" if other else ""


def print_warehouse(seen):
    name, total = seen["warehouse"], seen.get("drifts_total", 0)
    is_known = seen.get("looked_at") and not seen.get("unknown")
    same = f", as generation {seen.get('generation', 0)} says" if is_known and total == 0 else ""
    print(f"  {name}: {seen.get('status', 'not known how it is')}{clusters(seen)}{same}")
    if seen.get("unknown"):
        print(f"  {name}: how it differs is not known: {seen['unknown']}")
    for drift in seen.get("drifts", []):
        print(f"  {name} differs in {drift['field']}: {drift['resource']}: {drift['difference']}")
    if total > len(seen.get("drifts", [])):
        print(f"  {name} differs in {total - len(seen.get('drifts', []))} more ways")


def progress(line):
    parts = [f"  {line['steps_done']}/{line['steps_total']}" if line["steps_total"] else "", line["step"], line["note"]]
    error = line["error"]
    if error:
        told = ("class", "aws_code", "action", "resource", "message")
        detail = " ".join(str(error[n]) for n in told if error.get(n))
        request = f" (request {error['aws_request_id']})" if error.get("aws_request_id") else ""
        again = " (may pass: sign it anew)" if error.get("retryable") else ""
        parts.append(f"[{detail}{request}{again}]")
    return "  ".join(p for p in parts if p)


def show_line(line):
    clock = line["time"][11:19]
    return f"{clock}  {line['id']}  {line['state']:<13}{progress(line)}"


def watch(args):
    """Prints each change as it comes; see --help for the exit status."""
    files_ = store.Store(args.data)
    wanted = None
    if args.id:
        entry = the_installation(args)
        wanted = store.id_text(find(files_, entry["installation"], args.id).id)
    end = time.monotonic() + args.timeout if args.timeout else None
    seen, has_plan = 0, set()
    while True:
        lines = files_.statuses()
        for line in lines[seen:]:
            if wanted not in (None, line["id"]):
                continue
            print(json.dumps(line) if args.json else show_line(line), flush=True)
            if line["plan_text"] and line["id"] not in has_plan and not args.json:
                has_plan.add(line["id"])
                print("".join(f"    {text}\n" for text in line["plan_text"].splitlines()), end="", flush=True)
            if wanted and is_end(line, args.until):
                return (
                    0
                    if line["state"] == ("SUCCEEDED" if args.until == "terminal" else args.until.upper())
                    else EXIT_FAILED
                )
        seen = len(lines)
        if end and time.monotonic() >= end:
            print(f"timeout after {args.timeout} s", file=sys.stderr)
            return EXIT_TIMEOUT
        time.sleep(0.1)


def is_end(line, until):
    return until is not None and (line["terminal"] or line["state"] == until.upper())


# ---- setting up ----


def keys_new(args):
    print(keys.new_folder(args.folder), end="")
    print(f"# the section above, also in {args.folder}/trust.yaml, belongs into reeve.yaml", file=sys.stderr)


def keys_tls(args):
    keys.new_certificate(args.folder, args.name)
    print(f"{args.folder}/server.pem and server.key for {', '.join(args.name)}; agents need {args.folder}/ca.pem")


def register(args):
    Registry(args.data).add(args.name, args.account, args.region, args.role, args.role_id)
    print(f"registered {args.name}")


# By the beginning of a region's name: the suffix of its usual hosts, and of those that answer over IPv6 too.
SUFFIXES = {
    "cn-": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "us-iso-": ("c2s.ic.gov", "api.aws.ic.gov"),
    "us-isob-": ("sc2s.sgov.gov", "api.aws.scloud"),
    "us-isof-": ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    "eu-isoe-": ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "eusc-": ("amazonaws.eu", "api.amazonwebservices.eu"),
    "": ("amazonaws.com", "api.aws"),
}


def sts_hosts(region):
    """The two names of a region's STS: agents sign for the second where their subnet has no IPv4."""
    suffixes = next(pair for prefix, pair in SUFFIXES.items() if region.startswith(prefix))
    return [f"sts.{region}.{suffix}" for suffix in suffixes]


def sts_urls(items):
    """{host: URL to connect to} of --sts REGION[=URL]."""
    urls = {}
    for item in items:
        region, _, url = item.partition("=")
        if url and urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"--sts {item}: not REGION or REGION=URL")
        urls |= {host: url or f"https://{host}" for host in sts_hosts(region)}
    return urls


def make_plane(args):
    """(plane, data folder, address, TLS context or None) as the arguments of `serve` ask."""
    from tests.vendor import server

    if bool(args.cert) != bool(args.key) or bool(args.cert) == args.insecure_http:
        raise ValueError("give --cert and --key, or --insecure-http")
    host, _, port = args.listen.rpartition(":")
    if not port.isdigit():
        raise ValueError(f"--listen {args.listen}: not HOST:PORT")
    if args.insecure_http and host not in ("127.0.0.1", "localhost"):
        raise ValueError("--insecure-http is for loopback addresses alone")
    head_key, urls = keys.Key.load(args.head_key), sts_urls(args.sts)
    pathlib.Path(args.data).mkdir(parents=True, exist_ok=True)
    tls = None if args.insecure_http else server.tls_context(args.cert, args.key)
    plane = server.Plane(args.data, head_key, args.audience or host, urls, args.token_ttl, args.heartbeat)
    return plane, args.data, (host, int(port)), tls


def serve(args):
    from tests.vendor import server

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server.serve(*make_plane(args))


# ---- arguments ----


def signing(expires, why=""):
    """The arguments of what is signed; `expires` is how long it may wait for its start unless --expires says otherwise."""
    p = argparse.ArgumentParser(add_help=False)
    p.add_argument("--command-key", required=True, metavar="FILE", help="offline key that signs commands")
    second = "offline second key: what high-risk plans need, and the first command of a new epoch"
    p.add_argument("--release-key", "--second-key", metavar="FILE", help=second)
    p.add_argument(
        "--mode", choices=["plan", "execute"], default="execute", help="plan changes nothing (default: %(default)s)"
    )
    p.add_argument(
        "--expires",
        type=seconds,
        default=expires,
        metavar="TIME",
        help=f"not started after this (default: {expires}{why})",
    )
    p.add_argument("--deadline", type=seconds, default=0, metavar="TIME", help="from its start; default: the verb's")
    p.add_argument("--expect-generation", type=int, default=0, metavar="N", help="only if the warehouse is at this one")
    p.add_argument("--plan-hash", default="", metavar="HEX", help="only if the plan has this hash")
    p.add_argument("--by", default=os.environ.get("USER", ""), metavar="WHO", help="requested by (default: you)")
    p.add_argument("--reason", default="", metavar="TEXT", help="for the customer's record")
    p.add_argument("-q", "--quiet", action="store_true", help="print the command id alone")
    return p


def parser():
    p = argparse.ArgumentParser(prog="python -m tests.vendor", description=__doc__)
    p.add_argument(
        "--data", default="vendor-data", metavar="DIR", help="folder shared with the server (default: %(default)s)"
    )
    p.add_argument("--installation", metavar="ID", help="which one; needed when there are several")
    sub = p.add_subparsers(dest="what", required=True, metavar="COMMAND")

    c = sub.add_parser("apply", parents=[signing("1h")], help="make a warehouse what a specification says")
    c.add_argument("spec", metavar="SPEC.yaml")
    c.set_defaults(run=apply)
    outlives = "; it must outlive the customer's delete_hold, 24h unless their policy says otherwise"
    c = sub.add_parser("delete", parents=[signing("7d", outlives)], help="delete a warehouse")
    c.add_argument("warehouse")
    c.add_argument("--confirm", metavar="WAREHOUSE", help="its id again")
    c.set_defaults(run=delete)
    c = sub.add_parser("reboot", parents=[signing("1h")], help="reboot a cluster's nodes, batch by batch")
    c.add_argument("warehouse")
    c.add_argument("cluster")
    c.add_argument("--batch", type=int, default=1, metavar="N", help="so many at once (default: %(default)s)")
    back = "a batch is back when each node of it answers 200 there (default: by status checks and target groups alone)"
    c.add_argument("--health", type=endpoint, metavar="PORT/PATH", help=back)
    before = "before a batch goes: a wait, or a POST to each node until it answers 2xx, for at most TIME (default: 10m)"
    c.add_argument("--drain", type=drain, metavar="TIME | [TIME:]PORT/PATH", help=before)
    c.set_defaults(run=reboot)
    c = sub.add_parser(
        "replace", parents=[signing("1h")], help="replace nodes, each by a new one that is healthy first"
    )
    c.add_argument("spec", help="the SPEC that stands")
    c.add_argument("cluster")
    c.add_argument("instance", nargs="+", help="i-..., at most 16")
    c.set_defaults(run=replace)
    c = sub.add_parser("upgrade", parents=[signing("1h")], help="give nodes another image or user data, batch by batch")
    c.add_argument("spec", help="the SPEC that stands but for these")
    c.add_argument("--order", nargs="+", default=[], metavar="CLUSTER", help="these first, one after the other")
    c.add_argument("--batch", type=int, default=1, metavar="N", help="so many at once (default: %(default)s)")
    c.set_defaults(run=upgrade)
    c = sub.add_parser("inventory", parents=[signing("1h")], help="ask what the account holds")
    c.add_argument("warehouse", nargs="?", default="", help="of this one alone (default: of all)")
    c.set_defaults(run=inventory)
    c = sub.add_parser("diag-collect", parents=[signing("1h")], help="have a bundle for trouble put together")
    c.add_argument(
        "--hours", type=int, default=24, metavar="N", help="of the journal (default: %(default)s, at most 168)"
    )
    c.set_defaults(run=diag_collect)
    c = sub.add_parser("diag-send", parents=[signing("1h")], help="have that bundle sent: both keys are needed")
    c.add_argument("sha256", metavar="SHA256", help="as the result of diag-collect names it")
    c.set_defaults(run=diag_send)
    c = sub.add_parser("output", help="print what a command has found, as JSON")
    c.add_argument("id")
    c.set_defaults(run=output)
    c = sub.add_parser("cancel", help="ask that a command be cancelled")
    c.add_argument("id")
    c.set_defaults(run=cancel)
    c = sub.add_parser("list", help="installations and their commands")
    c.add_argument("--json", action="store_true", help="a line of JSON for each command")
    c.set_defaults(run=show_list)
    ends = "exit status: 0 reached (SUCCEEDED, or the state of --until), 1 ended otherwise, 3 timeout"
    c = sub.add_parser("watch", help="follow what becomes of commands", epilog=ends)
    c.add_argument("id", nargs="?")
    c.add_argument("--until", metavar="STATE", help="stop there: a state, or 'terminal'; any terminal one ends it too")
    c.add_argument("--timeout", type=seconds, metavar="TIME")
    c.add_argument("--json", action="store_true", help="a line of JSON for each change")
    c.set_defaults(run=watch)
    c = sub.add_parser("register", help="make an installation known")
    c.add_argument("name", metavar="INSTALLATION")
    c.add_argument("--account", required=True)
    c.add_argument("--region", required=True)
    c.add_argument("--role", required=True, help="name of the agent's role")
    c.add_argument("--role-id", default="", help="AROA...; default: what the first accepted login shows")
    c.set_defaults(run=register)

    k = sub.add_parser("keys", help="make keys").add_subparsers(dest="kind", required=True, metavar="KIND")
    c = k.add_parser("new", help="command, release and head key, and the section of reeve.yaml that trusts them")
    c.add_argument("folder", metavar="DIR")
    c.set_defaults(run=keys_new)
    c = k.add_parser("tls", help="a certificate for tests and demonstrations")
    c.add_argument("folder", metavar="DIR")
    c.add_argument("name", nargs="+", help="host names or addresses")
    c.set_defaults(run=keys_tls)

    c = sub.add_parser("serve", help="run the server")
    c.add_argument(
        "--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="port 0: any free one (default: %(default)s)"
    )
    c.add_argument("--cert", metavar="FILE")
    c.add_argument("--key", metavar="FILE")
    c.add_argument("--insecure-http", action="store_true", help="plain http, on loopback alone")
    c.add_argument("--head-key", required=True, metavar="FILE", help="online key that signs heads")
    c.add_argument(
        "--audience", metavar="HOST", help="host name in the agents' vendor.url (default: the one of --listen)"
    )
    c.add_argument("--sts", action="append", default=[], metavar="REGION[=URL]", help="accept logins of this region")
    c.add_argument("--token-ttl", type=seconds, default=3600, metavar="TIME", help="of a session, at most 1h")
    c.add_argument("--heartbeat", type=seconds, default=0, metavar="TIME", help="poll interval to tell agents")
    c.set_defaults(run=serve)
    return p


def main(argv=None):
    args = parser().parse_args(argv)
    try:
        if args.what not in ("keys", "serve", "register") and not pathlib.Path(args.data).is_dir():
            raise ValueError(f"{args.data}: no such folder (--data)")
        return args.run(args) or 0
    except (ValueError, OSError, json.JSONDecodeError) as e:
        print(f"vendor: {e}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 0
