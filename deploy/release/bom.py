"""bom.py - what is in a release: its parts, read off the linker's map, as CycloneDX and with each licence's text."""

import dataclasses
import hashlib
import json
import re
import urllib.parse
import uuid

# SPDX names, by the source package of Debian. A part that is not here stops the release: read its licence first.
LICENCES = {
    "curl": "curl",
    "expat": "MIT",
    "gcc-12": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "glibc": "LGPL-2.1-or-later",
    "jansson": "MIT",
    "libisal": "BSD-3-Clause",
    "libuv1": "MIT",
    "libyaml": "MIT",
    "libzstd": "BSD-3-Clause",
    "node-undici": "MIT",
    "openssl": "Apache-2.0",
    "pcre2": "BSD-3-Clause",
    "protobuf-c": "BSD-2-Clause",
    "zlib": "Zlib",
}
# What a compiler puts into every program: the start files of libc, and helpers of gcc. Their exceptions allow that.
TOOLCHAIN = ("gcc-12", "glibc")


@dataclasses.dataclass(frozen=True)
class Part:
    source: str  # source package
    version: str  # of that
    copyright: str  # its text
    package: str  # that the archive or the source file is of

    @property
    def licence(self):
        if self.source not in LICENCES:
            raise SystemExit(
                f"{self.source} is linked and deploy/release/bom.py names no licence for it: read its copyright file"
            )
        return LICENCES[self.source]


# What the linker makes of our own objects on its way, optimised as one.
LTO = re.compile(r"/tmp/cc\w{6}\.(debug\.temp|ltrans\d+\.ltrans)\.o")


def files_of(linker_map):
    """The files that the linker read."""
    return sorted(f for f in set(re.findall(r"^LOAD (/\S+)$", linker_map, re.MULTILINE)) if not LTO.fullmatch(f))


def component(part):
    name, version = (
        urllib.parse.quote(text, safe=":~.-_") for text in (part.source, part.version)
    )  # a + is %2B in a purl
    ref = f"pkg:deb/debian/{name}@{version}?arch=source&distro=debian-12"
    licence = {"expression": part.licence} if " WITH " in part.licence else {"license": {"id": part.licence}}
    return {
        "type": "library",
        "bom-ref": ref,
        "name": part.source,
        "version": part.version,
        "licenses": [licence],
        "purl": ref,
    }


DIRTY = {"name": "reeve:tree", "value": "dirty"}


def is_dirty(bill):
    """Was the program of this bill built of a tree with changes that are not committed?"""
    return DIRTY in json.loads(bill)["metadata"].get("properties", [])


def cyclonedx(parts, program, version, made_s, stamp, dirty=False, processor="x86_64"):
    """The bill of materials; the same parts and the same program give the same bytes. `stamp` is made_s as RFC 3339.
    x86-64 goes without saying. What is linked is named by its source package, as advisories do, in the version that
    was linked for that processor."""
    own = f"pkg:generic/reeve@{version}" + ("" if processor == "x86_64" else f"?arch={processor}")
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    components = [component(p) for p in parts]
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'reeve {version} {made_s} {digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": stamp,
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "reeve",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": own,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
            **({"properties": [DIRTY]} if dirty else {}),
        },
        "components": components,
        "dependencies": [
            {"ref": own, "dependsOn": [c["bom-ref"] for c in components]},
            *({"ref": c["bom-ref"]} for c in components),
        ],
    }
    return json.dumps(bom, indent=2) + "\n"


def common(parts):
    """The licences that Debian keeps once for all packages, and that a copyright file only names."""
    named = re.findall(r"/usr/share/common-licenses/([A-Za-z]+(?:-[0-9.]*[0-9])?)", "".join(p.copyright for p in parts))
    return sorted(set(named))


def third_party(parts, texts):
    """The text of every licence, one after the other; `texts` are those that `common` names."""
    head = [
        "What is in the program /usr/bin/reeve beside our own code, each with its licence as Debian 12 ships it.",
        "Our own licence stands in LICENSE.",
        "",
        *(f"  {p.source:<12} {p.version:<24} {p.licence}" for p in parts),
        "",
    ]
    sections = [(f"{p.source} {p.version}", p.copyright) for p in parts] + [
        (name, texts[name]) for name in common(parts)
    ]
    line = "=" * 100
    return "\n".join(head) + "".join(f"\n{line}\n{name}\n{line}\n\n{text.strip()}\n" for name, text in sections)
