"""`reeve version`: which version this is, and what it is linked with."""

import re
import subprocess

from tests.e2e.cli.conftest import BINARY, REPO, reeve

LIBRARIES = [
    "curl",
    "expat",
    "ISA-L",
    "jansson",
    "libuv",
    "libyaml",
    "llhttp",
    "OpenSSL",
    "PCRE2",
    "protobuf-c",
    "zlib",
    "zstd",
    "glibc",
]


def test_the_version_is_that_of_the_makefile():
    version = re.search(r"^VERSION := (\S+)", (REPO / "Makefile").read_text(), re.MULTILINE)[1]
    assert reeve("version").stdout == reeve("--version").stdout == f"reeve {version}\n"
    assert reeve("version", "x").returncode == 2


def test_each_library_is_named_with_the_version_that_is_linked():
    first, *lines = reeve("version", "--libraries").stdout.splitlines()
    assert f"{first}\n" == reeve("version").stdout
    assert [line.split()[0] for line in lines] == LIBRARIES
    for line in lines:
        assert re.fullmatch(r"  \S+ +\d[\d.]* +(the machine's|\S+ \d\S+)", line), line


def test_no_library_that_the_program_loads_is_left_out():
    """What ldd names is one of them, or what one of them needs."""
    needed = subprocess.run(["readelf", "-dW", BINARY], capture_output=True, text=True, check=True).stdout
    stems = {re.sub(r"[-_.].*", "", name) for name in re.findall(r"NEEDED.*\[lib(\S+?)\.so", needed)}
    told = {"curl", "expat", "isal", "jansson", "uv", "yaml", "ssl", "crypto", "pcre2", "protobuf", "z", "zstd", "c"}
    assert stems - {"m", "dl", "pthread"} <= told, stems - told
