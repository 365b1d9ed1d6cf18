"""Chapter 9: numbers that it names, by routes that no page takes, and what its statements use."""

from itertools import permutations
from math import inf

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import otgen_lite as otg
from otgen_lite.statements import restricted, two_sides


def test_the_penalised_cost_of_reversed_encoders_lies_above_a_perfect_model():
    """G4: in units of half the squared cost, V lies between 1/2 and 2 for all weights at s = 1."""
    values = [restricted.reversed_encoder(1.0, lam)[1] / 2 for lam in (1e-6, 0.1, 1.0, 10.0, 1e6)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(0.5, abs=1e-4)
    assert values[-1] == pytest.approx(2.0, abs=1e-4)


def test_reversed_encoders_by_the_network_simplex():
    """The same objective on a grid of x: cost of the pairs plus the divergence's closed form."""
    x, _ = otg.quantise_gaussian(4000)
    tau, V = restricted.reversed_encoder(1.5, 0.7)
    t = torch.linspace(0.02, 1.5, 3000, dtype=torch.float64)
    cost = ((x[:, None] + 1.5 * t * x[:, None]) ** 2).mean(0) / x.square().mean()
    value = cost + 0.35 * (t**2 - 1 - 2 * t.log())
    assert value.min().item() == pytest.approx(V, abs=1e-6)
    assert t[value.argmin()].item() == pytest.approx(tau, abs=1e-3)


def test_best_lists_of_a_gaussian():
    """G5, to the digits that are printed."""
    for n, cost in ((2, 0.363380), (8, 0.054966), (32, 0.009211), (128, 0.001689)):
        assert otg.quantise_gaussian(n)[1].item() == pytest.approx(cost, abs=5e-7)


def test_memory_costs_a_sixth_over_n_by_drawing():
    g = torch.Generator().manual_seed(0)
    for n in (3, 20):
        x = torch.rand(20_000, n, generator=g, dtype=torch.float64).sort(dim=1).values
        k = torch.arange(1, n + 1, dtype=torch.float64)
        cost = ((x - (2 * k - 1) / (2 * n)) ** 2 + 1 / (12 * n * n)).mean(dim=1)
        assert abs(cost.mean() - 1 / (6 * n)) < 4 * cost.std() / 20_000**0.5


def test_both_ends_of_the_partner():
    """No test: everybody to the nearest. All tests, unbounded: transport."""
    C, a, b = two_sides.problem(torch.Generator().manual_seed(1), 5, 4)
    none = torch.zeros(1, 4, dtype=torch.float64)
    every = torch.eye(4, dtype=torch.float64)
    assert restricted.by_encoders(C, a, b, none, inf) == pytest.approx((a @ C.amin(1)).item())
    W = otg.solve_exact(C, a, b).value.item()
    assert restricted.by_critics(C, a, b, every, inf) == pytest.approx(W)
    value, P = restricted.tested(C, a, b, every, inf)
    assert value == pytest.approx(W)
    assert (P.sum(1) - a).abs().max() < 1e-9
    assert (P.sum(0) - b).abs().max() < 1e-9


def test_a_total_variation_test_is_the_penalty_of_chapter_10():
    """All indicators with weights up to lam / 2: lam times total variation."""
    from otgen_lite.statements.penalised import primal

    C, a, b = two_sides.problem(torch.Generator().manual_seed(2), 6, 5)
    for lam in (0.05, 0.3, 2.0):
        every = torch.eye(5, dtype=torch.float64)
        by_tests = restricted.by_encoders(C, a, b, every, lam / 2)
        assert by_tests == pytest.approx(primal(C, a, b, lam, "TV")[0], abs=1e-9)


def test_bounds_of_all_encoders_are_exact():
    """With all permutations in the class the upper bound is the cost."""
    x, y = two_sides.family(torch.Generator().manual_seed(3), 4, 2)
    every = torch.tensor(list(permutations(range(4))))
    for cloud in x:
        C = otg.cost_matrix(cloud, y)
        least = C[every, torch.arange(4)].mean(dim=1).min()
        assert least.item() == pytest.approx(otg.solve_exact(C).value.item())


def test_encoders_of_a_line_in_three_ways():
    """With the sign minus the formula of reversed encoders; with a bounded slope by a grid."""
    s = torch.tensor([0.3, 1.0, 2.5], dtype=torch.float64)
    for lam in (0.1, 3.0):
        V, tau = restricted.signed_encoder(s, -1.0, lam)
        for k in range(3):
            expected = restricted.reversed_encoder(s[k].item(), lam)
            assert (tau[k].item(), V[k].item()) == pytest.approx(expected)
        t = torch.linspace(1e-3, 0.5, 5000, dtype=torch.float64)[:, None]
        grid = (1 - s * t) ** 2 + lam / 2 * (t**2 - 1 - 2 * t.log())
        V, tau = restricted.signed_encoder(s, 1.0, lam, most=0.5)
        assert V.tolist() == pytest.approx(grid.amin(0).tolist(), abs=1e-6)
        assert tau.max() <= 0.5


@pytest.mark.parametrize("lam", [0.1, 1.0, 8.0])
def test_a_penalty_moves_the_scale(lam):
    """The same by a search over scale, mean and spread of the codes together."""

    def value(at):
        s, log_t, mean = at
        t = np.exp(log_t)
        kl = (t**2 + mean**2 - 1 - 2 * log_t) / 2
        return (1 - s * mean) ** 2 + (1 - s * t) ** 2 + lam * kl

    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 5000}
    best = minimize(value, [1.2, 0.0, 0.5], method="Nelder-Mead", options=options)
    assert restricted.moved_scale(lam) == pytest.approx(best.x[0], abs=1e-5)
    assert restricted.moved_scale(lam) > 1


def test_a_heavy_penalty_leaves_the_scale():
    assert restricted.moved_scale(1e6) == pytest.approx(1.0, abs=1e-4)


def test_the_reversed_critic_is_nearly_optimal():
    """Data at 0, model at 0.8: the cost is 0.8 with slope 1, the critic says 0.79 and -1."""
    assert restricted.reversed_critic(0.8, 0.01) == pytest.approx((0.79, -1.0))


def test_twins_have_the_same_direction_with_the_right_weight_only():
    def angle(cost, factor):
        return restricted.twins_angle(torch.Generator().manual_seed(5), cost, factor)

    assert angle("sqeuclidean", 2) < 1e-6
    assert angle("sqeuclidean", 1) > 1
    assert angle("euclidean", 2) > 1
