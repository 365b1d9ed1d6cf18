"""The Kantorovich problem where costs have a wide range: large entries, shifts, forbidden pairs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

import otgen_lite as otg

INF = float("inf")


def assigned(C: np.ndarray) -> float:
    """The least mean cost of an assignment of whole costs, in exact arithmetic."""
    rows, columns = linear_sum_assignment(C)
    return float(sum(Fraction(c) for c in C[rows, columns].tolist()) / len(C))


def test_one_large_cost_by_hand() -> None:
    r = otg.solve_exact([[1e16, 2.0, 1.0], [8.0, 5.0, 8.0], [5.0, 8.0, 3.0]])
    assert r.value.item() == pytest.approx(11 / 3, rel=1e-15)


@pytest.mark.parametrize("large", [1e7, 1e11, 1e14, 1e16, 1e100, 1e300, INF])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.8])
def test_costs_that_no_plan_pays_have_no_say(large: float, share: float) -> None:
    rng = np.random.default_rng([int(100 * share), 1])
    for n in (2, 5, 12, 25):
        C = rng.integers(0, 1000, (n, n)).astype(float)
        dear = rng.random((n, n)) < share
        dear[np.arange(n), rng.permutation(n)] = False  # an assignment without them exists
        expected = assigned(np.where(dear, 1e7, C))
        r = otg.solve_exact(np.where(dear, large, C))
        assert r.value.item() == pytest.approx(expected, rel=1e-12)
        assert float(r.plan.numpy()[dear].sum()) == 0.0
        f, g = (p.numpy() for p in r.potentials)
        slack = np.where(dear, large, C) - f[:, None] - g
        size = np.abs(f[:, None]) + np.abs(g)
        assert (slack >= -1e-14 * size).all()


@pytest.mark.parametrize("size", [1e3, 1e8, 1e11, 1e14])
def test_a_function_of_either_point_changes_no_plan(size: float) -> None:
    rng = np.random.default_rng(1)
    C = rng.integers(0, 100, (14, 14)).astype(float)
    u, v = np.round(size * rng.normal(size=(14, 1))), np.round(size * rng.normal(size=14))
    plan = otg.solve_exact(C + u + v).plan.numpy()
    assert (plan * C).sum() == pytest.approx(assigned(C), rel=1e-12)


@pytest.mark.parametrize("large", [1e12, INF])
def test_rounding_of_weights_pays_no_large_cost(large: float) -> None:
    # .1 + .2 is not .3 in the last digit: what is left over has no other way than the large cost.
    C = [[1.0, large], [1.0, large], [large, 2.0]]
    r = otg.solve_exact(C, [0.1, 0.2, 0.7], [0.1 + 0.2, 0.7])
    assert r.value.item() == pytest.approx(1.7, rel=1e-12)
    r = otg.solve_exact(C, [0.1, 0.2, 0.7], [0.3, 0.7])
    assert r.value.item() == pytest.approx(1.7, rel=1e-12)


def test_a_cost_that_must_be_paid_is() -> None:
    r = otg.solve_exact([[1e16, 1e16], [1.0, 4.0]], [0.5, 0.5], [0.25, 0.75])
    assert r.plan.tolist() == [[0.0, 0.5], [0.25, 0.25]]


@pytest.mark.parametrize("C", [[[INF, INF], [1.0, 2.0]], [[INF, 1.0], [INF, 2.0]], [[INF]]])
def test_a_problem_without_plan_is_refused(C: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="C must allow a plan: inf forbids a pair"):
        otg.solve_exact(C)


@pytest.mark.parametrize("bad", [-INF, float("nan")])
def test_other_numbers_that_are_none_are_refused(bad: float) -> None:
    for C in ([[1.0, bad]], [[INF, bad]]):
        with pytest.raises(ValueError, match="C must hold finite numbers"):
            otg.solve_exact(C)


def test_an_atom_without_mass_may_reach_nothing() -> None:
    r = otg.solve_exact([[1.0, 2.0], [INF, INF]], [1.0, 0.0], [0.5, 0.5])
    assert r.value.item() == 1.5
    assert r.potentials[0][1].item() == INF
    assert bool(torch.isfinite(r.potentials[1]).all())


def test_derivatives_pass_forbidden_pairs() -> None:
    C = torch.tensor([[INF, 2.0], [8.0, 5.0]], dtype=torch.float64, requires_grad=True)
    r = otg.solve_exact(C)
    r.value.backward()
    assert torch.equal(C.grad, r.plan)
    assert C.grad.tolist() == [[0.0, 0.5], [0.5, 0.0]]


@pytest.mark.parametrize("radius", [1e5, 1e7, 1e8, 1e12])
@pytest.mark.parametrize("d", [1, 2, 20])
def test_an_outlier_in_both_samples_costs_nothing(d: int, radius: float) -> None:
    rng = np.random.default_rng(d)
    x, y = rng.normal(size=(30, d)), rng.normal(size=(30, d)) + 0.5
    far = np.full((1, d), radius)
    joined = otg.metrics.w2sq(np.concatenate([x, far]), np.concatenate([y, far]))
    assert joined == pytest.approx(otg.metrics.w2sq(x, y) * 30 / 31, rel=1e-9)


@pytest.mark.parametrize("n", [2, 7, 50])
@pytest.mark.parametrize("far", [1.0, 1e-3, 1e4])
def test_where_all_go_to_the_nearest_atom_the_gap_is_rounding(n: int, far: float) -> None:
    # A bar of points between two poles: the half that is nearer to a pole goes there.
    t = np.linspace(-1, 1, n)
    poles = np.array([[0.0, 1.0], [0.0, -1.0]]) * far
    for angle in np.linspace(0.0, np.pi, 101):
        bar = np.outer(t, [np.cos(angle), np.sin(angle)])
        C = ((bar[:, None] - poles) ** 2).sum(-1)
        order = np.argsort(C[:, 0] - C[:, 1], kind="stable")
        near, rest = order[: n // 2], order[n // 2 :]
        expected = C[near, 0].sum() + C[rest, 1].sum()
        if n % 2:  # the point in the middle is split
            expected += (C[rest[0], 0] - C[rest[0], 1]) / 2
        r = otg.solve_exact(C)
        assert r.value.item() == pytest.approx(expected / n, rel=1e-14)
        f, g = (p.numpy() for p in r.potentials)
        assert (C - f[:, None] - g).min() >= -1e-14 * C.max()
        assert f.mean() + g.mean() == pytest.approx(expected / n, rel=1e-13)
