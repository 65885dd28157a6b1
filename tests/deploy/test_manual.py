"""The manual pages and the completions say what the program says: no option is missing and none is made up."""

import pathlib
import re
import subprocess

import pytest
import yaml

REPO = pathlib.Path(__file__).parents[2]
BINARY = REPO / "build/reeve"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    tools = REPO / "deploy/release"
    subprocess.run([tools / "manual.py", folder, "0.1.0", "1767225600", BINARY], check=True)
    subprocess.run([tools / "completion.py", folder / "completion", BINARY], check=True)
    return folder


def helped(*words):
    return subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, check=True).stdout


def commands():
    return [c.strip() for c in re.findall(r"^  reeve ((?:[a-z-]+ ?)+?)  +", helped(), re.MULTILINE)]


def rendered(page):
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=500n", page], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).replace("\u2010", "-")


def test_the_page_of_the_program_holds_every_page_of_help(made):
    text = rendered(made / "reeve.8")
    assert len(commands()) > 8
    for command in commands():
        for line in helped(*command.split()).splitlines()[2:]:
            assert line.strip() in text, line


def keys_of(*sources):
    """What the code reads: the lists of keys that its sections enter, and the names of the bounds."""
    text = "".join((REPO / s).read_text() for s in sources)
    lists = re.findall(r"YAML_KEYS\(([^)]*)\)", text)
    bounds = re.findall(r'^const struct bound bound_\w+ = \{\s*\.key = "(\w+)"', text, re.MULTILINE)
    return {key for given in lists for key in re.findall(r'"(\w+)"', given)} | set(bounds)


def all_keys(node):
    if isinstance(node, dict):
        return set(node) | {k for v in node.values() for k in all_keys(v)}
    return {k for v in node for k in all_keys(v)} if isinstance(node, list) else set()


def options_in(name):
    """Of an example, with what it has commented out."""
    text = (REPO / "deploy/etc" / name).read_text()
    return set(re.findall(r"^[# ]*(?:- )?([a-z_0-9.]+):(?: |$)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("page", "example", "sources", "beside"),
    [
        # Endpoints are named by service; the top of the file and the roles are read one by one.
        (
            "reeve.yaml.5",
            "reeve.yaml",
            ["agent/config.c", "agent/config_logs.c"],
            {"ec2", "sts", "elasticloadbalancing"},
        ),
        (
            "reeve-policy.5",
            "policy.yaml",
            [
                "agent/ops/policy.c",
                "agent/ops/rates.c",
                "agent/ops/steps/bound.c",
                "agent/ops/steps/kinds_elb_balancer.c",
            ],
            set(re.findall(r'\.name = "([a-z.]+)"', (REPO / "agent/ops/verb.c").read_text())),
        ),
    ],
)
def test_a_page_of_a_file_names_every_option_that_the_code_reads(made, page, example, sources, beside):
    text = rendered(made / page)
    read, told = keys_of(*sources), options_in(example)
    assert len(read) > 20
    assert read - told == set()
    top = set(yaml.safe_load((REPO / "deploy/etc" / example).read_text()))
    assert (
        told - read - beside - top - {"insecure", "socket", "state", "aws", "log", "journal", "poll", "mode"} == set()
    )
    assert all(f"{key}:" in text for key in read)


def completed(made, *words):
    given = " ".join(repr(w) for w in words)
    script = f"source {made}/completion/reeve; COMP_WORDS=(reeve {given}); COMP_CWORD={len(words)}; _reeve"
    script += "; echo ${COMPREPLY[*]}"
    return set(subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split())


def test_bash_completes_commands_and_every_option(made):
    assert completed(made, "") == {c.split()[0] for c in commands()} | {"help", "--help", "--version"}
    assert completed(made, "jo") == {"journal"}
    assert completed(made, "journal", "") == {"show", "verify", "--help"}
    for command in commands():
        body = helped(*command.split()).split("\nexit status", 1)[0]
        options = set(re.findall(r"^  (-[a-z-]+)", body, re.MULTILINE))
        assert completed(made, *command.split(), "-") == options | {"--help"}
    assert completed(made, "nonsense", "") == set()


def test_the_completions_are_good_shell(made):
    subprocess.run(["shellcheck", "-s", "bash", made / "completion/reeve"], check=True)
    text = (made / "completion/_reeve").read_text()
    assert text.startswith("#compdef reeve\n")
    for command in commands():
        assert f"'{command} '*) _arguments " in text
