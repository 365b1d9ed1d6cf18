"""Statements of chapter 7: critics, what constrains them, and what their slopes say.

Points of the random instances are of order one, and the two clouds are at least a unit apart where
a direction between them is asked for. The tolerances follow from the two routes, and were fixed
before anything was run:

- 1e-12 where both sides are a few thousand floating-point operations;
- 1e-9 where a side is the network simplex or HiGHS, which meets constraints to 1e-10, or a
  Gaussian quadrature of a smooth function;
- 1e-7 where a side is a difference quotient with step 1e-5 of values known to 1e-15: rounding
  leaves 1e-10, and the third derivative of a distance of order one about as much;
- 1e-6 where a side is the value of a maximisation by L-BFGS.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import torch
from scipy.optimize import linprog, minimize_scalar
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._critics import (
    Critic,
    backwards,
    cones,
    network,
    penalised_line,
    penalised_numerically,
    scores,
    slackest,
    waves,
)
from otgen_lite.statements._games import clip_bound
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.distances import one_potential
from otgen_lite.statements.kantorovich import Sides, masses, points
from otgen_lite.statements.registry import BOOK, statement

NETS = [
    {"n": 3, "d": 1, "width": 4},
    {"n": 6, "d": 2, "width": 8},
    {"n": 10, "d": 2, "width": 16},
    {"n": 15, "d": 3, "width": 5},
    {"n": 25, "d": 5, "width": 12},
]
CLOUDS = [
    {"n": 1, "d": 2},
    {"n": 4, "d": 2},
    {"n": 7, "d": 3},
    {"n": 12, "d": 2},
    {"n": 20, "d": 5},
]
NEAR = [
    {"n": 2, "d": 2, "eps": 0.5},
    {"n": 5, "d": 1, "eps": 0.1},
    {"n": 8, "d": 2, "eps": 0.01},
    {"n": 12, "d": 3, "eps": 0.001},
    {"n": 20, "d": 2, "eps": 0.05},
]
LINES = [
    {"n": 1, "m": 1, "lam": 10.0},
    {"n": 2, "m": 3, "lam": 1.0},
    {"n": 5, "m": 4, "lam": 0.3},
    {"n": 8, "m": 8, "lam": 3.0},
    {"n": 6, "m": 10, "lam": 100.0},
]
WELLS = [
    {"m": 2.0, "lam": 10.0},
    {"m": 0.5, "lam": 1.0},
    {"m": 3.0, "lam": 1.0},
    {"m": 1.0, "lam": 0.6},
    {"m": 0.1, "lam": 30.0},
]
GRIDS = [
    {"n": 2, "h": 1.0},
    {"n": 3, "h": 0.5},
    {"n": 6, "h": 1.0},
    {"n": 9, "h": 0.3},
    {"n": 14, "h": 2.0},
]


def apart(generator: Generator, n: int, d: int) -> tuple[Tensor, Tensor]:
    """Data and model, n points each, the data at least a unit to the right."""
    x, y = torch.rand(2, n, d, generator=generator, dtype=torch.float64)
    x[:, 0] += 2.0
    return x, y


def earned(critic: Critic, x: Tensor, y: Tensor) -> Tensor:
    """The value of a critic: its mean on data x minus its mean on the model's points y."""
    return critic(x).mean() - critic(y).mean()


def exact(x: Tensor, y: Tensor) -> Tensor:
    """The exact W_1 of two clouds with equal weights."""
    return otg.solve_exact(otg.cost_matrix(x, y, "euclidean")).value


@statement(
    "prop-wgan-lower", chapter=7, source="arjovsky_2017", tol=1e-9, relation="<=", sizes=NETS
)  # fmt: skip
def lower_bound(generator: Generator, n: int, d: int, width: int) -> Sides:
    """Value of a random network <= product of its norms times W_1 = best K-Lipschitz critic."""
    x, y = points(generator, n, d) + 1.0, points(generator, n + 2, d)
    weights = network(generator, d, width, 0.7)
    K = float(torch.stack([torch.linalg.matrix_norm(w, ord=2) for w in weights]).prod())
    W, values = exact(x, y), earned(lambda u: scores(weights, u), x, y)
    atoms, signed = (
        torch.cat([x, y]),
        torch.cat([x.new_full((n,), 1 / n), y.new_full((n + 2,), -1 / (n + 2))]),
    )
    best = x.new_tensor(one_potential(K * otg.cost_matrix(atoms, atoms, "euclidean"), signed))
    return torch.stack([values, -values, best, K * W]), torch.stack([K * W, K * W, K * W, best])


@statement("thm-wgan-envelope", chapter=7, source="arjovsky_2017", tol=1e-7, sizes=CLOUDS)
def envelope(generator: Generator, n: int, d: int) -> Sides:
    """Slopes of the exact W_1 in a generator's weights, by differences = by an exact critic."""
    x, z = apart(generator, n, d)
    A = torch.eye(d, dtype=torch.float64).requires_grad_()
    t = torch.zeros(d, dtype=torch.float64, requires_grad=True)
    critic = cones(x, slackest(x, z)[0])
    slopes = torch.autograd.grad(-critic(z @ A.T + t).mean(), (A, t))
    ways = [torch.randn(3, *w.shape, generator=generator, dtype=w.dtype) for w in slopes]
    h, differences = 1e-5, []
    for B, s in zip(*ways, strict=True):
        ahead, behind = (
            exact(x, z @ (A + e * B).T.detach() + (t + e * s).detach()) for e in (h, -h)
        )
        differences.append((ahead - behind) / (2.0 * h))
    said = sum((w * g).flatten(1).sum(1) for w, g in zip(ways, slopes, strict=True))
    return torch.stack(differences), torch.as_tensor(said)


@statement("thm-wgan-slope", chapter=7, source="gulrajani_2017", tol=1e-9, sizes=CLOUDS)
def unit_slope(generator: Generator, n: int, d: int) -> Sides:
    """On the segments of the plan: scores of an exact critic = a line; gradient = unit vector."""
    x, y = apart(generator, n, d)
    b, a = masses(generator, n), masses(generator, n)
    r = otg.solve_exact(otg.cost_matrix(y, x, "euclidean"), b, a)
    critic = cones(x, r.potentials[1])
    i, j = torch.nonzero(r.plan > 1e-12, as_tuple=True)
    share = 0.2 + 0.6 * torch.rand(len(i), 1, generator=generator, dtype=torch.float64)
    at = torch.lerp(y[i], x[j], share).requires_grad_()
    found = critic(at)
    (slopes,) = torch.autograd.grad(found.sum(), at)
    length = torch.linalg.vector_norm(x[j] - y[i], dim=1)
    line = critic(y[i]) + share[:, 0] * length
    unit = (x[j] - y[i]) / length[:, None]
    return torch.cat([found.detach(), slopes.flatten()]), torch.cat([line, unit.flatten()])


@statement("thm-wgan-gap", chapter=7, source=BOOK, tol=1e-9, sizes=CLOUDS)
def shortfall(generator: Generator, n: int, d: int) -> Sides:
    """W_1 minus a smooth critic's value = what its slopes lack along the plan; and (2) holds."""
    x, y = apart(generator, n, d)
    b, a = masses(generator, n), masses(generator, n)
    r = otg.solve_exact(otg.cost_matrix(y, x, "euclidean"), b, a)
    critic, slope = waves(generator, d)
    gap = r.value - (a @ critic(x) - b @ critic(y))
    nodes, weights = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(40))
    t, w = (nodes[:, None, None, None] + 1.0) / 2.0, weights / 2.0
    move = x - y[:, None]
    length = torch.linalg.vector_norm(move, dim=2)
    way = move / length[:, :, None]
    slopes = slope((y[:, None] + t * move).reshape(-1, d)).reshape(len(w), n, n, d)
    lacks = (1.0 - (slopes * way).sum(3)) * length
    off = ((slopes - way) ** 2).sum(3) * length
    integral, squares = ((r.plan * torch.einsum("t,tij->ij", w, v)).sum() for v in (lacks, off))
    too_much = (squares - 2.0 * gap).clamp(min=0.0)
    return torch.stack([gap, too_much]), torch.stack([integral, torch.zeros_like(gap)])


@statement("thm-wgan-reversed", chapter=7, source=BOOK, tol=1e-9, sizes=NEAR)
def reversed_critic(generator: Generator, n: int, d: int, eps: float) -> Sides:
    """Slopes of the reversed critic = minus those of an exact one; it is legal, nearly exact."""
    x, y = apart(generator, n, d)
    critic, ways, W = backwards(x, y, eps)
    at = y.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(critic(at).sum(), at)
    u = torch.cat([x, y, 3.0 * torch.rand(200, d, generator=generator, dtype=torch.float64)])
    far = (u[:, None] - u).norm(dim=2)
    too_steep = ((critic(u)[:, None] - critic(u)).abs() - far).max()
    faults = torch.stack([W - eps - earned(critic, x, y), too_steep]).clamp(min=0.0)
    lhs = torch.cat([slopes.flatten(), faults, W[None]])
    return lhs, torch.cat([-ways.flatten(), torch.zeros_like(faults), exact(x, y)[None]])


@statement("prop-wgan-clip", chapter=7, source=BOOK, tol=1e-9, sizes=NETS)
def clipped(generator: Generator, n: int, d: int, width: int) -> Sides:
    """Best clipped linear critic, by programming = clip |m|_1; deep ones: clip^3, and the bound."""
    x, y = points(generator, n, d) + 1.0, points(generator, n, d)
    m, clip = x.mean(0) - y.mean(0), 0.3
    best = linprog(-m.numpy(), bounds=[(-clip, clip)] * d, method="highs")
    weights = network(generator, d, width, 1.0)
    steepest = [torch.full_like(w, clip) for w in weights]
    at = torch.rand(1, d, generator=generator, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(scores(steepest, at).sum(), at)
    lhs = [-best.fun, earned(lambda u: scores([clip * w for w in weights], u), x, y), slope.norm()]
    K = m.new_tensor(clip_bound((d, width, width, 1), clip))
    rhs = [clip * m.abs().sum(), clip**3 * earned(lambda u: scores(weights, u), x, y), K]
    return torch.tensor(lhs, dtype=torch.float64), torch.stack(rhs)


@statement("thm-wgan-gp", chapter=7, source=BOOK, tol=1e-6, sizes=LINES)
def penalty_on_the_line(generator: Generator, n: int, m: int, lam: float) -> Sides:
    """Best penalised critic by ascent = W_1 plus the excess, both penalties; value; bounds."""
    apart = 0.5 + torch.rand(n + m, generator=generator, dtype=torch.float64)  # no two atoms meet
    x, y = apart.cumsum(0)[torch.randperm(n + m, generator=generator)].split([n, m])
    a, b = masses(generator, n), masses(generator, m)
    line = penalised_line(x, y, a, b)
    W = otg.wasserstein_1d(x, y, 1.0, a, b)
    lhs = penalised_numerically(x, y, a, b, lam)
    widest = torch.cat([x, y]).max() - torch.cat([x, y]).min()
    over = (line.excess - widest * W).clamp(min=0.0)
    said, value = (W + line.excess / (k * lam) for k in (4.0, 2.0))
    rhs = torch.stack([said, said, value, 0 * W])
    return torch.tensor([*lhs, float(over)], dtype=torch.float64), rhs


@statement("prop-wgan-wells", chapter=7, source=BOOK, tol=1e-6, sizes=WELLS)
def wells(_: Generator, m: float, lam: float) -> Sides:
    """End of ascent on a linear critic, from both sides, value and slope = the closed form."""
    lhs, rhs = [], []
    for one_sided in (False, True):
        for side in (1.0, -1.0):

            def loss(w: float, one_sided: bool = one_sided) -> float:
                off = abs(w) - 1.0
                return lam * (max(off, 0.0) if one_sided else off) ** 2 - m * w

            if one_sided or side > 0:  # concave, or on the side of the best well
                ends = (-9.0, 9.0) if one_sided else (0.0, 9.0)
                w, best = 1.0 + m / (2.0 * lam), m + m**2 / (4.0 * lam)
            elif m < 2.0 * lam:  # a well of its own
                ends = (-9.0, 0.0)
                w, best = -1.0 + m / (2.0 * lam), -m + m**2 / (4.0 * lam)
            else:  # none: the slope rises all the way to zero
                ends, w, best = (-9.0, 0.0), 0.0, -lam
            found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-10})
            lhs += [found.x, -found.fun]
            rhs += [w, best]
    return torch.tensor(lhs, dtype=torch.float64), torch.tensor(rhs, dtype=torch.float64)


@statement("prop-wgan-families", chapter=7, source="mueller_1997", tol=1e-9, sizes=GRIDS)
def families(generator: Generator, n: int, h: float) -> Sides:
    """Three suprema over critics = half the differences, a root of kernels, a transport cost."""
    z = points(generator, n, 1)
    a, b = masses(generator, n), masses(generator, n)
    s = a - b
    K = torch.exp(-((z - z.T) ** 2) / (2.0 * h**2))
    bounded = linprog(-s.numpy(), bounds=[(0.0, 1.0)] * n, method="highs")
    values, vectors = torch.linalg.eigh(K)
    root = vectors @ (values.clamp(min=0.0).sqrt() * (vectors.T @ s))
    witness = root / torch.linalg.vector_norm(root)  # of length one
    lipschitz = one_potential(otg.cost_matrix(z, z, "euclidean"), s)
    lhs = torch.stack([s.new_tensor(-bounded.fun), witness @ root, s.new_tensor(lipschitz)])
    area = otg.wasserstein_1d(z[:, 0], z[:, 0], 1.0, a, b)
    mmd = (s @ K @ s).clamp(min=0.0).sqrt()
    faults = torch.stack([mmd - area / h, mmd - sqrt(2.0) * s.abs().sum() / 2.0]).clamp(min=0.0)
    rhs = torch.stack([s.abs().sum() / 2.0, mmd, area])
    return torch.cat([lhs, faults]), torch.cat([rhs, torch.zeros_like(faults)])


all_on_cpu(globals())
