"""The text of the block that a test has claimed."""

import pathlib
import shutil
import tempfile

import pytest

from tests.docs import blocks, lived


def pytest_configure(config):
    config.addinivalue_line("markers", "block(document, name...): this test runs these blocks of a document")


@pytest.fixture
def block(request):
    """The block's text; a list of texts when the mark names several."""
    document, *names = request.node.get_closest_marker("block").args
    texts = [blocks.text_of(document, name) for name in names]
    return texts[0] if len(texts) == 1 else texts


@pytest.fixture(scope="session")
def agent_life():
    """One life of the real agent, for all tests that look at what it leaves behind."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-docs-"))
    folder.chmod(0o755)  # the agent's user must reach its own folder
    yield lived.Lived(folder)
    shutil.rmtree(folder)
