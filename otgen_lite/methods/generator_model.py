"""The methods with a generator and no encoder: codes of a prior, and samples."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator
from otgen_lite.methods.base import Method, Noise
from otgen_lite.methods.network_calls import given, in_blocks
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
        self.generator = _checks.module("generator", generator)
        self.prior = prior_of(prior, generator, "generator")

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior, one for each data point."""
        return {"prior": self.prior.draw(len(batch), generator, batch)}

    def made(self, codes: Tensor, batch: Tensor) -> Tensor:
        """What the generator makes of codes, in the shape and type of data; differentiable."""
        out = self.generator(codes).to(batch.dtype)  # mixed precision may have made it shorter
        if out.shape[1:] != batch.shape[1:]:
            raise ValueError(
                f"the generator must return points of the data's shape {tuple(batch.shape[1:])}, "
                f"got {tuple(out.shape[1:])}"
            )
        return out

    @torch.no_grad()
    def sample(self, n: int, generator: Randomness = None, *, noise: Noise | None = None) -> Tensor:
        """Draw new data: codes of the prior, mapped by the generator.

        Args:
            n: number of samples.
            generator: a seed, a generator, or None for torch's own.
            noise: draws to use instead: ``{"prior": (n, d_z)}``.

        Returns:
            (n, ...) data.

        Raises:
            ValueError: if ``n < 1``, or ``noise`` has another number of rows.
        """
        n = _checks.count("n", n)
        like = self._like()
        draw = as_generator(generator, like.device)
        z = self.prior.draw(n, draw, like) if noise is None else given(noise, "prior", n)
        return in_blocks(self.generator, z)
