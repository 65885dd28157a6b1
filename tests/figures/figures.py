#!/usr/bin/env python3
"""figures.py - the code in numbers: how long its functions and files are, how much is comment, how much is test, what is alike.

They judge nothing. A number that moves is a reason to look: a function that grew, two places that became one idea.
Functions are counted by the lines between their braces (Python: below the def), everything else by lines that are not blank.
Alike are two functions that share runs of SHINGLE tokens, where a name that is no call counts as any other name."""

import ast
import bisect
import collections
import dataclasses
import itertools
import pathlib
import re
import statistics

PRODUCT, TESTS = ("agent", "collectors", "shippers"), ("tests", "deploy")
MOST = 10
SHINGLE = 8
TOKENS_MIN = 60  # of a function that is compared: shorter ones are alike by nature
COMMON = 40  # a run of tokens that more functions than that share says nothing
C_TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[A-Za-z_]\w*|\d[\w.]*|[^\s\w]', re.DOTALL
)
C_FUNCTION = re.compile(r"^[A-Za-z][^\n;{}=#]*\([^;{}]*\)\n\{\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
PY_TOKEN = re.compile(r'#[^\n]*|"""(?:.*?)"""|"(?:\\.|[^"\\\n])*"|[A-Za-z_]\w*|\d[\w.]*|[^\s\w]', re.DOTALL)
KEYWORDS = re.findall(
    r"\w+",
    "if else for while do switch case default break continue return struct enum const static sizeof NULL true false not and or "
    "def in is None True False yield from import lambda with as try except raise assert class",
)


@dataclasses.dataclass
class Function:
    file: pathlib.Path
    line: int
    name: str
    body: str  # what its lines say
    length: int


@dataclasses.dataclass
class Source:
    path: pathlib.Path
    text: str
    functions: list

    @property
    def lines(self):
        return count(self.text)


def count(text):
    return sum(1 for line in text.splitlines() if line.strip())


# ---- reading ----


def c_functions(path, text):
    starts = [m.end() for m in re.finditer("\n", text)]
    for m in C_FUNCTION.finditer(text):
        name = re.search(r"(\w+)\(", m[0])
        if name is not None:
            yield Function(path, bisect.bisect_right(starts, m.start()) + 1, name[1], m[1], m[1].count("\n"))


def py_functions(path, text):
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first, last = node.body[0].lineno - 1, node.end_lineno
            yield Function(path, node.lineno, node.name, "\n".join(lines[first:last]), last - first)


def sources(roots, suffixes):
    for path in sorted(p for root in roots for p in pathlib.Path(root).rglob("*") if p.suffix in suffixes):
        text = path.read_text()
        functions = py_functions if path.suffix == ".py" else c_functions
        yield Source(path, text, list(functions(path, text)))


# ---- lengths ----


def p95(values):
    return sorted(values)[int(0.95 * (len(values) - 1))]


def lengths(title, groups, sizes):
    """One row a group, and below them the longest of the product."""
    yield f"{title:<24} {'number':>8} {'median':>8} {'p95':>8} {'longest':>8}"
    for name, group in groups.items():
        values = [n for n, _ in sizes(group)]
        yield f"  {name:<22} {len(values):>8} {statistics.median(values):>8.0f} {p95(values):>8} {max(values):>8}"
    longest = sorted(sizes(next(iter(groups.values()))), reverse=True)[:MOST]
    yield from (f"  {n:>8}  {where}" for n, where in longest)
    yield ""


def function_sizes(group):
    return [(f.length, f"{f.name}  {f.file}:{f.line}") for s in group for f in s.functions]


def file_sizes(group):
    return [(s.lines, str(s.path)) for s in group]


# ---- comments, tests ----


def comment_lines(text, token):
    """Lines that hold a comment, alone or behind code; Python's docstrings are comments."""
    marks, seen = ("#", '"""') if token is PY_TOKEN else ("/*", "//"), set()
    for m in token.finditer(text):
        if m[0].startswith(marks):
            first = text.count("\n", 0, m.start())
            seen |= set(range(first, first + m[0].count("\n") + 1))
    return len(seen)


def comments(groups):
    """Of the lines of whole headers, of whole files of code, and of the functions in these alone."""
    yield f"{'comments':<24} {'headers':>8} {'files':>8} {'bodies':>8}"
    for name, group in groups.items():
        token = PY_TOKEN if group[0].path.suffix == ".py" else C_TOKEN
        headers = [s.text for s in group if s.path.suffix == ".h"]
        files = [s.text for s in group if s.path.suffix != ".h"]
        bodies = [f.body for s in group for f in s.functions]
        yield f"  {name:<22} " + " ".join(comment_share(texts, token) for texts in (headers, files, bodies))
    yield ""


def comment_share(texts, token):
    lines = sum(map(count, texts))
    return f"{100 * sum(comment_lines(t, token) for t in texts) / lines:>6.1f} %" if lines else f"{'-':>8}"


def test_ratio(groups):
    lines = {name: sum(s.lines for s in group) for name, group in groups.items()}
    product = lines.pop("agent")
    yield f"{'tests':<24} {'lines':>8} {'a line of the agent':>20}"
    for name, n in [*lines.items(), ("all tests", sum(lines.values()))]:
        yield f"  {name:<22} {n:>8} {n / product:>20.2f}"
    yield f"  {'the agent':<22} {product:>8}"
    yield ""


# ---- what is alike ----


def tokens_of(function):
    pattern = PY_TOKEN if function.file.suffix == ".py" else C_TOKEN
    found = [t for t in pattern.findall(function.body) if not t.startswith(("/*", "//", "#"))]
    for t, following in itertools.zip_longest(found, found[1:]):
        if t[0] in "\"'":
            yield "text"
        elif t[0].isdigit():
            yield "0"
        elif (t[0].isalpha() or t[0] == "_") and t not in KEYWORDS and following != "(":
            yield "name"
        else:
            yield t


def shingles(function):
    tokens = list(tokens_of(function))
    if len(tokens) < TOKENS_MIN:
        return set()
    return {hash(tuple(tokens[i : i + SHINGLE])) for i in range(len(tokens) - SHINGLE + 1)}


def is_inside(a, b):
    return a.file == b.file and abs(a.line - b.line) <= (a if a.line < b.line else b).length


def pairs(functions):
    """Of those that share rare runs: how many runs they share, and how much of both that is."""
    runs = [shingles(f) for f in functions]
    holders = collections.defaultdict(list)
    for i, run in enumerate(runs):
        for s in run:
            holders[s].append(i)
    candidates = collections.Counter(
        pair for who in holders.values() if len(who) <= COMMON for pair in itertools.combinations(who, 2)
    )
    for i, k in candidates:
        if is_inside(functions[i], functions[k]):
            continue
        shared = len(runs[i] & runs[k])
        yield shared / len(runs[i] | runs[k]), shared, functions[i], functions[k]


def alike(title, group):
    functions = [f for s in group for f in s.functions if f.name != "main"]
    yield title
    for share, shared, a, b in sorted(pairs(functions), key=lambda p: p[0] * p[1], reverse=True)[:MOST]:
        yield f"  {100 * share:>4.0f} % of {shared:>3} runs  {a.name}  {a.file}:{a.line}"
        yield f"  {'':>19}  {b.name}  {b.file}:{b.line}"
    yield ""


def main():
    product, tests = list(sources(PRODUCT, {".c", ".h"})), list(sources(TESTS, {".c", ".h"}))
    python = list(sources(TESTS, {".py"}))
    groups = {"agent": product, "tests in C": tests, "Python": python}
    text = [
        *lengths("lines of a function", groups, function_sizes),
        *lengths("lines of a file", groups, file_sizes),
        *comments(groups),
        *test_ratio(groups),
        *alike("most alike in the agent", product),
        *alike("most alike in tests (C)", tests),
        *alike("most alike in Python", python),
    ]
    print("\n".join(text).rstrip())


if __name__ == "__main__":
    main()
