#!/usr/bin/env python3
"""fill.py [--check] < DOCUMENTS - sets the IAM documents and userdata.sh into reeve.yaml, between the lines that mark their places.
The script's comments stay in its file.

`make iam` pipes the documents in, as the code generates them for a stack: text with CloudFormation's placeholders, each string
with one becoming a !Sub. Some placeholders are parameters that hold a list ("a, b"): what names one becomes a list, once for
each member, and of an empty parameter nothing that any request could match. With --check nothing is written; stale is a failure."""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
TEMPLATE = HERE / "reeve.yaml"
LISTS = "NodeTypes|NodeImages|NodeImageOwners|NodeSubnets|NodeKmsKeys|NodeTagKeys"


def list_in(value):
    """The last text of a value that names a list, split there: (others, before, name); or None."""
    *others, last = value if isinstance(value, list) else [value]
    found = isinstance(last, str) and re.fullmatch(r"(.*)\$\{(" + LISTS + r")\}", last)
    return found and (others, found[1], found[2])


def spread(others, before, name):
    """A list parameter as CloudFormation can give it. What joins must be a literal, so `*` stands for partition, region, account."""
    before = re.sub(r"\$\{AWS::\w+\}", "*", before)
    members = f'!Split [",", !Join ["", !Split [" ", !Ref {name}]]]'
    if not others and not before:
        return members
    joined = f"!Join [{json.dumps(',' + before)}, {members}]"
    parts = "".join(json.dumps(o) + ", " for o in [*(o + "," for o in others), before] if o)
    return f'!Split [",", !Join ["", [{parts}{joined}]]]'


def scalar(value):
    if list_in(value):
        return spread(*list_in(value))
    return f"!Sub {json.dumps(value)}" if "${" in value else json.dumps(value)


def where_given(statement):
    """A statement about what a parameter names whole is there only where the parameter names something."""
    found = isinstance(statement, dict) and list_in(statement.get("Resource"))
    if not found or found[1]:
        return statement
    return {"Fn::If": [f"Has{found[2]}", statement, {"Ref": "AWS::NoValue"}]}


def lines_of(value, indent):
    """YAML of a JSON value in block style, a line each."""
    pad = " " * indent
    if isinstance(value, dict):
        for key, below in value.items():
            key = '"Null"' if key == "Null" else key  # else it is YAML's own null
            if isinstance(below, str) or list_in(below):
                yield f"{pad}{key}: {scalar(below)}"
            else:
                yield f"{pad}{key}:"
                yield from lines_of([where_given(b) for b in below] if key == "Statement" else below, indent + 2)
    else:
        for item in value:
            if isinstance(item, str):
                yield f"{pad}- {scalar(item)}"
            else:
                first, *rest = lines_of(item, indent + 2)
                yield f"{pad}- {first.strip()}"
                yield from rest


def content_of(name, indent, documents):
    if name in documents:
        yield from lines_of(documents[name], indent)
    else:
        for line in (HERE / name).read_text().splitlines():
            if not line.lstrip().startswith("#"):  # user data has 16 KB, and "#!" stands before the mark
                yield (" " * indent + line).rstrip()


def filled(text, documents):
    out, skip = [], False
    for line in text.splitlines():
        end = re.match(r"\s*# end of (\S+)$", line)
        if end:
            skip = False
        if not skip:
            out.append(line)
        begin = re.match(r"(\s*)# from (\S+)$", line)
        if begin:
            out += content_of(begin[2], len(begin[1]), documents)
            skip = True
    return "\n".join(out) + "\n"


def main():
    generated = json.load(sys.stdin)
    have = TEMPLATE.read_text()
    want = filled(have, {"agent": generated["agent"]} | generated["operate"])
    if have == want:
        return 0
    if "--check" in sys.argv:
        print(f"{TEMPLATE} is stale: make iam")
        return 1
    TEMPLATE.write_text(want)
    return 0


if __name__ == "__main__":
    sys.exit(main())
