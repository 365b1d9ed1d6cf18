"""For every test and docstring example: nothing that one of them sets reaches another."""

from collections.abc import Iterator

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
