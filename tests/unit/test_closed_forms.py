"""The line and the Gaussians: against linear programmes, POT, scipy and second formulas."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance

import otgen_lite as otg


def on_the_line(n: int, m: int, seed: int, zeros: bool = False) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng([n, m, seed])
    x, y = rng.normal(size=n), rng.normal(size=m) + 0.3
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    if zeros:
        a[rng.random(n) < 0.4] = 0.0
        b[rng.random(m) < 0.4] = 0.0
        a[0] += 0.1
        b[-1] += 0.1
    return x, y, a / a.sum(), b / b.sum()


# --- the line ------------------------------------------------------------------------------------


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 7.25])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 6), (5, 5), (12, 31)])
def test_line_agrees_with_the_linear_programme(n: int, m: int, p: float, zeros: bool) -> None:
    x, y, a, b = on_the_line(n, m, seed=0, zeros=zeros)
    C = np.abs(x[:, None] - y) ** p
    lp = otg.solve_exact(C, a, b).value.item()
    assert otg.wasserstein_1d(x, y, p, a, b).item() == pytest.approx(lp, rel=1e-11)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_line_agrees_with_pot_and_scipy(p: float) -> None:
    x, y, a, b = on_the_line(40, 23, seed=1)
    peer = ot.wasserstein_1d(x, y, a, b, p=p)
    assert otg.wasserstein_1d(x, y, p, a, b).item() == pytest.approx(peer, rel=1e-11)
    if p == 1:
        peer = wasserstein_distance(x, y, a, b)
        assert otg.wasserstein_1d(x, y, 1, a, b).item() == pytest.approx(peer, rel=1e-11)


def test_line_is_the_cost_and_not_its_root() -> None:
    assert otg.wasserstein_1d([0.0], [3.0], p=2).item() == 9.0
    assert otg.wasserstein_1d([0.0], [3.0]).item() == 3.0  # p = 1 where nothing is said


def test_line_between_quantiles_of_uniform_laws() -> None:
    # Midpoints of [0, 1] and of [0, 2]: quantiles u and 2u; the cost is a mean of midpoints^p.
    u = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    for p, exact in ((1, 1 / 2), (2, 1 / 3), (3, 1 / 4)):
        # The midpoint rule errs by p (p - 1) / 24 / 1000^2 at most.
        assert otg.wasserstein_1d(u, 2 * u, p).item() == pytest.approx(exact, abs=3e-7)


def test_line_far_atom_without_mass_costs_nothing() -> None:
    # Cumulated weights of 0.1 miss 1 by rounding; p = 4 would blow the rest up to 1e24.
    x = np.append(np.arange(10.0), 1e10)
    a = np.append(np.full(10, 0.1), 0.0)
    expected = otg.wasserstein_1d(x[:10], np.arange(7.0), 4).item()
    assert otg.wasserstein_1d(x, np.arange(7.0), 4, a).item() == pytest.approx(expected, rel=1e-12)


def test_line_many_atoms_in_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, generator=generator)
    y = torch.randn(100_000, generator=generator)
    short = otg.wasserstein_1d(x, y, 2)
    assert short.dtype == torch.float32
    assert short.item() == pytest.approx(otg.wasserstein_1d(x.double(), y.double(), 2).item())


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_line_gradients_in_the_points(p: float) -> None:
    x, y, a, b = (torch.from_numpy(t) for t in on_the_line(6, 9, seed=2))
    x.requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(lambda u, v: otg.wasserstein_1d(u, v, p, a, b), (x, y))


@pytest.mark.parametrize("p", [1, 2, 3])
def test_line_gradients_are_finite_where_points_meet(p: float) -> None:
    x = torch.tensor([0.0, 1.0, 1.0], requires_grad=True)
    otg.wasserstein_1d(x, torch.tensor([1.0, 0.0, 1.0]), p).backward()
    assert torch.equal(x.grad, torch.zeros(3))


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("p", [1, 2, 3])
def test_line_derivatives_in_the_weights_are_optimal_potentials(p: float, zeros: bool) -> None:
    x, y, a, b = (torch.from_numpy(t) for t in on_the_line(9, 7, seed=3, zeros=zeros))
    a.requires_grad_()
    b.requires_grad_()
    value = otg.wasserstein_1d(x, y, p, a, b)
    value.backward()
    assert (a.detach() @ a.grad).item() == pytest.approx(0.0, abs=1e-12)
    assert (b.detach() @ b.grad).item() == pytest.approx(0.0, abs=1e-12)
    # With the value put back, the pair is feasible everywhere and attains it.
    slack = (x[:, None] - y).abs() ** p - (a.grad[:, None] + b.grad + value.detach())
    assert slack.min().item() >= -1e-12


def test_line_takes_columns_and_mixed_types() -> None:
    x = torch.tensor([[0.0], [1.0]])
    assert otg.wasserstein_1d(x, torch.tensor([2.0, 1.0])).dtype == torch.float32
    assert otg.wasserstein_1d(x, [2.0, 1.0]).dtype == torch.float64
    assert otg.wasserstein_1d(x, [2, 1]).item() == 1.0


# --- Gaussians -----------------------------------------------------------------------------------


def covariance(d: int, seed: int, rank: int | None = None) -> np.ndarray:
    A = np.random.default_rng([d, seed]).normal(size=(d, d if rank is None else rank))
    return A @ A.T


def second_formula(m1: np.ndarray, S1: np.ndarray, m2: np.ndarray, S2: np.ndarray) -> float:
    root = sqrtm(S1)
    inner = sqrtm(root @ S2 @ root)
    return float(((m1 - m2) ** 2).sum() + np.trace(S1 + S2 - 2 * inner).real)


@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_gaussians_agree_with_the_matrix_roots_of_scipy(d: int) -> None:
    rng = np.random.default_rng(d)
    m1, m2 = rng.normal(size=(2, d))
    S1, S2 = covariance(d, 1), covariance(d, 2)
    expected = second_formula(m1, S1, m2, S2)
    assert otg.bures_wasserstein(m1, S1, m2, S2).item() == pytest.approx(expected, rel=1e-9)


def test_gaussians_on_the_line() -> None:
    assert otg.bures_wasserstein(1.0, 4.0, -2.0, 25.0).item() == 9.0 + 9.0
    assert otg.bures_wasserstein([1.0], [[4.0]], [-2.0], 25.0).item() == 18.0
    assert otg.bures_wasserstein(torch.tensor(1.0), 4.0, 1.0, 0.0).item() == 4.0


def test_gaussians_whose_covariances_commute() -> None:
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    s1, s2 = np.array([1.0, 2.0, 0.0, 3.0]), np.array([2.0, 2.0, 5.0, 0.0])
    value = otg.bures_wasserstein(np.zeros(4), Q * s1**2 @ Q.T, np.zeros(4), Q * s2**2 @ Q.T)
    assert value.item() == pytest.approx(((s1 - s2) ** 2).sum(), rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_gaussians_equal_the_linear_programme_on_an_affine_image(d: int) -> None:
    # A cloud and its image under the gradient of a convex quadratic: the plan is that map, and
    # the cost depends on the clouds' moments alone, exactly, whatever the cloud is.
    x = np.random.default_rng(d).exponential(size=(30, d))
    A, t = covariance(d, 3) + 0.1 * np.eye(d), np.arange(d) + 1.0
    y = x @ A + t
    m1, m2 = x.mean(axis=0), y.mean(axis=0)
    S1, S2 = (np.cov(z.T, bias=True).reshape(d, d) for z in (x, y))
    lp = otg.solve_exact(otg.cost_matrix(x, y)).value.item()
    assert otg.bures_wasserstein(m1, S1, m2, S2).item() == pytest.approx(lp, rel=1e-11)
    # Any other cloud with these moments is at least as far (Gelbrich's bound).
    z = y[np.random.default_rng(0).permutation(30)] ** 2
    lower = otg.bures_wasserstein(m1, S1, z.mean(axis=0), np.cov(z.T, bias=True).reshape(d, d))
    assert lower.item() < otg.solve_exact(otg.cost_matrix(x, z)).value.item()


@pytest.mark.parametrize("rank", [1, 2])
def test_gaussians_may_be_flat(rank: int) -> None:
    # Both of low rank: with factors F1, F2 the trace of the root is the nuclear norm of F1^T F2.
    d = 5
    F1, F2 = np.random.default_rng(rank).normal(size=(2, d, rank))
    nuclear = np.linalg.svd(F1.T @ F2, compute_uv=False).sum()
    expected = (F1**2).sum() + (F2**2).sum() - 2 * nuclear
    zero = np.zeros(d)
    value = otg.bures_wasserstein(zero, F1 @ F1.T, zero, F2 @ F2.T).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_gaussians_may_be_points() -> None:
    zero, S = np.zeros(3), covariance(3, 0)
    assert otg.bures_wasserstein(zero, 0 * S, zero, S).item() == pytest.approx(np.trace(S))
    assert otg.bures_wasserstein(zero, 0 * S, zero + 2, 0 * S).item() == 12.0


def test_gaussians_close_together_keep_their_digits() -> None:
    # W = (1e-7)^2 tr S: in the usual formula, two numbers of order tr S would cancel to nothing.
    S, zero = covariance(4, 7), np.zeros(4)
    value = otg.bures_wasserstein(zero, S, zero, (1 + 1e-7) ** 2 * S).item()
    assert value == pytest.approx(1e-14 * np.trace(S), rel=1e-6)
    assert 0 <= otg.bures_wasserstein(zero, S, zero, S).item() <= 1e-28


@pytest.mark.parametrize("d", [1, 2, 4])
def test_gaussian_gradients_agree_with_differences(d: int) -> None:
    inputs = [
        torch.from_numpy(t).requires_grad_()
        for t in (np.arange(d) + 0.5, covariance(d, 1), -np.arange(d) * 1.0, covariance(d, 2))
    ]

    def value(m1, A1, m2, A2):  # symmetric whatever the difference quotient does
        return otg.bures_wasserstein(m1, (A1 + A1.T) / 2, m2, (A2 + A2.T) / 2)

    assert torch.autograd.gradcheck(value, inputs)


def test_gaussian_gradients_where_eigenvalues_coincide() -> None:
    # d/dS1 = I - A with A the optimal map: at (I, 4 I) it is I - 2 I, the other I - I / 2.
    eye = torch.eye(3, dtype=torch.float64)
    S1, S2 = eye.clone().requires_grad_(), (4 * eye).requires_grad_()
    otg.bures_wasserstein(torch.zeros(3), S1, torch.zeros(3), S2).backward()
    torch.testing.assert_close(S1.grad, -eye, rtol=0, atol=1e-14)
    torch.testing.assert_close(S2.grad, eye / 2, rtol=0, atol=1e-14)


def test_gaussian_gradient_towards_a_flat_one() -> None:
    S1 = torch.tensor(covariance(3, 1), requires_grad=True)
    S2 = torch.from_numpy(covariance(3, 2, rank=1))
    zero, H, h = torch.zeros(3), torch.from_numpy(covariance(3, 5)), 1e-6
    otg.bures_wasserstein(zero, S1, zero, S2).backward()
    ends = [otg.bures_wasserstein(zero, S1.detach() + s * h * H, zero, S2) for s in (1, -1)]
    slope = (ends[0] - ends[1]).item() / (2 * h)
    assert (S1.grad * H).sum().item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("rank", [1, 2])
def test_gaussian_gradient_at_equal_flat_ones_is_the_one_along_their_range(rank: int) -> None:
    S = torch.from_numpy(covariance(4, 1, rank=rank))
    S1, S2 = S.clone().requires_grad_(), S.clone().requires_grad_()
    otg.bures_wasserstein(torch.zeros(4), S1, torch.zeros(4), S2).backward()
    # I - A with A the identity on the range and 0 across it.
    Q, _ = torch.linalg.qr(S[:, :rank])
    for grad in (S1.grad, S2.grad):
        torch.testing.assert_close(grad, torch.eye(4).double() - Q @ Q.T, rtol=0, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_gaussian_gradient_in_a_flat_one_is_the_one_along_its_range(seed: int) -> None:
    F = torch.from_numpy(np.random.default_rng(seed).normal(size=(4, 1)))
    S1, S2 = torch.from_numpy(covariance(4, seed)), (F @ F.T).requires_grad_()
    otg.bures_wasserstein(torch.zeros(4), S1, torch.zeros(4), S2).backward()
    # For S2 = F F^T the value is tr S1 + F^T F - 2 (F^T S1 F)^1/2, and A the one of rank 1.
    A = S1 @ F @ F.T @ S1 / (F.T @ S1 @ F).item() ** 1.5
    torch.testing.assert_close(S2.grad, torch.eye(4).double() - A, rtol=0, atol=1e-7)


def test_gaussians_in_float32() -> None:
    S1, S2 = (torch.from_numpy(covariance(4, s)).float() for s in (1, 2))
    value = otg.bures_wasserstein(torch.zeros(4), S1, torch.ones(4), S2)
    assert value.dtype == torch.float32
    wide = otg.bures_wasserstein(np.zeros(4), S1.double(), np.ones(4), S2.double())
    assert value.item() == pytest.approx(wide.item(), rel=1e-6)


@pytest.mark.parametrize("rank", [1, 3])
def test_gaussian_map_carries_one_into_the_other(rank: int) -> None:
    d = 3
    rng = np.random.default_rng(4)
    m1, m2 = rng.normal(size=(2, d))
    S1, S2 = covariance(d, 1), covariance(d, 2, rank=rank)
    A, t = (v.numpy() for v in otg.gaussian_map(m1, S1, m2, S2))
    np.testing.assert_allclose(A, A.T, atol=1e-12)
    assert np.linalg.eigvalsh(A).min() >= -1e-12
    np.testing.assert_allclose(A @ S1 @ A, S2, atol=1e-10)
    np.testing.assert_allclose(A @ m1 + t, m2, atol=1e-12)
    # The cost of the map is the distance: E|X - T(X)|^2.
    move = np.eye(d) - A
    cost = ((m1 - m2) ** 2).sum() + np.trace(move @ S1 @ move)
    assert otg.bures_wasserstein(m1, S1, m2, S2).item() == pytest.approx(cost, rel=1e-10)


def test_gaussian_map_on_the_line() -> None:
    A, t = otg.gaussian_map(1.0, 4.0, 2.0, 9.0)
    assert A.item() == pytest.approx(1.5, abs=1e-15)
    assert t.item() == pytest.approx(0.5, abs=1e-15)
