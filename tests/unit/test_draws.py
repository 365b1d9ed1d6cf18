"""Randomness of every function: a generator, a seed, or torch's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from otgen_lite._draws import as_generator


def test_a_generator_goes_through_and_none_stays_none() -> None:
    generator = torch.Generator()
    assert as_generator(generator) is generator
    assert as_generator(None) is None


@pytest.mark.parametrize("seed", [3, np.int64(3), 2**64 - 1])
def test_a_seed_becomes_a_generator_that_starts_from_it(seed: Any) -> None:
    found = as_generator(seed)
    assert found is not None
    assert found.device.type == "cpu"
    expected = torch.Generator().manual_seed(int(seed))
    assert torch.equal(found.get_state(), expected.get_state())


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (True, TypeError, "it must be a torch.Generator, a seed or None, got True"),
        (0.5, TypeError, "it must be a torch.Generator, a seed or None, got 0.5"),
        ("0", TypeError, "it must be a torch.Generator, a seed or None, got '0'"),
        (-1, ValueError, "it must be a whole number >= 0, got -1"),
        (2**64, ValueError, "it must be a whole number from 0 to 2"),
    ],
)
def test_what_is_none_of_them_is_refused(value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        as_generator(value, name="it")
