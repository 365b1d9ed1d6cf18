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
#: mean. Chosen between 1 and 4 on the 64-D benchmark (36 % too large without, 7 % with four).
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
        second, slack = invited(dual, psi, x, two, b)
        low, high = np.minimum(two.first, second), np.maximum(two.first, second)
        keys, edge = np.unique(low * dual.n + high, return_inverse=True)
        tail, head = keys // dual.n, keys % dual.n
        near, width = nearness(slack)
        points = np.bincount(edge, near, keys.size)
        around = np.bincount(tail, points, dual.n) + np.bincount(head, points, dual.n)
        more = 1.0 + _ADDED / np.where(around > 0, around, 1.0)
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


def nearness(slack: np.ndarray) -> tuple[np.ndarray, float]:
    """How much each point counts for the density at slack 0, and the width that this is over."""
    width = max(float(np.median(slack)), np.finfo(float).tiny)
    return np.minimum(1.0, 0.5 * width / np.maximum(slack, width * 1e-9)), width


def invited(
    dual: SampledDual, psi: Tensor, x: Tensor, two: BestTwo, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Second choices and their slacks, with points for atoms that are the second of too few.

    Such an atom gets the points that are nearest to it in cost; at most an eighth of the atoms do.
    """
    second, slack, size = two.second.copy(), two.slack.copy(), x.shape[0]
    missing = b - np.bincount(two.first, minlength=dual.n) / size
    room = np.bincount(second, minlength=dual.n) / size
    poor = np.flatnonzero((missing > 0) & (room < missing))[: dual.n // 8]
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
