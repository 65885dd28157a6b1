#!/usr/bin/env python3
"""release.py FOLDER VERSION EPOCH [--all-recipes] [--arch=NAME] - builds the agent that is shipped: in a Debian 12 of its own, static
but for libc.

Into FOLDER: reeve (stripped), reeve.debug (its symbols), reeve.cdx.json (what is in it, CycloneDX), THIRD_PARTY (every
licence). EPOCH is the time of the last commit. With --all-recipes those that nothing links yet are built too, so that
they are ready; with --arch it is for another processor (arch.py). The room for it is made afresh, with every security fix of today, and the gates (gates.py) look at what
came out."""

import datetime
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import arch
import bom
import gates
import room
import sources

HERE = pathlib.Path(__file__).parent
REPO = HERE.parent.parent
SOURCES, RECIPES = "/src/reeve", "/opt/recipes"
# What is linked from packages; what compiles and packs. nasm is for the recipe of ISA-L.
LIBRARIES = [
    "libexpat1-dev",
    "libjansson-dev",
    "libpcre2-dev",
    "libprotobuf-c-dev",
    "libssl-dev",
    "libuv1-dev",
    "libyaml-dev",
    "libzstd-dev",
    "node-llhttp",
    "zlib1g-dev",
]
TOOLS = [
    "binutils",
    "dpkg-dev",
    "gcc",
    "libc6-dev",
    "make",
    "nasm",
    "pkg-config",
    "protobuf-c-compiler",
    "protobuf-compiler",
    "rpm",
    "xz-utils",
]
LINKED_RECIPES = ["curl", "libisal"]
FLAGS = (
    "-O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3"
    " -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"  # as the Makefile's static flavour, with its reasons
)


class Steps:
    """Progress, a line a step, with what it took."""

    def __init__(self):
        self.start = time.monotonic()

    def say(self, word, text):
        print(f"  {word:<5} {text} ({time.monotonic() - self.start:.0f} s)", flush=True)


def source_of(here, package):
    """(source package, its version) of a binary package in the room."""
    name, version = here.run(
        f"dpkg-query -W -f '${{source:Package}} ${{source:Version}}' {shlex.quote(package)}"
    ).split()
    return name, version


def owner_of(here, path):
    """The binary package of a file, as apt names it. dpkg knows some files by the path before /usr was merged."""
    real = here.run(f"realpath {shlex.quote(path)}").strip()
    told = here.run(f"dpkg-query -S {real} 2>/dev/null || dpkg-query -S {real.removeprefix('/usr')}")
    package, *of = told.split(": ")[0].split(":")
    return here.target.package(package) if of == [here.target.debian] else package


def cook(here, name):
    """Builds one recipe from the source package; returns its version. Its licence is kept beside what it made."""
    here.run(
        f"mkdir -p /src/{name} && cd /src/{name} && apt-get source -q -y {name} && cd */"
        f" && . {SOURCES}/deploy/release/recipes/{name}"
        f" && install -D -m 644 debian/copyright {RECIPES}/copyright/{name}",
        PREFIX=RECIPES,
        HOST=here.target.host,
        JOBS=str(os.cpu_count()),
        CFLAGS=f"{' '.join([FLAGS, *here.target.flags])} -ffile-prefix-map=/src/{name}=.",
    )
    return here.run(f"dpkg-parsechangelog -S Version -l /src/{name}/*/debian/changelog").strip()


def part_of(here, path, recipes):
    """What a file that the linker read belongs to; None: it is ours."""
    if path.startswith(f"{RECIPES}/"):
        name = next(n for n in recipes if f"/lib{n.removeprefix('lib')}." in path)
        return bom.Part(name, recipes[name], here.run(f"cat {RECIPES}/copyright/{name}"), name)
    if path.startswith(SOURCES) or path.endswith((".so", ".so.6", ".so.2")) or not path.endswith((".a", ".o", ".c")):
        return None
    package = owner_of(here, path)
    source, version = source_of(here, package)
    return bom.Part(source, version, here.run(f"cat /usr/share/doc/{package.split(':')[0]}/copyright"), package)


def parts_of(here, linker_map, recipes):
    files = [*bom.files_of(linker_map), "/usr/share/llhttp/llhttp.c"]
    found = {part.source: part for part in (part_of(here, path, recipes) for path in files) if part is not None}
    return [found[name] for name in sorted(found)]


def packages_named(here, recipes):
    """What `reeve version --libraries` will say: "source=version,...", of what is going to be linked."""
    named = dict(source_of(here, here.target.package(name)) for name in LIBRARIES) | recipes
    return ",".join(f"{source}={version}" for source, version in sorted(named.items()))


def bring_in(here):
    """The sources. Are there changes in them that are not committed? Asked on both sides of the copy."""
    dirty = sources.are_changed()
    here.copy_in(REPO, sources.files(), SOURCES.lstrip("/"))
    dirty = sources.are_changed() or dirty
    if dirty:
        print("  TREE  of a tree with changes that are not committed: nothing to sign or to ship", flush=True)
    return dirty


def compiled(here, what, version, **env):
    """What the Makefile makes of the sources, as it is shipped."""
    here.run(
        f"cd {SOURCES} && make -s FLAVOUR=static VERSION={version} {what}",
        RECIPES=RECIPES,
        CROSS=here.target.cross,
        LDFLAGS=here.target.linking(),
        **env,
    )


def build(here, steps, version, epoch, wants_all):
    recipes = {}
    ready = sorted(p.name for p in (HERE / "recipes").iterdir()) if wants_all else []
    for name in [*LINKED_RECIPES, *(name for name in ready if name not in LINKED_RECIPES)]:
        recipes[name] = cook(here, name)
        steps.say("COOK", f"{name} {recipes[name]}")
    compiled(
        here,
        "build/static/reeve",
        version,
        REEVE_PACKAGES=packages_named(here, {name: recipes[name] for name in LINKED_RECIPES}),
        SOURCE_DATE_EPOCH=epoch,
    )
    return {name: recipes[name] for name in LINKED_RECIPES}


def take_out(here, out):
    """The program without its symbols, and these in a file of their own."""
    here.run(
        f"cd {SOURCES}/build/static && {here.target.cross}objcopy --only-keep-debug reeve reeve.debug"
        f" && {here.target.cross}strip -o reeve.stripped reeve"
        f" && {here.target.cross}objcopy --add-gnu-debuglink=reeve.debug reeve.stripped"
    )
    made = here.folder / SOURCES.lstrip("/") / "build/static"
    for name, to in {"reeve.stripped": "reeve", "reeve.debug": "reeve.debug"}.items():
        shutil.copy(made / name, out / to)
    return made / "reeve", (made / "reeve.map").read_text()


def faults_of(here, out, whole, parts, recipes):
    linked = {p.source: p.version for p in parts if p.source not in bom.TOOLCHAIN}
    yield from gates.machine(out / "reeve", here.target)
    yield from gates.symbols(out / "reeve")
    yield from gates.linking(out / "reeve")
    yield from gates.size(out / "reeve")
    here.update()
    yield from gates.upgrades(here.run("apt-get -s dist-upgrade"), {p.package for p in parts})
    for name, version in recipes.items():
        yield from gates.recipe(name, version, here.run(f"apt-cache showsrc --only-source {name}"))
    told = here.run(" ".join([*here.target.runner, f"{SOURCES}/build/static/reeve", "version", "--libraries"]))
    yield from gates.libraries(told, linked)
    hardened = subprocess.run([REPO / "tests/lint/hardening.py", whole], capture_output=True, text=True, check=False)
    if hardened.returncode != 0:
        yield hardened.stdout.strip()


def main():
    out, version, epoch = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sources.epoch_of(sys.argv[3])
    room.must_be_root(sys.argv)
    steps, here = Steps(), room.Room(out / "room", arch.asked(sys.argv))
    out.mkdir(parents=True, exist_ok=True)
    here.make([*map(here.target.package, LIBRARIES), *TOOLS, *here.target.tools()])
    beside = f", and libraries for {here.target.name}" if here.target.is_foreign else ""
    steps.say("ROOM", f"Debian 12 with every fix of today{beside}")
    dirty = bring_in(here)
    recipes = build(here, steps, version, epoch, "--all-recipes" in sys.argv)
    whole, linker_map = take_out(here, out)
    parts = parts_of(here, linker_map, recipes)
    steps.say("BUILD", f"{out / 'reeve'}, of {len(parts)} parts")
    stamp = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (out / "reeve.cdx.json").write_text(
        bom.cyclonedx(parts, out / "reeve", version, epoch, stamp, dirty, here.target.name)
    )
    texts = {name: here.run(f"cat /usr/share/common-licenses/{name}") for name in bom.common(parts)}
    (out / "THIRD_PARTY").write_text(bom.third_party(parts, texts))
    faults = list(faults_of(here, out, whole, parts, recipes))
    for fault in faults:
        print(f"release: {fault}", file=sys.stderr)
    print(f"  NEEDS {', '.join(gates.needed(out / 'reeve'))}")
    print(f"{(out / 'reeve').stat().st_size:,} bytes, stripped; newest symbol GLIBC_{gates.newest(out / 'reeve')}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
