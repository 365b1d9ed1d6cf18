"""The solvers behind chapter 10, on problems that can be solved by hand."""

from __future__ import annotations

from math import exp, log, pi, sqrt

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

import otgen_lite as otg
from otgen_lite.statements import _penalised as solvers
from otgen_lite.statements import penalised as claims
from otgen_lite.statements.kantorovich import problem

ONE = torch.ones(1, dtype=torch.float64)
HALF = torch.tensor([0.5, 0.5], dtype=torch.float64)
C = torch.tensor([[0.0, 1.0]], dtype=torch.float64)  # one image, two codes: W^0 = 0, W = 1/2


def played_against_half(lam: float) -> float:
    """min_p p + lam GAN((1 - p, p), (1/2, 1/2)): where its slope vanishes, p solves a quadratic."""
    r = exp(-1 / lam)  # = p (3/2 - p) / ((1 - p) (1/2 + p))
    linear = 1.5 - 0.5 * r
    p = r / (linear + sqrt(linear**2 - 2 * r * (1 - r)))
    shares = ((q, 0.5) for q in (1 - p, p))
    return p + lam * sum(q * log(2 * q / (q + b)) + b * log(2 * b / (q + b)) for q, b in shares)


@pytest.mark.parametrize("lam", [0.05, 0.5, 1.0, 3.0])
def test_one_image_and_two_codes(lam: float) -> None:
    closed = {
        "TV": min(lam / 2, 0.5),
        "KL": -lam * log((1 + exp(-1 / lam)) / 2),
        "GAN": played_against_half(lam),
    }
    for name in solvers.PENALTIES:

        def cost(p: float, name: str = name) -> float:
            return p + lam * solvers.penalty(name, np.array([1 - p, p]), HALF.numpy())

        searched = minimize_scalar(cost, bounds=(0, 1), method="bounded", options={"xatol": 1e-12})
        by_search = min(float(searched.fun), cost(0.0), cost(0.5))
        value, P = solvers.primal(C, ONE, HALF, lam, name)
        assert value == pytest.approx(by_search, abs=1e-9)
        assert value == pytest.approx(closed[name], abs=1e-9)
        assert value == pytest.approx(solvers.dual(C, ONE, HALF, lam, name), abs=1e-9)
        assert P.sum().item() == pytest.approx(1.0, abs=1e-12)


def test_total_variation_is_exact_from_the_oscillation_of_the_prices() -> None:
    assert solvers.exact_from(C, ONE, HALF, 0.5) == pytest.approx((1.0, 1.0), abs=1e-9)
    generator = torch.Generator().manual_seed(3)
    costs, a, b = problem(generator, 5, 7)
    W = otg.solve_exact(costs, a, b).value.item()
    weight, _ = solvers.exact_from(costs, a, b, W)
    below, at, above = claims.path(costs, a, b, [0.99 * weight, weight, 2 * weight], "TV")
    assert below < W - 1e-6
    assert at.item() == pytest.approx(W, abs=1e-9)
    assert above.item() == pytest.approx(W, abs=1e-9)


@pytest.mark.parametrize(("name", "kappa"), [("KL", 8), ("GAN", 4)])
def test_the_upper_bounds_of_what_is_missing_are_sharp(name: str, kappa: float) -> None:
    # The next term is of order 1 / lam^3: a relative difference of 1e-3 at lam = 30 is ample.
    value, _ = solvers.primal(C, ONE, HALF, 30.0, name)
    assert 30.0 * (0.5 - value) == pytest.approx(1 / kappa, rel=1e-3)


def test_penalties_at_equality_and_at_their_largest() -> None:
    b = np.array([0.25, 0.75])
    assert [solvers.penalty(name, b, b) for name in solvers.PENALTIES] == [0.0, 0.0, 0.0]
    apart = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert solvers.penalty("TV", *apart) == 1.0
    assert solvers.penalty("GAN", *apart) == pytest.approx(2 * log(2), abs=1e-15)
    # The game has no offset: at equality the best discriminator gets -1.386294.
    played, _ = claims.game(torch.Generator().manual_seed(0), m=5)
    assert played[1].item() == pytest.approx(-1.3862943611, abs=1e-10)


def test_the_plan_of_the_interior_point_method_is_an_encoder() -> None:
    costs, a, b = problem(torch.Generator().manual_seed(4), 6, 9)
    for name in solvers.SMOOTH:
        _, P = solvers.primal(costs, a, b, 0.3, name)
        assert torch.allclose(P.sum(dim=1), a, atol=1e-14, rtol=0)
        assert P.min() > 0
        # Bought codes are the cheapest, at the prices that the penalty makes. The value is known
        # to 1e-10 and is flat at its minimum, so these are known to the root of that, 1e-5.
        q = P.sum(dim=0)
        g = -0.3 * ((q / b).log() if name == "KL" else (2 * q / (q + b)).log())
        slack = costs - g - (costs - g).amin(dim=1, keepdim=True)
        assert (P * slack).sum() < 1e-5


def test_a_newton_step_solves_its_linear_system() -> None:
    rng = np.random.default_rng(0)
    n, m = 4, 7
    P, V, missing = rng.uniform(0.1, 1, (n, m)), rng.normal(size=(n, m)), rng.normal(size=n)
    w = 30 * rng.uniform(0.1, 1, (n, m))
    u = solvers.step(w, P, V, missing)
    hessian = np.eye(n * m)
    for j in range(m):
        hessian[j::m, j::m] += np.outer(w[:, j], w[:, j])
    rows = np.kron(np.eye(n), np.ones((1, m))) * P.ravel()
    system = np.block([[hessian, rows.T], [rows, np.zeros((n, n))]])
    dense = np.linalg.solve(system, np.append(V.ravel(), missing))
    np.testing.assert_allclose(u.ravel(), dense[: n * m], atol=1e-9, rtol=0)


def test_the_scalar_gaussian_has_its_known_value() -> None:
    lhs, rhs = claims.gauss_line(torch.Generator(), s=2.0, lam=2.0)
    assert lhs[0].item() / 2 == pytest.approx(0.181314, abs=1e-6)  # with half the squared cost
    assert torch.allclose(lhs, rhs, atol=1e-9)
    tau = (2 + sqrt(24)) / 10  # the root of 10 tau^2 - 4 tau - 2, where the slope vanishes
    assert lhs[0].item() == pytest.approx(1 - 2 * tau - 2 * log(tau), abs=1e-12)


def test_noise_through_a_distance() -> None:
    assert claims.smooth_distance(0.0, 0.3) == pytest.approx(0.3 * sqrt(2 / pi), abs=1e-15)
    assert claims.smooth_distance(5.0, 1e-3) == pytest.approx(5.0, abs=1e-12)
    assert claims.smooth_distance(-0.7, 0.4) == claims.smooth_distance(0.7, 0.4)
    draws = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sampled = (0.5 + 0.8 * draws).abs()
    error = 5 * sampled.std() / sqrt(len(draws))
    assert abs(sampled.mean() - claims.smooth_distance(0.5, 0.8)) < error
