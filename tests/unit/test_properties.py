"""Laws that hold for every problem, on problems that hypothesis makes up: exact transport."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generated import (
    close,
    coordinates,
    diameter,
    exponents,
    fixed,
    gaussians,
    measures,
    problems,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import otgen_lite as otg


def value(x, a, y, b, p: float = 2.0) -> float:
    """W_p^p of two measures by the linear programme, for the Euclidean distance to the power p."""
    C = otg.cost_matrix(x, y, "euclidean") ** p
    return otg.solve_exact(C, a, b).value.item()


# --- the linear programme ------------------------------------------------------------------------


@fixed
@given(problems())
def test_duality(problem) -> None:
    C, a, b = problem
    r = otg.solve_exact(C, a, b)
    P, f, g = r.plan.numpy(), r.potentials[0].numpy(), r.potentials[1].numpy()
    scale = np.abs(C).max()
    assert P.min() >= 0
    assert np.abs(P.sum(axis=1) - a).max() <= 1e-14
    assert np.abs(P.sum(axis=0) - b).max() <= 1e-14
    assert (C - f[:, None] - g).min() >= -1e-14 * scale
    assert close(r.value.item(), f @ a + g @ b, scale)
    assert close(r.value.item(), (P * C).sum(), scale)
    assert (C - f[:, None] - g)[P > 0].max() <= 1e-9 * scale


@fixed
@given(problems(), st.data())
def test_every_other_plan_costs_as_much_and_every_other_dual_pair_gives_less(problem, data) -> None:
    C, a, b = problem
    best = otg.solve_exact(C, a, b).value.item()
    scale = np.abs(C).max()
    assert a @ C @ b >= best - 1e-9 * scale
    g = data.draw(arrays(float, len(b), elements=st.floats(-1e3, 1e3)))
    f = otg.c_transform(g, C).numpy()
    assert f @ a + g @ b <= best + 1e-9 * (scale + np.abs(g).max())


@fixed
@given(problems())
def test_transposing_the_problem_transposes_it(problem) -> None:
    C, a, b = problem
    here, there = otg.solve_exact(C, a, b), otg.solve_exact(C.T, b, a)
    assert close(here.value.item(), there.value.item(), np.abs(C).max())


@fixed
@given(problems(), st.data())
def test_the_order_of_the_atoms_does_not_matter(problem, data) -> None:
    C, a, b = problem
    i = data.draw(st.permutations(range(len(a))))
    j = data.draw(st.permutations(range(len(b))))
    shuffled = otg.solve_exact(C[np.ix_(i, j)], a[i], b[j]).value.item()
    assert close(otg.solve_exact(C, a, b).value.item(), shuffled, np.abs(C).max())


@fixed
@given(problems(), st.data())
def test_adding_to_rows_and_columns_adds_to_the_value(problem, data) -> None:
    C, a, b = problem
    u = data.draw(arrays(float, len(a), elements=st.floats(-10, 10)))
    v = data.draw(arrays(float, len(b), elements=st.floats(-10, 10)))
    moved = otg.solve_exact(C + u[:, None] + v, a, b).value.item()
    expected = otg.solve_exact(C, a, b).value.item() + u @ a + v @ b
    assert close(moved, expected, np.abs(C).max() + 20)


@fixed
@given(problems(), st.floats(1e-6, 1e6))
def test_scaling_the_cost_scales_the_value(problem, factor: float) -> None:
    C, a, b = problem
    scaled = otg.solve_exact(factor * C, a, b).value.item()
    expected = factor * otg.solve_exact(C, a, b).value.item()
    assert close(scaled, expected, factor * np.abs(C).max())


@fixed
@given(problems(), st.data())
def test_an_atom_may_be_split(problem, data) -> None:
    C, a, b = problem
    k = data.draw(st.integers(0, len(a) - 1))
    share = data.draw(st.sampled_from([0.0, 0.25, 1.0]))
    parts = np.append(a, share * a[k])
    parts[k] -= parts[-1]
    split = otg.solve_exact(np.vstack([C, C[k]]), parts, b).value.item()
    assert close(otg.solve_exact(C, a, b).value.item(), split, np.abs(C).max())


# --- distances between measures ------------------------------------------------------------------


@fixed
@given(measures(2), exponents)
def test_symmetry(pair, p: float) -> None:
    (x, a), (y, b) = pair
    assert close(value(x, a, y, b, p), value(y, b, x, a, p), diameter(x, y) ** p)


@fixed
@given(measures(1), exponents, st.data())
def test_a_measure_is_at_distance_zero_from_itself(single, p: float, data) -> None:
    ((x, a),) = single
    i = data.draw(st.permutations(range(len(a))))
    # Distances of 1e-8 between equal points would already fail: the cost is 0 to the power p.
    assert value(x, a, x[i], a[i], p) <= 1e-12 * max(diameter(x), 1e-300) ** p


@fixed
@given(measures(3), exponents)
def test_triangle_inequality(triple, p: float) -> None:
    (x, a), (y, b), (z, c) = triple
    sides = [value(*one, *other, p) ** (1 / p) for one, other in
             (((x, a), (z, c)), ((x, a), (y, b)), ((y, b), (z, c)))]  # fmt: skip
    assert sides[0] <= sides[1] + sides[2] + 1e-7 * diameter(x, y, z)


@fixed
@given(measures(2), exponents, st.floats(-100, 100), st.floats(0, 50))
def test_moving_and_scaling_both(pair, p: float, shift: float, factor: float) -> None:
    (x, a), (y, b) = pair
    moved = value(factor * x + shift, a, factor * y + shift, b, p)
    scale = (factor * diameter(x, y) + 1e-6) ** p  # what is rounded is of the size of the shift
    assert close(moved, factor**p * value(x, a, y, b, p), scale)


@fixed
@given(measures(2), arrays(float, 3, elements=coordinates))
def test_moving_one_of_them(pair, t: np.ndarray) -> None:
    # For the squared distance: W(x + t, y) = W(x, y) + |t|^2 + 2 t . (mean x - mean y).
    (x, a), (y, b) = pair
    t = t[: x.shape[1]]
    expected = value(x, a, y, b) + t @ t + 2 * t @ (a @ x - b @ y)
    assert close(value(x + t, a, y, b), expected, (diameter(x, y) + np.linalg.norm(t)) ** 2)


@fixed
@given(measures(2), exponents, exponents)
def test_the_distance_grows_with_the_exponent(pair, p: float, q: float) -> None:
    (x, a), (y, b) = pair
    p, q = min(p, q), max(p, q)
    near, far = value(x, a, y, b, p) ** (1 / p), value(x, a, y, b, q) ** (1 / q)
    assert near <= far + 1e-7 * diameter(x, y)


@fixed
@given(measures(2))
def test_gaussians_are_the_least_far_of_all_laws_with_their_moments(pair) -> None:
    (x, a), (y, b) = pair
    moments = []
    for z, c in ((x, a), (y, b)):
        m = c @ z
        moments += [m, (z - m).T @ (c[:, None] * (z - m))]
    scale = diameter(x, y) ** 2
    bound = otg.bures_wasserstein(*moments).item()
    # Flat covariances come out of rounding with eigenvalues of 1e-16: their roots are 1e-8.
    assert bound <= value(x, a, y, b) + 1e-6 * scale


# --- the line ------------------------------------------------------------------------------------


@fixed
@given(measures(2, d=1), exponents)
def test_the_line_agrees_with_the_linear_programme(pair, p: float) -> None:
    (x, a), (y, b) = pair
    line = otg.wasserstein_1d(x, y, p, a, b).item()
    assert close(line, value(x, a, y, b, p), diameter(x, y) ** p)


@fixed
@given(measures(2, d=1), exponents, st.data())
def test_the_line_does_not_know_the_order(pair, p: float, data) -> None:
    (x, a), (y, b) = pair
    i = data.draw(st.permutations(range(len(a))))
    shuffled = otg.wasserstein_1d(x[i], y, p, a[i], b).item()
    assert close(otg.wasserstein_1d(x, y, p, a, b).item(), shuffled, diameter(x, y) ** p)


@fixed
@given(measures(2, d=1), exponents)
def test_the_line_gives_potentials(pair, p: float) -> None:
    (x, a), (y, b) = pair
    at, bt = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    w = otg.wasserstein_1d(x, y, p, at, bt)
    f, g = (t.numpy() for t in torch.autograd.grad(w, (at, bt)))
    slack = np.abs(x - y.T) ** p - f[:, None] - g - w.item()
    assert slack.min() >= -1e-12 * diameter(x, y) ** p


# --- Gaussians -----------------------------------------------------------------------------------


@fixed
@given(gaussians(2))
def test_gaussian_symmetry_and_sign(pair) -> None:
    (m1, S1), (m2, S2) = pair
    scale = ((m1 - m2) ** 2).sum() + np.trace(S1 + S2)
    here = otg.bures_wasserstein(m1, S1, m2, S2).item()
    assert here >= 0
    assert close(here, otg.bures_wasserstein(m2, S2, m1, S1).item(), scale)
    assert otg.bures_wasserstein(m1, S1, m1, S1).item() <= 1e-24 * max(np.trace(S1), 1e-300)


@fixed
@given(gaussians(3))
def test_gaussian_triangle_inequality(triple) -> None:
    one, two, three = triple
    sides = [
        otg.bures_wasserstein(*u, *v).sqrt().item()
        for u, v in ((one, three), (one, two), (two, three))
    ]
    scale = np.sqrt(sum(m @ m + np.trace(S) for m, S in triple))
    assert sides[0] <= sides[1] + sides[2] + 1e-7 * scale


@fixed
@given(gaussians(2), st.floats(-5, 5), st.floats(0.1, 10))
def test_gaussian_moving_and_scaling(pair, shift: float, factor: float) -> None:
    (m1, S1), (m2, S2) = pair
    k = factor**2
    moved = otg.bures_wasserstein(factor * m1 + shift, k * S1, factor * m2 + shift, k * S2).item()
    scale = k * (((m1 - m2) ** 2).sum() + np.trace(S1 + S2)) + abs(shift)
    assert close(moved, k * otg.bures_wasserstein(m1, S1, m2, S2).item(), scale)


@fixed
@given(gaussians(1), st.integers(0, 2**31))
def test_gaussian_is_invariant_under_rotation(single, seed: int) -> None:
    ((m, S),) = single
    d = len(m)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    T = np.diag(rng.integers(0, 3, d).astype(float))
    zero = np.zeros(d)
    turned = otg.bures_wasserstein(Q @ m, Q @ S @ Q.T, zero, Q @ T @ Q.T).item()
    scale = m @ m + np.trace(S + T)
    assert close(otg.bures_wasserstein(m, S, zero, T).item(), turned, scale)


# --- the c-transform -----------------------------------------------------------------------------


@fixed
@given(problems(), st.data())
def test_transforms_turn_the_order_around_and_carry_constants(problem, data) -> None:
    C, _, b = problem
    g = data.draw(arrays(float, len(b), elements=st.floats(-1e3, 1e3)))
    more = data.draw(arrays(float, len(b), elements=st.floats(0, 10)))
    for eps in (0.0, 0.5):
        f = otg.c_transform(g, C, eps, None if eps == 0 else b)
        lower = otg.c_transform(g + more, C, eps, None if eps == 0 else b)
        assert (lower <= f + 1e-9).all()
        shifted = otg.c_transform(g + 7.0, C, eps, None if eps == 0 else b)
        assert shifted.numpy() == pytest.approx(f.numpy() - 7.0, abs=1e-9)


@fixed
@given(problems())
def test_potentials_are_transforms_of_one_another(problem) -> None:
    C, a, b = problem
    f, g = otg.solve_exact(C, a, b).potentials
    scale = np.abs(C).max()
    # f is the transform of g wherever there is mass: nothing is given away.
    gap = (otg.c_transform(g, C) - f).numpy()
    assert (gap >= -1e-12 * scale).all()
    assert (gap[a > 0] <= 1e-9 * scale).all()
    gap = (otg.c_transform(f, C.T) - g).numpy()
    assert (gap[b > 0] <= 1e-9 * scale).all()
