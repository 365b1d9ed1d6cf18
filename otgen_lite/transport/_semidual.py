"""The semi-dual of a sample, block by block: which atom wins a point, by how much, and masses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from otgen_lite.costs import Cost, cost_matrix, matrix, middle, paired_cost

#: Entries of the cost matrix held at a time, where the caller does not say.
BLOCK = 1 << 22

#: Exponents of soft weights, below that of the largest, end here: e^-60 is less than rounding.
_FLOOR = -60.0

#: Entries that the steps of the ascent look at together: they stay in a processor's cache.
_IN_CACHE = 1 << 18


@dataclass(frozen=True)
class BestTwo:
    """For each point its cell, the second choice, what that would cost more, and the transform."""

    first: np.ndarray
    second: np.ndarray
    slack: np.ndarray
    transform: np.ndarray


class SampledDual:
    """The semi-dual of a sample. Scores psi_j - c(x_i, y_j), from which everything else follows.

    For the squared cost the term |x|^2 is left out of the score, since it has no say in who wins:
    what remains is one matrix product, around the atoms' middle, where it cancels least.

    Args:
        around: for the squared cost, a point in the middle of the law. Points are then measured
            from there and atoms from their own middle, which is another problem with the same
            cells: its potential is ``inner(psi)``, and its dual value lacks ``added(x)``.
        checked: whether the costs of :meth:`blocks` are looked at for numbers that are not finite.
    """

    def __init__(
        self,
        y: Tensor,
        b: Tensor,
        cost: Cost,
        eps: float,
        block: int,
        dtype: torch.dtype,
        around: Tensor | None = None,
        checked: bool = True,
    ) -> None:
        self._costs = cost_matrix if checked else matrix
        self.b, self.cost, self.eps, self.dtype = b.double(), cost, eps, dtype
        self.n = y.shape[0]
        self.squared = isinstance(cost, str) and cost == "sqeuclidean"
        self.rows = max(1, min(block, max(_IN_CACHE, 64 * self.n)) // self.n)
        own = torch.zeros_like(y[0])
        if self.squared:
            own = y.mean(dim=0) if around is None else middle(y, b)
        self.centre = own if around is None or not self.squared else around.to(own)
        exact = (y - own).double()
        self.y = exact.to(dtype)
        self.apart = self.centre.double() - own.double()
        self._slope = 2.0 * (exact @ self.apart)
        self.norms = self.y.double().square().sum(dim=1) if self.squared else 0.0
        self._twice = (2 * self.y).T.contiguous() if self.squared else self.y
        self._log_b = b.double().log()
        self._buffer = torch.empty(0, self.n, dtype=dtype, device=y.device)

    def may_be_short(self, x: Tensor, wanted: float, native: bool) -> bool:
        """Whether float32 scores of such points are exact enough for a gap of ``wanted``.

        ``native`` says that the atoms are float32 themselves: then rounding may be as large.
        """
        if wanted <= 0.0 or not (self.squared or native):
            return native
        if self.squared:
            far, near = (float(t.square().sum(dim=1).max()) ** 0.5 for t in (x, self.y))
            size = near * (2 * far + near)
        else:
            size = float(cost_matrix(x[:256], self.y, self.cost).abs().max())
        rounding = torch.finfo(torch.float32).eps * size
        margin = 1.0 if native else 0.01
        return rounding <= margin * wanted and rounding <= 0.1 * margin * (self.eps or math.inf)

    def centred(self, x: Tensor) -> Tensor:
        """The points in the type and the coordinates of the scores."""
        return (x - self.centre).to(self.dtype) if self.squared else x.to(self.dtype)

    def inner(self, psi: Tensor) -> Tensor:
        """The potential of the centred problem: |x - y|^2 holds -2 <centre of x, y>, too."""
        return psi + self._slope

    def outer(self, psi: Tensor) -> Tensor:
        """The potential of the problem itself."""
        return psi - self._slope

    def added(self, x: Tensor) -> Tensor:
        """(n,) what a dual value of the centred problem lacks, at centred points."""
        between = self.apart.square().sum() - self.b @ self._slope
        return 2.0 * (x.double() @ self.apart) + between

    def scale(self, psi: Tensor, x: Tensor, value: float) -> float:
        """The unit of a gap, which no function of x or of y alone in the cost changes.

        The smaller of the centred problem's own dual value and of what the middle atom costs a
        middle point beyond the best one.

        Args:
            psi: (N,) potential.
            x: centred points.
            value: the dual value of psi.
        """
        few = x[: max(1, min(len(x), 512))]
        heavy = self.b > 0
        held = int(heavy.sum())
        excess = []
        for _, scores in self.blocks(psi, few):
            kept = scores if held == self.n else scores[:, heavy]
            middle_one = kth_largest(kept, min(held // 2 + 1, held)).double()
            excess.append(kept.amax(dim=1).double() - middle_one)
        middle_excess = float(torch.cat(excess).median())
        return min(abs(value), middle_excess)

    def blocks(self, psi: Tensor, x: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Scores of centred points; each block is overwritten by the next."""
        level = (psi - self.norms).to(self.dtype)
        for start in range(0, x.shape[0], self.rows):
            part = slice(start, min(start + self.rows, x.shape[0]))
            if not self.squared:
                yield part, level - self._costs(x[part], self.y, self.cost)
                continue
            size = part.stop - start
            if self._buffer.shape[0] < size:
                self._buffer = self._buffer.new_empty(size, self.n)
            yield part, torch.addmm(level, x[part], self._twice, out=self._buffer[:size])

    def base(self, x: Tensor) -> Tensor:
        """The part of the cost that the scores leave out: |x|^2 for the squared cost."""
        x = x.double()
        return x.square().sum(dim=1) if self.squared else x.new_zeros(x.shape[0])

    def masses(self, psi: Tensor, x: Tensor) -> Tensor:
        """(N,) float64 masses that the atoms receive from centred points."""
        if self.eps > 0:
            return self.soft(psi, x)[1]
        cells = [argmax(scores) for _, scores in self.blocks(psi, x)]
        index = cells[0] if len(cells) == 1 else torch.cat(cells)
        return counted(index, self.n).div_(x.shape[0])

    def soft(self, psi: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """The soft transform of each centred point, and the masses."""
        total = torch.zeros_like(self.b)
        transform = torch.empty(x.shape[0], dtype=torch.float64, device=x.device)
        for part, scores in self.blocks(psi, x):
            weights, top = softened(self.log_weights(scores))
            mass = weights.sum(dim=1)
            transform[part] = -self.eps * (top[:, 0].double() + mass.double().log())
            total += mass.reciprocal() @ weights
        total.masked_fill_(self.b == 0, 0.0)  # cut exponents leave them a trace
        return transform + self.base(x), total / x.shape[0]

    def log_weights(self, scores: Tensor) -> Tensor:
        """log b_j + score / eps, in place of the scores."""
        return scores.div_(self.eps).add_(self._log_b.to(scores.dtype))

    def transform(self, psi: Tensor, x: Tensor) -> Tensor:
        """(n,) float64 (c, eps)-transform of psi at centred points."""
        if self.eps > 0:
            return self.soft(psi, x)[0]
        top = [scores.amax(dim=1).double() for _, scores in self.blocks(psi, x)]
        return self.base(x) - torch.cat(top)

    def value(self, psi: Tensor, x: Tensor) -> float:
        """The semi-dual of the sample x at psi."""
        return float(self.transform(psi, x).mean() + self.b @ psi)

    def best_two(self, psi: Tensor, x: Tensor) -> BestTwo:
        """The two best atoms of each centred point (there must be two atoms)."""
        found: list[tuple[Tensor, ...]] = []
        for _, scores in self.blocks(psi, x):
            first = argmax(scores)
            top = scores.gather(1, first[:, None])
            scores.scatter_(1, first[:, None], -torch.inf)
            second = argmax(scores)
            found.append((first, second, top[:, 0], scores.gather(1, second[:, None])[:, 0]))
        first, second, top, next_ = (torch.cat(parts) for parts in zip(*found, strict=True))
        slack = (top - next_).double()
        transform = self.base(x) - top.double()
        return BestTwo(*(t.cpu().numpy() for t in (first, second, slack, transform)))

    def cost_of(self, psi: Tensor, x: Tensor, i: np.ndarray, k: np.ndarray) -> np.ndarray:
        """c(x_i, y_k) - psi_k for pairs of indices."""
        at, to = (torch.from_numpy(index).to(x.device) for index in (i, k))
        points, atoms = x[at].double(), self.y[to].double()
        return (paired_cost(points, atoms, self.cost) - psi[to]).cpu().numpy()

    def columns(self, psi: Tensor, x: Tensor, k: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """c(x_i, y_k) - psi_k of all points and some atoms, in blocks of rows."""
        to = torch.from_numpy(k).to(x.device)
        atoms, level = self.y[to].double(), psi[to]
        rows = max(1, self.rows * self.n // max(1, k.size) // 2)
        for start in range(0, x.shape[0], rows):
            part = slice(start, min(start + rows, x.shape[0]))
            C = cost_matrix(x[part].double(), atoms, self.cost)
            yield part, (C - level).cpu().numpy()


def softened(weights: Tensor) -> tuple[Tensor, Tensor]:
    """exp(weights - top) in place of the weights, and their row maxima ``top``.

    Exponents are cut: subnormal numbers, which a small eps makes many of, take a processor ten
    times longer than all the rest.
    """
    top = weights.amax(dim=1, keepdim=True)
    return weights.sub_(top).clamp_min_(_FLOOR).exp_(), top


def argmax(scores: Tensor) -> Tensor:
    """Index of the largest entry in each row, the first where several are largest."""
    if scores.device.type == "cpu":
        return torch.from_numpy(scores.numpy().argmax(axis=1))  # ten times faster than torch's
    return scores.argmax(dim=1)


def kth_largest(scores: Tensor, k: int) -> Tensor:
    """The k-th largest entry of each row."""
    if scores.device.type == "cpu":  # numpy's partition takes a tenth of torch's time
        at = scores.shape[1] - k
        return torch.from_numpy(np.partition(scores.numpy(), at, axis=1)[:, at].copy())
    return -(-scores).kthvalue(k).values


def counted(index: Tensor, n: int) -> Tensor:
    """(n,) float64 counts of each index; on a device without waiting for the largest of them."""
    if index.device.type == "cpu":
        return torch.bincount(index, minlength=n).to(torch.float64)
    total = torch.zeros(n, dtype=torch.float64, device=index.device)
    return total.index_add_(0, index, total.new_ones(()).expand(len(index)))


def mean_and_error(transform: np.ndarray, constant: float) -> tuple[float, float]:
    """A sample's dual value, and its standard error.

    Args:
        transform: of psi, at the points of the sample.
        constant: the sum of b psi.
    """
    error = float(transform.std()) / math.sqrt(transform.size)
    return float(transform.mean()) + constant, error
