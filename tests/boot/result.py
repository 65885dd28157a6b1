"""result.py FOLDER FILE - writes down what the last run of the stories has shown (make deploy-test)."""

import pathlib
import subprocess
import sys
import time

STORIES = [("unit", "The service under systemd"), ("userdata", "First boots, by the user data of the stack")]
HEAD = """# What was seen

Debian 12 (systemd 252, cloud-init 22.4) in systemd-nspawn, with the packages of `make package`, a metadata service, AWS (moto), a
bucket and a vendor plane at the other end of the cable. `make deploy-test` writes this page; times are of the machine that ran it.
"""


def main():
    folder, to = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    parts = [HEAD, f"Run on {time.strftime('%Y-%m-%d', time.gmtime())}, of commit {commit}.\n"]
    for name, title in STORIES:
        parts.append(f"## {title}\n\n```text\n{(folder / f'{name}.told').read_text()}```\n")
    to.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
