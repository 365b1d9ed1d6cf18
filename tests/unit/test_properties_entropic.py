"""Laws that hold for every problem, on problems that hypothesis makes up: entropic transport."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from generated import diameter, fixed, measures, problems
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import otgen_lite as otg

#: eps, in units of the largest difference of costs.
relative = st.sampled_from([0.1, 0.5, 3.0, 100.0])
TOL = 1e-9


def spread(C: np.ndarray) -> float:
    return float(np.ptp(C)) or 1.0


def solve(C, eps: float, a, b, **options) -> otg.SinkhornResult:
    """A solve that must converge: a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return otg.solve_sinkhorn(C, eps, a, b, tol=TOL, max_iter=100_000, **options)


def entropy(P: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """KL(P | a b^T)."""
    inside = P > 0
    return float((P[inside] * np.log(P[inside] / np.outer(a, b)[inside])).sum())


def allowed(C: np.ndarray, eps: float) -> float:
    """What marginals that are off by TOL, and rounding, may do to a value."""
    return 10 * TOL * (np.abs(C).max() + eps)


@fixed
@given(problems(), relative)
def test_what_a_result_says_of_itself(problem, rel: float) -> None:
    C, a, b = problem
    eps = rel * spread(C)
    r = solve(C, eps, a, b)
    P, f, g = r.plan.numpy(), r.potentials[0].numpy(), r.potentials[1].numpy()
    error = np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()
    assert r.converged
    assert error <= TOL + 1e-13
    assert abs(r.marginal_error - error) <= 1e-12
    assert P.min() >= 0
    assert (P[a == 0] == 0).all()
    assert (P[:, b == 0] == 0).all()
    scale = np.abs(C).max() + eps
    assert abs(r.linear.item() - (P * C).sum()) <= 1e-12 * scale
    assert abs(r.value.item() - (P * C).sum() - eps * entropy(P, a, b)) <= allowed(C, eps)
    assert abs(a @ f - b @ g) <= 1e-12 * scale
    logs = (f[:, None] + g - C) / eps
    np.testing.assert_allclose(P, np.outer(a, b) * np.exp(logs), rtol=1e-9, atol=1e-300)
    # Potentials are transforms of one another, at atoms without weight too.
    again = otg.c_transform(g, C, eps, b).numpy()
    assert np.abs(again - f)[a > 0].max() <= 1e-5 * eps + 1e-9 * scale


@fixed
@given(problems(), relative, relative)
def test_between_exact_transport_and_the_product_rising_with_eps(problem, low, high) -> None:
    C, a, b = problem
    low, high = (rel * spread(C) for rel in sorted((low, high)))
    exact = otg.solve_exact(C, a, b).value.item()
    near, far = (solve(C, eps, a, b).value.item() for eps in (low, high))
    slack = allowed(C, high)
    assert exact - slack <= near <= far + slack
    assert far <= a @ C @ b + slack
    # A vertex of the polytope has at most log n more entropy than the product.
    weight = a[a > 0]
    assert near <= exact - low * (weight * np.log(weight)).sum() + slack


@fixed
@given(problems(), relative, st.integers(1, 3))
def test_an_unfinished_solve_is_finite_and_a_lower_bound(problem, rel: float, sweeps: int) -> None:
    C, a, b = problem
    best = solve(C, rel * spread(C), a, b).value.item()
    for small in (1.0, 1e-2, 1e-4):
        eps = rel * spread(C) * small
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            r = otg.solve_sinkhorn(C, eps, a, b, tol=1e-12, max_iter=sweeps)
        assert len(caught) == (not r.converged)
        for t in (r.value, r.linear, r.plan, *r.potentials):
            assert t.isfinite().all()
        # OT_eps rises with eps, and every dual value lies below it.
        assert r.value.item() <= best + allowed(C, rel * spread(C))
        P = r.plan.numpy()
        error = np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()
        assert abs(r.marginal_error - error) <= 1e-9 * max(1.0, error)
        assert r.converged == (r.marginal_error <= 1e-12)
        assert r.n_iter <= sweeps or r.converged


@fixed
@given(problems(), relative, st.data())
def test_rows_and_columns_carry_what_is_added_to_them(problem, rel: float, data) -> None:
    C, a, b = problem
    eps, big = rel * spread(C), 1e3 * spread(C)
    u = data.draw(arrays(float, len(a), elements=st.floats(-1, 1))) * big
    v = data.draw(arrays(float, len(b), elements=st.floats(-1, 1))) * big
    moved = C + u[:, None] + v
    here, there = solve(C, eps, a, b), solve(moved, eps, a, b)
    slack = allowed(moved, eps)
    assert abs(there.value.item() - here.value.item() - u @ a - v @ b) <= slack
    assert np.abs((there.plan - here.plan).numpy()).max() <= 1e-6


@fixed
@given(problems(), relative, st.floats(1e-6, 1e6))
def test_scaling_transposing_and_reordering(problem, rel: float, factor: float) -> None:
    C, a, b = problem
    eps = rel * spread(C)
    value, slack = solve(C, eps, a, b).value.item(), allowed(C, eps)
    scaled = solve(factor * C, factor * eps, a, b).value.item()
    assert abs(scaled - factor * value) <= factor * slack
    assert abs(solve(C.T.copy(), eps, b, a).value.item() - value) <= slack
    i, j = np.argsort(a), np.argsort(-b)
    assert abs(solve(C[np.ix_(i, j)], eps, a[i], b[j]).value.item() - value) <= slack


@fixed
@given(problems(), relative, st.data())
def test_an_atom_may_be_split(problem, rel: float, data) -> None:
    # The entropy is the one relative to a x b: it does not see how atoms are written down.
    C, a, b = problem
    eps = rel * spread(C)
    k = data.draw(st.integers(0, len(a) - 1))
    share = data.draw(st.sampled_from([0.0, 0.25, 1.0]))
    parts = np.append(a, share * a[k])
    parts[k] -= parts[-1]
    split = solve(np.vstack([C, C[k]]), eps, parts, b).value.item()
    assert abs(split - solve(C, eps, a, b).value.item()) <= allowed(C, eps)


@fixed
@given(problems(), relative)
def test_the_start_and_the_ladder_do_not_matter(problem, rel: float) -> None:
    C, a, b = problem
    eps = rel * spread(C)
    plain = solve(C, eps, a, b)
    for options in ({"eps_scaling": True}, {"init": plain.potentials}):
        other = solve(C, eps, a, b, **options)
        assert abs(other.value.item() - plain.value.item()) <= allowed(C, eps)
        assert np.abs((other.plan - plain.plan).numpy()).max() <= 1e-6
    assert solve(C, eps, a, b, init=plain.potentials).n_iter <= plain.n_iter


@fixed
@given(problems(), st.lists(relative, min_size=1, max_size=4))
def test_a_batch_is_its_problems(problem, rels: list[float]) -> None:
    C, a, b = problem
    costs = np.stack([C * (k + 1) for k in range(len(rels))])
    eps = torch.tensor([rel * spread(D) for rel, D in zip(rels, costs, strict=True)])
    eps = eps.double()
    batch = solve(costs, eps, a, np.stack([b] * len(rels)))
    for k, D in enumerate(costs):
        one = solve(D, eps[k].item(), a, b)
        slack = allowed(D, eps[k].item())
        assert abs(batch.value[k].item() - one.value.item()) <= slack
        assert np.abs((batch.plan[k] - one.plan).numpy()).max() <= 1e-6
        assert batch.marginal_error[k] <= TOL
    assert batch.converged.all()


@fixed
@given(measures(2), relative, st.sampled_from(["sqeuclidean", "euclidean", "cityblock"]))
def test_points_are_their_cost_matrix(pair, rel: float, cost: str) -> None:
    (x, a), (y, b) = pair
    C = otg.cost_matrix(x, y, cost).numpy()
    eps = rel * spread(C)
    matrix = solve(C, eps, a, b)
    for block in (None, 1, 5):
        r = otg.solve_sinkhorn_points(x, y, eps, cost, a, b, tol=TOL, max_iter=10**5, block=block)
        assert abs(r.value.item() - matrix.value.item()) <= allowed(C, eps)
        assert np.abs((r.plan - matrix.plan).numpy()).max() <= 1e-6
        heavy = a > 0
        out = r.potential_x(x).numpy()
        assert np.abs(out - r.potentials[0].numpy())[heavy].max() <= 1e-5 * eps + 1e-9
        mean = matrix.plan.numpy()[heavy] @ y / a[heavy, None]
        assert np.abs(r.barycentric().numpy()[heavy] - mean).max() <= 1e-6 * (1 + np.abs(y).max())


@fixed
@given(measures(2), relative, st.sampled_from(["sqeuclidean", "euclidean"]), st.data())
def test_the_divergence_is_one(pair, rel: float, cost: str, data) -> None:
    (x, a), (y, b) = pair
    scale = diameter(x, y) ** (2 if cost == "sqeuclidean" else 1) or 1.0
    eps = rel * scale

    def divergence(x, a, y, b) -> float:
        return otg.sinkhorn_divergence(x, y, eps, cost, a, b, tol=TOL, max_iter=10**5).item()

    slack = 20 * TOL * (scale + eps)
    value = divergence(x, a, y, b)
    assert value >= -slack
    assert abs(divergence(y, b, x, a) - value) <= slack
    i = data.draw(st.permutations(range(len(a))))
    assert abs(divergence(x, a, x[i], a[i])) <= slack
    if cost == "sqeuclidean":
        # The squared distance of the means splits off, as it does from exact transport.
        middle = ((a @ x - b @ y) ** 2).sum()
        rest = divergence(x - a @ x, a, y - b @ y, b)
        assert abs(value - middle - rest) <= slack
