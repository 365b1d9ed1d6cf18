"""Every statement of the book, on random instances that no page shows."""

import pytest
import torch

from otgen_lite.certify import compare
from otgen_lite.statements import REGISTRY

INSTANCES = [
    pytest.param(entry, seed, sizes, id=f"{label}-{seed}")
    for label, entry in REGISTRY.items()
    for seed, sizes in enumerate(entry.sizes, start=101)
]


@pytest.mark.parametrize(("entry", "seed", "sizes"), INSTANCES)
def test_statement(entry, seed, sizes):
    generator = torch.Generator().manual_seed(seed)
    lhs, rhs = entry(generator, **sizes)
    result = compare(entry.label, lhs, rhs, entry.tol, entry.relation)
    assert result.holds, result.line()
