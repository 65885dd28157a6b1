#!/usr/bin/env python3
"""fill.py [--check] - sets the IAM documents and userdata.sh into reeve.yaml, between the lines that mark their places.

The documents are text that CloudFormation substitutes in (Fn::Sub), so they stand in the template exactly as `reeve iam` prints
them, only by value: each string with a placeholder becomes a !Sub. With --check nothing is written; stale is a failure."""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
TEMPLATE = HERE / "reeve.yaml"


def scalar(value):
    return f"!Sub {json.dumps(value)}" if "${" in value else json.dumps(value)


def lines_of(value, indent):
    """YAML of a JSON value in block style, a line each."""
    pad = " " * indent
    if isinstance(value, dict):
        for key, below in value.items():
            if isinstance(below, str):
                yield f"{pad}{key}: {scalar(below)}"
            else:
                yield f"{pad}{key}:"
                yield from lines_of(below, indent + 2)
    else:
        for item in value:
            if isinstance(item, str):
                yield f"{pad}- {scalar(item)}"
            else:
                first, *rest = lines_of(item, indent + 2)
                yield f"{pad}- {first.strip()}"
                yield from rest


def content_of(name, indent):
    if name.endswith(".json"):
        yield from lines_of(json.loads((HERE / ".." / "iam" / name).read_text()), indent)
    else:
        for line in (HERE / name).read_text().splitlines()[1:]:  # without "#!": that stands before the mark
            yield (" " * indent + line).rstrip()


def filled(text):
    out, skip = [], False
    for line in text.splitlines():
        end = re.match(r"\s*# end of (\S+)$", line)
        if end:
            skip = False
        if not skip:
            out.append(line)
        begin = re.match(r"(\s*)# from (\S+)$", line)
        if begin:
            out += content_of(begin[2], len(begin[1]))
            skip = True
    return "\n".join(out) + "\n"


def main():
    have = TEMPLATE.read_text()
    want = filled(have)
    if have == want:
        return 0
    if "--check" in sys.argv:
        print(f"{TEMPLATE} is stale: make iam")
        return 1
    TEMPLATE.write_text(want)
    return 0


if __name__ == "__main__":
    sys.exit(main())
