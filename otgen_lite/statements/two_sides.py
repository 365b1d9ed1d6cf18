"""Statements of chapter 9: bounds of the transport cost, and what their minimisers cost.

Costs, weights and points of the random instances are of order one. The tolerances follow from the
two routes, and were fixed before anything was run:

- 1e-12 where both sides are sums and closed formulas;
- 1e-10 where a side is the network simplex;
- 1e-9 where a side is HiGHS or a quadrature;
- 1e-8 where a side is the maximum that a quasi-Newton method finds with gradients below 1e-9;
- 1e-6 where a place of a minimum is compared, which a search finds to the root of the precision.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from scipy.integrate import quad
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import beta, norm
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, masses, points, problem
from otgen_lite.statements.registry import BOOK, statement
from otgen_lite.statements.restricted import by_critics, by_encoders, reversed_encoder

CLOUDS = [
    {"n": 2, "d": 1, "k": 2},
    {"n": 5, "d": 2, "k": 3},
    {"n": 8, "d": 2, "k": 10},
    {"n": 12, "d": 3, "k": 5},
    {"n": 20, "d": 2, "k": 40},
]
PARTNERS = [
    {"n": 3, "m": 4, "r": 1, "lam": 0.5},
    {"n": 5, "m": 5, "r": 2, "lam": 0.1},
    {"n": 8, "m": 6, "r": 4, "lam": 2.0},
    {"n": 6, "m": 12, "r": 5, "lam": 0.02},
    {"n": 10, "m": 9, "r": 3, "lam": 20.0},
]
MOMENTS = [
    {"n": 8, "m": 7, "d": 1},
    {"n": 12, "m": 9, "d": 2},
    {"n": 20, "m": 20, "d": 2},
    {"n": 15, "m": 30, "d": 3},
    {"n": 40, "m": 25, "d": 3},
]
LINES = [
    {"s": 1.0, "lam": 1.0},
    {"s": 0.4, "lam": 0.2},
    {"s": 2.0, "lam": 3.0},
    {"s": 3.0, "lam": 0.05},
    {"s": 0.1, "lam": 30.0},
]
ATOMS = [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 5}, {"n": 12}]
MAPS = [
    {"n": 4, "d": 1, "rho": 0.5},
    {"n": 6, "d": 2, "rho": 0.0},
    {"n": 9, "d": 3, "rho": 0.9},
    {"n": 15, "d": 2, "rho": -0.4},
    {"n": 30, "d": 4, "rho": 0.99},
]
THETAS = 5


def family(generator: Generator, n: int, d: int) -> tuple[Tensor, Tensor]:
    """Clouds (THETAS, n, d) of a model with a parameter, and data (n, d)."""
    x, y, z = (points(generator, n, d) for _ in range(3))
    t = torch.linspace(-1.0, 1.5, THETAS, dtype=torch.float64)[:, None, None]
    return x + t * z.sin(), y


def dual_value(psi: Tensor, C: Tensor) -> Tensor:
    """Mean of a critic on the data plus that of its exact transform; psi (k, m) gives (k,)."""
    return psi.mean(dim=1) + (C - psi[:, None, :]).amin(dim=2).mean(dim=1)


def both_bounds(generator: Generator, n: int, d: int, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """E_H, E and U_F at every theta, for k random critics and k random bijective encoders."""
    x, y = family(generator, n, d)
    psi = torch.randn(k, n, generator=generator, dtype=torch.float64)
    order = torch.stack([torch.randperm(n, generator=generator) for _ in range(k)])
    costs = [otg.cost_matrix(cloud, y) for cloud in x]
    low = torch.stack([dual_value(psi, C).max() for C in costs])
    exact = torch.stack([otg.solve_exact(C).value for C in costs])
    high = torch.stack([C[order, torch.arange(n)].mean(dim=1).min() for C in costs])
    return low, exact, high


@statement("thm-side-sandwich", chapter=9, source=BOOK, tol=1e-10, relation="<=", sizes=CLOUDS)
def sandwich(generator: Generator, n: int, d: int, k: int) -> Sides:
    """E_H <= E <= U_F at five parameters; the three minima; equality with optimal members."""
    low, exact, high = both_bounds(generator, n, d, k)
    x, y = family(generator, n, d)  # with optimal members the classes reach the cost
    C = otg.cost_matrix(x[0], y)
    best = otg.solve_exact(C)
    plan = best.plan.argmax(dim=0)
    reached = [dual_value(best.potentials[1][None], C)[0], C[plan, torch.arange(n)].mean()]
    # An equality is two inequalities.
    lhs = [low, exact, torch.stack([low.min(), exact.min(), *reached, best.value, best.value])]
    rhs = [exact, high, torch.stack([exact.min(), high.min(), best.value, best.value, *reached])]
    return torch.cat(lhs), torch.cat(rhs)


@statement("thm-side-minimisers", chapter=9, source=BOOK, tol=1e-10, relation="<=", sizes=CLOUDS)
def minimisers(generator: Generator, n: int, d: int, k: int) -> Sides:
    """0 <= E(minimiser of a bound) - min E <= difference of two gaps <= oscillation of the gap."""
    low, exact, high = both_bounds(generator, n, d, k)
    best, lhs, rhs = exact.argmin(), [], []
    for surrogate in (low, high, (low + high) / 2):
        gap, found = exact - surrogate, surrogate.argmin()
        excess, difference = exact[found] - exact[best], gap[found] - gap[best]
        lhs += [torch.zeros_like(excess), excess, difference]
        rhs += [excess, difference, gap.max() - gap.min()]
    return torch.stack(lhs), torch.stack(rhs)


@statement("thm-side-partner", chapter=9, source=BOOK, tol=1e-9, sizes=PARTNERS)
def partner(generator: Generator, n: int, m: int, r: int, lam: float) -> Sides:
    """Best critic among combinations of r = cheapest encoder that they test; lam, and no bound."""
    C, a, b = problem(generator, n, m)
    h = points(generator, r, m)
    lhs = [by_critics(C, a, b, h, size) for size in (lam, np.inf)]
    rhs = [by_encoders(C, a, b, h, size) for size in (lam, np.inf)]
    return torch.tensor(lhs, dtype=torch.float64), torch.tensor(rhs, dtype=torch.float64)


@statement("prop-side-blind", chapter=9, source=BOOK, tol=1e-8, sizes=MOMENTS)
def blind(generator: Generator, n: int, m: int, d: int) -> Sides:
    """Best linear, best quadratic critic, climbed = square of the means' gap, Bures formula."""
    x, y, a, b = points(generator, n, d), points(generator, m, d), masses(generator, n), None
    b = masses(generator, m)
    y = 1.5 * y + 0.5
    eye, corner = torch.eye(d, dtype=torch.float64), torch.tril_indices(d, d)

    def value(w: Tensor, quadratic: bool) -> Tensor:
        # h(x) = <x, A x> + <v, x> with I - A = R R^T; then h^c is a quadratic function too.
        R = eye
        if quadratic:
            R = torch.zeros(d, d, dtype=torch.float64).index_put(tuple(corner), w[d:])
        rest, v = R @ R.T, w[:d]
        h = ((x @ (eye - rest)) * x).sum(dim=1) + x @ v
        up = 2 * y + v
        hc = y.square().sum(dim=1) - (up @ torch.linalg.inv(rest) * up).sum(dim=1) / 4
        return a @ h + b @ hc

    def climb(quadratic: bool) -> float:
        def descend(at: np.ndarray) -> tuple[float, np.ndarray]:
            w = torch.from_numpy(at).requires_grad_()
            loss = -value(w, quadratic)
            (slope,) = torch.autograd.grad(loss, w)
            return loss.item(), slope.numpy()

        start = np.concatenate([np.zeros(d), eye[tuple(corner)].numpy() if quadratic else []])
        return -float(minimize(descend, start, jac=True, method="BFGS", options={"gtol": 1e-9}).fun)

    mx, my = a @ x, b @ y
    Sx, Sy = ((w[:, None] * (p - w @ p)).T @ (p - w @ p) for w, p in ((a, x), (b, y)))
    lhs = torch.tensor([climb(False), climb(True)], dtype=torch.float64)
    return lhs, torch.stack([(mx - my).square().sum(), otg.bures_wasserstein(mx, Sx, my, Sy)])


@statement("prop-side-timid", chapter=9, source=BOOK, tol=1e-6, sizes=CLOUDS)
def timid(generator: Generator, n: int, d: int, k: int) -> Sides:
    """Best scale for the exact cost, for k encoders, what the second costs more: by a search."""
    x, y = points(generator, n, d), points(generator, n, d)
    order = torch.stack([torch.randperm(n, generator=generator) for _ in range(k)])
    A, products = x.square().sum(dim=1).mean(), x @ y.T
    most = -otg.solve_exact(-products).value
    some = products[order, torch.arange(n)].mean(dim=1).max()

    def exact(s: float) -> float:
        return otg.solve_exact(otg.cost_matrix(s * x, y)).value.item()

    def encoded(s: float) -> float:
        return otg.cost_matrix(s * x, y)[order, torch.arange(n)].mean(dim=1).min().item()

    precise = {"xatol": 1e-10}
    found = [
        float(minimize_scalar(f, bounds=(0.0, 5.0), method="bounded", options=precise).x)
        for f in (exact, encoded)
    ]
    lhs = torch.tensor([*found, exact(found[1]) - exact(found[0])], dtype=torch.float64)
    s, t = most.clamp(min=0) / A, some.clamp(min=0) / A
    return lhs, torch.stack([s, t, A * (t - s) ** 2])


@statement("prop-side-penalised", chapter=9, source=BOOK, tol=1e-9, sizes=LINES)
def either_side(_: Generator, s: float, lam: float) -> Sides:
    """Least penalised cost of z = -tau x, by a search with quadratures = formula; it rises."""

    def value(log_tau: float) -> float:
        t = float(np.exp(log_tau))
        cost = quad(lambda x: (x + s * t * x) ** 2 * norm.pdf(x), -12, 12, epsabs=1e-12)[0]
        kl = quad(
            lambda z: (norm.logpdf(z, scale=t) - norm.logpdf(z)) * norm.pdf(z, scale=t),
            -12 * t, 12 * t, epsabs=1e-13,
        )[0]  # fmt: skip
        return cost + lam * kl

    found = minimize_scalar(value, bounds=(-8.0, 1.0), method="bounded", options={"xatol": 1e-9})
    above = [reversed_encoder(s, lam * 2**k)[1] for k in range(3)]
    rising = above[0] < above[1] < above[2] < (1 + s) ** 2 and above[0] > 1
    lhs = torch.tensor([found.fun, float(rising)], dtype=torch.float64)
    return lhs, torch.tensor([above[0], 1.0], dtype=torch.float64)


@statement("prop-side-atoms", chapter=9, source=BOOK, tol=1e-8, sizes=ATOMS)
def quantised(generator: Generator, n: int) -> Sides:
    """Nearest n atoms: uniform law, by quasi-Newton steps = 1/(12 n^2); N(0, 1) by quadrature."""
    start = torch.rand(n, generator=generator, dtype=torch.float64).numpy()

    def descend(at: np.ndarray) -> tuple[float, np.ndarray]:
        y = torch.from_numpy(at).requires_grad_()
        value, _, _ = otg.uniform_to_atoms(y)
        (slope,) = torch.autograd.grad(value, y)
        return value.item(), slope.numpy()

    found = minimize(descend, start, jac=True, method="BFGS", options={"gtol": 1e-9}).fun
    edges = np.clip(norm.ppf(np.arange(n + 1) / n), -12, 12)
    spread = 0.0
    for low, high in pairwise(edges):
        mean = n * quad(lambda z: z * norm.pdf(z), low, high)[0]
        spread += quad(lambda z, at=mean: (z - at) ** 2 * norm.pdf(z), low, high)[0]
    lhs = torch.tensor([found, spread], dtype=torch.float64)
    return lhs, torch.stack([lhs.new_tensor(1 / (12 * n * n)), otg.quantise_gaussian(n)[1]])


@statement("thm-side-stable", chapter=9, source=BOOK, tol=1e-10, relation="<=", sizes=MAPS)
def stable(generator: Generator, n: int, d: int, rho: float) -> Sides:
    """Squares of the misplacement and of the gradient's error <= L times the gap; Gaussians: =."""
    x, J = points(generator, n, d), points(generator, n, d)
    R = points(generator, d, d)
    A = R @ R.T + 0.1 * torch.eye(d, dtype=torch.float64)
    L, y = torch.linalg.eigvalsh(A).max(), x @ A
    lhs, rhs = [], []
    for _ in range(4):
        z = y[torch.randperm(n, generator=generator)]
        gap = ((x - z).square() - (x - y).square()).sum(dim=1).mean()
        wrong = 2 * (J * (x - z)).sum(dim=1).mean() - 2 * (J * (x - y)).sum(dim=1).mean()
        lhs += [(z - y).square().sum(dim=1).mean(), wrong**2]
        rhs += [L * gap, 4 * J.square().sum(dim=1).mean() * L * gap]
    # N(0, 1) to N(0, s^2), where the pair (X, Y) has the correlation rho: both directions.
    s = 1.7
    missing = (1 + s * s - 2 * s * rho) - (1 - s) ** 2
    spread = s * s * ((1 - rho) ** 2 + 1 - rho**2)
    pair = torch.tensor([spread, s * missing], dtype=torch.float64)
    return torch.cat([torch.stack(lhs), pair]), torch.cat([torch.stack(rhs), pair.flip(0)])


@statement("thm-side-limit", chapter=9, source=BOOK, tol=1e-9, relation="<=", sizes=CLOUDS)
def growing(generator: Generator, n: int, d: int, k: int) -> Sides:
    """Critics free at 0, 1, ..., n points: values rise, and end at E with the exact minimiser."""
    del k
    x, y = family(generator, n, d)
    a = torch.full((n,), 1 / n, dtype=torch.float64)
    C = [otg.cost_matrix(cloud, y) for cloud in x]
    exact = torch.stack([otg.solve_exact(c).value for c in C])
    steps = sorted({0, 1, n // 2, n - 1, n})
    eye = torch.eye(n, dtype=torch.float64)
    low = torch.tensor(
        [[by_critics(c, a, a, eye[:r], np.inf) for c in C] for r in steps], dtype=torch.float64
    )
    last = exact[low[-1].argmin()]
    lhs = torch.cat([low[:-1].ravel(), exact, low.amin(dim=1), last[None]])
    rhs = torch.cat([low[1:].ravel(), low[-1], exact.min().expand(len(steps)), exact.min()[None]])
    return lhs, rhs


@statement("prop-side-memory", chapter=9, source=BOOK, tol=1e-9, sizes=ATOMS)
def memory(_: Generator, n: int) -> Sides:
    """Mean cost from n uniform draws to their law, by quadrature over order statistics = 1/(6n)."""
    total = 0.0
    for k in range(1, n + 1):
        low, high = (k - 1) / n, k / n

        def at(t: float, low: float = low, high: float = high) -> float:
            return ((t - low) ** 3 - (t - high) ** 3) / 3

        total += quad(lambda t, k=k, at=at: at(t) * beta.pdf(t, k, n + 1 - k), 0, 1, epsabs=1e-12)[
            0
        ]
    lhs = torch.tensor([total], dtype=torch.float64)
    return lhs, lhs.new_tensor([1 / (6 * n)])


all_on_cpu(globals())
