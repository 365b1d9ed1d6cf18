"""Statements of chapter 8: plans that end in codes, decoders with dice, encoders without them.

Costs, weights and points of the random instances are of order one. The tolerances follow from the
two routes, and were fixed before anything was run:

- 1e-12 where both sides are a few hundred floating-point operations;
- 1e-9 where a side is a linear programme, a quadrature, a root or a descent to a tiny gradient.
"""

from __future__ import annotations

from math import exp, pi, sqrt

import numpy as np
import torch
from scipy.integrate import quad
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import ndtr, ndtri
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, highs, margins, masses, points
from otgen_lite.statements.registry import BOOK, statement

CODES = [
    {"n": 1, "m": 4, "k": 2, "d": 1, "p": 1.0},
    {"n": 12, "m": 9, "k": 4, "d": 3, "p": 1.0},
    {"n": 12, "m": 9, "k": 5, "d": 3, "p": 2.0},
    {"n": 7, "m": 20, "k": 1, "d": 2, "p": 2.0},
    {"n": 20, "m": 25, "k": 10, "d": 2, "p": 3.0},
]
PLANS = [{key: size[key] for key in ("n", "m", "k")} for size in CODES]
ATOMS = [{"n": 1}, {"n": 2}, {"n": 5}, {"n": 8}, {"n": 32}]
STEPS = [{"m": 2, "k": 1}, {"m": 3, "k": 3}, {"m": 6, "k": 2}, {"m": 9, "k": 4}, {"m": 30, "k": 7}]
DICE = [
    {"n": 4, "m": 3, "k": 5, "d": 1, "p": 1.0},
    {"n": 8, "m": 6, "k": 10, "d": 2, "p": 1.5},
    {"n": 6, "m": 9, "k": 4, "d": 3, "p": 2.0},
    {"n": 1, "m": 5, "k": 5, "d": 2, "p": 3.0},
    {"n": 15, "m": 12, "k": 20, "d": 4, "p": 2.0},
]
NOISES = [{"n": size["n"], "m": size["m"], "d": min(int(size["d"]), 3)} for size in DICE]
CLOUDS = [{"n": 2, "d": 1}, {"n": 5, "d": 2}, {"n": 9, "d": 3}, {"n": 20, "d": 8}, {"n": 3, "d": 5}]
LINES = [
    {"s": 1.0, "ell": 0.8, "sd": 0.6},
    {"s": 1.0, "ell": 0.3, "sd": 1.5},
    {"s": 2.0, "ell": 2.0, "sd": 0.1},
    {"s": 0.5, "ell": 1.2, "sd": 0.5},
    {"s": 3.0, "ell": 0.1, "sd": 2.0},
]
PRICES = [
    {"n": 1, "r": 5, "lam": 1.0},
    {"n": 2, "r": 3, "lam": 0.3},
    {"n": 3, "r": 2, "lam": 4.0},
    {"n": 4, "r": 4, "lam": 20.0},
    {"n": 6, "r": 2, "lam": 0.05},
]


def decoded(b: Tensor, home: Tensor) -> Tensor:
    """The law of G(Z), by place, for codes of weights b (m,) where code j is decoded to home_j."""
    return torch.zeros(int(home.max()) + 1, dtype=b.dtype).index_add_(0, home, b)


def glued(P: Tensor, b: Tensor, home: Tensor) -> Tensor:
    """The encoder (n, m) that a plan between data and places (n, k) is pulled back to."""
    return P[:, home] * b / decoded(b, home)[home]


def information(P: Tensor) -> Tensor:
    """Mutual information of the two ends of a plan, in nats."""
    product = torch.outer(P.sum(1), P.sum(0))
    return torch.special.xlogy(P, P / product).sum()


def folded(generator: Generator, n: int, m: int, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights of n data and m codes, and the place of each code: each of k places has one."""
    home = torch.cat([torch.arange(k), torch.randint(k, (m - k,), generator=generator)])
    return masses(generator, n), masses(generator, m), home


@statement("thm-enc-encoders", chapter=8, source="bousquet_2017", tol=1e-9, sizes=CODES)
def every_plan(generator: Generator, n: int, m: int, k: int, d: int, p: float) -> Sides:
    """Cheapest plan onto places (HiGHS) = onto codes (simplex) = the glued one, with Q_Z = P_Z."""
    x, y = points(generator, n, d), points(generator, k, d)
    a, b, home = folded(generator, n, m, k)
    C = otg.cost_matrix(x, y, "euclidean") ** p
    both = np.concatenate([a, decoded(b, home)])
    best = highs(C.numpy().ravel(), A_eq=margins(n, k), b_eq=both, bounds=(0, None))
    Q = glued(torch.from_numpy(best.x.reshape(n, k)), b, home)
    W = torch.tensor(best.fun, dtype=torch.float64)
    over_codes = otg.solve_exact(C[:, home], a, b).value
    lhs = torch.cat([torch.stack([W, W]), Q.sum(0), Q.sum(1)])
    return lhs, torch.cat([torch.stack([over_codes, (C[:, home] * Q).sum()]), b, a])


@statement("prop-enc-freedom", chapter=8, source=BOOK, tol=1e-12, sizes=PLANS)
def freedom(generator: Generator, n: int, m: int, k: int) -> Sides:
    """An encoder and the one glued from its plan: the same cost; I(X;Z) = I(X;Y) + a divergence."""
    a, b, home = folded(generator, n, m, k)
    C = torch.rand(n, k, generator=generator, dtype=torch.float64)
    some = torch.rand(n, m, generator=generator, dtype=torch.float64)
    Q = (otg.solve_exact(some, a, b).plan + torch.outer(a, b)) / 2
    P = torch.zeros(n, k, dtype=Q.dtype).index_add_(1, home, Q)
    R = glued(P, b, home)
    divergence = torch.special.xlogy(Q, Q / R).sum()
    lhs = torch.stack([(C[:, home] * Q).sum(), information(Q), information(R)])
    return lhs, torch.stack([(C[:, home] * R).sum(), information(P) + divergence, information(P)])


@statement("prop-enc-atoms", chapter=8, source=BOOK, tol=1e-9, sizes=ATOMS)
def atoms(generator: Generator, n: int) -> Sides:
    """W_2^2 of n codes to the Gaussian, by quadrature = least value + mean squared error."""
    codes = points(generator, n, 1)[:, 0]
    best, least = otg.quantise_gaussian(n)
    ends = torch.special.ndtri(torch.arange(n + 1, dtype=torch.float64) / n).clamp(-12, 12)
    by_quadrature = 0.0
    for code, low, high in zip(codes.sort().values.tolist(), ends[:-1], ends[1:], strict=True):
        by_quadrature += quad(
            lambda z, c=code: (z - c) ** 2 * exp(-z * z / 2) / sqrt(2 * pi),
            float(low), float(high), epsabs=1e-13, epsrel=1e-13, limit=200,
        )[0]  # fmt: skip
    return least.new_tensor(by_quadrature), least + (codes.sort().values - best).square().mean()


@statement("thm-enc-maps", chapter=8, source=BOOK, tol=1e-9, sizes=STEPS)
def exchange(generator: Generator, m: int, k: int) -> Sides:
    """Exchanged intervals: cost of a deterministic encoder = W_c; its code is uniform (moments)."""
    _, b, home = folded(generator, 1, m, k)
    y = points(generator, k, 1)[:, 0]
    start, length, code = pieces(y, b, home)
    middle = code + length / 2  # where the step function G is asked for its value
    step = torch.searchsorted(b.cumsum(0), middle).clamp(max=m - 1)
    near, far = start - y[home[step]], start + length - y[home[step]]
    cost = (far**3 - near**3).sum() / 3
    powers = [((code + length) ** q - code**q).sum() / q for q in (1, 2, 3, 4)]
    least = otg.uniform_to_atoms(y, decoded(b, home))[0]
    return torch.stack([cost, *powers]), torch.stack(
        [least, *(1 / torch.arange(1, 5, dtype=torch.float64))]
    )


def pieces(y: Tensor, b: Tensor, home: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A deterministic encoder of uniform data: (start, length, start of the codes) of m pieces.

    Code interval j has length b_j and is decoded to the place y[home_j]. Data are sent to places in
    order; what arrives at a place is laid over the code intervals of this place, one by one.
    """
    order = torch.argsort(y[home], stable=True)
    length = b[order]
    return length.cumsum(0) - length, length, (b.cumsum(0) - b)[order]


@statement("thm-enc-dagger", chapter=8, source=BOOK, tol=1e-9, relation="<=", sizes=DICE)
def dagger(generator: Generator, n: int, m: int, k: int, d: int, p: float) -> Sides:
    """W_c(P_X, P_G) and W_c(P_X, mean decoder) <= W_c^dagger; without dice both ways."""
    x, y = points(generator, n, d), points(generator, k, d)
    a, b = masses(generator, n), masses(generator, m)
    K = torch.stack([masses(generator, k) for _ in range(m)])
    sure = torch.eye(k, dtype=torch.float64)[torch.randint(k, (m,), generator=generator)]
    C = otg.cost_matrix(x, y, "euclidean") ** p
    mean = otg.cost_matrix(x, K @ y, "euclidean") ** p
    bound, same = (otg.solve_exact(C @ kernel.T, a, b).value for kernel in (K, sure))
    kept = b @ sure > 0
    true = otg.solve_exact(C, a, b @ K).value
    exact = otg.solve_exact(C[:, kept], a, (b @ sure)[kept]).value
    lhs = torch.stack([true, otg.solve_exact(mean, a, b).value, same, exact])
    return lhs, torch.stack([bound, bound, exact, same])


@statement("thm-enc-variance", chapter=8, source=BOOK, tol=1e-9, sizes=NOISES)
def variance(generator: Generator, n: int, m: int, d: int) -> Sides:
    """W^dagger, by the mean cost over dice = W_2^2 to the mean decoder + mean variance."""
    x, mean = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    sd = torch.rand(m, generator=generator, dtype=torch.float64) + 0.1
    t, w = np.polynomial.hermite_e.hermegauss(3)  # exact for polynomials up to degree five
    one = torch.from_numpy(t), torch.from_numpy(w / sqrt(2 * pi))
    xi, weight = (torch.cartesian_prod(*[v] * d).reshape(-1, d) for v in one)
    weight = weight.prod(dim=1)
    C = sum(
        w * otg.cost_matrix(x, mean + sd[:, None] * step)
        for w, step in zip(weight, xi, strict=True)
    )
    y = points(generator, 7, d)
    K = torch.stack([masses(generator, 7) for _ in range(m)])
    spread = K @ y.square().sum(1) - (K @ y).square().sum(1)
    lhs = [C, otg.cost_matrix(x, y) @ K.T]
    rhs = [(mean, d * sd.square()), (K @ y, spread)]
    bounds = [otg.solve_exact(c, a, b).value for c in lhs]
    return torch.stack(bounds), torch.stack(
        [otg.solve_exact(otg.cost_matrix(x, g), a, b).value + b @ v for g, v in rhs]
    )


@statement("cor-enc-constant", chapter=8, source=BOOK, tol=1e-9, sizes=CLOUDS)
def constant(generator: Generator, n: int, d: int) -> Sides:
    """A decoder that throws a datum whatever the code: W = 0 and W^dagger = 2 tr Cov, by LPs."""
    x, a, b = points(generator, n, d), masses(generator, n), masses(generator, n + 2)
    K = a.expand(n + 2, n)
    C = otg.cost_matrix(x, x)
    total = a @ (x - a @ x).square().sum(1)
    lhs = [otg.solve_exact(C, a, b @ K).value, otg.solve_exact(C @ K.T, a, b).value]
    return torch.stack(lhs), torch.stack([0 * total, 2 * total])


@statement("prop-enc-line", chapter=8, source=BOOK, tol=1e-9, sizes=LINES)
def line(_: Generator, s: float, ell: float, sd: float) -> Sides:
    """Truth by Bures, bound by an encoder and by prices (quadrature), slopes' roots = formulas."""

    def true(u: Tensor) -> Tensor:  # as a function of u = ell^2
        zero = torch.zeros(1, dtype=torch.float64)
        return otg.bures_wasserstein(zero, zero[None] + s * s, zero, (u + sd * sd).reshape(1, 1))

    def slope(u: float) -> float:
        at = torch.tensor(u, dtype=torch.float64, requires_grad=True)
        return float(torch.autograd.grad(true(at), at)[0])

    def normal(f) -> float:  # type: ignore[no-untyped-def]
        return quad(lambda t: f(t) * exp(-t * t / 2) / sqrt(2 * pi), -12, 12, epsabs=1e-13)[0]

    root = 0.0 if slope(0.0) >= 0 else brentq(slope, 0.0, 4 * s * s, xtol=1e-13)
    W = true(torch.tensor(ell * ell, dtype=torch.float64)).item()
    encoder = normal(lambda t: (s * t - ell * t) ** 2) + normal(lambda t: (sd * t) ** 2)
    prices = normal(lambda t: (1 - ell / s) * (s * t) ** 2 + sd * sd + ell * (ell - s) * t * t)
    best = minimize_scalar(lambda r: normal(lambda t: (s * t - r * t) ** 2)).x
    lhs = [W, encoder, prices, sqrt(root), encoder - W]
    wide = sqrt(ell * ell + sd * sd)
    bound = (s - ell) ** 2 + sd * sd
    rhs = [(s - wide) ** 2, bound, bound, sqrt(max(s * s - sd * sd, 0.0)), 2 * s * (wide - ell)]
    # A minimum is flat: its place is known to half of the digits, its value to all.
    lhs.append((s - float(best)) ** 2)
    return torch.tensor(lhs, dtype=torch.float64), torch.tensor([*rhs, 0.0], dtype=torch.float64)


@statement("prop-enc-price", chapter=8, source=BOOK, tol=1e-9, sizes=PRICES)
def price(generator: Generator, n: int, r: int, lam: float) -> Sides:
    """Best free and best deterministic encoder on the line, by LP and by descent = the formulas."""
    x = points(generator, n, 1)[:, 0].sort().values
    t = points(generator, n * r, 1)[:, 0].sort().values
    C = (x[:, None] - t).square()

    def detour(i: int, j: int) -> float:  # from a datum over a code to a point of the prior
        cost = lambda z: (x[i] - z) ** 2 + lam * (z - t[j]) ** 2  # noqa: E731
        return float(minimize_scalar(lambda z: float(cost(z))).fun)

    D = C.new_tensor([[detour(i, j) for j in range(n * r)] for i in range(n)])
    best = otg.solve_exact(C)
    z = (x[:, None] + lam * t) / (1 + lam)  # codes of the best free encoder
    used = best.plan > 0
    left = otg.wasserstein_1d(z[used], t, 2, best.plan[used] / best.plan[used].sum())
    shown = (best.plan * (x[:, None] - z).square()).sum() + lam * left

    def determined(f: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(f).requires_grad_()
        value = (x - at).square().mean() + lam * otg.wasserstein_1d(at, t, 2)
        return value.item(), torch.autograd.grad(value, at)[0].numpy()

    starts = [x.numpy(), *(points(generator, n, 1)[:, 0].numpy() for _ in range(4))]
    tight = {"gtol": 1e-12, "ftol": 1e-16}
    found = [minimize(determined, f, jac=True, method="L-BFGS-B", options=tight) for f in starts]
    free = lam / (1 + lam) * best.value
    missing = t.reshape(n, r).var(dim=1, correction=0).mean()
    lhs = [otg.solve_exact(D).value, shown, C.new_tensor(min(f.fun for f in found))]
    return torch.stack(lhs), torch.stack([free, free, free + lam**2 / (1 + lam) * missing])


def gaussian_price(lam: float) -> float:
    """Data -1 and 1, codes N(-m, v) and N(m, v), decoder z: the best cost + lam W_2^2 to N(0, 1).

    The distance is the mean squared displacement of the rising map from the mixture to N(0, 1), by
    the trapezoidal rule. The search has several starts, from an encoder that is nearly
    deterministic to the blind one: a large weight has two valleys.
    """
    g = np.linspace(-9, 9, 361)
    weight = np.exp(-(g**2) / 2) * (g[1] - g[0]) / sqrt(2 * pi)

    def total(at: np.ndarray) -> float:
        m, sd = float(at[0]), max(abs(float(at[1])), 1e-3)
        x = m + sd * g  # by symmetry one of the two components is enough
        tail = (ndtr((m - abs(x)) / sd) + ndtr((-m - abs(x)) / sd)) / 2
        moved = -ndtri(tail) * np.sign(x)
        return float((1 - m) ** 2 + sd**2 + lam * weight @ (x - moved) ** 2)

    starts = ([1.0, 0.1], [0.6, 0.8], [0.4, 0.9], [0.2, 0.98], [0.0, 1.0])
    fine = {"xatol": 1e-9, "fatol": 1e-10}
    found = [minimize(total, at, method="Nelder-Mead", options=fine).fun for at in starts]
    return float(min(found))


all_on_cpu(globals())
