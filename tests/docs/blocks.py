"""The fenced blocks of the documents, and which test runs which.

The first word behind a fence is the language, the second is the block's name:

    ```json login-request

A test claims it by its name and is handed its text:

    @pytest.mark.block("wire.md", "login-request")
    def test_the_agent_sends_this(block): ...

With more names `block` is a list. Every block of a document must be claimed (test_blocks.py), but for those of language
`text`, which are only read; each document may have a few.
"""

import collections
import pathlib
import re
import subprocess

REPO = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(\s*)```(.*)$")

Block = collections.namedtuple("Block", "document line language name text")


def documents():
    """The documents whose blocks are run, which is all that there are: those of docs/ and of the top by their names, others by their
    paths."""
    listed = ["git", "ls-files", "-co", "--exclude-standard", "*.md"]
    run = subprocess.run(listed, cwd=REPO, capture_output=True, text=True, check=True)
    paths = [pathlib.PurePath(line) for line in sorted(run.stdout.splitlines()) if (REPO / line).exists()]
    return {str(p.name if str(p.parent) in (".", "docs") else p): REPO / p for p in paths}


def blocks(document):
    """All fenced blocks of one document, in order."""
    found, opened = [], None
    for number, line in enumerate(documents()[document].read_text().splitlines(), 1):
        assert not line.lstrip().startswith("~~~"), f"{document}:{number}: fences are of backticks"
        fence = FENCE.match(line)
        if fence and opened is None:
            language, _, name = fence[2].strip().partition(" ")
            opened = (number, language, name.strip(), fence[1], [])
        elif fence and not fence[2].strip():
            number, language, name, _, lines = opened
            found.append(Block(document, number, language, name, "".join(f"{text}\n" for text in lines)))
            opened = None
        elif opened is not None:
            opened[4].append(line.removeprefix(opened[3]))
    assert opened is None, f"{document}:{opened[0]}: a block without an end"
    return found


def text_of(document, name):
    found = [b.text for b in blocks(document) if b.name == name]
    assert len(found) == 1, f"{document} has {len(found)} blocks of the name {name!r}"
    return found[0]
