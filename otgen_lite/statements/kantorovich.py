"""Statements of chapter 1: discrete Kantorovich problems.

Costs and masses of the random instances are of order one. The tolerances follow from the two
routes, and were fixed before anything was run:

- 1e-12 where both sides are a few hundred floating-point operations;
- 1e-10 where one side is the network simplex, whose plan is exact up to rounding;
- 1e-9 where one side is HiGHS, which is told to meet every constraint to 1e-10;
- 1e-7 where one side is a difference quotient with step 1e-6 of values known to 1e-15 (no other
  error, for the value is piecewise linear).
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any, TypeAlias

import numpy as np
import torch
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.registry import statement

#: Left and right side of a statement.
Sides: TypeAlias = tuple[Tensor, Tensor]

SIZES = [
    {"n": 1, "m": 4},
    {"n": 3, "m": 3},
    {"n": 4, "m": 9},
    {"n": 12, "m": 5},
    {"n": 20, "m": 31},
]
AUCTIONS = [
    {"n": 2, "eps": 0.5},
    {"n": 4, "eps": 0.3},
    {"n": 9, "eps": 0.1},
    {"n": 16, "eps": 0.02},
    {"n": 30, "eps": 0.01},
]
SMALL = [{"n": 1, "m": 5}, {"n": 2, "m": 2}, {"n": 2, "m": 6}, {"n": 3, "m": 4}, {"n": 4, "m": 4}]
ON_THE_LINE = [
    {"n": 3, "m": 4, "p": 1.0},
    {"n": 7, "m": 7, "p": 1.5},
    {"n": 12, "m": 5, "p": 2.0},
    {"n": 1, "m": 9, "p": 3.0},
    {"n": 25, "m": 30, "p": 4.0},
]
METRIC = [
    {"n": 2, "d": 1, "p": 1.0},
    {"n": 6, "d": 1, "p": 0.5},
    {"n": 9, "d": 2, "p": 1.0},
    {"n": 12, "d": 3, "p": 0.25},
    {"n": 25, "d": 2, "p": 0.75},
]
CLOUDS = [
    {"n": 4, "m": 3, "d": 1, "t": 0.5},
    {"n": 1, "m": 6, "d": 2, "t": 0.25},
    {"n": 8, "m": 8, "d": 2, "t": 0.9},
    {"n": 12, "m": 7, "d": 3, "t": 1.0},
    {"n": 20, "m": 25, "d": 5, "t": 0.1},
]


def masses(generator: Generator, n: int) -> Tensor:
    """Random weights (n,), none of them tiny."""
    w = torch.rand(n, generator=generator, dtype=torch.float64) + 0.1
    return w / w.sum()


def problem(generator: Generator, n: int, m: int) -> tuple[Tensor, Tensor, Tensor]:
    """A random cost matrix (n, m) with entries in [0, 1], and the weights of its two sides."""
    C = torch.rand(n, m, generator=generator, dtype=torch.float64)
    return C, masses(generator, n), masses(generator, m)


def points(generator: Generator, n: int, d: int) -> Tensor:
    """Random points (n, d) of a standard Gaussian."""
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def margins(n: int, m: int) -> np.ndarray:
    """The (n + m, nm) matrix of zeros and ones that takes a flattened plan to its two margins."""
    rows = np.kron(np.eye(n), np.ones((1, m)))
    columns = np.kron(np.ones((1, n)), np.eye(m))
    return np.vstack([rows, columns])


def highs(objective: np.ndarray, **constraints: Any) -> Any:
    """Minimise a linear function with HiGHS, as precisely as it can."""
    precise = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    result = linprog(objective, method="highs", options=precise, **constraints)
    if not result.success:
        raise RuntimeError(f"HiGHS did not solve the linear programme: {result.message}")
    return result


def dual_prices(C: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Best prices (f, g): the dual as a linear programme, by HiGHS."""
    n, m = C.shape
    income = np.concatenate([a.numpy(), b.numpy()])
    sums = margins(n, m).T  # takes (f, g) to all f_i + g_j
    best = highs(-income, A_ub=sums, b_ub=C.numpy().ravel(), bounds=(None, None))
    f, g = torch.from_numpy(best.x).split([n, m])
    return f, g


def auction(
    C: Tensor, eps: float, start: Tensor | None = None
) -> tuple[list[int], Tensor, list[tuple[int, int, Tensor]]]:
    """Piles bid for holes of equal weight: who holds each hole, prices, and the book of bids.

    A pile takes the hole where cost minus price is lowest, and lowers its price until the second
    best is better by eps. A bid is recorded as pile, hole, and the prices (n,) after it. Prices
    begin at 0, or at ``start``.
    """
    n = len(C)
    g = torch.zeros_like(C[0]) if start is None else start.clone()
    owner, waiting, bids = [-1] * n, list(range(n)), []
    while waiting:
        i = waiting.pop(0)
        (best, second), (j, _) = (C[i] - g).topk(2, largest=False)
        g[j] -= second - best + eps
        if owner[j] >= 0:
            waiting.append(owner[j])
        owner[j] = i
        bids.append((i, int(j), g.clone()))
    return owner, g, bids


def settle_ties(allowed: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Every pile whole to one allowed hole, so that as little mass as possible is misplaced.

    An integer programme: unknowns are which allowed cell (i, j) pile i uses, and by how much hole
    j is off. Returns the hole (n,) of each pile.
    """
    n, m = allowed.shape
    cells = allowed.nonzero()
    chosen = np.zeros((n, len(cells) + m))
    arrives = np.zeros((m, len(cells) + m))
    for k, (i, j) in enumerate(cells.tolist()):
        chosen[i, k], arrives[j, k] = 1.0, a[i]
    off = np.hstack([np.zeros((m, len(cells))), np.eye(m)])
    best = milp(
        off.sum(axis=0) / 2,
        integrality=np.r_[np.ones(len(cells)), np.zeros(m)],
        bounds=Bounds(0, np.r_[np.ones(len(cells)), np.full(m, np.inf)]),
        constraints=[
            LinearConstraint(chosen, 1, 1),
            LinearConstraint(arrives - off, -np.inf, b.numpy()),
            LinearConstraint(arrives + off, b.numpy(), np.inf),
        ],
        options={"mip_rel_gap": 0.0},
    )
    if not best.success:
        raise RuntimeError(f"HiGHS did not solve the integer programme: {best.message}")
    return cells[torch.from_numpy(best.x[: len(cells)]) > 0.5, 1]


def north_west(a: Tensor, b: Tensor) -> Tensor:
    """Serve in order: P_ij is the overlap of two intervals of mass."""
    A, B = a.cumsum(0), b.cumsum(0)
    ends = torch.minimum(A[:, None], B)
    starts = torch.maximum((A - a)[:, None], B - b)
    return (ends - starts).clamp(min=0.0)


@statement(
    "prop-existence", chapter=1, source="this book",
    tol=1e-10, relation="<=", sizes=SIZES,
)  # fmt: skip
def existence(generator: Generator, n: int, m: int) -> Sides:
    """nearest holes <= cheapest plan <= product plan."""
    C, a, b = problem(generator, n, m)
    nearest = (a * C.amin(dim=1)).sum()
    cheapest = otg.solve_exact(C, a, b).value
    product = a @ C @ b
    return torch.stack([nearest, cheapest]), torch.stack([cheapest, product])


@statement("thm-sparse", chapter=1, source="peyre_2019", tol=1e-10, sizes=SMALL)
def sparse(generator: Generator, n: int, m: int) -> Sides:
    """Best plan with n + m - 1 cells and no cycle = best plan."""
    C, a, b = problem(generator, n, m)
    cells = torch.tensor(list(combinations(range(n * m), n + m - 1)))
    # Rows and columns must have their sums; one of these equations is redundant.
    systems = torch.from_numpy(margins(n, m))[1:, cells].transpose(0, 1)
    # The determinants are 0 (there is a cycle), 1 or -1.
    no_cycle = torch.linalg.det(systems).abs() > 0.5
    P = torch.linalg.solve(systems[no_cycle], torch.cat([a, b])[1:])
    costs = (C.flatten()[cells[no_cycle]] * P).sum(dim=1)
    is_plan = (P > -1e-12).all(dim=1)
    return costs[is_plan].min(), otg.solve_exact(C, a, b).value


@statement(
    "thm-permutation", chapter=1, source="birkhoff_1946", tol=1e-10,
    sizes=[{"n": n} for n in (1, 2, 3, 5, 7)],
)  # fmt: skip
def permutation(generator: Generator, n: int) -> Sides:
    """Best of all n! permutations = best plan, for equal weights."""
    C = torch.rand(n, n, generator=generator, dtype=torch.float64)
    sigma = torch.tensor(list(permutations(range(n))))
    best = C[torch.arange(n), sigma].mean(dim=1).min()
    return best, otg.solve_exact(C).value


@statement("prop-gap", chapter=1, source="this book", tol=1e-12, sizes=SIZES)
def gap(generator: Generator, n: int, m: int) -> Sides:
    """cost - income = slack, weighted by the plan; for any plan and prices."""
    C, f, g = problem(generator, n, m)  # any numbers will do as prices
    P = torch.rand(n, m, generator=generator, dtype=torch.float64)
    P = P / P.sum()
    a, b = P.sum(dim=1), P.sum(dim=0)
    slack = C - f[:, None] - g
    return (C * P).sum() - (a @ f + b @ g), (slack * P).sum()


@statement("thm-duality", chapter=1, source="kantorovich_1942", tol=1e-9, sizes=SIZES)
def duality(generator: Generator, n: int, m: int) -> Sides:
    """Cheapest plan (simplex) = highest income (HiGHS) = income of its shortest walks; feasible."""
    C, a, b = problem(generator, n, m)
    f, g = dual_prices(C, a, b)
    best = otg.solve_exact(C, a, b)
    u, v = prices_of(best.plan, C)
    too_high = (u[:, None] + v - C).clamp(min=0).max()
    lhs = [best.value, a @ u + b @ v, too_high]
    return torch.stack(lhs), torch.stack([a @ f + b @ g, best.value, torch.zeros_like(too_high)])


def prices_of(P: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
    """Prices from nothing but a plan, by shortest walks: they settle if no rerouting pays."""
    back = torch.where(P > 0, -C, torch.inf)  # roads from holes to piles
    pile, hole = torch.zeros(2, sum(C.shape), dtype=torch.float64)
    pile, hole = pile[: len(C)], hole[: C.shape[1]]
    for _ in range(sum(C.shape)):  # a shortest walk has fewer
        hole = torch.minimum(hole, (pile[:, None] + C).amin(dim=0))
        pile = torch.minimum(pile, (hole + back).amin(dim=1))
    return -pile, hole


@statement("cor-slackness", chapter=1, source="peyre_2019", tol=1e-9, sizes=SIZES)
def slackness(generator: Generator, n: int, m: int) -> Sides:
    """Slack of HiGHS' prices where the simplex' plan is positive = 0."""
    C, a, b = problem(generator, n, m)
    P = otg.solve_exact(C, a, b).plan
    f, g = dual_prices(C, a, b)
    slack = (C - f[:, None] - g)[P > 0]
    return slack, torch.zeros_like(slack)


@statement("prop-ctransform", chapter=1, source="peyre_2019", tol=1e-12, sizes=SIZES)
def transform(generator: Generator, n: int, m: int) -> Sides:
    """Least slack of a transform = 0; other feasible f <= g^C; g <= g^CC; three = one."""
    C, f, g = problem(generator, n, m)
    once = otg.c_transform(g, C)
    twice = otg.c_transform(once, C.T)
    thrice = otg.c_transform(twice, C)
    slack = (C - once[:, None] - g).amin(dim=1)
    f = f + (C - f[:, None] - g).min()  # feasible, with one slack of zero
    lhs = [slack, (f - once).max()[None], (g - twice).clamp(min=0), thrice]
    zeros = [torch.zeros(len(side), dtype=torch.float64) for side in lhs[:-1]]
    return torch.cat(lhs), torch.cat([*zeros, (C - g).amin(dim=1)])


@statement("thm-semidual", chapter=1, source="peyre_2019", tol=1e-9, sizes=SIZES)
def semidual(generator: Generator, n: int, m: int) -> Sides:
    """Semi-dual at HiGHS' prices = cost of the simplex' plan; its supergradient, near and far."""
    C, a, b = problem(generator, n, m)
    _, best = dual_prices(C, a, b)
    P = otg.solve_exact(C, a, b).plan

    def value(g: Tensor) -> Tensor:
        return a @ (C - g).amin(dim=1) + b @ g

    g, step = points(generator, 2, m)
    s = b - torch.zeros_like(b).index_add_(0, (C - g).argmin(dim=1), a)
    lengths = (1e-6, 0.1, 1.0, -1.0)
    rises = torch.stack([value(g + t * step) - value(g) - t * (s @ step) for t in lengths])
    lhs = [value(best), rises[0], rises.clamp(min=0).max()]
    zero = torch.zeros_like(rises[0])
    return torch.stack(lhs), torch.stack([(C * P).sum(), zero, zero])


@statement("thm-auction", chapter=1, source="peyre_2019", tol=1e-10, relation="<=",
           sizes=AUCTIONS)  # fmt: skip
def bidding(generator: Generator, n: int, eps: float) -> Sides:
    """0 <= gap <= n eps, from any prices; bids <= n (range / eps + 1); whole costs: cheapest."""
    C = torch.rand(n, n, generator=generator, dtype=torch.float64)
    holes = torch.arange(n)

    def gap(prices: Tensor, owner: list[int]) -> Tensor:
        earned = otg.c_transform(prices, C).sum() + prices.sum()
        return C[owner, holes].sum() - earned

    owner, g, bids = auction(C, eps)
    later = auction(C, eps, start=points(generator, n, 1)[:, 0])
    whole = torch.randint(0, 20, (n, n), generator=generator).double()
    exact = n * otg.solve_exact(whole).value
    excess = whole[auction(whole, 0.9 / n)[0], holes].sum() - exact  # a whole number
    most = n * ((C.max() - C.min()) / eps + 1)
    gaps = torch.stack([gap(g, owner), gap(later[1], later[0])])
    count, limit = torch.tensor([float(len(bids)), n * eps], dtype=torch.float64)
    lhs = [torch.zeros(2, dtype=torch.float64), gaps, count[None], excess[None]]
    rhs = [gaps, limit.expand(2), most[None], 0.9 * torch.ones(1, dtype=torch.float64)]
    return torch.cat(lhs), torch.cat(rhs)


@statement("thm-envelope", chapter=1, source="peyre_2019", tol=1e-7, sizes=SIZES)
def envelope(generator: Generator, n: int, m: int) -> Sides:
    """Slopes from prices and plan = central differences; far away no value is past its bound."""
    C, a, b = (t.requires_grad_() for t in problem(generator, n, m))
    u = masses(generator, n) - masses(generator, n)
    v = masses(generator, m) - masses(generator, m)
    D = torch.randn(n, m, generator=generator, dtype=torch.float64)
    dC, da, db = torch.autograd.grad(otg.solve_exact(C, a, b).value, (C, a, b))
    slopes = torch.stack([(dC * D).sum(), da @ u + db @ v])

    def value(s: float, r: float) -> Tensor:
        moved = otg.solve_exact(C + s * D, a + r * u, b + r * v)
        return moved.value.detach()

    h = 1e-6
    rises = [value(h, 0) - value(-h, 0), value(0, h) - value(0, -h)]
    a2, b2 = masses(generator, n), masses(generator, m)
    tangent = value(0, 0) + da @ (a2 - a) + db @ (b2 - b)
    past = torch.stack(
        [value(1, 0) - value(0, 0) - slopes[0], tangent - otg.solve_exact(C, a2, b2).value]
    )
    past = past.detach().clamp(min=0)  # concave in C, convex in the masses
    return torch.cat([slopes, past]), torch.cat([torch.stack(rises) / (2 * h), 0 * past])


@statement("thm-sort", chapter=1, source="hoffman_1963", tol=1e-10, sizes=ON_THE_LINE)
def sort(generator: Generator, n: int, m: int, p: float) -> Sides:
    """Sort, and serve in order = best plan, for |x - y|^p with p >= 1."""
    x = points(generator, n, 1).sort(dim=0).values
    y = points(generator, m, 1).sort(dim=0).values
    a, b = masses(generator, n), masses(generator, m)
    C = (x - y.T).abs() ** p
    return (C * north_west(a, b)).sum(), otg.solve_exact(C, a, b).value


@statement("prop-stay", chapter=1, source="gangbo_mccann_1996", tol=1e-10, sizes=METRIC)
def stay(generator: Generator, n: int, d: int, p: float) -> Sides:
    """All mass = only the excess moves; the rest may stay, and stays where detours are longer."""
    x = points(generator, n, d)
    a, b = masses(generator, n), masses(generator, n)
    C = otg.cost_matrix(x, x, cost="euclidean") ** p
    excess, shortage = (a - b).clamp(min=0), (b - a).clamp(min=0)
    moved, common = excess.sum(), torch.minimum(a, b)
    rest = otg.solve_exact(C, excess / moved, shortage / moved)
    whole = otg.solve_exact(C, a, b)
    stays = moved * rest.plan + common.diag()  # a plan that leaves the common mass in place
    lhs = [whole.value[None], (C * stays).sum()[None], stays.sum(dim=1), stays.sum(dim=0)]
    rhs = [moved * rest.value[None], whole.value[None], a, b]
    if p < 1:  # every detour is longer: the solver's plan has no choice
        lhs, rhs = [*lhs, whole.plan.diag()], [*rhs, common]
    return torch.cat(lhs), torch.cat(rhs)


@statement("prop-geodesic", chapter=1, source="mccann_1997", tol=1e-9, sizes=CLOUDS)
def geodesic(generator: Generator, n: int, m: int, d: int, t: float) -> Sides:
    """Cost from the start to the place at time t = t^2 times the whole cost."""
    x, y = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    whole = otg.solve_exact(otg.cost_matrix(x, y), a, b)
    i, j = whole.plan.nonzero(as_tuple=True)
    z = (1 - t) * x[i] + t * y[j]
    part = otg.solve_exact(otg.cost_matrix(x, z), a, whole.plan[i, j])
    return part.value, t**2 * whole.value


@statement("prop-nearest", chapter=1, source="this book", tol=1e-9, sizes=SIZES)
def nearest(generator: Generator, n: int, m: int) -> Sides:
    """One margin imposed: HiGHS = everybody to the nearest hole."""
    C, a, _ = problem(generator, n, m)
    row_sums = margins(n, m)[:n]
    lp = highs(C.numpy().ravel(), A_eq=row_sums, b_eq=a.numpy())
    by_hand = (a * C.amin(dim=1)).sum()
    return torch.full_like(by_hand, lp.fun), by_hand


all_on_cpu(globals())
