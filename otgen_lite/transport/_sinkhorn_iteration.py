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
problems that have converged leave once they are a quarter of those under way         (retire)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from otgen_lite.transport._anderson import Anderson
from otgen_lite.transport._blocks import Costs, Numbers, check_digits
from otgen_lite.transport._kernels import LIMIT, REACH, Kernel, StoredKernel, StreamedKernel
from otgen_lite.transport._sinkhorn_checks import PERIOD, ErrorChecks
from otgen_lite.transport._sinkhorn_state import State

#: Iterates that an Anderson step looks back on.
MEMORY = 8

#: A stored kernel in float32 is iterated on down to this marginal error, then one in float64.
SINGLE_TOL = 1e-6

#: From this tolerance on the exponents of a kernel in float32 may be rounded, too.
ROUGH_TOL = 1e-4

#: The same for a kernel that is computed anew in each sweep.
STREAMED_TOL = 3e-5

#: Marginal error in float32 below which rounding is felt.
ROUNDING = 1e-5

#: Fall of the dual value that may be rounding, relative to its size over eps.
SLACK = {torch.float32: 1e-6, torch.float64: 1e-12}


class Iteration:
    """The problems ``index`` of ``s``, swept with one kernel until each is done.

    Attributes:
        y: (B, m) weights times the factor v of the next sweep, in the kernel's type.
        gamma: (B, m) logarithm of that factor and the base.
        both: (B, n + m) potentials after the last sweep.
        image: (B, m) the second of them.
        plain: (B, m) what ``y`` is without an Anderson step.
        rise: (B, n + m) logarithms of the last sweep's r and t, which are ``factors``.
        base: (B, n + m) potentials phi0 and gamma0 of the kernel.
        residual: (B, m) change of the second potential by the last sweep.
        last_y: (B, m) the ``y`` that the last sweep began with.
    """

    y: Tensor
    gamma: Tensor
    base: Tensor
    both: Tensor
    image: Tensor
    residual: Tensor
    plain: Tensor
    rise: Tensor
    last_y: Tensor
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
        self.checks = ErrorChecks(self.first, tol, memory > 0, ROUNDING)

    def start(self, cold: bool, a: Tensor | None, b: Tensor | None) -> None:
        """Start all problems, from the second potential of ``s`` or, if ``cold``, hard transforms.

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
            if (k == self.checks.next or k == max_iter) and self.check(k, k == max_iter):
                return
            if self.mixer is not None and k % PERIOD == 0:
                self.extrapolate(self.mixer)
            else:
                self.gamma, self.y = self.image, self.plain

    def sweep(self) -> None:
        """Make the rows exact and then the columns: (sweep) of the module's text."""
        r, t = self.factors = self.kernel.sweep(self.y)
        self.rise = torch.cat([r, t], dim=1).double().log2_()
        self.both = self.base - self.rise
        self.image = self.both[:, self.n :]
        self.residual = self.image - self.gamma
        self.last_y, self.plain, self.undone = self.y, self.kernel_b / t, None

    def accept(self, least: Tensor, both: Tensor, plain: Tensor, residual: Tensor) -> None:
        """Accept the Anderson step before this sweep, or go back to where it began: (accept)."""
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
        """Take an Anderson step from the last sweeps: (extrapolate)."""
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

    def check(self, k: int, last: bool) -> bool:
        """Read the errors; retire and rebase problems on what they say. Whether all is done."""
        error, height, size = self.read()
        if self.checks.seen is None:
            check_digits(size)
        self.s.note(k, np.where(self.done, self.s.error[self.index], error), self.index)
        worst = float(error.max())
        stalled = self.checks.stalled(k, worst) and self.dtype == torch.float32
        # Factors that were cut off prove nothing.
        within = (error <= self.tol) & (height < self.reach)
        last = last or worst != worst or stalled
        self.end(k, ~self.done if last else within & ~self.done)
        rest = (~self.done).nonzero()[0]
        if not len(rest):
            return True
        self.checks.plan(k, error, float(height.max()), self.limit)
        if 4 * len(rest) <= 3 * len(self.index):
            self.retire(rest)
            height = height[rest]
        if height.max() > self.limit:
            self.rebase(height > self.limit)
        return False

    def read(self) -> list[Numbers]:
        """Errors, by which power of two a factor leaves the base, and the largest potential."""
        y, t = self.last_y.double(), self.factors[1].double()
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
        """Go on with these problems only: (retire)."""
        self.index, self.done, self.begun = self.index[rest], self.done[rest], self.begun[rest]
        self.checks.keep_only(rest)
        index = self.s.on_device(rest)
        for name in ("b", "kernel_b", "weights", "both", "plain", "residual", "base"):
            setattr(self, name, getattr(self, name)[index])
        self.image = self.both[:, self.n :]
        self.kernel.keep_only(index)
        if self.mixer is not None:
            self.mixer.keep_only(index)

    def rebase(self, high: Numbers) -> None:
        """Take the last potentials of these problems as the new base: (rebase)."""
        self.kernel.rebuild(high, self.both[:, : self.n], self.image)
        self.base = torch.cat([self.kernel.phi, self.kernel.gamma], dim=1)
        self.plain = (self.b * torch.exp2(self.image - self.kernel.gamma)).to(self.dtype)


def first_aim(costs: Costs, tol: float) -> float:
    """The error that is aimed at in float32.

    Exponents in float64 are most of the work of a kernel that is computed anew in each sweep: so
    it is rough, and given up when its error stalls.
    """
    return max(tol, STREAMED_TOL if costs.streamed else SINGLE_TOL)


def kernel_of(costs: Costs, a: Tensor, dtype: torch.dtype, tol: float = 0.0) -> Kernel:
    """A kernel of these costs, stored where they allow it, rough where ``tol`` does."""
    kind = StreamedKernel if costs.streamed else StoredKernel
    rough = STREAMED_TOL if costs.streamed else ROUGH_TOL
    return kind(costs, dtype, a, dtype == torch.float32 and tol >= rough)
