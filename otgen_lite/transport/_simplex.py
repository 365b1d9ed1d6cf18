"""The linear programme behind :func:`solve_exact`: the network simplex, and what certifies it.

A plan P and feasible potentials f and g miss the optimum by their duality gap
sum_ij P_ij (C_ij - f_i - g_j) at most. The gap is compared with the cost of the same plan after
C has lost its column minima and then its row minima. Adding u_i + v_j to C changes neither, and
an entry that the plan does not use has no say: one cost of 1e16 does not make a gap of 2 small.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

#: Largest duality gap, relative to the reduced cost of the plan, that is called a solution.
GAP_TOL = 1e-8

#: Entries of C that are looked at together where the potentials are completed.
_CHUNK = 1 << 18

#: The first simplex reads C as it is, unless its range is this much larger than that of the
#: reduced costs: then the digits are in the part that the plan cannot change.
_SHIFTED = 100.0


class Answer(NamedTuple):
    """A plan, feasible potentials, and how far they are apart.

    ``gap`` and ``scale`` are in one unit: the duality gap, and the reduced cost of the plan.
    """

    plan: np.ndarray
    f: np.ndarray
    g: np.ndarray
    gap: float
    scale: float

    @property
    def certified(self) -> bool:
        """Whether the gap is small; False where it is not a number."""
        return self.gap <= GAP_TOL * self.scale


def within_rounding(C: np.ndarray, answer: Answer) -> bool:
    """Whether the gap is no larger than what C - f - g rounds, in units in the last place.

    Where everybody goes to the nearest atom, or nearly so, the reduced cost of the plan is such
    rounding itself, and a gap relative to it says nothing.
    """
    i, j = np.nonzero(answer.plan)
    mass, cost, f, g = answer.plan[i, j], C[i, j], answer.f[i], answer.g[j]
    gap = mass @ np.maximum(cost - f - g, 0.0)
    size = mass @ (np.abs(cost) + np.abs(f) + np.abs(g))
    return bool(gap <= 4.0 * np.finfo(np.float64).eps * size)


class NoOptimumError(Exception):
    """The simplex ended without an optimum, in its own words."""


def direct(C: np.ndarray, a: np.ndarray, b: np.ndarray, max_iter: int) -> Answer | None:
    """The programme as it is; None where its numbers have too wide a range to try."""
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    low, high = float(C.min()), float(C.max())
    if not math.isfinite(high - low):
        return None
    r, c = complete(C, C.min(axis=0))
    if max(high, -low) > _SHIFTED * _largest(C, r, c):
        return None
    whole = rows.size == a.size and columns.size == b.size
    # Atoms without mass stay out of the simplex: what it says about them cannot be relied on.
    support = C if whole else C[np.ix_(rows, columns)]
    inner, exponent = _conditioned(support)
    plan, v = simplex(a[rows], b[columns], inner, max_iter)
    plan = embedded(plan, rows, columns, C.shape)
    g = np.full(b.size, -np.inf)
    g[columns] = np.ldexp(v, exponent)
    f, g = complete(C, g)
    i, j = np.nonzero(plan)
    mass = plan[i, j]
    off = abs(mass.sum() - 1.0)
    if not off <= 1e-9:
        return None
    gap = float(mass @ np.maximum(C[i, j] - f[i] - g[j], 0.0))
    return Answer(plan, f, g, gap, float(mass @ np.maximum(C[i, j] - r[i] - c[j], 0.0)))


def simplex(
    a: np.ndarray, b: np.ndarray, C: np.ndarray, max_iter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Plan and second potential, as the network simplex of the POT library gives them."""
    import ot  # here, because it imports so much that `import otgen_lite` would take twice as long

    plan, log = ot.emd(
        a, b, C, numItermax=max_iter, log=True, center_dual=False, check_marginals=False
    )
    if log["warning"] is not None:
        raise NoOptimumError(log["warning"])
    return plan, log["v"]


def embedded(
    plan: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """A plan between some atoms as one between all."""
    if plan.shape == shape:
        return plan
    out = np.zeros(shape)
    out[np.ix_(rows, columns)] = plan
    return out


def _conditioned(C: np.ndarray) -> tuple[np.ndarray, int]:
    """The same problem in a range where the simplex is accurate: C * 2^-exponent.

    The simplex gives artificial arcs the cost ``(max C + 1) n``. Where all costs are tiny, the 1
    swallows the digits of the potentials; where they are negative and large, that number is not
    the largest. A power of two rounds nothing, and the usual problem is passed on as it is.
    """
    low, high = float(C.min()), float(C.max())
    if low >= 0.0 and (high == 0.0 or 0.5 <= high <= 1e9):
        return C, 0
    exponent = math.frexp(max(-low, high))[1]
    return np.ldexp(C, -exponent), exponent


def complete(C: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest f that g allows, and g itself where it is -inf (atoms without mass).

    Where C is inf at every atom that counts, f is inf, and likewise g: no price is too high.
    """
    n, m = C.shape
    step = max(1, _CHUNK // m)
    f = np.empty(n)
    for i in range(0, n, step):
        f[i : i + step] = (C[i : i + step] - g).min(axis=1)
    free = np.flatnonzero(np.isneginf(g))
    if free.size:
        g = g.copy()
        g[free] = math.inf
        reached = np.where(np.isposinf(f), -math.inf, f)
        for i in range(0, n, step):
            slack = C[i : i + step, free] - reached[i : i + step, None]
            g[free] = np.minimum(g[free], slack.min(axis=0))
    return f, g


def _largest(C: np.ndarray, f: np.ndarray, g: np.ndarray) -> float:
    """The largest entry of C - f - g."""
    step = max(1, _CHUNK // C.shape[1])
    parts = range(0, len(C), step)
    return max(float((C[i : i + step] - f[i : i + step, None] - g).max()) for i in parts)
