"""Entropic transport of Gaussians and of a dipole: against grids, second formulas and limits."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp
from sklearn.datasets import load_digits

import otgen_lite as otg

TRIANGLE = np.array([[0.0, 0.3], [0.0, 0.7], [2**-0.5, 0.5]])
EPS = [1e-3, 0.1, 1.0, 30.0]


def covariance(d: int, seed: int, rank: int | None = None) -> np.ndarray:
    A = np.random.default_rng([d, seed]).normal(size=(d, d if rank is None else rank))
    return A @ A.T


def sinkhorn(C: np.ndarray, eps: float, a: np.ndarray, b: np.ndarray) -> float:
    """The dual value after plain iterations in the log domain, until nothing moves."""
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(20_000):
        before = f
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f[:, None] - C) / eps, b=a[:, None], axis=0)
        if np.abs(f - before).max() < 1e-13:
            break
    else:
        raise AssertionError("the reference did not converge")
    return float(a @ f + b @ g)


def on_a_grid(mean: float, std: float, n: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """N(mean, std^2) on equal steps: for a smooth integrand the error is below all powers of h."""
    z = np.linspace(-8, 8, n)
    weight = np.exp(-(z**2) / 2)
    return mean + std * z, weight / weight.sum()


# --- Gaussians -----------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [0.2, 1.0, 6.0])
def test_agrees_with_sinkhorn_on_a_grid(eps: float) -> None:
    # V19 of the notes: 2e-8 against Sinkhorn.
    (x, a), (y, b) = on_a_grid(0.3, 0.7), on_a_grid(-0.5, 1.1)
    costs = [(p[:, None] - q) ** 2 for p, q in ((x, y), (x, x), (y, y))]
    cross, own_x, own_y = (
        sinkhorn(C, eps, p, q) for C, p, q in zip(costs, (a, a, b), (b, a, b), strict=True)
    )
    one, two = (0.3, 0.49), (-0.5, 1.21)
    assert otg.entropic_gaussian(*one, *two, eps).item() == pytest.approx(cross, abs=2e-8)
    divergence = otg.sinkhorn_divergence_gaussian(*one, *two, eps).item()
    assert divergence == pytest.approx(cross - (own_x + own_y) / 2, abs=2e-8)


@pytest.mark.parametrize("eps", EPS)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_agrees_with_the_matrix_formula(d: int, eps: float) -> None:
    rng = np.random.default_rng(d)
    m1, m2 = rng.normal(size=(2, d))
    S1, S2 = covariance(d, 1), covariance(d, 2)
    root = np.real(sqrtm(S1))
    D = np.real(sqrtm(4 * root @ S2 @ root + eps**2 / 4 * np.eye(d)))
    value = ((m1 - m2) ** 2).sum() + np.trace(S1 + S2 - D)
    value += eps / 2 * (d * (1 - math.log(eps)) + np.linalg.slogdet(D + eps / 2 * np.eye(d))[1])
    assert otg.entropic_gaussian(m1, S1, m2, S2, eps).item() == pytest.approx(value, rel=1e-9)
    K = root @ D @ np.linalg.inv(root) / 2 - eps / 4 * np.eye(d)
    plan = otg.entropic_gaussian_plan(m1, S1, m2, S2, eps).numpy()
    np.testing.assert_allclose(plan, K, atol=1e-9 * np.abs(K).max())


@pytest.mark.parametrize("eps", EPS)
@pytest.mark.parametrize("d", [1, 3])
def test_the_plan_attains_the_value_and_others_do_not(d: int, eps: float) -> None:
    S1, S2, zero = covariance(d, 3), covariance(d, 4), np.zeros(d)
    K = otg.entropic_gaussian_plan(zero, S1, zero, S2, eps).numpy()

    def primal(K: np.ndarray) -> float:
        joint = np.block([[S1, K], [K.T, S2]])
        kl = (np.linalg.slogdet(S1)[1] + np.linalg.slogdet(S2)[1] - np.linalg.slogdet(joint)[1]) / 2
        return float(np.trace(S1 + S2 - 2 * K) + eps * kl)

    value = otg.entropic_gaussian(zero, S1, zero, S2, eps).item()
    assert primal(K) == pytest.approx(value, rel=1e-8)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = K + 1e-3 * min(eps, 1.0) * rng.normal(size=(d, d))
        assert primal(other) > value


def test_covariances_that_commute_add_up() -> None:
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    v1, v2, m1, m2 = np.array([[1, 4, 0], [2, 2, 5], [0, 1, 2], [3, 3, 3]], dtype=float)
    for eps in (0.0, 0.3, 4.0):
        line = sum(otg.entropic_gaussian(m1[k], v1[k], m2[k], v2[k], eps).item() for k in range(3))
        space = otg.entropic_gaussian(Q @ m1, Q * v1 @ Q.T, Q @ m2, Q * v2 @ Q.T, eps)
        assert space.item() == pytest.approx(line, rel=1e-12)


def test_many_digits_for_small_and_for_large_eps() -> None:
    # The formula on the line in 60 digits. In 16 it would lose all of them at both ends.
    for eps in (1e-12, 1e-6, 0.3, 1e6, 1e12):
        for s, t in ((1.0, 1.0), (1.0, 1.000001), (0.001, 70.0), (1e-9, 1.0)):
            S, T = s * s, t * t
            with localcontext() as context:
                context.prec = 60
                e = Decimal(eps)
                D = (4 * Decimal(S) * Decimal(T) + e * e / 4).sqrt()
                exact = Decimal(S) + Decimal(T) - D + e / 2 * (1 + ((D + e / 2) / e).ln())
            value = otg.entropic_gaussian(0.0, S, 0.0, T, eps).item()
            # Rounded roots put their errors into (s - t)^2; all other terms are positive.
            allowed = 1e-15 * abs(s - t) * max(s, t) + 3e-15 * float(exact)
            assert abs(value - float(exact)) <= allowed


@pytest.mark.parametrize("d", [1, 3])
def test_limits(d: int) -> None:
    S1, S2, zero = covariance(d, 1), covariance(d, 2), np.zeros(d)
    exact = otg.bures_wasserstein(zero, S1, zero + 1, S2).item()
    assert otg.entropic_gaussian(zero, S1, zero + 1, S2, 0.0).item() == exact
    small = otg.entropic_gaussian(zero, S1, zero + 1, S2, 1e-9).item()
    assert exact < small < exact + 1e-6
    product = d + np.trace(S1 + S2)
    large = otg.entropic_gaussian(zero, S1, zero + 1, S2, 1e9).item()
    assert product - 1e-6 < large < product
    A, _ = otg.gaussian_map(zero, S1, zero, S2)
    plan = otg.entropic_gaussian_plan(zero, S1, zero, S2, 0.0)
    np.testing.assert_allclose(plan, S1 @ A.numpy(), atol=1e-10)
    assert otg.entropic_gaussian_plan(zero, S1, zero, S2, 1e9).abs().max() < 1e-6
    near = otg.sinkhorn_divergence_gaussian(zero, S1, zero + 1, S2, 1e-9).item()
    assert near == pytest.approx(exact, abs=1e-6)
    far = otg.sinkhorn_divergence_gaussian(zero, S1, zero + 1, S2, 1e9).item()
    assert far == pytest.approx(d, abs=1e-6)


@pytest.mark.parametrize("eps", [0.0, 0.5])
def test_a_dirac_costs_the_second_moment(eps: float) -> None:
    zero, S = np.zeros(3), covariance(3, 0)
    value = otg.entropic_gaussian(zero + 1, 0 * S, zero, S, eps).item()
    assert value == pytest.approx(3 + np.trace(S), rel=1e-14)
    assert otg.entropic_gaussian(zero + 1, 0 * S, zero, 0 * S, eps).item() == 3.0
    assert torch.equal(
        otg.entropic_gaussian_plan(zero, 0 * S, zero, S, eps), torch.zeros(3, 3).double()
    )


@pytest.mark.parametrize("eps", [0.05, 1.0, 20.0])
@pytest.mark.parametrize("f", [otg.entropic_gaussian, otg.sinkhorn_divergence_gaussian])
@pytest.mark.parametrize("d", [1, 3])
def test_gradients_agree_with_differences(d: int, f, eps: float) -> None:
    inputs = [
        torch.from_numpy(t).requires_grad_()
        for t in (np.arange(d) + 0.5, covariance(d, 1), -np.arange(d) * 1.0, covariance(d, 2))
    ]
    e = torch.tensor(eps, dtype=torch.float64, requires_grad=True)

    def value(m1, A1, m2, A2, e):  # symmetric whatever the difference quotient does
        return f(m1, (A1 + A1.T) / 2, m2, (A2 + A2.T) / 2, e)

    assert torch.autograd.gradcheck(value, (*inputs, e))


def test_gradients_are_finite_for_equal_eigenvalues_and_equal_laws() -> None:
    eye = torch.eye(3, dtype=torch.float64)
    S1, S2 = eye.clone().requires_grad_(), (4 * eye).requires_grad_()
    otg.entropic_gaussian(torch.zeros(3), S1, torch.zeros(3), S2, 1.0).backward()
    # On the line: 1 - 2 s2^2 / (delta + eps / 2) with delta^2 = 16 + 1 / 4.
    slope = 1 - 8 / (math.sqrt(16.25) + 0.5)
    torch.testing.assert_close(S1.grad, slope * eye, rtol=0, atol=1e-14)
    S = eye.clone().requires_grad_()
    otg.sinkhorn_divergence_gaussian(torch.zeros(3), S, torch.zeros(3), eye, 1.0).backward()
    torch.testing.assert_close(S.grad, 0 * eye, rtol=0, atol=1e-14)


@pytest.mark.parametrize("rank", [0, 1])
def test_gradient_at_a_singular_covariance(rank: int) -> None:
    # Into the cone of covariances only: a difference quotient from one side, of second order.
    d, eps, h, zero = 3, 0.7, 1e-4, torch.zeros(3, dtype=torch.float64)
    S1 = torch.from_numpy(covariance(d, 1, rank=rank)).requires_grad_()
    S2, H = torch.from_numpy(covariance(d, 2)), torch.from_numpy(covariance(d, 5))
    values = [otg.entropic_gaussian(zero, S1 + k * h * H, zero, S2, eps) for k in range(3)]
    values[0].backward()
    slope = (-3 * values[0] + 4 * values[1] - values[2]).item() / (2 * h)
    assert (S1.grad * H).sum().item() == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("eps", [5e-324, 1e-250, 1e300])
@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e12])
def test_extreme_eps_overflows_nowhere(scale: float, eps: float) -> None:
    S1, S2 = (scale * torch.from_numpy(covariance(2, k)) for k in (1, 2))
    S1.requires_grad_()
    zero = torch.zeros(2, dtype=torch.float64)
    value = otg.entropic_gaussian(zero, S1, zero, S2, eps)
    value.backward()
    limit = (
        S1.trace() + S2.trace() if eps > 1 else otg.bures_wasserstein(zero, S1, zero, S2)
    ).item()
    assert value.item() == pytest.approx(limit, rel=1e-12, abs=0.0)
    assert S1.grad.isfinite().all()
    assert otg.entropic_gaussian_plan(zero, S1, zero, S2, eps).isfinite().all()


def test_derivative_in_eps_is_the_divergence_of_the_plan_from_the_product() -> None:
    S1, S2, zero = covariance(2, 1), covariance(2, 2), np.zeros(2)
    eps = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    otg.entropic_gaussian(zero, S1, zero, S2, eps).backward()
    K = otg.entropic_gaussian_plan(zero, S1, zero, S2, eps).numpy()
    joint = np.block([[S1, K], [K.T, S2]])
    kl = np.log(np.linalg.det(S1) * np.linalg.det(S2) / np.linalg.det(joint)) / 2
    assert eps.grad.item() == pytest.approx(kl, rel=1e-10)


def test_derivative_in_eps_at_zero_is_infinite_unless_one_is_a_dirac() -> None:
    # The plan on a graph is infinitely far from the product, the one of a Dirac is the product.
    for variance, slope in ((4.0, math.inf), (0.0, 0.0)):
        eps = torch.zeros((), dtype=torch.float64, requires_grad=True)
        otg.entropic_gaussian(0.0, 1.0, 0.0, variance, eps).backward()
        assert eps.grad.item() == slope


def test_types_of_the_results() -> None:
    for f in (otg.entropic_gaussian, otg.sinkhorn_divergence_gaussian):
        short = f(torch.zeros(2), torch.eye(2), torch.ones(2), 4 * torch.eye(2), 1.0)
        assert short.dtype == torch.float32
        wide = f([0.0, 0.0], np.eye(2), [1.0, 1.0], 4 * np.eye(2), np.float32(1.0))
        assert wide.dtype == torch.float64
        assert short.item() == pytest.approx(wide.item(), rel=1e-6)
    plan = otg.entropic_gaussian_plan(torch.zeros(2), torch.eye(2), torch.ones(2), torch.eye(2), 1)
    assert plan.dtype == torch.float32


# --- what entropy does to a fit ------------------------------------------------------------------


@pytest.mark.parametrize(("b", "eps"), [(1.0, 0.0), (1.0, 0.5), (2.0, 3.0), (1.0, 2.0), (0.5, 9.0)])
def test_the_fitted_scale_minimises(b: float, eps: float) -> None:
    def value(variance: float) -> float:
        return otg.entropic_gaussian(0.0, variance, 0.0, b * b, eps).item()

    best = minimize_scalar(
        value, bounds=(0.0, 2 * b * b), method="bounded", options={"xatol": 1e-9}
    )
    assert otg.entropic_fit_scale(b, eps).item() ** 2 == pytest.approx(best.x, abs=1e-5)
    assert value(otg.entropic_fit_scale(b, eps).item() ** 2) <= best.fun + 1e-15


@pytest.mark.parametrize("eps", [1e-3, 0.5, 2.0, 50.0])
def test_the_divergence_is_smallest_at_the_data(eps: float) -> None:
    def value(variance: float) -> float:
        return otg.sinkhorn_divergence_gaussian(0.0, variance, 0.0, 1.3**2, eps).item()

    best = minimize_scalar(value, bounds=(0.0, 4.0), method="bounded", options={"xatol": 1e-9})
    assert best.x == pytest.approx(1.3**2, abs=1e-4)
    assert abs(value(1.3**2)) < 1e-14


def test_fitted_scales_broadcast_and_have_finite_slopes() -> None:
    b = torch.tensor([[1.0], [2.0]], dtype=torch.float64, requires_grad=True)
    s = otg.entropic_fit_scale(b, [0.0, 2.0, 8.0, 20.0])
    expected = np.array([[1.0, 0.0, 0.0, 0.0], [2.0, math.sqrt(3.0), 0.0, 0.0]])
    np.testing.assert_allclose(s.detach(), expected, rtol=0, atol=1e-15)
    s.sum().backward()
    # ds/db = b / s where the model is no point: 1 for (1, 0); 1 + 2 / sqrt(3) for b = 2.
    np.testing.assert_allclose(b.grad[:, 0], [1.0, 1 + 2 / math.sqrt(3)], rtol=1e-14)


def entropic_segment(half: float, eps: float, points: np.ndarray) -> float:
    """OT_eps of a horizontal segment through the mean to points of equal weight, by quadrature."""
    z, w = np.polynomial.legendre.leggauss(160)
    x = points.mean(axis=0) + half * z[:, None] * np.array([1.0, 0.0])
    C = ((x[:, None] - points) ** 2).sum(axis=2)
    share = np.full(len(points), 1 / len(points))

    def loss(psi: np.ndarray) -> tuple[float, np.ndarray]:
        soft = -eps * logsumexp((psi - C) / eps, b=share, axis=1)
        pi = share * np.exp((soft[:, None] + psi - C) / eps)
        return -(w @ soft / 2 + share @ psi), w @ pi / 2 - share

    best = minimize(loss, np.zeros(len(points)), jac=True, method="BFGS", options={"gtol": 1e-9})
    return float(-best.fun)


@pytest.mark.parametrize(
    ("eps", "half"), [(0.02, 0.4698), (0.05, 0.4612), (0.1, 0.4261), (0.2, 0.2119), (0.23, 0.0)]
)
def test_a_segment_shrinks_and_collapses(eps: float, half: float) -> None:
    # V26 of the notes, to four digits (theirs, on a coarser grid, are up to 1e-4 larger): the model
    # is b + a z on the x-axis, the data a triangle. For eps -> 0, half tends to sqrt(2) / 3.
    found = minimize_scalar(
        lambda a: entropic_segment(a, eps, TRIANGLE),
        bounds=(-0.1, 0.6), method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    assert found.x == pytest.approx(half, abs=5e-5)
    assert (eps >= otg.entropic_collapse_eps(TRIANGLE).item()) == (half == 0)


def test_collapse_of_the_triangle_and_of_the_digits() -> None:
    assert otg.entropic_collapse_eps(TRIANGLE).item() == pytest.approx(2 / 9, rel=1e-14)
    digits = load_digits().data / 16
    assert otg.entropic_collapse_eps(digits).item() == pytest.approx(1.3977, abs=5e-5)
    assert (digits**2).sum(axis=1).mean() == pytest.approx(15.0142, abs=5e-5)
    normalised = otg.entropic_collapse_eps(digits / math.sqrt(15.0142)).item()
    assert normalised == pytest.approx(0.0931, abs=5e-5)


def test_collapse_with_weights_and_far_from_the_origin() -> None:
    # Two points at distance 2 with weights p, 1 - p: variance 4 p (1 - p).
    value = otg.entropic_collapse_eps([[-1.0], [1.0]], [0.2, 0.8]).item()
    assert value == pytest.approx(2 * 4 * 0.16, rel=1e-14)
    far = otg.entropic_collapse_eps(TRIANGLE + 1e6).item()
    assert far == pytest.approx(2 / 9, rel=1e-8)
    assert otg.entropic_collapse_eps([[3.0, 4.0]]).item() == 0.0


@pytest.mark.parametrize("excess", [-0.02, 0.02])
def test_a_gaussian_dirac_is_stable_above_the_collapse_only(excess: float) -> None:
    # The slope of OT_eps at S1 = 0, into the direction of the first axis, is 1 - 2 Lambda / eps.
    S2 = torch.diag(torch.tensor([0.9, 0.3], dtype=torch.float64))
    points = S2.sqrt() * math.sqrt(2)
    cloud = torch.cat([points, -points])  # four points with covariance S2
    critical = otg.entropic_collapse_eps(cloud).item()
    assert critical == pytest.approx(1.8, rel=1e-14)
    S1 = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    otg.entropic_gaussian([0.0, 0.0], S1, [0.0, 0.0], S2, critical + excess).backward()
    assert (torch.linalg.eigvalsh(S1.grad).min().item() > 0) == (excess > 0)


# --- the dipole ----------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("theta", [0.0, 0.7, 1.5, math.pi / 2, 2.8, -4.0])
def test_dipole_agrees_with_sinkhorn(theta: float, eps: float) -> None:
    u = np.array([math.cos(theta), math.sin(theta)])
    C = ((np.array([u, -u])[:, None] - np.array([[1.0, 0.0], [-1.0, 0.0]])) ** 2).sum(axis=2)
    half = np.full(2, 0.5)
    expected = sinkhorn(C, eps, half, half)
    assert otg.entropic_dipole(theta, eps).item() == pytest.approx(expected, abs=1e-9)
    exact = otg.solve_exact(C, half, half).value.item()
    assert otg.entropic_dipole(theta).item() == pytest.approx(exact, abs=1e-14)


def test_dipole_has_a_kink_without_entropy_and_none_with() -> None:
    h = 1e-6
    left, top, right = otg.entropic_dipole([math.pi / 2 - h, math.pi / 2, math.pi / 2 + h]).tolist()
    assert top == pytest.approx(2.0, abs=1e-15)
    assert (top - left) / h == pytest.approx(2.0, abs=1e-6)
    assert (right - top) / h == pytest.approx(-2.0, abs=1e-6)
    theta = torch.tensor(math.pi / 2, dtype=torch.float64, requires_grad=True)
    value = otg.entropic_dipole(theta, 0.1)
    value.backward()
    assert value.item() == pytest.approx(2.0, abs=1e-15)
    assert theta.grad.item() == pytest.approx(0.0, abs=1e-12)
    flat = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    otg.entropic_dipole(flat, 0.0).backward()
    assert flat.grad.item() == pytest.approx(2 * math.sin(0.7), rel=1e-14)
    angles = torch.linspace(0.1, 3.0, 7, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(otg.entropic_dipole, (angles, scale))


def test_dipole_for_tiny_and_huge_eps() -> None:
    exact = otg.entropic_dipole(1.0).item()
    for eps in (1e-300, 1e-12):
        assert otg.entropic_dipole(1.0, eps).item() == pytest.approx(exact, rel=1e-11)
    assert otg.entropic_dipole(1.0, 1e12).item() == pytest.approx(2.0, rel=1e-3)
    mixed = otg.entropic_dipole([[0.5], [1.0]], [0.0, 0.1, 1.0])
    assert mixed.shape == (2, 3)
    assert mixed[1, 0].item() == exact
