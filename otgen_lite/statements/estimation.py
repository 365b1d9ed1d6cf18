"""Statements of chapter 5: minimum Kantorovich estimation, its gradient, and what batches do.

Points and parameters of the random instances are of order one. The tolerances follow from the two
routes, and were fixed before anything was run:

- 1e-12 where both sides are sums over all batches, 1e-9 where one is a linear programme or a
  quadrature;
- 1e-6 where a side is a central difference with step 1e-5 (its error is of order 1e-10 times a
  third derivative, and 1e-10 from rounding) and the other a derivative;
- 1e-4 for the share of directions, counted on 100,000 of them with six borders.
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._estimation import (
    TRIANGLE,
    acute,
    angles,
    bernoulli_loss,
    codes,
    corner_of,
    descent,
    difference,
    generated,
    landscape,
    mean_cost,
    missing_ties,
    order_statistics,
    rod_cost,
    rod_slope,
    rods,
    shrinkage,
    shrinkage_debiased,
    shrinkage_measured,
    standardised,
    tied_slopes,
    without_own,
)
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, masses, points
from otgen_lite.statements.registry import BOOK, statement
from otgen_lite.transport.inner_potential import inner_potential

__all__ = [
    "TRIANGLE",
    "bernoulli_loss",
    "codes",
    "descent",
    "landscape",
    "missing_ties",
    "rod_cost",
    "rod_slope",
    "rods",
    "shrinkage",
    "shrinkage_debiased",
    "shrinkage_measured",
]


RODS = [{"k": 1}, {"k": 2}, {"k": 5}, {"k": 20}, {"k": 50}]
CLOUDS = [
    {"n": 1, "d": 1, "p": 2.0},
    {"n": 4, "d": 2, "p": 2.0},
    {"n": 9, "d": 2, "p": 1.0},
    {"n": 16, "d": 3, "p": 2.0},
    {"n": 25, "d": 2, "p": 3.0},
]
SHIFTS = [{"n": 2}, {"n": 3}, {"n": 5}, {"n": 12}, {"n": 40}]
LINES = [
    {"m": 0.0, "s": 1.0, "m0": 0.0, "s0": 1.0},
    {"m": 1.0, "s": 0.5, "m0": -0.5, "s0": 2.0},
    {"m": -2.0, "s": 3.0, "m0": 1.0, "s0": 0.2},
    {"m": 0.3, "s": 0.1, "m0": 0.3, "s0": 1.0},
    {"m": 5.0, "s": 1.5, "m0": 4.0, "s0": 1.5},
]
LISTS = [
    {"k": 2, "d": 1, "p": 1.0},
    {"k": 3, "d": 1, "p": 2.0},
    {"k": 3, "d": 2, "p": 2.0},
    {"k": 4, "d": 2, "p": 1.0},
    {"k": 4, "d": 3, "p": 2.0},
]
COINS = [
    {"truth": 0.3, "theta": 0.3, "n": 1},
    {"truth": 0.3, "theta": 0.0, "n": 1},
    {"truth": 0.5, "theta": 0.2, "n": 2},
    {"truth": 0.1, "theta": 0.8, "n": 3},
    {"truth": 0.7, "theta": 0.6, "n": 3},
]
SCALES = [
    {"k": 2, "n": 2, "s": 1.0},
    {"k": 3, "n": 2, "s": 0.4},
    {"k": 3, "n": 3, "s": 1.7},
    {"k": 4, "n": 3, "s": 0.0},
    {"k": 5, "n": 2, "s": 2.5},
]


@statement("prop-mke-rod", chapter=5, source=BOOK, tol=1e-9, sizes=RODS)
def rod(generator: Generator, k: int) -> Sides:
    """Linear programme of a rod of 3k points = formula: anywhere, and where it is best."""
    y, z = points(generator, 3, 2), codes(3 * k)
    mean = y.mean(dim=0)
    sides = torch.stack([y[0] - y[1], y[1] - y[2], y[2] - y[0]])
    widest = sides[sides.norm(dim=1).argmax()]
    at = [(mean, 2 / 3 * widest), (mean, -2 / 3 * widest)]
    at += [tuple(points(generator, 2, 2)) for _ in range(4)]
    lhs, rhs = [], []
    for m, s in at:
        x = m + z[:, None] * s
        missing = (1 / 3 - z.square().mean()) * s.square().sum()  # finitely many points spread less
        lhs.append(otg.solve_exact(otg.cost_matrix(x, y)).value + missing)
        rhs.append(rod_cost(m, s, y))
    least = (y - mean).square().sum(dim=1).mean() - 4 / 27 * widest.square().sum()
    rhs[0], rhs[1] = least, least
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-mke-basins", chapter=5, source=BOOK, tol=1e-4, sizes=RODS)
def basins(generator: Generator, k: int) -> Sides:
    """End of descent by linear programmes = two thirds of a side; shares = angles over pi."""
    y = points(generator, 3, 2)
    while not acute(y):
        y = points(generator, 3, 2)
    starts = 0.5 * points(generator, k, 2)
    ends = descent(starts, y, lr=0.75, steps=40)[-1]
    along = starts @ y.T
    wanted = 2 / 3 * (y[along.argmax(dim=1)] - y[along.argmin(dim=1)])
    # A rod of 60 points has the second moment 1/3 - 1/(3 * 60^2): its bottoms lie further out.
    wanted = wanted / (1 - 1 / 3600)
    turn = (torch.arange(100_000, dtype=torch.float64) + 0.5) * (2 * pi / 100_000)
    order = (torch.stack([turn.cos(), turn.sin()], dim=1) @ y.T).argsort(dim=1)
    middle = torch.bincount(order[:, 1], minlength=3).double() / len(turn)
    return torch.cat([ends.flatten(), middle]), torch.cat([wanted.flatten(), angles(y) / pi])


@statement("thm-mke-gradient", chapter=5, source="genevay_2017", tol=1e-6, sizes=CLOUDS)
def both_formulas(generator: Generator, n: int, d: int, p: float) -> Sides:
    """Plan held still, inner potential held still = central difference of the optimal cost."""
    z, y = points(generator, n, d), points(generator, n, d)
    theta = points(generator, d + d * d, 1)[:, 0].requires_grad_()
    direction = points(generator, d + d * d, 1)[:, 0]

    def costs(at: Tensor) -> Tensor:
        return otg.cost_matrix(generated(at, z), y, "euclidean") ** p

    C = costs(theta)
    solved = otg.solve_exact(C.detach())
    by_plan = (solved.plan * C).sum()
    by_potential = (C - inner_potential(C, solved)).amin(dim=1).mean()
    found = [torch.autograd.grad(one, theta, retain_graph=True)[0] @ direction
             for one in (by_plan, by_potential)]  # fmt: skip
    with torch.no_grad():
        slope = difference(lambda at: otg.solve_exact(costs(at)).value, theta, direction)
    return torch.stack(found), torch.stack([slope, slope])


@statement("prop-mke-corner", chapter=5, source=BOOK, tol=1e-9, sizes=SHIFTS)
def corner(generator: Generator, n: int) -> Sides:
    """Kink of a corner under a shift = 2 (max y - min y) / n; its value is W; no kink inside."""
    x, y = (points(generator, n, 1)[:, 0].sort().values for _ in range(2))
    C, D = (x[:, None] - y).square(), 2 * (x[:, None] - y)
    solved = otg.solve_exact(C)
    f, g = corner_of(x, y, torch.rand(n - 1, generator=generator) < 0.5)
    left, right = tied_slopes(C, D, f, g)
    inner = inner_potential(C, solved)
    one, other = tied_slopes(C, D, otg.c_transform(inner, C), inner)
    slope = 2 * (x.mean() - y.mean())
    value = otg.c_transform(g, C).mean() + g.mean()
    lhs = torch.stack([left - right, value, one, other])
    return lhs, torch.stack([2 * (y[-1] - y[0]) / n, solved.value, slope, slope])


@statement("prop-mke-gauss", chapter=5, source=BOOK, tol=1e-6, sizes=LINES)
def gaussians(_: Generator, m: float, s: float, m0: float, s0: float) -> Sides:
    """Both formulas by Gauss-Hermite quadrature = central differences of the Bures formula."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    z, w = torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())
    x = (m + s * z).requires_grad_()
    # The potential x^2 - phi(x), where phi' / 2 is the map to the data: its derivative by autograd.
    potential = x.square() - 2 * m0 * x - s0 / s * (x - m).square()
    (h,) = torch.autograd.grad(potential.sum(), x)
    along = torch.stack([torch.ones_like(z), z])  # how points move with m and with s
    by_potential = along @ (w * h)
    y = m0 + s0 * z  # the partner in the plan, code by code
    by_plan = along @ (w * 2 * (x.detach() - y))

    def value(at: Tensor) -> Tensor:
        one = torch.ones(1, 1, dtype=torch.float64)
        return otg.bures_wasserstein(at[:1], at[1] ** 2 * one, m0 * one[0], s0**2 * one)

    theta = torch.tensor([m, s], dtype=torch.float64)
    slopes = torch.stack([difference(value, theta, e) for e in torch.eye(2, dtype=torch.float64)])
    return torch.cat([by_potential, by_plan]), torch.cat([slopes, slopes])


@statement(
    "prop-mke-batches", chapter=5, source=BOOK, tol=1e-9, relation="<=", sizes=LISTS
)  # fmt: skip
def batch_values(generator: Generator, k: int, d: int, p: float) -> Sides:
    """The cost of the laws <= its mean over all batches of 3 <= of 2 <= of 1."""
    x, y = points(generator, k, d), points(generator, k, d)
    a, b = masses(generator, k), masses(generator, k)
    W = otg.solve_exact(otg.cost_matrix(x, y, "euclidean") ** p, a, b).value
    three, two, one = (mean_cost(x, a, y, b, n, p) for n in (3, 2, 1))
    return torch.stack([W, three, two]), torch.stack([three, two, one])


@statement("prop-mke-coin", chapter=5, source="bellemare_2017", tol=1e-12, sizes=COINS)
def coins(_: Generator, truth: float, theta: float, n: int) -> Sides:
    """All batches of coins enumerated = binomial formula; batches of one = a straight line."""
    sides = torch.tensor([[0.0], [1.0]], dtype=torch.float64)

    def enumerated(q: float, size: int) -> Tensor:
        a, b = (torch.tensor([1 - t, t], dtype=torch.float64) for t in (q, truth))
        return mean_cost(sides, a, sides, b, size, p=1.0)

    lhs = torch.stack([enumerated(theta, n), enumerated(theta, 1)])
    line = truth * (1 - theta) + (1 - truth) * theta
    return lhs, torch.tensor([bernoulli_loss(theta, truth, n), line], dtype=torch.float64)


@statement("prop-mke-shrink", chapter=5, source=BOOK, tol=1e-9, sizes=SCALES)
def shrinking(generator: Generator, k: int, n: int, s: float) -> Sides:
    """Mean cost over all batches = s^2 + 1 - 2 s rho_n by order statistics; rho_n of three laws."""
    z, a = standardised(generator, k, 1)
    rho = order_statistics(z[:, 0], a, n).square().mean()
    harmonic = sum(1 / i for i in range(1, n + 1))
    normal = {2: 1 / pi, 3: 3 / (2 * pi)}[n]
    closed = [normal, (n - 1) / (n + 1), 1 - harmonic / n]
    found = [shrinkage(law, n) for law in ("normal", "uniform", "exponential")]
    lhs = torch.tensor([mean_cost(s * z, a, z, a, n), *found], dtype=torch.float64)
    return lhs, torch.tensor([s * s + 1 - 2 * s * rho, *closed], dtype=torch.float64)


@statement("prop-mke-debiased", chapter=5, source=BOOK, tol=1e-12, sizes=SCALES)
def second_batches(generator: Generator, k: int, n: int, s: float) -> Sides:
    """All batches, second ones subtracted = d rho_n (1 - s)^2; = means of order statistics."""
    z, a = standardised(generator, k, 2)
    own = mean_cost(z, a, z, a, n)
    rho = 1 - own / 4  # own = 2 d (1 - rho), d = 2
    x, y = points(generator, k, 1), points(generator, 3, 1)
    w, b = masses(generator, k), masses(generator, 3)
    apart = order_statistics(x[:, 0], w, n) - order_statistics(y[:, 0], b, n)
    lhs = [without_own(s * z, a, z, a, n), without_own(x, w, y, b, n)]
    return torch.stack(lhs), torch.stack([2 * rho * (1 - s) ** 2, apart.square().mean()])


all_on_cpu(globals())
