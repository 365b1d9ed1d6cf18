"""Statements of chapter 3: entropic transport.

Costs and masses of the random instances are of order one, eps is between a twentieth and ten times
that. The tolerances follow from the two routes, and were fixed before anything was run:

- 1e-12 where both sides are sums over the same few entries;
- 1e-9 where one side is a linear programme, a search for an optimum whose value is flat there, or
  Sinkhorn's iteration, stopped at a marginal error of 1e-11;
- 1e-6 where one side is a difference quotient;
- 1e-5 where one side is itself a limit: an observed rate.
"""

from __future__ import annotations

from math import cos, pi, sin, tanh

import torch
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._entropy import (
    TIGHT,
    best_semidual,
    dual,
    entropic_plan,
    kl,
    log_cosh,
    osc,
    primal,
    rounds,
    weighted_cov,
)
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, masses, points, problem
from otgen_lite.statements.registry import BOOK, statement

SIZES = [
    {"n": 1, "m": 4, "eps": 0.5},
    {"n": 3, "m": 3, "eps": 0.1},
    {"n": 6, "m": 11, "eps": 1.0},
    {"n": 15, "m": 8, "eps": 0.2},
    {"n": 20, "m": 31, "eps": 5.0},
]
SQUARE = [
    {"n": 4, "m": 5, "eps": 0.1},
    {"n": 8, "m": 6, "eps": 0.2},
    {"n": 12, "m": 12, "eps": 0.1},
    {"n": 20, "m": 15, "eps": 0.15},
    {"n": 25, "m": 30, "eps": 0.08},
]
NEEDLES = [
    {"theta": 0.3, "eps": 0.5},
    {"theta": 1.2, "eps": 0.1},
    {"theta": pi / 2, "eps": 0.3},
    {"theta": 2.4, "eps": 1.0},
    {"theta": 3.0, "eps": 10.0},
]
CLOUDS = [
    {"n": 5, "m": 4, "d": 1, "eps": 1.0},
    {"n": 10, "m": 12, "d": 2, "eps": 0.5},
    {"n": 20, "m": 15, "d": 2, "eps": 2.0},
    {"n": 25, "m": 25, "d": 3, "eps": 1.0},
    {"n": 30, "m": 20, "d": 6, "eps": 4.0},
]


@statement("prop-entropic-gap", chapter=3, source="peyre_2019", tol=1e-12, sizes=SIZES)
def entropic_gap(generator: Generator, n: int, m: int, eps: float) -> Sides:
    """primal - dual = eps KL(P | K) + what P and K differ in mass; for any plan and any prices."""
    C, f, g = problem(generator, n, m)  # numbers between 0 and 1 will do as prices
    P = torch.rand(n, m, generator=generator, dtype=torch.float64)
    P = P / P.sum()
    a, b = P.sum(dim=1), P.sum(dim=0)
    K = entropic_plan(f, g, C, eps, a, b)
    gap = primal(P, C, eps, a, b) - dual(f, g, C, eps, a, b)
    return gap, eps * (kl(P, K) - P.sum() + K.sum())


@statement("thm-entropic", chapter=3, source="peyre_2019", tol=1e-9, sizes=SIZES)
def entropic_duality(generator: Generator, n: int, m: int, eps: float) -> Sides:
    """Cost and entropy of Sinkhorn's plan = best semi-dual (quasi-Newton); its margins = a, b."""
    C, a, b = problem(generator, n, m)
    P = otg.solve_sinkhorn(C, eps, a, b, **TIGHT).plan
    lhs = [primal(P, C, eps, a, b)[None], P.sum(dim=1), P.sum(dim=0)]
    return torch.cat(lhs), torch.cat([a.new_tensor([best_semidual(C, eps, a, b)]), a, b])


@statement(
    "prop-soft-transform", chapter=3, source="peyre_2019",
    tol=1e-12, relation="<=", sizes=SIZES,
)  # fmt: skip
def soft_transform(generator: Generator, n: int, m: int, eps: float) -> Sides:
    """The rows fit; other prices f earn less; hard <= soft <= hard + eps log(1 / min b)."""
    C, a, b = problem(generator, n, m)
    g, other = points(generator, m, 1)[:, 0], points(generator, n, 1)[:, 0]
    f, hard = otg.c_transform(g, C, eps, b), otg.c_transform(g, C)
    rows = entropic_plan(f, g, C, eps, a, b).sum(dim=1)
    others = dual(f + 0.1 * other, g, C, eps, a, b)
    lhs = [rows, a, others[None], hard, f]
    return torch.cat(lhs), torch.cat(
        [a, rows, (a @ f + b @ g)[None], f, hard - eps * b.min().log()]
    )


@statement(
    "thm-sinkhorn", chapter=3, source="franklin_lorenz_1989",
    tol=1e-9, relation="<=", sizes=SQUARE,
)  # fmt: skip
def contraction(generator: Generator, n: int, m: int, eps: float) -> Sides:
    """Distance to the limit after each of six rounds <= tanh(Delta / 4 eps)^2 times the last."""
    C, a, b = problem(generator, n, m)
    _, best = otg.solve_sinkhorn(C, eps, a, b, **TIGHT).potentials
    crosswise = max(osc(C[i] - C[k]) for i in range(n) for k in range(n))
    g = 2 * points(generator, m, 1)[:, 0]
    steps = rounds(g, C, eps, a, b)
    away = torch.stack([osc(g - best), *(osc(next(steps) - best) for _ in range(6))])
    return away[1:], tanh(crosswise / (4 * eps)) ** 2 * away[:-1]


@statement("prop-sinkhorn-rate", chapter=3, source="knight_2008", tol=1e-5, sizes=SQUARE)
def observed_rate(generator: Generator, n: int, m: int, eps: float) -> Sides:
    """Factor of the slowest error in one more round = second singular value, squared."""
    C, a, b = problem(generator, n, m)
    P = otg.solve_sinkhorn(C, eps, a, b, **TIGHT).plan
    _, s, Vh = torch.linalg.svd(P / (a[:, None] * b).sqrt())
    slowest = b.sqrt() * Vh[1]
    steps = rounds(points(generator, m, 1)[:, 0], C, eps, a, b)
    g, later = next(steps), next(steps)
    while (later - g).abs().max() > 1e-8:
        g, later = later, next(steps)
    return slowest @ (next(steps) - later) / (slowest @ (later - g)), s[1] ** 2


@statement(
    "prop-entropic-limits", chapter=3, source="peyre_2019",
    tol=1e-9, relation="<=", sizes=SIZES,
)  # fmt: skip
def limits(generator: Generator, n: int, m: int, eps: float) -> Sides:
    """W <= <P, C> <= W_eps <= W + eps KL(P_0) <= W + eps H; and what a large eps leaves."""
    C, a, b = problem(generator, n, m)
    cheapest, r = otg.solve_exact(C, a, b), otg.solve_sinkhorn(C, eps, a, b, **TIGHT)
    product = a[:, None] * b
    W, entropy = cheapest.value, -torch.stack([(a * a.log()).sum(), (b * b.log()).sum()]).max()
    bound = W + eps * kl(cheapest.plan, product)
    chain = [W, r.linear, r.value, bound, W + eps * entropy]
    independent, spread = (product * C).sum(), osc(C)
    tv = (r.plan - product).abs().sum() / 2
    lhs = [*chain[:-1], r.value, independent - spread**2 / (8 * eps), tv]
    rhs = [*chain[1:], independent, r.value, spread / (2 * eps)]
    # Two instances at which a bound is all but sharp, so that a wrong constant would show.
    swap = 1 - torch.eye(2, dtype=torch.float64)
    far, hedged = 1 - torch.eye(n, dtype=torch.float64), otg.solve_sinkhorn(swap, 10.0, **TIGHT)
    apart = otg.solve_sinkhorn(far, 0.04, a, a, **TIGHT).value
    lhs += [0.5 - hedged.value, apart]
    rhs += [hedged.value.new_tensor(1 / 80), -0.04 * (a * a.log()).sum()]
    return torch.stack(lhs), torch.stack(rhs)


@statement("thm-entropic-smooth", chapter=3, source="houdard_2021", tol=1e-6, sizes=CLOUDS)
def smooth(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """Slopes in points, weights and eps = central differences of the value."""
    x, y, u = points(generator, n, d), points(generator, m, d), points(generator, n, d)
    a, b, v = masses(generator, n), masses(generator, m), masses(generator, n)

    def solved(t: float, s: float, r: float) -> otg.SinkhornResult:
        C = otg.cost_matrix(x + t * u, y)
        return otg.solve_sinkhorn(C, eps + r, a + s * (v - a), b, **TIGHT)

    best = solved(0, 0, 0)
    P, (f, _) = best.plan, best.potentials
    towards = 2 * (P.sum(dim=1, keepdim=True) * x - P @ y)  # sum_j P_ij 2 (x_i - y_j)
    slopes = [(towards * u).sum(), f @ (v - a), kl(P, a[:, None] * b)]
    h = 1e-4
    steps = [(h, 0, 0), (0, h, 0), (0, 0, h)]
    rises = [solved(*step).value - solved(*(-s for s in step)).value for step in steps]
    return torch.stack(slopes), torch.stack(rises) / (2 * h)


@statement("prop-needle", chapter=3, source=BOOK, tol=1e-9, sizes=NEEDLES)
def needle(_: Generator, theta: float, eps: float) -> Sides:
    """Linear programme and Sinkhorn, for a needle turned by theta; what they must be."""
    end = torch.tensor([[cos(theta), sin(theta)]], dtype=torch.float64)
    east = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    C = otg.cost_matrix(torch.cat([end, -end]), torch.cat([east, -east]))
    closed = [2 - 2 * abs(cos(theta)), 2 - eps * log_cosh(2 * cos(theta) / eps)]
    solved = [otg.solve_exact(C).value, otg.solve_sinkhorn(C, eps, **TIGHT).value]
    return torch.stack(solved), torch.tensor(closed, dtype=torch.float64)


@statement("prop-barycentric", chapter=3, source="pooladian_2021", tol=1e-9, sizes=CLOUDS)
def barycentric(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """T = x - grad f / 2, its slope = 2/eps Cov; mean of T(X), and the law of total variance."""
    x, y, new = points(generator, n, d), points(generator, m, d), points(generator, 1, d)[0]
    a, b = masses(generator, n), masses(generator, m)
    r = otg.solve_sinkhorn_points(x, y, eps, a=a, b=b, **TIGHT)

    def potential(z: Tensor) -> Tensor:
        return otg.c_transform(r.potentials[1], otg.cost_matrix(z[None], y), eps, b)[0]

    gradient = torch.func.jacrev(potential)(new)
    curvature = torch.func.jacrev(torch.func.jacrev(potential))(new)
    pi_new = torch.softmax((r.potentials[1] - (new - y).square().sum(1)) / eps + b.log(), dim=0)
    T, eye = r.barycentric(new[None])[0], torch.eye(d, dtype=torch.float64)
    lhs = [new - gradient / 2, (eye - curvature / 2).ravel(), a @ r.barycentric()]
    rhs = [T, (2 / eps * weighted_cov(pi_new, y)).ravel(), b @ y]
    within = _hedge(r.plan, a, y)
    lhs += [(weighted_cov(a, r.barycentric()) + within).ravel()]
    rhs += [weighted_cov(b, y).ravel()]
    return torch.cat(lhs), torch.cat(rhs)


@statement("cor-entropic-spread", chapter=3, source=BOOK, tol=1e-6, sizes=CLOUDS)
def spread(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """E Cov(Y | X), summed over the plan = eps/2 times the mean slope of T, by differences."""
    x, y = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    r = otg.solve_sinkhorn_points(x, y, eps, a=a, b=b, **TIGHT)
    step = 1e-4 * torch.eye(d, dtype=torch.float64)
    slopes = [a @ (r.barycentric(x + e) - r.barycentric(x - e)) / 2e-4 for e in step]
    return _hedge(r.plan, a, y), eps / 2 * torch.stack(slopes)


def _hedge(P: Tensor, a: Tensor, y: Tensor) -> Tensor:
    """E Cov(Y | X) for a plan P (n, m) with row sums a, and points y (m, d)."""
    given = P / a[:, None]  # P(j | i)
    return torch.stack([a[i] * weighted_cov(given[i], y) for i in range(len(a))]).sum(dim=0)


all_on_cpu(globals())
