"""The Hessian of a hard semi-dual, from a sample: a network that mass flows through.

An atom is a node. A wire between two of them conducts d mass / d psi: the density of points at the
border of their cells, estimated by the points whose two best choices they are, as a function of
what the second would cost more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from otgen_lite.transport._semidual import BestTwo, SampledDual

#: Points that may be weighed against one atom at a time (entries of a block of columns).
LOOKS = 1 << 21

#: Points that are added to the wires of an atom: the inverse of a count of few is too large in the
#: mean, by a third on the 64-D benchmark; with four points it is right there.
_ADDED = 4.0

#: Iterations of the conjugate gradients, at most, and the residual that is enough.
_ITERATIONS, _RESIDUAL = 300, 1e-3

#: Mass that is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Network:
    """Wires from ``tail`` to ``head`` with their conductances, between n nodes."""

    n: int
    tail: np.ndarray
    head: np.ndarray
    wire: np.ndarray

    @classmethod
    def of(cls, dual: SampledDual, psi: Tensor, x: Tensor, two: BestTwo, b: np.ndarray) -> Network:
        """The network at psi, from the two best atoms of each centred point."""
        held, room = (np.bincount(k, minlength=dual.n) for k in (two.first, two.second))
        missing = b - held / len(x)
        alone = np.flatnonzero((missing > 0) & (held + room == 0))
        second, slack = invited(dual, psi, x, two, alone, missing)
        low, high = np.minimum(two.first, second), np.maximum(two.first, second)
        keys, edge = np.unique(low * dual.n + high, return_inverse=True)
        tail, head = keys // dual.n, keys % dual.n
        # The integral of min(1, (width / s)^2) over all slacks s > 0 is 2 width.
        width = max(0.5 * float(np.median(slack)), np.finfo(float).tiny)
        near = np.square(np.minimum(1.0, width / np.maximum(slack, width * 1e-9)))
        points = np.bincount(edge, near, keys.size)
        around = np.bincount(tail, points, dual.n) + np.bincount(head, points, dual.n)
        # A cell that lacks more points than by chance, or has too many, changes its border long
        # before it has as many as it should.
        chance = 3.0 * np.sqrt(b * slack.size)
        added = np.maximum(_ADDED, np.abs(missing) * slack.size - chance)
        more = 1.0 + added / np.where(around > 0, around, 1.0)
        points = points * (more[tail] + more[head]) / 2
        return cls(dual.n, tail, head, points / (2 * width * slack.size))

    def carries(self, driven: np.ndarray) -> bool:
        """Whether no current has to go where no wire leads."""
        from scipy import sparse  # here: the package is imported without SciPy
        from scipy.sparse import csgraph

        graph = sparse.coo_matrix((self.wire, (self.tail, self.head)), shape=(self.n, self.n))
        parts, label = csgraph.connected_components(graph, directed=False)
        return all(np.abs(np.bincount(label, d, parts)).max() < _ROUNDING for d in driven.T)

    def solve(self, driven: np.ndarray) -> np.ndarray:
        """Potentials (n, k) whose currents end as ``driven`` (n, k): conjugate gradients."""
        from scipy import sparse

        half = sparse.coo_matrix((self.wire, (self.tail, self.head)), shape=(self.n, self.n))
        graph = (half + half.T).tocsr()
        degree = np.asarray(graph.sum(axis=1))
        inverse = np.where(degree > 0, 1.0 / np.where(degree > 0, degree, 1.0), 0.0)
        out, residual = np.zeros_like(driven), driven.copy()
        ahead = inverse * residual
        size = (residual * ahead).sum(axis=0)
        enough = _RESIDUAL**2 * size
        for _ in range(_ITERATIONS):
            if (size <= enough).all():
                break
            current = degree * ahead - graph @ ahead
            step = size / np.maximum((ahead * current).sum(axis=0), 1e-300)
            out += step * ahead
            residual -= step * current
            scaled = inverse * residual
            before, size = size, (residual * scaled).sum(axis=0)
            ahead = scaled + size / np.maximum(before, 1e-300) * ahead
        return out


def invited(
    dual: SampledDual, psi: Tensor, x: Tensor, two: BestTwo, poor: np.ndarray, missing: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Second choices and their slacks, where poor atoms get the points nearest to them in cost.

    Args:
        dual: of the sample.
        psi: (N,) potential.
        x: centred points.
        two: the two best atoms of each.
        poor: indices of atoms; the first ones, up to an eighth of all, get points.
        missing: (N,) mass that each atom lacks; it gets twice as much.
    """
    second, slack, size = two.second.copy(), two.slack.copy(), x.shape[0]
    poor = poor[: dual.n // 8]
    wanted = np.ceil(2 * missing[poor] * size).astype(int).clip(max=size - 1)
    group = max(1, LOOKS // size)
    for g in range(0, poor.size, group):
        atoms = poor[g : g + group]
        parts = list(dual.columns(psi, x, atoms))
        over = np.concatenate([c for _, c in parts]) - two.transform[:, None]
        for column, atom, count in zip(over.T, atoms, wanted[g : g + group], strict=True):
            near = np.argpartition(column, count)[:count]
            near = near[two.first[near] != atom]
            second[near], slack[near] = atom, column[near].clip(min=0.0)
    return second, slack
