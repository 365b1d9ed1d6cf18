"""Semi-discrete transport: from a distribution that can be sampled to finitely many atoms."""

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
    r"""Semi-discrete transport from a distribution mu that can be sampled to atoms y_j of mass b_j.

    .. math::
        H(\psi) = \mathbb{E}_{X \sim \mu}\,\psi^{c,\varepsilon}(X) + \sum_j b_j \psi_j , \qquad
        W = \max_\psi H(\psi) , \qquad
        \partial_j H(\psi) = b_j - \mathbb{E}\,\pi_j(X) ,

    with the transform :math:`\psi^{c}(x) = \min_j c(x, y_j) - \psi_j` for eps = 0 and
    :math:`\psi^{c,\varepsilon}(x) = -\varepsilon \log \sum_j b_j e^{(\psi_j - c(x, y_j)) /
    \varepsilon}` for eps > 0. For eps = 0, :math:`\pi(x)` is the unit vector of the atom that
    attains the minimum (the first one where several do); for eps > 0 it is
    :math:`\pi_j(x) \propto b_j e^{(\psi_j - c(x, y_j)) / \varepsilon}`. W is a cost, not a root of
    it; a squared cost is not halved; the entropy is relative to the product of mu and b.

    The Kantorovich potential psi is normalised by sum_j b_j psi_j = 0. An atom with b_j = 0
    receives nothing from soft plans, and the ascent takes its mass away from it in hard ones.

    Methods that take points ``x`` compute ``block`` entries of the cost matrix at a time, or one
    row if that is longer. In addition to x and the result they hold about six such blocks. Atoms
    are constants of the problem, not parameters: no gradient reaches y, b or psi.

    Args:
        y: (N, d) atoms.
        b: (N,) masses, non-negative with sum 1; uniform where None.
        cost: a name or a callable, as in :func:`cost_matrix`.
        eps: entropic regularisation >= 0, in the unit of the cost.
        psi: (N,) potential to start from, in the unit of the cost; zero where None.
        block: number of entries of the cost matrix that are held at a time; 2^22 where None.

    Attributes:
        psi: (N,) potential, with sum_j b_j psi_j = 0.
        gap: the last estimate of the dual gap max H - H(psi), set to 0 where it came out negative,
            or a bound of it (see ``gap_kind``), in the unit of the cost; NaN before a fit, and
            where it was not estimated.
        gap_error: the standard error of ``gap``, in the unit of the cost; NaN where there is no
            gap.
        gap_kind: what ``gap`` is: ``"estimate"`` or ``"bound"``; empty where there is no gap.
        converged: whether the last fit reached its ``tol``.
        n_samples: number of points drawn so far, including those for the gap.
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
        """The cell of each point: the index of the atom that attains the hard minimum.

        Args:
            x: (n, d) points.

        Returns:
            (n,) int64 indices; where several atoms attain the minimum, the first of them.
        """
        return self._gathered(x, lambda xs: argmax(-self._slack(xs)))

    def masses(self, x: Any) -> Tensor:
        """The mass that each atom receives from the points x: the mean of pi over them.

        Args:
            x: (n, d) points.

        Returns:
            (N,) masses with sum 1. For eps = 0 points are counted, without an (n, N) array.
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
        """The gradient of H in psi, estimated from the points x: b minus :meth:`masses`.

        Args:
            x: (n, d) points.

        Returns:
            (N,) gradient; it has no unit, and its sum is 0.
        """
        return self.b - self.masses(x)

    def dual(self, x: Any) -> Tensor:
        r"""The semi-dual objective H at psi, estimated from the points x.

        Differentiable in x: by the envelope theorem, the gradient in x_i is
        :math:`\tfrac1n \sum_j \pi_j(x_i) \nabla_x c(x_i, y_j)`.

        Args:
            x: (n, d) points.

        Returns:
            0-d mean of psi^{c,eps}(x), plus sum_j b_j psi_j, in the unit of the cost.
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
        """The transport map of psi: it sends each point to the atom of its cell.

        Args:
            x: (n, d) points.

        Returns:
            (n, d) atoms, ``y[cells(x)]``.
        """
        return self.y[self.cells(x)]

    def barycentric(self, x: Any) -> Tensor:
        """The barycentric map: the mean of the atoms under pi(x); :meth:`transport` for eps = 0.

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
        r"""Maximise H by averaged stochastic ascent, starting from the present psi.

        The ascent runs in rounds. Each draws twice as many points as the one before and ends at
        the average of its last iterates; where noise dominates, the next round has a larger batch.

        - ``step=None``: each coordinate moves by the running mean of its gradient divided by the
          root of its running mean square (Adam's rule), times a step size that is set from the
          costs of the first batch and decreases within and between rounds. The last quarter of a
          round is averaged. The iterates scale with the cost.
        - ``step=C``: the textbook ascent,
          :math:`\psi \leftarrow \psi + C k^{-1/2} (b - \text{masses of the batch})`, with C in the
          unit of the cost. The whole round is averaged. At a maximum where H is smooth and strongly
          curved, the average is within O(k^{-1/2}) of it, and its gap is O(1/k); in general the gap
          is O(k^{-1/2}).

        After a round that gained little, the gap is estimated on a fresh sample of M points, which
        psi has not seen. With H_M, the mean over this sample, in place of H, the expectation of
        max H_M - H_M(psi) exceeds max H - H(psi) by an optimism of about c / M.

        - ``certify="estimate"``, for eps = 0: the optimism is removed by products of gradients from
          independent parts of the sample, :math:`\tfrac12 g_1^T L^{-1} g_2` (which is Richardson
          extrapolation from the halves of a sample, written out). Here -L is the Hessian of H,
          estimated from the points near the borders of the cells. Near the maximum, ``gap`` is
          unbiased except that it is not allowed below 0; ``gap_error`` is its standard error, on
          the wide side. Far from the maximum, where H has kinks (as for far clusters), ``gap`` is
          too small, by up to a third in our measurements; then use ``certify="bound"``. Unless
          ``step`` is given, psi also takes the Newton step that the sample suggests, and its gap is
          estimated again on another sample.

          The gap of a round with fewer than 8 points for each atom is computed only if it is the
          last round, and then by the bound. The bound also replaces the estimate where the sample
          does not connect all cells, where a cell that should hold eight points holds none, or
          where half a step does not gain what a parabola would; ``gap_kind`` says so.
        - ``certify="bound"``, and always for eps > 0: the plan of psi on the sample, repaired so
          that it is feasible, has a cost that bounds max H_M from above. So ``gap`` is never too
          small, up to its ``gap_error``. It is too large by at least c / M, and needs many points
          for each atom before it is informative.

        The fit stops when gap + 2 gap_error <= tol * scale. The scale does not change if a function
        of x alone or of y alone is added to the cost: it is the smaller of the dual value of the
        centred problem (if the cost is squared) and of what a median atom costs a median point more
        than its best atom. It is estimated from few points: for a heavy-tailed distribution, or one
        that is concentrated near the atoms, it has differed between seeds by a factor of up to
        five.

        A second call continues where the first ended, with its step size. For another distribution,
        or to start with a large step again, make a new object with ``psi=sd.psi``.

        Where y is float64 and rounding is below 1 % of ``tol``, the steps compute in float32.

        Args:
            sample: ``sample(n, generator)`` draws n points (n, d) of mu with that generator.
            steps: largest number of steps; where None, the fit runs until ``tol`` is reached, 2^26
                points are drawn, or 2^34 costs are computed (but it draws at least 64 points for
                each atom).
            batch_size: number of points in each step of the first round.
            tol: gap at which to stop, relative to the scale above; 0 estimates the gap but never
                stops before ``steps``; None does not estimate it.
            step: constant C > 0 of the textbook ascent; None chooses the step size automatically.
            seed: seed of the generator that is passed to the sampler.
            certify: ``"estimate"`` or ``"bound"``: what ``gap`` is.
            progress: whether to show a bar.
            callback: called as ``callback(k, psi)`` after step k, with the average so far, or with
                the iterate where the round has no average yet. It must not write to psi.

        Returns:
            The object itself, with new ``psi``, ``gap``, ``converged`` and ``history``.

        Raises:
            TypeError: if the sampler, or what it returns, has the wrong type.
            ValueError: if the sampler returns a wrong shape, another device or a number that is not
                finite, an argument is out of range, or the points are so far from the atoms that
                psi needs more digits than the type of y has.
            RuntimeError: if psi is no longer finite. psi is then the best one of the fit so far,
                and has no gap.

        Warns:
            ConvergenceWarning: if ``steps`` is None and ``tol`` was not reached.
            RuntimeWarning: if H is lower at the end of the ascent than at its beginning; psi is
                then the best one seen, without a gap, and the message names the step.
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
