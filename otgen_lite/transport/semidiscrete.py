"""Semi-discrete transport: from a law one can draw from to finitely many atoms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import Cost, cost_matrix, paired_cost

#: ``sample(n, generator)`` draws n points (n, d).
Sampler = Callable[[int, torch.Generator], Any]


class SemiDiscrete:
    r"""Transport from a law :math:`\mu` to atoms :math:`y_j` of mass :math:`b_j`.

    .. math::
        H(\psi) = \mathbb{E}_{X \sim \mu}\,\psi^{c,\varepsilon}(X) + \sum_j b_j \psi_j, \qquad
        W = \max_\psi H(\psi), \qquad \nabla H(\psi)_j = b_j - \mathbb{E}\,\pi_j(X) .

    Args:
        y: (N, d) atoms.
        b: (N,) masses, non-negative with sum 1; uniform where None.
        cost: a name or a callable, as in :func:`cost_matrix`.
        eps: entropic regularisation >= 0, in the unit of the cost.
        psi: (N,) potential to start from; zero where None.
        block: entries of the cost matrix that are held at a time.

    Source: :cite:t:`peyre_2019`. Chapter: 4.

    Example:
        >>> sd = SemiDiscrete([[0.1], [0.25], [0.9]], b=[0.2, 0.5, 0.3])
        >>> sd.cells([[0.0], [0.2], [0.8]])
        tensor([0, 1, 2])
    """

    def __init__(
        self,
        y: Any,
        b: Any = None,
        cost: Cost = "sqeuclidean",
        eps: float = 0.0,
        psi: Any = None,
        block: int | None = None,
    ) -> None:
        self.y = _checks.points("y", y).detach()
        n = self.y.shape[0]
        weights = _checks.weights("b", b, n, like=self.y).detach()
        self.b = (weights / weights.sum()).to(self.y.dtype)
        self.cost = cost
        self.eps = _checks.number("eps", eps, at_least=0.0)
        block = (1 << 20) if block is None else _checks.count("block", block)
        self._rows = max(1, block // n)
        if psi is None:
            psi = torch.zeros(n, dtype=self.y.dtype)
        start = _checks.vector("psi", psi, n, "one entry for each atom").detach().to(self.y)
        self.psi = start - self.b @ start
        self.history: dict[str, list[float]] = {"step": [], "samples": [], "dual": [], "gap": []}
        self.converged = False
        self.gap = float("nan")
        self.n_samples = 0

    def _blocks(self, x: Any) -> Iterator[Tensor]:
        x = _checks.points("x", x)
        if x.shape[1] != self.y.shape[1]:
            raise ValueError(
                "x and y must be points of the same dimension, got shapes "
                f"{_checks.shape_text(x)} and {_checks.shape_text(self.y)}"
            )
        yield from x.to(self.y.dtype).split(self._rows)

    def _slack(self, x: Tensor) -> Tensor:
        return cost_matrix(x, self.y, self.cost) - self.psi

    def _soft(self, x: Tensor) -> Tensor:
        return torch.softmax(-self._slack(x) / self.eps + self.b.log(), dim=1)

    def cells(self, x: Any) -> Tensor:
        """(n,) index of the atom that attains the hard minimum; the first where several do."""
        with torch.no_grad():
            return torch.cat([self._slack(xs).argmin(dim=1) for xs in self._blocks(x)])

    def masses(self, x: Any) -> Tensor:
        """(N,) masses that the atoms receive from the points x."""
        total = torch.zeros_like(self.psi)
        count = 0
        with torch.no_grad():
            for xs in self._blocks(x):
                count += xs.shape[0]
                if self.eps == 0.0:
                    cells = self._slack(xs).argmin(dim=1)
                    total += torch.bincount(cells, minlength=total.numel()).to(total.dtype)
                else:
                    total += self._soft(xs).sum(dim=0)
        return total / count

    def gradient(self, x: Any) -> Tensor:
        """(N,) b minus the masses."""
        return self.b - self.masses(x)

    def dual(self, x: Any) -> Tensor:
        """0-d estimate of H at psi by the points x; differentiable in x."""
        total: Tensor = torch.zeros((), dtype=self.y.dtype, device=self.y.device)
        count = 0
        for xs in self._blocks(x):
            count += xs.shape[0]
            if self.eps == 0.0:
                j = self.cells(xs.detach())
                total = total + (paired_cost(xs, self.y[j], self.cost) - self.psi[j]).sum()
            else:
                score = -self._slack(xs) / self.eps + self.b.log()
                total = total - self.eps * torch.logsumexp(score, dim=1).sum()
        return total / count + self.b @ self.psi

    def transport(self, x: Any) -> Tensor:
        """(n, d) the atoms y[cells(x)]."""
        return self.y[self.cells(x)]

    def barycentric(self, x: Any) -> Tensor:
        """(n, d) the means of the atoms under pi(x)."""
        if self.eps == 0.0:
            return self.transport(x)
        with torch.no_grad():
            return torch.cat([self._soft(xs) @ self.y for xs in self._blocks(x)])

    def fit(
        self,
        sample: Sampler,
        *,
        steps: int | None = None,
        batch_size: int = 256,
        tol: float = 1e-3,
        step: float | None = None,
        seed: int = 0,
        progress: bool = False,
    ) -> SemiDiscrete:
        """Averaged stochastic ascent of H from the present psi."""
        steps = 2000 if steps is None else _checks.count("steps", steps)
        generator = torch.Generator(device=self.y.device).manual_seed(seed)
        if step is None:
            x = _checks.points("sample", sample(batch_size, generator)).to(self.y)
            C = cost_matrix(x, self.y, self.cost)
            step = float((C - C.amin(dim=1, keepdim=True)).mean()) * self.y.shape[0] ** 0.5
        iterate, mean, weight = self.psi.clone(), self.psi.clone(), 0
        for k in range(1, steps + 1):
            x = _checks.points("sample", sample(batch_size, generator)).to(self.y)
            self.psi = iterate
            iterate = iterate + step / k**0.5 * self.gradient(x)
            if 4 * k > steps:
                weight += 1
                mean = mean + (iterate - mean) / weight
        self.psi = mean - self.b @ mean
        self.n_samples += steps * batch_size
        return self
