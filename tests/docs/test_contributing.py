"""CONTRIBUTING.md: its commands are run, its C is compiled and laid out as all of ours; and the other files at the top."""

import configparser
import hashlib
import json
import os
import re
import subprocess

import pytest

from tests.docs import blocks

REPO = blocks.REPO


def run(block):
    """One block at the top of the repository, as somebody would type it; not as a part of a make that runs already."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["bash", "-euo", "pipefail", "-c", block]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.block("CONTRIBUTING.md", "compile-commands")
def test_the_commands_for_an_editor_compile_what_they_name(block):
    run(block)
    commands = {c["file"]: c for c in json.loads((REPO / "compile_commands.json").read_text())}
    listed = subprocess.run(
        ["git", "ls-files", "*.c"], cwd=REPO, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(commands) >= set(listed)
    one = commands["agent/base/cidr.c"]
    subprocess.run([*one["arguments"], "-fsyntax-only"], cwd=one["directory"], check=True)


@pytest.mark.block("CONTRIBUTING.md", "one-unit")
def test_one_unit_test_is_run_as_the_page_says(block):
    assert run(block).splitlines()[-1].endswith(" passed, 0 failed")


@pytest.mark.block("CONTRIBUTING.md", "one-python")
def test_one_python_test_is_run_as_the_page_says(block):
    assert re.search(r"1 passed, \d+ deselected", run(block))


@pytest.mark.block("CONTRIBUTING.md", "one-seed")
def test_one_seed_is_replayed_as_the_page_says(block):
    run("make -s build/tests/sim/sim")  # so that neither run builds
    assert run(block) == run(block)


@pytest.mark.block("CONTRIBUTING.md", "one-fuzzer")
def test_one_fuzzer_is_run_as_the_page_says(block):
    run(block)
    assert (REPO / "build/fuzz/corpus/text").is_dir()


@pytest.mark.block("CONTRIBUTING.md", "mutants")
def test_the_places_of_the_mutants_are_looked_up_as_the_page_says(block):
    run(block)


@pytest.mark.block("CONTRIBUTING.md", "error", "flow", "step")
def test_the_examples_compile_and_are_laid_out_as_all_our_code(block, tmp_path):
    run("make -s compile_commands.json")
    commands = json.loads((REPO / "compile_commands.json").read_text())
    flags = next(c["arguments"] for c in commands if c["file"] == "agent/base/cidr.c")[:-2]
    for text in block:
        path = tmp_path / "example.c"
        path.write_text(text)
        subprocess.run([*flags, "-c", path, "-o", tmp_path / "example.o"], cwd=REPO, check=True)
        style = f"--style=file:{REPO}/.clang-format"
        laid = subprocess.run(["clang-format-14", style, path], capture_output=True, text=True, check=True).stdout
        assert laid == text


def test_the_targets_that_the_page_names_are_explained_by_make_help():
    said = run("make -s help")
    named = re.findall(r"^\| `make ([a-z]+)` \|", (REPO / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert named
    assert all(f"make {name} " in said for name in named if name != "help")


# ---- the other files at the top ----


def test_the_licence_is_the_whole_apache_licence():
    text = (REPO / "LICENSE").read_text()
    assert (
        hashlib.sha256(text.strip().encode()).hexdigest()
        == "283ea6cc2997a1a70da0049e09adf9317bb60ca1b51279b65196b83a69e1996b"
    )


def test_no_document_gives_an_address_that_looks_real():
    """Who ships this puts the vendor's own there."""
    for path in blocks.documents().values():
        found = re.findall(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", path.read_text())
        assert all(host.split(".")[-1] in ("example", "test") for host in found), (path.name, found)
    assert "PUT-THE-VENDORS-SECURITY-CONTACT-HERE" in (REPO / "SECURITY.md").read_text()


def test_files_are_laid_out_as_editors_are_told():
    parser = configparser.ConfigParser()
    parser.read_string("[top]\n" + (REPO / ".editorconfig").read_text())
    assert parser["top"]["root"] == "true"
    assert parser["*.py"]["max_line_length"] == re.search(r"[0-9]+", (REPO / "tests/ruff.toml").read_text())[0]
    limit = re.search(r"ColumnLimit: ([0-9]+)", (REPO / ".clang-format").read_text())[1]
    assert parser["*.{c,h,mk,sh}"]["max_line_length"] == limit
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPO, capture_output=True, text=True, check=True
    )
    for name in names.stdout.splitlines():
        if name.startswith("tests/fuzz/seeds/") or not (REPO / name).is_file():
            continue
        data = (REPO / name).read_bytes()
        assert b"\r" not in data, name
        assert not data or data.endswith(b"\n"), name
        assert all(line == line.rstrip() for line in data.decode().split("\n")), name
