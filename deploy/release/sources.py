"""sources.py - what a release is built of: the files of this clone, as git knows them."""

import pathlib
import subprocess

REPO = pathlib.Path(__file__).parents[2]


def git(*words):
    command = ["git", "--no-optional-locks", *words]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.splitlines() or ["nothing"])[0]
        raise SystemExit(
            f"release: git cannot read {REPO} ({said}): a release is built of a clone that belongs to who builds it;"
            " build as its owner, or give it to this user (chown -R)"
        )
    return done.stdout


def files():
    """Their names, those too that are not committed yet; what .gitignore names is left out."""
    names = git("ls-files", "-z", "-co", "--exclude-standard").split("\0")
    return [name for name in names if name and (REPO / name).exists()]


def are_changed():
    """Is there anything that the last commit does not have?"""
    return git("status", "--porcelain") != ""


def epoch_of(text):
    """The time of the last commit, as it was given: every date of a release is this one."""
    git("rev-parse", "HEAD")
    if not text.isdecimal() or int(text) == 0:
        raise SystemExit(f"release: {text!r} is no time of a commit: give what `git log -1 --format=%ct` prints")
    return text
