"""Reads a warehouse's specification: YAML with the field names of WarehouseSpec in proto/control.proto."""

import pathlib

import yaml
from google.protobuf import json_format

from tests.peers.pb import control


class Loader(yaml.SafeLoader):
    """Refuses a key that comes twice: the last one would silently win."""

    def construct_mapping(self, node, deep=False):
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.MarkedYAMLError(problem=f"key {name!r} comes twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read(path):
    """The WarehouseSpec in this file; ValueError names the file and the key that is wrong."""
    try:
        value = yaml.load(pathlib.Path(path).read_bytes(), Loader)
    except (OSError, yaml.YAMLError) as e:
        raise ValueError(f"{path}: {e}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: not a mapping")  # noqa: TRY004 - the file is wrong, not the program
    try:
        found = json_format.ParseDict(value, control.WarehouseSpec())
    except json_format.ParseError as e:
        raise ValueError(f"{path}: {e}") from None
    if not found.warehouse:
        raise ValueError(f"{path}: warehouse is missing")
    return found
