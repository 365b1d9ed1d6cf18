"""One fit of a semi-discrete problem: rounds of ascent, a look after each, and their record."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from otgen_lite.costs import cost_matrix, middle
from otgen_lite.transport._ascent import Ascent, Round, Source
from otgen_lite.transport._gap import Gap, gap_of
from otgen_lite.transport._gap_estimate import estimate
from otgen_lite.transport._merged import Merged
from otgen_lite.transport._semidual import SampledDual
from otgen_lite.transport.entropic import ConvergenceWarning

if TYPE_CHECKING:
    from otgen_lite.transport.semidiscrete import SemiDiscrete

#: Entries of the cost matrix that `fit` looks at, at most, where no number of steps is given.
_MOST_ENTRIES = 1 << 34

#: Entries of psi from here on have diverged.
_LARGEST = 1e150

#: Points of a sample that its standard deviation is taken from.
_FEW = 1 << 12

#: Points that `fit` draws, at most, where no number of steps is given.
_MOST_DRAWN = 1 << 26

#: Points in the first held-out sample, and for each atom in it, at least.
_FIRST_HELD, _HELD = 1 << 14, 24

#: The same for a bound, of which each later sample has twice as many.
_HELD_FOR_BOUND = 32

#: Looks after one round, at most.
_LOOKS = 3

#: A look that finds a step as well begins where a round gains this many times tol.
_EARLY = 4.0

#: Held-out points for each atom without which an estimate of the gap says nothing.
_FEWEST = 8

#: Numbers that a held-out sample may have.
_MOST_HELD = 1 << 24


class Fit:
    """One fit: rounds of ascent, an estimate after each, and the record of them."""

    def __init__(
        self,
        sd: SemiDiscrete,
        source: Source,
        batch: int,
        tol: float | None,
        step: float | None,
        certify: str,
    ) -> None:
        self.sd, self.source, self.tol, self.step = sd, source, tol, step
        # The estimate is one of a hard potential, between two atoms at least.
        estimated = certify == "estimate" and sd.eps == 0.0
        self.merged = Merged(sd.y, sd._b)
        first = source.draw(max(256, batch))
        around = middle(first) if sd.cost == "sqeuclidean" else None
        of = (self.merged.y, self.merged.b, sd.cost, sd.eps, sd._block)
        self.dual = SampledDual(*of, torch.float64, around)
        x = self.dual.centred(first)
        start = self._start(x)
        self.scale = self.dual.scale(start, x, self.dual.value(start, x))
        wanted = self.scale * (1e-3 if tol is None else tol)
        self._refuse_too_few_digits(x, start, wanted)
        if self.dual.may_be_short(x, wanted, sd.y.dtype == torch.float32):
            self.dual = SampledDual(*of, torch.float32, around)
            x = x.float()
        # How far psi has risen, by gains that are each measured on one sample.
        self.risen, self.best = 0.0, (0.0, start)
        self.ascent = Ascent(self.dual, source, start, x, batch, step, sd._length)
        self.before = sd.history["step"][-1] if sd.history["step"] else 0.0
        self.estimated = estimated and self.dual.n > 1
        self.held = max(_FIRST_HELD, (_HELD if self.estimated else _HELD_FOR_BOUND) * self.dual.n)
        self.drawn = 0
        self.previous = start

    def _start(self, x: Tensor) -> Tensor:
        """The potential to begin with: the object's, or for its zero what centring finds better."""
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
        """An error where functions of one point in the cost make psi or costs large, so coarse."""
        y = self.sd.y
        size = 0.0 if bool(self.sd.psi.any()) else float(self.dual.outer(start).abs().max())
        coarse = size * torch.finfo(y.dtype).eps
        if not self.dual.squared:
            C = cost_matrix(x[:64], self.dual.y, self.sd.cost)
            coarse = max(coarse, float(C.abs().max()) * torch.finfo(C.dtype).eps)
        if coarse > wanted > 0.0:
            raise ValueError(
                f"y must be near enough to the samples for {y.dtype} to hold costs and psi to "
                f"{wanted:.3g} (tol times the transport's scale), got numbers rounded to "
                f"{coarse:.3g}; shift the samples towards the atoms, or use float64"
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
            self._unjudged()
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
        """The dual, and where it is asked for the gap, on points that psi has not seen."""
        # NaN fails too. Beyond this, the squares in the estimate of the gap are not finite.
        if not bool((end.psi.abs() < _LARGEST).all()):
            raise FloatingPointError
        psi = end.psi - self.dual.b @ end.psi
        drawn = min(end.of_round * end.batch, _MOST_HELD // (self.sd.y.shape[1] + 8))
        x = self.dual.centred(self.source.draw(max(64, drawn // 16)))
        value = self.dual.transform(psi, x)
        gain = float((value - self.dual.transform(self.previous, x)).mean())
        gap = Gap(math.nan, math.nan, float(value.mean()), math.nan)
        self._unjudged()
        if self.tol is not None:
            self.scale = self.dual.scale(psi, x, float(value.mean() + self.dual.b @ psi))
            if last or self._is_near(gain, drawn):
                psi, gap, x = self._judged(psi, drawn, last)
                value = self.dual.transform(psi, x[:_FEW])
        if not math.isfinite(gap.dual):
            raise FloatingPointError
        added = self.dual.added(x)
        error = float((value[:_FEW] + added[:_FEW]).std()) / math.sqrt(len(x))
        gap = replace(gap, dual=gap.dual + float(added.mean()), dual_error=error)
        self._record(end, gap)
        self.previous = psi
        self.sd.psi = self._psi(psi)
        self.sd.gap, self.sd.gap_error = gap.value, gap.error
        self.risen += gain
        if self.risen > self.best[0]:
            self.best = (self.risen, psi)
        return gap

    def _unjudged(self) -> None:
        """No gap of the object's psi: an earlier one was that of another psi."""
        self.sd.gap = self.sd.gap_error = math.nan
        self.sd.gap_kind = ""

    def _is_near(self, gain: float, drawn: int) -> bool:
        """Whether a look may be worth it.

        While a round gains more than tol, the rest of the gap is not likely to be below it. A look
        that also finds a step to take is worth it earlier.
        """
        much = _EARLY if self._may_step else 1.0
        few = min(drawn, self.held) < _FEWEST * self.dual.n
        return bool(self.tol) and not few and abs(gain) <= much * (self.tol or 0.0) * self.scale

    @property
    def _may_step(self) -> bool:
        """Whether psi may take the step that the estimate of its gap finds."""
        return self.estimated and self.step is None

    def _judged(self, psi: Tensor, most: int, last: bool) -> tuple[Tensor, Gap, Tensor]:
        """The gap of psi on at most so many fresh points, and these.

        Where it is too large, psi takes the step that the sample suggests. Where this step is
        expected to leave half of the gap or little enough, psi is judged again at once, on another
        sample; else the ascent goes on from there.
        """
        wanted = (self.tol or 0.0) * self.scale
        for k in range(_LOOKS):
            size = max(64, min(most, self.held))
            x = self.dual.centred(self.source.draw(size))
            few = size < _FEWEST * self.dual.n
            found = estimate(self.dual, psi, x) if self.estimated and not few else None
            if found is None or not found.sound:
                # The network needs more points, and so does a bound.
                self.held *= 2
                self.sd.gap_kind = "bound"
                return psi, gap_of(self.dual, psi, x, wanted / 2), x
            self.sd.gap_kind = "estimate"
            gap = Gap(max(found.value, 0.0), found.error, found.dual, found.dual_error)
            if last or not self._may_step or gap.value + 2 * gap.error <= wanted:
                return psi, gap, x
            # As many points as make two errors half of what is wanted.
            times = 4 * found.error_ahead / wanted if wanted else 4.0
            self.held = round(self.held * min(max(times, 1.0), 4.0))
            passes = found.left + 2 * found.error_ahead <= wanted
            if k + 1 == _LOOKS or not (passes or found.left <= found.value / 2):
                self.ascent.psi = found.ahead.clone()
                break
            psi = found.ahead
        return psi, gap, x

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
        self._unjudged()
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
