"""Linear programmes whose costs have too wide a range for one run of the network simplex.

The simplex works to about 1e-15 of the largest cost that it sees, times the number of atoms. So it
is shown what matters: costs after subtraction of feasible potentials, with large entries cut to a
cap. Where the plan keeps clear of what was cut, it solves the whole problem. Its potentials are
subtracted in turn, so that each run computes what the last one got wrong.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from otgen_lite import _checks
from otgen_lite.transport._simplex import Answer, complete, embedded, simplex

#: Runs of the simplex.
_RUNS = 16

#: The first cap in units of a typical reduced cost, the factor where mass was stuck there, and the
#: next cap in units of the largest cost that the plan pays, or of the largest slack that it uses.
_CAP, _HIGHER, _LOWER = 1e5, 1e4, 1e6

#: Mass that rounding of the weights leaves over, absolutely and relative to that of its atoms.
_DUST, _OF_ATOM = 1e-15, 1e-6


class Run(NamedTuple):
    """The end of a run: a plan, the second potential, its gap and its reduced cost."""

    plan: np.ndarray
    v: np.ndarray
    gap: float
    scale: float


def careful(C: np.ndarray, a: np.ndarray, b: np.ndarray, max_iter: int) -> Answer:
    """The best answer of a few runs, for costs of any range; inf forbids a pair.

    Raises:
        ValueError: if every plan uses a forbidden pair.
    """
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    D = C[np.ix_(rows, columns)]
    if np.isinf(D).any():
        _refuse_infeasible(np.isinf(D), a[rows], b[columns], max_iter)
    exponent = math.frexp(float(np.abs(D[np.isfinite(D)]).max()))[1]
    D = np.ldexp(D, -exponent)
    g = D.min(axis=0)
    f = (D - g).min(axis=1)
    base = _less(D, f, g)
    plan, v, gap, scale = _runs(base, a[rows], b[columns], max_iter)
    full = np.full(b.size, -np.inf)
    full[columns] = np.ldexp(g + v, exponent)
    f, g = complete(C, full)
    return Answer(embedded(plan, rows, columns, C.shape), f, g, gap, scale)


def _runs(base: np.ndarray, a: np.ndarray, b: np.ndarray, max_iter: int) -> Run:
    """The best run for costs whose rows and columns begin at zero."""
    u, v = np.zeros(a.size), np.zeros(b.size)
    rest = base.clip(min=0.0)
    cap = _CAP * _typical(rest)
    best: Run | None = None
    for _ in range(_RUNS):
        seen = np.minimum(rest, cap)
        exponent = math.frexp(float(seen.max()))[1]
        plan, more = simplex(a, b, np.ldexp(seen, -exponent), max_iter)
        du, dv = complete(rest, np.ldexp(more, exponent))
        u, v = u + du, v + dv
        run = _judged(plan, base, u, v, a, b)
        stuck = float(plan[rest > cap].sum()) > 0.0
        if best is None or not run.gap >= best.gap:
            best = run
        if best.gap <= 1e-12 * best.scale:
            break
        if stuck:
            rest = _less(base, u, v).clip(min=0.0)
            above = rest[(rest > cap) & np.isfinite(rest)]
            cap = max(cap * _HIGHER, 2.0 * float(above.min()) if above.size else 0.0)
            continue
        i, j = np.nonzero(plan)
        paid = float(base[i, j].max(initial=0.0))
        if paid <= 0.0:  # nothing can be cheaper, as potentials of zero say
            return Run(plan, np.zeros(b.size), 0.0, 0.0)
        if paid * _LOWER < cap:  # from the start, with a lower cap: these potentials are as coarse
            u, v, rest = np.zeros(a.size), np.zeros(b.size), base.clip(min=0.0)
            cap = paid * _LOWER
            continue
        rest = _less(base, u, v).clip(min=0.0)
        used = float(rest[i, j].max())
        if used == 0.0 or used * _LOWER >= cap:
            break
        cap = used * _LOWER
    assert best is not None
    return best


def _judged(
    plan: np.ndarray, base: np.ndarray, u: np.ndarray, v: np.ndarray, a: np.ndarray, b: np.ndarray
) -> Run:
    """The plan without dust, and what it costs beyond the potentials."""
    i, j = np.nonzero(plan)
    mass = plan[i, j]
    slack = np.maximum(_less(base[i, j], u[i], v[j], pairs=True), 0.0)
    # Weights such as .1 + .2 and .3 differ in the last digit: what is left over would go to a
    # large cost, or over a forbidden pair, where the sums that were meant do not need it.
    dust = (mass <= _DUST) & (mass <= _OF_ATOM * np.minimum(a[i], b[j])) & (slack > 0.0)
    if dust.any():
        plan = plan.copy()
        plan[i[dust], j[dust]] = 0.0
        i, j, mass, slack = i[~dust], j[~dust], mass[~dust], slack[~dust]
    return Run(plan, v, float(mass @ slack), float(mass @ base[i, j].clip(min=0.0)))


def _less(C: np.ndarray, f: np.ndarray, g: np.ndarray, *, pairs: bool = False) -> np.ndarray:
    """C - f - g, with the rounding error of the first difference made good; inf stays inf."""
    if not pairs:
        f = f[:, None]
    difference = C - f
    back = difference - C
    lost = (C - (difference - back)) - (f + back)
    return (difference - g) + np.where(np.isfinite(lost), lost, 0.0)


def _typical(rest: np.ndarray) -> float:
    """The median over rows and columns of the second least cost; the largest if those are 0."""
    seconds = [
        np.partition(costs, 1, axis=1)[:, 1] for costs in (rest, rest.T) if costs.shape[1] > 1
    ]
    second = np.concatenate(seconds) if seconds else np.zeros(0)
    second = second[np.isfinite(second) & (second > 0.0)]
    if second.size:
        return float(np.median(second))
    finite = rest[np.isfinite(rest)]
    return float(finite.max()) or 1.0


def _refuse_infeasible(forbidden: np.ndarray, a: np.ndarray, b: np.ndarray, max_iter: int) -> None:
    plan, _ = simplex(a, b, forbidden.astype(float), max_iter)
    least = float(plan[forbidden].sum())
    if least > 1e-12:
        raise _checks.not_finite(
            "C must allow a plan: inf forbids a pair, and every plan with these weights puts a "
            f"mass of at least {least:.3g} on forbidden pairs"
        )
