"""test_tidy.py - what clang-tidy is told not to see must have its reason."""

import pathlib

import pytest

from tests.lint import tidy


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("# misc-x: why\nChecks: >-\n  -*,\n  misc-*,\n  -misc-x\n", []),
        ("Checks: >-\n  -*,\n  misc-*,\n  -misc-x\n", ["misc-x is left out without a reason"]),
        ("# misc-x: why\nChecks: >-\n  -*,\n  misc-*\n", ["misc-x has a reason and is not left out"]),
        ("# misc-x, misc-y: why\nChecks: >-\n  -*,\n  -misc-x,\n  -misc-y\n", []),
    ],
)
def test_each_check_left_out_has_its_reason_and_each_reason_its_check(tmp_path, monkeypatch, config, told):
    path = tmp_path / "config"
    path.write_text(config)
    monkeypatch.setattr(tidy, "CONFIG", path)
    assert [fault.split(": ", 1)[1] for fault in tidy.left_out()] == told


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("int a; /* NOLINT */", True),
        ("int a; /* NOLINT(misc-x) */", True),
        ("int a; /* NOLINT(misc-x): it is meant */", False),
        ("/* NOLINTNEXTLINE(misc-x): it is meant */", False),
        ("/* NOLINTBEGIN(misc-x) */", True),
        ("/* NOLINTEND(misc-x) */", False),
    ],
)
def test_a_silenced_line_says_which_check_and_why(tmp_path, line, is_told):
    path = pathlib.Path(tmp_path / "x.c")
    path.write_text(line + "\n")
    assert bool(list(tidy.silenced(path))) == is_told
