"""An implicit encoder whose noise a discriminator can follow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otgen_lite.networks import MLP

#: Terms of the sum, and numbers of noise in each.
TERMS, NUMBERS = 4, 4


class BasisEncoder(nn.Module):
    r"""An encoder that decides how far, and not along what, its noise moves a code.

    .. math::
        z = b(x) + \sum_i a_i(x) \odot v_i(\xi_i), \qquad \xi_i \sim N(0, I)

    A network of data and noise together can fold its noise differently at every x, and a
    discriminator overlooks folds that are fine enough. Here the shapes v_i are the same at every x,
    which only shifts and scales them.

    Args:
        inputs: numbers of one data point.
        codes: dimension of the codes, d_z.
        hidden: widths of the hidden layers.
        generator: of the initial weights.
    """

    def __init__(
        self, inputs: int, codes: int, hidden: list[int], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.codes, self.noise_dim = codes, TERMS * NUMBERS
        self.body = MLP(inputs, hidden, codes + TERMS * codes, generator=generator)
        self.bend = MLP(NUMBERS, [16], codes, generator=generator)
        draw = torch.randn(TERMS, NUMBERS, codes, generator=generator)
        self.straight = nn.Parameter(draw / NUMBERS**0.5)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """(n, ...) data and (n, d_e) noise to (n, d_z) codes."""
        place, scales = self.body(x).split([self.codes, TERMS * self.codes], dim=1)
        noise = noise.unflatten(1, (TERMS, NUMBERS))
        shapes = torch.einsum("nmp,mpd->nmd", noise, self.straight) + self.bend(
            noise.flatten(0, 1)
        ).unflatten(0, noise.shape[:2])
        # Half of each term from the start: the codes begin spread out, not as a speck.
        scales = scales.unflatten(1, (TERMS, self.codes)) + 0.5
        moved: Tensor = (scales * shapes).sum(dim=1)
        return place + moved
