"""Handwritten digits, 8 × 8: every method with an encoder, at eight latent dimensions.

``benchmarks/findings/digits_autoencoders.md`` reports how these settings were chosen. In short:
smooth non-linearities (SiLU) with twice the learning rate achieve in 5,000 steps what ReLU does in
12,000, but with them AVB's encoder changes faster than its discriminator can follow; an implicit
encoder leaves no holes in the prior; and where longer training lowers W_2^2 to the training images,
it lowers novelty too, so that training stops early.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite.divergences import MMD
from otgen_lite.methods import AAE, AVB, VAE, AutoEncoder, LatentOT, PenalizedOT
from otgen_lite.networks import MLP, ImplicitEncoder, PairCritic, leaky
from otgen_lite.recipes._basis import BasisEncoder
from otgen_lite.recipes.base import initial, recipe
from otgen_lite.recipes.latent import Wrap, latent_recipes

#: Dimension of the codes.
CODE = 8

#: Hidden layers of encoders and decoders.
HIDDEN = [192, 192]

#: Options of ``fit`` for the plain auto-encoder of the latent recipes. It has ReLU: with SiLU it
#: reconstructs better, but its codes lie further apart and the map's network misses more.
AUTOENCODER: dict[str, Any] = {
    "steps": 3000, "batch_size": 128, "lr": 2e-3, "schedule": "cosine", "ema": 0.99,
}  # fmt: skip

#: The same for the network of the map that has one.
NETWORK: dict[str, Any] = {
    "steps": 4000, "batch_size": 256, "lr": 4e-3, "schedule": "cosine", "ema": 0.99,
}  # fmt: skip


def _encoder(outputs: int, draw: torch.Generator, activation: str = "silu") -> MLP:
    return MLP(64, HIDDEN, outputs, activation=activation, generator=draw)


def _noisy_encoder(draw: torch.Generator) -> ImplicitEncoder:
    """Takes as many numbers of noise as the code has."""
    return ImplicitEncoder(64, CODE, HIDDEN, CODE, activation="silu", generator=draw)


def _decoder(draw: torch.Generator, activation: str = "silu") -> MLP:
    return MLP(
        CODE, HIDDEN, 64, activation=activation, shape=(8, 8), final=nn.Sigmoid, generator=draw
    )


@recipe("digits", "vae", steps=5000, batch_size=128, lr=4e-3, schedule="cosine", ema=0.99)
def vae(seed: int, data: Tensor) -> VAE:
    """The variational auto-encoder."""
    draw = initial(seed)
    # At .1 W_2^2 is lower still, and the samples are blurred more and nearer to training images.
    return VAE(_encoder(2 * CODE, draw), _decoder(draw), decoder_var=0.07)


@recipe("digits", "penalized_ot", steps=4000, batch_size=256, lr=4e-3, schedule="cosine", ema=0.99)
def penalized_ot(seed: int, data: Tensor) -> PenalizedOT:
    """Penalised transport with a kernel of many scales and an implicit encoder."""
    draw = initial(seed)
    # Noise in the encoder costs reconstruction, so it takes a large weight to be used at all.
    return PenalizedOT(
        _noisy_encoder(draw), _decoder(draw), penalty=MMD("multi"),
        encoding="implicit", lam=80.0,
    )  # fmt: skip


@recipe(
    "digits", "aae",
    steps=4000, batch_size=128, lr={"critic": 4e-3, "autoencoder": 2e-3}, betas=(0.5, 0.999),
    schedule="cosine", ema=0.99,
)  # fmt: skip
def aae(seed: int, data: Tensor) -> AAE:
    """The adversarial auto-encoder with an implicit encoder; the discriminator is the faster."""
    draw = initial(seed)
    critic = MLP(CODE, [128, 128], 1, activation=leaky, generator=draw)
    return AAE(
        _noisy_encoder(draw), _decoder(draw), critic, decoder_var=2.0,
        encoding="implicit", critic_steps=2,
    )  # fmt: skip


@recipe(
    "digits", "avb",
    steps=2500, batch_size=128, lr={"critic": 2e-3, "autoencoder": 1e-3}, betas=(0.5, 0.999),
    schedule="cosine", ema=0.99,
)  # fmt: skip
def avb(seed: int, data: Tensor) -> AVB:
    """Adversarial variational Bayes, with adaptive contrast and noise that can be followed."""
    draw = initial(seed)
    # From k draws the contrast pushes codes apart (k - 1) / (k - 3) times too hard until T has
    # learned better, and k / (k + 1) times after that: 16 draws, not 8. T takes two steps, because
    # what it does not see yet the encoder makes use of: with one, a seed of three lost a class.
    return AVB(
        BasisEncoder(64, CODE, HIDDEN, draw),
        _decoder(draw, "relu"),
        PairCritic(64, CODE, HIDDEN, activation=leaky, generator=draw),
        decoder_var=0.1,
        adaptive_contrast=True,
        contrast_draws=16,
        critic_steps=2,
    )


def autoencoder(seed: int, data: Tensor) -> AutoEncoder:
    """The auto-encoder of the latent recipes, before training."""
    draw = initial(seed)
    return AutoEncoder(_encoder(CODE, draw, "relu"), _decoder(draw, "relu"))


def _fit_map(method: LatentOT, seed: int) -> None:
    """Potentials to a hundredth of the masses; the other maps are formulas."""
    more = {"tol": 1e-2} if method.map in ("semidiscrete", "pairs") else {}
    method.fit_map(seed=seed, **more)


def _pairs(inner: AutoEncoder, data: Tensor, seed: int) -> LatentOT:
    draw = initial(seed + 1)
    network = MLP(CODE, [256, 256], CODE, activation="silu", generator=draw)
    return LatentOT(inner, data=data, map="pairs", plan="semidiscrete", network=network)


def _map(name: str) -> Wrap:
    return lambda inner, data, seed: LatentOT(inner, data=data, map=name, components=20)


latent_recipes(
    "digits", autoencoder,
    {**{name: _map(name) for name in ("semidiscrete", "gaussian", "mixture")}, "pairs": _pairs},
    _fit_map, lambda: AUTOENCODER, NETWORK,
)  # fmt: skip
