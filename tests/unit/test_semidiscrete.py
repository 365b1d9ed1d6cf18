"""The semi-dual at given potentials: closed forms, laws, and second implementations."""

from __future__ import annotations

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ot import semidiscrete as peer

import otgen_lite as otg

KINDS = ["sqeuclidean", "euclidean", "cityblock", lambda x, y: torch.cdist(x, y) ** 3]


def problem(n: int = 200, atoms: int = 7, d: int = 2, seed: int = 0) -> tuple[torch.Tensor, ...]:
    g = torch.Generator().manual_seed(seed)
    kind = {"generator": g, "dtype": torch.float64}
    b = torch.rand(atoms, **kind) + 0.1
    psi = 0.3 * torch.randn(atoms, **kind)
    return torch.randn(n, d, **kind), torch.randn(atoms, d, **kind), b / b.sum(), psi


def by_numpy(
    x: np.ndarray, y: np.ndarray, b: np.ndarray, psi: np.ndarray, C: np.ndarray, eps: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, masses and barycentres, by their definitions, one point after another."""
    value, masses, means = 0.0, np.zeros(len(y)), []
    for i in range(len(x)):
        slack = C[i] - psi
        if eps == 0.0:
            pi = np.eye(len(y))[np.flatnonzero(slack == slack.min())[0]]
            value += slack.min()
        else:
            weight = b * np.exp(-(slack - slack.min()) / eps)
            pi = weight / weight.sum()
            value += slack.min() - eps * math.log(weight.sum())
        masses += pi / len(x)
        means.append(pi @ y)
    return value / len(x) + b @ psi, masses, np.array(means)


@pytest.mark.parametrize("cost", KINDS)
@pytest.mark.parametrize("eps", [0.0, 0.2])
@pytest.mark.parametrize("block", [None, 1, 50])
def test_against_plain_numpy(cost: object, eps: float, block: int | None) -> None:
    x, y, b, psi = problem()
    C = otg.cost_matrix(x, y, cost).numpy()
    sd = otg.SemiDiscrete(y, b, cost=cost, eps=eps, psi=psi, block=block)
    assert abs(float(sd.b @ sd.psi)) < 1e-15
    value, masses, means = by_numpy(x.numpy(), y.numpy(), b.numpy(), sd.psi.numpy(), C, eps)
    assert sd.dual(x).item() == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(sd.masses(x), masses, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sd.gradient(x), b.numpy() - masses, rtol=0, atol=1e-12)
    np.testing.assert_allclose(sd.barycentric(x), means, rtol=0, atol=1e-12)
    cells = (C - sd.psi.numpy()).argmin(axis=1)
    assert sd.cells(x).tolist() == cells.tolist()
    np.testing.assert_array_equal(sd.transport(x), y.numpy()[cells])


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_against_pot(eps: float) -> None:
    x, y, b, psi = problem()
    sd = otg.SemiDiscrete(y, b, eps=eps, psi=psi)
    kind = {"a_target": b, "reg": eps}
    transform = peer.semidiscrete_c_transform(y, x, sd.psi, **kind)
    weights = peer.semidiscrete_atom_weights(y, x, sd.psi, **kind)
    value = (transform.mean() + b @ sd.psi).item()
    assert sd.dual(x).item() == pytest.approx(value, abs=1e-12)
    torch.testing.assert_close(sd.masses(x), weights.mean(dim=0), rtol=0, atol=1e-12)
    torch.testing.assert_close(sd.barycentric(x), weights @ y, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_o6_gradient_in_psi_is_weights_minus_masses(eps: float) -> None:
    x, y, b, psi = problem()
    sd = otg.SemiDiscrete(y, b, eps=eps, psi=psi)
    free = sd.psi.clone().requires_grad_()
    (otg.c_transform(free, otg.cost_matrix(x, y), eps, b).mean() + b @ free).backward()
    assert (free.grad - sd.gradient(x)).abs().max() <= 1e-10
    assert abs(float(sd.gradient(x).sum())) < 1e-14


def test_o4_dipole_seen_by_a_uniform_law() -> None:
    for theta in (-0.4, 0.0, 0.3):
        z = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000 - 0.5
        at = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
        # The best psi sends each half of the law to one atom: psi_1 - psi_2 = 4 theta.
        sd = otg.SemiDiscrete([[-1.0], [1.0]], psi=[2 * theta, -2 * theta])
        value = sd.dual((at + z)[:, None])
        assert value.item() == pytest.approx(theta**2 + 7 / 12, abs=1e-6)
        value.backward()
        assert at.grad.item() == pytest.approx(2 * theta, abs=1e-9)
        assert sd.gradient((at.detach() + z)[:, None]).abs().max() < 1e-12


@pytest.mark.parametrize(("radius", "value"), [(2.0, 1.114605), (math.sqrt(2), 0.545504)])
def test_l2_gaussian_to_a_circle(radius: float, value: float) -> None:
    angle = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    y = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    x = torch.randn(400_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sd = otg.SemiDiscrete(y)
    error = (otg.c_transform(sd.psi, otg.cost_matrix(x[:10_000], y)).std() / 400_000**0.5).item()
    assert sd.dual(x).item() == pytest.approx(value, abs=5 * error)
    assert sd.gradient(x).abs().max() < 5 * (1 / 8 / 400_000) ** 0.5


def test_o7_entropic_gradient_is_that_of_the_converged_value() -> None:
    z, y, b, _ = problem(n=12, atoms=4, seed=3)
    eps = 0.3
    u = torch.tensor([0.6, -0.8], dtype=torch.float64)

    def solved(theta: float) -> tuple[float, torch.Tensor]:
        C = otg.cost_matrix(z + theta * u, y).numpy()
        a = np.full(12, 1 / 12)
        psi = np.zeros(4)
        for _ in range(3000):
            f = -eps * np.log((b.numpy() * np.exp((psi - C) / eps)).sum(axis=1))
            psi = -eps * np.log((a[:, None] * np.exp((f[:, None] - C) / eps)).sum(axis=0))
        return float(a @ f + b.numpy() @ psi), torch.from_numpy(psi)

    h, theta = 1e-4, 0.2
    slope = (solved(theta + h)[0] - solved(theta - h)[0]) / (2 * h)
    value, psi = solved(theta)
    at = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    sd = otg.SemiDiscrete(y, b, eps=eps, psi=psi, block=8)
    dual = sd.dual(z + at * u)
    dual.backward()
    assert dual.item() == pytest.approx(value, abs=1e-10)
    assert at.grad.item() == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_dual_is_differentiable_in_x(cost: str, eps: float) -> None:
    x, y, b, psi = problem(n=9)
    sd = otg.SemiDiscrete(y, b, cost=cost, eps=eps, psi=psi, block=20)
    assert torch.autograd.gradcheck(sd.dual, x.clone().requires_grad_())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 1.0]))
def test_weak_duality_concavity_and_permutations(seed: int, eps: float) -> None:
    x, y, b, psi = problem(n=30, atoms=5, seed=seed)
    sd = otg.SemiDiscrete(y, b, eps=eps, psi=psi)
    a = np.full(30, 1 / 30)
    C = otg.cost_matrix(x, y).numpy()
    # Any plan is above any potential: here that of a = b, and the independent one.
    independent = float(a @ C @ b.numpy())
    assert sd.dual(x).item() <= independent + 1e-12
    if eps == 0.0:
        assert sd.dual(x).item() <= otg.solve_exact(C, b=b).value.item() + 1e-12
    other = otg.SemiDiscrete(y, b, eps=eps, psi=torch.zeros(5, dtype=torch.float64))
    middle = otg.SemiDiscrete(y, b, eps=eps, psi=(sd.psi + other.psi) / 2)
    assert middle.dual(x) >= (sd.dual(x) + other.dual(x)) / 2 - 1e-12
    # H lies below its tangents.
    slope = (sd.gradient(x) @ (other.psi - sd.psi)).item()
    assert other.dual(x).item() <= sd.dual(x).item() + slope + 1e-12
    turn = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    turned = otg.SemiDiscrete(y[turn], b[turn], eps=eps, psi=psi[turn])
    torch.testing.assert_close(turned.dual(x), sd.dual(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(turned.masses(x), sd.masses(x)[turn], rtol=0, atol=1e-12)


def test_best_potential_of_a_sample_attains_the_exact_cost() -> None:
    x, y, b, _ = problem(n=60)
    r = otg.solve_exact(otg.cost_matrix(x, y), b=b)
    sd = otg.SemiDiscrete(y, b, psi=r.potentials[1])
    assert sd.dual(x).item() == pytest.approx(r.value.item(), abs=1e-12)
    C = otg.cost_matrix(x, y).numpy()
    log = ot.sinkhorn(np.full(60, 1 / 60), b.numpy(), C, 0.5, stopThr=1e-13, log=True)[1]
    soft = otg.SemiDiscrete(y, b, eps=0.5, psi=0.5 * np.log(log["v"] / b.numpy()))
    assert soft.gradient(x).abs().max() < 1e-9


def test_ties_go_to_the_first_atom() -> None:
    y = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    sd = otg.SemiDiscrete(y)
    assert sd.cells([[0.0, 3.0], [0.5, 0.0], [-2.0, 0.0]]).tolist() == [0, 0, 1]
    assert sd.masses([[0.0, 3.0], [0.5, 0.0]]).tolist() == [1.0, 0.0, 0.0]
    many = otg.SemiDiscrete(torch.zeros(5000, 2))
    assert many.cells(torch.ones(3, 2)).tolist() == [0, 0, 0]


def test_types() -> None:
    x, y, b, psi = problem()
    sd = otg.SemiDiscrete(y.float(), b, psi=psi)
    assert sd.psi.dtype == sd.dual(x).dtype == sd.masses(x).dtype == torch.float32
    assert sd.barycentric(x).dtype == torch.float32
    assert sd.cells(x.numpy()).dtype == torch.int64
    zero = torch.tensor([0.5, 0.5, 0.0])
    soft = otg.SemiDiscrete([[0.0], [1.0], [0.5]], zero, eps=0.1)
    assert soft.masses([[0.5]]).tolist() == pytest.approx([0.5, 0.5, 0.0])
    assert soft.dual([[0.5]]).isfinite()
    assert "3 atoms in dimension 1" in repr(soft)
