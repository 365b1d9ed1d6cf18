"""For every test and docstring example: one thread, and nothing that one sets reaches another."""

import os
from collections.abc import Iterator

from tools import threads

# Before torch is imported, and for whatever the tests start.
os.environ.update(threads.ONE)

import matplotlib as mpl
import pytest
import torch


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Chapters and ``use_book_style`` set matplotlib's style and torch's default precision."""
    dtype = torch.get_default_dtype()
    with mpl.rc_context():
        yield
    torch.set_default_dtype(dtype)
