#!/usr/bin/env python3
"""voice.py - one spelling for one thing: names that a stranger would mistake for each other, and comparisons that read alike.

- No two files of the program bear one name, nor do two structs. Private headers of tests count among themselves.
- An enumerator bears its module's name or a word, never one letter: R_NEXT says nothing.
- Texts are compared by str_eq; strcmp is for their order alone.
- No line is wider than .clang-format says, comments too; a table is laid out by hand, between clang-format off and on."""

import collections
import pathlib
import re
import sys

PROGRAM = ("agent", "collectors", "shippers")
SAME_NAME_MEANT = {"main.c"}  # of a program each


def files_of(*roots):
    return sorted(f for root in roots for f in pathlib.Path(root).rglob("*.[ch]"))


def twice(pairs, what):
    seen = collections.defaultdict(set)
    for name, path in pairs:
        seen[name].add(str(path))
    for name, paths in sorted(seen.items()):
        if len(paths) > 1 and name not in SAME_NAME_MEANT:
            yield f"{what} {name} stands twice: {', '.join(sorted(paths))}"


def structs_of(path):
    return re.findall(r"^(?:static )?struct (\w+) \{", path.read_text(), re.MULTILINE)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)


def letters_of(path):
    for body in re.findall(r"^enum \w* ?\{(.*?)\}", without_comments(path.read_text()), re.MULTILINE | re.DOTALL):
        for name in re.findall(r"\b[A-Z]_[A-Z][A-Z_0-9]*\b", body):
            yield f"{path}: {name}: one letter is no module's name"


def comparisons_of(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.search(r"\bstrcmp\(.*\) (==|!=) 0", line) and str(path) != "agent/base/str.c":
            yield f"{path}:{number}: texts are compared by str_eq"


def widths_of(path):
    width = int(re.search(r"^ColumnLimit: (\d+)", pathlib.Path(".clang-format").read_text(), re.MULTILINE)[1])
    by_hand = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        by_hand = "clang-format off" in line or (by_hand and "clang-format on" not in line)
        if not by_hand and len(line.expandtabs(8)) > width:
            yield f"{path}:{number}: {len(line.expandtabs(8))} columns; {width} is the width"


def main():
    program, headers = files_of(*PROGRAM), [f for f in files_of("tests") if f.suffix == ".h"]
    faults = [
        *twice([(f.name, f) for f in program], "the file"),
        *twice([(f.name, f) for f in headers], "the file"),
        *twice([(name, f) for f in program for name in structs_of(f)], "the struct"),
        *(fault for f in program for fault in [*letters_of(f), *comparisons_of(f)]),
        *(fault for f in files_of(*PROGRAM, "tests", "deploy") for fault in widths_of(f)),
    ]
    print("\n".join(faults) or f"{len(program)} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
