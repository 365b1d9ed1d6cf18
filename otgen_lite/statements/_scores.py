"""Helpers of chapter 14: exhaustive draws, nearest points, cells and their means."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise, product
from math import factorial, prod

import torch
from torch import Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu


def outcomes(n: int, atoms: int) -> Iterator[tuple[int, ...]]:
    """All counts (k_1, ..., k_atoms) of n draws, by the places of atoms - 1 bars among n stars."""
    for bars in combinations(range(n + atoms - 1), atoms - 1):
        ends = (-1, *bars, n + atoms - 1)
        yield tuple(right - left - 1 for left, right in pairwise(ends))


def expected_cost(y: Tensor, p: Tensor, n: int) -> Tensor:
    """E W_2^2 of n draws from the law with atoms y (k, d) and weights p (k,): all outcomes."""
    C = otg.cost_matrix(y, y)
    total = y.new_zeros(())
    for counts in outcomes(n, len(y)):
        some = torch.tensor(counts, dtype=y.dtype)
        drawn = some > 0
        chance = factorial(n) / prod(factorial(c) for c in counts) * (p**some).prod()
        total = total + chance * otg.solve_exact(C[drawn], some[drawn] / n, p).value
    return total


def nearest(x: Tensor, y: Tensor) -> Tensor:
    """Distance from each x (n, d) to the nearest y (m, d)."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").amin(1)


def left_out(y: Tensor) -> Tensor:
    """Distance from each y (n, d) to the nearest other one."""
    D = torch.cdist(y, y, compute_mode="donot_use_mm_for_euclid_dist")
    return D.fill_diagonal_(torch.inf).amin(1)


def by_draws(y: Tensor, p: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Means over all draws: from a fresh one to n training points, and from each to the others."""
    fresh, inside = y.new_zeros(()), y.new_zeros(())
    for which in product(range(len(y)), repeat=n):
        kept = torch.tensor(which)
        chance = p[kept].prod()
        fresh = fresh + chance * (p @ nearest(y, y[kept]))
        inside = inside + chance * left_out(y[kept]).mean()
    return fresh, inside


def by_radii(y: Tensor, p: Tensor, n: int) -> Tensor:
    """The mean distance from a draw to the nearest of n others: the integral of its tail."""
    D = torch.cdist(y, y, compute_mode="donot_use_mm_for_euclid_dist")
    total = y.new_zeros(())
    for chance, row in zip(p, D, strict=True):
        far, order = row.sort()
        inside = p[order].cumsum(0)  # of the ball up to each distance
        total = total + chance * ((far[1:] - far[:-1]) * (1 - inside[:-1]) ** n).sum()
    return total


def lloyd(x: Tensor, centres: Tensor, rounds: int = 200) -> tuple[Tensor, Tensor]:
    """Centres (k, d) that are the means of their cells, and the cell of each point (n,)."""
    for _ in range(rounds):
        cell = torch.cdist(x, centres, compute_mode="donot_use_mm_for_euclid_dist").argmin(1)
        means = torch.stack([x[cell == k].mean(0) for k in cell.unique()])
        if means.shape == centres.shape and torch.equal(means, centres):
            break
        centres = means
    return centres, cell


def separated(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Over all orders of runs of equal methods: (ordered pairs all on one side, orders)."""

    def orders(left: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if not any(left):
            yield ()
            return
        for k, count in enumerate(left):
            if count:
                rest = (*left[:k], count - 1, *left[k + 1 :])
                for tail in orders(rest):
                    yield (k, *tail)

    found = seen = 0
    for order in orders(sizes):
        seen += 1
        for a in range(len(sizes)):
            for b in range(len(sizes)):
                last = max(place for place, k in enumerate(order) if k == a)
                first = min(place for place, k in enumerate(order) if k == b)
                found += a != b and last < first
    return found, seen


all_on_cpu(globals())
