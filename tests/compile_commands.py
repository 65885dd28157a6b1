#!/usr/bin/env python3
"""compile_commands.py COMPILER FLAG... -- FILE... - how each C file is compiled, as editors and clang's tools read it."""

import json
import os
import sys

at = sys.argv.index("--")
command, files = sys.argv[1:at], sys.argv[at + 1 :]
folder = os.getcwd()
json.dump([{"directory": folder, "file": f, "arguments": [*command, "-c", f]} for f in files], sys.stdout, indent=1)
print()
