"""The methods with a generator and no encoder: codes of a prior, and samples."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator
from otgen_lite.methods.base import Method, Noise
from otgen_lite.methods.network_calls import in_blocks, module
from otgen_lite.methods.priors import Prior, prior_of


class GeneratorModel(Method):
    """A generator and a prior: codes for a batch, and samples.

    Args:
        generator: (n, d_z) codes to data.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            generator takes.
    """

    def __init__(self, generator: nn.Module, prior: Prior | int | None) -> None:
        super().__init__()
        self.generator = module("generator", generator)
        self.prior = prior_of(prior, generator, "generator")

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior, one for each data point."""
        return {"prior": self.prior.draw(len(batch), generator, batch)}

    def made(self, codes: Tensor, batch: Tensor) -> Tensor:
        """The generator at codes, in the shape and the type of data; differentiable."""
        out = self.generator(codes).to(batch.dtype)  # mixed precision may have made it shorter
        if out.shape[1:] != batch.shape[1:]:
            raise ValueError(
                f"the generator must return points of the data's shape {tuple(batch.shape[1:])}, "
                f"got {tuple(out.shape[1:])}"
            )
        return out

    @torch.no_grad()
    def sample(self, n: int, generator: Randomness = None, *, noise: Noise | None = None) -> Tensor:
        """New data: the generator at codes of the prior.

        Args:
            n: how many.
            generator: a seed, a generator, or None for torch's own.
            noise: the draws themselves instead: ``{"prior": (n, d_z)}``.

        Returns:
            (n, ...) data.
        """
        n = _checks.count("n", n)
        like = self._like()
        if noise is not None:
            return in_blocks(self.generator, noise["prior"])
        z = self.prior.draw(n, as_generator(generator, like.device), like)
        return in_blocks(self.generator, z)

    def _like(self) -> Any:
        return next(self.generator.parameters(), torch.empty(0))
