"""Statements of chapter 13: from critics to maps, and what a map of a connected law must do.

Costs, weights and points of the random instances are of order one. The tolerances follow from the
two routes, and were fixed before anything was run:

- 1e-12 where both sides are a few hundred floating-point operations;
- 1e-9 where a side is a linear programme, a quadrature or an ascent to a tiny gradient.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.integrate import quad
from scipy.sparse.csgraph import shortest_path
from scipy.stats import norm
from torch import Generator

import otgen_lite as otg
from otgen_lite.statements._latent import RADIUS as RADIUS
from otgen_lite.statements._latent import bridges as bridges
from otgen_lite.statements._latent import (
    clipped_shares,
    cumulative,
    furthest_critic,
    islands,
    lipschitz,
    shifted,
)
from otgen_lite.statements._latent import slope_needed as slope_needed
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, highs, margins, masses, points
from otgen_lite.statements.registry import BOOK, statement

CLOUDS = [
    {"n": 1, "m": 4, "d": 2, "p": 2.0},
    {"n": 6, "m": 6, "d": 1, "p": 1.0},
    {"n": 9, "m": 7, "d": 2, "p": 1.5},
    {"n": 20, "m": 12, "d": 3, "p": 2.0},
    {"n": 15, "m": 25, "d": 8, "p": 3.0},
]
CRITICS = [
    {"d": 1, "m": 2, "K": 2.0},
    {"d": 1, "m": 9, "K": 1.0},
    {"d": 2, "m": 5, "K": 2.0},
    {"d": 3, "m": 20, "K": 0.1},
    {"d": 6, "m": 4, "K": 7.0},
]
APART = [
    {"n": 1, "m": 1},
    {"n": 3, "m": 2},
    {"n": 6, "m": 9},
    {"n": 20, "m": 20},
    {"n": 30, "m": 11},
]
GRIDS = [
    {"n": 2, "h": 1.0, "p": 2.0},
    {"n": 9, "h": 0.25, "p": 2.0},
    {"n": 25, "h": 0.1, "p": 2.0},
    {"n": 12, "h": 0.5, "p": 1.0},
    {"n": 16, "h": 0.05, "p": 3.0},
]
BUDGETS = [
    {"n": 5, "d": 2, "k": 1, "p": 1.0},
    {"n": 8, "d": 3, "k": 2, "p": 2.0},
    {"n": 20, "d": 5, "k": 2, "p": 2.0},
    {"n": 12, "d": 8, "k": 3, "p": 1.0},
    {"n": 15, "d": 4, "k": 4, "p": 3.0},
]
ISLANDS = [
    {"modes": 2, "slope": 3.0},
    {"modes": 3, "slope": 10.0},
    {"modes": 4, "slope": 5.0},
    {"modes": 8, "slope": 40.0},
    {"modes": 12, "slope": 200.0},
]
PAIRS = [
    {"a": 1.0, "eps": 0.1, "rho": 0.2},
    {"a": 1.0, "eps": 1.0, "rho": 0.2},
    {"a": 2.0, "eps": 0.5, "rho": 0.01},
    {"a": 0.5, "eps": 3.0, "rho": 0.25},
    {"a": 3.0, "eps": 20.0, "rho": 1.0},
]
COPIES = [
    {"n": 2, "d": 1, "t": 0.5},
    {"n": 5, "d": 2, "t": 0.1},
    {"n": 12, "d": 3, "t": 0.25},
    {"n": 30, "d": 2, "t": 0.9},
    {"n": 40, "d": 8, "t": 0.01},
]


@statement("thm-lat-map", chapter=13, source=BOOK, tol=1e-9, sizes=CLOUDS)
def from_critic(generator: Generator, n: int, m: int, d: int, p: float) -> Sides:
    """c - psi on every pair of a cheapest plan (simplex) = its least value in the row (HiGHS)."""
    z, y = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    C = otg.cost_matrix(z, y, "euclidean") ** p
    P = otg.solve_exact(C, a, b).plan
    both = np.concatenate([a, b])
    best = highs(-both, A_ub=margins(n, m).T, b_ub=C.numpy().ravel(), bounds=(None, None))
    left = C - torch.from_numpy(best.x[n:])
    i, j = P.nonzero(as_tuple=True)
    return left[i, j], left.amin(1)[i]


@statement("prop-lat-quadratic", chapter=13, source=BOOK, tol=1e-9, sizes=CRITICS)
def uphill(generator: Generator, d: int, m: int, K: float) -> Sides:
    """z + grad D / K by autograd = the best atom; for Gaussians = the map of their moments."""
    z = points(generator, 40, d).requires_grad_()
    y, psi = points(generator, m, d), 0.3 * points(generator, m, 1)[:, 0]
    left = K / 2 * otg.cost_matrix(z, y) - psi
    (slope,) = torch.autograd.grad(-left.amin(1).sum(), z)
    S = torch.cov(points(generator, 5 * d + 5, d).T).reshape(d, d) + 0.1 * torch.eye(d)
    mean, one = points(generator, 1, d)[0], torch.eye(d, dtype=z.dtype)
    root_inverse = torch.linalg.inv(otg.gaussian_map(0 * mean, one, mean, S)[0])
    at = furthest_critic(z.detach(), mean, root_inverse, K)
    A, t = otg.gaussian_map(0 * mean, one, mean, S)
    lhs = torch.cat([z + slope / K, at])
    return lhs.detach(), torch.cat([y[left.argmin(1)], z.detach() @ A + t])


@statement("prop-lat-direction", chapter=13, source=BOOK, tol=1e-9, sizes=APART)
def direction(generator: Generator, n: int, m: int) -> Sides:
    """Cheapest, costliest and product plan of two laws that lie apart = value of the critic x."""
    z = torch.rand(n, generator=generator, dtype=torch.float64)
    y = 2 + torch.rand(m, generator=generator, dtype=torch.float64)
    a, b = masses(generator, n), masses(generator, m)
    C = (z[:, None] - y).abs()
    fixed = {"A_eq": margins(n, m), "b_eq": np.concatenate([a, b]), "bounds": (0, None)}
    least, most = (s * highs(s * C.numpy().ravel(), **fixed).fun for s in (1, -1))
    lhs = torch.stack([C.new_tensor(least), C.new_tensor(most), a @ C @ b])
    return lhs, (b @ y - a @ z).expand(3)


@statement("prop-lat-single", chapter=13, source=BOOK, tol=1e-9, sizes=GRIDS)
def single(generator: Generator, n: int, h: float, p: float) -> Sides:
    """Best single potential on a grid and on a cloud (HiGHS) = h^(p-1) W_1, and chains' cost."""
    a, b = masses(generator, n), masses(generator, n)
    place = h * torch.arange(n, dtype=torch.float64)
    cloud = points(generator, n, 2)
    costs = ((place[:, None] - place).abs() ** p, otg.cost_matrix(cloud, cloud) ** (p / 2))
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    row = np.arange(len(i))
    A = np.zeros((len(i), n))
    A[row, i], A[row, j] = -1, 1  # phi_j - phi_i <= c_ij
    free = {"A_ub": A, "bounds": (None, None)}
    best = [-highs((a - b).numpy(), b_ub=C.numpy()[i, j], **free).fun for C in costs]
    w1 = h * (a - b).cumsum(0).abs().sum()
    chains = torch.from_numpy(shortest_path(costs[1].numpy()))
    rhs = torch.stack([h ** (p - 1) * w1, otg.solve_exact(chains, a, b).value])
    return torch.tensor(best, dtype=torch.float64), rhs


@statement("thm-lat-budget", chapter=13, source=BOOK, tol=1e-9, relation="<=", sizes=BUDGETS)
def budget(generator: Generator, n: int, d: int, k: int, p: float) -> Sides:
    """W_p of data and samples <= reconstruction + Lip(G) W_p of codes; a decoder that is linear."""
    A = points(generator, d, k)
    x = points(generator, n, k) @ A.T + 0.3 * points(generator, n, d)
    codes = x @ torch.linalg.pinv(A).T
    images = points(generator, n + 3, k)  # T(Z), whatever the map is
    norm_of = lambda u, v: otg.cost_matrix(u, v, "euclidean") ** p  # noqa: E731
    total = otg.solve_exact(norm_of(x, images @ A.T)).value ** (1 / p)
    again = (x - codes @ A.T).norm(dim=1).pow(p).mean() ** (1 / p)
    latent = otg.solve_exact(norm_of(codes, images)).value ** (1 / p)
    stretch = torch.linalg.matrix_norm(A, 2)
    exact = otg.solve_exact(norm_of(codes @ A.T, images @ A.T)).value ** (1 / p)
    return torch.stack([total, exact]), torch.stack([again + stretch * latent, stretch * latent])


@statement("thm-lat-bridges", chapter=13, source="borell_1975", tol=1e-9, relation="<=",
           sizes=ISLANDS)  # fmt: skip
def continuity(generator: Generator, modes: int, slope: float) -> Sides:
    """Sum of enlarged shares <= 1, least <= measured bridges: a clipped line, a ring, a network."""
    gap = 1.0
    clipped = clipped_shares(gap, slope)
    ring, ring_gap, ring_slope = islands(modes, slope)
    net, net_gap, net_slope = lipschitz(generator, slope)
    cases = ((clipped, gap, slope), (ring, ring_gap, ring_slope), (net, net_gap, net_slope))
    lhs = [shifted(p, g / (2 * s)).sum() for p, g, s in cases]
    least = [bridges(2, gap, slope), bridges(modes, ring_gap, ring_slope)]
    made = [1 - clipped.sum(), 1 - ring.sum()]
    return torch.stack([*lhs, *least]), torch.stack([*(torch.ones(3).to(lhs[0])), *made])


@statement("prop-lat-soft", chapter=13, source=BOOK, tol=1e-9, sizes=PAIRS)
def soft(generator: Generator, a: float, eps: float, rho: float) -> Sides:
    """The soft map of two atoms, its bridges and its second moment, by the package = formulas."""
    atoms = torch.tensor([[-a], [a]], dtype=torch.float64)
    sd = otg.SemiDiscrete(atoms, eps=eps)
    z = points(generator, 30, 1)
    edge = eps / (2 * a) * np.arctanh(1 - rho / a)
    at = sd.barycentric(torch.tensor([[-edge], [edge], [0.0]], dtype=torch.float64))[:, 0]
    mass = 2 * norm.cdf(edge) - 1

    def moment(t: float) -> float:
        image = sd.barycentric(torch.tensor([[t]], dtype=torch.float64))
        return float(image.square()) * norm.pdf(t)

    inside = quad(norm.pdf, -edge, edge, epsabs=1e-13, epsrel=1e-13, limit=400)[0]
    second = 2 * quad(moment, 0, 10, epsabs=1e-12, epsrel=1e-12, limit=400)[0]
    t, w = cumulative()
    formula = float(w @ (a * np.tanh(2 * a * t / eps)) ** 2)
    lhs = [*sd.barycentric(z)[:, 0], *at, inside, second]
    rhs = [*(a * (2 * a * z[:, 0] / eps).tanh()), rho - a, a - rho, 0.0, mass, formula]
    return torch.tensor(lhs, dtype=z.dtype), torch.tensor(rhs, dtype=z.dtype)


@statement("prop-lat-copies", chapter=13, source=BOOK, tol=1e-9, sizes=COPIES)
def copies(generator: Generator, n: int, d: int, t: float) -> Sides:
    """W_2 of the spread map to the codes = t W_2; how many are different, by a chain = formula."""
    z, y = points(generator, n, d), points(generator, n, d)
    r = otg.solve_exact(otg.cost_matrix(z, y))
    images = y[r.plan.argmax(1)]
    spread = (1 - t) * images + t * z
    W = otg.solve_exact(otg.cost_matrix(spread, y)).value.sqrt()
    back = otg.solve_exact(otg.cost_matrix(z, spread)).value.sqrt()
    seen = np.zeros(n + 1)  # law of the number of different ones, draw by draw
    seen[0] = 1.0
    for _ in range(2 * n):
        old = np.arange(n + 1) / n
        seen = seen * old + np.concatenate([[0.0], (seen * (1 - old))[:-1]])
    different = float(seen @ np.arange(n + 1))
    root = r.value.sqrt()
    lhs = torch.stack([W, back, W.new_tensor(different)])
    return lhs, torch.stack(
        [t * root, (1 - t) * root, W.new_tensor(n * (1 - (1 - 1 / n) ** (2 * n)))]
    )


all_on_cpu(globals())
