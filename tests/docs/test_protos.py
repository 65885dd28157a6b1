"""The schemas are ones that others can build from."""

import re
import subprocess

import pytest

from tests.docs.blocks import REPO

PROTOS = sorted((REPO / "proto").glob("*.proto"))


@pytest.mark.parametrize("path", PROTOS, ids=lambda path: path.name)
def test_a_schema_names_its_go_package_and_protoc_builds_it(path, tmp_path):
    package = re.search(r'^option go_package = "([a-z0-9./]+);([a-z0-9]+)";$', path.read_text(), re.MULTILINE)
    assert package, "go_package is missing"
    assert (
        re.search(r"^package ([a-z0-9.]+);$", path.read_text(), re.MULTILINE)[1].replace(".", "").endswith(package[2])
    )
    subprocess.run(["protoc", f"--descriptor_set_out={tmp_path}/set", f"-I{path.parent}", path], check=True)


def test_no_schema_is_left_out():
    assert {p.name for p in PROTOS} >= {"control.proto", "opamp.proto"}
