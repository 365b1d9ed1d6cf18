"""Tests on the stand-in accelerator, in a process of their own.

``tests/unit/test_accelerator.py`` starts it; by hand: ``OTGEN_STANDIN=1 pytest tests/accelerator``.
"""

import os
from collections.abc import Iterator

import pytest
import torch

from tests.accelerator import standin

if os.environ.get("OTGEN_STANDIN"):
    standin.register()
else:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def device() -> Iterator[torch.device]:
    """A machine with the stand-in; torch makes new tensors on the CPU, as after its import."""
    with standin.available() as found:
        yield found


@pytest.fixture
def used(device: torch.device) -> torch.device:
    """The same machine after ``otg.use_device()``, as the setup cell of a chapter calls it."""
    import otgen_lite as otg

    assert otg.use_device() == device
    return device
