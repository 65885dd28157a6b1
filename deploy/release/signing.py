#!/usr/bin/env python3
"""signing.py [KEY] - may what is built now be signed with KEY? Asked before it is built; without KEY all is well."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import sources


def check_key(key):
    """Machines verify with the Ed25519 key that the stack pins; nothing else is of use to them."""
    command = ["openssl", "pkey", "-in", key, "-passin", "pass:", "-noout", "-text"]
    told = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False).stdout
    if not told.startswith("ED25519 Private-Key:"):
        raise SystemExit(
            f"package: {key} is no Ed25519 private key (PEM, without a passphrase), and no machine takes what it signs:"
            " make one with `openssl genpkey -algorithm ed25519 -out release.pem`"
        )


def check(key):
    check_key(key)
    if sources.are_changed():
        raise SystemExit(
            "package: a signed package is built of what is committed, and this tree has changes: commit them"
        )


def sign(key, path):
    command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", str(path), "-out", f"{path}.sig"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] not in ([], [""]):
        check(sys.argv[1])
