"""The agent's spool, seen from outside: shippers/spool.h says what lies in it."""

import re

BODY = re.compile(r"-([0-9a-f]{16})\.pb\.gz$")


def batch_ids(names):
    """The ids of the bodies among these file names."""
    return {found[1] for found in map(BODY.search, names) if found}
