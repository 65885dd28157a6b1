#!/usr/bin/env python3
"""Every event that the agent can log, as its source says. As a program: writes docs/logs.md (`make logs`)."""

import collections
import pathlib
import re
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
PAGE = REPO / "docs/logs.md"
PRI = {"PRIu64": "lu", "PRId64": "ld", "PRIu32": "u", "PRId32": "d"}
CALL = re.compile(r"(?<!void )\blog_(debug|info|warn|error|event)\(")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[(),{}\[\]]|PRI[ud]\d\d|\w+|\s+|.', re.DOTALL)
WHOLE = re.compile(r'"<(\d)>([a-z0-9_.]+) ((?:[^"\\]|\\.)*)"')  # lines that log.h is not asked for
CONVERSION = re.compile(r"%(s|d|u|ld|lu|lld|llu|zu)")
LEVELS = {"3": "error", "4": "warn", "6": "info", "7": "debug"}

Event = collections.namedtuple("Event", "path line level name format arguments is_whole")
Pair = collections.namedtuple("Pair", "key value conversions arguments")


def sources():
    found = (p for d in ("agent", "collectors", "shippers") for p in sorted((REPO / d).rglob("*.c")))
    return list(found)


def arguments(text):
    """The arguments of the call whose open parenthesis is before `text`, each as its tokens."""
    depth, found = 0, [[]]
    for token in TOKEN.findall(text):
        depth += token in "([{"
        depth -= token in ")]}"
        if depth < 0:
            return found
        if token == "," and depth == 0:
            found.append([])
        elif not token.isspace():
            found[-1].append(token)
    raise AssertionError("a call without an end")


def unquoted(tokens):
    """A literal of C, of several parts, with our few PRI macros; None if it is something else."""
    out = ""
    for token in tokens:
        if token in PRI:
            out += PRI[token]
        elif token.startswith('"'):
            out += re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), token[1:-1])
        else:
            return None
    return out


def of_file(path):
    text = path.read_text()
    for call in CALL.finditer(text):
        args = arguments(text[call.end() :])
        line = text.count("\n", 0, call.start()) + 1
        level = call[1]
        if level == "event":
            level = "".join(args.pop(0))
        yield Event(path, line, level, unquoted(args[0]), unquoted(args[1]), ["".join(a) for a in args[2:]], False)
    for whole in WHOLE.finditer(text):
        line = text.count("\n", 0, whole.start()) + 1
        pairs = unquoted([f'"{whole[3]}"']).rstrip("\n")
        yield Event(path, line, LEVELS[whole[1]], whole[2], pairs, [], True)


def events():
    return [event for path in sources() for event in of_file(path)]


def pairs(event):
    """The pairs of an event's format, as log.h reads it: a value ends at the first blank that is not in quotes."""
    arguments = list(event.arguments)
    found = []
    for part in re.findall(r'(?:[^ "]|"[^"]*")+', event.format):
        key, _, value = part.partition("=")
        conversions = CONVERSION.findall(value)
        found.append(Pair(key, value, conversions, [arguments.pop(0) for _ in conversions if arguments]))
    return found


def level(event):
    return event.level if re.fullmatch(r"[a-z]+", event.level) else "info or warn"


HEAD = """# What the agent logs

One line an event on stderr, where journald takes it: the event's name, then pairs in logfmt. `make logs` writes this page from the
source, and `tests/docs/test_logs.py` compares them and writes each event with hostile values.

- `err` is what went wrong, as a sentence; `why` is what a decision follows from when nothing went wrong; `next` is what the agent
  does now, and `retry_in_ms` when. `op` is the command's id, the same as in the journal. `code` is AWS's own word.
- A value stands in quotes when it is empty or holds a blank, `=`, `"`, `\\` or a control character. In quotes `"` and `\\` have a
  backslash before them, and control characters are `\\n`, `\\r`, `\\t` or `\\u00NN`. A line that does not fit ends in `cut=yes`.
- With journald the level is the priority (`journalctl -p warning -u reeve`); elsewhere it stands in front: `<3>` error, `<4>` warn,
  `<6>` info, `<7>` debug. Debug lines come with `log: {level: debug}` alone.

| event | level | pairs | source |
|---|---|---|---|
"""


def page():
    rows = sorted(
        f"| `{e.name}` | {level(e)} | {' '.join(p.key for p in pairs(e))} | {e.path.relative_to(REPO)} |\n"
        for e in events()
    )
    return HEAD + "".join(rows)


def main():
    PAGE.write_text(page())


if __name__ == "__main__":
    sys.exit(main())
