"""A network that learns where a plan sends each point."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite._draws import below
from otgen_lite.methods._latent_maps import LatentMap, SemiDiscreteMap
from otgen_lite.methods._latent_model import in_blocks
from otgen_lite.methods._mke_costs import costs_between
from otgen_lite.methods.base import Noise
from otgen_lite.methods.priors import Prior
from otgen_lite.transport import solve_exact

#: What the pairs come from.
PLANS = ("batch", "whole", "semidiscrete")


class PairsMap(LatentMap):
    """A network regressed on pairs (z, code) of an exact plan.

    Args:
        prior: where z comes from.
        codes: (N, d) codes of the data.
        network: (n, d) to (n, d).
        plan: ``"batch"``: the plan of each batch of codes and as many draws; ``"whole"``: one plan
            of all codes and as many draws, made once; ``"semidiscrete"``: the semi-discrete map at
            fresh draws.
    """

    z: Tensor
    partner: Tensor

    def __init__(self, prior: Prior, codes: Tensor, network: nn.Module, plan: str) -> None:
        super().__init__(prior, codes)
        self.network, self.plan = network, plan
        self.known.fill_(plan == "batch")
        if plan == "whole":
            self.register_buffer("z", torch.zeros_like(codes))
            self.register_buffer("partner", codes.new_zeros(len(codes), dtype=torch.int64))
        if plan == "semidiscrete":
            self.inner = SemiDiscreteMap(prior, codes)

    def make(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """The plan of the whole, or the semi-discrete potential; nothing for plans of batches."""
        if self.plan == "semidiscrete":
            self.inner.make(codes, generator, **options)
        elif self.plan == "whole":
            self.z.copy_(self.prior.draw(len(codes), generator, codes))
            self.partner.copy_(partners(self.z, codes))
        self.known.fill_(True)

    def noise(self, n: int, codes: Tensor, generator: torch.Generator | None) -> dict[str, Tensor]:
        """Draws of the prior, or which of the pairs are looked at."""
        if self.plan != "whole":
            return {"prior": self.prior.draw(n, generator, codes)}
        return {"pick": below(len(codes), (n,), generator, codes)}

    def pairs(self, batch_codes: Tensor, codes: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Points of the prior and the codes that the plan gives them."""
        if self.plan == "whole":
            return self.z[noise["pick"]], codes[self.partner[noise["pick"]]]
        z = noise["prior"]
        if self.plan == "semidiscrete":
            return z, self.inner.carry(z, codes)
        return z, batch_codes[partners(z, batch_codes)]

    def carry(self, z: Tensor, codes: Tensor) -> Tensor:
        """What the network says."""
        return in_blocks(self.network, z)


def partners(z: Tensor, codes: Tensor) -> Tensor:
    """(n,) for each z the code that an exact plan of the two samples gives it."""
    plan = solve_exact(costs_between(z, codes, "sqeuclidean")).plan
    return plan.argmax(dim=1).to(z.device)
