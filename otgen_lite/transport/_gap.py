"""A bound of the gap of a potential: a feasible plan of a held-out sample, rounded.

For a sample x_1, ..., x_M that psi has not seen, H_M(psi') = mean psi'^c(x_i) + sum b psi' is an
unbiased estimate of H(psi') for every psi', so that the mean of max H_M - H_M(psi) is at least
max H - H(psi). And max H_M is the least cost of a plan from the sample to (y, b): every feasible
plan bounds it from above. The plan here is that of psi, repaired: what a cell has too much flows
through its neighbours to where mass is missing, as a current through a network of conductances
d mass / d psi, and the points that move are those to which moving costs least.

The error of the estimate is that of the mean of psi*^c(x_i) - psi^c(x_i), with psi* - psi taken
from the currents less what chance alone would drive, and the size of max H_M - max H by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor, from_numpy

from otgen_lite.transport._network import LOOKS, invited
from otgen_lite.transport._semidual import BestTwo, SampledDual, mean_and_error
from otgen_lite.transport.exact import solve_exact

#: Entries up to which the rest of the repair is an exact transport problem.
_EXACT = 1 << 17

#: Times that the repaired potential is repaired again.
_PASSES = 3

#: Mass below which nothing is moved, in points of the sample.
_CRUMB = 1e-9


@dataclass(frozen=True)
class Gap:
    """An upper estimate of the gap, its standard error, and the dual value that it belongs to."""

    value: float
    error: float
    dual: float
    dual_error: float


def gap_of(dual: SampledDual, psi: Tensor, x: Tensor, enough: float) -> Gap:
    """The gap of psi on the held-out centred points x; ``enough``: gap to stop at."""
    if dual.eps > 0:
        from otgen_lite.transport._gap_soft import soft_gap

        return Gap(*soft_gap(dual, psi, x, enough))
    b, size = dual.b.cpu().numpy(), x.shape[0]
    if dual.n == 1:
        transform = dual.transform(psi, x)
        return Gap(0.0, 0.0, *mean_and_error(transform.cpu().numpy(), float(dual.b @ psi)))
    start = dual.best_two(psi, x)
    value, dual_error = mean_and_error(start.transform, float(dual.b @ psi))
    at, seen, best, error = psi, start, math.inf, math.inf
    for _ in range(_PASSES):
        repair = _Repair(dual, at, x, seen, b)
        cost, potential = repair.run()
        bound = float(seen.transform.mean() + dual.b @ at) + cost - value
        better, improved = bound < best, bound < 0.7 * best
        ahead = at + from_numpy(potential).to(at)
        if better:
            best = bound
            shift = (at - psi).cpu().numpy() if at is not psi else repair.first
            shift = shift[start.first]
            # Atoms that hold next to nothing may have been moved far: they must not set the error.
            varied = float(shift.clip(*np.quantile(shift, (0.005, 0.995))).var())
            by_chance, optimism = repair.chance
            error = math.hypot(math.sqrt(max(varied - by_chance, 0.0) / size), optimism)
        if best <= enough or not improved:
            break
        at, seen = ahead, dual.best_two(ahead, x)
    return Gap(max(float(best), 0.0), error, value, dual_error)


class _Repair:
    """Makes the plan of one potential feasible, at little cost."""

    def __init__(
        self, dual: SampledDual, psi: Tensor, x: Tensor, two: BestTwo, b: np.ndarray
    ) -> None:
        self.dual, self.psi, self.x, self.b = dual, psi, x, b
        self.n, self.size = dual.n, x.shape[0]
        self.cell, self.transform = two.first, two.transform
        self.held = np.bincount(self.cell, minlength=self.n) / self.size
        self.missing = b - self.held
        room = np.bincount(two.second, minlength=self.n) / self.size
        poor = np.flatnonzero((self.missing > 0) & (room < self.missing))
        self.second, self.slack = invited(dual, psi, x, two, poor, self.missing)
        self.first = np.zeros(self.n)
        self.chance = (0.0, 0.0)  # variance of potentials and gap that chance alone would give
        self.free = np.ones(self.size)
        self.moves: list[tuple[np.ndarray, ...]] = []  # point, target, mass

    def run(self) -> tuple[float, np.ndarray]:
        """Cost of the repair, and the potential that drives the current."""
        source, target, amount, potential = self._current()
        cost = self._move_seconds(source, target, amount)
        cost += self._move_any(source, target, amount)
        return cost + self._spread_rest(), potential

    def _current(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mass to move along each edge of the network, in points of the sample."""
        from scipy.sparse import coo_matrix, csgraph

        low, high = np.minimum(self.cell, self.second), np.maximum(self.cell, self.second)
        keys, edge = np.unique(low * self.n + high, return_inverse=True)
        tail, head = keys // self.n, keys % self.n
        graph = coo_matrix((np.ones(keys.size), (tail, head)), shape=(self.n, self.n))
        parts, label = csgraph.connected_components(graph, directed=False)
        share = np.bincount(label, self.b, parts)
        share[share == 0] = 1.0

        def within_parts(mass: np.ndarray) -> np.ndarray:
            return mass - (np.bincount(label, mass, parts) / share)[label] * self.b

        driven = within_parts(self.missing)
        width = max(float(np.median(self.slack)), np.finfo(float).tiny)
        near = np.minimum(1.0, 0.5 * width / np.maximum(self.slack, width * 1e-9))
        wire = np.bincount(edge, near, keys.size) / (2 * width * self.size)
        upward, potential = self.cell == low, np.zeros(self.n)
        for sweep in range(3):
            if sweep:  # the conductance that the moves themselves see, at the potentials found
                reach = np.maximum(np.abs(potential[head] - potential[tail]), 0.1 * width)
                along = upward == (potential[head] > potential[tail])[edge]
                within = (self.slack < reach[edge]) * (0.5 + 0.5 * along)
                wire = (np.bincount(edge, within, keys.size) + 0.01) / (self.size * reach)
            potential = _solve(tail, head, wire, driven, potential)
            if not sweep:  # before any wire is at its limit
                self.first, free_wire = potential.copy(), wire
        chance = self.held / self.held.sum()
        draw = np.random.default_rng(0).multinomial(self.size, chance) / self.size - chance
        reply = _solve(tail, head, free_wire, within_parts(draw), np.zeros(self.n))
        self.chance = (_variance(reply, chance), 0.5 * abs(float(draw @ reply)))
        flow = wire * (potential[head] - potential[tail]) * self.size
        up = flow > 0
        source, target = np.where(up, tail, head), np.where(up, head, tail)
        return source, target, np.abs(flow), potential

    def _move_seconds(self, source: np.ndarray, target: np.ndarray, amount: np.ndarray) -> float:
        """Move points to their second choice, the cheapest first."""
        keys = source * self.n + target
        order = np.argsort(keys)
        wanted = self.cell * self.n + self.second
        place = np.searchsorted(keys[order], wanted).clip(max=keys.size - 1)
        arc = order[place]
        point = np.flatnonzero(keys[arc] == wanted)
        return self._move(arc[point], point, self.slack[point], source, target, amount)

    def _move_any(self, source: np.ndarray, target: np.ndarray, amount: np.ndarray) -> float:
        """Move whichever points of a cell are cheapest, where second choices did not suffice."""
        order = np.argsort(self.cell, kind="stable")
        start = np.searchsorted(self.cell[order], np.arange(self.n + 1))
        # A callable cost gives matrices, of which pairs are the diagonals: they cost much more.
        slow = 64 if callable(self.dual.cost) else 1
        cost, most = 0.0, LOOKS // (self.x.shape[1] * slow)
        for _ in range(3):
            arcs = np.flatnonzero(amount > 1e-3)
            arcs = arcs[np.argsort(-amount[arcs])]
            size = start[source[arcs] + 1] - start[source[arcs]]
            arcs, size = arcs[np.cumsum(size) <= most], size[np.cumsum(size) <= most]
            if not size.sum():
                break
            arc = np.repeat(arcs, size)
            within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
            point = order[np.repeat(start[source[arcs]], size) + within]
            idle = self.free[point] > _CRUMB
            arc, point = arc[idle], point[idle]
            if not point.size:
                break
            slack = self.dual.cost_of(self.psi, self.x, point, target[arc]) - self.transform[point]
            slack = slack.clip(min=0.0)
            # Of the arcs that a point is wanted for, only the one to which it is cheapest gets it.
            rank = np.lexsort((slack, arc))
            arc, point, slack = arc[rank], point[rank], slack[rank]
            wanted = _before(arc, self.free[point]) < amount[arc]
            arc, point, slack = arc[wanted], point[wanted], slack[wanted]
            rank = np.lexsort((slack, point))
            first = np.r_[True, point[rank][1:] != point[rank][:-1]][: rank.size]
            keep = rank[first]
            cost += self._move(arc[keep], point[keep], slack[keep], source, target, amount)
        return cost

    def _move(
        self,
        arc: np.ndarray,
        point: np.ndarray,
        slack: np.ndarray,
        source: np.ndarray,
        target: np.ndarray,
        amount: np.ndarray,
    ) -> float:
        """Move each point along its arc, the cheapest first, until the arc has its amount."""
        if not arc.size:
            return 0.0
        order = np.lexsort((slack, arc))
        arc, point, slack = arc[order], point[order], slack[order]
        part = np.clip(amount[arc] - _before(arc, self.free[point]), 0.0, self.free[point])
        amount -= np.bincount(arc, part, amount.size)
        self.free[point] -= part
        gone = part > 0
        self.moves.append((point[gone], target[arc[gone]], part[gone]))
        self.missing -= np.bincount(target[arc], part, self.n) / self.size
        self.missing += np.bincount(source[arc], part, self.n) / self.size
        return float(part @ slack) / self.size

    def _spread_rest(self) -> float:
        """The rest of the excess, moved to the rest of the shortage: by the best plan, if small."""
        rest = self.missing.clip(min=0.0)
        total = rest.sum()
        if total <= 1e-12:  # rounding
            return 0.0
        excess = (-self.missing).clip(min=0.0) * self.size
        # The points that a cell may give: its own, then those that it was given.
        moved = [np.concatenate(kind) for kind in zip(*self.moves, strict=True)]
        own = np.arange(self.size)
        point = np.concatenate([own, moved[0]]) if moved else own
        cell = np.concatenate([self.cell, moved[1]]) if moved else self.cell
        mass = np.concatenate([self.free, moved[2]]) if moved else self.free
        order = np.argsort(cell, kind="stable")
        order = order[excess[cell[order]] > 0]
        point, cell, mass = point[order], cell[order], mass[order]
        part = np.clip(excess[cell] - _before(cell, mass), 0.0, mass)
        point, part = point[part > 0], part[part > 0]
        atoms = np.flatnonzero(rest)
        share = rest[atoms] / total
        spread, exact = 0.0, point.size * atoms.size <= _EXACT
        blocks = []
        for rows, costs in self.dual.columns(self.psi, self.x[from_numpy(point)], atoms):
            slack = (costs - self.transform[point[rows], None]).clip(min=0.0)
            spread += float(part[rows] @ (slack @ share))
            if exact:
                blocks.append(slack)
        if exact:
            best = solve_exact(np.concatenate(blocks), part / part.sum(), share).value.item()
            spread = best * part.sum()
        return spread / self.size


def _variance(value: np.ndarray, weight: np.ndarray) -> float:
    mean = float(weight @ value)
    return float(weight @ np.square(value - mean))


def _before(group: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """In sorted groups: the weight that stands before each entry in its own group."""
    total = np.cumsum(weight) - weight
    first = np.r_[True, group[1:] != group[:-1]][: group.size]
    return total - np.repeat(total[first], np.diff(np.r_[np.flatnonzero(first), group.size]))


def _solve(
    tail: np.ndarray, head: np.ndarray, wire: np.ndarray, driven: np.ndarray, guess: np.ndarray
) -> np.ndarray:
    """Potentials whose currents wire * (potential[head] - potential[tail]) end as ``driven``."""
    from scipy import sparse
    from scipy.sparse import linalg

    n = driven.size
    half = sparse.coo_matrix((wire, (tail, head)), shape=(n, n)).tocsr()
    graph = half + half.T
    degree = np.asarray(graph.sum(axis=1)).ravel()
    inverse = 1.0 / np.where(degree > 0, degree, 1.0)
    out, _ = linalg.cg(
        sparse.diags(degree) - graph, driven, x0=guess, rtol=1e-4, maxiter=500,
        M=sparse.diags(inverse),
    )  # fmt: skip
    return out
