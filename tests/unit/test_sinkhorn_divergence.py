"""The Sinkhorn divergence: its definition, its limits, its sign and its derivatives."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from generated import fixed, measures
from hypothesis import given
from hypothesis import strategies as st
from test_sinkhorn_points import COSTS, assert_derivatives, clouds, cubes

import otgen_lite as otg
from otgen_lite.transport import _blocks, _symmetric


def divergence(*args, **options) -> torch.Tensor:
    """A divergence whose solves must not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return otg.sinkhorn_divergence(*args, **options)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("eps", [0.02, 0.3, 5.0])
def test_is_what_it_is_defined_as(cost, eps: float) -> None:
    x, y, a, b = clouds(30, 25)

    def value(p, q, v, w) -> float:
        C = otg.cost_matrix(p, q, cost)
        return otg.solve_sinkhorn(C, eps, v, w, tol=1e-9, max_iter=100_000).value.item()

    expected = value(x, y, a, b) - (value(x, x, a, a) + value(y, y, b, b)) / 2
    found = divergence(x, y, eps, cost, a, b, tol=1e-9, max_iter=100_000)
    assert found.shape == ()
    assert found.item() == pytest.approx(expected, abs=1e-8)
    assert divergence(y, x, eps, cost, b, a).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("eps", [1e-3, 1e-2, 1.0])
def test_a_measure_with_itself_takes_few_sweeps(eps: float) -> None:
    x, _, a, _ = clouds(300, 1)
    points, scale = torch.from_numpy(x), 1 / (eps * math.log(2))
    costs = _blocks.PointCosts(points, points, "sqeuclidean", scale, None, False)
    s = _symmetric.solve_symmetric(costs, torch.from_numpy(a)[None], 1e-9, 1000)
    assert float(s.error[0]) <= 1e-9
    assert int(s.sweeps[0]) <= 60
    other = otg.solve_sinkhorn_points(x, x, eps, a=a, b=a, tol=1e-9)
    # Far from each other, groups of points leave the difference of f and g open, but not the sum.
    both = 2 * s.phi[0] * eps * math.log(2)
    assert (both - other.potentials[0] - other.potentials[1]).abs().max() <= 1e-6


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("eps", [0.2, 2.0])
def test_derivatives_are_finite_differences(cost, eps: float) -> None:
    x, y, a, b = clouds(7, 6)
    inputs = [torch.from_numpy(v).requires_grad_() for v in (x, y, a, b)]
    slopes = torch.autograd.grad(divergence(*inputs[:2], eps, cost, *inputs[2:], tol=1e-11), inputs)

    def value(x, y, a, b) -> float:
        return divergence(x, y, eps, cost, a, b, tol=1e-11).item()

    assert_derivatives(value, slopes, (x, y, a, b))


def test_derivatives_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, a, b = clouds(25, 20)
    found = []
    for whole in (1 << 24, 10):
        monkeypatch.setattr("otgen_lite.transport._entropic_problem.WHOLE", whole)
        monkeypatch.setattr(_blocks, "BLOCK", 64)
        for cost in ("sqeuclidean", "euclidean"):
            at = torch.from_numpy(x).requires_grad_()
            value = divergence(at, y, 0.2, cost, a, b, tol=1e-10)
            found.append((value.item(), *torch.autograd.grad(value, at)))
    for one, other in zip(found[:2], found[2:], strict=True):
        assert one[0] == pytest.approx(other[0], abs=1e-10)
        assert (one[1] - other[1]).abs().max() <= 1e-8


def test_nothing_is_unrolled() -> None:
    x, y, a, b = clouds(20, 20)
    calls = 0

    def cost(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += p.requires_grad or q.requires_grad
        return otg.cost_matrix(p, q)

    at = torch.from_numpy(x).requires_grad_()
    value = divergence(at, y, 0.05, cost, a, b)
    assert calls == 0
    value.backward()
    assert calls == 2  # once for the pair and once for x with itself
    nodes, front = set(), [value.grad_fn]
    while front:
        node = front.pop()
        if node is not None and node not in nodes:
            nodes.add(node)
            front += [n for n, _ in node.next_functions]
    assert len(nodes) <= 4


@pytest.mark.parametrize("cost", COSTS)
def test_zero_for_equal_measures(cost) -> None:
    x, _, a, _ = clouds(20, 1)
    at = torch.from_numpy(x).requires_grad_()
    for other in (x, at, at.detach().clone()):
        value = divergence(at, other, 0.1, cost, a, a)
        (slope,) = torch.autograd.grad(value, at)
        assert value.item() == 0.0
        assert slope.abs().max() <= 1e-15
    # The same measure written differently: reordered, and with an atom split in two.
    order = np.random.default_rng(0).permutation(20)
    assert abs(divergence(x, x[order], 0.1, cost, a, a[order], tol=1e-9).item()) <= 1e-10
    halves = np.concatenate([a[:1] / 2, a[1:], a[:1] / 2])
    split = divergence(x, np.concatenate([x, x[:1]]), 0.1, cost, a, halves, tol=1e-9)
    assert abs(split.item()) <= 1e-10


def test_the_same_points_with_other_weights() -> None:
    x, _, a, _ = clouds(20, 1)
    b = a[::-1].copy()
    value = divergence(x, x, 0.1, a=a, b=b, tol=1e-9).item()
    C = otg.cost_matrix(x, x)
    three = [
        otg.solve_sinkhorn(C, 0.1, v, w, tol=1e-9).value.item() for v, w in ((a, b), (a, a), (b, b))
    ]
    assert value == pytest.approx(three[0] - (three[1] + three[2]) / 2, abs=1e-8)
    assert value > 1e-3


@fixed
@given(measures(2), st.sampled_from(["sqeuclidean", "euclidean"]), st.floats(-2, 2))
def test_never_negative_and_symmetric(pair, cost: str, power: float) -> None:
    (x, a), (y, b) = pair
    size = 1.0 + np.abs(np.concatenate([x, y])).max() ** 2
    eps = size * 10.0**power
    value = divergence(x, y, eps, cost, a, b, tol=1e-9).item()
    assert value >= -1e-12 * (size + eps)
    back = divergence(y, x, eps, cost, b, a, tol=1e-9).item()
    assert abs(value - back) <= 1e-10 * (size + eps)


def test_moving_both_measures_changes_nothing() -> None:
    x, y, a, b = clouds(20, 30)
    value = divergence(x, y, 0.3, a=a, b=b, tol=1e-10).item()
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert divergence(x @ turn + 100, y @ turn + 100, 0.3, a=a, b=b, tol=1e-10).item() == (
        pytest.approx(value, abs=1e-9)
    )
    # For the squared distance, moving one of them by v adds |v|^2 + 2 v.(difference of means).
    v = np.array([1.5, -2.0])
    extra = v @ v + 2 * v @ (a @ x - b @ y)
    moved = divergence(x + v, y, 0.3, a=a, b=b, tol=1e-10).item()
    assert moved - value == pytest.approx(extra, abs=1e-9)


@pytest.mark.parametrize("cost", COSTS)
def test_exact_transport_for_small_eps(cost) -> None:
    x, y, a, b = clouds(12, 9)
    C = otg.cost_matrix(x, y, cost)
    exact = otg.solve_exact(C, a, b).value.item()
    gaps = []
    for rel in (1e-2, 1e-3):
        value = divergence(x, y, rel * C.max().item(), cost, a, b, max_iter=200_000).item()
        gaps.append(abs(value - exact))
    assert gaps[1] <= 1e-3 * C.max().item() * math.log(12)
    assert gaps[1] <= 0.5 * gaps[0]


@pytest.mark.parametrize("cost", COSTS)
def test_half_a_squared_mmd_for_large_eps(cost) -> None:
    x, y, a, b = clouds(12, 9)

    def mean(p, q, v, w) -> float:
        return float(v @ otg.cost_matrix(p, q, cost).numpy() @ w)

    limit = mean(x, y, a, b) - (mean(x, x, a, a) + mean(y, y, b, b)) / 2
    gaps = [abs(divergence(x, y, eps, cost, a, b, tol=1e-12).item() - limit) for eps in (1e3, 1e5)]
    assert gaps[0] <= 1e-1 * limit
    assert gaps[1] <= 2e-2 * gaps[0] + 1e-9


def test_no_bias_towards_small_measures() -> None:
    # OT_eps(N(0, s^2), N(0, 1)) is least at s^2 = 1 - eps / 2, the divergence at s = 1.
    t = torch.linspace(-4, 4, 81, dtype=torch.float64)[:, None]
    a = torch.exp(-t[:, 0].square() / 2)
    a = a / a.sum()
    scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    eps = 0.4
    debiased = divergence(scale * t, t, eps, a=a, b=a, tol=1e-10)
    (slope,) = torch.autograd.grad(debiased, scale)
    assert abs(slope.item()) <= 1e-8
    best = torch.tensor(math.sqrt(1 - eps / 2), dtype=torch.float64, requires_grad=True)
    biased = otg.solve_sinkhorn_points(best * t, t, eps, a=a, b=a, tol=1e-10)
    (slope,) = torch.autograd.grad(biased.value, best)
    assert abs(slope.item()) <= 5e-3  # the Gaussian is cut off at four deviations
    (slope,) = torch.autograd.grad(
        otg.solve_sinkhorn_points(scale * t, t, eps, a=a, b=a, tol=1e-10).value, scale
    )
    assert slope.item() >= 0.1


def test_float32_and_small_eps() -> None:
    x, y, a, b = clouds(200, 150)
    C = otg.cost_matrix(x, y).max().item()
    double = divergence(x, y, 1e-3 * C, a=a, b=b).item()
    single = divergence(*(torch.from_numpy(v).float() for v in (x, y)), 1e-3 * C, a=a, b=b)
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(double, rel=1e-5)


def test_weights_without_mass() -> None:
    x, y, a, b = clouds(10, 8)
    a[:3] = 0.0
    a = a / a.sum()
    inner = divergence(x[3:], y, 0.2, a=a[3:], b=b, tol=1e-10).item()
    assert divergence(x, y, 0.2, a=a, b=b, tol=1e-10).item() == pytest.approx(inner, abs=1e-9)


def test_says_what_has_not_converged() -> None:
    x, y, _, _ = clouds(50, 40)
    with pytest.warns(otg.ConvergenceWarning, match="Sinkhorn stopped after 2 sweeps"):
        otg.sinkhorn_divergence(x, y, 0.05, max_iter=2)


def test_a_cost_that_is_not_symmetric() -> None:
    x, y, _, _ = clouds(10, 8)

    def slanted(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return cubes(p, q) * (1.0 + p[:, :1].abs())

    with pytest.raises(ValueError, match=r"cost must be symmetric: c\(x, y\) and c\(y, x\) differ"):
        otg.sinkhorn_divergence(x, y, 0.5, slanted)
