"""gates.py - what must hold of a release before anyone gets it. Each gate returns its faults, as sentences."""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import arch

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


def needed(program):
    return re.findall(r"\(NEEDED\).*\[(\S+)\]", told_by("readelf", "-dW", program))


def machine(program, asked):
    """A cross compiler that was not taken leaves a good program of this machine."""
    found = arch.of_program(program)
    if found != asked:
        yield f"it is for {found.name}, and one for {asked.name} was asked for"


def linking(program):
    """No shared library but libc, which must be the machine's own."""
    if "libc.so.6" not in needed(program):
        yield "it does not use the libc of the machine"
    for name in needed(program):
        if name not in ("libc.so.6", arch.of_program(program).loader):
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
    kept = re.search(r"^The following packages have been kept back:\n((?:  .*\n)+)", told, re.MULTILINE)
    for name in kept[1].split() if kept else ():
        if name in packages:
            yield f"{name} is out of date, and apt keeps it back: see why in its room (apt-get install {name})"


def without(uri, name, debian):
    return f"{uri} gives no packages of {name} for {debian}: give apt of this machine a mirror that has them"


def unfetched(told, debian):
    """`told` is what an `apt-get update` prints that has failed: did a mirror promise a processor and not have it?"""
    found = re.findall(rf"Failed to fetch (\S+)/dists/(\S+)/main/binary-{debian}/", told)
    return [without(uri, name, debian) for uri, name in dict.fromkeys(found)]


def lists(told, suite, debian):
    """`told` is what `apt-get indextargets` prints (room.TARGETS): all of the suite and of its fixes must be there."""
    there = [line.split() for line in told.splitlines()]
    there = [(kind, uri, name, of) for kind, uri, name, component, of in there if component == "main"]
    for name in (suite, f"{suite}-security"):
        for kind in ("Packages", "Sources"):
            if not any((kind, name) == (k, n) for k, _, n, _ in there):
                yield f"the list of {kind} of {name} was not fetched: without it nobody knows what is out of date"
    for name in (suite, f"{suite}-updates", f"{suite}-security"):
        found = [(uri, of) for kind, uri, n, of in there if (kind, n) == ("Packages", name)]
        if all(of != debian for _, of in found):
            yield from (without(uri, name, debian) for uri in dict(found))


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
