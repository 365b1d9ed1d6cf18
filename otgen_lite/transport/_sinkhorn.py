"""Sinkhorn's iteration with Anderson acceleration, on a batch of problems.

One sweep makes the rows of the plan exact and then the columns, for the kernel K = exp(-C / eps):

    u = a / (K v),  v = b / (K^T u)                                                   (sweep)

This is the iteration of :cite:t:`sinkhorn_knopp_1967`; see also :cite:t:`peyre_2019`. The rest is
the form used here. The kernel is 2^(phi0_i + gamma0_j - s C_ij), for base potentials phi0 and
gamma0 and between measures, so that r = K (b v) and t = K^T (a u) are what u and v are divided by:
u = 1 / r and v = 1 / t. The potentials are phi = phi0 - log2 r and gamma = gamma0 - log2 t; where
r or t leave a range, they become the new base                                        (rebase)

Every PERIOD-th sweep is followed by an Anderson step on gamma (:class:`Anderson`)    (extrapolate)

which is taken back where the next sweep finds a lower dual value than before         (accept)

The plain sweeps between such steps raise that value, so that the iteration converges from every
start. The error is read every few sweeps only: an accelerator is not waited for in between, and
problems that have converged leave the iteration then                                 (retire)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from otgen_lite.transport._anderson import Anderson
from otgen_lite.transport._blocks import Costs, Numbers, check_digits, marginals
from otgen_lite.transport._kernels import (
    LIMIT,
    REACH,
    Kernel,
    StoredKernel,
    StreamedKernel,
)

#: Iterates that an Anderson step looks back on, and sweeps from one such step to the next.
MEMORY, PERIOD = 8, 3

#: A kernel in float32 is iterated on down to this marginal error, then one in float64.
SINGLE_TOL = 1e-6

#: From this tolerance on the exponents of a kernel in float32 may be rounded, too.
ROUGH_TOL = 1e-4

#: Down to this error they are rounded where the kernel is computed anew in each sweep.
STREAMED_TOL = 3e-5

#: Sweeps without progress after which a kernel in float32 is given up.
PATIENCE = 15

#: How far rounding may seem to lower the dual value, relative to its size over eps.
SLACK = {torch.float32: 1e-6, torch.float64: 1e-12}

#: Factor from one eps to the next where it is annealed, and the error that each but the last gets.
ANNEALING, ANNEALING_TOL = 4.0, 1e-2

#: Sweeps between two looks at the error, at most, and how many of those that are predicted.
FARTHEST, SHARE = 21, 0.75


@dataclass(eq=False)
class State:
    """Where the iteration stands; potentials in units of eps log 2, all in float64.

    Attributes:
        phi: (B, n) first potential.
        gamma: (B, m) second potential.
        mass: (B,) total mass of the plan.
        sweeps: (B,) sweeps done, on the CPU like the errors.
        error: (B,) L1 distance of both marginals of the plan to the weights, added.
        size: (B,) largest potential.
        history: pairs (sweeps, errors of all problems).
    """

    phi: Tensor
    gamma: Tensor
    mass: Tensor
    sweeps: Numbers
    error: Numbers
    size: Numbers
    history: list[tuple[int, Numbers]]

    @classmethod
    def at(cls, phi: Tensor, gamma: Tensor) -> State:
        """These potentials, of which nothing is known."""
        B = len(gamma)
        unknown = np.full(B, np.inf)
        return cls(phi, gamma, phi.new_ones(B), np.zeros(B, np.int64), unknown, unknown.copy(), [])

    def note(self, sweeps: int, error: Numbers, index: Numbers) -> None:
        """Add the errors of the problems ``index`` to the history."""
        self.error = self.error.copy()
        self.error[index] = error
        self.history.append((sweeps, self.error))

    def centre(self, a: Tensor, b: Tensor) -> None:
        """Fix the potentials by sum a phi = sum b gamma, before their last digits are judged."""
        half = ((b * self.gamma).sum(dim=1) - (a * self.phi).sum(dim=1)) / 2.0
        self.phi, self.gamma = self.phi + half[:, None], self.gamma - half[:, None]

    def errors(self) -> Tensor:
        """(k, 1 + B) history."""
        table = np.array([[k, *error] for k, error in self.history], dtype=np.float64)
        return self.on_device(table)

    def on_device(self, values: Numbers) -> Tensor:
        """Numbers of the CPU as a tensor beside the potentials."""
        return torch.from_numpy(values).to(self.phi.device)

    @classmethod
    def concatenated(cls, pieces: list[State]) -> State:
        """The pieces of a batch, one after the other; an error that has ended stays as it was."""
        counts = sorted({k for piece in pieces for k, _ in piece.history})
        history = [(k, np.concatenate([p.error_after(k) for p in pieces])) for k in counts]
        history.append((counts[-1], np.concatenate([piece.error for piece in pieces])))
        return cls(
            torch.cat([piece.phi for piece in pieces]),
            torch.cat([piece.gamma for piece in pieces]),
            torch.cat([piece.mass for piece in pieces]),
            np.concatenate([piece.sweeps for piece in pieces]),
            history[-1][1],
            np.concatenate([piece.size for piece in pieces]),
            history,
        )

    def error_after(self, sweeps: int) -> Numbers:
        """The errors that were seen last after so many sweeps; the first ones before any."""
        seen = [error for k, error in self.history if k <= sweeps]
        return seen[-1] if seen else self.history[0][1]


def solve(
    costs: Costs,
    a: Tensor,
    b: Tensor,
    tol: float,
    max_iter: int,
    gamma: Tensor | None = None,
    *,
    annealing: float = 1.0,
    memory: int = MEMORY,
    check: Callable[..., tuple[Tensor, Tensor]] = marginals,
    uniform: bool = False,
) -> State:
    """Sweep until both marginals hold up to ``tol``, or ``max_iter`` times.

    Args:
        costs: B problems.
        a: (B, n) weights in float64, with sum 1.
        b: (B, m) weights, the same.
        tol: largest error, of both marginals together.
        max_iter: largest number of sweeps.
        gamma: (B, m) where to start; the hard transform of a hard transform where None.
        annealing: the first eps, in units of the one of ``costs``; 1 is no annealing.
        memory: iterates that an Anderson step looks back on; 0 is the plain iteration.
        check: what computes the marginals at the end, as :func:`marginals` does.
        uniform: whether it is known that no atom is without mass.
    """
    everything = np.arange(costs.shape[0])
    s = State.at(torch.zeros_like(a), torch.zeros_like(b) if gamma is None else gamma)
    masses = [None, None] if uniform else with_zeros(a, b)
    cold = gamma is None
    while annealing > 1.0:
        # f = phi eps: the potentials keep their values while their unit shrinks.
        s.gamma = s.gamma / annealing
        coarse = costs.at(1.0 / annealing)
        iteration = Iteration(s, everything, coarse, a, b, torch.float32, ANNEALING_TOL, memory)
        iteration.start(cold, *masses)
        iteration.run(max_iter // 2)
        s.gamma = s.gamma * annealing
        annealing /= ANNEALING
        cold = False
    dtype, aim = torch.float32, first_aim(costs, tol)
    iteration = Iteration(s, everything, costs, a, b, dtype, aim, memory)
    iteration.start(cold, *masses)
    todo = everything
    while True:
        iteration.run(max_iter)
        s.centre(a, b)
        some = None if len(todo) == len(everything) else s.on_device(todo)
        part = costs if some is None else costs.only(some)
        phi, gamma, a_, b_ = (taken(t, some) for t in (s.phi, s.gamma, a, b))
        rows, columns = check(part, phi, gamma, a_, b_)
        off = (rows - a_).abs().sum(dim=1) + (columns - b_).abs().sum(dim=1)
        size = torch.maximum(phi.abs().amax(dim=1), gamma.abs().amax(dim=1))
        off, s.size[todo] = torch.stack([off, size]).cpu().numpy()
        s.mass = placed(s.mass, some, rows.sum(dim=1))
        s.note(int(s.sweeps.max()), off, todo)
        late = ~(off <= tol) & (s.sweeps[todo] < max_iter) & np.isfinite(off)
        if not late.any():
            return s
        aim = tol if dtype == torch.float32 else aim / 2
        dtype = torch.float64
        if not late.all():
            here = s.on_device(late.nonzero()[0])
            part, a_, b_ = part.only(here), a_[here], b_[here]
        todo = todo[late]
        iteration = Iteration(s, todo, part, a_, b_, dtype, aim, memory)
        iteration.resume()


def with_zeros(*weights: Tensor) -> list[Tensor | None]:
    """The weights where an atom is without mass, and None where none is."""
    empty = torch.stack([(w == 0).any() for w in weights]).tolist()
    return [w if zeros else None for w, zeros in zip(weights, empty, strict=True)]


def taken(values: Tensor, index: Tensor | None) -> Tensor:
    """The rows ``index``, or all."""
    return values if index is None else values[index]


def placed(values: Tensor, index: Tensor | None, new: Tensor) -> Tensor:
    """The values with new rows at ``index``, or everywhere."""
    return new if index is None else values.index_copy(0, index, new)


def first_aim(costs: Costs, tol: float) -> float:
    """The error that is aimed at in float32.

    Exponents in float64 are most of the work of a kernel that is computed anew in each sweep: so
    it is rough, and left when that is felt.
    """
    return max(tol, STREAMED_TOL if costs.streamed else SINGLE_TOL)


def kernel_of(costs: Costs, a: Tensor, dtype: torch.dtype, tol: float = 0.0) -> Kernel:
    """A kernel of these costs, stored where they allow it, rough where ``tol`` does."""
    kind = StreamedKernel if costs.streamed else StoredKernel
    rough = STREAMED_TOL if costs.streamed else ROUGH_TOL
    return kind(costs, dtype, a, dtype == torch.float32 and tol >= rough)


class Looks:
    """The sweeps after which the error is read.

    It decays geometrically in the long run, so that two errors predict the sweeps that are left,
    and two bases those to the next one. Of these, a share goes by to the next look, but never more
    than all sweeps so far: then those in vain are few, whatever the prediction.
    """

    def __init__(self, first: int, tol: float, mixed: bool) -> None:
        self.first, self.at, self.tol, self.mixed = first, first + 1, tol, mixed
        self.seen: tuple[int, Numbers] | None = None

    def after(self, k: int, error: Numbers, height: float, limit: float) -> None:
        """Choose the next one after a look; bases are left at the height ``limit``."""
        wait = float(min(k - self.first, FARTHEST))
        if self.seen is not None:
            then, before = self.seen
            error = np.where(np.isfinite(error), error, before)  # of a step that was taken back
            pairs = zip(before.tolist(), error.tolist(), strict=True)
            left = sorted(self._left(k - then, old, new) for old, new in pairs)
            # A batch is left by a quarter of its problems at a time.
            wait = min(wait, SHARE * left[len(left) // 4])
            if height > limit:
                wait = min(wait, (k - then) / 2)
        self.seen = k, error
        self.at = k + max(1, int(wait))
        if self.mixed and self.at > 2:
            # An Anderson step gains more than the sweeps between two of them.
            self.at += (1 - self.at) % PERIOD

    def _left(self, sweeps: int, before: float, error: float) -> float:
        """Sweeps to the tolerance, if the error goes on decaying as it did during so many."""
        if not self.tol < error < before < math.inf:
            return 0.0 if error <= self.tol else math.inf
        return sweeps * math.log(error / self.tol) / math.log(before / error)

    def keep(self, index: Numbers) -> None:
        """Forget the other problems."""
        if self.seen is not None:
            self.seen = self.seen[0], self.seen[1][index]


class Iteration:
    """The problems ``index`` of ``s``, swept with one kernel until each is done.

    Attributes:
        y: (B, m) weights times the factor v of the next sweep, in the kernel's type.
        gamma: (B, m) logarithm of that factor and the base.
        both: (B, n + m) potentials after the last sweep.
        image: (B, m) the second of them.
        plain: (B, m) what ``y`` is without an Anderson step.
        rise: (B, n + m) logarithms of the last sweep's r and t.
    """

    y: Tensor
    gamma: Tensor
    base: Tensor
    both: Tensor
    image: Tensor
    residual: Tensor
    plain: Tensor
    rise: Tensor
    swept: Tensor
    factors: tuple[Tensor, Tensor]

    def __init__(
        self,
        s: State,
        index: Numbers,
        costs: Costs,
        a: Tensor,
        b: Tensor,
        dtype: torch.dtype,
        tol: float,
        memory: int,
    ) -> None:
        self.s, self.index, self.tol = s, index, tol
        self.kernel = kernel_of(costs, a, dtype, tol)
        self.dtype, self.limit, self.reach = dtype, LIMIT[dtype], REACH[dtype]
        self.n = a.shape[1]
        self.b, self.weights, self.kernel_b = b, torch.cat([a, b], dim=1)[:, None, :], b.to(dtype)
        self.mixer = Anderson(b, memory) if memory else None
        #: Before an Anderson step: lowest dual value to be accepted, ``both``, ``plain``, residual.
        self.fallback: tuple[Tensor, Tensor, Tensor, Tensor] | None = None
        #: The problems whose last sweep was taken back.
        self.undone: Tensor | None = None
        self.done = np.zeros(len(index), dtype=bool)
        self.begun = s.sweeps[index]
        self.first = int(self.begun.max())
        self.looks = Looks(self.first, tol, memory > 0)
        self.lowest, self.progress = math.inf, self.first

    def start(self, cold: bool, a: Tensor | None, b: Tensor | None) -> None:
        """Start from the second potential of ``s``, or from anywhere; all problems.

        Weights are given where an atom is without mass.
        """
        gamma = self.s.gamma
        self.kernel.start(None if cold else gamma, a, b)
        if cold:
            gamma = self.kernel.gamma
        elif b is not None:
            gamma = torch.where(b == 0, self.kernel.gamma, gamma)
        self.base = torch.cat([self.kernel.phi, self.kernel.gamma], dim=1)
        self.go_from(gamma)

    def resume(self) -> None:
        """Start from both potentials of ``s``."""
        index = self.s.on_device(self.index)
        phi, gamma = self.s.phi[index], self.s.gamma[index]
        self.kernel.build(phi, gamma)
        self.base = torch.cat([phi, gamma], dim=1)
        self.go_from(gamma)

    def run(self, max_iter: int) -> None:
        """Sweep until each problem is within ``tol``, or ``max_iter`` sweeps are done."""
        k = self.first
        while k < max_iter:
            k += 1
            self.sweep()
            if self.fallback is not None:
                self.accept(*self.fallback)
            if self.mixer is not None:
                self.mixer.add(self.image, self.residual)
            if (k == self.looks.at or k == max_iter) and self.look(k, k == max_iter):
                return
            if self.mixer is not None and k % PERIOD == 0:
                self.extrapolate(self.mixer)
            else:
                self.gamma, self.y = self.image, self.plain

    def sweep(self) -> None:
        """(sweep) of the module's text, and the logarithms of what it finds."""
        r, t = self.factors = self.kernel.sweep(self.y)
        self.rise = torch.cat([r, t], dim=1).double().log2_()
        self.both = self.base - self.rise
        self.image = self.both[:, self.n :]
        self.residual = self.image - self.gamma
        self.swept, self.plain, self.undone = self.y, self.kernel_b / t, None

    def accept(self, least: Tensor, both: Tensor, plain: Tensor, residual: Tensor) -> None:
        """(accept) the Anderson step before this sweep, or go back to where it began."""
        assert self.mixer is not None
        self.undone = ~(self.dual() >= least)  # true for NaN
        mask = self.undone[:, None]
        self.both = torch.where(mask, both, self.both)
        self.image = self.both[:, self.n :]
        self.plain = torch.where(mask, plain, self.plain)
        self.residual = torch.where(mask, residual, self.residual)
        self.mixer.forget(self.undone)
        self.fallback = None

    def extrapolate(self, mixer: Anderson) -> None:
        """(extrapolate) from the last sweeps."""
        dual = self.dual()
        least = torch.sub(dual, dual.abs().add_(1.0), alpha=SLACK[self.dtype])
        self.fallback = least, self.both, self.plain, self.residual
        self.go_from(mixer.step())

    def dual(self) -> Tensor:
        """(B,) dual value of the last potentials over eps log 2; their plan has mass 1."""
        return torch.bmm(self.weights, self.both[:, :, None])[:, 0, 0]

    def go_from(self, gamma: Tensor) -> None:
        """Let the next sweep start from here."""
        origin = self.kernel.gamma
        exponents = (gamma - origin).clamp_(-self.reach, self.reach)
        self.gamma = origin + exponents
        self.y = (self.b * exponents.exp2_()).to(self.dtype)

    def look(self, k: int, last: bool) -> bool:
        """Read the errors; (retire) and (rebase) on what they say. Whether all is done."""
        error, height, size = self.read()
        if self.looks.seen is None:
            check_digits(size)
        self.s.note(k, np.where(self.done, self.s.error[self.index], error), self.index)
        worst = float(error.max())
        if worst < 0.9 * self.lowest or worst > 1e-5:
            self.progress = k
        self.lowest = min(self.lowest, worst)
        stalled = self.dtype == torch.float32 and k - self.progress > PATIENCE
        # Factors that were cut off prove nothing.
        within = (error <= self.tol) & (height < self.reach)
        last = last or worst != worst or stalled
        self.end(k, ~self.done if last else within & ~self.done)
        rest = (~self.done).nonzero()[0]
        if not len(rest):
            return True
        self.looks.after(k, error, float(height.max()), self.limit)
        if 4 * len(rest) <= 3 * len(self.index):
            self.retire(rest)
            height = height[rest]
        if height.max() > self.limit:
            self.rebase(height > self.limit)
        return False

    def read(self) -> list[Numbers]:
        """Errors, by which power of two a factor leaves the base, and the largest potential."""
        y, t = self.swept.double(), self.factors[1].double()
        error = torch.linalg.vector_norm((y * t).sub_(self.b), ord=1, dim=1)
        if self.undone is not None:
            error = error.masked_fill(self.undone, torch.inf)
        height = torch.linalg.vector_norm(self.rise, ord=torch.inf, dim=1)
        size = torch.linalg.vector_norm(self.both, ord=torch.inf, dim=1)
        return list(torch.stack([error, height, size]).cpu().numpy())

    def end(self, k: int, new: Numbers) -> None:
        """Write down the potentials of problems that are done."""
        if not new.any():
            return
        here = new.nonzero()[0]
        ends = self.index[here]
        self.done = self.done | new
        self.s.sweeps[ends] = k - self.first + self.begun[here]
        phi, gamma = self.both[:, : self.n], self.image
        if len(here) == len(self.s.sweeps):
            self.s.phi, self.s.gamma = phi, gamma
            return
        at, to = self.s.on_device(here), self.s.on_device(ends)
        self.s.phi = self.s.phi.index_copy(0, to, phi[at])
        self.s.gamma = self.s.gamma.index_copy(0, to, gamma[at])

    def retire(self, rest: Numbers) -> None:
        """(retire) all but these problems."""
        self.index, self.done, self.begun = self.index[rest], self.done[rest], self.begun[rest]
        self.looks.keep(rest)
        index = self.s.on_device(rest)
        for name in ("b", "kernel_b", "weights", "both", "plain", "residual", "base"):
            setattr(self, name, getattr(self, name)[index])
        self.image = self.both[:, self.n :]
        self.kernel.keep(index)
        if self.mixer is not None:
            self.mixer.keep(index)

    def rebase(self, high: Numbers) -> None:
        """(rebase) these problems."""
        self.kernel.rebuild(high, self.both[:, : self.n], self.image)
        self.base = torch.cat([self.kernel.phi, self.kernel.gamma], dim=1)
        self.plain = (self.b * torch.exp2(self.image - self.kernel.gamma)).to(self.dtype)
