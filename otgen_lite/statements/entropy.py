"""Statements of chapter 3: entropic transport.

Costs and masses of the random instances are of order one, eps is between a twentieth and ten times
that. The tolerances follow from the two routes, and were fixed before anything was run:

- 1e-12 where both sides are sums over the same few entries;
- 1e-9 where one side is a linear programme, a search for an optimum whose value is flat there, or
  Sinkhorn's iteration, stopped at a marginal error of 1e-11;
- 1e-6 where one side is a difference quotient, or a sum over a grid that stands for an integral
  and is cut off at seven standard deviations;
- 1e-5 where one side is itself a limit: an observed rate, the place of a zero of a slope, a second
  difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import cos, exp, log, log1p, pi, sin, sqrt, tanh
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq, minimize
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.distances import spd
from otgen_lite.statements.kantorovich import Sides, masses, points, problem
from otgen_lite.statements.registry import statement

BOOK = "this book"

#: How far Sinkhorn's iteration is driven where its result is one side of a statement.
TIGHT: dict[str, Any] = {"tol": 1e-11, "max_iter": 200_000}

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
GAUSSIANS = [
    {"d": 1, "eps": 0.5},
    {"d": 1, "eps": 3.0},
    {"d": 2, "eps": 1.0},
    {"d": 3, "eps": 0.2},
    {"d": 5, "eps": 2.0},
]
SPREADS = [
    {"b": 1.0, "eps": 0.4},
    {"b": 1.0, "eps": 1.6},
    {"b": 2.0, "eps": 3.0},
    {"b": 0.6, "eps": 0.5},
    {"b": 0.5, "eps": 0.7},
]
DIVERGENCES = [
    {"n": 1, "m": 3, "d": 1, "eps": 0.3, "cost": "sqeuclidean"},
    {"n": 8, "m": 6, "d": 2, "eps": 0.5, "cost": "euclidean"},
    {"n": 12, "m": 15, "d": 2, "eps": 2.0, "cost": "sqeuclidean"},
    {"n": 20, "m": 20, "d": 3, "eps": 0.4, "cost": "euclidean"},
    {"n": 25, "m": 10, "d": 5, "eps": 5.0, "cost": "sqeuclidean"},
]


def entropic_plan(f: Tensor, g: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Tensor:
    """K_ij = a_i b_j exp((f_i + g_j - C_ij) / eps)."""
    return a[:, None] * b * ((f[:, None] + g - C) / eps).exp()


def kl(P: Tensor, Q: Tensor) -> Tensor:
    """Sum of P log(P / Q), with 0 log 0 = 0."""
    return torch.special.xlogy(P, P / Q).sum()


def primal(P: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Tensor:
    """<P, C> + eps KL(P | a b^T)."""
    return (P * C).sum() + eps * kl(P, a[:, None] * b)


def dual(f: Tensor, g: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Tensor:
    """What the prices f and g earn, and a bonus or a fine: eps (1 - the mass of K)."""
    return a @ f + b @ g + eps * (1 - entropic_plan(f, g, C, eps, a, b).sum())


def osc(values: Tensor) -> Tensor:
    """Oscillation: the largest entry less the smallest."""
    return values.max() - values.min()


def rounds(g: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Sinkhorn's iteration: the prices g after 1, 2, 3, ... rounds, without end."""
    while True:
        f = otg.c_transform(g, C, eps, b)
        g = otg.c_transform(f, C.T, eps, a)
        yield g


def best_semidual(C: Tensor, eps: float, a: Tensor, b: Tensor) -> float:
    """The largest value of the soft semi-dual, by a quasi-Newton method on g."""

    def descent(g: np.ndarray) -> tuple[float, np.ndarray]:
        prices = torch.from_numpy(g).requires_grad_()
        loss = -(a @ otg.c_transform(prices, C, eps, b) + b @ prices)
        (slope,) = torch.autograd.grad(loss, prices)
        return loss.item(), slope.numpy()

    precise = {"maxiter": 10_000, "maxfun": 20_000, "ftol": 0.0, "gtol": 1e-10}
    start = np.zeros(len(b))
    return -float(minimize(descent, start, jac=True, method="L-BFGS-B", options=precise).fun)


def normal_grid(n: int, reach: float = 7.0) -> tuple[Tensor, Tensor]:
    """A grid of n points, and weights on it that stand for the standard normal law."""
    z = torch.linspace(-reach, reach, n, dtype=torch.float64)
    return z, torch.softmax(-(z**2) / 2, dim=0)


def flat_scale(loss: Callable[[Tensor], Tensor], low: float, high: float) -> float:
    """The scale s at which the slope of a loss changes its sign; 0 if it only rises."""

    def slope(s: float) -> float:
        scale = torch.tensor(s, dtype=torch.float64, requires_grad=True)
        (value,) = torch.autograd.grad(loss(scale), scale)
        return float(value)

    return 0.0 if slope(low) >= 0 else float(brentq(slope, low, high, xtol=1e-8))


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
    """Distance to the limit after each of six rounds <= tanh(D / 4 eps)^2 times that before it."""
    C, a, b = problem(generator, n, m)
    _, best = otg.solve_sinkhorn(C, eps, a, b, **TIGHT).potentials
    D = max(osc(C[i] - C[k]) for i in range(n) for k in range(n))
    g = 2 * points(generator, m, 1)[:, 0]
    steps = rounds(g, C, eps, a, b)
    away = torch.stack([osc(g - best), *(osc(next(steps) - best) for _ in range(6))])
    return away[1:], tanh(D / (4 * eps)) ** 2 * away[:-1]


@statement("prop-sinkhorn-rate", chapter=3, source="knight_2008", tol=1e-5, sizes=SQUARE)
def observed_rate(generator: Generator, n: int, m: int, eps: float) -> Sides:
    """What one more round leaves of the slowest error = second singular value, squared."""
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


def log_cosh(t: float) -> float:
    """log cosh t, also where cosh t is too large for a float."""
    return abs(t) + log1p(exp(-2 * abs(t))) - log(2)


@statement("prop-barycentric", chapter=3, source="pooladian_2021", tol=1e-9, sizes=CLOUDS)
def barycentric(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """T = x - grad f / 2, DT = 2/eps Cov; what T keeps of mean and variance, and what it loses."""
    x, y, new = points(generator, n, d), points(generator, m, d), points(generator, 1, d)[0]
    a, b = masses(generator, n), masses(generator, m)
    r = otg.solve_sinkhorn_points(x, y, eps, a=a, b=b, **TIGHT)

    def potential(z: Tensor) -> Tensor:
        return otg.c_transform(r.potentials[1], otg.cost_matrix(z[None], y), eps, b)[0]

    def mapped(z: Tensor) -> Tensor:
        share = (r.potentials[1] - (z - y).square().sum(dim=1)) / eps + b.log()
        return torch.softmax(share, dim=0) @ y

    gradient = torch.func.jacrev(potential)(new)
    curvature = torch.func.jacrev(torch.func.jacrev(potential))(new)
    pi_new = torch.softmax((r.potentials[1] - (new - y).square().sum(1)) / eps + b.log(), dim=0)
    T, eye = r.barycentric(new[None])[0], torch.eye(d, dtype=torch.float64)
    lhs = [new - gradient / 2, (eye - curvature / 2).ravel(), a @ r.barycentric()]
    rhs = [T, (2 / eps * weighted_cov(pi_new, y)).ravel(), b @ y]
    given = r.plan / a[:, None]  # P(j | i)
    within = torch.stack([a[i] * weighted_cov(given[i], y) for i in range(n)]).sum(dim=0)
    slopes = torch.stack([a[i] * torch.func.jacrev(mapped)(x[i]) for i in range(n)]).sum(dim=0)
    lhs += [(weighted_cov(a, r.barycentric()) + within).ravel(), within.ravel()]
    rhs += [weighted_cov(b, y).ravel(), (eps / 2 * slopes).ravel()]
    return torch.cat(lhs), torch.cat(rhs)


def weighted_cov(w: Tensor, y: Tensor) -> Tensor:
    """Covariance (d, d) of points y (m, d) of weights w."""
    centred = y - w @ y
    return (w[:, None] * centred).T @ centred


@statement("thm-entropic-gauss", chapter=3, source="janati_2020", tol=1e-6, sizes=GAUSSIANS)
def entropic_gauss(generator: Generator, d: int, eps: float) -> Sides:
    """The theorem = best cross-covariance (quasi-Newton) = Sinkhorn on a grid, on the line."""
    (m1, m2), S1, S2 = points(generator, 2, d), spd(generator, d), spd(generator, d)
    C1, C2 = torch.linalg.cholesky(S1), torch.linalg.cholesky(S2)
    fixed = (m1 - m2).square().sum() + S1.trace() + S2.trace()

    def loss(entries: np.ndarray) -> tuple[float, np.ndarray]:
        A = torch.from_numpy(entries).reshape(d, d).requires_grad_()
        gram = torch.eye(d, dtype=torch.float64) + A.T @ A
        root = torch.linalg.cholesky(gram)
        R = torch.linalg.solve_triangular(root, A.T, upper=False).T  # any matrix of norm below 1
        value = fixed - 2 * (C1 @ R @ C2.T).trace() + eps / 2 * torch.logdet(gram)
        (slope,) = torch.autograd.grad(value, A)
        return value.item(), slope.numpy().ravel()

    start = 0.1 * np.eye(d).ravel()
    precise = {"maxiter": 1000, "ftol": 0.0, "gtol": 1e-10}
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options=precise).fun
    (zx, a), (zy, b) = normal_grid(150), normal_grid(161)
    x, y = m1[0] + S1[0, 0].sqrt() * zx, m2[0] + S2[0, 0].sqrt() * zy
    grid = otg.solve_sinkhorn_points(x[:, None], y[:, None], eps, a=a, b=b, **TIGHT).value
    first = otg.entropic_gaussian(m1[:1], S1[:1, :1], m2[:1], S2[:1, :1], eps)
    whole = otg.entropic_gaussian(m1, S1, m2, S2, eps)
    lhs = torch.stack([gauss_formula(m1, S1, m2, S2, eps), whole, first])
    return lhs, torch.stack([whole, torch.tensor(float(best), dtype=torch.float64), grid])


def gauss_formula(m1: Tensor, S1: Tensor, m2: Tensor, S2: Tensor, eps: float) -> Tensor:
    """The value, as the theorem writes it."""
    lengths, axes = torch.linalg.eigh(S1)
    root = axes * lengths.sqrt() @ axes.T
    squares = torch.linalg.eigvalsh(root @ S2 @ root)  # of the sigma_k
    kappa = (squares + eps**2 / 16).sqrt() - eps / 4
    fixed = (m1 - m2).square().sum() + S1.trace() + S2.trace()
    return fixed - 2 * kappa.sum() - eps / 2 * (eps * kappa / (2 * squares)).log().sum()


@statement("prop-shrink", chapter=3, source=BOOK, tol=1e-5, sizes=SPREADS)
def shrink(generator: Generator, b: float, eps: float) -> tuple[float, float]:
    """Where the slope of Sinkhorn's value in the scale is zero, and the formula."""
    (zx, wx), (zy, wy) = normal_grid(120), normal_grid(131)
    shift = torch.rand(1, generator=generator, dtype=torch.float64)  # means do not matter

    def loss(s: Tensor) -> Tensor:
        x, y = (shift + s * zx)[:, None], (shift + b * zy)[:, None]
        return otg.solve_sinkhorn(otg.cost_matrix(x, y), eps, wx, wy, **TIGHT).value

    return flat_scale(loss, 1e-3, 2 * b), sqrt(max(b**2 - eps / 2, 0.0))


@statement("prop-threshold", chapter=3, source=BOOK, tol=1e-5, sizes=CLOUDS)
def threshold(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """Second differences of W_eps at a single grain that is spread by t z, and the formula."""
    z, y = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    mean = b @ y
    z = z - a @ z

    def rise(t: float) -> Tensor:
        C = otg.cost_matrix(mean + t * z, y)
        return otg.solve_sinkhorn(C, eps, a, b, **TIGHT).value - b @ (y - mean).square().sum(1)

    # The expansion is one in t / eps; the last line takes its term of fourth order off.
    coarse, fine = ((rise(t) + rise(-t)) / (2 * t**2) for t in (eps / 100, eps / 200))
    Z, Y = weighted_cov(a, z), weighted_cov(b, y)
    return (4 * fine - coarse) / 3, Z.trace() - 2 / eps * (Z @ Y).trace()


@statement(
    "thm-debiased", chapter=3, source="feydy_2019",
    tol=1e-9, relation="<=", sizes=DIVERGENCES,
)  # fmt: skip
def debiased(generator: Generator, n: int, m: int, d: int, eps: float, cost: str) -> Sides:
    """eps/2 times a squared distance of kernels <= S_eps; and S_eps = 0 between equals."""
    x, y = points(generator, n, d), 0.3 + points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    S = otg.sinkhorn_divergence(x, y, eps, cost, a, b, **TIGHT)
    itself = otg.sinkhorn_divergence(x, x, eps, cost, a, a, **TIGHT)
    tilted = []
    for z, w, sign in ((x, a, 1), (y, b, -1)):
        f, g = otg.solve_sinkhorn(otg.cost_matrix(z, z, cost), eps, w, w, **TIGHT).potentials
        tilted.append(sign * w * ((f + g) / (2 * eps)).exp())
    w, z = torch.cat(tilted), torch.cat([x, y])
    square = w @ (-otg.cost_matrix(z, z, cost) / eps).exp() @ w
    zero = torch.zeros_like(S)
    return torch.stack([eps / 2 * square, itself, -itself]), torch.stack([S, zero, zero])


@statement("cor-unbiased", chapter=3, source=BOOK, tol=1e-5, sizes=SPREADS)
def unbiased(generator: Generator, b: float, eps: float) -> tuple[float, float]:
    """Where the slope of the Sinkhorn divergence in the scale is zero; the scale of the data."""
    (zx, wx), (zy, wy) = normal_grid(120), normal_grid(131)
    shift = torch.rand(1, generator=generator, dtype=torch.float64)

    def loss(s: Tensor) -> Tensor:
        x, y = (shift + s * zx)[:, None], (shift + b * zy)[:, None]
        return otg.sinkhorn_divergence(x, y, eps, "sqeuclidean", wx, wy, **TIGHT)

    return flat_scale(loss, 0.1 * b, 2 * b), b


@statement(
    "prop-debiased-limits", chapter=3, source="feydy_2019",
    tol=1e-9, relation="<=", sizes=DIVERGENCES,
)  # fmt: skip
def debiased_limits(generator: Generator, n: int, m: int, d: int, eps: float, cost: str) -> Sides:
    """|S_eps - W| <= eps times an entropy; |S_eps - its limit| <= osc^2 / 8 eps."""
    x, y = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    S = otg.sinkhorn_divergence(x, y, eps, cost, a, b, **TIGHT)
    xy, xx, yy = (otg.cost_matrix(*pair, cost) for pair in ((x, y), (x, x), (y, y)))
    W = otg.solve_exact(xy, a, b).value
    independent = a @ xy @ b - (a @ xx @ a + b @ yy @ b) / 2
    entropies = -torch.stack([(w * w.log()).sum() for w in (a, b)])
    bounds = [eps * entropies.max(), max(osc(C) for C in (xy, xx, yy)) ** 2 / (8 * eps)]
    return torch.stack([(S - W).abs(), (S - independent).abs()]), torch.stack(bounds)


all_on_cpu(globals())
