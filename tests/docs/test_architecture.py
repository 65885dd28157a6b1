"""docs/architecture.md: its arrows are those that are enforced, its folders and libraries those that there are."""

import importlib.util
import re

import pytest

from tests.docs import blocks

REPO = blocks.REPO
PAGE = (REPO / "docs/architecture.md").read_text()


def enforced():
    spec = importlib.util.spec_from_file_location("layers", REPO / "tests/lint/layers.py")
    layers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(layers)
    return layers.BELOW


def drawn(picture):
    """{who: whom} of the picture; a line without an arrow goes on with the one before."""
    found, who = {}, None
    for line in picture.splitlines():
        left, arrow, right = line.partition("──▶")
        if arrow:
            who = left.strip()
            assert who not in found, who
            found[who] = []
        found[who] += (right if arrow else left).split()
    return found


@pytest.mark.block("architecture.md", "arrows")
def test_the_arrows_of_the_picture_are_those_that_are_enforced(block):
    assert {who: set(whom) for who, whom in drawn(block).items()} == enforced()


@pytest.mark.block("architecture.md", "arrows")
def test_every_arrow_of_the_picture_points_down(block):
    order = [*drawn(block), "proto"]
    for who, whom in drawn(block).items():
        assert all(order.index(one) > order.index(who) for one in whom), who


def test_the_tables_name_every_folder_with_code():
    rows = {
        name
        for row in PAGE.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    folders = {
        str(p.parent.relative_to(REPO))
        for root in ("agent", "collectors", "shippers")
        for p in (REPO / root).rglob("*.c")
    }
    assert folders - {"agent"} <= rows
    tests = {f"tests/{p.name}" for p in (REPO / "tests").iterdir() if p.is_dir() and not p.name.startswith(("_", "."))}
    assert tests - rows == {"tests/tools", "tests/turns"}  # small helpers


def test_the_libraries_of_the_page_are_those_of_the_build():
    linked = re.search(r"^LIBS\s*:= (.*)$", (REPO / "Makefile").read_text(), re.MULTILINE)[1]
    linked = re.sub(r"\$\(if \$\(\w+\),(\S+)\)", r"\1", linked).split()  # where it is there when it is built
    table = PAGE.split("| library | for |")[1].split("\n\n")[0].splitlines()[2:]
    assert [name.strip() for row in table for name in row.split("|")[1].split(",")] == linked


def test_the_page_names_every_way_in_which_a_repetition_is_harmless():
    kinds = re.search(r"enum step_repeat \{(.*?)\}", (REPO / "agent/ops/steps/step.h").read_text(), re.DOTALL)[1]
    table = PAGE.split("| kind says |")[1].split("\n\n")[0]
    assert re.findall(r"`(REPEAT_[A-Z]+)`", table) == re.findall(r"REPEAT_[A-Z]+", kinds)
