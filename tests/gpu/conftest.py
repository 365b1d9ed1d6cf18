"""The device of the tests marked ``gpu``: that of ``make gpu``, or the accelerator that is here."""

import os

import pytest
import torch


@pytest.fixture(scope="session")
def device() -> torch.device:
    """Where the tests compute; without an accelerator they are skipped."""
    asked = os.environ.get("OTGEN_TEST_DEVICE", "")
    if asked:
        return torch.device(asked)
    if not torch.accelerator.is_available():
        pytest.skip("torch sees no accelerator here: `make gpu` runs these on one")
    found = torch.accelerator.current_accelerator()
    assert found is not None
    return torch.device(found.type, 0)
