"""Sinkhorn's iteration for a measure and itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from otgen_lite.transport._anderson import Anderson
from otgen_lite.transport._blocks import Costs, check_digits, row_sums
from otgen_lite.transport._sinkhorn import (
    LONGEST,
    MEMORY,
    PERIOD,
    SLACK,
    State,
    kernel_of,
    stage,
)


def solve_symmetric(
    costs: Costs,
    a: Tensor,
    tol: float,
    max_iter: int,
    check: Callable[..., Tensor] = row_sums,
) -> State:
    """One potential f with f + f: it is replaced by the mean of itself and its soft transform.

    The optimal pair of a symmetric problem is (f, f), and the mean halves the error at least,
    whatever eps, where the kernel is positive semi-definite. ``costs`` is one symmetric matrix,
    and ``check`` computes the row sums at the end, as :func:`row_sums` does.
    """
    none = torch.zeros_like(a)
    phi = none
    if not costs.metric:
        phi = torch.empty_like(a)
        for part in costs.parts():
            phi[part] = costs.exponents(part, none, none).amax(dim=2) / -2.0
        check_digits(phi)
    endless = a.new_full((1,), torch.inf)
    s = State(phi, phi, torch.zeros_like(endless).long(), endless, endless.clone(), [])
    dtype, aim = stage(costs, tol)
    while True:
        _sweeps(costs, a, aim, max_iter, s, dtype)
        s.gamma = s.phi
        rows = check(costs, s.phi, s.phi, a, a)
        # The plan is symmetric: its columns are as far off as its rows.
        s.error = 2.0 * (rows - a).abs().sum(dim=1)
        s.mass = rows.sum(dim=1)
        if float(s.error) <= tol or int(s.sweeps) >= max_iter:
            return s
        aim = tol if dtype == torch.float32 else aim / 2
        dtype = torch.float64


def _sweeps(
    costs: Costs, a: Tensor, tol: float, max_iter: int, s: State, dtype: torch.dtype
) -> None:
    """Sweep with one kernel until the rows of the plan hold up to ``tol`` / 2."""
    kernel = kernel_of(costs, a, dtype, tol)
    phi = s.phi
    kernel.build(phi, phi)
    mixer = Anderson(a, MEMORY)
    slack, longest = SLACK[kernel.dtype], LONGEST[kernel.dtype]
    before: Tensor | None = None
    lowest, stalled = math.inf, 0
    for k in range(int(s.sweeps) + 1, max_iter + 1):
        u = torch.exp2(phi - kernel.phi)
        ratio = u * kernel.rows(a * u).to(torch.float64)
        image = phi - torch.log2(ratio) / 2.0
        residual = image - phi
        error = 2.0 * float((a * (ratio - 1.0).abs()).sum())
        # The dual value of (f, f) over eps log 2; the mean step raises it, for it is concave.
        dual = (2.0 * (a * phi).sum(dim=1)) - ((a * ratio).sum(dim=1) - 1.0) / math.log(2.0)
        if before is not None and not bool(dual >= before - slack * (1.0 + before.abs())):
            everything = torch.ones_like(s.sweeps, dtype=torch.bool)
            image, residual = mixer.undo(everything, image, residual)
            phi, error = image, math.inf
        before = None
        mixer.add(image, residual)
        stalled = 0 if error < 0.9 * lowest or error > 1e-4 else stalled + 1
        lowest = min(lowest, error)
        s.sweeps = torch.full_like(s.sweeps, k)
        s.phi = phi
        if error <= tol or (kernel.dtype == torch.float32 and stalled > 20):
            return
        phi = image
        if float((phi - kernel.phi).abs().max()) > kernel.limit:
            kernel.build(phi, phi)
        if k % PERIOD == 0:
            step = mixer.step()
            if float((step - image).abs().max()) <= longest:
                phi, before = step, dual
