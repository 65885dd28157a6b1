"""result.py FOLDER FILE - writes down what the last run of the stories has shown (make deploy-test)."""

import pathlib
import re
import subprocess
import sys
import time

from tests.boot import story, unit_story, userdata_story

STORIES = [
    ("The service under systemd", "unit", [*(p.__name__ for p in unit_story.STORIES), "last"]),
    ("First boots, by the user data of the stack", "userdata", [p.__name__ for p in userdata_story.STORIES]),
]
HEAD = """# What was seen

Debian 12 (systemd 252, cloud-init 22.4) in systemd-nspawn, with the packages of `make package`, a metadata service, AWS (moto), a
bucket and a vendor plane at the other end of the cable. `make deploy-test` writes this page; times are of the machine that ran it. A
story that was run again alone stands as it was told last; all are told of the same packages and the same user data.
"""


def read(path, told_of):
    """A story as it was told, of what is here now and of nothing else."""
    of, told = path.read_text().split("\n", 1)
    if of != told_of:
        sys.exit(f"result.py: {path.name} was told of other packages or user data: run it again")
    return told


def git(*words):
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()


def commit_but_for(page):
    """The commit, and whether there were changes beside it; the page itself is none."""
    changed = git("status", "--porcelain", "--", ".", f":(exclude){page}")
    return git("rev-parse", "--short", "HEAD") + (", with changes that are not committed," if changed else "")


def main():
    folder, to = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    commit = commit_but_for(to)
    told_of = story.told_of()
    day = time.strftime("%Y-%m-%d", time.gmtime())
    parts = [
        HEAD,
        f"Written on {day} at commit {commit}, of the release whose `reeve` has the SHA-256\n{story.release()}.\n",
    ]
    for title, kind, stories in STORIES:
        told = "".join(read(folder / f"told/{kind}-{name}.txt", told_of) for name in stories)
        passed, failed = (len(re.findall(rf"^  {mark} ", told, re.MULTILINE)) for mark in ("ok  ", "FAIL"))
        parts.append(f"## {title}\n\n```text\n{told}{passed} passed, {failed} failed\n```\n")
    to.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
