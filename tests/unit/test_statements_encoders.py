"""The pieces behind chapter 8, on problems that can be solved by hand."""

from __future__ import annotations

from math import log, pi, sqrt

import pytest
import torch
from scipy.optimize import minimize

import otgen_lite as otg
from otgen_lite.statements import encoders as claims

HOME = torch.tensor([0, 0, 1])
B = torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64)
P = torch.tensor([[1 / 3, 0.0], [1 / 6, 1 / 6], [0.0, 1 / 3]], dtype=torch.float64)


def test_codes_of_one_place_are_added() -> None:
    assert claims.decoded(B, HOME).tolist() == [0.5, 0.5]


def test_the_glued_encoder_shares_out_in_the_proportion_of_the_prior() -> None:
    Q = claims.glued(P, B, HOME)
    halves = [[1 / 6, 1 / 6, 0], [1 / 12, 1 / 12, 1 / 6], [0, 0, 1 / 3]]
    assert torch.allclose(Q, torch.tensor(halves, dtype=torch.float64), atol=1e-15)
    assert torch.allclose(Q.sum(0), B, atol=1e-15)


def test_information_of_a_product_and_of_a_copy() -> None:
    a = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)
    assert claims.information(torch.outer(a, B)).item() == pytest.approx(0.0, abs=1e-15)
    assert claims.information(torch.diag(a)).item() == pytest.approx(1.5 * log(2), abs=1e-15)


def test_a_note_about_the_datum_is_information_beyond_the_place() -> None:
    one = torch.tensor([[1 / 4, 1 / 12, 0], [0, 1 / 6, 1 / 6], [0, 0, 1 / 3]], dtype=torch.float64)
    assert torch.allclose(one.sum(0), B, atol=1e-15)
    shared = claims.glued(P, B, HOME)
    assert claims.information(one) > claims.information(shared) + 0.01
    assert claims.information(shared).item() == pytest.approx(claims.information(P).item())


def test_pieces_are_laid_over_the_codes_of_their_place() -> None:
    y = torch.tensor([1.0, 0.0], dtype=torch.float64)
    b, home = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64), torch.tensor([0, 1, 0])
    start, length, code = claims.pieces(y, b, home)
    assert start.tolist() == pytest.approx([0.0, 0.3, 0.5])
    assert length.tolist() == pytest.approx([0.3, 0.2, 0.5])
    assert code.tolist() == pytest.approx([0.2, 0.0, 0.5])


def test_named_numbers() -> None:
    """The gap of a decoder that makes the data exactly, and what two codes miss."""
    g = torch.Generator()
    lhs, _ = claims.line(g, s=1.0, ell=0.8, sd=0.6)
    assert lhs[:5].tolist() == pytest.approx([0.0, 0.4, 0.4, 0.8, 0.4], abs=1e-9)
    assert otg.quantise_gaussian(2)[1].item() == pytest.approx(1 - 2 / pi, abs=1e-12)
    assert otg.quantise_gaussian(8)[1].item() == pytest.approx(0.054966, abs=1e-6)


def test_the_bound_of_a_constant_decoder_is_twice_the_variance() -> None:
    x = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    a = torch.tensor([0.5, 0.5], dtype=torch.float64)
    C = otg.cost_matrix(x, x)
    blind = a.expand(2, 2)
    assert otg.solve_exact(C @ blind.T, a, a).value.item() == pytest.approx(2.0, abs=1e-12)


def test_two_data_and_a_gaussian_prior_pay_for_determinism() -> None:
    """Data at -1 and 1, weight 100: the numbers of the chapter, by a fine prior."""
    t = torch.special.ndtri((torch.arange(2000, dtype=torch.float64) + 0.5) / 2000)
    lam, W, q = 100.0, 2 - 2 * sqrt(2 / pi), 1 - 2 / pi
    m = (1 + lam * sqrt(2 / pi)) / (1 + lam)  # the best code for the datum 1
    codes = torch.tensor([-m, m], dtype=torch.float64)
    value = (1 - m) ** 2 + lam * otg.wasserstein_1d(codes, t, 2).item()
    assert value == pytest.approx((lam * W + lam**2 * q) / (1 + lam), rel=2e-3)


@pytest.mark.parametrize("lam", [0.1, 1.0, 100.0, 1e4, 1e8])
def test_gaussian_encoders_lie_between_and_forget(lam: float) -> None:
    """Above all encoders, below deterministic ones and below the blind one, which costs 2."""
    free = lam / (1 + lam) * (2 - 2 * sqrt(2 / pi))
    value = claims.gaussian_price(lam)
    assert free < value < min(free + lam**2 / (1 + lam) * (1 - 2 / pi), 2.0)
    assert lam < 1e8 or value > 1.8


def test_a_search_over_two_free_gaussians_finds_no_better_pair() -> None:
    """By long lists of points, whose distance is off by a thousandth part at this weight."""
    lam, n = 100.0, 6400
    grid = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)

    def total(p: list[float]) -> float:
        q = torch.cat([p[0] + abs(p[1]) * grid, p[2] + abs(p[3]) * grid]).sort().values
        left = (q.reshape(n, 2) - grid[:, None]).square().mean()
        cost = (1 - p[0]) ** 2 + p[1] ** 2 + (1 + p[2]) ** 2 + p[3] ** 2
        return float(cost / 2 + lam * left)

    starts = ([0.9, 0.3, -0.2, 0.9], [0.5, 0.6, -0.5, 0.6], [0.1, 1.0, -1.0, 0.2])
    best = min(float(minimize(total, p, method="Nelder-Mead", tol=1e-7).fun) for p in starts)
    assert best == pytest.approx(claims.gaussian_price(lam), rel=1e-3)
