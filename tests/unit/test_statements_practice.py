"""What chapter 12 computes with: laws that can be checked by hand or by simulation."""

from __future__ import annotations

from math import log

import pytest
import torch

import otgen_lite as otg
from otgen_lite.statements import _practice as practice


def test_in_the_plane_n_atoms_miss_one_nth_at_least() -> None:
    assert [practice.least_distance(n, 2) for n in (1, 8, 50)] == pytest.approx(
        [1, 1 / 8, 1 / 50], abs=1e-12
    )


@pytest.mark.parametrize("d", [1, 2, 3, 8])
def test_what_atoms_miss_falls_like_a_power_of_their_number(d: int) -> None:
    ratio = practice.least_distance(2**d * 5, d) / practice.least_distance(5, d)
    assert ratio == pytest.approx(0.25, rel=1e-12)


def test_the_spread_of_batches_is_what_simulated_batches_have() -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(6, 2, generator=g, dtype=torch.float64)
    a, b = (torch.rand(6, generator=g, dtype=torch.float64) for _ in range(2))
    a, b = a / a.sum(), b / b.sum()
    u = otg.MMD(scale=1.0)
    found = torch.stack(
        [
            u(x[torch.multinomial(a, 5, True, generator=g)],
              x[torch.multinomial(b, 4, True, generator=g)])
            for _ in range(4000)
        ]
    )  # fmt: skip
    expected = practice.spread_of_batches(a, b, practice.multiquadric(x, x), 5, 4)
    assert found.var().item() == pytest.approx(expected.item(), rel=0.12)


def test_a_game_with_all_indicators_is_the_divergence_and_with_a_constant_nothing() -> None:
    a = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    b = torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64)
    js = sum(
        float(p) * log(2 * float(p) / float(p + q)) + float(q) * log(2 * float(q) / float(p + q))
        for p, q in zip(a, b, strict=True)
    )
    assert practice.best_game(torch.eye(3, dtype=torch.float64), a, b) == pytest.approx(
        js, abs=1e-9
    )
    one = torch.ones(3, 1, dtype=torch.float64)
    assert practice.best_game(one, a, b) == pytest.approx(0.0, abs=1e-12)


def test_steep_functions_are_as_steep_as_they_may_be_and_no_steeper() -> None:
    x = torch.linspace(-1, 2, 4001, dtype=torch.float64)
    y = practice.steep(x, 3.0, torch.Generator().manual_seed(1))
    slopes = (y.diff() / x.diff()).abs()
    assert slopes.max().item() == pytest.approx(3.0, rel=1e-9)


def test_the_record_has_every_penalty_with_every_encoder() -> None:
    table = practice.inquiry()
    assert table.shape == (12, 3)
    assert not table.index.duplicated().any()


def test_the_record_of_trials_is_that_of_the_finding() -> None:
    table = practice.trials()
    hits = [int(table.hits[name].split()[0]) for name in ("IMQ", "sliced W", "GAN")]
    assert table.hits["all"] == f"{sum(hits)} of 30"
    assert int(table.hits["misses"]) == 30 - sum(hits)
    for rule in ("compass", "cost", "gap", "squares"):
        values = [float(table[rule][name]) for name in ("IMQ", "sliced W", "GAN")]
        assert float(table[rule]["all"]) == pytest.approx(sum(values) / 3, abs=1e-3)
        assert float(table[rule]["worst"]) > max(values)
