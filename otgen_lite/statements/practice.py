"""Statements of chapter 12: penalties in practice, what a batch can see, how to weigh them.

Points, weights and costs of the random instances are of order one. The tolerances follow from the
two routes, and were fixed before anything was run:

- 1e-12 where both sides are a few thousand floating-point operations;
- 1e-9 where a side is a linear programme, an interior-point method that stops at a gap of 1e-10, a
  maximisation by a quasi-Newton method, or a quadrature.
"""

from __future__ import annotations

from math import exp, log, pi, sin, sqrt

import numpy as np
import torch
from scipy.integrate import quad
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements._penalised import PENALTIES, penalty, primal
from otgen_lite.statements._practice import (
    best_game,
    discrepancy,
    least_distance,
    multiquadric,
    samples,
    sliced,
    spread_of_batches,
    steep,
)
from otgen_lite.statements.kantorovich import Sides, masses, points, problem
from otgen_lite.statements.registry import BOOK, statement

BATCHES = [
    {"n": 2, "m": 2, "r": 2},
    {"n": 2, "m": 3, "r": 3},
    {"n": 4, "m": 2, "r": 2},
    {"n": 3, "m": 3, "r": 2},
    {"n": 2, "m": 2, "r": 5},
]
POWERS = [
    {"n": 8, "d": 1, "p": 2.0, "C": 1.0},
    {"n": 12, "d": 2, "p": 1.0, "C": 4.0},
    {"n": 10, "d": 3, "p": 0.5, "C": 0.3},
    {"n": 9, "d": 8, "p": 1.7, "C": 16.0},
    {"n": 20, "d": 2, "p": 2.0, "C": 0.4},
]
UNITS = [
    {"n": 4, "d": 3, "k": 1, "share": 0.05, "lam": 10.0},
    {"n": 8, "d": 12, "k": 2, "share": 0.05, "lam": 100.0},
    {"n": 6, "d": 5, "k": 3, "share": 1.0, "lam": 1.0},
    {"n": 16, "d": 2, "k": 2, "share": 0.2, "lam": 0.3},
    {"n": 5, "d": 20, "k": 4, "share": 3.0, "lam": 7.0},
]
ATOMS = [{"k": 1, "d": 1}, {"k": 8, "d": 1}, {"k": 3, "d": 2}, {"k": 2, "d": 8}, {"k": 5, "d": 3}]
SPECKS = [
    {"n": 1, "r": 9, "L": 3.0, "s": 0.05},
    {"n": 2, "r": 6, "L": 1.0, "s": 0.1},
    {"n": 4, "r": 5, "L": 2.0, "s": 0.05},
    {"n": 8, "r": 20, "L": 1.5, "s": 0.01},
    {"n": 3, "r": 40, "L": 5.0, "s": 0.02},
]
GAMES = [{"r": 3, "k": 1}, {"r": 5, "k": 2}, {"r": 8, "k": 3}, {"r": 12, "k": 1}, {"r": 20, "k": 4}]
SLICES = [
    {"n": 2, "s": 0.5},
    {"n": 5, "s": 2.0},
    {"n": 9, "s": 1.0},
    {"n": 16, "s": 0.1},
    {"n": 30, "s": 3.0},
]
CODES = [
    {"n": 1, "m": 3, "d": 2, "k": 1},
    {"n": 4, "m": 6, "d": 3, "k": 2},
    {"n": 8, "m": 8, "d": 5, "k": 2},
    {"n": 12, "m": 5, "d": 2, "k": 4},
    {"n": 20, "m": 15, "d": 8, "k": 3},
]
PATHS = [
    {"n": 2, "m": 3, "low": 0.05, "high": 0.5},
    {"n": 3, "m": 2, "low": 0.2, "high": 0.4},
    {"n": 5, "m": 6, "low": 0.1, "high": 2.0},
    {"n": 8, "m": 8, "low": 0.5, "high": 1.0},
    {"n": 6, "m": 10, "low": 0.3, "high": 3.0},
]


@statement("prop-wae-estimators", chapter=12, source="gretton_2012", tol=1e-12, sizes=BATCHES)
def estimators(generator: Generator, n: int, m: int, r: int) -> Sides:
    """Means of U and V over all samples (package's penalty) = MMD^2, and what V adds; V >= 0."""
    x = points(generator, r, 2)
    a, b = masses(generator, r), masses(generator, r)
    K = multiquadric(x, x)
    u, v = (otg.MMD(scale=1.0, statistic=s) for s in "uv")
    seen = [
        (w * s, u(x[i], x[j]), v(x[i], x[j])) for i, w in samples(a, n) for j, s in samples(b, m)
    ]
    lhs = [sum(w * value for w, value, _ in seen), sum(w * value for w, _, value in seen)]
    lhs.append(min(value for _, _, value in seen).clamp(max=0.0))
    true = discrepancy(a, b, K)
    extra = (1 - a @ K @ a) / n + (1 - b @ K @ b) / m
    return torch.stack(lhs), torch.stack([true, true + extra, 0 * true])


@statement("thm-wae-variance", chapter=12, source=BOOK, tol=1e-12, sizes=BATCHES)
def variance(generator: Generator, n: int, m: int, r: int) -> Sides:
    """Variance of U over all samples (package's penalty) = the five terms; two laws, and one."""
    x = points(generator, r, 2)
    a, b = masses(generator, r), masses(generator, r)
    u, K = otg.MMD(scale=1.0), multiquadric(x, x)
    lhs, rhs = [], []
    for q in (a, b):
        seen = [(w * s, u(x[i], x[j])) for i, w in samples(q, n) for j, s in samples(b, m)]
        mean = sum(w * value for w, value in seen)
        lhs.append(sum(w * (value - mean) ** 2 for w, value in seen))
        rhs.append(spread_of_batches(q, b, K, n, m))
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-wae-powers", chapter=12, source=BOOK, tol=1e-9, sizes=POWERS)
def powers(generator: Generator, n: int, d: int, p: float, C: float) -> Sides:
    """Kernel = mean of exp(-t r^p / C), least eigenvalue >= 0; three points for p and for p + 2."""
    x = points(generator, n, d)
    K = multiquadric(x, x, C, p)
    far = float((x[0] - x[-1]).norm()) ** p
    mixed = quad(lambda t: exp(-t * (1 + far / C)), 0, 60, epsabs=1e-13, epsrel=1e-13)[0]
    lhs = [K.new_tensor(mixed), torch.linalg.eigvalsh(K)[0].clamp(max=0.0)]
    rhs = [K[0, -1], 0 * K[0, 0]]
    at = torch.zeros(3, d, dtype=torch.float64)
    at[:, 0] = K.new_tensor([-0.1, 0.0, 0.1])
    split, whole = K.new_tensor([0.5, 0.0, 0.5]), K.new_tensor([0.0, 1.0, 0.0])
    for power in (p, p + 2):
        u, two = 0.1**power / C, 2.0**power
        lhs.append(discrepancy(split, whole, multiquadric(at, at, C, power)))
        rhs.append(K.new_tensor(u * (2 - two / 2 + 1.5 * two * u) / ((1 + u) * (1 + two * u))))
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-wae-units", chapter=12, source=BOOK, tol=1e-9, sizes=UNITS)
def units(generator: Generator, n: int, d: int, k: int, share: float, lam: float) -> Sides:
    """Gradient of a published loss = share / d times that of P-OT; E|Z - Z'|^2 by quadrature."""
    nets = [
        otg.MLP(i, [8], o, activation=torch.nn.Tanh, generator=generator).double()
        for i, o in ((d, k), (k, d))
    ]
    x, z = points(generator, n, d), points(generator, n, k)
    moved = [value for net in nets for value in net.parameters()]
    code = nets[0](x)
    kernels = [otg.MMD(scale=2.0 * k * s) for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)]
    loss = share * (nets[1](code) - x).square().mean()
    loss = loss + lam * torch.stack([kernel(code, z) for kernel in kernels]).sum()
    ours = otg.PenalizedOT(*nets, penalty=otg.MMD("multi"), lam=lam * d / share, prior=k)
    theirs = ours("autoencoder", x, {"prior": z})
    lhs, rhs = (
        torch.cat([g.ravel() for g in torch.autograd.grad(value, moved)])
        for value in (loss, share / d * theirs)
    )
    t, w = np.polynomial.hermite_e.hermegauss(8)
    w = w / sqrt(2 * pi)
    square = k * share**2 * float(w @ (t[:, None] - t) ** 2 @ w)  # a prior of deviation share
    return torch.cat([lhs, lhs.new_tensor([square])]), torch.cat(
        [rhs, rhs.new_tensor([2 * k * share**2])]
    )


@statement("thm-wae-atoms", chapter=12, source=BOOK, tol=1e-12, relation="<=", sizes=ATOMS)
def atoms(generator: Generator, k: int, d: int) -> Sides:
    """The bound <= what k^d atoms of a product, a ring, and random atoms on the line miss."""
    least = otg.quantise_gaussian(k)
    ring = 2 - pi / 2 * (sin(pi / k) / (pi / k)) ** 2
    some = points(generator, k, 1)[:, 0].sort().values
    lhs = [least_distance(k**d, d), least_distance(k, 2), least_distance(k, 1)]
    rhs = [d * least[1], least[1].new_tensor(ring), least[1] + (some - least[0]).square().mean()]
    return rhs[0].new_tensor(lhs), torch.stack(rhs)


@statement("prop-wae-specks", chapter=12, source=BOOK, tol=1e-12, relation="<=", sizes=SPECKS)
def specks(generator: Generator, n: int, r: int, L: float, s: float) -> Sides:
    """sqrt(q_n) - L s <= W_2 of the codes of n specks on the line to the prior; any slopes <= L."""
    off = points(generator, n * r, 1)[:, 0].reshape(n, r)
    off = s * (off - off.mean(1, keepdim=True)) / off.std(correction=0)
    x = (3 * points(generator, n, 1)[:, 0].sort().values[:, None] + off).ravel()
    deviation = (off - off.mean(1, keepdim=True)).square().mean().sqrt()
    codes = steep(x, L, generator).sort().values
    fine, missing = otg.quantise_gaussian(n * r)
    there = (missing + (codes - fine).square().mean()).sqrt()
    return otg.quantise_gaussian(n)[1].sqrt() - L * deviation, there


@statement(
    "prop-wae-discriminator", chapter=12, source=BOOK, tol=1e-9, relation="<=", sizes=GAMES
)  # fmt: skip
def discriminator(generator: Generator, r: int, k: int) -> Sides:
    """From below and above: the game for logits of k features and 1; at equal moments it is 0."""
    features = torch.cat([torch.ones(r, 1, dtype=torch.float64), points(generator, r, k)], dim=1)
    a, b = masses(generator, r), masses(generator, r)
    gap = features.T @ (a - b)
    M = features.T @ ((a + b)[:, None] * features)
    value = a.new_tensor(best_game(features, a, b))
    # Codes at the points and their mirror images: all odd features have the mean 0 twice.
    both = torch.cat([features, features * torch.tensor([1.0] + [-1.0] * k)])
    equal = a.new_tensor(best_game(both, torch.cat([a, a]) / 2, torch.cat([b, b]) / 2))
    apart = torch.tensor(
        penalty("GAN", np.append(a, 0 * b), np.append(0 * a, b)), dtype=torch.float64
    )
    full = a.new_tensor(penalty("GAN", a.numpy(), b.numpy()))
    most, low = 2 * log(2) + 0 * full, gap @ torch.linalg.solve(M, gap) / 2
    lhs, rhs = [low, value, equal, apart, most], [value, full, 0 * full, most, apart]
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-wae-sliced", chapter=12, source=BOOK, tol=1e-9, relation="<=", sizes=SLICES)
def slices(generator: Generator, n: int, s: float) -> Sides:
    """Sliced cost of two clouds <= half of W_2^2; shifts and stretches have equality, both ways."""
    x, y = points(generator, n, 2), points(generator, n, 2)
    shift = points(generator, 1, 2)[0]
    W = otg.solve_exact(otg.cost_matrix(x, y)).value
    moved = sliced(x, s * x + shift)
    half = (x - s * x - shift).square().sum(1).mean() / 2
    return torch.stack([sliced(x, y), moved, half]), torch.stack([W / 2, half, moved])


@statement("thm-wae-bound", chapter=12, source=BOOK, tol=1e-9, relation="<=", sizes=CODES)
def bound(generator: Generator, n: int, m: int, d: int, k: int) -> Sides:
    """W_2(P_X, P_G), by LP <= root of the reconstruction + L W_2(Q_Z, P_Z); random encoders."""
    x, z = points(generator, n, d), points(generator, m, k)
    a, b = masses(generator, n), masses(generator, m)
    A, B = points(generator, k, d), points(generator, k, d)
    made = z @ A + (z @ B).tanh()
    left, right = (otg.cost_matrix(v, v) + torch.eye(m, dtype=torch.float64) for v in (made, z))
    L = ((left - torch.eye(m)) / right).max().sqrt()
    P = a[:, None] * torch.stack([masses(generator, m) for _ in range(n)])
    C = otg.cost_matrix(x, made)
    q = P.sum(0)
    codes = otg.solve_exact(otg.cost_matrix(z, z), q / q.sum(), b).value
    return otg.solve_exact(C, a, b).value.sqrt(), (C * P).sum().sqrt() + L * codes.sqrt()


@statement("prop-wae-tradeoff", chapter=12, source=BOOK, tol=1e-9, relation="<=", sizes=PATHS)
def tradeoff(generator: Generator, n: int, m: int, low: float, high: float) -> Sides:
    """Best encoders at two weights: penalties fall, costs rise, the slope lies between weights."""
    C, a, b = problem(generator, n, m)
    lhs, rhs = [], []
    for name in PENALTIES:
        found = []
        for lam in (low, high):
            P = primal(C, a, b, lam, name)[1]
            q = P.sum(0)
            found.append(((C * P).sum(), a.new_tensor(penalty(name, q.numpy(), b.numpy()))))
        (R1, F1), (R2, F2) = found
        lhs += [F2, R1, low * (F1 - F2), R2 - R1]
        rhs += [F1, R2, R2 - R1, high * (F1 - F2)]
    return torch.stack(lhs), torch.stack(rhs)


def worth(a: Tensor, b: Tensor, K: Tensor, n: int) -> tuple[float, float]:
    """Mean and standard deviation of the U-statistic of n codes (law a) and n draws (law b)."""
    return float(discrepancy(a, b, K)), float(spread_of_batches(a, b, K, n, n).sqrt())


all_on_cpu(globals())
