#!/usr/bin/env python3
"""documents.py - nothing points to what is not there: a document that any file cites, and in the documents every link and
every path in backticks (a pattern counts when it matches)."""

import pathlib
import re
import subprocess
import sys

CITED = re.compile(r"(?<![\w*])[\w./-]*[\w-]\.md\b")
ELSEWHERE = re.compile(r"\b(?:DESIGN|FORMATS|STYLE)\b(?!\.md)")  # as a name of its own
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
TOPS = "agent|collectors|shippers|proto|deploy|tests|docs"
PATH = re.compile(rf"`((?:{TOPS})/[\w./*-]*)`")
MADE = ("build/",)  # what only a build makes
MAKES_ITS_OWN = {"tests/docs/test_blocks.py"}  # makes documents to be wrong on purpose


SECTIONS = re.compile(r"docs/([\w-]+\.md),? sections? ([0-9]+)(?: and ([0-9]+))?")


def files():
    listed = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    return [pathlib.Path(n) for n in names if not n.startswith("tests/fuzz/seeds/") and pathlib.Path(n).is_file()]


def is_there(name, path):
    """As seen from the top, from the file itself, or as the name of a page of docs/."""
    return any((folder / name).exists() for folder in (pathlib.Path(), path.parent, pathlib.Path("docs")))


def faults_of(path):
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return
    for number, line in enumerate(lines, 1):
        for name in CITED.findall(line) if str(path) not in MAKES_ITS_OWN else ():
            if not is_there(name, path):
                yield f"{path}:{number}: {name} is not in the repository: cite a document that is, or say the fact itself"
        if ELSEWHERE.search(line) and path.name != pathlib.Path(__file__).name:
            yield f"{path}:{number}: {ELSEWHERE.search(line)[0]} is no document of the repository"
        yield from (f"{path}:{number}: {fault}" for fault in sections_that_are_not_there(line))
        if path.suffix == ".md":
            yield from (f"{path}:{number}: {fault}" for fault in faults_in_document(line, path))


def faults_in_document(line, path):
    for target in LINK.findall(line):
        if "://" not in target and not (path.parent / target).exists():
            yield f"the link {target} leads nowhere"
    for name in PATH.findall(line):
        if not name.startswith(MADE) and not list(pathlib.Path().glob(name.rstrip("/"))):
            yield f"there is no {name}"


def sections_that_are_not_there(line):
    for name, *numbers in SECTIONS.findall(line):
        text = pathlib.Path("docs", name).read_text() if pathlib.Path("docs", name).exists() else ""
        yield from (f"{name} has no section {n}" for n in numbers if n and f"\n## {n}. " not in text)


def main():
    all_files = files()
    faults = [fault for path in all_files for fault in faults_of(path)]
    print("\n".join(faults) or f"{len(all_files)} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
