#!/usr/bin/env python3
"""completion.py FOLDER PROGRAM... - what bash and zsh complete, out of the pages of help that the program itself prints:
FOLDER/reeve for bash, FOLDER/_reeve for zsh."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import manual

HEAD = "# Made of the program's own pages of help."


def options_of(program, command):
    """{option: what it means}, as its page lists them below the usage."""
    body = manual.helped(program, *command.split()).split("\nexit status", 1)[0]
    found = re.findall(r"^  (-[a-z-]+)(?: [A-Z]+)? +(\S.*)$", body, re.MULTILINE)
    return {option: what for option, what in found} | {"--help": "its page, with exit status and examples"}


def bash(program):
    lines = [HEAD, "_reeve() {", "\tlocal words"]
    lines += ['\tcase "${COMP_WORDS[*]:1:COMP_CWORD-1} " in']
    commands = manual.commands_of(program)
    groups = {c.split()[0] for c in commands if " " in c}
    for group in sorted(groups):
        inner = " ".join(c.split()[1] for c in commands if c.startswith(f"{group} "))
        lines.append(f"\t'{group} ') words='{inner} --help' ;;")
    for command in commands:
        lines.append(f"\t'{command} '*) words='{' '.join(options_of(program, command))}' ;;")
    first = " ".join(dict.fromkeys(c.split()[0] for c in commands))
    lines += [
        f"\t' ') words='{first} help --help --version' ;;",
        "\t*) words='' ;;",
        "\tesac",
        '\tmapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")',
        "}",
        "complete -o default -F _reeve reeve",
    ]
    return lines


def zsh_text(text):
    return re.sub(r"(['\\[\]:])", lambda m: {"'": "'\\''"}.get(m[1], "\\" + m[1]), text)


def zsh(program):
    lines = ["#compdef reeve", HEAD, 'local line="${words[2,CURRENT-1]} "', 'case "$line" in']
    commands = manual.commands_of(program)
    for group in sorted({c.split()[0] for c in commands if " " in c}):
        inner = " ".join(c.split()[1] for c in commands if c.startswith(f"{group} "))
        lines.append(f"'{group} ') compadd -- {inner} --help ;;")
    for command in commands:
        given = " ".join(f"'{o}[{zsh_text(what)}]'" for o, what in options_of(program, command).items())
        lines.append(f"'{command} '*) _arguments {given} '*:file:_files' ;;")
    first = " ".join(dict.fromkeys(c.split()[0] for c in commands))
    return [*lines, f"' ') compadd -- {first} help --help --version ;;", "esac"]


def main():
    folder, program = pathlib.Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reeve").write_text("\n".join(bash(program)) + "\n")
    (folder / "_reeve").write_text("\n".join(zsh(program)) + "\n")


if __name__ == "__main__":
    main()
