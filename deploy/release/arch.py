"""arch.py - the processors that a release is built for: this machine's own, or another one by Debian's cross compiler.

What is linked is the same for all: Debian's packages of that processor. Beside each other they lie in one room, so the
compiler and every other tool are this machine's."""

import dataclasses
import os
import pathlib

# Of a library's package there is one a processor; these hold sources alone.
FOR_ALL = {"node-llhttp"}
# libc and the helpers of gcc that are linked: those of the processor's own packages, which get every fix, and not the
# copies that come with the cross compiler, which do not.
STARTFILES = ("libc6-dev", "libgcc-12-dev")


@dataclasses.dataclass(frozen=True)
class Arch:
    name: str  # as the kernel, rpm and the .tar.gz say it
    debian: str  # as Debian says it
    elf: int  # as a program says it
    loader: str  # the only library beside libc that a program may want
    flags: tuple = ()  # of the compiler, beside those that all have; HARDEN in the Makefile knows why

    @property
    def triplet(self):
        return f"{self.name}-linux-gnu"

    @property
    def is_foreign(self):
        return self.name != os.uname().machine

    @property
    def cross(self):
        """What stands before the name of a tool: CROSS in the Makefile."""
        return f"{self.triplet}-" if self.is_foreign else ""

    @property
    def host(self):
        """What configure is told."""
        return self.triplet if self.is_foreign else ""

    @property
    def runner(self):
        """The words before a program of this processor."""
        return [f"qemu-{self.name}-static"] if self.is_foreign else []

    def package(self, name):
        return f"{name}:{self.debian}" if self.is_foreign and name not in FOR_ALL else name

    def tools(self):
        """What compiles and runs programs for another processor, in packages."""
        if not self.is_foreign:
            return []
        tools = [f"{tool}-{self.triplet.replace('_', '-')}" for tool in ("binutils", "gcc")]
        return [*tools, self.package("pkgconf"), *map(self.package, STARTFILES), "qemu-user-static"]

    def linking(self):
        """Where the linker is to look first."""
        return f"-B/usr/lib/gcc/{self.triplet}/12/ -B/usr/lib/{self.triplet}/" if self.is_foreign else ""


ALL = [
    Arch("x86_64", "amd64", 62, "ld-linux-x86-64.so.2"),
    Arch("aarch64", "arm64", 183, "ld-linux-aarch64.so.1", ("-mbranch-protection=standard",)),
]


def named(name):
    found = [a for a in ALL if a.name == name]
    if not found:
        raise SystemExit(f"release: nothing is built for {name!r}: give one of {', '.join(a.name for a in ALL)}")
    return found[0]


def asked(argv):
    """--arch=NAME; without it, this machine's own."""
    return named(([a.removeprefix("--arch=") for a in argv if a.startswith("--arch=")] or [os.uname().machine])[-1])


def of_program(path):
    """What a program says of itself (e_machine of its ELF header)."""
    head = pathlib.Path(path).read_bytes()[:20]
    found = [a for a in ALL if head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") == a.elf]
    if not found:
        raise SystemExit(f"release: {path} is no program for {' or '.join(a.name for a in ALL)}")
    return found[0]
