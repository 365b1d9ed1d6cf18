"""Handwritten digits: methods that compare the distribution of a generator with the data.

Transport between mini-batches in 64 dimensions pulls samples towards means (chapter 5). So exact
and entropic estimation generate blurred digits, less so with larger batches; critics generate sharp
digits, but more of them are wrong. The semi-dual, whose atoms are all the images, lies in between.
All of them have the same generator.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otgen_lite.methods import MKE, WGAN, GaussianPrior, SemiDual
from otgen_lite.networks import MLP, leaky
from otgen_lite.recipes.base import initial, recipe

#: Numbers in a code.
CODE = 8


def _generator(draw: torch.Generator) -> MLP:
    return MLP(CODE, [256, 256], 64, shape=(8, 8), final=nn.Sigmoid, generator=draw)


def _critic(draw: torch.Generator) -> MLP:
    return MLP(64, [128, 128], 1, activation=leaky, generator=draw)


@recipe(
    "digits", "mke_sinkhorn",
    steps=2000, batch_size=512, lr=4e-3, schedule="cosine", ema=0.98,
)  # fmt: skip
def mke_sinkhorn(seed: int, data: Tensor) -> MKE:
    """Minimum Kantorovich estimation with the Sinkhorn divergence.

    Batches of 512 rather than 256: the pull towards means is weaker, so that samples come out
    nearer to the data and sharper at once.
    """
    prior = GaussianPrior(CODE)
    return MKE(_generator(initial(seed)), discrepancy="divergence", eps=0.5, sweeps=4, prior=prior)


@recipe(
    "digits", "mke_exact",
    steps=1000, batch_size=256, lr=4e-3, schedule="cosine", ema=0.98,
)  # fmt: skip
def mke_exact(seed: int, data: Tensor) -> MKE:
    """Minimum Kantorovich estimation with exact transport, one linear programme a step."""
    return MKE(_generator(initial(seed)), discrepancy="exact", prior=GaussianPrior(CODE))


@recipe(
    "digits", "wgan_gp",
    steps=4000, batch_size=128, lr=2e-3, betas=(0.0, 0.9), schedule="cosine", ema=0.998,
)  # fmt: skip
def wgan_gp(seed: int, data: Tensor) -> WGAN:
    """A Wasserstein GAN with a gradient penalty of weight 1.

    The generator goes around its goal, so an average over 500 steps is much nearer than any one
    of them. Weights of .1 and 10 are both worse.
    """
    draw = initial(seed)
    critic = _critic(draw)  # before the generator: the order of the draws is part of the recipe
    return WGAN(_generator(draw), critic, constraint="gp", gp_weight=1.0, n_critic=3)


@recipe(
    "digits", "wgan_clip",
    steps=3000, batch_size=128, lr={"critic": 3e-4, "generator": 2e-3}, betas=(0.0, 0.9),
    schedule="cosine", ema=0.998,
)  # fmt: skip
def wgan_clip(seed: int, data: Tensor) -> WGAN:
    """A Wasserstein GAN with clipped weights.

    Nine in ten weights of the critic's second layer end at the clip, and its slopes point nearly
    the same way everywhere: it sees one direction at a time. So it has to keep up as the generator
    moves along (five updates a step), but not by leaps of a tenth of the clip.
    """
    draw = initial(seed)
    critic = _critic(draw)
    return WGAN(_generator(draw), critic, constraint="clip", clip=0.02, n_critic=5)


@recipe(
    "digits", "semidual",
    steps=3000, batch_size=256, lr=2e-3, schedule="cosine", ema=0.98,
)  # fmt: skip
def semidual(seed: int, data: Tensor) -> SemiDual:
    """The alternating algorithm on the semi-dual, every image an atom."""
    prior = GaussianPrior(CODE)
    return SemiDual(_generator(initial(seed)), data, psi_steps=5, memory=0.2, prior=prior)
