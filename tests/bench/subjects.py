"""What is measured: Reeve, and the peers whose program is on PATH. Each reads logs from the beginning, sends OTLP over plain HTTP, packed
by gzip, at least once a second, and keeps what it must keep in a folder that each run makes anew.

    s.fresh(folder, "app.log*")     a new life: no positions, no spool; `rules` are Reeve's alone
    s.start()                       returns when it reads
    s.kill(), s.stop()              SIGKILL; SIGTERM. After both it may be started again, where it was
    s.said()                        what it counted itself, if it tells: {name: number}, zeros left out
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import time

from tests.bench.rules import redaction
from tests.peers import process
from tests.peers.stage import Stage, sudo

GZIP = "gzip"
SETTLE_S = 3  # after the start: what a program does once is not what the work costs
LOSSES = (
    *(
        "not_allowed_by_policy",
        "dropped_by_rule",
        "rests_by_rule",
        "failed_by_rule",
        "rejected",
        "dropped_for_room",
        "dropped_for_age",
    ),
    *("damaged_records", "uncommitted_bodies"),
)
TAIL_LOSSES = (
    *("truncated_lines", "unfinished_lines", "no_text_lines", "nul_bytes", "truncated_files", "read_errors"),
    *("positions_dropped", "refused"),
)


class Failed(Exception):
    """It did not start, ended by itself, or sent nothing."""


def replaced(text, old, new):
    if text.count(old) != 1:
        raise Failed(f"{old!r} stands {text.count(old)} times in the stage's configuration, not once")
    return text.replace(old, new)


class OneStage(Stage):
    """The agent's surroundings, with the sink in front of the vendor plane and plain HTTP to it."""

    sink_url = ""
    logs = redact = ""
    packed = GZIP

    def vendor_start(self, certificate=None):
        sts = f"{self.aws['region']}={self.moto.url}"
        self.start_peer(
            *("tests.vendor", "--data", self.vendor_dir, "serve", "--listen", f"127.0.0.1:{self.vendor_port}"),
            *("--insecure-http", "--audience", "127.0.0.1", "--head-key", self.keys_dir / "head.key", "--sts", sts),
        )
        self.vendor_process = self.peers[-1]

    def write_config(self):
        super().write_config()
        text = replaced(self.config.read_text(), "  idle: 2s\n", "  idle: 30s\n")
        text = replaced(text, "    interval: 2s\n", "    interval: 15s\n")
        text = replaced(text, f"  ca_file: {self.dir}/etc/ca.pem\n", "")
        text = replaced(text, "telemetry:\n", f"telemetry:\n  compression: {self.packed}\n")
        self.config.write_text(
            replaced(text, f"{self.way()}\n", "").replace("https://control.demo.example", self.sink_url)
        )

    def default_policy(self, **given):
        return f'export:\n  metrics: ["system.*", "reeve.*"]\n  logs: ["{self.logs}"]\n{self.redact}'


class Reeve:
    name = "reeve"
    packed = GZIP  # of its next fresh life

    def __init__(self, folder, sink, binary):
        self.sink = sink
        self.stage = OneStage(pathlib.Path(folder) / "reeve", binary)
        self.stage.sink_url = sink.url
        self.started = False

    def version(self):
        run = subprocess.run([self.stage.binary, "version", "--libraries"], capture_output=True, text=True, check=True)
        return run.stdout

    def codec(self, encoding):
        """The codec's name as codec.c has it, of bodies that came with this encoding. Which level of ISA-L, nothing tells."""
        if encoding == "zstd":
            return "zstd-1"
        return "isal-1" if "isa-l" in self.version().lower() else "zlib-1"

    def begin(self):
        self.stage.start()
        self.sink.begin(upstream=self.stage.vendor_port)
        self.started = True

    def fresh(self, folder, pattern, rules=None):
        if not self.started:
            self.begin()
        stage = self.stage
        subprocess.run(sudo("rm", "-rf", stage.dir / "state", stage.dir / "run"), check=True)
        for name in ("state", "run"):
            (stage.dir / name).mkdir()
        stage.options["log_paths"] = [f"{folder}/{pattern}"]
        stage.packed = self.packed
        stage.logs, stage.redact = f"{folder}/*", redaction(rules or {})
        stage.write_files()

    def logins(self):
        return sum(e["event"] == "login" for e in self.stage.vendor_lines("events"))

    def start(self):
        before = self.logins()
        self.stage.agent_start()
        process.wait_for(lambda: self.alive() and self.logins() > before, 60, "the agent's login")
        time.sleep(SETTLE_S)

    @property
    def pid(self):
        return self.stage.agent.pid

    def alive(self):
        if self.stage.agent is None or self.stage.agent.poll() is not None:
            raise Failed(f"the agent ended: {last_line(self.stage.dir / 'peers/agent.log')}")
        return True

    def kill(self):
        self.stage.agent_kill()

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            self.stage.agent_stop()

    def said(self):
        stage = self.stage
        run = subprocess.run(
            sudo(stage.binary, "status", "-c", stage.config, "--json"), capture_output=True, text=True, check=False
        )
        try:
            telemetry = json.loads(run.stdout)["telemetry"]
        except (json.JSONDecodeError, KeyError) as e:
            raise Failed(f"reeve status: {run.stderr.strip() or e}") from e
        told = {name: telemetry["logs"].get(name, 0) for name in LOSSES}
        told |= {name: telemetry.get("tail", {}).get(name, 0) for name in TAIL_LOSSES}
        told |= {name: telemetry[name] for name in ("retries", "damaged", "write_failures")}
        return {name: number for name, number in told.items() if number}

    def close(self):
        self.stage.close()
        self.stage.remove()


class Peer:
    """A program with one configuration file."""

    programs = ()
    disk = False

    def __init__(self, folder, sink):
        self.dir = pathlib.Path(folder) / self.name
        self.sink = sink
        self.process = None
        self.program = next(filter(None, map(shutil.which, self.programs)), None)

    def version(self):
        """None: it is absent."""
        if self.program is None:
            return None
        run = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False)
        return run.stdout.strip().splitlines()[0] if run.returncode == 0 and run.stdout.strip() else "tells no version"

    def fresh(self, folder, pattern, rules=None):
        shutil.rmtree(self.dir, ignore_errors=True)
        (self.dir / "data").mkdir(parents=True)
        (self.dir / "queue").mkdir()
        self.config = self.dir / self.config_name
        self.config.write_text(self.text(f"{folder}/{pattern}"))

    def start(self):
        with (self.dir / "log").open("ab") as log, process.interrupt_blocked():
            self.process = subprocess.Popen([self.program, *self.arguments()], stdout=log, stderr=log, cwd=self.dir)
        time.sleep(SETTLE_S)
        self.alive()

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        if self.process is None or self.process.poll() is not None:
            raise Failed(f"it ended: {last_line(self.dir / 'log')}")
        return True

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process:
            process.stop(self.process, 30)
            self.process = None

    def codec(self, encoding):
        return encoding

    def said(self):
        return {}

    def close(self):
        if self.process:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class FluentBit(Peer):
    name = "fluent-bit"
    programs = ("fluent-bit", "td-agent-bit")
    config_name = "fluent-bit.conf"

    def arguments(self):
        return ["-c", self.config]

    def text(self, pattern):
        storage = f"    storage.path {self.dir}/queue\n" if self.disk else ""
        return (
            f"[SERVICE]\n    flush 1\n    daemon off\n    log_level warn\n{storage}"
            f"[INPUT]\n    name tail\n    path {pattern}\n    read_from_head true\n    refresh_interval 1\n"
            f"    db {self.dir}/data/tail.db\n{'    storage.type filesystem' if self.disk else ''}\n"
            f"[OUTPUT]\n    name opentelemetry\n    match *\n    host 127.0.0.1\n    port {self.sink.port}\n"
            f"    logs_uri /v1/logs\n    logs_body_key log\n    compress gzip\n"
        )


class FluentBitDisk(FluentBit):
    name, disk = "fluent-bit-disk", True


class Collector(Peer):
    name = "otelcol"
    programs = ("otelcol-contrib", "otelcol")
    config_name = "otelcol.yaml"

    def arguments(self):
        return ["--config", self.config]

    def text(self, pattern):
        queue = "    sending_queue: {storage: file_storage/queue}\n" if self.disk else ""
        return (
            f"extensions:\n  file_storage/positions: {{directory: {self.dir}/data}}\n"
            f"  file_storage/queue: {{directory: {self.dir}/queue}}\n"
            f"receivers:\n  filelog:\n    include: ['{pattern}']\n    start_at: beginning\n"
            f"    storage: file_storage/positions\n"
            f"processors:\n  batch: {{timeout: 1s}}\n"
            f"exporters:\n  otlphttp:\n    endpoint: {self.sink.url}\n    compression: gzip\n{queue}"
            f"service:\n  extensions: [file_storage/positions, file_storage/queue]\n"
            f"  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}\n"
            f"  pipelines:\n    logs: {{receivers: [filelog], processors: [batch], exporters: [otlphttp]}}\n"
        )


class CollectorDisk(Collector):
    name, disk = "otelcol-disk", True


PEERS = {peer.name: peer for peer in (FluentBit, FluentBitDisk, Collector, CollectorDisk)}


def last_line(path):
    with contextlib.suppress(FileNotFoundError, IndexError):
        return path.read_text(errors="replace").strip().splitlines()[-1][:300]
    return "it said nothing"
