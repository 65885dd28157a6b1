"""Each command explains itself on a page of its own, with exit status and examples."""

import pytest

from tests.e2e.cli.conftest import at_terminal, reeve

COMMANDS = [
    "run",
    "status",
    "inventory",
    "plan show",
    "journal show",
    "journal verify",
    "export show",
    "export sample",
    "check-config",
    "iam agent",
    "iam operate",
    "version",
]


WRONG = [
    ("run", "x"),
    ("run", "-c"),
    ("run", "-c", ""),
    ("run", "-c", "--json"),
    ("status", "x"),
    ("status", "--json=yes"),
    ("status", "-v", "-v"),
    ("inventory", "x"),
    ("inventory", "--json=yes"),
    ("inventory", "-c", ""),
    ("plan", "show"),
    ("plan", "show", ""),
    ("plan", "show", "zz"),
    ("plan", "show", "7", "8"),
    ("plan", "show", "-7"),
    ("journal", "show", ""),
    ("journal", "show", "-n"),
    ("journal", "show", "-n", "x"),
    ("journal", "show", "-n", "-1"),
    ("journal", "show", "-n", "1", "-n", "2"),
    ("journal", "show", "-n", "99999999999999999999"),
    ("journal", "show", "--op", "zz"),
    ("journal", "show", "--op="),
    ("journal", "show", "--op", "-f"),
    ("journal", "show", "--op", "01a3185c-5000-7000-8000-0000000000001"),
    ("journal", "show", "--since", "yesterday"),
    ("journal", "show", "--since", "2026-13-01"),
    ("journal", "show", "--since", "-2h"),
    ("journal", "show", "--since="),
    ("journal", "show", "a", "b"),
    ("journal", "verify", "a", "b"),
    ("journal", "verify", "-n", "1"),
    ("journal", "verify", ""),
    ("export",),
    ("export", "eat"),
    ("export", "show", "--since", "yesterday"),
    ("export", "show", "--until", "2026-13-01"),
    ("export", "show", "--since", "1h", "--until", "2h"),
    ("export", "show", "a", "b"),
    ("export", "sample", "-n", "0"),
    ("export", "sample", "-n", "5001"),
    ("export", "sample", "-n", "x"),
    ("export", "sample", "--batch", "0123"),
    ("export", "sample", "a", "b"),
    ("check-config", "a", "b"),
    ("check-config", ""),
    ("check-config", "-c", "a", "b"),
    ("iam", "agent", "x"),
    ("iam", "agent", "-c", ""),
    ("iam", "operate", "eat"),
    ("iam", "operate", "launch", "delete"),
    ("iam", "operate", "--vpc", "x"),
    ("iam", "operate", "--vpc="),
    ("iam", "operate", "--policy="),
    ("iam", "operate", "--policy", "--vpc", "vpc-1"),
    ("version", "x"),
    ("version", "--library"),
    ("--version", "x"),
    ("journal",),
    ("journal", "eat"),
    ("eat",),
    ("help", "eat"),
    ("help", "help"),
]


@pytest.mark.parametrize("args", WRONG, ids=" ".join)
def test_what_is_written_wrongly_ends_with_2_and_says_where_help_is(args):
    run = reeve(*args)
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.startswith("reeve: ") and "--help" in run.stderr and len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_each_page_tells_of_that_status(command):
    page = reeve(*command.split(), "--help").stdout
    assert "\n  2  it was asked wrongly\n" in page


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_a_page_of_its_own(command):
    words = command.split()
    pages = [
        reeve(*words, "--help"),
        reeve(*words, "-h"),
        reeve("--help", *words),
        reeve("help", *words),
        reeve(*words, "x", "--help"),
    ]
    assert {run.returncode for run in pages} == {0} and len({run.stdout for run in pages}) == 1
    page = pages[0].stdout
    assert page.startswith(f"reeve {command} - ") and f"usage: reeve {command}" in page
    assert "\nexit status" in page and f"\nexamples\n  reeve {command}" in page or f"reeve {words[0]}" in page
    for other in COMMANDS:
        assert other == command or f"usage: reeve {other}" not in page
    assert all(len(line) <= 130 for line in page.splitlines())


@pytest.mark.parametrize("columns", [40, 80])
def test_a_page_wraps_at_the_terminal(columns):
    for command in (*COMMANDS, ""):
        seen, status = at_terminal(columns, *command.split(), "--help")
        assert status == 0 and seen.split() == reeve(*command.split(), "--help").stdout.split()
        assert all(len(line) <= columns or len(line.split()) <= 2 for line in seen.splitlines())


def test_the_overview_names_every_command_and_a_group_shows_its_pages():
    for run in (reeve("--help"), reeve("-h"), reeve("help")):
        assert run.returncode == 0
        assert all(f"  reeve {command} " in run.stdout for command in COMMANDS)
    for group in ("plan", "journal", "iam"):
        for run in (reeve(group, "--help"), reeve("help", group)):
            shown = [c for c in COMMANDS if f"usage: reeve {c}" in run.stdout]
            assert run.returncode == 0 and shown == [c for c in COMMANDS if c.startswith(f"{group} ")]
        run = reeve(group)
        assert run.returncode == 2 and f"{group} wants: " in run.stderr
    for wrong in (["help", "journal", "foo"], ["journal", "foo", "--help"], ["journal", "foo"]):
        run = reeve(*wrong)
        assert run.returncode == 2 and "journal wants: show, or verify" in run.stderr and run.stdout == ""
    for wrong in (["foo"], ["help", "foo"], ["foo", "--help"]):
        run = reeve(*wrong)
        assert run.returncode == 2 and '"foo" is not a command' in run.stderr
    assert reeve().returncode == 2


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("plan show",)])
def test_what_is_not_expected_is_refused(command):
    run = reeve(*command.split(), "--nonsense")
    assert run.returncode == 2 and '"--nonsense" is not expected' in run.stderr and run.stdout == ""
