"""Sinkhorn's iteration, first in float32, then in float64 as far as it is asked for.

The iteration itself is in :mod:`otgen_lite.transport._sinkhorn_iteration`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from otgen_lite.transport._blocks import Costs, marginals
from otgen_lite.transport._sinkhorn_iteration import MEMORY, Iteration, first_aim
from otgen_lite.transport._sinkhorn_state import State, placed, taken

#: Factor from one eps to the next where it is annealed, and the error that each but the last gets.
ANNEALING, ANNEALING_TOL = 4.0, 1e-2


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
    """Each of the weights if an atom is without mass, else None."""
    empty = torch.stack([(w == 0).any() for w in weights]).tolist()
    return [w if zeros else None for w, zeros in zip(weights, empty, strict=True)]
