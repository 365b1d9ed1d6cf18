"""Statements of chapter 2: distances between distributions.

Points and masses of the random instances are of order one. The tolerances follow from the two
routes, and were fixed before anything was run:

- 1e-12 where both sides are sums over a plan;
- 1e-9 where one side is a linear programme, a matrix root, a p-th root of a small cost or sixty
  steps of descent: each loses a few digits of the sixteen, none loses seven.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb, factorial, log, pi, prod, sqrt

import torch
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import highs, masses, points
from otgen_lite.statements.registry import BOOK, statement

GLUED = [
    {"n": 1, "m": 1, "k": 1},
    {"n": 1, "m": 4, "k": 3},
    {"n": 5, "m": 3, "k": 7},
    {"n": 9, "m": 5, "k": 1},
    {"n": 12, "m": 15, "k": 10},
]
TRIPLES = [
    {"n": 2, "d": 1, "p": 1.0},
    {"n": 5, "d": 2, "p": 2.0},
    {"n": 8, "d": 3, "p": 1.0},
    {"n": 12, "d": 2, "p": 1.5},
    {"n": 30, "d": 10, "p": 2.0},
]
MOVED = [
    {"n": 1, "m": 1, "d": 1, "p": 1.0, "s": 2.0},
    {"n": 6, "m": 4, "d": 2, "p": 1.0, "s": 0.5},
    {"n": 10, "m": 10, "d": 3, "p": 2.0, "s": -1.5},
    {"n": 15, "m": 8, "d": 1, "p": 3.0, "s": 1.2},
    {"n": 20, "m": 25, "d": 9, "p": 2.0, "s": 0.1},
]
LINES = [
    {"n": 1, "m": 5, "p": 1.0},
    {"n": 4, "m": 4, "p": 2.0},
    {"n": 9, "m": 6, "p": 1.0},
    {"n": 20, "m": 31, "p": 3.0},
    {"n": 50, "m": 50, "p": 1.5},
]
AREAS = [{"n": size["n"], "m": size["m"]} for size in LINES]
CLOUDS = [
    {"n": 6, "d": 1},
    {"n": 20, "d": 2},
    {"n": 40, "d": 3},
    {"n": 60, "d": 5},
    {"n": 100, "d": 12},
]
DIMENSIONS = [{"d": 1}, {"d": 2}, {"d": 3}, {"d": 6}, {"d": 15}]
SAMPLES = [{"n": 2}, {"n": 5}, {"n": 20}, {"n": 100}, {"n": 400}]
SUPPORTS = [
    {"n": 1, "m": 1, "d": 1},
    {"n": 3, "m": 5, "d": 1},
    {"n": 8, "m": 6, "d": 2},
    {"n": 15, "m": 15, "d": 3},
    {"n": 20, "m": 30, "d": 8},
]
SETS = [{"n": 1}, {"n": 2}, {"n": 5}, {"n": 8}, {"n": 12}]
GRIDS = [
    {"n": 2, "h": 1.0},
    {"n": 5, "h": 0.5},
    {"n": 11, "h": 0.1},
    {"n": 21, "h": 0.05},
    {"n": 40, "h": 0.02},
]
PARALLELS = [
    {"n": 1, "d": 2, "theta": 1.0},
    {"n": 10, "d": 2, "theta": -0.3},
    {"n": 25, "d": 3, "theta": 1e-3},
    {"n": 40, "d": 5, "theta": 2.5},
    {"n": 30, "d": 2, "theta": 0.0},
]
CELLS = [
    {"n": 3, "m": 4, "d": 1, "p": 1.0, "cells": 1},
    {"n": 20, "m": 30, "d": 1, "p": 2.0, "cells": 10},
    {"n": 40, "m": 25, "d": 2, "p": 1.0, "cells": 4},
    {"n": 50, "m": 50, "d": 2, "p": 3.0, "cells": 8},
    {"n": 60, "m": 60, "d": 3, "p": 2.0, "cells": 3},
]
DRAWS = [
    {"n": 1, "k": 2},
    {"n": 12, "k": 2},
    {"n": 6, "k": 3},
    {"n": 5, "k": 4},
    {"n": 3, "k": 6},
]


def wasserstein(D: Tensor, a: Tensor, b: Tensor, p: float = 1.0) -> Tensor:
    """The distance W_p from a matrix of distances, by the linear programme."""
    return otg.solve_exact(D**p, a, b).value ** (1 / p)


def one_potential(C: Tensor, w: Tensor) -> float:
    """The largest sum of w_i f_i with f_i - f_j <= C_ij for all i and j, with HiGHS."""
    n = len(w)
    i, j = (~torch.eye(n, dtype=torch.bool)).nonzero(as_tuple=True)
    differences = torch.zeros(len(i), n, dtype=torch.float64)
    differences[torch.arange(len(i)), i] = 1.0
    differences[torch.arange(len(i)), j] = -1.0
    bounds = [(0, 0)] + [(None, None)] * (n - 1)  # f is free up to a constant: fix f_0 = 0
    limits = {"A_ub": differences.numpy(), "b_ub": C[i, j].numpy(), "bounds": bounds}
    return -float(highs(-w.numpy(), **limits).fun)


def on_union(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Weights 1/n on the points x and 1/m on the points y, over the union of both sets."""
    atoms, place = torch.unique(torch.cat([x, y]), dim=0, return_inverse=True)
    p, q = torch.zeros(2, len(atoms), dtype=torch.float64)
    p.index_add_(0, place[: len(x)], torch.full((len(x),), 1 / len(x), dtype=torch.float64))
    q.index_add_(0, place[len(x) :], torch.full((len(y),), 1 / len(y), dtype=torch.float64))
    return p, q


def tv_js_kl(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Total variation, Jensen-Shannon and Kullback-Leibler (nats) of weights on one set."""

    def kl(p: Tensor, q: Tensor) -> Tensor:
        s = p > 0
        return (p[s] * (p[s] / q[s]).log()).sum()

    m = (p + q) / 2
    return (p - q).abs().sum() / 2, (kl(p, m) + kl(q, m)) / 2, kl(p, q)


def js_slope(theta: float, width: float, n: int = 40_001) -> Tensor:
    """Slope in theta of JS between Gaussians of equal width at 0 and at theta > 0.

    It is half the integral of the slope of the density r times log(r / mean of both). In logarithms
    nothing cancels: the slope keeps its digits where JS itself is log 2 to all sixteen.
    """
    t = torch.linspace(-10 * width, theta + 10 * width, n, dtype=torch.float64)
    log_ratio = theta * (2 * t - theta) / (2 * width**2)  # of the density at theta to that at 0
    r = (-(((t - theta) / width) ** 2) / 2).exp() / (width * sqrt(2 * pi))
    below_log_2 = torch.nn.functional.softplus(-log_ratio)
    return -torch.trapezoid(r * (t - theta) / width**2 * below_log_2, t) / 2


def spd(generator: Generator, d: int) -> Tensor:
    """A random symmetric positive definite matrix (d, d)."""
    B = points(generator, d, d)
    return B @ B.T / d + 0.1 * torch.eye(d, dtype=torch.float64)


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of points of weight 1/n each."""
    z = x - x.mean(0)
    return x.mean(0), z.T @ z / len(x)


def counts_of(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """All ways in which n draws can fall into k bins."""
    if k == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in counts_of(n - first, k - 1):
            yield (first, *rest)


@statement("lem-gluing", chapter=2, source="villani_2009", tol=1e-12, sizes=GLUED)
def gluing(generator: Generator, n: int, m: int, k: int) -> tuple[Tensor, Tensor]:
    """Forget the third point of the glued law, or the first: P and Q come back."""
    a, b, w = masses(generator, n), masses(generator, m), masses(generator, k)
    P = otg.solve_exact(points(generator, n, m), a, b).plan
    Q = otg.solve_exact(points(generator, m, k), b, w).plan
    J = P[:, :, None] * Q[None, :, :] / b[None, :, None]
    lhs = torch.cat([J.sum(dim=2).ravel(), J.sum(dim=0).ravel()])
    return lhs, torch.cat([P.ravel(), Q.ravel()])


@statement("thm-metric", chapter=2, source="villani_2009", tol=1e-9, relation="<=", sizes=TRIPLES)
def metric(generator: Generator, n: int, d: int, p: float) -> tuple[Tensor, Tensor]:
    """direct <= glued <= detour; backwards <= forwards; and what a difference costs at least."""
    x = points(generator, n, d)
    D = otg.cost_matrix(x, x, "euclidean")
    noise = torch.rand(3, n, generator=generator, dtype=torch.float64)
    leaning = torch.outer(torch.tensor([-2.0, 0.0, 2.0], dtype=torch.float64), x[:, 0])
    a, b, c = torch.softmax(noise + leaning, dim=1)  # b lies between a and c: costs would fail
    P, Q = otg.solve_exact(D**p, a, b).plan, otg.solve_exact(D**p, b, c).plan
    glued = ((P / b) @ Q * D**p).sum() ** (1 / p)
    direct, forwards, backwards = (wasserstein(D, *pair, p) for pair in ((a, c), (a, b), (b, a)))
    detour = forwards + wasserstein(D, b, c, p)
    at_least = D[D > 0].min() * (a - b).clamp(min=0).sum() ** (1 / p)
    # Two places only: there the lower bound is sharp, and a wrong constant would show.
    pair = wasserstein(D[:2, :2], a[:2] / a[:2].sum(), b[:2] / b[:2].sum(), p)
    moved = (a[0] / a[:2].sum() - b[0] / b[:2].sum()).abs()
    lhs = torch.stack([direct, glued, backwards, at_least, D[0, 1] * moved ** (1 / p)])
    return lhs, torch.stack([glued, detour, forwards, forwards, pair])


@statement("prop-moving", chapter=2, source="peyre_2019", tol=1e-9, sizes=MOVED)
def moving(
    generator: Generator, n: int, m: int, d: int, p: float, s: float
) -> tuple[Tensor, Tensor]:
    """A stretch and a shift of both clouds; the means taken apart."""
    x, y, v = points(generator, n, d), points(generator, m, d) + 1, points(generator, 1, d)
    a, b = masses(generator, n), masses(generator, m)

    def cost(x: Tensor, y: Tensor, p: float) -> Tensor:
        return otg.solve_exact(otg.cost_matrix(x, y, "euclidean") ** p, a, b).value

    mx, my = a @ x, b @ y
    lhs = [cost(s * x + v, s * y + v, p), cost(x, y, 2)]
    rhs = [abs(s) ** p * cost(x, y, p), (mx - my).square().sum() + cost(x - mx, y - my, 2)]
    return torch.stack(lhs), torch.stack(rhs)


@statement("thm-line", chapter=2, source="villani_2003", tol=1e-9, sizes=LINES)
def line(generator: Generator, n: int, m: int, p: float) -> tuple[Tensor, Tensor]:
    """The linear programme, and the gap between two quantile functions."""
    x, y = points(generator, n, 1), 0.5 + 2 * points(generator, m, 1)
    a, b = masses(generator, n), masses(generator, m)
    programme = otg.solve_exact((x - y.T).abs() ** p, a, b).value
    return programme, otg.wasserstein_1d(x[:, 0], y[:, 0], p, a, b)


@statement("cor-cdf", chapter=2, source="vallender_1974", tol=1e-9, sizes=AREAS)
def cdf_area(generator: Generator, n: int, m: int) -> tuple[Tensor, Tensor]:
    """The linear programme for |x - y|, and the area between two distribution functions."""
    x, y = points(generator, n, 1), 0.5 + 2 * points(generator, m, 1)
    a, b = masses(generator, n), masses(generator, m)
    t, order = torch.cat([x, y])[:, 0].sort()
    F_minus_G = torch.cat([a, -b])[order].cumsum(0)
    area = (F_minus_G[:-1].abs() * t.diff()).sum()
    return otg.solve_exact((x - y.T).abs(), a, b).value, area


@statement("thm-bures", chapter=2, source="dowson_landau_1982", tol=1e-9, sizes=CLOUDS)
def bures(generator: Generator, n: int, d: int) -> tuple[Tensor, Tensor]:
    """A cloud and its image under x -> m + A (x - mean): the linear programme, and the formula."""
    x = points(generator, n, d)
    A, m = spd(generator, d), points(generator, 1, d)
    y = m + (x - x.mean(0)) @ A
    programme = otg.solve_exact(otg.cost_matrix(x, y)).value
    return programme, otg.bures_wasserstein(*moments(x), *moments(y))


@statement("cor-gelbrich", chapter=2, source="gelbrich_1990", tol=1e-9, relation="<=", sizes=CLOUDS)
def gelbrich(generator: Generator, n: int, d: int) -> tuple[Tensor, Tensor]:
    """The formula never exceeds the cost between two clouds that are not Gaussian at all."""
    x = points(generator, n, d) ** 3
    y = torch.rand(n, d, generator=generator, dtype=torch.float64).round() + 1
    programme = otg.solve_exact(otg.cost_matrix(x, y)).value
    return otg.bures_wasserstein(*moments(x), *moments(y)), programme


@statement("prop-commuting", chapter=2, source="bhatia_2019", tol=1e-9, sizes=DIMENSIONS)
def commuting(generator: Generator, d: int) -> tuple[Tensor, Tensor]:
    """Common axes: deviations one by one. Others: by 2 (nuclear norm - trace) of a product less."""
    axes = torch.linalg.qr(points(generator, d, d)).Q
    s1, s2 = 0.2 + torch.rand(2, d, generator=generator, dtype=torch.float64)
    m1, m2 = points(generator, 2, d)
    S1, S2 = axes * s1**2 @ axes.T, axes * s2**2 @ axes.T
    by_axes = (m1 - m2).square().sum() + (s1 - s2).square().sum()
    A, B = spd(generator, d), spd(generator, d)  # roots of two covariances that do not commute
    product = B @ A
    excess = 2 * (torch.linalg.svdvals(product).sum() - product.trace())
    turned = otg.bures_wasserstein(m1, A @ A, m1, B @ B)
    lhs = torch.stack([otg.bures_wasserstein(m1, S1, m2, S2), turned, excess.clamp(max=0)])
    roots = (A - B).square().sum()
    return lhs, torch.stack([by_axes, roots - excess, torch.zeros_like(roots)])


@statement("thm-kr", chapter=2, source="kantorovich_rubinstein_1958", tol=1e-9, sizes=SUPPORTS)
def kantorovich_rubinstein(generator: Generator, n: int, m: int, d: int) -> tuple[Tensor, float]:
    """The best plan (network simplex), and the best 1-Lipschitz function (HiGHS)."""
    x, y = points(generator, n, d), 0.5 + points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    primal = otg.solve_exact(otg.cost_matrix(x, y, "euclidean"), a, b).value
    z = torch.cat([x, y])
    return primal, one_potential(otg.cost_matrix(z, z, "euclidean"), torch.cat([a, -b]))


@statement("prop-tv", chapter=2, source="villani_2009", tol=1e-9, sizes=SETS)
def zero_one(generator: Generator, n: int) -> tuple[Tensor, Tensor]:
    """The best plan for the cost [x != y], the best critic, and the best of all 2^n sets."""
    q, r = masses(generator, n), masses(generator, n)
    C = 1 - torch.eye(n, dtype=torch.float64)
    plan = otg.solve_exact(C, q, r).value
    critic = plan.new_tensor(one_potential(C, q - r))
    sets = torch.cartesian_prod(*n * [torch.tensor([0.0, 1.0], dtype=torch.float64)])
    best_set = (sets.reshape(-1, n) @ (q - r)).max()
    tv = (q - r).abs().sum() / 2
    return torch.stack([plan, critic, best_set]), tv.expand(3)


@statement("prop-collapse", chapter=2, source=BOOK, tol=1e-9, sizes=GRIDS)
def collapse(generator: Generator, n: int, h: float) -> tuple[float, Tensor]:
    """One potential for the squared cost on a grid of step h: only h W_1 is left."""
    x = h * torch.arange(n, dtype=torch.float64)
    a, b = masses(generator, n), masses(generator, n)
    C = otg.cost_matrix(x[:, None], x[:, None])
    return one_potential(C, a - b), h * otg.wasserstein_1d(x, x, 1, a, b)


@statement("prop-lines", chapter=2, source="arjovsky_2017", tol=1e-9, sizes=PARALLELS)
def parallel_lines(generator: Generator, n: int, d: int, theta: float) -> tuple[Tensor, Tensor]:
    """W_1, W_2, total variation, JS and exp(-KL) of two parallel lines; what they must be."""
    z = torch.rand(n, d - 1, generator=generator, dtype=torch.float64)
    x, y = torch.nn.functional.pad(z, (1, 0)), torch.nn.functional.pad(z, (1, 0), value=theta)
    W1 = otg.solve_exact(otg.cost_matrix(x, y, "euclidean")).value
    W2 = otg.solve_exact(otg.cost_matrix(x, y)).value.sqrt()
    tv, js, kl = tv_js_kl(*on_union(x, y))
    apart = float(theta != 0)
    closed = [abs(theta), abs(theta), apart, apart * log(2), 1 - apart]
    return torch.stack([W1, W2, tv, js, torch.exp(-kl)]), torch.tensor(closed, dtype=torch.float64)


@statement("thm-weak", chapter=2, source="villani_2009", tol=1e-9, relation="<=", sizes=CELLS)
def weak(
    generator: Generator, n: int, m: int, d: int, p: float, cells: int
) -> tuple[Tensor, Tensor]:
    """A 3-Lipschitz test <= 3 W_1 <= 3 W_p, and W_p^p <= what masses of small cells allow."""
    x, y = torch.rand(n + m, d, generator=generator, dtype=torch.float64).split([n, m])
    a, b = masses(generator, n), masses(generator, m)
    D = otg.cost_matrix(x, y, "euclidean")
    anchors = torch.rand(5, d, generator=generator, dtype=torch.float64)
    phi_x, phi_y = (3 * otg.cost_matrix(z, anchors, "euclidean").amin(dim=1) for z in (x, y))
    excess = torch.zeros(cells**d, dtype=torch.float64)
    number = cells ** torch.arange(d)  # of a cell, from its row, column, ...
    excess.index_add_(0, (x * cells).long() @ number, a)
    excess.index_add_(0, (y * cells).long() @ number, -b)
    h, diameter = sqrt(d) / cells, sqrt(d)
    W1, Wp = wasserstein(D, a, b), wasserstein(D, a, b, p)
    lhs = [(a @ phi_x - b @ phi_y).abs(), W1, Wp**p]
    rhs = [3 * W1, Wp, h**p + diameter**p * excess.clamp(min=0).sum()]
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-floor", chapter=2, source=BOOK, tol=1e-9, relation="<=", sizes=DRAWS)
def sampling_floor(generator: Generator, n: int, k: int) -> tuple[Tensor, Tensor]:
    """Mean of W_1(sample, law): a programme for every possible sample, binomials, a bound."""
    t, b = points(generator, k, 1).sort(dim=0).values, masses(generator, k)
    by_programmes = torch.zeros((), dtype=torch.float64)
    for counts in counts_of(n, k):
        seen = torch.tensor(counts, dtype=torch.float64)
        chance = factorial(n) / prod(map(factorial, counts)) * (b**seen).prod()
        by_programmes += chance * otg.solve_exact((t - t.T).abs(), seen / n, b).value
    F, gaps = b.cumsum(0)[:-1], t[:, 0].diff()
    chances = [comb(n, s) * F**s * (1 - F) ** (n - s) for s in range(n + 1)]
    binomial = sum(chance * (s / n - F).abs() for s, chance in enumerate(chances))
    by_binomials = (gaps * binomial).sum()
    bound = (gaps * (F * (1 - F) / n).sqrt()).sum()
    lhs = torch.stack([by_programmes, by_binomials, by_binomials])
    return lhs, torch.stack([by_binomials, by_programmes, bound])


@statement("prop-qq", chapter=2, source=BOOK, tol=1e-9, sizes=SAMPLES)
def qq(generator: Generator, n: int) -> tuple[Tensor, Tensor]:
    """End of descent on W_2^2 and what it leaves = regression of sorted data on sorted noise."""
    z = torch.rand(n, generator=generator, dtype=torch.float64)
    z = (z - z.mean()) / z.std(correction=0)
    y = 2 + points(generator, n, 1)[:, 0].exp()
    theta = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for _ in range(60):
        theta.requires_grad_()
        (slope,) = torch.autograd.grad(otg.wasserstein_1d(theta[0] + theta[1] * z, y, p=2), theta)
        theta = theta.detach() - 0.25 * slope
    left = otg.wasserstein_1d(theta[0] + theta[1] * z, y, p=2)
    scale = (z.sort().values * (y.sort().values - y.mean())).mean()
    return torch.cat([theta, left[None]]), torch.stack(
        [y.mean(), scale, y.var(correction=0) - scale**2]
    )


all_on_cpu(globals())
