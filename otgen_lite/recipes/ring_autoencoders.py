"""Eight Gaussians on a ring: methods with an encoder.

The data are eight small clusters. A deterministic encoder maps them to eight small clusters of
codes, and a Gaussian encoder to eight discs. Most of the prior is then far from every code, where
the decoder has not been trained. An implicit encoder can spread each cluster over an eighth of the
prior, if the penalty penalises holes in the distribution of the codes. See chapter 12. For the
discs of the VAE there is another solution: one-dimensional codes, because discs on a line leave few
holes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from otgen_lite.divergences import SlicedWasserstein
from otgen_lite.methods import AAE, AVB, VAE, PenalizedOT
from otgen_lite.networks import MLP, ImplicitEncoder, PairCritic, leaky
from otgen_lite.recipes.base import initial, recipe

#: Numbers of noise that an implicit encoder takes, for a code of two.
NOISE = 4


def _networks(draw: torch.Generator) -> tuple[ImplicitEncoder, MLP]:
    """The implicit encoder and the decoder of three recipes."""
    encoder = ImplicitEncoder(2, NOISE, [128] * 3, 2, generator=draw)
    return encoder, MLP(2, [128] * 3, 2, generator=draw)


def _shrinking_variance(progress: float) -> float:
    """From .5, where the eight modes are one, down to the data's own .05²."""
    return 0.5 * (0.0025 / 0.5) ** progress


@recipe(
    "eight_gaussians", "vae",
    steps=3000, batch_size=256, lr=4e-3, schedule="cosine", ema=0.99,
)  # fmt: skip
def vae(seed: int, data: Tensor) -> VAE:
    """The variational auto-encoder; the decoder's variance shrinks to that of the modes.

    A code is one number, since a ring is a curve. Eight discs in a plane leave holes, and where
    the decoder crosses them nothing fixes how much of the prior each mode gets; eight intervals
    fill a line, and seven short crossings are all that is left between the modes.
    """
    draw = initial(seed)
    return VAE(
        MLP(2, [64, 64], 2, generator=draw),
        MLP(1, [96] * 4, 2, generator=draw),
        decoder_var=_shrinking_variance,
    )


@recipe(
    "eight_gaussians", "penalized_ot",
    steps=2500, batch_size=256, lr=8e-3, schedule="cosine", ema=0.99,
)  # fmt: skip
def penalized_ot(seed: int, data: Tensor) -> PenalizedOT:
    """Penalised transport with an implicit encoder and the sliced Wasserstein cost."""
    draw = initial(seed)
    return PenalizedOT(
        *_networks(draw),
        penalty=SlicedWasserstein(50),
        encoding="implicit",
        lam=60.0,
    )


@recipe(
    "eight_gaussians", "aae",
    steps=1800, batch_size=256, lr={"critic": 8e-3, "autoencoder": 4e-3}, betas=(0.5, 0.999),
    schedule="cosine", ema=0.99,
)  # fmt: skip
def aae(seed: int, data: Tensor) -> AAE:
    """The adversarial auto-encoder with an implicit encoder; the discriminator is the faster."""
    draw = initial(seed)
    return AAE(
        *_networks(draw),
        MLP(2, [64] * 3, 1, activation=leaky, generator=draw),
        decoder_var=1.5,
        encoding="implicit",
        critic_steps=2,
    )


@recipe(
    "eight_gaussians", "avb",
    steps=2000, batch_size=256, lr={"critic": 8e-3, "autoencoder": 2e-3}, betas=(0.5, 0.999),
    schedule="cosine", ema=0.99,
)  # fmt: skip
def avb(seed: int, data: Tensor) -> AVB:
    """Adversarial variational Bayes: the VAE's objective with the encoder of the two above.

    The discriminator is four times as fast as the auto-encoder. A mode whose share of the prior is
    wrong costs a few hundredths of a nat, so that a discriminator that lags behind does not see it;
    at twice the rate some modes got a third of their share. One seed in five still errs by a third.
    """
    draw = initial(seed)
    return AVB(
        *_networks(draw),
        PairCritic(2, 2, [64] * 3, activation=leaky, generator=draw),
        decoder_var=0.05,
        critic_steps=2,
    )
