"""Laws that hold for every problem, on problems that hypothesis makes up: closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generated import close, coordinates, fixed, gaussians, weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import otgen_lite as otg

regularisations = st.sampled_from([0.0, 1e-9, 1e-3, 0.5, 7.0, 1e4])


def size(pair) -> float:
    (m1, S1), (m2, S2) = pair
    return float(((m1 - m2) ** 2).sum() + np.trace(S1 + S2))


# --- Gaussians with entropy ----------------------------------------------------------------------


@fixed
@given(gaussians(2), regularisations)
def test_symmetry(pair, eps: float) -> None:
    one, two = pair
    for f in (otg.entropic_gaussian, otg.sinkhorn_divergence_gaussian):
        assert close(f(*one, *two, eps).item(), f(*two, *one, eps).item(), size(pair))
    here = otg.entropic_gaussian_plan(*one, *two, eps).numpy()
    there = otg.entropic_gaussian_plan(*two, *one, eps).numpy()
    np.testing.assert_allclose(here, there.T, atol=1e-7 * max(size(pair), 1e-300))


@fixed
@given(gaussians(2), regularisations, regularisations)
def test_between_transport_and_the_product_rising_with_eps(pair, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    slack = 1e-12 * size(pair)
    exact = otg.bures_wasserstein(*pair[0], *pair[1]).item()
    near, far = (otg.entropic_gaussian(*pair[0], *pair[1], e).item() for e in (low, high))
    assert exact - slack <= near <= far + slack
    assert far <= size(pair) + slack
    # A minimum of functions that are affine in eps is concave.
    middle = otg.entropic_gaussian(*pair[0], *pair[1], (low + high) / 2).item()
    assert middle >= (near + far) / 2 - slack


@fixed
@given(gaussians(2), regularisations)
def test_the_joint_covariance_is_one(pair, eps: float) -> None:
    (_, S1), (_, S2) = pair
    K = otg.entropic_gaussian_plan(*pair[0], *pair[1], eps).numpy()
    joint = np.block([[S1, K], [K.T, S2]])
    assert np.linalg.eigvalsh(joint).min() >= -1e-7 * max(np.trace(S1 + S2), 1e-300)


@fixed
@given(gaussians(2), regularisations, st.floats(-5, 5), st.floats(0.1, 10))
def test_moving_and_scaling(pair, eps: float, shift: float, factor: float) -> None:
    (m1, S1), (m2, S2) = pair
    k = factor**2
    scale = k * size(pair) + k * eps + abs(shift)
    for f in (otg.entropic_gaussian, otg.sinkhorn_divergence_gaussian):
        moved = f(factor * m1 + shift, k * S1, factor * m2 + shift, k * S2, k * eps).item()
        assert close(moved, k * f(m1, S1, m2, S2, eps).item(), scale)


@fixed
@given(gaussians(2), regularisations, st.integers(0, 2**31))
def test_rotation(pair, eps: float, seed: int) -> None:
    (m1, S1), (m2, S2) = pair
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=S1.shape))[0]
    for f in (otg.entropic_gaussian, otg.sinkhorn_divergence_gaussian):
        turned = f(Q @ m1, Q @ S1 @ Q.T, Q @ m2, Q @ S2 @ Q.T, eps).item()
        # Roots of eigenvalues that are 1e-16 instead of 0 are 1e-8.
        assert abs(turned - f(m1, S1, m2, S2, eps).item()) <= 1e-7 * max(size(pair), 1e-300)


@fixed
@given(gaussians(2), regularisations)
def test_the_divergence_is_none_negative_and_separates(pair, eps: float) -> None:
    one, two = pair
    value = otg.sinkhorn_divergence_gaussian(*one, *two, eps).item()
    slack = 1e-12 * (size(pair) + eps)
    assert value >= ((one[0] - two[0]) ** 2).sum() - slack
    assert abs(otg.sinkhorn_divergence_gaussian(*one, *one, eps).item()) <= slack
    if eps <= 10 and np.abs(one[1] - two[1]).max() >= 1:
        assert value > 1e-6


@fixed
@given(st.floats(0, 10), st.floats(0, 300))
def test_no_other_scale_fits_better(b: float, eps: float) -> None:
    best = otg.entropic_fit_scale(b, eps).item()
    assert best <= b

    def value(s: float) -> float:
        return otg.entropic_gaussian(0.0, s * s, 0.0, b * b, eps).item()

    for other in (0.0, 0.9 * best, 1.1 * best, best + 0.01, b):
        assert value(best) <= value(other) + 1e-12 * (1 + b * b)


# --- densities to atoms --------------------------------------------------------------------------


@st.composite
def atoms(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(1, 7))
    return draw(arrays(float, n, elements=coordinates)), draw(weights(n))


@fixed
@given(atoms(), st.integers(-4, 4), st.integers(1, 6))
def test_a_uniform_law_is_the_limit_of_points(problem, low: int, length: int) -> None:
    y, b = problem
    value, psi, edges = otg.uniform_to_atoms(y, b, low, low + length)
    n = 2000
    x = low + length * (np.arange(n) + 0.5) / n
    # Moving each point to its place in the uniform law costs h^2 / 12: W_2 moves by h / sqrt(12).
    grid = otg.wasserstein_1d(x, y, 2, b=b).sqrt().item()
    assert abs(value.sqrt().item() - grid) <= length / n / np.sqrt(12) + 1e-9
    dual = otg.c_transform(psi, (x[:, None] - y) ** 2).mean() + torch.from_numpy(b) @ psi
    # The hard transform has slopes of 24 at most: the rule of midpoints is good to h times that.
    assert dual.item() == pytest.approx(value.item(), abs=24 * length / n)
    assert abs(b @ psi.numpy()) <= 1e-10
    assert (edges.diff() >= 0).all()


@fixed
@given(atoms(), st.data())
def test_atoms_in_any_order(problem, data) -> None:
    y, b = problem
    i = data.draw(st.permutations(range(len(y))))
    value, psi, edges = otg.uniform_to_atoms(y, b)
    again = otg.uniform_to_atoms(y[i], b[i])
    assert close(again[0].item(), value.item(), 100.0)
    np.testing.assert_allclose(again[1], psi[i], atol=1e-9)
    if len(set(y)) == len(y):  # otherwise the cells of equal atoms may change places
        np.testing.assert_allclose(again[2], edges, atol=1e-12)


@fixed
@given(atoms(), st.floats(-3, 3), st.floats(0.1, 10))
def test_turning_a_segment_around_and_scaling_it(problem, shift: float, factor: float) -> None:
    y, b = problem
    plane = np.stack([y, np.roll(y, 1)], axis=1)
    centre, half = np.array([shift, 0.5]), np.array([1.0, -0.25])
    value, psi, _ = otg.segment_to_atoms(centre, half, plane, b)
    around = otg.segment_to_atoms(centre, -half, plane, b)
    assert close(around[0].item(), value.item(), 200.0)
    scaled = otg.segment_to_atoms(factor * centre, factor * half, factor * plane, b)
    assert close(scaled[0].item(), factor**2 * value.item(), 200.0 * factor**2)
    np.testing.assert_allclose(scaled[1], factor**2 * psi, atol=1e-9 * factor**2)
    # The plan that sends everything everywhere costs at least as much.
    product = ((centre - plane) ** 2).sum(axis=1) @ b + half @ half / 3
    assert value.item() <= product + 1e-9


@fixed
@given(st.integers(1, 200), st.floats(0, 10))
def test_more_atoms_cost_less(n: int, radius: float) -> None:
    slack = 1e-12 * (1 + radius**2)
    assert otg.quantise_gaussian(n + 1)[1] < otg.quantise_gaussian(n)[1]
    more, fewer = (otg.gaussian_to_circle(k, radius).item() for k in (n + 1, n))
    assert more <= fewer + slack
    assert otg.gaussian_to_circle(n, radius).item() >= (radius - np.sqrt(np.pi / 2)) ** 2
