"""How to explore a stage by hand: what a demo that is kept, and `make play`, print."""

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
