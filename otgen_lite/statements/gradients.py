"""Statements of chapter 6: one-sided slopes, ties, two poles, and what entropy does to both.

Points, masses and directions of the random instances are of order one. Instances on a lattice have
many cheapest plans and many ties, which is what they are for. The tolerances follow from the two
routes, and were fixed before anything was run:

- 1e-9 where both sides are values of linear programmes, closed forms or Sinkhorn's iteration;
- 1e-6 where one side is a difference quotient, with its first-order error taken off;
- 1e-4 where one side is a second difference.
"""

from __future__ import annotations

from math import log

import numpy as np
import torch
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements import collapse, two_poles
from otgen_lite.statements._entropy import TIGHT
from otgen_lite.statements._gradients import (
    even,
    lattice,
    nearest_on_slices,
    rates,
    right,
    settle,
    slope_of_cost,
    slope_of_formula,
    ties,
)
from otgen_lite.statements._gradients import not_alone_before as not_alone_before
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, dual_prices, masses, points
from otgen_lite.statements.registry import BOOK, statement

LATTICE = [
    {"n": 2, "m": 2, "d": 1},
    {"n": 3, "m": 3, "d": 2},
    {"n": 4, "m": 6, "d": 2},
    {"n": 6, "m": 4, "d": 2},
    {"n": 8, "m": 8, "d": 3},
]
HEAVY = [
    {"n": 1, "m": 2, "d": 1},
    {"n": 2, "m": 5, "d": 2},
    {"n": 3, "m": 7, "d": 2},
    {"n": 4, "m": 30, "d": 3},
    {"n": 6, "m": 24, "d": 2},
]
POLES = [
    {"n": 1, "d": 1, "eps": 0.5},
    {"n": 5, "d": 2, "eps": 0.2},
    {"n": 6, "d": 3, "eps": 1.0},
    {"n": 15, "d": 2, "eps": 3.0},
    {"n": 20, "d": 4, "eps": 0.4},
]
TURNED = [
    {"theta": 0.0, "eps": 0.3, "r": 0.2},
    {"theta": 0.1, "eps": 0.05, "r": 0.3},
    {"theta": -0.7, "eps": 1.0, "r": 0.05},
    {"theta": 1.3, "eps": 0.1, "r": 0.5},
    {"theta": 2.0, "eps": 5.0, "r": 0.1},
]
NETWORKS = [
    {"n": 5, "m": 4, "d": 1, "eps": 1.0},
    {"n": 8, "m": 5, "d": 2, "eps": 0.5},
    {"n": 12, "m": 9, "d": 2, "eps": 2.0},
    {"n": 10, "m": 10, "d": 3, "eps": 1.0},
    {"n": 15, "m": 6, "d": 2, "eps": 0.3},
]
STEPS = [
    {"n": 3, "m": 3, "d": 1, "eps": 0.0},
    {"n": 6, "m": 4, "d": 2, "eps": 0.0},
    {"n": 8, "m": 9, "d": 2, "eps": 0.5},
    {"n": 5, "m": 12, "d": 3, "eps": 0.0},
    {"n": 9, "m": 7, "d": 2, "eps": 2.0},
]
RARE = [{"q": 0.1}, {"q": 0.03}, {"q": 0.01}, {"q": 0.003}, {"q": 0.001}]


@statement("thm-grad-slopes", chapter=6, source=BOOK, tol=1e-6, sizes=LATTICE)
def one_sided(generator: Generator, n: int, m: int, d: int) -> Sides:
    """Slopes of W over cheapest plans, and of the formula over ties = quotients; their order."""
    x, y, v = lattice(generator, n, d), lattice(generator, m, d), points(generator, n, d)
    a, b = even(n), even(m)
    psi = dual_prices(otg.cost_matrix(x, y), a, b)[1]

    def cost(t: float) -> Tensor:
        return otg.solve_exact(otg.cost_matrix(x + t * v, y), a, b).value

    def formula(t: float) -> Tensor:
        return a @ otg.c_transform(psi, otg.cost_matrix(x + t * v, y)) + b @ psi

    low, high = slope_of_cost(x, y, a, b, psi, v)
    after, before = (s * slope_of_formula(x, y, a, psi, s * v) for s in (1, -1))
    wrong = torch.stack([after - low, low - high, high - before]).clamp(min=0).max()
    lhs = [low, high, after, before, wrong]
    quotients = [
        right(cost),
        -right(lambda t: cost(-t)),
        right(formula),
        -right(lambda t: formula(-t)),
    ]
    return torch.stack(lhs), torch.stack([*quotients, torch.zeros_like(low)])


@statement("cor-grad-minimum", chapter=6, source=BOOK, tol=1e-6, sizes=HEAVY)
def minimum(generator: Generator, n: int, m: int, d: int) -> Sides:
    """At a minimum over free points both slopes of W = 0, while those of the formula differ."""
    y, a, b = points(generator, m, d), even(n), even(m)
    x, v = settle(points(generator, n, d), y, a, b), points(generator, n, d)
    psi = dual_prices(otg.cost_matrix(x, y), a, b)[1]

    def cost(t: float) -> Tensor:
        return otg.solve_exact(otg.cost_matrix(x + t * v, y), a, b).value

    gap = -slope_of_formula(x, y, a, psi, v) - slope_of_formula(x, y, a, psi, -v)
    lhs = [right(cost), right(lambda t: cost(-t)), (gap > 1e-3).double()]
    return torch.stack(lhs), y.new_tensor([0.0, 0.0, 1.0])


@statement("prop-grad-split", chapter=6, source=BOOK, tol=1e-6, sizes=HEAVY)
def split(generator: Generator, n: int, m: int, d: int) -> Sides:
    """Two offers or more tie at every heavy point; its slopes jump; W has one slope there."""
    x, y, v = points(generator, n, d), points(generator, m, d), points(generator, n, d)
    a, b = even(n), even(m)
    C = otg.cost_matrix(x, y)
    psi, plan = dual_prices(C, a, b)[1], otg.solve_exact(C, a, b).plan
    tied = ties(x, y, psi)
    off = plan.masked_fill(tied, 0.0).sum()
    lone = torch.zeros_like(v)
    lone[0] = v[0]

    def formula(t: float) -> Tensor:
        return a @ otg.c_transform(psi, otg.cost_matrix(x + t * lone, y)) + b @ psi

    def cost(t: float) -> Tensor:
        return otg.solve_exact(otg.cost_matrix(x + t * v, y), a, b).value

    d0 = rates(x, y, lone)[0][tied[0]]
    jump = a[0] * (d0.max() - d0.min())
    through_plan = (plan * rates(x, y, v)).sum()
    lhs = [tied.sum(dim=1).clamp(max=2).min().double(), off, (jump > 1e-3).double(), jump]
    kink = -right(formula) - right(lambda t: formula(-t))
    rhs = [off.new_tensor(2.0), torch.zeros_like(off), torch.ones_like(off), kink]
    both = [right(cost), -right(lambda t: cost(-t))]
    return torch.stack([*lhs, *both]), torch.stack([*rhs, through_plan, through_plan])


@statement("prop-grad-poles", chapter=6, source=BOOK, tol=1e-8, sizes=POLES)
def poles(generator: Generator, n: int, d: int, eps: float) -> Sides:
    """Linear programme and Sinkhorn's iteration = the formulas with a median and a soft median."""
    x, a, e = points(generator, n, d), masses(generator, n), points(generator, 1, d)
    e = e / e.norm()
    C, u = otg.cost_matrix(x, torch.cat([e, -e])), x @ e[0]
    solved = [otg.solve_exact(C, a).value, otg.solve_sinkhorn(C, eps, a, **TIGHT).value]
    middle = a @ x.square().sum(dim=1) + 1
    closed = [
        middle - a @ two_poles.soft_abs(2 * u - two_poles.height(u, a, at), at) for at in (0.0, eps)
    ]
    return torch.stack(solved), torch.stack(closed)


@statement("prop-grad-models", chapter=6, source=BOOK, tol=1e-6, sizes=TURNED)
def models(_: Generator, theta: float, eps: float, r: float) -> Sides:
    """Costs of point, ends, bar and plank by programmes and quadrature = the closed forms."""
    at = torch.tensor([theta], dtype=torch.float64)
    axis = torch.tensor([[0.0, 1.0], [0.0, -1.0]], dtype=torch.float64)
    along, up = torch.cat([at.cos(), at.sin()]), torch.cat([-at.sin(), at.cos()])
    point = otg.cost_matrix(at[:, None] * axis[:1], axis)
    ends = otg.cost_matrix(torch.stack([along, -along]), axis)
    solved = [
        otg.solve_exact(point).value,
        otg.solve_sinkhorn(point, eps, **TIGHT).value,
        otg.solve_exact(ends).value,
        otg.solve_sinkhorn(ends, eps, **TIGHT).value,
        otg.segment_to_atoms(torch.zeros_like(along), along, axis)[0],
    ]
    nodes, w = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(400))
    t, w = (nodes + 1) / 2, w / 2  # on [0, 1]; psi = 0 is best, by symmetry
    solved.append(w @ (t**2 + 1 - two_poles.soft_abs(2 * t * at.sin(), eps)))
    s = torch.linspace(-r, r, 2001, dtype=torch.float64)  # slices of the plank
    inner = nearest_on_slices(along, up, s, axis)
    solved.append(torch.trapezoid(inner, s) / (2 * r))
    names = ("point", "point", "ends", "ends", "bar", "bar", "plank")
    softness = (0.0, eps, 0.0, eps, 0.0, eps, 0.0)
    closed = [
        two_poles.value(name, at, soft, r)[0] for name, soft in zip(names, softness, strict=True)
    ]
    return torch.stack(solved), torch.stack(closed)


@statement("prop-grad-thick", chapter=6, source=BOOK, tol=1e-7, sizes=POLES)
def thick(generator: Generator, n: int, d: int, eps: float) -> Sides:
    """Sinkhorn's value = the hard value of the model behind logistic noise, up to a constant."""
    x, a, e = points(generator, n, d), masses(generator, n), points(generator, 1, d)
    e = e / e.norm()
    u = (x @ e[0]).tolist()
    soft = otg.solve_sinkhorn(otg.cost_matrix(x, torch.cat([e, -e])), eps, a, **TIGHT).value

    def noisy(t: float) -> float:  # the mean of |t + 2 noise|, from the density
        def term(xi: float) -> float:
            return abs(t + 2 * xi) / (eps * np.cosh(2 * xi / eps) ** 2)

        far = 20 * eps
        cut = min(max(-t / 2, -far), far)
        parts = ((-far, cut), (cut, far))
        return sum(quad(term, *ends, epsabs=1e-11, epsrel=1e-11, limit=200)[0] for ends in parts)

    def spread(s: float) -> float:
        return sum(w * noisy(2 * k - s) for w, k in zip(a.tolist(), u, strict=True))

    least = minimize_scalar(spread, bounds=(2 * min(u) - 1, 2 * max(u) + 1), method="bounded",
                            options={"xatol": 1e-6}).fun  # fmt: skip
    hard = a @ x.square().sum(dim=1) + 1 - least  # less the variance of the noise on both sides
    return soft, hard + eps * log(2)


@statement("thm-grad-smooth", chapter=6, source="houdard_2021", tol=1e-4, sizes=NETWORKS)
def smooth(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """Soft cells through a network = quotients of Sinkhorn's value; curvature within its window."""
    z, y, b = points(generator, n, 2), points(generator, m, d), masses(generator, m)
    shapes = [(2, 3), (3,), (3, d), (d,)]
    sizes = [int(np.prod(shape)) for shape in shapes]

    def network(theta: Tensor) -> Tensor:
        A, s, B, t = (w.reshape(k) for w, k in zip(theta.split(sizes), shapes, strict=True))
        return torch.tanh(z @ A + s) @ B + t

    def solved(theta: Tensor) -> otg.SinkhornResult:
        return otg.solve_sinkhorn(otg.cost_matrix(network(theta), y), eps, b=b, **TIGHT)

    theta, v = points(generator, 2, sum(sizes))
    v = v / v.norm()
    best = otg.SemiDiscrete(y, b, eps=eps, psi=solved(theta).potentials[1])
    at = theta.clone().requires_grad_()
    (slope,) = torch.autograd.grad(best.dual(network(at)), at)
    h = 1e-3
    up, here, down = (solved(theta + s * v).value for s in (h, 0.0, -h))
    far_up, far_down = (solved(theta + 2 * s * v).value for s in (h, -h))
    quotient = (8 * (up - down) - (far_up - far_down)) / (12 * h)
    bend = (16 * (up + down) - 30 * here - (far_up + far_down)) / (12 * h * h)

    def offers(t: Tensor) -> Tensor:
        return otg.cost_matrix(network(theta + t * v), y)

    zero, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    speed = torch.func.jvp(offers, (zero,), (one,))[1]
    bent = torch.func.jvp(lambda t: torch.func.jvp(offers, (t,), (one,))[1], (zero,), (one,))[1]
    shares = n * solved(theta).plan
    above = (shares * bent).sum(dim=1).mean()
    spread = (shares * speed.square()).sum(dim=1) - (shares * speed).sum(dim=1).square()
    below = above - spread.mean() / eps
    outside = torch.stack([below - bend, bend - above]).clamp(min=0).max()
    return torch.stack([slope @ v, outside]), torch.stack([quotient, zero])


@statement("prop-grad-descent", chapter=6, source=BOOK, tol=1e-9, relation="<=", sizes=STEPS)
def descent(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """Cost after a step along the slope of any cheapest plan <= the promise; for three steps."""
    z, y = lattice(generator, n, d), lattice(generator, m, d)
    a, b = even(n), even(m)
    lift = torch.cat([z, torch.ones(n, 1, dtype=torch.float64)], dim=1)  # x = lift @ theta
    L = 2 * torch.linalg.eigvalsh(lift.T @ (a[:, None] * lift))[-1]
    theta = torch.cat([torch.eye(d, dtype=torch.float64), torch.zeros(1, d, dtype=torch.float64)])

    def solved(at: Tensor) -> tuple[Tensor, Tensor]:
        C = otg.cost_matrix(lift @ at, y)
        r = otg.solve_sinkhorn(C, eps, a, b, **TIGHT) if eps else otg.solve_exact(C, a, b)
        return r.value, r.plan

    value, plan = solved(theta)
    slope = 2 * lift.T @ (a[:, None] * (lift @ theta) - plan @ y)
    after, promise = [], []
    for eta in (0.5 / L, 1 / L, 1.9 / L):
        after.append(solved(theta - eta * slope)[0])
        promise.append(value - eta * (1 - eta * L / 2) * slope.square().sum())
    return torch.stack(after), torch.stack(promise)


@statement("prop-grad-rare", chapter=6, source=BOOK, tol=1e-9, relation="<=", sizes=RARE)
def rare(_: Generator, q: float) -> Sides:
    """1 / log(1/q) <= the eps from which the point is best; at it, two atoms save something."""
    y = torch.tensor([[0.0], [1.0], [-1.0]], dtype=torch.float64)
    b = torch.tensor([1 - 2 * q, q, q], dtype=torch.float64)
    found, worst = collapse.best_alone(y, b)
    bound = 1 / log(1 / q)
    x, w = collapse.two_atoms(y, b, bound, worst)
    point = 2 * q
    other = otg.solve_sinkhorn(otg.cost_matrix(x, y), bound, w, b, **TIGHT).value
    return y.new_tensor([bound, 4 * q, other.item()]), y.new_tensor([found, found, point])


all_on_cpu(globals())
