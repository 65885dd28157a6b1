#!/usr/bin/env python3
"""manual.py FOLDER VERSION EPOCH PROGRAM... - the manual pages, made of what there is already: reeve.8 of the pages of
help that the program itself prints, reeve.yaml.5 and reeve-policy.5 of the examples, which name every option
(tests/deploy/test_manual.py)."""

import datetime
import pathlib
import re
import subprocess
import sys

ETC = pathlib.Path(__file__).parents[1] / "etc"


def helped(program, *words):
    return subprocess.run([*program, *words, "--help"], capture_output=True, text=True, check=True).stdout


def plain(text):
    """A line that roff prints as it is."""
    text = text.replace("\\", r"\(rs").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    return rf"\&{text}" if text.startswith(".") else text


def block(lines):
    return [".nf", *(plain(line) for line in lines), ".fi"]


def section(program, command):
    """Of one command: its usage, then its page, whose parts begin with a word alone on its line."""
    page = helped(program, *command.split())
    first, _, rest = page.partition("\n\n")
    about = first.split(" - ", 1)[1]
    usage, _, body = rest.partition("\n\n")
    return [
        f".SS {plain(command)}",
        plain(about[0].upper() + about[1:] + "."),
        ".PP",
        *block([usage, "", *body.rstrip().splitlines()]),
    ]


def commands_of(program):
    return [c.strip() for c in re.findall(r"^  reeve ((?:[a-z-]+ ?)+?)  +", helped(program), re.MULTILINE)]


def program_page(program, version, date):
    lines = [
        f'.TH REEVE 8 "{date}" "reeve {version}" "System Administration"',
        ".SH NAME",
        r"reeve \- the vendor\(aqs agent in the customer\(aqs account",
        ".SH SYNOPSIS",
        r".B reeve \fICOMMAND\fR [\fIOPTION\fR]...",
        ".SH DESCRIPTION",
        r"Pulls signed commands from a data\-warehouse vendor, manages the instances, volumes, security groups and",
        "load balancers of the warehouse within the bounds that the customer has written, and pushes metrics and logs",
        "in one direction. To stop every change at once:",
        r".B touch /etc/reeve/STOP",
        ".SH COMMANDS",
    ]
    for command in commands_of(program):
        lines += section(program, command)
    files = {
        "/etc/reeve/reeve.yaml": "what this installation is and whom it trusts",
        "/etc/reeve/policy.yaml": r"what it may do; the customer\(aqs alone to write",
        "/etc/reeve/STOP": "while it is there nothing is changed",
        "/var/lib/reeve/journal": r"the record of all it has done, a chain of SHA\-256",
        "/run/reeve/reeve.sock": "where the commands ask the daemon",
    }
    lines += [".SH FILES", *(line for path, what in files.items() for line in (".TP", f".I {path}", what))]
    lines += [".SH SEE ALSO", r".BR reeve.yaml (5),", r".BR reeve\-policy (5)"]
    return lines


def file_page(name, path, what, version, date):
    """Its example is its manual: every option with what it means, defaults commented out."""
    example = ETC / pathlib.Path(path).name
    return [
        f'.TH {name.upper()} 5 "{date}" "reeve {version}" "File Formats"',
        ".SH NAME",
        f"{plain(name)} \\- {what}",
        ".SH DESCRIPTION",
        f"{plain(path)} is a strict subset of YAML: no anchors, aliases, tags, merge keys or duplicate keys, and no",
        "key that is not known. Below is the example that is installed with it; what is commented out shows a default.",
        "To check a file:",
        r".B reeve check\-config",
        ".SH OPTIONS",
        *block(example.read_text().splitlines()),
        ".SH SEE ALSO",
        r".BR reeve (8)",
    ]


def main():
    folder, version, epoch, *program = pathlib.Path(sys.argv[1]), *sys.argv[2:]
    date = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).strftime("%Y-%m-%d")
    pages = {
        "reeve.8": program_page(program, version, date),
        "reeve.yaml.5": file_page(
            "reeve.yaml", "/etc/reeve/reeve.yaml", "what an installation of reeve is", version, date
        ),
        "reeve-policy.5": file_page("reeve-policy", "/etc/reeve/policy.yaml", "what reeve may do", version, date),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in pages.items():
        (folder / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
