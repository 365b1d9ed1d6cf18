"""Sinkhorn's iteration for a measure and itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from otgen_lite.transport._anderson import Anderson
from otgen_lite.transport._blocks import Costs, Numbers, check_digits, symmetric_sums
from otgen_lite.transport._kernels import LIMIT, REACH
from otgen_lite.transport._sinkhorn_checks import PERIOD, ErrorChecks
from otgen_lite.transport._sinkhorn_iteration import MEMORY, SLACK, first_aim, kernel_of
from otgen_lite.transport._sinkhorn_state import State

#: Error of both marginals in float32 below which rounding is felt.
ROUNDING = 1e-4


def row_sums(costs: Costs, phi: Tensor, a: Tensor) -> Tensor:
    """(1, n) row sums of the plan of (phi, phi), in float64 and with every entry counted."""
    return a * symmetric_sums(costs, phi, a)


def solve_symmetric(
    costs: Costs,
    a: Tensor,
    tol: float,
    max_iter: int,
    check: Callable[[Costs, Tensor, Tensor], Tensor] = row_sums,
) -> State:
    """One potential f with f + f: it is replaced by the mean of itself and its soft transform.

    The optimal pair of a symmetric problem is (f, f), and the mean halves the error at least,
    whatever eps, where the kernel is positive semi-definite. ``costs`` is one symmetric matrix,
    and ``check`` computes the row sums at the end, as :func:`row_sums` does.
    """
    phi = torch.zeros_like(a)
    if not costs.metric:
        phi = torch.empty_like(a)
        for part in costs.parts():
            phi[part] = costs.exponents(part, None, None).amax(dim=2) / -2.0
        check_digits(phi.abs().amax(dim=1).cpu().numpy())
    s = State.at(phi, phi)
    dtype, aim = torch.float32, first_aim(costs, tol)
    while True:
        SymmetricIteration(s, costs, a, dtype, aim).run(max_iter)
        s.gamma = s.phi
        rows = check(costs, s.phi, a)
        # The plan is symmetric: its columns are as far off as its rows.
        off = 2.0 * (rows - a).abs().sum(dim=1)
        s.error, s.size = torch.stack([off, s.phi.abs().amax(dim=1)]).cpu().numpy()
        s.mass = rows.sum(dim=1)
        if s.error[0] <= tol or s.sweeps[0] >= max_iter:
            return s
        aim = tol if dtype == torch.float32 else aim / 2
        dtype = torch.float64


class SymmetricIteration:
    """The one problem of ``s``, swept with one kernel.

    As ``Iteration`` for two measures: Anderson steps are taken back where they lower the dual
    value, and the error is checked every few sweeps.

    Attributes:
        phi: (1, n) potential before the sweep.
        image: (1, n) the same after it.
        ratio: (1, n) row sums of the plan before it, over the weights.
    """

    image: Tensor
    ratio: Tensor
    residual: Tensor

    def __init__(self, s: State, costs: Costs, a: Tensor, dtype: torch.dtype, tol: float) -> None:
        self.s, self.a, self.dtype, self.tol = s, a, dtype, tol
        self.kernel = kernel_of(costs, a, dtype, tol)
        self.phi = s.phi
        self.kernel.build(self.phi, self.phi)
        self.mixer = Anderson(a, MEMORY)
        #: Before an Anderson step: lowest dual value to be accepted, image and residual.
        self.fallback: tuple[Tensor, Tensor, Tensor] | None = None
        self.undone: Tensor | None = None
        self.first = int(s.sweeps[0])
        self.checks = ErrorChecks(self.first, tol, False, ROUNDING)

    def run(self, max_iter: int) -> None:
        """Sweep until the rows of the plan hold up to ``tol`` / 2."""
        k = self.first
        while k < max_iter:
            k += 1
            self.sweep()
            if self.fallback is not None:
                self.accept(*self.fallback)
            self.mixer.add(self.image, self.residual)
            if (k == self.checks.next or k == max_iter) and self.check(k):
                return
            if k % PERIOD == 0:
                self.extrapolate()
            else:
                self.phi = self.image

    def sweep(self) -> None:
        """The mean of the potential and its soft transform."""
        self.rise = (self.phi - self.kernel.phi).clamp_(-REACH[self.dtype], REACH[self.dtype])
        self.phi = self.kernel.phi + self.rise
        u = torch.exp2(self.rise)
        self.ratio = u * self.kernel.rows((self.a * u).to(self.dtype)).double()
        self.residual = torch.log2(self.ratio) / -2.0
        self.image = self.phi + self.residual
        self.undone = None

    def dual(self) -> Tensor:
        """(1,) dual value of (f, f) over eps log 2; the mean step raises it, for it is concave."""
        excess = (self.a * self.ratio).sum(dim=1) - 1.0
        return 2.0 * (self.a * self.phi).sum(dim=1) - excess / math.log(2.0)

    def accept(self, least: Tensor, image: Tensor, residual: Tensor) -> None:
        """The Anderson step before this sweep, or back to where it began."""
        self.undone = ~(self.dual() >= least)  # true for NaN
        mask = self.undone[:, None]
        self.image = torch.where(mask, image, self.image)
        self.phi = torch.where(mask, image, self.phi)
        self.residual = torch.where(mask, residual, self.residual)
        self.mixer.forget(self.undone)
        self.fallback = None

    def extrapolate(self) -> None:
        """Take an Anderson step from the last sweeps."""
        dual = self.dual()
        least = torch.sub(dual, dual.abs().add_(1.0), alpha=SLACK[self.dtype])
        self.fallback = least, self.image, self.residual
        self.phi = self.mixer.step()

    def check(self, k: int) -> bool:
        """Read the error, and take a new base where it is time. Whether all is done."""
        error, height = self.read()
        self.s.sweeps[0], self.s.phi = k, self.phi
        if self.checks.stalled(k, float(error[0])) and self.dtype == torch.float32:
            return True
        if error[0] <= self.tol and height < REACH[self.dtype]:
            return True
        self.checks.plan(k, error, height, LIMIT[self.dtype])
        if height > LIMIT[self.dtype]:
            self.kernel.build(self.image, self.image)
        return False

    def read(self) -> tuple[Numbers, float]:
        """The error before the last sweep, and by which power of two a factor leaves the base."""
        error = 2.0 * (self.a * (self.ratio - 1.0).abs()).sum(dim=1)
        if self.undone is not None:
            error = error.masked_fill(self.undone, torch.inf)
        height = torch.linalg.vector_norm(self.rise, ord=torch.inf, dim=1)
        found = torch.cat([error, height]).cpu().numpy()
        return np.array(found[:1]), float(found[1])
