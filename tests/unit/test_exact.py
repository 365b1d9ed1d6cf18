"""The Kantorovich problem: closed forms, a second solver, and the certificate of optimality."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import ot
import pytest
import torch
from scipy.optimize import linprog

import otgen_lite as otg
from otgen_lite.transport import exact

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def weights(rng: np.random.Generator, n: int, kind: str) -> np.ndarray:
    """Weights of one kind on n atoms."""
    a = {
        "uniform": np.ones(n),
        "random": rng.dirichlet(np.ones(n)),
        "zeros": rng.random(n) * (rng.random(n) < 0.5),
        "whole": rng.integers(0, 4, n).astype(float),
        "extreme": 10.0 ** rng.uniform(-20, 0, n),
    }[kind]
    a[rng.integers(n)] += 1.0 if kind in ("zeros", "whole") else 0.0
    return a / a.sum()


def costs(rng: np.random.Generator, n: int, m: int, kind: str) -> np.ndarray:
    """A cost matrix of one kind."""
    uniform = rng.random((n, m))
    on_a_grid = rng.integers(0, 3, (n, 1)) - rng.integers(0, 3, (1, m))
    return {
        "uniform": uniform,
        "duplicates": on_a_grid.astype(float) ** 2,
        "whole": rng.integers(0, 4, (n, m)).astype(float),
        "constant": np.full((n, m), 3.0),
        "nought": np.zeros((n, m)),
        "negative": -uniform,
        "far below": 1e-3 * uniform - 1e3,
        "far above": uniform + 1e4,
        "tiny": 1e-12 * uniform,
        "denormal": 1e-310 * uniform,
        "huge": 1e200 * uniform,
        "wide": 10.0 ** rng.uniform(-10, 5, (n, m)),
    }[kind]


def assert_optimal(C: np.ndarray, a: np.ndarray, b: np.ndarray, r: otg.ExactResult) -> None:
    """Plan and potentials prove each other optimal, relative to max |C|."""
    P, f, g = r.plan.numpy(), r.potentials[0].numpy(), r.potentials[1].numpy()
    scale = np.abs(C).max() or 1.0
    assert P.min() >= 0
    np.testing.assert_allclose(P.sum(axis=1), a, rtol=0, atol=1e-14)
    np.testing.assert_allclose(P.sum(axis=0), b, rtol=0, atol=1e-14)
    slack = (C - f[:, None] - g) / scale
    assert slack.min() >= -1e-14, "the potentials are not feasible"
    assert slack[P > 0].max() <= 1e-9, "mass moves where the constraint is slack"
    value = r.value.item() / scale
    assert value == pytest.approx((P * (C / scale)).sum(), rel=0, abs=1e-12)
    assert value == pytest.approx((f / scale) @ a + (g / scale) @ b, rel=0, abs=1e-9)
    # the gauge
    assert (f / scale) @ a == pytest.approx((g / scale) @ b, rel=0, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 7), (7, 1), (5, 5), (23, 4), (40, 61)])
@pytest.mark.parametrize("measure", ["uniform", "random", "zeros", "whole", "extreme"])
@pytest.mark.parametrize(
    "cost",
    [
        "uniform", "duplicates", "whole", "constant", "nought", "negative", "far below",
        "far above", "tiny", "denormal", "huge", "wide",
    ],
)  # fmt: skip
def test_plan_and_potentials_are_optimal(cost: str, measure: str, n: int, m: int) -> None:
    rng = np.random.default_rng([n, m, len(cost), len(measure)])
    C = costs(rng, n, m, cost)
    a, b = weights(rng, n, measure), weights(rng, m, measure)
    assert_optimal(C, a, b, otg.solve_exact(C, a, b))


def test_large_assignment() -> None:
    rng = np.random.default_rng(3)
    C = rng.integers(0, 100, (300, 300)).astype(float)
    a = np.full(300, 1 / 300)
    r = otg.solve_exact(C)
    assert_optimal(C, a, a, r)
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(C)
    assert r.value.item() == pytest.approx(C[rows, columns].mean(), abs=1e-12)


@pytest.mark.parametrize("measure", ["uniform", "random", "zeros"])
@pytest.mark.parametrize(("n", "m"), [(1, 4), (6, 6), (9, 14)])
def test_value_agrees_with_a_general_solver(n: int, m: int, measure: str) -> None:
    rng = np.random.default_rng([n, m])
    C, a, b = rng.random((n, m)), weights(rng, n, measure), weights(rng, m, measure)
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    lp = linprog(C.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b]))
    assert lp.status == 0
    assert otg.solve_exact(C, a, b).value.item() == pytest.approx(lp.fun, abs=1e-9)


def test_by_hand() -> None:
    # Piles at 0 and 1, holes at 0 and 3 for |x - y|: 1/4 stays, 1/4 goes 3 far, 1/2 goes 2 far.
    r = otg.solve_exact([[0.0, 3.0], [1.0, 2.0]], a=[0.5, 0.5], b=[0.25, 0.75])
    assert r.value.item() == 1.75
    assert r.plan.tolist() == [[0.25, 0.25], [0.0, 0.5]]


def test_one_atom_each() -> None:
    r = otg.solve_exact([[5.0]])
    assert r.value.item() == 5.0
    assert r.plan.tolist() == [[1.0]]
    assert [p.tolist() for p in r.potentials] == [[2.5], [2.5]]


def test_atoms_without_mass_get_the_potential_that_prices_them() -> None:
    # Generic weights: the dual is unique on the support, so that f at a new atom is the exact
    # price of putting mass there. One-sided, for mass cannot become negative.
    rng = np.random.default_rng(5)
    n, m, h = 6, 7, 1e-6
    C = rng.random((n, m))
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    a[2], b[4] = 0.0, 0.0
    a, b = a / a.sum(), b / b.sum()
    r = otg.solve_exact(C, a, b)
    f, g = r.potentials
    for potential, weight, k, solve in (
        (f, a, 2, lambda w: otg.solve_exact(C, w, b)),
        (g, b, 4, lambda w: otg.solve_exact(C, a, w)),
    ):
        moved = weight.copy()
        moved[k] += h
        moved[0] -= h
        slope = (solve(moved).value - r.value).item() / h
        assert slope == pytest.approx((potential[k] - potential[0]).item(), abs=1e-8)


def test_derivatives_agree_with_differences() -> None:
    rng = np.random.default_rng(11)
    n, m, h = 6, 5, 1e-6
    C = torch.tensor(rng.random((n, m)), requires_grad=True)
    a = torch.tensor(rng.dirichlet(np.ones(n)), requires_grad=True)
    b = torch.tensor(rng.dirichlet(np.ones(m)), requires_grad=True)
    r = otg.solve_exact(C, a, b)
    (3.0 * r.value).backward()
    assert torch.equal(C.grad, 3.0 * r.plan)

    def value(dC: np.ndarray, da: np.ndarray, db: np.ndarray) -> float:
        C1, a1, b1 = C.detach().numpy() + dC, a.detach().numpy() + da, b.detach().numpy() + db
        return otg.solve_exact(C1, a1, b1).value.item()

    for seed in range(5):
        step = np.random.default_rng(seed)
        dC, da, db = (step.normal(size=t.shape) for t in (C, a, b))
        da, db = da - da.mean(), db - db.mean()  # mass cannot appear
        slope = (value(h * dC, h * da, h * db) - value(-h * dC, -h * da, -h * db)) / (2 * h)
        inner = sum(
            (t.grad * torch.from_numpy(d)).sum().item()
            for t, d in zip((C, a, b), (dC, da, db), strict=True)
        )
        assert 3.0 * slope == pytest.approx(inner, abs=1e-7)


def test_gradients_reach_the_points() -> None:
    # n = m, one to one and far apart: W = mean |x_i - y_i|^2, gradient 2 (x_i - y_i) / n.
    y = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    x = (y + torch.tensor([[1.0, 2.0], [-1.0, 0.5], [0.25, 0.0]])).requires_grad_()
    otg.solve_exact(otg.cost_matrix(x, y)).value.backward()
    torch.testing.assert_close(x.grad, 2 * (x.detach() - y) / 3)


def test_gradients_of_some_inputs_only() -> None:
    C = torch.rand(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a = torch.full((3,), 1 / 3, requires_grad=True)  # float32 beside float64
    r = otg.solve_exact(C, a)
    r.value.backward()
    assert a.grad.dtype == torch.float32
    torch.testing.assert_close(a.grad, r.potentials[0].float())
    assert not otg.solve_exact(C).value.requires_grad
    with torch.no_grad():
        assert not otg.solve_exact(C, a).value.requires_grad
    assert not r.plan.requires_grad
    assert not r.potentials[0].requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_results_stay_in_type_and_place(device: str, dtype: torch.dtype) -> None:
    C = torch.rand(4, 5, generator=torch.Generator().manual_seed(0)).to(device, dtype)
    C.requires_grad_()
    r = otg.solve_exact(C, b=np.full(5, 0.2))
    for t in (r.value, r.plan, *r.potentials):
        assert t.dtype == dtype
        assert t.device == C.device
    r.value.backward()
    assert torch.equal(C.grad, r.plan)
    wide = otg.solve_exact(C.detach().double().cpu())
    assert r.value.item() == pytest.approx(wide.value.item(), rel=1e-6)


def test_transposed_costs_are_read_the_right_way() -> None:
    C = torch.rand(30, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    one, other = otg.solve_exact(C), otg.solve_exact(C.T)
    assert one.value.item() == pytest.approx(other.value.item(), abs=1e-14)
    assert_optimal(C.T.numpy(), np.full(20, 1 / 20), np.full(30, 1 / 30), other)


def test_small_errors_in_the_total_mass_are_divided_out() -> None:
    a = np.array([0.25, 0.75]) * (1 + 5e-7)
    r = otg.solve_exact([[0.0, 1.0], [1.0, 0.0]], a, [0.5, 0.5])
    assert r.value.item() == pytest.approx(0.25, abs=1e-15)
    assert r.plan.sum().item() == pytest.approx(1.0, abs=1e-15)


def test_giving_up_says_what_to_do() -> None:
    C = np.random.default_rng(0).random((50, 50))
    with (
        pytest.warns(UserWarning, match="numItermax"),
        pytest.raises(RuntimeError, match="raise max_iter above 3"),
    ):
        otg.solve_exact(C, max_iter=3)


@pytest.mark.parametrize("fault", ["plan", "potentials"])
def test_a_wrong_answer_of_the_simplex_is_not_passed_on(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    solve = ot.emd

    def wrong(a, b, C, **kwargs):
        plan, log = solve(a, b, C, **kwargs)
        if fault == "plan":
            plan = np.outer(a, b)
        else:
            log = {**log, "v": log["v"] + np.linspace(0, 1e-6, len(b))}
        return plan, log

    monkeypatch.setattr(ot, "emd", wrong)
    with pytest.raises(RuntimeError, match="plan and potentials of the network simplex disagree"):
        otg.solve_exact(np.random.default_rng(0).random((20, 20)))


def test_the_result_is_frozen_and_short_to_print() -> None:
    r = otg.solve_exact([[1.0, 2.0]])
    with pytest.raises(dataclasses.FrozenInstanceError):
        r.value = torch.tensor(0.0)  # type: ignore[misc]
    assert repr(r) == "ExactResult(value=1.5, plan=1 x 2)"


def test_inputs_are_left_as_they_were() -> None:
    rng = np.random.default_rng(0)
    for C in (rng.random((5, 6)), -rng.random((5, 6))):
        a, before = rng.dirichlet(np.ones(5)), C.copy()
        a_before = a.copy()
        otg.solve_exact(torch.from_numpy(C), torch.from_numpy(a))
        assert np.array_equal(C, before)
        assert np.array_equal(a, a_before)


def test_no_second_matrix_beside_costs_and_plan() -> None:
    # Python's own allocations (numpy's with them): the plan, and blocks that do not grow with n.
    # A copy of C anywhere would bring this to twice the size of C.
    n = 1500
    C = torch.rand(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    otg.solve_exact(C[:4, :4].contiguous())
    tracemalloc.start()
    otg.solve_exact(C)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 1.4 * C.numel() * 8
    assert np.shares_memory(exact._to_numpy(C), C.numpy())
