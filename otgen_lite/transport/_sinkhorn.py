"""The Sinkhorn iteration on a batch of cost matrices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an iteration ended with; potentials in units of eps, all in float64.

    Attributes:
        phi: (B, n) first potential over eps.
        gamma: (B, m) second potential over eps.
        mass: (B,) total mass of the plan.
        error: (B,) L1 distance of both marginals of the plan to the weights, summed.
        n_iter: (B,) sweeps of each problem.
        history: (k, 1 + B): number of sweeps, and the errors seen there.
    """

    phi: Tensor
    gamma: Tensor
    mass: Tensor
    error: Tensor
    n_iter: Tensor
    history: Tensor


def solve(
    C: Tensor,
    eps: Tensor,
    a: Tensor,
    b: Tensor,
    tol: float,
    max_iter: int,
    init: tuple[Tensor, Tensor],
) -> Outcome:
    """Alternate the two updates until the marginals hold: (B, n, m) costs, (B,) eps."""
    E = C.to(torch.float64) / eps[:, None, None]
    log_a, log_b = torch.log(a), torch.log(b)
    phi, gamma = init
    B = C.shape[0]
    n_iter = torch.full((B,), max_iter, dtype=torch.int64)
    error = torch.full((B,), torch.inf, dtype=torch.float64, device=C.device)
    rows: list[Tensor] = []
    for k in range(1, max_iter + 1):
        new = -torch.logsumexp((gamma + log_b)[:, None, :] - E, dim=2)
        if k > 1:
            error = (a * torch.expm1(phi - new).abs()).sum(dim=1)
            rows.append(torch.cat([error.new_tensor([k - 1.0]), error]))
            if bool((error <= tol).all()):
                n_iter.fill_(k - 1)
                break
        phi = new
        gamma = -torch.logsumexp((phi + log_a)[:, :, None] - E, dim=1)
    logs = (phi + log_a)[:, :, None] + (gamma + log_b)[:, None, :] - E
    plan = torch.exp(logs)
    error = (plan.sum(dim=2) - a).abs().sum(dim=1) + (plan.sum(dim=1) - b).abs().sum(dim=1)
    history = torch.stack(rows) if rows else error.new_zeros((0, 1 + B))
    return Outcome(phi, gamma, plan.sum(dim=(1, 2)), error, n_iter, history)
