"""Sinkhorn's iteration with Anderson acceleration, on a batch of problems.

One sweep makes the rows of the plan exact and then the columns. Every PERIOD-th sweep is followed
by an Anderson step on gamma, which is taken back where it lowers the dual value; the plain sweeps
between such steps raise it, so that the iteration converges from every start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from otgen_lite.transport._anderson import Anderson
from otgen_lite.transport._blocks import Costs, marginals
from otgen_lite.transport._kernels import Kernel, StoredKernel, StreamedKernel

#: Iterates that an Anderson step looks back on, and sweeps from one such step to the next.
MEMORY, PERIOD = 8, 3

#: A kernel in float32 is iterated on down to this marginal error, then one in float64.
SINGLE_TOL = 1e-6

#: From this tolerance on the exponents of a kernel in float32 may be rounded, too.
ROUGH_TOL = 1e-4

#: Sweeps without progress after which a kernel in float32 is given up.
PATIENCE = 15

#: An Anderson step that changes an exponent by more than this is not taken.
LONGEST = {torch.float32: 30.0, torch.float64: 300.0}

#: How far rounding may seem to lower the dual value, relative to its size over eps.
SLACK = {torch.float32: 1e-6, torch.float64: 1e-12}

#: Factor from one eps to the next where it is annealed, and the error that each but the last gets.
ANNEALING, ANNEALING_TOL = 4.0, 1e-2


@dataclass(eq=False)
class State:
    """Where the iteration stands; potentials in units of eps log 2, all in float64.

    Attributes:
        phi: (B, n) first potential.
        gamma: (B, m) second potential.
        sweeps: (B,) sweeps done.
        error: (B,) L1 distance of both marginals of the plan to the weights, added.
        mass: (B,) total mass of the plan.
        history: pairs (sweeps, errors of all problems).
    """

    phi: Tensor
    gamma: Tensor
    sweeps: Tensor
    error: Tensor
    mass: Tensor
    history: list[tuple[int, Tensor]]

    def note(self, sweeps: int, error: Tensor, index: Tensor, done: Tensor | None = None) -> None:
        """Add the errors of the problems ``index`` to the history, but for those that are done."""
        if len(error) == len(self.error) == 1:
            self.error = error
        else:
            self.error = self.error.clone()
            self.error[index] = error if done is None else error.where(~done, self.error[index])
        self.history.append((sweeps, self.error))

    def centre(self, a: Tensor, b: Tensor) -> None:
        """Fix the potentials by sum a phi = sum b gamma, before their last digits are judged."""
        half = ((b * self.gamma).sum(dim=1) - (a * self.phi).sum(dim=1)) / 2.0
        self.phi, self.gamma = self.phi + half[:, None], self.gamma - half[:, None]

    def errors(self) -> Tensor:
        """(k, 1 + B) history."""
        sweeps = self.error.new_tensor([float(k) for k, _ in self.history])
        return torch.cat([sweeps[:, None], torch.stack([e for _, e in self.history])], dim=1)

    @classmethod
    def joined(cls, pieces: list[State]) -> State:
        """The pieces of a batch, one after the other; an error that has ended stays as it was."""
        length = max(len(piece.history) for piece in pieces)
        longest = max(pieces, key=lambda piece: piece.history[-1][0])
        padded = [p.history + p.history[-1:] * (length - len(p.history)) for p in pieces]
        counts = [k for k, _ in longest.history] + [longest.history[-1][0]] * length
        rows = [torch.cat([errors for _, errors in row]) for row in zip(*padded, strict=True)]
        history = list(zip(counts, rows, strict=False))
        names = ("phi", "gamma", "sweeps", "error", "mass")
        fields: Any = {n: torch.cat([getattr(piece, n) for piece in pieces]) for n in names}
        return cls(history=history, **fields)


def solve(
    costs: Costs,
    a: Tensor,
    b: Tensor,
    tol: float,
    max_iter: int,
    gamma: Tensor,
    *,
    annealing: float = 1.0,
    memory: int = MEMORY,
    check: Callable[..., tuple[Tensor, Tensor]] = marginals,
) -> State:
    """Sweep until both marginals hold up to ``tol``, or ``max_iter`` times.

    Args:
        costs: B problems.
        a: (B, n) weights in float64, with sum 1.
        b: (B, m) weights, the same.
        tol: largest error, of both marginals together.
        max_iter: largest number of sweeps.
        gamma: (B, m) where to start.
        annealing: the first eps, in units of the one of ``costs``; 1 is no annealing.
        memory: iterates that an Anderson step looks back on; 0 is the plain iteration.
        check: what computes the marginals at the end, as :func:`marginals` does.
    """
    B = costs.shape[0]
    endless = a.new_full((B,), torch.inf)
    sweeps = torch.zeros_like(endless).long()
    s = State(torch.zeros_like(a), gamma.clone(), sweeps, endless, endless.clone(), [])
    everything = torch.arange(B, device=a.device)
    while annealing > 1.0:
        # f = phi eps: the potentials keep their values while their unit shrinks.
        s.gamma = s.gamma / annealing
        coarse = costs.at(1.0 / annealing)
        _sweeps(coarse, a, b, ANNEALING_TOL, max_iter // 2, s, everything, memory, torch.float32)
        s.gamma = s.gamma * annealing
        annealing /= ANNEALING
    todo = everything
    dtype, aim = stage(costs, tol)
    fresh = True
    while True:
        part = costs if len(todo) == B else costs.only(todo)
        _sweeps(part, a[todo], b[todo], aim, max_iter, s, todo, memory, dtype, fresh)
        s.centre(a, b)
        rows, columns = check(part, s.phi[todo], s.gamma[todo], a[todo], b[todo])
        off = (rows - a[todo]).abs().sum(dim=1) + (columns - b[todo]).abs().sum(dim=1)
        s.mass[todo] = rows.sum(dim=1)
        s.note(int(s.sweeps.max()), off, todo)
        todo = todo[~(off <= tol) & (s.sweeps[todo] < max_iter) & off.isfinite()]
        if not len(todo):
            return s
        aim = tol if dtype == torch.float32 else aim / 2
        dtype, fresh = torch.float64, False


def stage(costs: Costs, tol: float) -> tuple[torch.dtype, float]:
    """The type of the first kernel, and the error that is aimed at with it."""
    if costs.streamed:
        return torch.float64, tol
    return torch.float32, max(tol, SINGLE_TOL)


def kernel_of(costs: Costs, a: Tensor, dtype: torch.dtype, tol: float = 0.0) -> Kernel:
    """A kernel of these costs, stored where they allow it, rough where ``tol`` does."""
    if costs.streamed:
        return StreamedKernel(costs, a)
    return StoredKernel(costs, dtype, a, dtype == torch.float32 and tol >= ROUGH_TOL)


def _sweeps(
    costs: Costs,
    a: Tensor,
    b: Tensor,
    tol: float,
    max_iter: int,
    s: State,
    index: Tensor,
    memory: int,
    dtype: torch.dtype,
    fresh: bool = True,
) -> None:
    """Sweep the problems ``index`` of ``s`` with one kernel until each is done.

    ``fresh`` says that the first potential of ``s`` means nothing yet.
    """
    kernel = kernel_of(costs, a, dtype, tol)
    gamma = s.gamma[index]
    if fresh:
        kernel.start(gamma, a, b)
        gamma = torch.where(b == 0, kernel.gamma, gamma)
    else:
        kernel.build(s.phi[index], gamma)
    mixer = Anderson(b, memory) if memory else None
    slack, longest = SLACK[kernel.dtype], LONGEST[kernel.dtype]
    done = torch.zeros(len(index), dtype=torch.bool, device=a.device)
    y = b * torch.exp2(gamma - kernel.gamma)
    before: Tensor | None = None
    old_phi = dual = a
    lowest, stalled = torch.inf, 0
    first = int(s.sweeps[index].max())
    behind = first - s.sweeps[index]
    for k in range(first + 1, max_iter + 1):
        r, t = (out.to(torch.float64) for out in kernel.sweep(y))
        log_r, log_t = torch.log2(r), torch.log2(t)
        phi, image = kernel.phi - log_r, kernel.gamma - log_t
        error = torch.linalg.vector_norm((y * t).sub_(b), ord=1, dim=1)
        undone = False
        if mixer is not None:
            residual = image - gamma
            mixing = k % PERIOD == 0
            if mixing or before is not None:
                dual = (a * phi).sum(dim=1) + (b * gamma).sum(dim=1)
            if before is not None:
                bad = ~(dual >= before - slack * (1.0 + before.abs()))
                before = None
                if bool(bad.any()):
                    # Back to where the last plain sweep ended.
                    image, residual = mixer.undo(bad, image, residual)
                    phi = torch.where(bad[:, None], old_phi, phi)
                    undone = True
                    error = error.masked_fill(bad, torch.inf)
            mixer.add(image, residual)
        s.note(k, error, index, done)
        worst = float(error.max())
        last = k == max_iter or worst != worst
        if kernel.dtype == torch.float32:
            stalled = 0 if worst < 0.9 * lowest or worst > 1e-5 else stalled + 1
            lowest = min(lowest, worst)
            last = last or stalled > PATIENCE
        if last or worst <= tol or (len(index) > 1 and bool(((error <= tol) & ~done).any())):
            new = ~done if last else (error <= tol) & ~done
            ends = index[new]
            s.phi[ends], s.gamma[ends], s.sweeps[ends] = phi[new], image[new], k - behind[new]
            done = done | new
            rest = (~done).nonzero()[:, 0]
            if not len(rest):
                return
            if 4 * len(rest) <= 3 * len(index):
                index, a, b, t = index[rest], a[rest], b[rest], t[rest]
                phi, image = phi[rest], image[rest]
                log_r, log_t, done = log_r[rest], log_t[rest], done[rest]
                behind = behind[rest]
                kernel.keep(rest)
                if mixer is not None:
                    mixer.keep(rest)
                    dual = dual[rest] if mixing else dual
        gamma, old_phi = image, phi
        rebased = False
        if not (_height(log_r) <= kernel.limit and _height(log_t) <= kernel.limit):
            rise = torch.maximum(log_r.abs().amax(dim=1), log_t.abs().amax(dim=1))
            kernel.rebuild(~(rise <= kernel.limit), phi, image)
            rebased = True
        if mixer is not None and mixing:
            step = mixer.step()
            near = (step - image).abs().amax(dim=1, keepdim=True) <= longest
            gamma, before = torch.where(near, step, image), dual
        # After a plain sweep with the same base, 2^(gamma - base) is 1 / t.
        plain = before is None and not rebased and not undone
        y = b / t if plain else b * torch.exp2(gamma - kernel.gamma)


def _height(logs: Tensor) -> float:
    return float(torch.linalg.vector_norm(logs, ord=torch.inf))
