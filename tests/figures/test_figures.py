"""test_figures.py - the figures, on texts that can be counted by hand."""

import pathlib

from tests.figures import coverage, figures

C = """/* x.c - a file. */
#define A 1

static int one(int a,
	       int b)
{
	/* why */
	return a + b;
}

void two(void)
{
	one(1, 2); /* and why */
	one(3, 4);
}
"""

PYTHON = '''"""A module."""


def outer():
    """What it is for."""
    # why
    return 1
'''


def source(path, text):
    path = pathlib.Path(path)
    functions = figures.py_functions if path.suffix == ".py" else figures.c_functions
    return figures.Source(path, text, list(functions(path, text)))


def test_functions_of_c_are_found_with_their_lines():
    found = [(f.name, f.line, f.length) for f in source("x.c", C).functions]
    assert found == [("one", 4, 2), ("two", 11, 2)]


def test_functions_of_python_are_found_with_their_lines():
    assert [(f.name, f.line, f.length) for f in source("x.py", PYTHON).functions] == [("outer", 4, 3)]


def test_comments_are_counted_alone_and_behind_code():
    assert figures.comment_lines(C, figures.C_TOKEN) == 3
    assert figures.comment_lines('char *s = "/* none */";\n/* two\n * lines */\n', figures.C_TOKEN) == 2
    assert figures.comment_lines(PYTHON, figures.PY_TOKEN) == 3


def body(name, call):
    lines = "".join(f"\tif (a[{i}] > b.c)\n\t\t{call}(a, {i}, b->d);\n" for i in range(8))
    return f"void {name}(void)\n{{\n{lines}}}\n\n"


def test_two_functions_with_other_names_in_them_are_alike_and_with_other_calls_are_not():
    renamed = body("second", "call").replace("a", "x").replace("xll", "all")
    same = source("x.c", body("first", "call") + renamed).functions
    other = source("x.c", body("first", "call") + body("second", "another")).functions
    assert [round(p[0], 2) for p in figures.pairs(same)] == [1.0]
    assert all(p[0] < 0.5 for p in figures.pairs(other))


def test_lines_that_were_not_reached_are_shown(tmp_path):
    path = tmp_path / "x.c"
    path.write_text("one;\n\ttwo;\n")
    assert list(coverage.unreached(str(path), {1: 4, 2: 0})) == [f"{path}:2: two;"]
    assert "50.0 %" in "\n".join(coverage.folders({"agent/x.c": {1: 4, 2: 0}}))
