"""test_pairs.py - a file without a test is told, and so is a row of the table that is not true."""

import pathlib

import pytest

from tests.lint import pairs


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pairs, "WHOLE", {})


def write(path, text=""):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def faults(*sources):
    paths = [write(s) for s in sources]
    return [*pairs.faults_of_sources(paths), *(f for row in pairs.WHOLE for f in pairs.faults_of_row(row, paths))]


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("agent/io/new.c", "tests/unit/io/test_new.c"),
        ("agent/ops/steps/new.c", "tests/unit/ops/steps/test_new.c"),
        ("agent/config.c", "tests/unit/agent/test_config.c"),
        ("collectors/new.c", "tests/unit/collectors/test_new.c"),
        ("shippers/new.c", "tests/unit/shippers/test_new.c"),
    ],
)
def test_every_folder_wants_a_test_in_its_mirror(source, test):
    assert test in "".join(faults(source))
    write(test)
    assert faults(source) == []


def test_a_row_names_a_test_that_is_there():
    pairs.WHOLE["agent/io/new.c"] = ("tests/unit/io/test_other.c", "why")
    assert "test_other.c is not there" in "".join(faults("agent/io/new.c"))
    write("tests/unit/io/test_other.c")
    assert faults("agent/io/new.c") == []


def test_a_row_of_python_names_a_function_that_is_there():
    pairs.WHOLE["agent/cli/*.c"] = ("tests/e2e/test_cli.py::test_status", "why")
    write("tests/e2e/test_cli.py", "def test_status_of_another():\n    pass\n")
    assert "has no test_status" in "".join(faults("agent/cli/status.c"))
    write("tests/e2e/test_cli.py", "def test_status(stage):\n    pass\n")
    assert faults("agent/cli/status.c") == []


def test_a_row_goes_when_its_file_goes_or_has_a_test_of_its_own():
    pairs.WHOLE["agent/io/new.c"] = ("tests/unit/io/test_other.c", "why")
    write("tests/unit/io/test_other.c")
    assert "stands for no file" in "".join(faults("agent/io/another.c"))
    write("tests/unit/io/test_new.c")
    assert "take its row out" in "".join(faults("agent/io/new.c"))
