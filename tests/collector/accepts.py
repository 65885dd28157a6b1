"""An OpenTelemetry Collector, of its own published modules, takes what the agent sends to the customer's receiver: each record once, with
the attributes that the agent gave it, packed by gzip and by zstd. `make collector-test` builds it and runs this."""

import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from tests.bench.lines import NUMBER, Lines
from tests.peers import process
from tests.peers.process import REPO
from tests.peers.stage import Stage

LINES = 2000
CONFIG = """
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}
exporters:
  debug: {{verbosity: detailed, sampling_initial: 1000000}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    logs: {{receivers: [otlp], exporters: [debug]}}
    metrics: {{receivers: [otlp], exporters: [debug]}}
"""


class Collector:
    def __init__(self, folder):
        self.port = process.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "collector.log"
        config = folder / "collector.yaml"
        config.write_text(CONFIG.format(port=self.port))
        with self.log.open("wb") as log:
            command = [os.environ["COLLECTOR"], "--config", str(config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        process.wait_for(self.is_ready, 60, "the collector's start")

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the collector ended: {self.said()[-2000:]}")
        return "Everything is ready" in self.said()

    def said(self):
        return self.log.read_text(errors="replace")

    def close(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def folder():
    """The agent is another user: it must come through."""
    with tempfile.TemporaryDirectory(prefix="reeve-collector-") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


@pytest.fixture
def collector(folder):
    one = Collector(folder)
    yield one
    one.close()


@pytest.mark.parametrize("packed", ["gzip", "zstd"])
def test_a_collector_takes_each_record_once(folder, collector, packed):
    with Stage(folder / "stage", REPO / "build/reeve") as stage:
        text = stage.config.read_text()
        more = f"  compression: {packed}\n  customer: {{url: '{collector.url}'}}\n"
        stage.config.write_text(text.replace("telemetry:\n", f"telemetry:\n{more}", 1))
        stage.agent_start()
        stage.wait_login()
        with (stage.dir / "app/app.log").open("ab") as f:
            for part in Lines().first(LINES):
                f.write(part)
        process.wait_for(lambda: len(numbers(collector.said())) >= LINES, 120, "all lines")
        process.wait_for(lambda: "system.cpu" in collector.said(), 120, "metrics")
        stage.agent_stop()
    assert sorted(numbers(collector.said())) == list(range(LINES))
    said = collector.said()
    assert "-> service.name: Str(doris-be)" in said and "-> log.file.name: Str(app.log)" in said
    assert re.findall(r"^\S+\t(?:warn|error)\t.*", said, re.MULTILINE) == []


def numbers(said):
    """Of the bodies of log records."""
    return [int(n) for n in re.findall(rf"Body: Str\([^\n]*?{NUMBER.pattern.decode()}", said)]
