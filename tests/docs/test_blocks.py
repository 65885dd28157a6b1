"""No block of a document stands there untried."""

import importlib
import inspect
import pathlib

import pytest

from tests.docs import blocks

MOST_TEXT = 3  # of one document: pictures, and what is only read


def claims():
    """(document, name) of every mark in this folder; a test that has one must take the text."""
    found = set()
    for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.docs.{path.stem}")
        for name, value in inspect.getmembers(module, inspect.isfunction):
            for mark in getattr(value, "pytestmark", []):
                if mark.name == "block":
                    assert "block" in inspect.signature(value).parameters, (
                        f"{path.name}: {name} does not take its block"
                    )
                    found |= {(mark.args[0], block) for block in mark.args[1:]}
    return found


@pytest.mark.parametrize("document", blocks.documents())
def test_every_block_is_run_by_a_test_or_is_plain_text_on_purpose(document):
    run = {b.name for b in blocks.blocks(document) if b.language != "text"}
    lines = [b.line for b in blocks.blocks(document) if b.language != "text" and not b.name]
    assert not lines, f"blocks without a name, so that no test can run them: lines {lines}"
    assert run - {name for of, name in claims() if of == document} == set()


@pytest.mark.parametrize("document", blocks.documents())
def test_few_blocks_are_plain_text(document):
    assert sum(b.language == "text" for b in blocks.blocks(document)) <= MOST_TEXT


def test_every_claim_is_of_a_block_that_there_is():
    there = {(d, b.name) for d in blocks.documents() for b in blocks.blocks(d)}
    assert claims() - there == set()


def test_a_block_without_a_test_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "new.md"
    path.write_text("```sh hello\necho hello\n```\n\n```\nnothing\n```\n")
    monkeypatch.setattr(blocks, "documents", lambda: {"new.md": path})
    assert [(b.language, b.name, b.text) for b in blocks.blocks("new.md")] == [
        ("sh", "hello", "echo hello\n"),
        ("", "", "nothing\n"),
    ]
    with pytest.raises(AssertionError):
        test_every_block_is_run_by_a_test_or_is_plain_text_on_purpose("new.md")
