"""The gap of a soft potential: Sinkhorn's steps on a held-out sample, then a feasible plan."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from otgen_lite.transport._semidual import SampledDual

#: Steps of Sinkhorn's iteration on the held-out sample, at most.
_STEPS = 30


def soft_gap(
    dual: SampledDual, psi: Tensor, x: Tensor, enough: float
) -> tuple[float, float, float, float]:
    r"""Gap, its error, the dual value and its error, for eps > 0.

    The plan of psi' has the right first marginal. Atoms that get too much give back in
    proportion, and what is given back goes to the atoms that lack mass, in proportion to what they
    lack (Altschuler, Weed and Rigollet's rounding). Its value exceeds H_M(psi') by
    eps KL(plan | plan of psi').
    """
    start, held = dual.soft(psi, x)
    value = float(start.mean() + dual.b @ psi)
    at, best, moved = psi, math.inf, torch.zeros_like(psi)
    heavy = dual.b > 0
    for k in range(_STEPS):
        transform = start if k == 0 else dual.soft(at, x)[0]
        bound, held = _rounded(dual, at, x, transform)
        bound += float(transform.mean() + dual.b @ at) - value
        if bound < best:
            best, moved = bound, at - psi
        if best <= enough:
            break
        ratio = torch.where(heavy & (held > 0), dual.b / held.clamp(min=1e-300), 1.0)
        at = at + dual.eps * ratio.log()
    error = _deviation(dual, psi, x, moved) / math.sqrt(x.shape[0])
    return max(best, 0.0), error, value, float(start.std()) / math.sqrt(x.shape[0])


def _plan_blocks(dual: SampledDual, psi: Tensor, x: Tensor, transform: Tensor):  # type: ignore[no-untyped-def]
    base = dual.base(x)
    for part, scores in dual.blocks(psi, x):
        top = ((base[part] - transform[part]) / dual.eps).to(scores.dtype)
        yield part, dual.log_weights(scores).sub_(top[:, None])


def _rounded(dual: SampledDual, psi: Tensor, x: Tensor, transform: Tensor) -> tuple[float, Tensor]:
    """eps KL(rounded plan | plan of psi) and the masses of the latter."""
    size = x.shape[0]
    held = torch.zeros_like(dual.b)
    for _, log_plan in _plan_blocks(dual, psi, x, transform):
        held += log_plan.exp_().sum(dim=0)
    held /= size
    keep = (dual.b / held.clamp(min=1e-300)).clamp(max=1.0)
    lack = (dual.b - keep * held).clamp(min=0.0)
    lack = lack / lack.sum().clamp(min=1e-300)
    total = 0.0
    for _, log_plan in _plan_blocks(dual, psi, x, transform):
        plan = log_plan.exp()
        given = 1.0 - plan.double() @ keep
        rounded = plan * keep + given[:, None] * lack
        # log(rounded / plan) where the plan underflows is taken from its logarithm
        term = torch.where(rounded > 0, rounded * (rounded.log() - log_plan), 0.0)
        total += float(term.sum())
    return dual.eps * total / size, held


def _deviation(dual: SampledDual, psi: Tensor, x: Tensor, moved: Tensor) -> float:
    """Standard deviation over the sample of the mean displacement that each point sees."""
    transform = dual.soft(psi, x)[0]
    seen = [
        log_plan.exp_().double() @ moved for _, log_plan in _plan_blocks(dual, psi, x, transform)
    ]
    return float(torch.cat(seen).std())
