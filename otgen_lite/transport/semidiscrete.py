"""Semi-discrete transport: from a law that can be drawn from to finitely many atoms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from otgen_lite import _checks
from otgen_lite.costs import NAMES, Cost, paired_cost
from otgen_lite.transport._ascent import Sampler, Source
from otgen_lite.transport._fit import Fit
from otgen_lite.transport._semidual import BLOCK, argmax
from otgen_lite.transport._slack import costs, slack

#: Kinds of knowledge about a gap.
CERTIFY = ("estimate", "bound")


class SemiDiscrete:
    r"""Transport from a law mu, known by its samples, to atoms y_j of mass b_j.

    .. math::
        H(\psi) = \mathbb{E}_{X \sim \mu}\,\psi^{c,\varepsilon}(X) + \sum_j b_j \psi_j , \qquad
        W = \max_\psi H(\psi) , \qquad
        \partial_j H(\psi) = b_j - \mathbb{E}\,\pi_j(X) ,

    with the transform :math:`\psi^{c}(x) = \min_j c(x, y_j) - \psi_j` for eps = 0 and
    :math:`\psi^{c,\varepsilon}(x) = -\varepsilon \log \sum_j b_j e^{(\psi_j - c(x, y_j)) /
    \varepsilon}` for eps > 0. The weights :math:`\pi(x)` are one at the atom that attains the
    minimum, or :math:`\pi_j(x) \propto b_j e^{(\psi_j - c(x, y_j)) / \varepsilon}`. W is a cost,
    not a root of it; a squared cost is not halved; the entropic value is relative to the product
    of mu and b.

    Several atoms at the minimum: the first of them gets the point. psi is fixed by
    sum_j b_j psi_j = 0. An atom with b_j = 0 stays out of soft plans, and is pushed out of hard
    ones.

    The methods that take points ``x`` see them ``block`` entries of the cost matrix at a time, or
    one row of it if that is longer: beside x and what they return, they hold about six such
    blocks. An atom is an object of the problem, not a parameter: no gradient reaches y, b or psi.

    Args:
        y: (N, d) atoms.
        b: (N,) masses, non-negative with sum 1; uniform where None.
        cost: a name or a callable, as in :func:`cost_matrix`.
        eps: entropic regularisation >= 0, in the unit of the cost.
        psi: (N,) potential to start from, in the unit of the cost; zero where None.
        block: entries of the cost matrix that are held at a time; 2^22 where None.

    Attributes:
        psi: (N,) potential, with sum_j b_j psi_j = 0.
        gap: the last estimate of max H - H(psi), 0 where it came out negative, or a bound of it
            (see ``gap_kind``), in the unit of the cost (NaN before a fit, and where it was not
            judged).
        gap_error: the standard error of ``gap``, in the unit of the cost (NaN where there is no
            gap).
        gap_kind: the kind of ``gap``, ``"estimate"`` or ``"bound"`` (empty where there is no gap).
        converged: whether the last fit reached its ``tol``.
        n_samples: points drawn so far, those for the gap included.
        history: lists of equal length, one entry for each round of a fit: ``step``, ``samples``,
            ``batch``, ``step_size``, ``dual``, ``dual_error``, ``gap``, ``gap_error``.

    Raises:
        ValueError: if shapes do not match, a number is not finite, ``eps < 0``, or ``b`` is
            negative or does not sum to 1.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`genevay_2016`, :cite:t:`peyre_2019`. Chapter: 4.

    Example:
        >>> sd = SemiDiscrete([[0.1], [0.25], [0.9]], b=[0.2, 0.5, 0.3])
        >>> uniform = lambda n, g: torch.rand(n, 1, generator=g, dtype=torch.float64)
        >>> sd = sd.fit(uniform, tol=1e-3)
        >>> bool((sd.psi - torch.tensor([0.05475, 0.04725, -0.11525])).abs().max() < 5e-3)
        True
        >>> sd.cells([[0.0], [0.5], [0.8]])
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
        size = self.y.shape[0]
        weights = _checks.weights("b", b, size, like=self.y).detach()
        self._b = weights / weights.sum()
        self.b = self._b.to(self.y.dtype)
        if not callable(cost):
            if not isinstance(cost, str):
                raise TypeError(f"cost must be a name or a callable, got {cost!r}")
            cost = _checks.choice("cost", cost, NAMES)
        self.cost = cost
        self.eps = _checks.number("eps", eps, at_least=0.0)
        self._block = BLOCK if block is None else _checks.count("block", block)
        self._rows = max(1, self._block // size)
        start = torch.zeros(size) if psi is None else psi
        self.psi = self._centred(_checks.vector("psi", start, size, "one entry for each atom"))
        self.history: dict[str, list[float]] = {
            name: []
            for name in (
                "step", "samples", "batch", "step_size", "dual", "dual_error", "gap", "gap_error",
            )
        }  # fmt: skip
        self.converged = False
        self.gap = self.gap_error = math.nan
        self.gap_kind = ""
        self.n_samples = 0
        self._length: float | None = None  # where the next fit's own step goes on

    def __repr__(self) -> str:
        size, d = self.y.shape
        return f"SemiDiscrete({size} atoms in dimension {d}, eps={self.eps:g}, gap={self.gap:.3g})"

    def cells(self, x: Any) -> Tensor:
        """The atom that attains the hard minimum at each point; the first where several do.

        Args:
            x: (n, d) points.

        Returns:
            (n,) int64 indices.
        """
        return self._gathered(x, lambda xs: argmax(-self._slack(xs)))

    def masses(self, x: Any) -> Tensor:
        """The mean of pi over the points x: what each atom receives.

        Args:
            x: (n, d) points.

        Returns:
            (N,) masses with sum 1. For eps = 0 they are counted, without an (n, N) array.
        """
        total = torch.zeros_like(self._b)
        count = 0
        with torch.no_grad():
            for xs in self._blocks(x):
                count += xs.shape[0]
                if self.eps == 0.0:
                    total += torch.bincount(argmax(-self._slack(xs)), minlength=total.numel())
                else:
                    total += self._soft(xs).sum(dim=0)
        return (total / count).to(self.y.dtype)

    def gradient(self, x: Any) -> Tensor:
        """The gradient of H in psi, estimated by the points x: b minus :meth:`masses`.

        Args:
            x: (n, d) points.

        Returns:
            (N,) gradient; it has no unit, and its sum is 0.
        """
        return self.b - self.masses(x)

    def dual(self, x: Any) -> Tensor:
        r"""The semi-dual at psi, estimated by the points x.

        Differentiable in x: the gradient of the n-th part of the sum is
        :math:`\sum_j \pi_j(x_i) \nabla_x c(x_i, y_j)` (envelope theorem).

        Args:
            x: (n, d) points.

        Returns:
            mean of psi^{c,eps}(x) plus sum_j b_j psi_j, 0-d.
        """
        total = torch.zeros((), dtype=self.y.dtype, device=self.y.device)
        count = 0
        for xs in self._blocks(x):
            count += xs.shape[0]
            if self.eps == 0.0:
                with torch.no_grad():
                    j = argmax(-self._slack(xs))
                total = total + (paired_cost(xs, self.y[j], self.cost) - self.psi[j]).sum()
            elif xs.requires_grad:  # the blocks of the plan are computed again, not kept
                total = total + checkpoint(self._soft_sum, xs, use_reentrant=False)
            else:
                total = total + self._soft_sum(xs)
        return total / count + self.b @ self.psi

    def transport(self, x: Any) -> Tensor:
        """The transport map of psi: the atom in whose cell each point lies.

        Args:
            x: (n, d) points.

        Returns:
            (n, d) atoms, ``y[cells(x)]``.
        """
        return self.y[self.cells(x)]

    def barycentric(self, x: Any) -> Tensor:
        """The mean of the atoms under pi(x); for eps = 0 the same as :meth:`transport`.

        Args:
            x: (n, d) points.

        Returns:
            (n, d) points in the convex hull of the atoms.
        """
        if self.eps == 0.0:
            return self.transport(x)
        return self._gathered(x, lambda xs: self._soft(xs) @ self.y)

    def fit(
        self,
        sample: Sampler,
        *,
        steps: int | None = None,
        batch_size: int = 256,
        tol: float | None = 1e-3,
        step: float | None = None,
        seed: int = 0,
        certify: str = "estimate",
        progress: bool = False,
        callback: Callable[[int, Tensor], None] | None = None,
    ) -> SemiDiscrete:
        r"""Averaged stochastic ascent of H, from the present psi on.

        The ascent runs in rounds. Each draws twice as many points as the one before, and ends in
        the average of its last iterates; where noise dominates, the next one has a larger batch.

        - ``step=None``: each coordinate moves by its mean gradient over the root of its mean
          square (Adam's rule), times a step that is set from the costs of the first batch and
          falls in and between rounds; the last quarter of a round is averaged. The iterates
          scale with the cost.
        - ``step=C``: the textbook's ascent,
          :math:`\psi \leftarrow \psi + C k^{-1/2} (b - \text{masses of the batch})`, with C in the
          unit of the cost. All of a round is averaged. At a maximum where H is smooth and curved
          the average is within O(k^{-1/2}) of it, and its gap is O(1/k); in general the gap is
          O(k^{-1/2}).

        After a round that gained little, the gap is judged on a fresh sample of M points, which psi
        has not seen. max H_M - H_M(psi) of such a sample is in the mean at least max H - H(psi),
        by an optimism of about c / M.

        - ``certify="estimate"``, for eps = 0: the optimism is removed, by the products of slopes of
          independent parts of the sample, :math:`\tfrac12 g_1^T L^{-1} g_2` (Richardson's
          extrapolation from the halves of a sample, written out). -L is the Hessian of H, as the
          points near the cells' borders show it. Near the maximum, ``gap`` is the gap in the mean,
          but for its floor at 0; ``gap_error`` is its standard error at the upper end of the
          interval, which is on the wide side. Far from the maximum, where H has kinks (a law in far
          clusters), ``gap`` comes out too small: by up to a third where measured. Then use
          ``certify="bound"``. Unless ``step`` is given, psi also takes the step that the sample
          suggests, and is judged again on another one.

          A round of fewer than 8 points for each atom is judged only if it is the last, and by the
          bound. The bound also stands in where the sample's network does not reach every atom,
          where a cell that should hold eight points has none, or where half a step gains far from
          what a parabola would; ``gap_kind`` says so.
        - ``certify="bound"``, and for eps > 0: the cost of a feasible plan of the sample, psi's
          own, repaired, bounds max H_M. So ``gap`` is, up to its ``gap_error``, never too small; it
          is too large by c / M at least, and needs many points an atom before it says anything.

        The fit stops where gap + 2 gap_error <= tol * scale, with
        a scale that no function of x or of y alone in the cost has a say in: the smaller of the
        dual value around the means (where the cost is squared) and of what the middle atom costs a
        middle point beyond its best one. The scale is itself estimated, from few points: on a
        heavy-tailed law, or one near its atoms, it differs between seeds (up to five times,
        measured).

        A second fit goes on where the first ended, with the step of that time. For another law, or
        to start with a large step again, make a new object with ``psi=sd.psi``.

        Where y is float64 and rounding is below 1 % of ``tol``, the steps compute in float32.

        Args:
            sample: ``sample(n, generator)`` draws n points (n, d) of mu, by that generator.
            steps: at most so many steps; where None, until ``tol`` is reached or 2^26 points were
                drawn or 2^34 costs computed (but no fewer than 64 points for each atom).
            batch_size: points in a step of the first round.
            tol: gap to stop at, relative to that scale; 0 estimates the gap but never stops before
                ``steps``; None does not estimate it.
            step: constant C of the plain ascent, > 0; None sets the step by itself.
            seed: of the generator that the sampler gets.
            certify: ``"estimate"`` or ``"bound"``, what ``gap`` is.
            progress: show a bar.
            callback: called as ``callback(k, psi)`` after step k with the average so far, or the
                iterate where the round has none yet. It may not write to psi.

        Returns:
            the object itself, with ``psi``, ``gap``, ``converged`` and ``history`` renewed.

        Raises:
            TypeError: if the sampler, or what it returns, has the wrong type.
            ValueError: if it returns the wrong shape, another device or a number that is not
                finite, an argument is out of range, or the law is so far from the atoms that psi
                needs more digits than the type of y has.
            RuntimeError: if psi stopped being finite. psi is then the best of the fit so far, and
                has no gap.

        Warns:
            ConvergenceWarning: if ``steps`` is None and ``tol`` was not reached.
            RuntimeWarning: if the ascent ended below where it began; psi is then the best one
                seen, without a gap, and the message names the step.
        """
        if steps is not None:
            steps = _checks.count("steps", steps)
        batch_size = _checks.count("batch_size", batch_size)
        if tol is not None:
            tol = _checks.number("tol", tol, at_least=0.0)
        if steps is None and not tol:
            raise ValueError(f"steps must be given where tol is {tol}: nothing else ends the fit")
        if step is not None and _checks.number("step", step) <= 0:
            raise ValueError(f"step must be positive, got {step}")
        certify = _checks.choice("certify", certify, CERTIFY)
        generator = torch.Generator(device=self.y.device)
        generator.manual_seed(_checks.seed("seed", seed))
        with torch.no_grad():
            fit = Fit(self, Source(sample, self.y, generator), batch_size, tol, step, certify)
            fit.run(steps, progress, callback)
        return self

    def _centred(self, psi: Tensor) -> Tensor:
        psi = psi.detach().to(device=self.y.device, dtype=torch.float64)
        return (psi - self._b @ psi).to(self.y.dtype)

    def _blocks(self, x: Any) -> Iterator[Tensor]:
        with _checks.beside(x, self.y):
            x = _checks.points("x", x)
        if x.shape[1] != self.y.shape[1]:
            raise ValueError(
                "x and y must be points of the same dimension, got shapes "
                f"{_checks.shape_text(x)} and {_checks.shape_text(self.y)}"
            )
        if x.device != self.y.device:
            raise ValueError(f"x must be on the device of y, {self.y.device}, got {x.device}")
        return iter(x.to(self.y.dtype).split(self._rows))

    def _gathered(self, x: Any, rows: Callable[[Tensor], Tensor]) -> Tensor:
        """``rows`` of every block, written into one array as they come.

        Kept apart and joined at the end, each small result would sit in memory that the block
        before it has left, so that the next block finds no room there: the peak would be that of
        the whole matrix.
        """
        out: Tensor | None = None
        at = 0
        with torch.no_grad():
            for xs in self._blocks(x):
                part = rows(xs)
                if out is None:
                    out = part.new_empty((len(x), *part.shape[1:]))
                out[at : at + len(part)] = part
                at += len(part)
        assert out is not None
        return out

    def _slack(self, x: Tensor) -> Tensor:
        return slack(x, self.y, self.psi, self.cost)

    def _log_weights(self, x: Tensor) -> Tensor:
        return self.b.log() - self._slack(x) / self.eps

    def _soft(self, x: Tensor) -> Tensor:
        return torch.softmax(self._log_weights(x), dim=1).to(self.y.dtype)

    def _soft_sum(self, x: Tensor) -> Tensor:
        weights = self.b.log() - (costs(x, self.y, self.cost) - self.psi) / self.eps
        return (-self.eps * torch.logsumexp(weights, dim=1).sum()).to(self.y.dtype)
