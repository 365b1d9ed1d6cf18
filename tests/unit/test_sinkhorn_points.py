"""Sinkhorn on points: the matrix that is not held, potentials and maps at new points, gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import otgen_lite as otg
from otgen_lite.transport import _blocks, _entropic_problem, _kernels


def cubes(x: Tensor, y: Tensor) -> Tensor:
    """A cost that is not one of the named ones."""
    return (x[:, None] - y).abs().pow(3).sum(-1)


COSTS = ["sqeuclidean", "euclidean", "cityblock", cubes]


def clouds(n: int, m: int, d: int = 2) -> tuple[np.ndarray, ...]:
    """Two clouds and random weights."""
    rng = np.random.default_rng([n, m, d])
    x, y = rng.normal(size=(n, d)), 0.7 * rng.normal(size=(m, d)) + 0.5
    return x, y, rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))


def solved(*args, **options) -> otg.SinkhornPointsResult:
    """A solve that must not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return otg.solve_sinkhorn_points(*args, **options)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("block", [None, 1, 7, 1000])
@pytest.mark.parametrize("d", [1, 2, 12])
def test_agrees_with_the_cost_matrix(cost, block: int | None, d: int) -> None:
    x, y, a, b = clouds(40, 30, d)
    C = otg.cost_matrix(x, y, cost)
    eps = 0.03 * C.max().item()
    r = solved(x, y, eps, cost, a, b, block=block, tol=1e-10)
    expected = otg.solve_sinkhorn(C, eps, a, b, tol=1e-10)
    scale = C.max().item()
    assert r.value.item() == pytest.approx(expected.value.item(), abs=1e-10 * scale)
    assert r.linear.item() == pytest.approx(expected.linear.item(), abs=1e-7 * scale)
    assert (r.plan - expected.plan).abs().max() <= 1e-8
    for mine, its in zip(r.potentials, expected.potentials, strict=True):
        assert (mine - its).abs().max() <= 1e-6 * scale


@pytest.mark.parametrize("scaling", [False, True])
def test_small_eps_far_from_the_origin(scaling: bool) -> None:
    x, y, a, b = clouds(120, 100)
    near = solved(x, y, 0.02, a=a, b=b, eps_scaling=scaling, block=11)
    far = solved(x + 1e6, y + 1e6, 0.02, a=a, b=b, eps_scaling=scaling)
    assert far.value.item() == pytest.approx(near.value.item(), abs=1e-7)
    assert (far.plan - near.plan).abs().max() <= 1e-6


def test_a_block_of_rows_is_all_that_is_computed() -> None:
    seen: list[tuple[int, int]] = []

    def cost(x: Tensor, y: Tensor) -> Tensor:
        seen.append((len(x), len(y)))
        return otg.cost_matrix(x, y)

    x, y, a, b = clouds(50, 20)
    at = torch.from_numpy(x).requires_grad_()
    solved(at, y, 0.5, cost, a, b, block=9).value.backward()
    assert max(rows for rows, _ in seen) == 9


def test_large_problems_are_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_entropic_problem, "WHOLE", 300)
    monkeypatch.setattr(_blocks, "BLOCK", 100)
    x, y, a, b = clouds(40, 30)
    largest = 0
    exponents = _blocks.PointCosts.exponents

    def spy(self, part, phi, gamma, *first) -> Tensor:
        nonlocal largest
        out = exponents(self, part, phi, gamma, *first)
        largest = max(largest, out.numel())
        return out

    def refuse(*_) -> None:
        raise AssertionError("a kernel was stored")

    monkeypatch.setattr(_blocks.PointCosts, "exponents", spy)
    monkeypatch.setattr(_kernels.StoredKernel, "build", refuse)
    r = solved(x, y, 0.5, a=a, b=b, tol=1e-9)
    own = (solved(p, p, 0.5, a=w, b=w, tol=1e-9).value.item() for p, w in ((x, a), (y, b)))
    divergence = otg.sinkhorn_divergence(x, y, 0.5, a=a, b=b, tol=1e-9).item()
    assert largest <= 100 * torch.get_num_threads()
    assert r.value.item() == pytest.approx(divergence + sum(own) / 2, abs=1e-9)


@pytest.mark.parametrize("cost", COSTS)
def test_potentials_at_new_points(cost, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, a, b = clouds(30, 25)
    eps = 0.4
    r = solved(x, y, eps, cost, a, b, tol=1e-10)
    f, g = r.potentials
    assert (r.potential_x(x) - f).abs().max() <= 1e-8
    assert (r.potential_y(y) - g).abs().max() <= 1e-8
    new = np.random.default_rng(0).normal(size=(11, 2))
    by_hand = otg.c_transform(g, otg.cost_matrix(new, y, cost), eps, b)
    assert (r.potential_x(new) - by_hand).abs().max() <= 1e-12
    by_hand = otg.c_transform(f, otg.cost_matrix(x, new, cost).T, eps, a)
    assert (r.potential_y(new) - by_hand).abs().max() <= 1e-12
    whole = r.potential_x(new), r.potential_y(new), r.barycentric(new)
    monkeypatch.setattr("otgen_lite.transport._entropic_result._NEW", 60)
    parts = r.potential_x(new), r.potential_y(new), r.barycentric(new)
    for one, other in zip(whole, parts, strict=True):
        assert (one - other).abs().max() <= 1e-12


def test_barycentric_map() -> None:
    x, y, a, b = clouds(30, 25)
    r = solved(x, y, 0.4, a=a, b=b, tol=1e-11)
    rows = r.plan / torch.from_numpy(a)[:, None]
    assert (r.barycentric() - rows @ torch.from_numpy(y)).abs().max() <= 1e-9
    # For the squared distance the potential's gradient is 2 (x - T(x)), at every point.
    new = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    new.requires_grad_()
    (slope,) = torch.autograd.grad(r.potential_x(new).sum(), new)
    assert (slope - 2 * (new - r.barycentric(new))).abs().max() <= 1e-12


def test_types_follow_the_points() -> None:
    x, y, _, _ = clouds(30, 25)
    for block in (None, 8):
        r = solved(x.astype(np.float32), y.astype(np.float32), 0.1, block=block)
        fields = (r.value, r.plan, r.linear, *r.potentials, r.potential_x(x[:3].astype("f4")))
        assert {t.dtype for t in fields} == {torch.float32}
        assert r.barycentric().dtype == torch.float32
        double = solved(x, y, 0.1)
        assert r.value.item() == pytest.approx(double.value.item(), rel=1e-5)


@pytest.mark.parametrize("block", [None, 4])
@pytest.mark.parametrize("cost", COSTS)
def test_derivatives_are_finite_differences(cost, block: int | None) -> None:
    x, y, a, b = clouds(7, 6)
    eps = 0.3
    inputs = [torch.from_numpy(v).requires_grad_() for v in (x, y, a, b)]
    r = solved(*inputs[:2], eps, cost, *inputs[2:], tol=1e-11, block=block)
    slopes = torch.autograd.grad(r.value, inputs)

    def value(x, y, a, b) -> float:
        return solved(x, y, eps, cost, a, b, tol=1e-11).value.item()

    assert_derivatives(value, slopes, (x, y, a, b))


def assert_derivatives(value: Callable[..., float], slopes, at) -> None:
    """Equal to central differences up to 1e-6, in random directions that keep the mass."""
    rng = np.random.default_rng(0)
    h = 1e-5
    for k, (slope, where) in enumerate(zip(slopes, at, strict=True)):
        for _ in range(4):
            d = rng.normal(size=where.shape)
            if k >= 2:
                d = 0.01 * (d - d.mean())
            forth, back = ([*at[:k], where + s * h * d, *at[k + 1 :]] for s in (1, -1))
            difference = (value(*forth) - value(*back)) / (2 * h)
            assert (slope.numpy() * d).sum() == pytest.approx(difference, abs=1e-6)
