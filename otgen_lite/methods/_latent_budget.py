"""Where the error of latent transport comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.methods._mke_costs import costs_between
from otgen_lite.methods.base import flat
from otgen_lite.transport import solve_exact


@dataclass(frozen=True)
class ErrorBudget:
    r"""The two sides of the budget, for samples: ``total <= reconstruction + stretch * latent``.

    Attributes:
        total: W_p between data and samples: the p-th root of a cost.
        reconstruction: :math:`(\mathbb{E}\|X - G(E(X))\|^p)^{1/p}`.
        latent: W_p between codes and T(Z).
        stretch: by how much the decoder stretches the longest-stretched pair of the optimal latent
            plan; at most its Lipschitz constant.
    """

    total: float
    reconstruction: float
    latent: float
    stretch: float

    @property
    def bound(self) -> float:
        """The right side, in the data's unit."""
        return self.reconstruction + self.stretch * self.latent


def error_budget(method: Any, x: Tensor, images: Tensor, p: float) -> ErrorBudget:
    """The budget of data (n, ...) and of images T(z) (m, d_z) under a method."""
    p = _checks.number("p", p, at_least=1.0)
    x = _checks.tensor("x", x)
    with torch.no_grad():
        codes = method.encode(x)
        every = codes, images, flat(method.decode(codes)), flat(method.decode(images)), flat(x)
        # On the CPU: the plans are made there, and not every accelerator knows float64.
        codes, images, again, made, x = (value.cpu().double() for value in every)
        latent = costs_between(codes, images, "euclidean")
        plan = solve_exact(latent**p).plan
        i, j = plan.nonzero(as_tuple=True)
        short = latent[i, j].clamp(min=torch.finfo(torch.float64).tiny)
        stretch = float(((again[i] - made[j]).norm(dim=1) / short).max())
        total = solve_exact(costs_between(x, made, "euclidean") ** p).value
        return ErrorBudget(
            float(total) ** (1 / p),
            float((x - again).norm(dim=1).pow(p).mean()) ** (1 / p),
            float((plan * latent**p).sum()) ** (1 / p),
            stretch,
        )
