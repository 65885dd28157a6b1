"""test_hardening.py - the check of the built file tells each defence that a program was built without."""

import subprocess

import pytest

from tests.lint import hardening

PROGRAM = r"""
#include <stdio.h>
#include <string.h>

#ifdef WRITABLE
__asm__(".section .code_and_data, \"awx\", %progbits\n.byte 0\n.text");
#endif

int main(int argc, char **argv)
{
	char a[64], b[8];

	for (int i = 0; i < argc; i++) {
		memcpy(a + i, argv[i], strlen(argv[i]));
		printf("%d", snprintf(b, sizeof(b), argv[i], a));
	}
	return 0;
}
"""
COMPILE = ["-g", "-O2", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection", "-fPIE", "-w"]
LINK = ["-pie", "-Wl,-z,relro,-z,now,-z,noexecstack"]


def built(folder, compiling, linking=LINK):
    source, program = folder / "tiny.c", folder / "tiny"
    source.write_text(PROGRAM)
    subprocess.run(["gcc", *compiling, "-c", "-o", folder / "tiny.o", source], check=True)
    subprocess.run(["gcc", *linking, "-o", program, folder / "tiny.o"], check=True, capture_output=True)
    return str(program)


def without(flag):
    return [f for f in COMPILE if f != flag]


def test_a_program_with_every_defence_has_no_fault(tmp_path):
    assert list(hardening.faults_of(built(tmp_path, COMPILE))) == []


@pytest.mark.parametrize(
    ("compiling", "linking", "word"),
    [
        (without("-fstack-protector-strong") + ["-fno-stack-protector"], LINK, "no function looks after its stack"),
        (without("-fstack-protector-strong") + ["-fno-stack-protector"], LINK, "without -fstack-protector-strong"),
        (without("-fstack-clash-protection"), LINK, "without -fstack-clash-protection"),
        (without("-O2"), LINK, "without -O2"),
        (without("-D_FORTIFY_SOURCE=3") + ["-U_FORTIFY_SOURCE"], LINK, "sizes are not checked"),
        (without("-g"), LINK, "no debug information"),
        (without("-fPIE") + ["-fno-pie"], ["-no-pie"], "loaded at a fixed address"),
        (COMPILE, ["-pie", "-Wl,-z,norelro,-z,now"], "stays writable: -Wl,-z,relro"),
        (COMPILE, ["-pie", "-Wl,-z,relro,-z,lazy"], "when first called"),
        (COMPILE, [*LINK, "-Wl,-z,execstack"], "its stack is executable"),
        ([*COMPILE, "-DWRITABLE"], LINK, "writable and executable"),
        (COMPILE, [*LINK, "-Wl,-rpath,/tmp/lib"], "it looks for libraries in /tmp/lib"),
    ],
)
def test_a_program_without_one_defence_is_told(tmp_path, compiling, linking, word):
    assert word in "\n".join(hardening.faults_of(built(tmp_path, compiling, linking)))


def test_a_place_for_libraries_is_the_one_that_was_asked_for(tmp_path):
    program = built(tmp_path, COMPILE, [*LINK, "-Wl,-rpath,$ORIGIN/../lib"])
    assert list(hardening.faults_of(program, "$ORIGIN/../lib")) == []
    assert "in no place of its own" in "\n".join(hardening.faults_of(built(tmp_path, COMPILE), "$ORIGIN/../lib"))


def test_a_program_for_arm64_signs_its_return_addresses(tmp_path, monkeypatch):
    """No compiler for it is needed to say so: the header is another's, and the units are ours."""
    program, tell = built(tmp_path, COMPILE), hardening.tell
    header = "  Machine:                           AArch64\n"
    monkeypatch.setattr(hardening, "tell", lambda *c: header if c[1] == "-hW" else tell(*c))
    assert "without -mbranch-protection=standard" in "\n".join(hardening.faults_of(program))
