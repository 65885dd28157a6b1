"""gates.py - what must hold of a release before anyone gets it. Each gate returns its faults, as sentences."""

import re
import subprocess

GLIBC = (2, 34)  # of Amazon Linux 2023; Ubuntu 22.04 has 2.35 and Debian 12 has 2.36
SIZE_MAX = 7_000_000


def told_by(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def highest(table):
    """{function: version of glibc that has it first}, of what `objdump -T` prints; a name may stand there twice."""
    found = {}
    for version, name in re.findall(r"\(?\bGLIBC_([0-9.]+)\)?\s+(\S+)$", table, re.MULTILINE):
        found[name] = max(found.get(name, ()), tuple(int(n) for n in version.split(".")))
    return found


def wanted(program):
    return highest(told_by("objdump", "-T", program))


def newest(program):
    return ".".join(str(n) for n in max(wanted(program).values()))


def symbols(program):
    """No function that an older libc does not have."""
    for name, version in sorted(wanted(program).items()):
        if version > GLIBC:
            yield f"{name} wants GLIBC_{version[0]}.{version[1]}; a machine may have no more than {GLIBC[0]}.{GLIBC[1]}"
    for name in sorted(set(re.findall(r"Name: (GLIBC_[A-Z]\S*)", told_by("readelf", "-VW", program)))):
        yield f"it wants {name}, which is no version: only the libc that it was built with surely has it"


def linking(program):
    """No shared library but libc, which must be the machine's own."""
    needed = re.findall(r"\(NEEDED\).*\[(\S+)\]", told_by("readelf", "-dW", program))
    if "libc.so.6" not in needed:
        yield "it does not use the libc of the machine"
    for name in needed:
        if name not in ("libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"):
            yield f"it wants {name} on the machine that it runs on"


def size(program):
    n = program.stat().st_size
    if n >= SIZE_MAX:
        yield f"it has {n:,} bytes; {SIZE_MAX:,} are the limit"


def upgrades(told, packages):
    """`told` is what `apt-get -s dist-upgrade` prints: nothing that is linked may wait there for a newer version."""
    for name, old, new in re.findall(r"^Inst (\S+) \[(\S+)\] \((\S+)", told, re.MULTILINE):
        if name in packages:
            yield f"{name} {old} is out of date: {new} is there; make the release again"


def lists(told, suite):
    """`told` is what `apt-get indextargets` prints (room.TARGETS): all of the suite and of its fixes must be there."""
    there = {(kind, name) for kind, _, name, component in map(str.split, told.splitlines()) if component == "main"}
    for name in (suite, f"{suite}-security"):
        for kind in ("Packages", "Sources"):
            if (kind, name) not in there:
                yield f"the list of {kind} of {name} was not fetched: without it nobody knows what is out of date"


def is_newer(version, other):
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", other], check=False).returncode == 0


def recipe(name, cooked, told):
    """`told` is what `apt-cache showsrc` prints: no source package may be newer than what was built."""
    there = re.findall(r"^Version: (\S+)$", told, re.MULTILINE)
    if cooked not in there:
        yield f"{name} {cooked} was built, and apt does not know this version of its source package"
    for version in there:
        if is_newer(version, cooked):
            yield f"{name} {cooked} is out of date: {version} is there; make the release again"


def libraries(told, sources):
    """`told` is what `reeve version --libraries` prints: what is linked stands there with its version."""
    said = dict(re.findall(r"^  \S+ +\S+ +(\S+) (\d\S+)$", told, re.MULTILINE))
    for source, version in sources.items():
        if said.get(source) != version:
            named = said.get(source, "nothing of it")
            yield f"{source} {version} is linked, and reeve version --libraries says {named}"
    for source in said.keys() - sources.keys():
        yield f"reeve version --libraries names {source}, and nothing of it is linked"
