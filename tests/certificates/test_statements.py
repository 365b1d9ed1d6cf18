"""What is computed of each statement of the book, on instances that no page shows."""

import inspect

import pytest
import torch

from otgen_lite.certify import compare
from otgen_lite.statements import REGISTRY
from otgen_lite.statements.only_proved import ONLY_PROVED

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
    if result.loosest is not None and result.loosest > 2:  # a lost factor 2 would go unnoticed
        assert "constant" in entry.proved, result.line()


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY.keys())
def test_an_instance_is_drawn_where_the_statement_takes_a_generator(entry):
    generator = torch.Generator().manual_seed(100)
    before = generator.get_state()
    entry(generator, **entry.sizes[0])
    (named, *_) = inspect.signature(entry.both_sides).parameters
    assert named == ("_" if torch.equal(generator.get_state(), before) else "generator")


def test_every_statement_says_what_is_computed_and_what_is_only_proved():
    assert set(ONLY_PROVED) == set(REGISTRY)
    assert [label for label, entry in REGISTRY.items() if not entry.computed] == []
