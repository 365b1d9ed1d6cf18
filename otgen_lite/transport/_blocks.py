"""Scaled costs, read in blocks: what can be said of them and two potentials in one pass.

Potentials are held in units of eps log 2, because the base-2 exponential is several times faster
than the natural one. With s = 1 / (eps log 2), the plan of phi and gamma is
P_ij = a_i b_j 2^(phi_i + gamma_j - s C_ij). Everything has a leading axis, the problems of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import Cost, cost_matrix, middle

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

    def exponents(self, part: Part, phi: Tensor, gamma: Tensor, rough: bool = False) -> Tensor:
        """phi_i + gamma_j - s C_ij on a part, in memory that the next call reuses.

        In float64; ``rough`` allows float32, where that is faster.
        """
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

    def __init__(self, C: Tensor, scale: Tensor) -> None:
        self.C, self.scale = C, scale
        self.shape = (C.shape[0], C.shape[1], C.shape[2])
        self.device = C.device
        self.alpha = -float(scale[0])
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

    def exponents(self, part: Part, phi: Tensor, gamma: Tensor, rough: bool = False) -> Tensor:
        C = self.C[part]
        if self._scratch.numel() < C.numel():
            self._scratch = C.new_empty(C.numel(), dtype=torch.float64)
        out = self._scratch[: C.numel()].view(C.shape)
        row = gamma[part[0], None, :]
        if self.shape[0] == 1:
            torch.add(row, C, alpha=self.alpha, out=out)
        else:
            torch.mul(C, -self.scale[part[0], None, None], out=out).add_(row)
        return out.add_(phi[part][:, :, None])

    def only(self, index: Tensor) -> MatrixCosts:
        return MatrixCosts(self.C[index], self.scale[index])

    def at(self, factor: float) -> MatrixCosts:
        return MatrixCosts(self.C, self.scale * factor)


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
        size = float(x.abs().max()) + float(y.abs().max())
        self.metric = isinstance(cost, str) and math.isfinite(
            scale * max(size, size * size) * x.shape[1]
        )
        self.rows = max(1, block_size(x.device) // y.shape[0]) if rows is None else rows
        self._scratch = x.new_empty((min(self.rows, len(x)), len(y)), dtype=torch.float64)
        self.product = False
        if cost == "sqeuclidean":
            self.x = x = x.to(torch.float64)
            self.y = y = y.to(torch.float64)
            # phi + gamma - s |x - y|^2 is one matrix product of vectors with two more entries.
            centre = middle(torch.cat([x, y]))
            x, y = x - centre, y - centre
            far = float(x.square().sum(dim=1).max() + y.square().sum(dim=1).max())
            self.product = far * scale <= CANCELS
            self.square_x = x.square().sum(dim=1) * scale
            self.square_y = y.square().sum(dim=1) * scale
            self.left = torch.nn.functional.pad(x * (2.0 * scale), (0, 2), value=1.0)
            self.right = torch.nn.functional.pad(y, (0, 2), value=1.0)

    def parts(self) -> Iterator[Part]:
        n = self.shape[1]
        for i in range(0, n, self.rows):
            yield slice(0, 1), slice(i, min(n, i + self.rows))

    def exponents(self, part: Part, phi: Tensor, gamma: Tensor, rough: bool = False) -> Tensor:
        rows = part[1]
        out = self._scratch[: rows.stop - rows.start]
        if self.product:
            if rough:
                # The large terms meet in float64; what float32 rounds is their sum.
                left = self.left[rows].clone()
                left[:, -1] = phi[0, rows] - self.square_x[rows]
                self.right[:, -2] = gamma[0] - self.square_y
                return torch.mm(left.float(), self.right.float().T)[None]
            left = self.left[rows].clone()
            left[:, -1] = phi[0, rows] - self.square_x[rows]
            self.right[:, -2] = gamma[0] - self.square_y
            return torch.mm(left, self.right.T, out=out)[None]
        torch.mul(cost_matrix(self.x[rows], self.y, self.cost), -self.scale, out=out)
        return out.add_(gamma[0]).add_(phi[0, rows, None])[None]

    def only(self, index: Tensor) -> PointCosts:
        return self

    def at(self, factor: float) -> PointCosts:
        scale = self.scale * factor
        return PointCosts(self.x, self.y, self.cost, scale, self.rows, self.streamed)


def check_digits(phi: Tensor) -> None:
    """Refuse potentials over eps that a float64 cannot tell from their neighbours."""
    if not bool((phi.abs() < DIGITS).all()):
        raise _checks.not_finite(
            "eps is so small for these costs that cost / eps is not a finite number "
            f"with digits behind the point; it must be above about {1 / DIGITS:.0e} times the "
            "largest absolute cost"
        )


def hard_rows(costs: Costs, gamma: Tensor, b: Tensor) -> Tensor:
    """(B, n) hard transform of gamma over the atoms with mass."""
    B, n, _ = costs.shape
    if isinstance(costs, MatrixCosts) and not bool(gamma.any() or (b == 0).any()):
        phi = costs.C.amin(dim=2).to(torch.float64) * costs.scale[:, None]
    else:
        gamma = gamma.masked_fill(b == 0, -torch.inf)
        none = gamma.new_zeros((B, n))
        phi = torch.empty_like(none)
        for part in costs.parts():
            phi[part] = -costs.exponents(part, none, gamma).amax(dim=2)
    check_digits(phi)
    return phi


def hard_columns(costs: Costs, phi: Tensor, a: Tensor) -> Tensor:
    """(B, m) hard transform of phi over the atoms with mass."""
    B, _, m = costs.shape
    high = phi.new_full((B, m), -torch.inf)
    nothing, phi = torch.zeros_like(high), phi.masked_fill(a == 0, -torch.inf)
    for part in costs.parts():
        seen = costs.exponents(part, phi, nothing).amax(dim=1)
        high[part[0]] = torch.maximum(high[part[0]], seen)
    return -high


def hard_pair(costs: Costs, phi: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Hard transforms of one another, at atoms without mass too."""
    gamma = hard_columns(costs, phi, a)
    if bool((a == 0).any()):
        phi = torch.where(a == 0, hard_rows(costs, gamma, b), phi)
    return phi, gamma


def spread(costs: Costs, a: Tensor, b: Tensor) -> float:
    """s (max C - min C), the largest over the problems."""
    B = costs.shape[0]
    none, nothing = torch.zeros_like(a), torch.zeros_like(b)
    ends = none.new_tensor([torch.inf, -torch.inf]).expand(B, 2).clone()
    for part in costs.parts():
        seen = costs.exponents(part, none, nothing)
        low, high = ends[part[0]].unbind(1)
        ends[part[0], 0] = torch.minimum(low, seen.amin(dim=(1, 2)))
        ends[part[0], 1] = torch.maximum(high, seen.amax(dim=(1, 2)))
    return float((ends[:, 1] - ends[:, 0]).max())


def row_sums(costs: Costs, phi: Tensor, gamma: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Row sums of the plan, in float64 and with every entry counted."""
    rows = torch.empty_like(a)
    for part in costs.parts():
        kernel = costs.exponents(part, phi, gamma).clamp_(TINY, -TINY).exp2_()
        rows[part] = a[part] * times(kernel, b[part[0]])
    return rows


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
