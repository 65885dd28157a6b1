#!/usr/bin/env python3
"""hardening.py PROGRAM [RUNPATH] - what the built file itself says of its defences; see HARDEN in the Makefile.

The flags are read from the debug information of each compile unit, so one object built otherwise is found too. Objects
without debug information (those of Debian's archives, which a release links) are not seen by this: Debian's own flags hold
for them."""

import re
import subprocess
import sys

FLAGS = ("-O2", "-fstack-protector-strong", "-fstack-clash-protection", "-fPIE")
OF_MACHINE = {"AArch64": ("-mbranch-protection=standard",)}  # what these have beside
FORTIFIED = {"printf", "fprintf", "sprintf", "vfprintf", "vsnprintf", "vasprintf", "asprintf", "vsprintf"}


def tell(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def faults_of_segments(program):
    text = tell("readelf", "-lW", program)
    segments = re.findall(r"^  ([A-Z_]+) +0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([RWE ]{3}) 0x", text, re.MULTILINE)
    flags = dict(segments)
    if "Position-Independent Executable" not in text:
        yield "it is loaded at a fixed address: -fPIE, -pie"
    if "GNU_RELRO" not in flags:
        yield "what is written at the start alone stays writable: -Wl,-z,relro"
    if "E" in flags.get("GNU_STACK", "E"):
        yield "its stack is executable: -Wl,-z,noexecstack"
    for kind, rwe in segments:
        if kind == "LOAD" and "W" in rwe and "E" in rwe:
            yield "a segment is writable and executable"


def faults_of_dynamic(program, runpath):
    text = tell("readelf", "-dW", program)
    if not re.search(r"\(FLAGS_1\).*\bNOW\b", text):
        yield "functions are bound when first called, by a table that stays writable: -Wl,-z,now"
    if "TEXTREL" in text:
        yield "its code is written to as it is loaded"
    paths = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", text)
    if paths != ([runpath] if runpath else []):
        yield f"it looks for libraries in {', '.join(paths) or 'no place of its own'}, not in {runpath or 'the system alone'}"


def faults_of_symbols(program):
    names = {line.split()[-1].split("@")[0] for line in tell("nm", "-D", "--undefined-only", program).splitlines()}
    plain = sorted(names & FORTIFIED)
    if "__stack_chk_fail" not in names:
        yield "no function looks after its stack: -fstack-protector-strong"
    if "__snprintf_chk" not in names or "__memcpy_chk" not in names or plain:
        yield f"sizes are not checked where they are known ({', '.join(plain) or 'no __memcpy_chk'}): -D_FORTIFY_SOURCE"


def flags_for(program):
    machine = re.search(r"Machine: +(\S+)", tell("readelf", "-hW", program))
    return FLAGS + OF_MACHINE.get(machine[1] if machine else "", ())


def faults_of_units(program):
    flags = flags_for(program)
    text = tell("readelf", "-W", "--debug-dump=info", "--dwarf-depth=1", program)
    units = text.split("(DW_TAG_compile_unit)")[1:]
    if not units:
        yield "it has no debug information to read the compiler's flags from: -g"
    for unit in units:
        producer = re.search(r"DW_AT_producer .*: (.*)", unit)
        name = re.search(r"DW_AT_name .*: (\S+)", unit)
        given = (
            producer[1].replace("-fPIC", "-fPIE").split() if producer else []
        )  # libtool's word for what serves as well
        missing = [f for f in flags if f not in given]
        if missing:
            yield f"{name[1] if name else 'a file'} is compiled without {' '.join(missing)}"


def faults_of(program, runpath=None):
    yield from faults_of_segments(program)
    yield from faults_of_dynamic(program, runpath)
    yield from faults_of_symbols(program)
    yield from faults_of_units(program)


def main():
    program = sys.argv[1]
    faults = [f"{program}: {fault}" for fault in faults_of(program, *sys.argv[2:3])]
    print("\n".join(faults) or f"{program} is hardened")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
