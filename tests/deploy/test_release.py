"""The gates of a release, each with what must not pass it; `make release` itself runs them on what it has built."""

import json
import pathlib
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

REPO = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(REPO / "deploy/release"))
import bom
import gates


def compiled(folder, source, *flags):
    program = folder / "program"
    (folder / "program.c").write_text(source)
    subprocess.run(["gcc", "-o", program, folder / "program.c", *flags], check=True)
    return program


def test_a_function_that_only_a_newer_libc_has_is_named(tmp_path):
    program = compiled(tmp_path, "#include <stdlib.h>\nint main(void) { return (int)arc4random() & 1; }\n")
    assert list(gates.symbols(program)) == ["arc4random wants GLIBC_2.36; a machine may have no more than 2.34"]
    assert gates.newest(program) == "2.36"
    plain = compiled(tmp_path, "int main(void) { return 0; }\n")
    assert list(gates.symbols(plain)) == [] and gates.newest(plain) == "2.34"


def test_a_shared_library_beside_libc_is_named(tmp_path):
    source = "#include <zlib.h>\nint main(void) { return zlibVersion()[0] == 0; }\n"
    assert list(gates.linking(compiled(tmp_path, source, "-lz"))) == [
        "it wants libz.so.1 on the machine that it runs on"
    ]
    assert list(gates.linking(compiled(tmp_path, source, "-Wl,-Bstatic", "-lz", "-Wl,-Bdynamic"))) == []
    assert list(gates.linking(compiled(tmp_path, source, "-static", "-lz"))) == [
        "it does not use the libc of the machine"
    ]


def test_what_is_too_large_is_told(tmp_path):
    (tmp_path / "program").write_bytes(b"x" * gates.SIZE_MAX)
    assert list(gates.size(tmp_path / "program")) == ["it has 7,000,000 bytes; 7,000,000 are the limit"]
    (tmp_path / "program").write_bytes(b"x")
    assert list(gates.size(tmp_path / "program")) == []


APT = """Reading package lists...
Inst libssl-dev [3.0.17-1~deb12u2] (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [amd64]) []
Inst tzdata [2025a-0+deb12u1] (2026b-0+deb12u1 Debian:12.11/oldstable [all])
Conf libssl-dev (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [amd64])
"""


def test_a_library_that_waits_for_an_upgrade_is_named_and_nothing_else_is():
    assert list(gates.upgrades(APT, {"libssl-dev", "zlib1g-dev"})) == [
        "libssl-dev 3.0.17-1~deb12u2 is out of date: 3.0.22-1~deb12u2 is there; make the release again"
    ]
    assert list(gates.upgrades(APT, {"zlib1g-dev"})) == []


TOLD = """reeve 0.1.0
  curl       7.88.1    curl 7.88.1-10+deb12u15
  OpenSSL    3.0.22    openssl 3.0.22-1~deb12u2
  glibc      2.36      the machine's
"""


def test_what_the_program_says_of_its_libraries_is_what_was_linked():
    linked = {"curl": "7.88.1-10+deb12u15", "openssl": "3.0.22-1~deb12u2"}
    assert list(gates.libraries(TOLD, linked)) == []
    assert list(gates.libraries(TOLD, linked | {"zlib": "1:1.2.13"})) == [
        "zlib 1:1.2.13 is linked, and reeve version --libraries says nothing of it"
    ]
    assert list(gates.libraries(TOLD, linked | {"curl": "7.88.1-10+deb12u16"})) == [
        "curl 7.88.1-10+deb12u16 is linked, and reeve version --libraries says 7.88.1-10+deb12u15"
    ]
    assert list(gates.libraries(TOLD, {"curl": linked["curl"]})) == [
        "reeve version --libraries names openssl, and nothing of it is linked"
    ]


PARTS = [
    bom.Part("openssl", "3.0.22-1~deb12u2", "the text of OpenSSL's licence", "libssl-dev"),
    bom.Part("gcc-12", "12.2.0-14", "the text of gcc's", "libgcc-12-dev"),
]


def test_the_bill_names_each_part_with_version_and_licence_and_is_the_same_twice(tmp_path):
    program = tmp_path / "reeve"
    program.write_bytes(b"a program")
    bill = [bom.cyclonedx(PARTS, program, "0.1.0", "1767225600", "2026-01-01T00:00:00Z") for _ in range(2)]
    assert bill[0] == bill[1]
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(bill[0]) is None
    told = json.loads(bill[0])
    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.5", 1)
    assert [(c["name"], c["version"]) for c in told["components"]] == [(p.source, p.version) for p in PARTS]
    assert told["components"][0]["purl"] == "pkg:deb/debian/openssl@3.0.22-1~deb12u2?arch=source&distro=debian-12"
    assert told["components"][1]["licenses"] == [{"expression": "GPL-3.0-or-later WITH GCC-exception-3.1"}]
    refs = {c["bom-ref"] for c in told["components"]}
    assert set(told["dependencies"][0]["dependsOn"]) == refs and len(refs) == 2


def test_every_licence_stands_in_third_party_and_a_part_without_one_stops_the_release():
    text = bom.third_party(PARTS, {})
    assert all(p.copyright in text and f"{p.source} {p.version}" in text for p in PARTS)
    with pytest.raises(SystemExit, match="sqlite3 is linked and deploy/release/bom.py names no licence"):
        bom.third_party([bom.Part("sqlite3", "3.40", "", "libsqlite3-dev")], {})


def test_a_licence_that_is_only_named_stands_there_whole():
    named = bom.Part(
        "zlib", "1", "see /usr/share/common-licenses/GPL-3.\nor /usr/share/common-licenses/Apache-2.0, too", "z"
    )
    assert bom.common([named]) == ["Apache-2.0", "GPL-3"]
    text = bom.third_party([named], {"Apache-2.0": "the whole Apache", "GPL-3": "the whole GPL"})
    assert "the whole Apache" in text and "the whole GPL" in text


def test_the_parts_are_read_off_the_linkers_map():
    text = "LOAD /usr/lib/x86_64-linux-gnu/libz.a\nLOAD build/static/reeve.o\nLOAD /usr/lib/x86_64-linux-gnu/libz.a\nLOAD /opt/recipes/lib/libcurl.a\n"
    assert bom.files_of(text) == ["/opt/recipes/lib/libcurl.a", "/usr/lib/x86_64-linux-gnu/libz.a"]
