"""How to explore a stage by hand: what a demo that is kept, and `make play`, print, and how long they stay."""

import contextlib
import shlex
import sys

from tests.peers import process
from tests.peers.stage import sudo


def text(stage, spec, warehouse):
    keys, data, folder = stage.keys_dir, stage.vendor_dir, stage.dir
    vendor = f"{shlex.quote(sys.executable)} -m tests.vendor --data {data}"
    reeve = " ".join(sudo(str(stage.binary)))
    return f"""
Everything is left running until you press Ctrl-C. The vendor's side, in {process.REPO}:

  {vendor} apply {spec} --command-key {keys}/command.key --mode plan
  {vendor} apply {spec} --command-key {keys}/command.key
  {vendor} list
  {vendor} watch
  {vendor} delete {warehouse} --confirm {warehouse} --command-key {keys}/command.key --second-key {keys}/release.key
  {data}/     statuses, results, metrics and logs as they came

The customer's side:

  {reeve} status -c {stage.config}
  {reeve} plan show ID -c {stage.config}
  {reeve} journal show {folder}/state/journal
  {folder}/etc/policy.yaml     the customer's last word: edit it
  touch {folder}/etc/STOP     stops every change; rm it to go on
  {folder}/peers/agent.log     what the agent says
  {stage.proxy_dir}/calls.jsonl     every AWS call
"""


LAST_LINES = 10


class AgentEnded(Exception):
    """In the middle of it: how, and what the agent said last."""


def last_words(stage, status):
    how = f"signal {-status} ended it" if status < 0 else f"exit status {status}"
    said = (stage.dir / "peers/agent.log").read_text(errors="replace").splitlines()
    return "\n".join([f"the agent has ended ({how}). Its last lines:", *(f"  {line}" for line in said[-LAST_LINES:])])


def check_agent(stage):
    status = stage.agent.poll()
    if status is not None:
        raise AgentEnded(last_words(stage, status))


def stay(stage):
    """Until Ctrl-C; AgentEnded when there is no agent any more to explore."""
    with contextlib.suppress(KeyboardInterrupt):
        stage.agent.wait()
        check_agent(stage)
