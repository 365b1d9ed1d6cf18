"""Statements of chapter 14: what each score of a generative model rewards.

Points of the random instances are of order one. The tolerances follow from the two routes, and
were fixed before anything was run:

- 1e-12 where both sides are a few hundred floating-point operations;
- 1e-9 where a side is a linear programme or a scalar search.

Where a statement holds an equality beside its bounds, both directions are among the pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import comb, floor
from typing import Any

import torch
from scipy.optimize import minimize_scalar
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements import _scores as by
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, masses, points
from otgen_lite.statements.registry import BOOK, statement

CLOUDS = [
    {"n": 2, "m": 3, "d": 1},
    {"n": 5, "m": 5, "d": 2},
    {"n": 12, "m": 9, "d": 3},
    {"n": 30, "m": 40, "d": 8},
    {"n": 7, "m": 20, "d": 1},
]
DRAWS = [
    {"n": 1, "k": 3, "p": 0.5},
    {"n": 2, "k": 2, "p": 0.3},
    {"n": 3, "k": 4, "p": 0.1},
    {"n": 5, "k": 3, "p": 0.7},
    {"n": 8, "k": 2, "p": 0.25},
]
CELLS = [
    {"n": 6, "k": 1, "d": 2},
    {"n": 10, "k": 3, "d": 1},
    {"n": 25, "k": 5, "d": 2},
    {"n": 40, "k": 8, "d": 5},
    {"n": 60, "k": 20, "d": 3},
]
MIXED = [
    {"n": 3, "i": 1, "j": 1},
    {"n": 4, "i": 1, "j": 2},
    {"n": 6, "i": 3, "j": 1},
    {"n": 2, "i": 2, "j": 3},
    {"n": 9, "i": 1, "j": 4},
]
IMAGES = [
    {"n": 3, "h": 4, "w": 4, "sd": 0.5},
    {"n": 5, "h": 8, "w": 8, "sd": 0.1},
    {"n": 4, "h": 5, "w": 9, "sd": 1.0},
    {"n": 6, "h": 12, "w": 7, "sd": 0.3},
    {"n": 8, "h": 8, "w": 6, "sd": 2.0},
]
STRAYS = [
    {"n": 4, "m": 1, "d": 1, "eps": 0.5},
    {"n": 6, "m": 3, "d": 2, "eps": 0.1},
    {"n": 10, "m": 5, "d": 3, "eps": 0.01},
    {"n": 3, "m": 4, "d": 8, "eps": 0.3},
    {"n": 12, "m": 12, "d": 2, "eps": 0.9},
]
TRAINED = [
    {"k": 3, "n": 2, "d": 1},
    {"k": 4, "n": 3, "d": 2},
    {"k": 3, "n": 5, "d": 2},
    {"k": 5, "n": 4, "d": 3},
    {"k": 2, "n": 6, "d": 1},
]
RUNS: list[dict[str, Any]] = [
    {"sizes": (1, 1)},
    {"sizes": (3, 3)},
    {"sizes": (2, 5)},
    {"sizes": (2, 2, 2)},
    {"sizes": (1, 2, 3)},
]


def centred(x: Tensor) -> tuple[Tensor, Tensor]:
    """Points around their mean, and their total variance."""
    x = x - x.mean(0)
    return x, x.square().sum(1).mean()


@statement("thm-table-shrink", chapter=14, source=BOOK, tol=1e-9, sizes=CLOUDS)
def shrink(generator: Generator, n: int, m: int, d: int) -> Sides:
    """W_2^2 at six scales, the best scale's value by search, and both at equal variance."""
    x, total = centred(points(generator, m, d))
    y, spread = centred(points(generator, n, d))
    y = y * (total / spread).sqrt()  # now an honest spread
    away = points(generator, 1, d)[0]

    def cost(t: float, by: float = 1.0) -> Tensor:  # of the model, scaled, to the data
        return otg.solve_exact(otg.cost_matrix(t * by * y, x + away)).value

    def formula(t: float, by: float) -> Tensor:
        plan = otg.solve_exact(otg.cost_matrix(y, x)).plan
        B = (plan * (y @ x.T)).sum() * by
        return away @ away + t**2 * by**2 * total - 2 * t * B + total

    scales = (0.0, 0.3, 0.7, 1.0, 1.4, 2.5)
    lhs = [cost(t, 1.3) for t in scales]
    rhs = [formula(t, 1.3) for t in scales]
    gap = cost(1.0) - away @ away
    found = minimize_scalar(lambda t: cost(t).item(), bounds=(0, 2), method="bounded").fun
    lhs += [cost(1.0 - gap.item() / (2 * total.item())), total.new_tensor(found)]
    best = cost(1.0) - gap**2 / (4 * total)
    return torch.stack(lhs), torch.stack([*rhs, best, best])


@statement("thm-table-tradeoff", chapter=14, source=BOOK, tol=1e-9, relation="<=", sizes=CLOUDS)
def tradeoff(generator: Generator, n: int, m: int, d: int) -> Sides:
    """(novelty r)^2 <= W_2^2, also of moved copies, where it is an equality for small moves."""
    train, samples = points(generator, m, d), points(generator, n, d)
    r = by.left_out(train).mean()
    step = points(generator, 1, d)[0]
    moved = train + 0.4 * by.left_out(train).min() * step / step.norm()
    lhs, rhs = [], []
    for x in (samples, 3 * samples, moved):
        lhs.append((otg.metrics.novelty(x, train) * r) ** 2)
        rhs.append(r.new_tensor(otg.metrics.w2sq(x, train)))
    return torch.stack([*lhs, rhs[-1]]), torch.stack([*rhs, lhs[-1]])


@statement("prop-table-floor", chapter=14, source=BOOK, tol=1e-9, relation="<=", sizes=DRAWS)
def sampling(generator: Generator, n: int, k: int, p: float) -> Sides:
    """E W_2^2 of n + 1 draws <= of n, over all draws; two atoms: enumeration = de Moivre."""
    y, w = points(generator, k, 2), masses(generator, k)
    less, more = by.expected_cost(y, w, n), by.expected_cost(y, w, n + 1)
    two = torch.tensor([[0.0], [3.0]], dtype=torch.float64)
    exact = by.expected_cost(two, two.new_tensor([1 - p, p]), n)
    v = floor(n * p) + 1
    formula = exact.new_tensor(9 * 2 / n * v * comb(n, v) * p**v * (1 - p) ** (n - v + 1))
    return torch.stack([more, exact, formula]), torch.stack([less, formula, exact])


@statement("prop-table-prototypes", chapter=14, source=BOOK, tol=1e-9, sizes=CELLS)
def prototypes(generator: Generator, n: int, k: int, d: int) -> Sides:
    """W_2^2 of weighted centres, by the simplex = mean nearest square = variance that is lost."""
    x = points(generator, n, d)
    some = points(generator, k, d)
    at = otg.cost_matrix(x, some)
    held = torch.bincount(at.argmin(1), minlength=k).double() / n
    kept = held > 0
    lhs = [otg.solve_exact(at[:, kept], b=held[kept]).value]
    rhs = [at.amin(1).mean()]
    centres, cell = by.lloyd(x, x[:k])
    share = torch.bincount(cell).double() / n
    lhs.append(otg.solve_exact(otg.cost_matrix(x, centres), b=share).value)
    rhs.append(centred(x)[1] - centred(centres[cell])[1])
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-table-mix", chapter=14, source=BOOK, tol=1e-9, relation="<=", sizes=MIXED)
def mixture(generator: Generator, n: int, i: int, j: int) -> Sides:
    """Scores of i copies of one sample and j of another, beside the mixed scores; MMD both ways."""
    one, two, data = torch.rand(3, n, 16, generator=generator, dtype=torch.float64)
    both, t = torch.cat([one] * i + [two] * j), j / (i + j)

    def mixed(score: Callable[[Tensor], float]) -> float:
        return (1 - t) * score(one) + t * score(two)

    def sharp(x: Tensor) -> float:
        return otg.metrics.sharpness(x.reshape(-1, 4, 4))

    def apart(x: Tensor) -> float:
        return otg.metrics.w2sq(x, data)

    def kernel(x: Tensor, other: Tensor = data) -> float:
        return otg.metrics.mmd(x, other, scale=1.5, statistic="v")

    bent = mixed(kernel) - t * (1 - t) * kernel(one, two)
    lhs = [apart(both), sharp(both), mixed(sharp), kernel(both), bent]
    rhs = [mixed(apart), mixed(sharp), sharp(both), bent, kernel(both)]
    return torch.tensor(lhs, dtype=torch.float64), torch.tensor(rhs, dtype=torch.float64)


@statement("prop-table-sharp", chapter=14, source=BOOK, tol=1e-12, sizes=IMAGES)
def sharp(generator: Generator, n: int, h: int, w: int, sd: float) -> Sides:
    """Sharpness with noise of variance sd^2, by 2hw equal draws; cell means and what they lose."""
    images = torch.rand(n, h, w, generator=generator, dtype=torch.float64)
    size = h * w
    steps = sd * size**0.5 * torch.eye(size, dtype=torch.float64).reshape(size, h, w)
    noise = torch.cat([steps, -steps])  # mean zero, covariance sd^2
    noisy = (images[:, None] + noise).flatten(0, 1)
    a, b = h - 2, w - 2
    c = 20 - (4 * (a + b) + 8) / (a * b) ** 2
    S = otg.metrics.sharpness
    cell = torch.arange(n) % 2
    mean = torch.stack([images[cell == k].mean(0) for k in range(2)])[cell]
    lhs = [S(noisy), S(images)]
    rhs = [S(images) + c * sd**2, S(mean) + S(images - mean)]
    return torch.tensor(lhs, dtype=torch.float64), torch.tensor(rhs, dtype=torch.float64)


@statement("prop-table-strays", chapter=14, source=BOOK, tol=1e-9, relation="<=", sizes=STRAYS)
def strays(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """MMD^2 of a share of strays, both ways; its bounds; and the two bounds of W_2^2."""
    data, away = points(generator, n, d), points(generator, m, d) + 4
    at = torch.cat([data, away])
    w = data.new_tensor([(1 - eps) / n] * n + [eps / m] * m)
    C = 2.0
    signed = w - data.new_tensor([1 / n] * n + [0.0] * m)
    squares = otg.cost_matrix(at, at)
    found = signed @ (C / (C + squares)) @ signed
    whole = found.new_tensor(otg.metrics.mmd(away, data, scale=C, statistic="v"))
    W = otg.solve_exact(squares[:, :n], w).value
    far = otg.cost_matrix(away, data)
    other = otg.solve_exact(far).value
    lhs = [found, eps**2 * whole, found, eps * far.min(), W, found]
    rhs = [eps**2 * whole, found, found * 0 + 2 * eps**2, W, eps * other, 2 * W / C]
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-table-novelty", chapter=14, source=BOOK, tol=1e-9, relation="<=", sizes=TRAINED)
def fresh(generator: Generator, k: int, n: int, d: int) -> Sides:
    """Distance of fresh data <= distance left out; both by all draws = integrals of tails."""
    y, p = points(generator, k, d), masses(generator, k)
    new, inside = by.by_draws(y, p, n)
    ahead, behind = by.by_radii(y, p, n), by.by_radii(y, p, n - 1)
    return torch.stack([new, new, ahead, inside, behind]), torch.stack(
        [inside, ahead, new, behind, inside]
    )


@statement("prop-table-seeds", chapter=14, source=BOOK, tol=1e-12, sizes=RUNS)
def by_chance(_: Generator, sizes: tuple[int, ...]) -> Sides:
    """Pairs of equal methods that all runs keep apart: over all orders = by binomials."""
    found, seen = by.separated(sizes)
    formula = sum(1 / comb(n + m, n) for n, m in permutations(sizes, 2))
    return torch.tensor(found / seen, dtype=torch.float64), torch.tensor(
        formula, dtype=torch.float64
    )


all_on_cpu(globals())
