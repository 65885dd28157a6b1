"""The gates of a release, each with what must not pass it; `make release` itself runs them on what it has built."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import types

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

REPO = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(REPO / "deploy/release"))
import arch
import bom
import gates
import package
import room
import signing
import sources


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


def test_what_is_of_no_version_of_libc_is_named(tmp_path):
    """GLIBC_PRIVATE is another one in every build; GLIBC_ABI_DT_RELR is something that an older loader cannot do."""
    private = compiled(tmp_path, "int __copy_grp(void);\nint main(void) { return __copy_grp(); }\n", "-w")
    assert [f.split(",")[0] for f in gates.symbols(private)] == ["it wants GLIBC_PRIVATE"]
    packed = compiled(tmp_path, "int main(void);\nint (*f)(void) = main;\nint main(void) { return f == 0; }\n",
        "-pie", "-fPIE", "-Wl,-z,pack-relative-relocs")  # fmt: skip
    assert [f.split(",")[0] for f in gates.symbols(packed)] == ["it wants GLIBC_ABI_DT_RELR"]


def test_of_a_name_that_is_there_twice_the_newer_version_counts():
    rows = ["0000 DF *UND* 0000 (GLIBC_2.38) strlcpy", "0000 DF *UND* 0000 (GLIBC_2.9)  strlcpy"]
    for table in (rows, rows[::-1]):
        assert gates.highest("\n".join(table) + "\n") == {"strlcpy": (2, 38)}


INTERRUPTED = """#include "arc4random.c"
static int asked;
ssize_t getrandom(void *to, size_t n, unsigned flags)
{
	(void)flags;
	if (++asked % 2 == 1) {
		errno = EINTR;
		return -1;
	}
	*(unsigned char *)to = 7;
	return n > 0;
}
int main(void)
{
	unsigned char got[3] = {0};
	arc4random_buf(got, sizeof(got));
	return got[0] == 7 && got[1] == 7 && got[2] == 7 && asked == 6 ? 0 : 1;
}
"""


def test_a_signal_while_the_kernel_is_asked_for_randomness_is_no_end(tmp_path):
    program = compiled(tmp_path, INTERRUPTED, "-I", REPO / "deploy/release")
    assert subprocess.run([program], check=False).returncode == 0


def test_zstd_packs_and_unpacks_with_what_the_release_leaves_out(tmp_path):
    subprocess.run(["make", "-s", "FLAVOUR=release", "build/libreeve.a"], cwd=REPO, check=True)
    names = [
        "deploy/release/zstd_rest.c",
        "shippers/pack_zstd.c",
        "tests/unit/shippers/test_pack.c",
        "build/libreeve.a",
    ]
    libraries = ["-Wl,-Bstatic", "-lzstd", "-Wl,-Bdynamic", "-lcmocka", "-lz"]
    packs = subprocess.run(["pkg-config", "--libs", "libisal"], capture_output=True, text=True, check=False).stdout
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-I.", *(["-DREEVE_ISAL"] if packs else [])]
    program, linked = tmp_path / "packs", tmp_path / "map"
    subprocess.run(
        ["gcc", *flags, "-o", program, *names, *libraries, *packs.split(), f"-Wl,-Map={linked}"], cwd=REPO, check=True
    )
    assert subprocess.run([program], check=False).returncode == 0
    members = {
        name for name in ("zstd_fast.o", "zstd_lazy.o", "zstd_opt.o", "zstd_v07.o") if name in linked.read_text()
    }
    assert members == {"zstd_fast.o"}


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
    other = APT.replace("libssl-dev", "libssl-dev:arm64").replace("[amd64]", "[arm64]")
    assert len(list(gates.upgrades(other, {"libssl-dev:arm64"}))) == 1


KEPT = """Reading package lists...
The following packages have been kept back:
  libc6-dev libssl-dev
  zlib1g-dev
0 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.
"""


def test_a_library_that_apt_keeps_back_is_out_of_date_too():
    told = list(gates.upgrades(KEPT, {"libssl-dev", "zlib1g-dev", "libuv1-dev"}))
    assert [sentence.split(" is out of date")[0] for sentence in told] == ["libssl-dev", "zlib1g-dev"]


LISTS = """Sources http://deb.debian.org/debian/ bookworm main $(ARCHITECTURE)
Packages http://deb.debian.org/debian/ bookworm main amd64
Sources http://deb.debian.org/debian-security/ bookworm-security main $(ARCHITECTURE)
Packages http://deb.debian.org/debian-security/ bookworm-security main amd64
"""


def test_a_list_that_was_not_fetched_is_named():
    assert list(gates.lists(LISTS, "bookworm", "amd64")) == []
    for gone in ("Packages", "Sources"):
        for suite in ("bookworm", "bookworm-security"):
            left = [line for line in LISTS.splitlines() if (line.split()[0], line.split()[2]) != (gone, suite)]
            assert list(gates.lists("\n".join(left), "bookworm", "amd64")) == [
                f"the list of {gone} of {suite} was not fetched: without it nobody knows what is out of date"
            ]
    assert len(list(gates.lists("", "bookworm", "amd64"))) == 4


def test_a_mirror_without_the_packages_of_another_processor_is_named():
    has = "{} gives no packages of {} for arm64: give apt of this machine a mirror that has them".format
    archive, fixes = "http://deb.debian.org/debian/", "http://deb.debian.org/debian-security/"
    assert list(gates.lists(LISTS, "bookworm", "arm64")) == [has(archive, "bookworm"), has(fixes, "bookworm-security")]
    one = LISTS + f"Packages {archive} bookworm main arm64\n"
    assert list(gates.lists(one, "bookworm", "arm64")) == [has(fixes, "bookworm-security")]
    both = one + f"Packages {fixes} bookworm-security main arm64\n"
    assert list(gates.lists(both, "bookworm", "arm64")) == []
    late = both + f"Packages {archive} bookworm-updates main amd64\n"
    assert list(gates.lists(late, "bookworm", "arm64")) == [has(archive, "bookworm-updates")]


class Desk(room.Room):
    """A room whose apt is this machine's, with sources and lists of its own."""

    def run(self, script, **env):
        env |= os.environ | {"APT_CONFIG": str(self.folder / "apt.conf")}
        done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)
        return done.stdout


def mirror(folder, suite, says, has):
    """An archive on this disk that says it is for some processors, and has some."""
    rows = []
    for debian in says:
        packages = folder / f"dists/{suite}/main/binary-{debian}/Packages"
        packages.parent.mkdir(parents=True)
        text = f"Package: a\nVersion: 1\nArchitecture: {debian}\nFilename: a.deb\nSize: 1\nSHA256: {'0' * 64}\n"
        rows.append(f" {hashlib.sha256(text.encode()).hexdigest()} {len(text)} main/binary-{debian}/Packages")
        if debian in has:
            packages.write_text(text)
    sources = folder / f"dists/{suite}/main/source/Sources"
    sources.parent.mkdir(parents=True)
    sources.write_text("Package: a\nBinary: a\nVersion: 1\nFormat: 1.0\nDirectory: a\n")
    told = sources.read_bytes()
    rows.append(f" {hashlib.sha256(told).hexdigest()} {len(told)} main/source/Sources")
    head = f"Suite: {suite}\nCodename: {suite}\nArchitectures: {' '.join(says)}\nComponents: main\nSHA256:\n"
    (folder / f"dists/{suite}/Release").write_text(head + "\n".join(rows) + "\n")


@pytest.fixture
def desk(tmp_path):
    """It gets both suites from archives on this disk."""
    for name in ("etc", "state/lists/partial", "cache/archives/partial"):
        (tmp_path / "desk" / name).mkdir(parents=True)
    desk = Desk(tmp_path / "desk", arch.named("aarch64"))
    lines = [f"{k} [trusted=yes] file:{tmp_path}/{s} {s} main\n" for s in SUITES for k in ("deb", "deb-src")]
    (desk.folder / "etc/sources.list").write_text("".join(lines))
    (desk.folder / "status").touch()
    given = {"Dir::Etc": "etc", "Dir::State": "state", "Dir::Cache": "cache", "Dir::State::status": "status"}
    text = "".join(f'{name} "{desk.folder}/{value}";\n' for name, value in given.items())
    text += 'APT::Architecture "amd64"; APT::Architectures { "amd64"; "arm64"; }; APT::Sandbox::User "root";\n'
    (desk.folder / "apt.conf").write_text(text)
    return desk


SUITES = ("bookworm", "bookworm-security")
BOTH = ["amd64", "arm64"]


def test_an_update_for_another_processor_takes_mirrors_that_have_it(tmp_path, desk):
    for suite in SUITES:
        mirror(tmp_path / suite, suite, BOTH, BOTH)
    desk.update()


@pytest.mark.parametrize("says", [["amd64"], BOTH])
def test_an_update_for_another_processor_says_which_mirror_has_nothing_for_it(tmp_path, desk, says):
    """Whether the mirror says so itself, which apt thinks no fault, or promises what it does not have."""
    mirror(tmp_path / SUITES[0], SUITES[0], BOTH, BOTH)
    mirror(tmp_path / SUITES[1], SUITES[1], says, ["amd64"])
    with pytest.raises(SystemExit) as refused:
        desk.update()
    last = str(refused.value).splitlines()[-1]
    assert last.startswith(f"file:{tmp_path}/bookworm-security")
    assert " gives no packages of bookworm-security for arm64: give apt" in last


@pytest.fixture
def at_a_desk(monkeypatch):
    """Whatever this machine is, it is one of x86-64."""
    monkeypatch.setattr(arch.os, "uname", lambda: types.SimpleNamespace(machine="x86_64"))


def test_for_this_machines_processor_nothing_is_another(at_a_desk):
    own = arch.asked(["release.py", "build/release"])
    assert (own.name, own.debian, own.cross, own.host, own.runner, own.tools(), own.linking()) == (
        "x86_64", "amd64", "", "", [], [], "")  # fmt: skip
    assert own.package("libssl-dev") == "libssl-dev"


def test_for_another_processor_libraries_are_its_own_and_tools_are_ours(at_a_desk):
    other = arch.asked(["release.py", "build/arm64", "--arch=aarch64"])
    assert (other.debian, other.cross, other.host) == ("arm64", "aarch64-linux-gnu-", "aarch64-linux-gnu")
    assert other.package("libssl-dev") == "libssl-dev:arm64" and other.package("node-llhttp") == "node-llhttp"
    assert {"gcc-aarch64-linux-gnu", "libc6-dev:arm64", "libgcc-12-dev:arm64"} <= set(other.tools())
    assert room.Room("room", other).command("reeve", "version")[2:] == ["qemu-aarch64-static", "reeve", "version"]
    with pytest.raises(SystemExit, match="nothing is built for 'riscv64': give one of x86_64, aarch64"):
        arch.asked(["release.py", "--arch=riscv64"])


def test_a_program_says_what_it_is_for(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little") + (183).to_bytes(2, "little"))
    assert arch.of_program(other).name == "aarch64"
    assert list(gates.machine(other, arch.named("aarch64"))) == []
    assert list(gates.machine(other, arch.named("x86_64"))) == ["it is for aarch64, and one for x86_64 was asked for"]
    other.write_bytes(b"#!/bin/sh\n")
    with pytest.raises(SystemExit, match="is no program for x86_64 or aarch64"):
        arch.of_program(other)


def test_an_update_fails_where_a_mirror_does_not_answer(tmp_path):
    for folder in ("etc/apt", "state/lists/partial", "cache/archives/partial"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/apt/sources.list").write_text("deb http://127.0.0.1:9/debian-security bookworm-security main\n")
    given = {
        "Dir::Etc": tmp_path / "etc/apt",
        "Dir::State": tmp_path / "state",
        "Dir::Cache": tmp_path / "cache",
        "Acquire::Retries": 0,
        "APT::Sandbox::User": "root",
    }
    options = [word for name, value in given.items() for word in ("-o", f"{name}={value}")]
    done = subprocess.run([*room.UPDATE.split(), *options], capture_output=True, text=True, check=False)
    assert "127.0.0.1" in done.stdout + done.stderr and done.returncode != 0


def test_a_recipe_is_as_new_as_the_newest_source_package_that_apt_knows():
    told = "Package: curl\nVersion: 7.88.1-10+deb12u15\nStandards-Version: 9.9\n\nVersion: 7.88.1-10+deb12u5\n"
    assert list(gates.recipe("curl", "7.88.1-10+deb12u15", told)) == []
    assert list(gates.recipe("curl", "7.88.1-10+deb12u5", told)) == [
        "curl 7.88.1-10+deb12u5 is out of date: 7.88.1-10+deb12u15 is there; make the release again"
    ]
    assert list(gates.recipe("curl", "7.88.1-10+deb12u5", "")) == [
        "curl 7.88.1-10+deb12u5 was built, and apt does not know this version of its source package"
    ]


def test_a_machine_without_lists_fetches_them_first(monkeypatch, capsys):
    asked = []

    def told_by(*command):
        asked.append(command[1])
        return LISTS if "update" in asked and command[1] == "indextargets" else ""

    monkeypatch.setattr(room, "told_by", told_by)
    assert [suite for _, suite in room.mirrors()] == ["bookworm", "bookworm-security"]
    assert asked == ["indextargets", "update", "indextargets"]
    assert "no lists of bookworm" in capsys.readouterr().out
    room.mirrors()
    assert asked[3:] == ["indextargets"]
    monkeypatch.setattr(room, "told_by", lambda *command: "")
    with pytest.raises(SystemExit, match="give it sources for bookworm and bookworm-security"):
        room.mirrors()


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
    bom.Part("openssl", "3.0.22+dfsg-1~deb12u2", "the text of OpenSSL's licence", "libssl-dev"),
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
    assert (
        told["components"][0]["purl"] == "pkg:deb/debian/openssl@3.0.22%2Bdfsg-1~deb12u2?arch=source&distro=debian-12"
    )
    assert told["components"][1]["licenses"] == [{"expression": "GPL-3.0-or-later WITH GCC-exception-3.1"}]
    other = json.loads(bom.cyclonedx(PARTS, program, "0.1.0", "1", "2026-01-01T00:00:00Z", processor="aarch64"))
    assert told["metadata"]["component"]["purl"] == "pkg:generic/reeve@0.1.0"
    assert other["metadata"]["component"]["purl"] == "pkg:generic/reeve@0.1.0?arch=aarch64"
    assert other["metadata"]["component"]["bom-ref"] == other["dependencies"][0]["ref"]
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
    read = [
        "/usr/lib/x86_64-linux-gnu/libz.a",
        "build/static/reeve.o",
        "/usr/lib/x86_64-linux-gnu/libz.a",
        "/opt/recipes/lib/libcurl.a",
        "/tmp/ccy8DY0d.debug.temp.o",
        "/tmp/ccDkTPfK.ltrans17.ltrans.o",
    ]
    text = "".join(f"LOAD {path}\n" for path in read)
    assert bom.files_of(text) == ["/opt/recipes/lib/libcurl.a", "/usr/lib/x86_64-linux-gnu/libz.a"]


class Here:
    """In place of the room for a build: this machine's own tools, in a folder."""

    def __init__(self, folder):
        self.folder = folder / "room"
        (self.folder / "src").mkdir(parents=True, exist_ok=True)

    def run(self, script):
        script = script.replace("/src/", f"{self.folder}/src/")
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], check=True, capture_output=True, text=True
        ).stdout


def packed(folder, mask):
    """A tree that was written under that umask, as a package holds it."""
    before = os.umask(mask)
    try:
        tree = folder / f"{mask:o}/tree"
        package.put(REPO / "Makefile", tree / "usr/bin/reeve", 0o755)
        for script in ("postinst", "postrm", "prerm"):
            package.put(REPO / "deploy/release/debian" / script, tree / "DEBIAN" / script)
        (tree / "usr/share/man").mkdir(parents=True)
        (tree / "usr/share/man/reeve.8.gz").write_bytes(b"a page")
        package.settle(tree, 1767225600)
        package.tarball(Here(folder), tree, "reeve", 1767225600, folder / "packed.tar.gz")
    finally:
        os.umask(before)
    modes = {str(p.relative_to(tree)): p.stat().st_mode & 0o7777 for p in tree.rglob("*")}
    return modes, (folder / "packed.tar.gz").read_bytes()


def test_the_builders_umask_is_not_in_a_package(tmp_path):
    modes, content = packed(tmp_path, 0o022)
    assert modes.pop("usr/bin/reeve") == 0o755 and modes.pop("usr/share/man/reeve.8.gz") == 0o644
    assert set(modes.values()) == {0o755}
    for mask in (0o002, 0o027, 0o077):
        assert packed(tmp_path, mask)[1] == content, f"{mask:o}"


def run(tool, *arguments, **env):
    plain = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = [REPO / "deploy/release" / tool, *arguments]
    return subprocess.run(command, env=plain | env, capture_output=True, text=True, timeout=20, check=False)


def test_another_users_clone_and_a_time_that_is_none_are_told_in_one_sentence(tmp_path):
    other = run("release.py", tmp_path / "out", "0.1.0", "0", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert other.returncode == 1 and other.stdout == ""
    assert "dubious ownership" in other.stderr and "build as its owner" in other.stderr
    assert len(other.stderr.splitlines()) == 1
    for epoch in ("0", "", "-1", "yesterday"):
        none = run("release.py", tmp_path / "out", "0.1.0", epoch, GIT_CONFIG_GLOBAL=trusting(tmp_path))
        assert (none.returncode, none.stderr.splitlines()) == (
            1,
            [f"release: {epoch!r} is no time of a commit: give what `git log -1 --format=%ct` prints"],
        )
    assert not (tmp_path / "out").exists()


def trusting(folder):
    """A configuration of git under which the clone may be another user's."""
    (folder / "gitconfig").write_text("[safe]\n\tdirectory = *\n")
    return str(folder / "gitconfig")


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small clone, which stands for ours."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "file").write_text("one\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    monkeypatch.setattr(sources, "REPO", folder)
    return folder


def made_key(folder, *kind):
    subprocess.run(["openssl", "genpkey", *kind, "-out", folder / "key.pem"], check=True)
    return str(folder / "key.pem")


def test_what_is_not_committed_is_seen_and_built_and_never_signed(clone, tmp_path):
    key = made_key(tmp_path, "-algorithm", "ed25519")
    assert not sources.are_changed() and sources.files() == ["file"]
    signing.check(key)
    (clone / "new").write_text("two\n")
    assert sources.are_changed() and sorted(sources.files()) == ["file", "new"]
    with pytest.raises(SystemExit, match="this tree has changes"):
        signing.check(key)
    (clone / "new").unlink()
    (clone / "file").write_text("three\n")
    assert sources.are_changed()


def test_the_bill_says_of_which_tree_it_is(tmp_path):
    (tmp_path / "reeve").write_bytes(b"a program")
    clean, dirty = (bom.cyclonedx(PARTS, tmp_path / "reeve", "0.1.0", "1", "2026-01-01T00:00:00Z", d) for d in (0, 1))
    assert json.loads(dirty)["metadata"]["properties"] == [{"name": "reeve:tree", "value": "dirty"}]
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(dirty) is None
    assert bom.is_dirty(dirty) and not bom.is_dirty(clean)


def test_a_release_that_was_built_of_a_dirty_tree_is_not_signed_later(clone, tmp_path):
    key = made_key(tmp_path, "-algorithm", "ed25519")
    (tmp_path / "reeve").write_bytes(b"a program")
    for dirty in (False, True):
        bill = bom.cyclonedx(PARTS, tmp_path / "reeve", "0.1.0", "1", "2026-01-01T00:00:00Z", dirty)
        (tmp_path / "reeve.cdx.json").write_text(bill)
        if not dirty:
            package.may_sign(tmp_path, key)
    with pytest.raises(SystemExit, match="was built of a tree with changes"):
        package.may_sign(tmp_path, key)


def test_a_key_that_is_not_ed25519_and_private_is_refused_in_one_sentence(tmp_path):
    good = made_key(tmp_path, "-algorithm", "ed25519")
    signing.check_key(good)
    public = tmp_path / "public.pem"
    subprocess.run(["openssl", "pkey", "-in", good, "-pubout", "-out", public], check=True)
    locked = tmp_path / "locked.pem"
    subprocess.run(["openssl", "pkey", "-in", good, "-aes256", "-passout", "pass:word", "-out", locked], check=True)
    (tmp_path / "text").write_text("no key\n")
    (tmp_path / "rsa").mkdir()
    rsa = made_key(tmp_path / "rsa", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    for bad in (public, locked, rsa, tmp_path / "text", tmp_path / "missing", tmp_path):
        done = run("signing.py", bad)
        assert done.returncode == 1 and "is no Ed25519 private key" in done.stderr, bad
        assert len(done.stderr.splitlines()) == 1
    assert run("signing.py").returncode == 0 and run("signing.py", "").returncode == 0
