"""Scaled costs, read in blocks: what can be said of them and two potentials in one pass.

Potentials are held in units of eps log 2, because the base-2 exponential is several times faster
than the natural one. With s = 1 / (eps log 2), the plan of phi and gamma is
P_ij = a_i b_j 2^(phi_i + gamma_j - s C_ij). Everything has a leading axis, the problems of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import Cost, cost_matrix, matrix, middle, refuse_overflow

#: Entries looked at together, whatever the number of threads: 2 MiB in float64. Half of it costs
#: more calls, twice as much more waits for memory; both were measured slower.
BLOCK = 1 << 18

#: The same on an accelerator, where a call costs more than its memory.
BLOCK_DEVICE = 1 << 24

#: Below this power of two an exponential is slow, and nothing beside the others; above its inverse
#: are only pairs without mass, and those of an iteration that was cut short.
TINY = -1000.0

#: Squared distances from the centre, over eps log 2, up to which their product may cancel: beyond,
#: the exponents lose more than 1e-8, and distances are summed coordinate by coordinate.
CANCELS = 1e7

#: Beyond this, whole numbers are all that a float64 holds.
DIGITS = 2.0**52

#: Numbers on the CPU, one a problem.
Numbers = np.ndarray[Any, Any]

#: Problems (as a slice) and their rows (as a slice).
Part = tuple[slice, slice]


class Costs(Protocol):
    """A batch of cost matrices, or what they can be computed from.

    ``metric`` says that no cost is negative and that a point costs nothing to itself.
    """

    shape: tuple[int, int, int]
    device: torch.device
    streamed: bool
    metric: bool

    def parts(self) -> Iterator[Part]:
        """Blocks that cover all problems and rows."""
        ...

    def exponents(
        self, part: Part, phi: Tensor | None, gamma: Tensor | None, first: int = 0
    ) -> Tensor:
        """phi_i + gamma_j - s C_ij on a part, in memory that the next call reuses.

        In float64, from the column ``first`` on; None is a potential of zeros.
        """
        ...

    def rough_exponents(self, part: Part, phi: Tensor | None, gamma: Tensor | None) -> Tensor:
        """The same, in float32 where that is faster."""
        ...

    def only(self, index: Tensor) -> Costs:
        """The problems with these indices."""
        ...

    def at(self, factor: float) -> Costs:
        """The same with s multiplied by a factor."""
        ...


def block_size(device: torch.device) -> int:
    """Entries looked at together."""
    return BLOCK if device.type == "cpu" else BLOCK_DEVICE


class MatrixCosts:
    """Cost matrices (B, n, m) that are there, with (B,) scales s."""

    streamed = metric = False

    def __init__(self, C: Tensor, scale: Tensor, common: float | None = None) -> None:
        """``common`` is the scale as a number, where all problems have one."""
        self.C, self.scale, self.common = C, scale, common
        self.shape = (C.shape[0], C.shape[1], C.shape[2])
        self.device = C.device
        self.size = block_size(C.device)
        self._scratch = C.new_empty(0, dtype=torch.float64)

    def parts(self) -> Iterator[Part]:
        B, n, m = self.shape
        if n * m >= self.size or B == 1:
            step = max(1, self.size // m)
            for p in range(B):
                for i in range(0, n, step):
                    yield slice(p, p + 1), slice(i, min(n, i + step))
            return
        step = self.size // (n * m)
        for p in range(0, B, step):
            yield slice(p, min(B, p + step)), slice(0, n)

    def exponents(
        self, part: Part, phi: Tensor | None, gamma: Tensor | None, first: int = 0
    ) -> Tensor:
        C = self.C[part][:, :, first:]
        if self._scratch.numel() < C.numel():
            self._scratch = C.new_empty(C.numel(), dtype=torch.float64)
        out = self._scratch[: C.numel()].view(C.shape)
        added = [] if gamma is None else [gamma[part[0], None, first:]]
        added += [] if phi is None else [phi[part][:, :, None]]
        if added and self.common is not None:
            torch.add(added.pop(0), C, alpha=-self.common, out=out)
        else:
            torch.mul(C, -self.scale[part[0], None, None], out=out)
        for potential in added:
            out.add_(potential)
        return out

    def rough_exponents(self, part: Part, phi: Tensor | None, gamma: Tensor | None) -> Tensor:
        return self.exponents(part, phi, gamma)

    def only(self, index: Tensor) -> MatrixCosts:
        return MatrixCosts(self.C[index], self.scale[index], self.common)

    def at(self, factor: float) -> MatrixCosts:
        common = None if self.common is None else self.common * factor
        return MatrixCosts(self.C, self.scale * factor, common)


class PointCosts:
    """Costs between points, computed block by block and never kept.

    ``streamed`` says that their kernel may not be kept either.
    """

    def __init__(
        self, x: Tensor, y: Tensor, cost: Cost, scale: float, rows: int | None, streamed: bool
    ) -> None:
        self.streamed = streamed
        self.shape = (1, x.shape[0], y.shape[0])
        self.device = x.device
        self.cost, self.scale, self.x, self.y = cost, scale, x, y
        self.rows = max(1, block_size(x.device) // y.shape[0]) if rows is None else rows
        self._scratch = x.new_empty((min(self.rows, len(x)), len(y)), dtype=torch.float64)
        self._rough: Tensor | None = None
        each = [x] if x is y else [x, y]
        sizes = [points.abs().max().double() for points in each]
        if cost == "sqeuclidean":
            each = [points.to(torch.float64) for points in each]
            self.x, self.y = each[0], each[-1]
            # phi + gamma - s |x - y|^2 is one matrix product of vectors with two more entries.
            centre = middle(torch.cat(each))
            each = [points - centre for points in each]
            squares = [points.square().sum(dim=1) for points in each]
            sizes += [square.max() for square in squares]
            self.square_x, self.square_y = squares[0] * scale, squares[-1] * scale
            pad = torch.nn.functional.pad
            self.left = pad(each[0] * (2.0 * scale), (0, 2), value=1.0)
            self.right = pad(each[-1], (0, 2), value=1.0).T.contiguous()
        found = torch.stack(sizes).tolist()
        size = found[0] + found[len(each) - 1]
        far = found[len(each)] + found[-1] if cost == "sqeuclidean" else math.inf
        self.product = far * scale <= CANCELS
        self.metric = isinstance(cost, str) and math.isfinite(
            scale * max(size, size * size) * x.shape[1]
        )
        if not self.product:
            self._refuse()

    def _refuse(self) -> None:
        """Refuse costs that are not finite, here and once: blocks of them are not looked at."""
        if not callable(self.cost):
            refuse_overflow(self.x, self.y, self.cost)
            return
        blocks = (self.x[rows] for _, rows in self.parts())
        total = sum(matrix(x, self.y, self.cost).double().sum() for x in blocks)
        if not math.isfinite(float(total)):
            for _, rows in self.parts():
                cost_matrix(self.x[rows], self.y, self.cost)  # names the number

    def _matrix(self, rows: slice, first: int) -> Tensor:
        x, y = self.x[rows], self.y[first:]
        if self.cost == "sqeuclidean":
            # Sums of squared differences: where this is called, a matrix product would cancel.
            mode = "donot_use_mm_for_euclid_dist"
            return torch.cdist(x, y, compute_mode=mode).square_()
        return matrix(x, y, self.cost)

    def parts(self) -> Iterator[Part]:
        n = self.shape[1]
        for i in range(0, n, self.rows):
            yield slice(0, 1), slice(i, min(n, i + self.rows))

    def exponents(
        self, part: Part, phi: Tensor | None, gamma: Tensor | None, first: int = 0
    ) -> Tensor:
        rows = part[1]
        shape = rows.stop - rows.start, self.shape[2] - first
        out = self._scratch.view(-1)[: shape[0] * shape[1]].view(shape)
        if self.product:
            left, right = self._factors(rows, phi, gamma)
            return torch.mm(left, right[:, first:], out=out)[None]
        torch.mul(self._matrix(rows, first), -self.scale, out=out)
        if gamma is not None:
            out.add_(gamma[0, first:])
        return (out if phi is None else out.add_(phi[0, rows, None]))[None]

    def rough_exponents(self, part: Part, phi: Tensor | None, gamma: Tensor | None) -> Tensor:
        if not self.product:
            return self.exponents(part, phi, gamma)
        rows = part[1]
        if self._rough is None:
            self._rough = self._scratch.new_empty(self._scratch.shape, dtype=torch.float32)
        # The large terms meet in float64; what float32 rounds is their sum.
        left, right = self._factors(rows, phi, gamma)
        out = self._rough[: rows.stop - rows.start]
        return torch.mm(left.float(), right.float(), out=out)[None]

    def _factors(
        self, rows: slice, phi: Tensor | None, gamma: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Matrices whose product is the exponents of squared distances."""
        left = self.left[rows].clone()
        left[:, -1] = -self.square_x[rows] if phi is None else phi[0, rows] - self.square_x[rows]
        self.right[-2] = -self.square_y if gamma is None else gamma[0] - self.square_y
        return left, self.right

    def only(self, index: Tensor) -> PointCosts:
        return self

    def at(self, factor: float) -> PointCosts:
        scale = self.scale * factor
        return PointCosts(self.x, self.y, self.cost, scale, self.rows, self.streamed)


def check_digits(sizes: Numbers) -> None:
    """Refuse potentials over eps that a float64 cannot tell from their neighbours."""
    if not bool((sizes < DIGITS).all()):
        raise _checks.not_finite(
            "eps is so small for these costs that cost / eps is not a finite number "
            f"with digits behind the point; it must be above about {1 / DIGITS:.0e} times the "
            "largest absolute cost"
        )


def massless(weights: Tensor) -> Tensor:
    """Whether an atom is without mass, as a tensor."""
    return (weights == 0).any()


def hard_rows(costs: Costs, gamma: Tensor | None, b: Tensor | None) -> Tensor:
    """(B, n) hard transform of gamma over the atoms with mass; over all where ``b`` is None.

    It is a base or a start, so that float32 will do.
    """
    if isinstance(costs, MatrixCosts) and gamma is None and b is None:
        return costs.C.amin(dim=2).to(torch.float64) * costs.scale[:, None]
    if b is not None:
        gamma = (torch.zeros_like(b) if gamma is None else gamma).masked_fill(b == 0, -torch.inf)
    phi = torch.empty(costs.shape[:2], dtype=torch.float64, device=costs.device)
    for part in costs.parts():
        phi[part] = costs.rough_exponents(part, None, gamma).amax(dim=2)
    return phi.neg_()


def hard_columns(costs: Costs, phi: Tensor, a: Tensor | None) -> Tensor:
    """(B, m) hard transform of phi over the atoms with mass; over all where ``a`` is None."""
    B, _, m = costs.shape
    high = phi.new_full((B, m), -torch.inf)
    if a is not None:
        phi = phi.masked_fill(a == 0, -torch.inf)
    for part in costs.parts():
        seen = costs.rough_exponents(part, phi, None).amax(dim=1)
        high[part[0]] = torch.maximum(high[part[0]], seen)
    return high.neg_()


def hard_pair(
    costs: Costs, gamma: Tensor | None, a: Tensor | None, b: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Hard transforms of one another, from that of gamma; at atoms without mass too.

    Weights that are None have none of these.
    """
    phi = hard_rows(costs, gamma, b)
    gamma = hard_columns(costs, phi, a)
    if a is not None:
        phi = torch.where(a == 0, hard_rows(costs, gamma, b), phi)
    return phi, gamma


def spread(costs: Costs) -> float:
    """s (max C - min C), the largest over the problems."""
    B = costs.shape[0]
    ends = torch.tensor([torch.inf, -torch.inf], dtype=torch.float64).to(costs.device)
    ends = ends.expand(B, 2).clone()
    for part in costs.parts():
        seen = costs.exponents(part, None, None)
        low, high = ends[part[0]].unbind(1)
        ends[part[0], 0] = torch.minimum(low, seen.amin(dim=(1, 2)))
        ends[part[0], 1] = torch.maximum(high, seen.amax(dim=(1, 2)))
    return float((ends[:, 1] - ends[:, 0]).max())


def symmetric_sums(costs: Costs, phi: Tensor, weights: Tensor) -> Tensor:
    """(c, n) sums over j of 2^(phi_i + phi_j - s C_ij) w_j for the c rows w of ``weights``.

    For one symmetric problem, in float64; of the entries (i, j) and (j, i) one is computed.
    """
    out = torch.zeros_like(weights)
    for part in costs.parts():
        here, beyond = part[1], slice(part[1].stop, None)
        kernel = costs.exponents(part, phi, phi, here.start)[0].clamp_(TINY, -TINY).exp2_()
        out[:, here] += rows_times(weights[:, here.start :], kernel.T)
        out[:, beyond] += rows_times(weights[:, here], kernel[:, here.stop - here.start :])
    return out


def rows_times(weights: Tensor, K: Tensor) -> Tensor:
    """(c, r) times (r, m), which for few columns is faster than the transposed product."""
    return torch.mv(K.T, weights[0])[None] if len(weights) == 1 else torch.mm(weights, K)


def marginals(
    costs: Costs, phi: Tensor, gamma: Tensor, a: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """Row and column sums of the plan, in float64 and with every entry counted."""
    rows, columns = torch.empty_like(a), torch.zeros_like(b)
    for part in costs.parts():
        kernel = costs.exponents(part, phi, gamma).clamp_(TINY, -TINY).exp2_()
        problems = part[0]
        rows[part] = a[part] * times(kernel, b[problems])
        columns[problems] += b[problems] * times_left(a[part], kernel)
    return rows, columns


def times(K: Tensor, y: Tensor) -> Tensor:
    """(p, r, m) times (p, m)."""
    if K.shape[0] == 1:
        return torch.mv(K[0], y[0])[None]
    return (K * y[:, None, :]).sum(dim=2)


def times_left(x: Tensor, K: Tensor) -> Tensor:
    """(p, r) times (p, r, m)."""
    if K.shape[0] == 1:
        return torch.mv(K[0].T, x[0])[None]
    return torch.bmm(x[:, None, :], K)[:, 0, :]
