#!/usr/bin/env python3
"""manual.py PROGRAM VERSION EPOCH > reeve.8 - the manual page, out of the pages of help that the program itself prints."""

import datetime
import re
import subprocess
import sys


def helped(program, *words):
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout


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


def main():
    program, version, epoch = sys.argv[1:4]
    overview = helped(program)
    commands = re.findall(r"^  reeve ((?:[a-z-]+ ?)+?)  +", overview, re.MULTILINE)
    date = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).strftime("%Y-%m-%d")
    lines = [
        f'.TH REEVE 8 "{date}" "reeve {version}" "System Administration"',
        ".SH NAME",
        r"reeve \- the vendor\(aqs agent in the customer\(aqs account",
        ".SH SYNOPSIS",
        r".B reeve \fICOMMAND\fR [\fIOPTION\fR]...",
        ".SH DESCRIPTION",
        "Pulls signed commands from a data\\-warehouse vendor, manages the instances, volumes, security groups and load",
        "balancers of the warehouse within the bounds that the customer has written, and pushes metrics and logs in one",
        "direction. To stop every change at once:",
        r".B touch /etc/reeve/STOP",
        ".SH COMMANDS",
    ]
    for command in commands:
        lines += section(program, command.strip())
    lines += [
        ".SH FILES",
        *(
            line
            for path, what in {
                "/etc/reeve/reeve.yaml": "what this installation is and whom it trusts",
                "/etc/reeve/policy.yaml": "what it may do; the customer\\(aqs alone to write",
                "/etc/reeve/STOP": "while it is there nothing is changed",
                "/var/lib/reeve/journal": "the record of all it has done, a chain of SHA\\-256",
                "/run/reeve/reeve.sock": "where the commands ask the daemon",
            }.items()
            for line in (".TP", f".I {path}", what)
        ),
        ".SH SEE ALSO",
        r".BR systemctl (1),",
        r"the examples and documents in /usr/share/doc/reeve",
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
