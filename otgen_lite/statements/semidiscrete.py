"""Statements of chapter 4: semi-discrete transport.

Points, costs and masses of the random instances are of order one. The tolerances follow from the
two routes, and were fixed before anything was run:

- 1e-12 where both sides are a few hundred floating-point operations;
- 1e-10 where one side is made of clipped polygons;
- 1e-9 where one side is a linear programme, a quadrature, a maximisation by a quasi-Newton method
  or Sinkhorn's iteration: each stops when its own error is below that;
- 1e-7 and 1e-6 where one side is a central difference quotient with step 1e-5, of an exact value
  (1e-7) or of one that an iteration has found (1e-6).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import factorial, pi, prod, sqrt

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.distances import counts_of
from otgen_lite.statements.kantorovich import dual_prices, masses, points, problem
from otgen_lite.statements.registry import BOOK, statement

SQUARE = ((0.0, 1.0), (0.0, 1.0))

GRIDS = [
    {"k": 1, "m": 2, "n": 5},
    {"k": 3, "m": 1, "n": 8},
    {"k": 2, "m": 2, "n": 10},
    {"k": 3, "m": 4, "n": 25},
    {"k": 5, "m": 3, "n": 40},
]
SQUARES = [{"m": 1}, {"m": 2}, {"m": 4}, {"m": 9}, {"m": 20}]
MAPS = [
    {"n": 5, "m": 2, "d": 1, "p": 1.5},
    {"n": 30, "m": 4, "d": 2, "p": 2.0},
    {"n": 40, "m": 8, "d": 2, "p": 1.0},
    {"n": 60, "m": 15, "d": 3, "p": 3.0},
    {"n": 100, "m": 20, "d": 10, "p": 2.0},
]
INSIDE = [
    {"n": 50, "m": 1},
    {"n": 100, "m": 2},
    {"n": 200, "m": 6},
    {"n": 400, "m": 15},
    {"n": 500, "m": 40},
]
CONVEX = [
    {"n": 5, "m": 1},
    {"n": 20, "m": 2},
    {"n": 40, "m": 5},
    {"n": 80, "m": 10},
    {"n": 120, "m": 16},
]
ATOMS = [{"m": 1}, {"m": 2}, {"m": 3}, {"m": 8}, {"m": 25}]
CIRCLES = [
    {"m": 1, "radius": 1.0},
    {"m": 2, "radius": 0.5},
    {"m": 3, "radius": 2.0},
    {"m": 8, "radius": sqrt(2)},
    {"m": 20, "radius": 3.0},
]
PATHS = [
    {"n": 2, "m": 2, "steps": 10},
    {"n": 3, "m": 3, "steps": 6},
    {"n": 2, "m": 5, "steps": 9},
    {"n": 4, "m": 2, "steps": 5},
    {"n": 5, "m": 4, "steps": 4},
]
JUDGED = [
    {"n": 1, "k": 3, "m": 2},
    {"n": 2, "k": 2, "m": 4},
    {"n": 4, "k": 3, "m": 3},
    {"n": 6, "k": 3, "m": 5},
    {"n": 3, "k": 5, "m": 2},
]
SOFT = [
    {"n": 4, "m": 2, "d": 1, "eps": 1.0},
    {"n": 10, "m": 3, "d": 2, "eps": 0.3},
    {"n": 20, "m": 5, "d": 2, "eps": 0.5},
    {"n": 30, "m": 8, "d": 3, "eps": 2.0},
    {"n": 40, "m": 10, "d": 6, "eps": 5.0},
]
MOVED = [{"m": 1}, {"m": 2}, {"m": 3}, {"m": 5}, {"m": 8}]
PAIRS = [{"theta": theta} for theta in (-1.7, -0.3, 0.0, 0.4, 2.5)]


def polygon_moments(corners: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Area of a polygon with corners (k, 2), and the integral of |x - y|^2 over it."""
    u = corners - y
    v = u.roll(-1, dims=0)
    twice = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]  # area of the triangle from y to an edge
    squares = u.square().sum(1) + v.square().sum(1) + (u * v).sum(1)
    return twice.sum() / 2, (twice * squares).sum() / 12


def square(y: Tensor, b: Tensor, psi: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Uniform law on the unit square, exactly: H(psi), masses of the cells, cost of the map."""
    cells = otg.power_cells(y, psi, SQUARE)
    moments = [polygon_moments(cell, atom) for cell, atom in zip(cells, y, strict=True)]
    mass, cost = torch.tensor(moments, dtype=torch.float64, device=y.device).T
    return cost.sum() - mass @ psi + b @ psi, mass, cost.sum()


def middles(cells: list[Tensor]) -> Tensor:
    """Centres of mass (N, 2) of polygons."""
    out = []
    for corners in cells:
        u, v = corners, corners.roll(-1, dims=0)
        twice = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        out.append(((u + v) * twice[:, None]).sum(dim=0) / (3 * twice.sum()))
    return torch.stack(out)


def climb_square(y: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The largest H and where it is, for the uniform law on the unit square."""

    def descend(psi: np.ndarray) -> tuple[float, np.ndarray]:
        H, mass, _ = square(y, b, torch.from_numpy(psi).to(y.device))
        return -H.item(), (mass - b).cpu().numpy()

    best = minimize(descend, np.zeros(len(b)), jac=True, method="BFGS", options={"gtol": 1e-8})
    value = torch.tensor(-best.fun, dtype=torch.float64, device=y.device)
    return value, torch.from_numpy(best.x).to(y.device)


def soft_dual(psi: Tensor, C: Tensor, b: Tensor, eps: float) -> Tensor:
    """H_eps for a source of equal weights at the rows of C."""
    return otg.c_transform(psi, C, eps, b).mean() + b @ psi


def climb_soft(C: Tensor, b: Tensor, eps: float) -> Tensor:
    """The largest H_eps, by a quasi-Newton method that gets its slopes from autograd."""

    def descend(psi: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(psi).to(C.device).requires_grad_()
        H = soft_dual(at, C, b, eps)
        (slope,) = torch.autograd.grad(H, at)
        return -H.item(), -slope.cpu().numpy()

    best = minimize(descend, np.zeros(len(b)), jac=True, method="BFGS", options={"gtol": 1e-8})
    return torch.tensor(-best.fun, dtype=torch.float64, device=C.device)


def soft_problem(
    generator: Generator, n: int, m: int, d: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points of a source (n, d), atoms (m, d), their weights, and the squared distances."""
    x, y = points(generator, n, d), points(generator, m, d)
    return x, y, masses(generator, m), otg.cost_matrix(x, y)


def quotients(value: Callable[[Tensor], Tensor], at: Tensor, h: float = 1e-5) -> Tensor:
    """Central difference quotients of a function of a vector, one for each coordinate."""
    steps = h * torch.eye(len(at), dtype=torch.float64)
    return torch.stack([(value(at + s) - value(at - s)) / (2 * h) for s in steps])


@statement("thm-sd-duality", chapter=4, source="genevay_2016", tol=1e-9, sizes=GRIDS)
def duality(generator: Generator, k: int, m: int, n: int) -> tuple[Tensor, Tensor]:
    """Quantiles = highest point of H for a continuous source; plan = H at prices for a sample."""
    s, t = (torch.rand(size, generator=generator, dtype=torch.float64) for size in (k, m))
    p, q = masses(generator, k), masses(generator, m)
    # The uniform law on a square, and atoms (s_i, t_j) of weight p_i q_j: two problems on the line.
    by_quantiles = otg.uniform_to_atoms(s, p)[0] + otg.uniform_to_atoms(t, q)[0]
    y, b = torch.cartesian_prod(s, t), torch.outer(p, q).ravel()
    x = torch.rand(n, 2, generator=generator, dtype=torch.float64)
    C, a = otg.cost_matrix(x, y), torch.full((n,), 1 / n, dtype=torch.float64)
    plan = otg.solve_exact(C, b=b).value
    _, prices = dual_prices(C, a, b)
    sampled = otg.SemiDiscrete(y, b, psi=prices).dual(x)
    return torch.stack([by_quantiles, plan]), torch.stack([climb_square(y, b)[0], sampled])


@statement("thm-sd-gradient", chapter=4, source="genevay_2016", tol=1e-7, sizes=SQUARES)
def gradient(generator: Generator, m: int) -> tuple[Tensor, Tensor]:
    """b - masses = difference quotients of H; counts = autograd; supergradient; no constants."""
    y = torch.rand(m, 2, generator=generator, dtype=torch.float64)
    b, psi = masses(generator, m), 0.02 * torch.rand(m, generator=generator, dtype=torch.float64)
    in_cells = b - square(y, b, psi)[1]
    slopes = quotients(lambda at: square(y, b, at)[0], psi)
    x = torch.rand(500, 2, generator=generator, dtype=torch.float64)
    at = psi.clone().requires_grad_()
    H = otg.c_transform(at, otg.cost_matrix(x, y)).mean() + b @ at
    (back,) = torch.autograd.grad(H, at)
    counted = otg.SemiDiscrete(y, b, psi=psi).gradient(x)
    steps = points(generator, 4, m)
    far = torch.stack([square(y, b, psi + step)[0] for step in 0.1 * steps])
    too_low = (far - square(y, b, psi)[0] - 0.1 * steps @ in_cells).clamp(min=0)
    moved = square(y, b, psi + 3.0)[0] - square(y, b, psi)[0]
    zeros = torch.zeros(5, dtype=torch.float64)
    lhs = [in_cells, counted, too_low, moved[None]]
    return torch.cat(lhs), torch.cat([slopes, back, zeros])


@statement("cor-sd-cells", chapter=4, source="aurenhammer_1998", tol=1e-9, sizes=MAPS)
def own_weights(generator: Generator, n: int, m: int, d: int, p: float) -> tuple[Tensor, Tensor]:
    """Any psi, and as weights what its cells hold: cheapest plan = everybody to the own cell."""
    x, y = points(generator, n, d), points(generator, m, d)
    psi = 0.3 * torch.rand(m, generator=generator, dtype=torch.float64)
    C = otg.cost_matrix(x, y, "euclidean") ** p
    cell = (C - psi).argmin(dim=1)
    b = torch.bincount(cell, minlength=m).double() / n
    return otg.solve_exact(C, b=b).value, C[torch.arange(n), cell].mean()


@statement("prop-sd-power", chapter=4, source="aurenhammer_1987", tol=1e-10, sizes=INSIDE)
def power(generator: Generator, n: int, m: int) -> tuple[Tensor, Tensor]:
    """Inside the convex polygon = smallest cost minus voucher; the polygons fill the square."""
    y = torch.rand(m, 2, generator=generator, dtype=torch.float64)
    psi = 0.05 * torch.rand(m, generator=generator, dtype=torch.float64)
    x = torch.rand(n, 2, generator=generator, dtype=torch.float64)
    cells = otg.power_cells(y, psi, SQUARE)
    inside = torch.zeros(n, m, dtype=torch.float64)
    for j, corners in enumerate(cells):
        along = corners.roll(-1, dims=0) - corners
        to_x = x[:, None] - corners
        left = along[:, 0] * to_x[..., 1] - along[:, 1] * to_x[..., 0] >= 0
        inside[:, j] = left.all(dim=1) & (len(corners) > 0)
    cheapest = torch.eye(m, dtype=torch.float64)[(otg.cost_matrix(x, y) - psi).argmin(dim=1)]
    area = square(y, masses(generator, m), psi)[1].sum()
    one = torch.ones(1, dtype=torch.float64)
    return torch.cat([inside.ravel(), area[None]]), torch.cat([cheapest.ravel(), one])


@statement("thm-sd-brenier", chapter=4, source="brenier_1991", tol=1e-9, sizes=CONVEX)
def brenier(generator: Generator, n: int, m: int) -> tuple[Tensor, Tensor]:
    """Slope of the convex potential = map to the atoms; slope of any convex one = cheapest plan."""
    y = torch.rand(m, 2, generator=generator, dtype=torch.float64)
    b = masses(generator, m)
    psi = climb_square(y, b)[1]
    x = torch.rand(n, 2, generator=generator, dtype=torch.float64).requires_grad_()
    best = (x @ y.T + (psi - y.square().sum(dim=1)) / 2).amax(dim=1)
    (slope,) = torch.autograd.grad(best.sum(), x)
    x = x.detach()
    image = otg.SemiDiscrete(y, b, psi=psi).transport(x)
    twice = x.square().sum(dim=1) - otg.c_transform(psi, otg.cost_matrix(x, y))
    # A convex function that is no maximum of finitely many: its slopes at a sample are a list.
    lines, at = points(generator, 5, 2), points(generator, n, 2).requires_grad_()
    bowl = torch.logsumexp(3 * at @ lines.T, dim=1) + at.square().sum(dim=1) / 4
    (ends,) = torch.autograd.grad(bowl.sum(), at)
    C = otg.cost_matrix(at.detach(), ends)
    lhs = [slope.ravel(), 2 * best.detach(), C.diagonal().mean()[None]]
    rhs = [image.ravel(), twice, otg.solve_exact(C).value[None]]
    return torch.cat(lhs), torch.cat(rhs)


@statement("prop-sd-line", chapter=4, source=BOOK, tol=1e-10, sizes=ATOMS)
def line(generator: Generator, m: int) -> tuple[Tensor, Tensor]:
    """Weights, and value at the prices of the formula, by cells in the plane = as they must be."""
    t, b = torch.rand(m, generator=generator, dtype=torch.float64), masses(generator, m)
    value, psi, _ = otg.uniform_to_atoms(t, b)
    on_axis = torch.stack([t, torch.full_like(t, 0.5)], dim=1)  # the second coordinate costs 1/12
    H, mass, cost = square(on_axis, b, psi)
    lhs = torch.cat([mass, torch.stack([H - 1 / 12, cost - 1 / 12])])
    return lhs, torch.cat([b, value.expand(2)])


@statement("prop-sd-circle", chapter=4, source=BOOK, tol=1e-9, sizes=CIRCLES)
def circle(_: Generator, m: int, radius: float) -> tuple[Tensor, Tensor]:
    """The formula = the mean squared distance to the nearest atom, by quadrature."""
    nodes, weights = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(60))
    r, on_r = 6 * (nodes + 1), 6 * weights  # from 0 to 12; beyond lies 1e-31 of the mass
    middle = 2 * pi / m * torch.arange(m, dtype=torch.float64)
    # Sector by sector, for the distance to the nearest atom has a kink between two of them.
    angle, on_angle = (middle[:, None] + pi / m * nodes).ravel(), (weights / (2 * m)).repeat(m)
    y = radius * torch.stack([middle.cos(), middle.sin()], dim=1)
    x = r[:, None, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    nearest = otg.cost_matrix(x.reshape(-1, 2), y).amin(dim=1).reshape(len(r), -1)
    return otg.gaussian_to_circle(m, radius), on_r * r * (-r * r / 2).exp() @ nearest @ on_angle


@statement("thm-sd-ascent", chapter=4, source="genevay_2016", tol=1e-9, relation="<=", sizes=PATHS)
def ascent(generator: Generator, n: int, m: int, steps: int) -> tuple[Tensor, Tensor]:
    """Mean gap of either average, over all paths that chance can take, <= its bound."""
    C, a, b = problem(generator, n, m)
    W = otg.solve_exact(C, a, b).value
    best = dual_prices(C, a, b)[1]
    best = best - best.mean()
    draws = torch.tensor(list(product(range(n), repeat=steps)))
    chance = a[draws].prod(dim=1)
    gaps, bounds = [], []
    t = torch.arange(1, steps + 1, dtype=torch.float64)
    for gamma in (torch.full_like(t, 0.3), 0.5 / t.sqrt()):
        psi, mean, plain = torch.zeros(3, len(draws), m, dtype=torch.float64)
        for drawn, step in zip(draws.T, gamma, strict=True):
            mean = mean + step * psi / gamma.sum()
            plain = plain + psi / steps
            cell = (C[drawn] - psi).argmin(dim=1)
            psi = psi + step * (b - torch.eye(m, dtype=torch.float64)[cell])
        for average in (mean, plain):
            H = (C - average[:, None]).amin(dim=2) @ a + average @ b
            gaps.append(W - chance @ H)
        away, squares = best.square().sum(), gamma.square().cumsum(0)
        bounds.append((away + 2 * squares[-1]) / (2 * gamma.sum()))
        before = squares[-1] - gamma[-1] ** 2
        bounds.append(((away + 2 * before) / (2 * gamma[-1]) + gamma.sum()) / steps)
    return torch.stack(gaps), torch.stack(bounds)


@statement("prop-sd-sandwich", chapter=4, source=BOOK, tol=1e-9, relation="<=", sizes=JUDGED)
def sandwich(generator: Generator, n: int, k: int, m: int) -> tuple[Tensor, Tensor]:
    """Judged by everybody <= W <= judged by the sample that chose it; mean over all samples."""
    C, a, b = problem(generator, k, m)
    by_all, by_itself = torch.zeros(2, dtype=torch.float64)
    for counts in counts_of(n, k):
        seen = torch.tensor(counts, dtype=torch.float64)
        chance = factorial(n) / prod(map(factorial, counts)) * (a**seen).prod()
        drawn = seen > 0
        psi = dual_prices(C[drawn], seen[drawn] / n, b)[1]
        by_itself += chance * ((C - psi).amin(dim=1) @ (seen / n) + b @ psi)
        by_all += chance * ((C - psi).amin(dim=1) @ a + b @ psi)
    W = otg.solve_exact(C, a, b).value
    return torch.stack([by_all, W]), torch.stack([W, by_itself])


@statement("thm-sd-entropic", chapter=4, source="genevay_2016", tol=1e-7, sizes=SOFT)
def entropic(generator: Generator, n: int, m: int, d: int, eps: float) -> tuple[Tensor, Tensor]:
    """Sinkhorn = highest point of H_eps; b - mean share = difference quotients; none too steep."""
    x, y, b, C = soft_problem(generator, n, m, d)
    sinkhorn = otg.solve_sinkhorn(C, eps, b=b, tol=1e-12, max_iter=100_000).value
    psi, other = torch.rand(2, m, generator=generator, dtype=torch.float64)
    soft = otg.SemiDiscrete(y, b, eps=eps, psi=psi)
    slopes = quotients(lambda at: soft_dual(at, C, b, eps), psi)
    change = soft.gradient(x) - otg.SemiDiscrete(y, b, eps=eps, psi=other).gradient(x)
    too_steep = (change.norm() - (psi - other).norm() / (2 * eps)).clamp(min=0)
    lhs = torch.cat([sinkhorn[None], soft.gradient(x), too_steep[None]])
    rhs = torch.cat([climb_soft(C, b, eps)[None], slopes, torch.zeros(1, dtype=torch.float64)])
    return lhs, rhs


@statement("prop-sd-bias", chapter=4, source=BOOK, tol=1e-9, relation="<=", sizes=SOFT)
def entropic_bias(
    generator: Generator, n: int, m: int, d: int, eps: float
) -> tuple[Tensor, Tensor]:
    """W <= W_eps <= W + eps times the entropy of b <= W + eps log m."""
    _, _, b, C = soft_problem(generator, n, m, d)
    W, soft = otg.solve_exact(C, b=b).value, climb_soft(C, b, eps)
    ceiling = W - eps * (b * b.log()).sum()
    flat = W + eps * torch.tensor(float(m)).double().log()
    # A source that sits on the atoms, far apart: there the bound is all but sharp.
    even = torch.full((m,), 1 / m, dtype=torch.float64)
    apart = climb_soft(1 - torch.eye(m, dtype=torch.float64), even, 0.04)
    lhs, rhs = [W, soft, ceiling, apart], [soft, ceiling, flat, -0.04 * even[0].log()]
    return torch.stack(lhs), torch.stack(rhs)


@statement("prop-sd-barycentric", chapter=4, source="peyre_2019", tol=1e-9, sizes=SOFT)
def barycentric(generator: Generator, n: int, m: int, d: int, eps: float) -> tuple[Tensor, Tensor]:
    """Mean of the atoms = a step along a slope; means agree; what the map loses in variance."""
    x, y, b, C = soft_problem(generator, n, m, d)
    r = otg.solve_sinkhorn(C, eps, b=b, tol=1e-13, max_iter=100_000)
    soft = otg.SemiDiscrete(y, b, eps=eps, psi=r.potentials[1])
    T = soft.barycentric(x)
    at = x.clone().requires_grad_()
    transform = otg.c_transform(soft.psi, otg.cost_matrix(at, y), eps, b)
    (slope,) = torch.autograd.grad(transform.sum(), at)
    spread = T.square().sum() / n + (r.plan * otg.cost_matrix(T, y)).sum()
    lhs = torch.cat([T.ravel(), T.mean(0), spread[None]])
    whole = b @ y.square().sum(dim=1)
    return lhs, torch.cat([(x - slope / 2).ravel(), b @ y, whole[None]])


@statement("thm-sd-envelope", chapter=4, source="houdard_2021", tol=1e-6, sizes=SOFT)
def envelope(generator: Generator, n: int, m: int, d: int, eps: float) -> tuple[Tensor, Tensor]:
    """Slope of H_eps at the best prices, held still = difference quotients of Sinkhorn's value."""
    z, y, b, _ = soft_problem(generator, n, m, d)

    def model(theta: Tensor) -> Tensor:  # a shift and a stretch
        return theta[:d] + theta[d:] * z

    def solved(theta: Tensor) -> otg.SinkhornResult:
        C = otg.cost_matrix(model(theta), y)
        return otg.solve_sinkhorn(C, eps, b=b, tol=1e-12, max_iter=100_000)

    theta = torch.cat([points(generator, 1, d)[0] / 2, torch.ones(d, dtype=torch.float64)])
    best = otg.SemiDiscrete(y, b, eps=eps, psi=solved(theta).potentials[1])
    at = theta.clone().requires_grad_()
    (slope,) = torch.autograd.grad(best.dual(model(at)), at)
    return slope, quotients(lambda at: solved(at).value.detach(), theta)


@statement("prop-sd-pair", chapter=4, source=BOOK, tol=1e-12, sizes=PAIRS)
def pair(_: Generator, theta: float) -> tuple[Tensor, Tensor]:
    """Value and slope of H at the best prices, by two nodes in each cell = the formulas."""
    at = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    gauss = torch.tensor([-1.0, 1.0], dtype=torch.float64) / (4 * sqrt(3))
    z = torch.cat([gauss - 0.25, gauss + 0.25])  # exact for cubics on either half
    y = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    psi = torch.tensor([2 * theta, -2 * theta], dtype=torch.float64)
    H = otg.SemiDiscrete(y, psi=psi).dual((at + z)[:, None])
    (slope,) = torch.autograd.grad(H, at)
    closed = torch.tensor([theta**2 + 7 / 12, 2 * theta], dtype=torch.float64)
    return torch.stack([H.detach(), slope]), closed


@statement("prop-sd-places", chapter=4, source=BOOK, tol=1e-6, sizes=MOVED)
def places(generator: Generator, m: int) -> tuple[Tensor, Tensor]:
    """2 b (atom - middle) = difference quotients of W; to the middles, W falls by what is said."""
    y, b = torch.rand(m, 2, generator=generator, dtype=torch.float64), masses(generator, m)
    W, psi = climb_square(y, b)
    centre = middles(otg.power_cells(y, psi, SQUARE))
    slopes = 2 * b[:, None] * (y - centre)
    measured = quotients(lambda at: climb_square(at.view(m, 2), b)[0], y.ravel())
    fall = b @ (y - centre).square().sum(dim=1)
    too_high = (climb_square(centre, b)[0] - (W - fall)).clamp(min=0)
    zero = torch.zeros(1, dtype=torch.float64)
    return torch.cat([slopes.ravel(), too_high[None]]), torch.cat([measured, zero])


all_on_cpu(globals())
