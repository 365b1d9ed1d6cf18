"""Numbers that the book names, by a route that no page takes."""

from itertools import product
from math import log

import mpmath
import pytest
import torch

import otgen_lite as otg
from otgen_lite.statements import collapse, distances, kantorovich


@pytest.mark.parametrize("seed", range(6))
def test_ties_are_settled_as_well_as_they_can_be(seed):
    generator = torch.Generator().manual_seed(seed)
    _, a, b = kantorovich.problem(generator, 5, 3)
    allowed = torch.rand(5, 3, generator=generator) < 0.6
    allowed[:, seed % 3] = True
    hole = kantorovich.settle_ties(allowed, a, b)
    assert allowed[torch.arange(5), hole].all()

    def misplaced(hole):
        return (torch.zeros(3, dtype=torch.float64).index_add_(0, hole, a) - b).abs().sum() / 2

    choices = (row.nonzero()[:, 0].tolist() for row in allowed)
    best = min(misplaced(torch.tensor(map_)) for map_ in product(*choices))
    assert misplaced(hole) == pytest.approx(best.item(), abs=1e-9)


def test_the_ink_of_chapter_1_cannot_go_whole():
    """8.7 per cent are misplaced at least, at whichever best prices."""
    images, _ = otg.data.digits()
    (a, x), (b, y) = (otg.data.image_to_measure(images[k].double()) for k in (0, 6))
    C = otg.cost_matrix(x, y)
    best = otg.solve_exact(C, a, b)
    for _, g in (best.potentials, kantorovich.prices_of(best.plan, C)):
        slack = C - g - (C - g).amin(dim=1, keepdim=True)
        hole = kantorovich.settle_ties(slack < 1e-9, a, b)
        off = torch.zeros_like(b).index_add_(0, hole, a) - b
        assert off.abs().sum().item() / 2 == pytest.approx(0.0873683, abs=1e-6)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.3, 0.45])
def test_collapse_of_a_coin_has_a_closed_form(p):
    """The sub-Gaussian variance proxy of a coin is (1 - 2p) / (2 log((1 - p) / p))."""
    y = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    b = torch.tensor([1 - p, p], dtype=torch.float64)
    eps, u = collapse.best_alone(y, b)
    assert eps == pytest.approx((1 - 2 * p) / log((1 - p) / p), abs=1e-9)
    assert collapse.rate(u, y, b, eps).item() == pytest.approx(0.0, abs=1e-9)
    assert eps > 2 * p * (1 - p) + 1e-4  # stable under small spreads earlier than best of all


def test_the_triangle_and_the_outliers_of_chapter_3():
    triangle = torch.tensor([[0.0, 0.3], [0.0, 0.7], [0.5**0.5, 0.5]], dtype=torch.float64)
    third = torch.full((3,), 1 / 3, dtype=torch.float64)
    assert collapse.best_alone(triangle, third)[0] == pytest.approx(0.2404492, abs=1e-6)
    outliers = torch.tensor([[0.0], [1.0], [-1.0]], dtype=torch.float64)
    rare = torch.tensor([0.98, 0.01, 0.01], dtype=torch.float64)
    eps, _ = collapse.best_alone(outliers, rare)
    u = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
    u = u[u.abs() > 0.01]
    scan = 4 * torch.log(0.98 + 0.02 * u.cosh()) / u**2
    assert eps == pytest.approx(scan.max().item(), abs=1e-6)
    x = torch.tensor([[0.0], [0.9], [-0.9]], dtype=torch.float64)
    spread = torch.tensor([0.984, 0.008, 0.008], dtype=torch.float64)
    value = otg.solve_sinkhorn_points(x, outliers, 0.1, a=spread, b=rare, tol=1e-10).value
    assert value.item() == pytest.approx(0.01247, abs=1e-5)


def test_the_slope_of_js_between_far_bumps():
    """A difference quotient in thirty digits; in sixteen, JS is log 2 and has no slope."""
    with mpmath.workdps(30):
        s, h, theta = mpmath.mpf(1) / 10, mpmath.mpf(10) ** -10, mpmath.mpf(2)

        def below_log_2(at):
            def density(t):
                return mpmath.exp(-((t / s) ** 2) / 2) / (s * mpmath.sqrt(2 * mpmath.pi))

            def both(t):
                q, r = density(t), density(t - at)
                return (q * mpmath.log1p(r / q) + r * mpmath.log1p(q / r)) / 2

            # All but 1e-12 of the integral lies about half way.
            return mpmath.quad(both, mpmath.linspace(at / 2 - 3 * s, at / 2 + 3 * s, 13))

        slope = float((below_log_2(theta - h) - below_log_2(theta + h)) / (2 * h))
    assert slope == pytest.approx(1.1942e-21, rel=1e-4)
    assert distances.js_slope(2.0, 0.1).item() == pytest.approx(slope, rel=1e-8)
