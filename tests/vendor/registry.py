"""What the vendor knows of each installation: one JSON file each under <data>/registry.

    {"installation", "account", "region", "role", "role_id", "epoch", "raised_because"}

role is the name of the agent's role; role_id is its unique id (AROA...), empty until the first accepted login fills it
in. A login with other values is refused. epoch starts at 1 and rises when an agent comes back without its journal.
"""

import pathlib
import re
import threading

from tests.vendor import files

NAME = re.compile(r"[a-z0-9-]{1,32}")


class Registry:
    def __init__(self, data):
        self.folder = pathlib.Path(data) / "registry"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()

    def add(self, installation, account, region, role, role_id=""):
        if not NAME.fullmatch(installation):
            raise ValueError(f"installation {installation!r}: it must be 1 to 32 of [a-z0-9-]")
        if not re.fullmatch(r"[0-9]{12}", account):
            raise ValueError(f"account {account!r}: it must be 12 digits")
        if self.get(installation):
            raise ValueError(f"installation {installation} is registered already")
        entry = {"installation": installation, "account": account, "region": region, "role": role}
        files.write_json(self._path(installation), entry | {"role_id": role_id, "epoch": 1, "raised_because": ""})

    def get(self, installation):
        """The entry, or None when there is no such installation."""
        return files.read_json(self._path(installation)) if NAME.fullmatch(installation) else None

    def names(self):
        return sorted(p.stem for p in self.folder.glob("*.json") if NAME.fullmatch(p.stem))

    def fill_role_id(self, installation, role_id):
        """True when the installation's role id is this one, be it from now on."""
        with self.lock:
            entry = self.get(installation)
            if not entry["role_id"]:
                entry["role_id"] = role_id
                files.write_json(self._path(installation), entry)
            return entry["role_id"] == role_id

    def raise_epoch(self, installation, seen, reason):
        """From epoch `seen` to the next one; nothing happens when somebody else did so before."""
        with self.lock:
            entry = self.get(installation)
            if entry["epoch"] == seen:
                files.write_json(self._path(installation), entry | {"epoch": seen + 1, "raised_because": reason})

    def _path(self, installation):
        return self.folder / f"{installation}.json"
