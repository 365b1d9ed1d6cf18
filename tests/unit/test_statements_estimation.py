"""What chapter 5 computes, against closed forms, solvers and brute force."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import connected_components

import otgen_lite as otg
from otgen_lite.statements import _estimation as solvers
from otgen_lite.statements import estimation as claims
from otgen_lite.statements.kantorovich import points

F64 = torch.float64
Y = torch.tensor(claims.TRIANGLE, dtype=F64)
MIDDLE = Y.mean(dim=0)


def test_the_three_values_of_the_triangle() -> None:
    V = (Y - MIDDLE).square().sum(dim=1).mean()
    assert float(V) == pytest.approx(0.1377778, abs=1e-7)
    for i, j, value in ((0, 1, 0.1140741), (2, 1, 0.0577778), (2, 0, 0.0577778)):
        s = 2 / 3 * (Y[i] - Y[j])
        assert float(claims.rod_cost(MIDDLE, s, Y)) == pytest.approx(value, abs=1e-7)
        assert claims.rod_slope(s, Y).abs().max() < 1e-12
    assert float((2 / 3 * (Y[2] - Y[0])).norm()) == pytest.approx(0.489898, abs=1e-6)


def test_the_slope_of_a_rod_is_that_of_its_cost() -> None:
    s = torch.tensor([0.2, -0.35], dtype=F64, requires_grad=True)
    (slope,) = torch.autograd.grad(claims.rod_cost(MIDDLE, s, Y), s)
    assert (slope - claims.rod_slope(s.detach(), Y)).abs().max() < 1e-12


@pytest.mark.parametrize("p", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("eps", [0.0, 0.05])
def test_many_rods_at_once_are_each_of_them(p: float, eps: float) -> None:
    s = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=F64) / 3
    s.requires_grad_()
    values = claims.rods(s, Y, p, eps, 24)
    (slopes,) = torch.autograd.grad(values.sum(), s)

    def alone(one: torch.Tensor) -> float:
        x = MIDDLE + claims.codes(24)[:, None] * one
        C = otg.cost_matrix(x, Y, "euclidean") ** p
        solved = otg.solve_sinkhorn(C, eps, tol=1e-10) if eps else otg.solve_exact(C)
        return float(solved.value)

    h = 1e-5
    values = values.detach()
    for k in range(5):
        one = s[k].detach()
        # Swept until the potentials move by less than 1e-5 eps; at p = 1, 1e-12 under the root.
        assert float(values[k]) == pytest.approx(alone(one), abs=1e-5)
        for e in torch.eye(2, dtype=F64):
            quotient = (alone(one + h * e) - alone(one - h * e)) / (2 * h)
            assert float(slopes[k] @ e) == pytest.approx(quotient, abs=1e-3)


def test_a_landscape_is_symmetric_and_holds_the_costs() -> None:
    land = claims.landscape(Y, 2.0, 0.0, 0.6, 5)
    assert tuple(land.shape) == (5, 5)
    assert torch.equal(land, land.flip(0, 1))
    x = MIDDLE + solvers.codes(30)[:, None] * torch.tensor([0.3, -0.6], dtype=F64)
    assert float(land[0, 3]) == pytest.approx(
        float(otg.solve_exact(otg.cost_matrix(x, Y)).value), abs=1e-9
    )


def test_entropy_frees_what_is_trapped_and_shortens() -> None:
    start = 0.3 * torch.tensor([[np.cos(80 * pi / 180), np.sin(80 * pi / 180)]], dtype=F64)
    exact = claims.descent(start, Y, steps=60)[-1, 0]
    assert (exact - torch.tensor([0.0, 0.2667], dtype=F64)).abs().max() < 1e-3
    soft = claims.descent(start, Y, eps=0.05, lr=0.3, steps=200, n=30)[-1, 0]
    # Half of a horizontal rod, by the entropic best among them: .46116 (chapter 3).
    assert (soft - torch.tensor([0.461, 0.0], dtype=F64)).abs().max() < 3e-3


@pytest.mark.parametrize("law", ["normal", "uniform", "exponential"])
def test_means_of_order_statistics_against_many_draws(law: str) -> None:
    rng = np.random.default_rng(0)
    draw = {
        "normal": rng.standard_normal,
        "uniform": lambda size: np.sqrt(3) * (2 * rng.random(size) - 1),
        "exponential": lambda size: rng.exponential(size=size) - 1,
    }[law]
    found = np.sort(draw((40_000, 5)), axis=1)
    error = found.std(axis=0) / 200
    assert (np.abs(found.mean(axis=0) - solvers.order_means(law, 5)) < 5 * error).all()
    assert solvers.order_means(law, 1)[0] == pytest.approx(0.0, abs=1e-12)


def test_shrinkage_of_the_gaussian() -> None:
    known = {1: 0.0, 2: 1 / pi, 3: 3 / (2 * pi), 4: 0.5739, 16: 0.8594, 64: 0.9588, 256: 0.9886}
    for n, value in known.items():
        assert claims.shrinkage("normal", n) == pytest.approx(value, abs=6e-5)
    mean, error = claims.shrinkage_measured(1, 16, 400, torch.Generator().manual_seed(0))
    assert abs(mean - known[16]) < 4 * error
    assert error < 0.02


def test_debiasing_with_little_entropy_leaves_the_shrinkage_of_the_batch() -> None:
    g = torch.Generator().manual_seed(1)
    little, error = claims.shrinkage_debiased(8, 16, 0.5, 12, g)
    assert abs(little - 0.505) < 4 * error < 0.1  # the exact cost asks for .50
    much, error = claims.shrinkage_debiased(8, 64, 8.0, 6, torch.Generator().manual_seed(1))
    assert little + 0.2 < much < 0.95


def test_the_error_of_the_debiased_shrinkage_is_that_from_seed_to_seed() -> None:
    found = [claims.shrinkage_debiased(2, 8, 2.0, 8, torch.Generator().manual_seed(k))
             for k in range(20)]  # fmt: skip
    scales, errors = np.array(found).T
    assert scales.std() / 1.6 < errors.mean() < 1.6 * scales.std()


def test_coins() -> None:
    assert claims.bernoulli_loss(0.3, 0.3, 1) == pytest.approx(0.42, abs=1e-12)
    assert claims.bernoulli_loss(0.0, 0.3, 1) == pytest.approx(0.3, abs=1e-12)
    grid = np.linspace(0, 0.1, 1001)
    best = grid[np.argmin([claims.bernoulli_loss(t, 0.3, 2) for t in grid])]
    assert best == pytest.approx(0.02 / 0.84, abs=1e-4)


def test_every_corner_is_best_and_tied_n_minus_one_times() -> None:
    g = torch.Generator().manual_seed(2)
    x, y = (torch.randn(6, generator=g, dtype=F64).sort().values for _ in range(2))
    C = (x[:, None] - y).square()
    W = otg.solve_exact(C).value
    for k in range(32):
        ends = torch.tensor([k >> i & 1 for i in range(5)], dtype=torch.bool)
        f, v = claims.corner_of(x, y, ends)
        slack = C - f[:, None] - v
        assert slack.min() > -1e-12
        assert int((slack < 1e-12).sum()) == 11
        assert float(f.mean() + v.mean()) == pytest.approx(float(W), abs=1e-12)


def test_angles_of_a_triangle() -> None:
    right = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=F64)
    assert torch.allclose(claims.angles(right), torch.tensor([pi / 2, pi / 4, pi / 4], dtype=F64))
    assert claims.acute(Y)
    assert not claims.acute(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 0.1]], dtype=F64))


def test_as_many_ties_miss_as_equalities_leave_pieces_to_join() -> None:
    """In general position the equalities are a forest; between two trees of it a tie is missing."""
    n, clouds = 6, 40
    missing = claims.missing_ties(otg.generator(3), n, clouds)
    generator, pieces = otg.generator(3), []
    for _ in range(clouds):
        x, y = points(generator, n, 2), points(generator, n, 2)
        C = otg.cost_matrix(x, y)
        f, g = otg.solve_exact(C).potentials
        edges = np.zeros((2 * n, 2 * n))
        edges[:n, n:] = (C - f[:, None] - g < 1e-9).numpy()
        pieces.append(connected_components(edges, directed=False)[0])
    assert missing == [k - 1 for k in pieces]
    assert 0 in missing  # a corner often
    assert max(missing) > 0  # and not always
