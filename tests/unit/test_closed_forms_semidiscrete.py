"""From densities to atoms: against the line, linear programmes and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

import otgen_lite as otg

TRIANGLE = torch.tensor([[0.0, 0.3], [0.0, 0.7], [2**-0.5, 0.5]], dtype=torch.float64)


def midpoints(n: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    return low + (high - low) * (torch.arange(n, dtype=torch.float64) + 0.5) / n


# --- a uniform law on the line -------------------------------------------------------------------


def test_values_of_the_notes() -> None:
    value, psi, edges = otg.uniform_to_atoms([0.1, 0.25, 0.9], [0.2, 0.5, 0.3])  # O5
    assert value.item() == pytest.approx(0.0340833, abs=5e-8)
    np.testing.assert_allclose(psi, [0.05475, 0.04725, -0.11525], atol=1e-15)
    np.testing.assert_allclose(edges, [0.0, 0.2, 0.7, 1.0], atol=1e-15)


# Weights in tenths: the edges fall between midpoints of 1,000 cells, and then the transport of the
# midpoints costs exactly h^2 / 12 less. Zeros, ties and disorder among them.
ATOMS = [
    ([0.3], [1.0]),
    ([0.1, 0.25, 0.9], [0.2, 0.5, 0.3]),
    ([2.0, -1.0, 0.4, 0.4], [0.1, 0.4, 0.3, 0.2]),
    ([0.9, 0.5, -0.2, 3.0, 0.1], [0.0, 0.4, 0.0, 0.0, 0.6]),
    ([0.5, 0.2, 0.5], [0.0, 0.5, 0.5]),
]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 1.5)])
@pytest.mark.parametrize(("y", "b"), ATOMS)
def test_value_is_the_one_of_midpoints(y: list, b: list, low: float, high: float) -> None:
    value, _, edges = otg.uniform_to_atoms(y, b, low, high)
    grid = otg.wasserstein_1d(midpoints(1000, low, high), y, 2, b=b).item()
    h = (high - low) / 1000
    assert value.item() == pytest.approx(grid + h * h / 12, rel=1e-12)
    assert (edges[0], edges[-1]) == (low, high)
    lengths = torch.tensor(b, dtype=torch.float64)[np.argsort(y, kind="stable")] * (high - low)
    np.testing.assert_allclose(edges.diff(), lengths, atol=1e-14)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 1.5)])
@pytest.mark.parametrize(("y", "b"), ATOMS)
def test_psi_is_optimal(y: list, b: list, low: float, high: float) -> None:
    value, psi, edges = otg.uniform_to_atoms(y, b, low, high)
    weights = torch.tensor(b, dtype=torch.float64)
    x = midpoints(20_000, low, high)
    slack = (x[:, None] - torch.tensor(y, dtype=torch.float64)) ** 2 - psi
    # Each x lies in the cell of an atom that is best for it.
    cell = torch.bucketize(x, edges[1:-1])
    owner = torch.from_numpy(np.argsort(y, kind="stable"))[cell]
    best = slack.min(dim=1).values
    assert (slack[torch.arange(len(x)), owner] - best).max() < 1e-12
    # The semi-dual is attained; the midpoint rule errs by h^2 / 12 within cells that it resolves.
    dual = best.mean() + weights @ psi
    h = (high - low) / 20_000
    assert dual.item() == pytest.approx(value.item() - h * h / 12, rel=1e-11)
    assert (weights @ psi).item() == pytest.approx(0.0, abs=1e-14)
    # An atom without weight would own a cell as soon as its psi rose: its own line touches.
    for k, weight in enumerate(b):
        if weight == 0:
            fine = torch.cat([edges, x])
            touching = (fine[:, None] - torch.tensor(y, dtype=torch.float64)) ** 2 - psi
            assert (touching[:, k] - touching.min(dim=1).values).min() < 1e-12


def test_derivatives_in_all_arguments() -> None:
    y = torch.tensor([0.9, 0.1, 0.25], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([0.3, 0.2, 0.5], dtype=torch.float64, requires_grad=True)
    low = torch.tensor(-0.2, dtype=torch.float64, requires_grad=True)
    high = torch.tensor(1.1, dtype=torch.float64, requires_grad=True)

    def normalised(y, b, low, high):
        return otg.uniform_to_atoms(y, b / b.sum(), low, high)

    assert torch.autograd.gradcheck(normalised, (y, b, low, high))
    value, psi, _ = otg.uniform_to_atoms(y, b, low, high)
    (slope,) = torch.autograd.grad(value, b)
    np.testing.assert_allclose(slope, psi.detach(), atol=1e-14)


def test_uniform_law_is_quantised_at_midpoints() -> None:
    for n in (1, 2, 7, 100):
        value, psi, _ = otg.uniform_to_atoms(midpoints(n))
        assert value.item() == pytest.approx(1 / (12 * n * n), rel=1e-12)
        assert psi.abs().max() < 1e-14
        assert otg.uniform_to_atoms(midpoints(n) + 1e-3)[0] > value


def test_types_and_columns() -> None:
    for result in otg.uniform_to_atoms(torch.tensor([[0.2], [0.7]]), [0.5, 0.5]):
        assert result.dtype == torch.float32
    for result in otg.segment_to_atoms([0.0, 0.0], torch.ones(2), torch.eye(2)):
        assert result.dtype == torch.float64


def test_weights_that_miss_one_by_rounding_end_at_the_end() -> None:
    b = torch.full((10,), 0.1)
    value, _, edges = otg.uniform_to_atoms(midpoints(10).float(), b)
    assert edges[-1] == 1.0
    assert (edges.diff() > 0).all()
    assert value.item() == pytest.approx(1 / 1200, rel=1e-4)
    # Ten times 0.1 is not 1 in doubles; an atom behind them that has no weight gets no cell.
    y, b = np.append(midpoints(10), 5.0), np.append(np.full(10, 0.1), 0.0)
    assert otg.uniform_to_atoms(y, b)[2][-2] == 1.0


# --- a segment in space --------------------------------------------------------------------------


def random_segment(d: int, n: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng([d, n])
    parts = rng.integers(0, 4, n)
    parts[0] += 24 - parts.sum()
    return rng.normal(size=d), rng.normal(size=d), rng.normal(size=(n, d)), parts / 24


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 5), (2, 3), (2, 6), (4, 8)])
def test_segment_agrees_with_the_linear_programme(d: int, n: int) -> None:
    centre, half, y, b = random_segment(d, n)
    value, psi, edges = otg.segment_to_atoms(centre, half, y, b)
    z = midpoints(48, -1.0, 1.0).numpy()
    C = otg.cost_matrix(centre + z[:, None] * half, y)
    lp = otg.solve_exact(C, b=b).value.item()
    # As on the line: half a cell's length on z is 1 / 48.
    assert value.item() == pytest.approx(lp + half @ half / 48**2 / 3, rel=1e-12)
    dual = otg.c_transform(psi, C).mean() + torch.from_numpy(b) @ psi
    assert dual.item() == pytest.approx(lp, rel=1e-12)
    assert (b @ psi.numpy()) == pytest.approx(0.0, abs=1e-13)
    np.testing.assert_allclose(edges.diff() / 2, b[np.argsort(y @ half)], atol=1e-14)


def test_segment_on_the_line_is_the_uniform_law() -> None:
    y, b = [2.0, -1.0, 0.4, 0.4], [0.1, 0.4, 0.3, 0.2]
    value, psi, edges = otg.uniform_to_atoms(y, b, -3.0, 1.0)
    other = otg.segment_to_atoms([-1.0], [2.0], torch.tensor(y, dtype=torch.float64)[:, None], b)
    assert other[0].item() == pytest.approx(value.item(), rel=1e-15)
    np.testing.assert_allclose(other[1], psi, atol=1e-14)
    np.testing.assert_allclose(-1.0 + 2.0 * other[2], edges, atol=1e-14)


def test_segment_of_length_zero_is_a_point() -> None:
    value, psi, _ = otg.segment_to_atoms([0.2, 0.1], [0.0, 0.0], TRIANGLE)
    costs = (torch.tensor([0.2, 0.1], dtype=torch.float64) - TRIANGLE).square().sum(dim=1)
    assert value.item() == pytest.approx(costs.mean().item(), rel=1e-14)
    np.testing.assert_allclose(psi, costs - costs.mean(), atol=1e-14)


def test_derivatives_of_the_segment() -> None:
    centre, half, y, b = (torch.from_numpy(t).requires_grad_() for t in random_segment(2, 5))

    def normalised(centre, half, y, b):
        return otg.segment_to_atoms(centre, half, y, b / b.sum())

    with torch.no_grad():
        b += 0.1
        b /= b.sum()
    assert torch.autograd.gradcheck(normalised, (centre, half, y, b))


@pytest.mark.parametrize(("i", "j"), [(1, 0), (2, 0), (2, 1)])
def test_stationary_segments_of_the_triangle(i: int, j: int) -> None:
    # G9 of the notes: centre at the mean, half = 2/3 (y_i - y_j).
    centre = TRIANGLE.mean(dim=0).requires_grad_()
    half = (2 / 3 * (TRIANGLE[i] - TRIANGLE[j])).requires_grad_()
    value, _, _ = otg.segment_to_atoms(centre, half, TRIANGLE)
    variance = (TRIANGLE - TRIANGLE.mean(dim=0)).square().sum(dim=1).mean().item()
    side = (TRIANGLE[i] - TRIANGLE[j]).square().sum().item()
    assert variance == pytest.approx(0.1377778, abs=5e-8)
    assert value.item() == pytest.approx(variance - 4 / 27 * side, rel=1e-13)
    expected = 0.1140741 if (i, j) == (1, 0) else 0.0577778
    assert value.item() == pytest.approx(expected, abs=5e-8)
    assert half.detach().norm().item() == pytest.approx(
        4 / 15 if (i, j) == (1, 0) else 0.489898, abs=5e-7
    )
    value.backward()
    assert max(centre.grad.abs().max(), half.grad.abs().max()) < 1e-14


@pytest.mark.parametrize(("start", "end"), [((0.0, 0.2), 0.1140741), ((0.3, 0.1), 0.0577778)])
def test_descent_ends_in_the_local_or_the_global_minimum(start: tuple, end: float) -> None:
    def value(theta: np.ndarray) -> tuple[float, np.ndarray]:
        t = torch.from_numpy(theta).requires_grad_()
        loss, _, _ = otg.segment_to_atoms(t[:2], t[2:], TRIANGLE)
        loss.backward()
        return loss.item(), t.grad.numpy()

    found = minimize(value, np.array([0.3, 0.4, *start]), jac=True, method="BFGS")
    assert found.fun == pytest.approx(end, abs=5e-8)


# --- Gaussians -----------------------------------------------------------------------------------


def test_circle_values_of_the_notes() -> None:
    assert otg.gaussian_to_circle(8, 2.0).item() == pytest.approx(1.114605, abs=5e-7)  # L2
    assert otg.gaussian_to_circle(8, math.sqrt(2)).item() == pytest.approx(0.545504, abs=5e-7)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 50])
@pytest.mark.parametrize("R", [0.0, 0.7, 3.0])
def test_circle_agrees_with_quadrature(n: int, R: float) -> None:
    # Polar coordinates: the atoms are symmetric, so psi = 0 and each x goes to the nearest one.
    r, weight = np.polynomial.legendre.leggauss(60)
    r, weight = 6 * (r + 1), 6 * weight
    weight = weight * r * np.exp(-(r**2) / 2)
    angle = (np.arange(7200) + 0.5) * (2 * np.pi / 7200)  # midpoints within every sector
    x = r[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    turn = np.arange(n) * (2 * np.pi / n)
    atoms = R * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    # |x - y|^2 over the atoms is smallest where <x, y> is largest
    nearest = (x @ atoms.T).max(axis=-1).mean(axis=1)
    value = weight @ (r**2 + R**2 - 2 * nearest)
    assert otg.gaussian_to_circle(n, R).item() == pytest.approx(value, abs=1e-5)


def test_circle_with_many_atoms_is_a_ring() -> None:
    # E (|x| - R)^2 with E|x| = sqrt(pi / 2) and E|x|^2 = 2.
    R = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    value = otg.gaussian_to_circle(10**7, R)
    assert value.item() == pytest.approx(2 + 2.25 - 3 * math.sqrt(math.pi / 2), rel=1e-12)
    value.backward()
    assert R.grad.item() == pytest.approx(3 - 2 * math.sqrt(math.pi / 2), rel=1e-12)
    assert otg.gaussian_to_circle(3, torch.tensor(1.0)).dtype == torch.float32


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, 1.0), (2, 0.363380), (8, 0.054966), (32, 0.009211), (128, 0.001689)],
)
def test_quantised_gaussian_of_the_notes(n: int, expected: float) -> None:
    points, value = otg.quantise_gaussian(n)  # G5
    assert value.item() == pytest.approx(expected, abs=5e-7)
    assert points.shape == (n,)
    assert torch.equal(points, -points.flip(0))
    assert (points.diff() > 0).all()
    if n == 2:
        assert value.item() == pytest.approx(1 - 2 / math.pi, rel=1e-15)


@pytest.mark.parametrize("n", [2, 5, 16])
def test_quantised_gaussian_agrees_with_quadrature(n: int) -> None:
    points, value = otg.quantise_gaussian(n)
    edges = norm.ppf(np.arange(n + 1) / n)
    cost = sum(
        quad(lambda x, y=y: (x - y) ** 2 * norm.pdf(x), edges[k], edges[k + 1], epsabs=1e-13)[0]
        for k, y in enumerate(points.tolist())
    )
    assert value.item() == pytest.approx(cost, rel=1e-9)


@pytest.mark.parametrize("n", [2, 5])
def test_quantised_gaussian_is_the_best_of_all(n: int) -> None:
    # Any other atoms cost more, by the mean square of what they are off.
    points, value = otg.quantise_gaussian(n)
    x = torch.special.ndtri(midpoints(20_000 * n))
    best = otg.wasserstein_1d(x, points, 2)
    assert best.item() == pytest.approx(value.item(), abs=1e-3)
    shift = 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    moved = (points + shift).sort().values
    excess = otg.wasserstein_1d(x, moved, 2) - best
    assert excess.item() == pytest.approx((moved - points).square().mean().item(), rel=1e-2)


# --- Gaussian models of Gaussian data ------------------------------------------------------------


def test_value_and_gradient_of_a_gaussian_model() -> None:
    # G1 of the notes, with the cost not halved: E = (m - m0)^2 + (s - s0)^2, and both formulas for
    # its gradient, the dual one by x - T(x) and the primal one by the coupling, agree with it.
    m0, s0 = 0.4, 1.7
    m = torch.tensor(-0.3, dtype=torch.float64, requires_grad=True)
    s = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    value = otg.bures_wasserstein(m, s.square(), m0, s0**2)
    value.backward()
    assert value.item() == pytest.approx(0.7**2 + 1.1**2, rel=1e-14)
    assert (m.grad.item(), s.grad.item()) == pytest.approx((-1.4, -2.2), rel=1e-13)
    A, t = otg.gaussian_map(m.detach(), s.detach().square(), m0, s0**2)
    z, w = np.polynomial.hermite_e.hermegauss(20)
    w = w / w.sum()
    x = -0.3 + 0.6 * z
    force = 2 * (x - (A.item() * x + t.item()))
    assert (w @ force, w @ (z * force)) == pytest.approx((-1.4, -2.2), rel=1e-12)
