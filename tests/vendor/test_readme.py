"""The commands of the README are those of the command line."""

import pathlib
import shlex

from tests.vendor import cli


def commands():
    text = pathlib.Path(__file__).with_name("README.md").read_text()
    block = text.split("## By hand")[1].split("```")[1].partition("\n")[2].replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    return [line[3 if line[0] == "python" else 1 :] for line in lines if line and not line[0].startswith("V=")]


def test_each_command_of_the_readme_is_one():
    parsed = [cli.parser().parse_args(c).what for c in commands()]
    assert {
        "keys",
        "register",
        "serve",
        "apply",
        "list",
        "watch",
        "reboot",
        "replace",
        "upgrade",
        "delete",
        "cancel",
    } == set(parsed)


def test_the_readme_says_before_the_first_command_that_the_agent_must_have_logged_in():
    block = pathlib.Path(__file__).with_name("README.md").read_text().split("```")[1]
    assert block.index("$V serve") < block.index("the agent has logged in") < block.index("$V apply")
