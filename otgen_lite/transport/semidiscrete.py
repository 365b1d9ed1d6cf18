"""Semi-discrete transport: from a law that one can draw from to finitely many atoms."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from otgen_lite import _checks
from otgen_lite.costs import NAMES, Cost, cost_matrix, middle, paired_cost
from otgen_lite.transport._ascent import Ascent, Round, Sampler, Source
from otgen_lite.transport._gap import Gap, gap_of
from otgen_lite.transport._semidual import BLOCK, SemiDual, argmax
from otgen_lite.transport.entropic import ConvergenceWarning

#: Entries of the cost matrix that `fit` looks at, at most, where no number of steps is given.
_MOST_ENTRIES = 1 << 34

#: Entries of psi from here on have diverged.
_LARGEST = 1e150

#: Points of a sample that its standard deviation is taken from.
_FEW = 1 << 12

#: Costs of which the smallest is above this share of the largest have lost digits to what they have
#: in common.
_CANCELS = 0.9

#: Points that `fit` draws, at most, where no number of steps is given.
_MOST_DRAWN = 1 << 26

#: Points for each atom in the first held-out sample, which has 2^14 at least; each later one has
#: twice as many.
_HELD = 32

#: Numbers that a held-out sample may have.
_MOST_HELD = 1 << 24


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
        gap: the last estimate of max H - H(psi), in the unit of the cost (NaN before a fit).
        gap_error: its standard error.
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

        After a round that gained less than ``tol``, the gap is estimated on a fresh sample that psi
        has not seen: max H_M - H_M(psi) of such a sample is in the mean at least max H - H(psi),
        and the cost of any feasible plan of the sample bounds max H_M. The plan used is psi's own,
        repaired. So ``gap`` is, up to its ``gap_error``, never too small; it is too large by about
        (number of atoms) / (size of the sample) of the cost's spread between neighbouring atoms,
        hence many points an atom are needed before it says anything. The fit stops where
        gap + 2 gap_error <= tol * scale, with
        a scale that no function of x or of y alone in the cost has a say in: the smaller of the
        dual value around the means (where the cost is squared) and of what the middle atom costs a
        middle point beyond its best one.

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
            RuntimeError: if psi stopped being finite. psi is then the best of the fit so far.

        Warns:
            ConvergenceWarning: if ``steps`` is None and ``tol`` was not reached.
            RuntimeWarning: if the ascent ended below where it began; psi is then the best one
                seen, and the message names the step.
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
        generator = torch.Generator(device=self.y.device)
        generator.manual_seed(_checks.seed("seed", seed))
        with torch.no_grad():
            fit = _Fit(self, Source(sample, self.y, generator), batch_size, tol, step)
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
        """c(x_i, y_j) - psi_j; in float64, and up to a number for each x, where costs cancel."""
        C = cost_matrix(x, self.y, self.cost)
        if not _cancels(C):
            return C - self.psi
        x, y, psi = x.double(), self.y.double(), self.psi.double()
        if self.cost != "sqeuclidean":
            return cost_matrix(x, y, self.cost) - psi
        own = middle(y)
        return (y - own).square().sum(dim=1) - psi - 2.0 * (x - own) @ (y - own).T

    def _log_weights(self, x: Tensor) -> Tensor:
        return self.b.log() - self._slack(x) / self.eps

    def _soft(self, x: Tensor) -> Tensor:
        return torch.softmax(self._log_weights(x), dim=1).to(self.y.dtype)

    def _soft_sum(self, x: Tensor) -> Tensor:
        C = cost_matrix(x, self.y, self.cost)
        if _cancels(C):
            C = cost_matrix(x.double(), self.y.double(), self.cost)
        weights = self.b.log() - (C - self.psi) / self.eps
        return (-self.eps * torch.logsumexp(weights, dim=1).sum()).to(self.y.dtype)


class _Fit:
    """One fit: rounds of ascent, an estimate after each, and the record of them."""

    def __init__(
        self, sd: SemiDiscrete, source: Source, batch: int, tol: float | None, step: float | None
    ) -> None:
        self.sd, self.source, self.tol, self.step = sd, source, tol, step
        self.merged = Merged(sd.y, sd._b)
        first = source.draw(max(256, batch))
        around = middle(first) if sd.cost == "sqeuclidean" else None
        of = (self.merged.y, self.merged.b, sd.cost, sd.eps, sd._block)
        self.dual = SemiDual(*of, torch.float64, around)
        x = self.dual.centred(first)
        start = self._start(x)
        self.scale = self.dual.scale(start, x)
        wanted = self.scale * (1e-3 if tol is None else tol)
        self._refuse_too_few_digits(x, start, wanted)
        if self.dual.may_be_short(x, wanted, sd.y.dtype == torch.float32):
            self.dual = SemiDual(*of, torch.float32, around)
            x = x.float()
        # How far psi has risen, by gains that are each measured on one sample.
        self.risen, self.best = 0.0, (0.0, start)
        self.ascent = Ascent(self.dual, source, start, x, batch, step, sd._length)
        self.before = sd.history["step"][-1] if sd.history["step"] else 0.0
        self.drawn = self.looks = 0
        self.previous = start

    def _start(self, x: Tensor) -> Tensor:
        """Where to begin: at the object's psi, or for its zero at what centring finds better."""
        psi = self.dual.inner(self.merged.of(self.sd.psi.double()))
        psi = psi - self.dual.b @ psi
        self.given = psi, self.sd.psi
        if self.step is not None or bool(self.sd.psi.any()):
            return psi
        flat = torch.zeros_like(psi)
        if not self.dual.squared:
            # The mean cost to an atom: a function of y alone, which the cost may hold any of.
            total = [s.double().sum(dim=0) for _, s in self.dual.blocks(flat, x)]
            flat = -torch.stack(total).sum(dim=0) / len(x)
        return max((psi, flat - self.dual.b @ flat), key=lambda p: self.dual.value(p, x))

    def _refuse_too_few_digits(self, x: Tensor, start: Tensor, wanted: float) -> None:
        """What the cost holds of functions of one point makes psi and costs large, and coarse."""
        y = self.sd.y
        size = 0.0 if bool(self.sd.psi.any()) else float(self.dual.outer(start).abs().max())
        coarse = size * torch.finfo(y.dtype).eps
        if not self.dual.squared:
            C = cost_matrix(x[:64], self.dual.y, self.sd.cost)
            coarse = max(coarse, float(C.abs().max()) * torch.finfo(C.dtype).eps)
        if coarse > wanted > 0.0:
            raise ValueError(
                f"y must be so near to the law, or of a type with so many digits, that {y.dtype} "
                f"holds costs and psi to {wanted:.3g} (tol times the transport's scale), got "
                f"numbers rounded to {coarse:.3g}; shift the law to the atoms, or use float64"
            )

    def _psi(self, psi: Tensor) -> Tensor:
        """The object's potential for one of the fit; to the last digit where it was given."""
        if psi is self.given[0]:
            return self.given[1]
        return self.sd._centred(self.merged.spread(self.dual.outer(psi)))

    def run(
        self,
        steps: int | None,
        progress: bool,
        callback: Callable[[int, Tensor], None] | None,
    ) -> None:
        bar = self._bar(steps, progress)

        def seen(k: int, psi: Tensor) -> None:
            if bar is not None:
                bar.update()
            if callback is not None:
                callback(k, self._psi(psi))

        sd = self.sd
        most = max(min(_MOST_ENTRIES // self.dual.n, _MOST_DRAWN), 64 * self.dual.n)
        sd.converged = False
        try:
            for end in self.ascent.rounds(steps, seen):
                last = end.steps == steps or (steps is None and 3 * self.source.drawn > most)
                gap = self._look(end, last)
                if bar is not None:
                    bar.set_postfix(dual=f"{gap.dual:.6g}", gap=f"{gap.value:.2g}")
                if self.tol is not None:
                    sd.converged = gap.value + 2 * gap.error <= self.tol * self.scale
                if last or (sd.converged and self.tol):
                    break
        except FloatingPointError:
            sd.psi = self._psi(self.best[1])
            raise RuntimeError(
                "the ascent diverged: psi (or its square) is no longer finite after "
                f"{self.ascent.steps} steps with {self._step_text()}; psi is the best one seen"
            ) from None
        finally:
            if bar is not None:
                bar.close()
        sd._length = self.ascent.length
        self._finish(end)
        if steps is None and not sd.converged:
            unit = self.scale or math.inf
            warnings.warn(
                f"the semi-dual gap after {end.steps} steps is {gap.value / unit:.3g} +- "
                f"{gap.error / unit:.1g} of the transport's scale {self.scale:.3g}, above tol = "
                f"{self.tol or 0.0:.1g}; raise tol, or give steps to go on",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _look(self, end: Round, last: bool) -> Gap:
        """Estimate the dual, and where it is asked for the gap, on points that psi has not seen."""
        # NaN fails too. Beyond this, the squares in the estimate of the gap are not finite.
        if not bool((end.psi.abs() < _LARGEST).all()):
            raise FloatingPointError
        psi = end.psi - self.dual.b @ end.psi
        drawn = min(end.of_round * end.batch, _MOST_HELD // (self.sd.y.shape[1] + 8))
        x = self.dual.centred(self.source.draw(max(64, drawn // 16)))
        value = self.dual.transform(psi, x)
        gain = float((value - self.dual.transform(self.previous, x)).mean())
        self.previous = psi
        self.scale = self.dual.scale(psi, x)
        gap = Gap(math.nan, math.nan, float(value.mean()), math.nan)
        # While a round gains more than tol, the rest of the gap is not likely to be below it.
        near = bool(self.tol) and gain <= (self.tol or 0.0) * self.scale
        held = min(drawn, max(1 << 14, _HELD * self.dual.n) << self.looks)
        if self.tol is not None and (last or (near and held >= 8 * self.dual.n)):
            self.looks += 1
            x = self.dual.centred(self.source.draw(max(64, held)))
            gap = gap_of(self.dual, psi, x, self.tol * self.scale / 2)
        if not math.isfinite(gap.dual):
            raise FloatingPointError
        added = self.dual.added(x)
        whole = self.dual.transform(psi, x[:_FEW]) + added[:_FEW]
        error = float(whole.std()) / math.sqrt(len(x))
        gap = replace(gap, dual=gap.dual + float(added.mean()), dual_error=error)
        self._record(end, gap)
        self.sd.psi = self._psi(psi)
        self.sd.gap, self.sd.gap_error = gap.value, gap.error
        self.risen += gain
        if self.risen > self.best[0]:
            self.best = (self.risen, psi)
        return gap

    def _record(self, end: Round, gap: Gap) -> None:
        self.sd.n_samples += self.source.drawn - self.drawn
        self.drawn = self.source.drawn
        row = (
            self.before + end.steps, self.sd.n_samples, end.batch, end.step_size,
            gap.dual, gap.dual_error, gap.value, gap.error,
        )  # fmt: skip
        for entries, entry in zip(self.sd.history.values(), row, strict=True):
            entries.append(float(entry))

    def _finish(self, end: Round) -> None:
        """Keep the best psi where the ascent ended clearly below it, on the same fresh points."""
        psi = self.best[1]
        if psi is self.previous:
            return
        x = self.dual.centred(self.source.draw(min(end.of_round * end.batch, 1 << 14)))
        now, then = (self.dual.transform(p, x) + self.dual.b @ p for p in (self.previous, psi))
        self.sd.n_samples += x.shape[0]
        lost = then - now
        if not float(lost.mean()) > 4 * float(lost.std()) / math.sqrt(lost.numel()):
            return
        self.sd.psi = self._psi(psi)
        self.sd.converged = False
        self.sd.gap = self.sd.gap_error = math.nan
        what = "the ascent diverged" if self.step else "the ascent was too short to gain"
        warnings.warn(
            f"{what}: after {end.steps} steps with {self._step_text()}, H is lower than it was by "
            f"about {float(lost.mean()):.3g}; psi is the best one seen",
            RuntimeWarning,
            stacklevel=4,
        )

    def _step_text(self) -> str:
        return "a step set by itself" if self.step is None else f"step={self.step:g}, too large"

    def _bar(self, steps: int | None, progress: bool) -> Any:
        if not progress:
            return None
        # The plain bar: the widget of tqdm.auto is dead on a page without a kernel, and makes the
        # page load scripts from other hosts.
        from tqdm import tqdm

        return tqdm(total=steps, unit="step", desc="ascent")


def _cancels(C: Tensor) -> bool:
    """Whether what all costs have in common takes a digit from their differences."""
    low, high = C.detach().aminmax()
    return float(low) > _CANCELS * float(high)


class Merged:
    """Atoms without those that another one repeats: each place once, with all of its mass.

    Equal atoms with equal psi have the dual value of one atom, and no other psi has a larger one.
    """

    def __init__(self, y: Tensor, b: Tensor) -> None:
        self.y, self.b = y, b
        self.index: Tensor | None = None
        mixed = (y.double() * torch.arange(1, y.shape[1] + 1).to(y.device).double().sqrt()).sum(1)
        in_order = mixed.sort().values
        if not bool((in_order[1:] == in_order[:-1]).any()):
            return
        places, index = torch.unique(y, dim=0, return_inverse=True)
        if len(places) < len(y):
            self.y, self.index = places, index
            self.b = b.new_zeros(len(places)).index_add(0, index, b)

    def of(self, psi: Tensor) -> Tensor:
        """One psi for each place: the largest, which is the one that counts."""
        if self.index is None:
            return psi
        low = psi.new_full((len(self.y),), -math.inf)
        return low.scatter_reduce(0, self.index, psi, "amax")

    def spread(self, psi: Tensor) -> Tensor:
        """The psi of each atom."""
        return psi if self.index is None else psi[self.index]
