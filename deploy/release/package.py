#!/usr/bin/env python3
"""package.py RELEASE FOLDER VERSION EPOCH [KEY] - packs what release.py has left in RELEASE: .deb, .rpm and .tar.gz.

All three hold one tree. They are made in the room of the release, by Debian's own tools, and the same input gives the
same bytes. Beside each lie its hash (.sha256) and, where KEY (a PEM file, Ed25519) is given, its signature (.sig)."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import arch
import bom
import room
import signing
import sources

HERE = pathlib.Path(__file__).parent
REPO = HERE.parent.parent
SIZE_MAX = 4_000_000
# Whoever ships it puts the address there that answers for it.
MAIL = "maintainers@reeve.example.org"
DOC = "usr/share/doc/reeve"
EXECUTABLE = {"usr/bin/reeve", *(f"DEBIAN/{script.name}" for script in (HERE / "debian").iterdir())}

CONTROL = """Package: reeve
Version: {version}
Architecture: {arch}
Maintainer: The Reeve engineers <{mail}>
Installed-Size: {size_kib}
Depends: libc6 (>= 2.34), systemd | systemd-standalone-sysusers
Section: admin
Priority: optional
Description: agent of a data-warehouse vendor in its customer's AWS account
 It pulls signed commands from the vendor, manages the instances, volumes,
 security groups and load balancers of the warehouse within the bounds that the
 customer has written, and pushes metrics and logs in one direction.
"""


def put(source, to, mode=0o644):
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)
    to.chmod(mode)


def packed(here, data):
    """By the gzip of the room: what Python makes of it differs from version to version."""
    (here.folder / "src/plain").write_bytes(data)
    here.run("gzip -n -9 </src/plain >/src/plain.gz")
    return (here.folder / "src/plain.gz").read_bytes()


def root(folder):
    """What the service has for its root: empty folders, on which systemd lays what reeve.service names."""
    for name in ("dev", "etc", "lib", "lib64", "proc", "run/reeve", "sys", "tmp", "usr", "var/lib/reeve", "var/tmp"):
        (folder / name).mkdir(parents=True)


def stage(here, release, tree, version, epoch):
    """The files as they will lie on the machine."""
    put(release / "reeve", here.folder / "src/packed", 0o755)
    program = here.command("/src/packed")
    put(release / "reeve", tree / "usr/bin/reeve", 0o755)
    for unit in ("reeve.service", "reeve-again.timer"):
        put(REPO / "deploy/systemd" / unit, tree / "usr/lib/systemd/system" / unit)
    put(REPO / "deploy/systemd/telemetry.conf", tree / "usr/share/reeve/telemetry.conf")
    root(tree / "usr/lib/reeve/root")
    put(REPO / "deploy/systemd/reeve.sysusers", tree / "usr/lib/sysusers.d/reeve.conf")
    pages = tree.parent / "pages"
    subprocess.run([HERE / "manual.py", pages, version, str(epoch), *program], check=True)
    for page in sorted(pages.iterdir()):
        to = tree / f"usr/share/man/man{page.suffix[1:]}" / f"{page.name}.gz"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(packed(here, page.read_bytes()))
    subprocess.run([HERE / "completion.py", tree.parent / "completion", *program], check=True)
    put(tree.parent / "completion/reeve", tree / "usr/share/bash-completion/completions/reeve")
    put(tree.parent / "completion/_reeve", tree / "usr/share/zsh/site-functions/_reeve")
    for name in ("THIRD_PARTY", "reeve.cdx.json"):
        put(release / name, tree / DOC / name)
    for source in sorted((REPO / "deploy/etc").glob("*.yaml")):
        put(source, tree / DOC / "examples" / source.name)
    for source in sorted((REPO / "deploy/iam").glob("*.json")):
        put(source, tree / DOC / "iam" / source.name)


def settle(tree, epoch):
    """One time for all, and modes that are written here: nothing of the builder's machine is left in a package."""
    for path in sorted(tree.rglob("*"), reverse=True):
        runs = path.is_dir() or str(path.relative_to(tree)) in EXECUTABLE
        if not path.is_symlink():
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    tree.chmod(0o755)
    os.utime(tree, (epoch, epoch))


def tarball(here, tree, name, epoch, to):
    root = here.folder / "src/tar"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(tree, root, symlinks=True)
    settle(root, epoch)
    how = f"--sort=name --owner=0 --group=0 --numeric-owner --mtime=@{epoch} --format=gnu '--transform=s,^[.],{name},'"
    here.run(f"tar {how} -C /src/tar/ -c . | gzip -n -9 >/src/{to.name}")
    shutil.move(here.folder / "src" / to.name, to)


def deb(here, tree, version, epoch):
    """The changelog stands compressed beside the copyright, which names Debian's own text of the licence."""
    root = here.folder / "src/deb"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(tree, root, symlinks=True)
    log = f"reeve ({version}) stable; urgency=medium\n\n  * See the history of the sources.\n\n"
    log += f" -- The Reeve engineers <{MAIL}>  {here.run(f'date -u -R -d @{epoch}').strip()}\n"
    put(HERE / "copyright", root / DOC / "copyright")
    (root / "usr/share/zsh/site-functions").rename(
        root / "usr/share/zsh/vendor-completions"
    )  # where Debian's zsh looks
    put(HERE / "lintian-overrides", root / "usr/share/lintian/overrides/reeve")
    (root / DOC / "changelog.gz").write_bytes(packed(here, log.encode()))
    files = sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    control = root / "DEBIAN"
    control.mkdir()
    size_kib = sum((p.stat().st_size + 1023) // 1024 for p in files)
    (control / "control").write_text(
        CONTROL.format(version=version, mail=MAIL, arch=here.target.debian, size_kib=size_kib)
    )
    sums = [f"{hashlib.md5(p.read_bytes()).hexdigest()}  {p.relative_to(root)}\n" for p in files]
    (control / "md5sums").write_text("".join(sums))
    for script in sorted((HERE / "debian").iterdir()):
        put(script, control / script.name, 0o755)
    settle(root, epoch)
    name = f"reeve_{version}_{here.target.debian}.deb"
    here.run(f"dpkg-deb --root-owner-group -Zxz -z9 --build /src/deb /src/{name}", SOURCE_DATE_EPOCH=str(epoch))
    return name


def rpm(here, tree, version, epoch):
    root, name = here.folder / "src/rpm", here.target.name
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(tree, root / "tree", symlinks=True)
    put(REPO / "LICENSE", root / "tree/usr/share/licenses/reeve/LICENSE")
    date = here.run(f"date -u '+%a %b %d %Y' -d @{epoch}").strip()
    spec = (HERE / "rpm/reeve.spec").read_text() + f"\n%changelog\n* {date} The Reeve engineers <{MAIL}> {version}-1\n"
    (root / "reeve.spec").write_text(f"{spec}- See the history of the sources.\n")
    settle(root / "tree", epoch)
    defines = {
        "_topdir": "/src/rpm/top",
        "_buildhost": "localhost",
        "_build_id_links": "none",
        "__os_install_post": "%{nil}",
        "_binary_payload": "w9.xzdio",
        "use_source_date_epoch_as_buildtime": "1",
        "clamp_mtime_to_source_date_epoch": "1",
        "reeve_mail": MAIL,
        "reeve_version": version,
    }
    given = " ".join(f"--define '{k} {v}'" for k, v in defines.items())
    here.run(
        f"rpmbuild -bb {given} --buildroot /src/rpm/tree --noclean --target {name} /src/rpm/reeve.spec",
        SOURCE_DATE_EPOCH=str(epoch),
    )
    made = f"reeve-{version}-1.{name}.rpm"
    shutil.copy(root / "top/RPMS" / name / made, here.folder / "src" / made)
    return made


def may_sign(release, key):
    """Neither the tree of now nor the one that the release was built of may have changes."""
    signing.check(key)
    if bom.is_dirty((release / "reeve.cdx.json").read_text()):
        raise SystemExit(f"package: {release} was built of a tree with changes: commit them and build it again")


def finish(path, key):
    """The hash, the signature, the limit."""
    path.with_name(f"{path.name}.sha256").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    if key:
        signing.sign(key, path)
    print(f"  PACK  {path}, {path.stat().st_size:,} bytes", flush=True)
    if path.stat().st_size >= SIZE_MAX:
        raise SystemExit(f"{path.name} has {path.stat().st_size:,} bytes; {SIZE_MAX:,} are the limit")


def main():
    release, out = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    version, epoch, key = sys.argv[3], int(sys.argv[4]), (sys.argv[5:6] or [""])[0]
    sources.epoch_of(sys.argv[4])
    room.must_be_root(sys.argv)
    if key:
        may_sign(release, key)
    here, tree = room.Room(release / "room", arch.of_program(release / "reeve")), out / "tree"
    shutil.rmtree(out, ignore_errors=True)
    stage(here, release, tree, version, epoch)
    settle(tree, epoch)
    for made in (deb(here, tree, version, epoch), rpm(here, tree, version, epoch)):
        shutil.copy(here.folder / "src" / made, out / made)
    put(REPO / "LICENSE", tree / DOC / "LICENSE")  # of the others each names it in its own way
    settle(tree, epoch)
    name = f"reeve-{version}-linux-{here.target.name}"
    tarball(here, tree, name, epoch, out / f"{name}.tar.gz")
    made = sorted(p for p in out.iterdir() if p.is_file())
    for path in made:
        finish(path, key)
    sums = (
        out / f"reeve-{version}-{here.target.name}.sums"
    )  # what a stack pins: one hash for whichever of them its machine takes
    sums.write_text("".join(p.with_name(f"{p.name}.sha256").read_text() for p in made))
    finish(sums, key)


if __name__ == "__main__":
    sys.exit(main())
