"""What chapter 6 computes with, on problems that can be solved by hand."""

from __future__ import annotations

from math import cosh, log, pi, sin

import pytest
import torch

import otgen_lite as otg
from otgen_lite.statements import gradients as claims
from otgen_lite.statements import two_poles as poles

HALF = torch.tensor([0.5, 0.5], dtype=torch.float64)
PAIR = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)


@pytest.mark.parametrize("theta", [-0.7, 0.0, 0.4])
def test_a_point_between_two_atoms(theta: float) -> None:
    """The cost has one slope, the formula two, at every place."""
    x, v = torch.tensor([[theta]], dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    psi = torch.tensor([2 * theta, -2 * theta], dtype=torch.float64)
    least, most = claims.slope_of_cost(x, PAIR, one, HALF, psi, v)
    right = claims.slope_of_formula(x, PAIR, one, psi, v)
    left = -claims.slope_of_formula(x, PAIR, one, psi, -v)
    assert (least.item(), most.item()) == pytest.approx((2 * theta, 2 * theta), abs=1e-9)
    assert (left.item(), right.item()) == pytest.approx((2 * theta + 2, 2 * theta - 2), abs=1e-9)


def test_kinks_and_curvatures_of_the_models() -> None:
    assert poles.slopes(lambda t: poles.value("ends", t), 0.0) == pytest.approx((2, -2), abs=1e-6)
    assert poles.slopes(lambda t: poles.value("bar", t), 0.0) == pytest.approx((1, -1), abs=1e-6)
    h = 1e-4
    steps = torch.tensor([-h, 0.0, h], dtype=torch.float64)
    for r in (0.05, 0.1):
        low, mid, high = poles.value("plank", steps, r=r)
        assert (low - 2 * mid + high) / h**2 == pytest.approx(r - 2 / (3 * r), rel=1e-3)
    for eps in (0.05, 0.5):
        low, mid, high = poles.value("bar", steps, eps)
        assert (low - 2 * mid + high) / h**2 == pytest.approx(-4 / (3 * eps), rel=1e-3)


def test_the_soft_modulus() -> None:
    t = torch.tensor([-3.0, 0.0, 0.5], dtype=torch.float64)
    assert torch.equal(poles.soft_abs(t, 0.0), t.abs())
    soft = torch.tensor([0.5 * log(cosh(k / 0.5)) for k in t.tolist()], dtype=torch.float64)
    assert torch.allclose(poles.soft_abs(t, 0.5), soft, atol=1e-14)
    assert poles.soft_abs(1e3 * t[2:], 1e-3).isfinite().all()
    small, large = poles.mean_soft(torch.tensor([1e-4, 2.0], dtype=torch.float64), 0.1)
    assert small == pytest.approx(1e-8 / 0.6, rel=1e-5)
    grid = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    assert large == pytest.approx(poles.soft_abs(2.0 * grid, 0.1).mean().item(), abs=1e-8)


def test_the_potential_is_a_median() -> None:
    u = torch.tensor([3.0, -1.0, 0.5], dtype=torch.float64)
    assert poles.height(u, torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)) == 1.0
    assert poles.height(u, torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)) == 6.0
    soft = poles.height(u, torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64), 0.01)
    assert soft == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("rule", "end"), [("first", -1.0), ("last", 1.0), ("parts", 0.0)])
def test_where_the_rules_for_ties_end(rule: str, end: float) -> None:
    for weights in (HALF, torch.tensor([0.25, 0.75], dtype=torch.float64)):
        assert poles.point_descent(rule, weights, steps=300)[-1].item() == pytest.approx(end)


def test_a_coin_takes_either_tie() -> None:
    g = torch.Generator().manual_seed(0)
    offers = torch.tensor([1.0, 0.0, 1e-12, 2.0], dtype=torch.float64)
    drawn = torch.stack([poles.tie_shares(offers, "coin", g) for _ in range(200)]).mean(dim=0)
    assert drawn[[0, 3]].sum() == 0.0
    assert drawn[1] == pytest.approx(0.5, abs=0.12)


def test_models_are_where_they_should_be() -> None:
    assert poles.model_points("point", 0.3).tolist() == [[0.0, 0.3]]
    ends = poles.model_points("ends", pi / 6)
    assert ends[1, 1].item() == pytest.approx(sin(pi / 6))
    assert torch.equal(ends[0], -ends[1])
    assert len(poles.model_points("bar", 0.1)) == 3


def test_settled_points_are_means_of_what_they_get() -> None:
    g = torch.Generator().manual_seed(3)
    y = torch.randn(20, 2, generator=g, dtype=torch.float64)
    a, b = claims.even(4), claims.even(20)
    x = claims.settle(y[:4], y, a, b)
    plan = otg.solve_exact(otg.cost_matrix(x, y), a, b).plan
    assert torch.allclose(x, 4 * plan @ y, atol=1e-12)


def test_a_bound_for_the_best_point() -> None:
    """Of two atoms it is the threshold itself, for they have the variance proxy of a fair coin."""
    y = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    eps, u = claims.not_alone_before(y + 0.0)
    assert eps == pytest.approx(2.0, abs=1e-5)
    assert u.isfinite().all()
