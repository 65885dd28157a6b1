"""The agent by hand, in one command (make play): moto, a metadata service, the reference plane and the real agent, all on
loopback, until Ctrl-C or until the agent ends. Nothing of it is left behind."""

import pathlib
import signal
import sys
import tempfile

from tests.demo import guide
from tests.peers import examples, process
from tests.peers.stage import Stage, may_be_root

REPO = pathlib.Path(__file__).resolve().parents[2]


def say(text):
    print(text, flush=True)


def start(stage):
    stage.start(say)
    stage.write_policy(examples.generous_policy(stage))
    (stage.dir / "app/app.log").write_text("hello from an application\n")
    spec = stage.dir / "warehouse.yaml"
    spec.write_text(examples.fitted("warehouse.yaml", stage.aws))
    stage.agent_start()
    process.wait_for(lambda: is_logged_in(stage), 60, "the agent's login")
    return spec


def is_logged_in(stage):
    guide.check_agent(stage)
    return [e for e in stage.vendor_lines("events") if e["event"] == "login"]


def play(stage):
    """The exit status: 0 after Ctrl-C, 1 when there was no agent any more."""
    try:
        say(guide.text(stage, start(stage), "wh-1"))
        guide.stay(stage)
    except KeyboardInterrupt:
        pass
    except guide.AgentEnded as ended:
        say(ended)
        return 1
    return 0


def close(stage):
    """A second Ctrl-C finds it at work."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    say("stopping")
    stage.close()
    stage.remove()


def main():
    if not may_be_root():
        say("play: needs root, or sudo without a password: the agent runs as another user (sudo -n true fails)")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for a job in the background
    stage = Stage(tempfile.mkdtemp(prefix="reeve-play-"), REPO / "build/reeve")
    try:
        return play(stage)
    finally:
        close(stage)


if __name__ == "__main__":
    sys.exit(main())
