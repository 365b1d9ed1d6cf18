"""Helpers of chapter 5: a rod and its landscape, corners of a potential, laws of batches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product
from math import pi

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import betaln, expit, ndtri
from scipy.stats import binom
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import masses, points

#: The three points of the chapter's first picture.
TRIANGLE = ((0.0, 0.3), (0.0, 0.7), (0.5**0.5, 0.5))


def codes(n: int) -> Tensor:
    """n codes (n,), evenly spaced in [-1, 1]: the middles of n equal pieces."""
    return (torch.arange(n, dtype=torch.float64) + 0.5) * (2 / n) - 1


def rod_cost(m: Tensor, s: Tensor, y: Tensor) -> Tensor:
    r"""The squared cost from a rod m + z s, z uniform on [-1, 1], to three equal weights at y.

    |m - mean|^2 + Var + |s|^2 / 3 - (4/9) max_ij <s, y_i - y_j>; m and s may be stacks (..., 2).
    """
    mean = y.mean(dim=0)
    along = s @ y.T
    widest = along.amax(dim=-1) - along.amin(dim=-1)
    spread = (y - mean).square().sum(dim=1).mean()
    return (m - mean).square().sum(-1) + spread + s.square().sum(-1) / 3 - 4 / 9 * widest


def rod_slope(s: Tensor, y: Tensor) -> Tensor:
    """The gradient of :func:`rod_cost` in s: 2/3 s - 4/9 (y_i - y_j), i last along s, j first."""
    along = s @ y.T
    return 2 / 3 * s - 4 / 9 * (y[along.argmax(dim=-1)] - y[along.argmin(dim=-1)])


def rod_costs(s: Tensor, y: Tensor, p: float, n: int = 60) -> Tensor:
    """|x - y|^p from rods (k, 2) that are centred at the mean of y: (k, n, 3)."""
    x = y.mean(dim=0) + codes(n).to(y)[:, None] * s[:, None, :]
    # At p = 1 the root has no slope at zero, where a point of the rod meets one of the data.
    return ((x[:, :, None] - y).square().sum(dim=3) + 1e-12).pow(p / 2)


def rods(s: Tensor, y: Tensor, p: float, eps: float, n: int = 60, sweeps: int = 400) -> Tensor:
    """Transport cost of many rods (k, 2) at once, with entropy where eps > 0: (k,).

    Its gradient in s holds the plan still. Every rod has n points; without entropy each is a linear
    programme, with it all of them are swept together.
    """
    C = rod_costs(s, y, p, n)
    if eps == 0:
        plans = torch.stack([otg.solve_exact(one.detach()).plan for one in C])
        return (plans.to(C) * C).sum(dim=(1, 2))
    with torch.no_grad():
        g = torch.zeros_like(C[:, 0])
        share = np.log(len(y))
        for _ in range(sweeps):
            f = -eps * torch.logsumexp((g[:, None] - C) / eps - share, dim=2)
            new = -eps * torch.logsumexp((f[:, :, None] - C) / eps - np.log(n), dim=1)
            moved, g = (new - g).abs().max(), new
            if moved < 1e-5 * eps:
                break
    # The soft transform of g, which stays where it is: its slope is that of the plan.
    f = -eps * torch.logsumexp((g[:, None] - C) / eps - share, dim=2)
    return f.mean(dim=1) + g.mean(dim=1)


def landscape(y: Tensor, p: float, eps: float, half: float, k: int, n: int = 30) -> Tensor:
    """Costs of all rods with s in a grid (k, k) over [-half, half]^2, k odd; rows are s_2.

    s and -s are the same rod, so that half of them are computed.
    """
    side = torch.linspace(-half, half, k, dtype=torch.float64)
    s = torch.stack(torch.meshgrid(side, side, indexing="xy"), dim=-1).reshape(-1, 2)
    some = rods(s[: k * k // 2 + 1], y, p, eps, n, sweeps=200)
    return torch.cat([some, some[:-1].flip(0)]).reshape(k, k)


def descent(
    s: Tensor,
    y: Tensor,
    p: float = 2.0,
    eps: float = 0.0,
    lr: float = 0.2,
    steps: int = 60,
    n: int = 60,
) -> Tensor:
    """Gradient descent of rods from s (k, 2): (steps + 1, k, 2)."""
    path = [s.clone()]
    for _ in range(steps):
        at = path[-1].clone().requires_grad_()
        (slope,) = torch.autograd.grad(rods(at, y, p, eps, n).sum(), at)
        path.append((at - lr * slope).detach())
    return torch.stack(path)


def batches(x: Tensor, a: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """All lists of n atoms (k^n, n) as indices, and how likely each is."""
    lists = torch.tensor(list(product(range(len(x)), repeat=n)))
    return lists, a[lists].prod(dim=1)


def mean_cost(x: Tensor, a: Tensor, y: Tensor, b: Tensor, n: int, p: float = 2.0) -> Tensor:
    """The mean of W over all pairs of batches of n, every permutation tried: no solver."""
    one, of_one = batches(x, a, n)
    two, of_two = batches(y, b, n)
    C = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** p
    pairs = C[one][:, :, two].permute(0, 2, 1, 3)  # batch, batch, place, place
    costs = [pairs[:, :, range(n), order].mean(dim=2) for order in permutations(range(n))]
    return of_one @ torch.stack(costs).amin(dim=0) @ of_two


def bernoulli_loss(theta: float, truth: float, n: int) -> float:
    """E |K - L| / n with two binomial counts: the mean of W_1 over batches of n."""
    k = np.arange(n + 1)
    gaps = np.abs(k[:, None] - k) / n
    return float(binom.pmf(k, n, truth) @ gaps @ binom.pmf(k, n, theta))


def order_means(law: str, n: int) -> np.ndarray:
    """E Z_(i) for n draws of a law with mean 0 and variance 1: (n,).

    The integral of the quantile function against the density of the i-th of n uniform numbers, by
    the trapezoidal rule in t = log u / (1 - u), which is exact up to rounding here.
    """
    t = np.linspace(-40, 40, 4001)
    u, rest = expit(t), expit(-t)
    quantile = {
        "normal": np.where(t < 0, ndtri(u), -ndtri(rest)),
        "uniform": np.sqrt(3) * (u - rest),
        "exponential": -np.log(rest) - 1,
    }[law]
    i = np.arange(1, n + 1)[:, None]
    log_density = i * np.log(u) + (n + 1 - i) * np.log(rest) - betaln(i, n + 1 - i)
    return np.exp(log_density) @ quantile * (t[1] - t[0])


def shrinkage(law: str, n: int) -> float:
    """rho_n = (1/n) sum (E Z_(i))^2: the scale at which batches of n are cheapest."""
    return float(np.square(order_means(law, n)).mean())


def shrinkage_measured(
    d: int, n: int, repeats: int, generator: torch.Generator
) -> tuple[float, float]:
    """rho_n of the standard Gaussian in d dimensions: mean over pairs of batches, and its error.

    max over permutations of sum <z_i, y_sigma(i)> / (n d); the permutation does not depend on s.
    """
    found = []
    for _ in range(repeats):
        z, y = torch.randn(2, n, d, generator=generator, dtype=torch.float64,
                           device=generator.device).cpu()  # fmt: skip
        found.append(-float(otg.solve_exact(-z @ y.T).value) / d)
    values = np.array(found)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(repeats))


def shrinkage_debiased(
    d: int, n: int, eps: float, repeats: int, generator: torch.Generator
) -> tuple[float, float]:
    """The scale at which the Sinkhorn divergence of Gaussian batches is smallest, and its error.

    Smallest on average over pairs of batches. The slope of this average at its minimum has a
    standard error; over the curvature it is that of the minimum.
    """
    draws = torch.randn(repeats, 2, n, d, generator=generator, dtype=torch.float64,
                        device=generator.device).cpu()  # fmt: skip

    def losses(s: float) -> np.ndarray:
        return np.array([float(otg.sinkhorn_divergence(s * z, y, eps, tol=1e-4)) for z, y in draws])

    found = float(minimize_scalar(lambda s: losses(s).mean(), bounds=(0.05, 1.5),
                                  method="bounded", options={"xatol": 5e-3}).x)  # fmt: skip
    h = 0.1
    low, here, high = (losses(found + t) for t in (-h, 0.0, h))
    slopes = (high - low) / (2 * h)
    curvature = (low + high - 2 * here).mean() / h**2
    return found, float(slopes.std(ddof=1) / np.sqrt(repeats) / curvature)


def generated(theta: Tensor, z: Tensor) -> Tensor:
    """A generator that is not linear: m + tanh(A z), theta = (m, A) in one row of numbers."""
    d = z.shape[1]
    return theta[:d] + torch.tanh(z @ theta[d:].reshape(d, d).T)


def difference(
    value: Callable[[Tensor], Tensor], theta: Tensor, direction: Tensor, h: float = 1e-5
) -> Tensor:
    """The central difference quotient of a function of theta."""
    return (value(theta + h * direction) - value(theta - h * direction)) / (2 * h)


def angles(y: Tensor) -> Tensor:
    """The three angles of a triangle (3, 2)."""
    u, v = y.roll(-1, 0) - y, y.roll(1, 0) - y
    return torch.acos((u * v).sum(dim=1) / (u.norm(dim=1) * v.norm(dim=1)))


def acute(y: Tensor) -> bool:
    """Whether all three angles are below a right one."""
    return bool((angles(y) < pi / 2).all())


def tied_slopes(
    C: Tensor, D: Tensor, f: Tensor, g: Tensor, tol: float = 1e-9
) -> tuple[Tensor, Tensor]:
    """Slopes to the left and to the right of the mean of min_j C_ij - g_j, where C moves along D.

    A pair is tied where f_i + g_j = C_ij up to ``tol``.
    """
    tied = C - f[:, None] - g < tol * C.abs().max()
    left = D.masked_fill(~tied, -torch.inf).amax(dim=1).mean()
    right = D.masked_fill(~tied, torch.inf).amin(dim=1).mean()
    return left, right


def missing_ties(generator: Generator, n: int, clouds: int) -> list[int]:
    """By how many ties the solver's potentials miss a corner, for pairs of n Gaussian points.

    At a corner at least 2n - 1 of the pairs i, j have f_i + g_j = C_ij.
    """
    found = []
    for _ in range(clouds):
        x, y = points(generator, n, 2), points(generator, n, 2)
        C = otg.cost_matrix(x, y)
        f, g = otg.solve_exact(C).potentials
        found.append(max(0, 2 * n - 1 - int((C - f[:, None] - g < 1e-9).sum())))
    return found


def corner_of(x: Tensor, y: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Best potentials of sorted points on the line, squared cost, that are a corner.

    g_{j+1} - g_j may lie between C[j+1, j+1] - C[j+1, j] and C[j, j+1] - C[j, j]; it is put to the
    upper end where ``last`` (n - 1,) says so, which ties point j with datum j + 1.
    """
    C = (x[:, None] - y).square()
    own, ahead, behind = C.diagonal(), C.diagonal(1), C.diagonal(-1)
    step = torch.where(last, ahead - own[:-1], own[1:] - behind)
    g = torch.cat([torch.zeros_like(y[:1]), step.cumsum(dim=0)])
    return own - g, g


def standardised(generator: Generator, k: int, d: int) -> tuple[Tensor, Tensor]:
    """k atoms in d dimensions with random weights, mean 0 and total variance d."""
    z, a = points(generator, k, d), masses(generator, k)
    z = z - a @ z
    return z * (d / (a @ z.square().sum(dim=1))).sqrt(), a


def order_statistics(z: Tensor, a: Tensor, n: int) -> Tensor:
    """E Z_(i) of a finite law on the line, over all batches: (n,)."""
    lists, likely = batches(z, a, n)
    return likely @ z[lists].sort(dim=1).values


def without_own(x: Tensor, a: Tensor, y: Tensor, b: Tensor, n: int) -> Tensor:
    """D_n of two finite laws, squared cost, over all batches."""
    own = mean_cost(x, a, x, a, n) + mean_cost(y, b, y, b, n)
    return mean_cost(x, a, y, b, n) - own / 2


all_on_cpu(globals())
