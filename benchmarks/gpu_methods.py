"""Methods for the accelerator: every one on images of 28×28 pixels.

Networks are convolutional (AVB's, whose encoder is implicit, are MLPs), codes have 16 numbers, and
the optimizer, the learning rates, the schedule and the averaging are those of the method's recipe
on the digits. The images are noise: what a step costs does not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import otgen_lite as otg

SHAPE, CODES = (1, 28, 28), 16
PIXELS = 28 * 28
#: Points in a batch, and images in all.
BATCH, IMAGES = 512, 8192


def images(n: int, device: torch.device) -> Tensor:
    """(n, 1, 28, 28) numbers between 0 and 1."""
    draw = torch.Generator("cpu").manual_seed(0)
    return torch.rand(n, *SHAPE, generator=draw, device="cpu").to(device)


def _encoder(outputs: int) -> nn.Module:
    return otg.ConvEncoder(SHAPE, outputs, generator=0)


def _decoder() -> nn.Module:
    return otg.ConvDecoder(CODES, SHAPE, generator=1)


def _critic() -> nn.Module:
    return otg.MLP(CODES, [512, 512], 1, generator=2)


def _avb() -> otg.Method:
    return otg.AVB(
        otg.ImplicitEncoder(PIXELS, CODES, [512, 512], CODES, generator=0),
        otg.MLP(CODES, [512, 512], PIXELS, shape=SHAPE, final=nn.Sigmoid, generator=1),
        otg.PairCritic(PIXELS, CODES, [512, 512], generator=2),
        decoder_var=0.05,
        adaptive_contrast=True,
    )


def _wgan(constraint: str, **more: Any) -> otg.Method:
    critic = otg.ConvCritic(SHAPE, generator=2)
    return otg.WGAN(_decoder(), critic, constraint=constraint, prior=CODES, n_critic=3, **more)


def _semidual(x: Tensor) -> otg.Method:
    # The first ascent is no part of a step, so it may be short.
    more: dict[str, Any] = {
        "psi_steps": 5,
        "psi_batch": min(256, len(x)),
        "memory": 0.2,
        "warm_up": 10,
    }
    return otg.SemiDual(_decoder(), x, prior=CODES, **more)


def _pairs(x: Tensor) -> otg.Method:
    inner = otg.AutoEncoder(_encoder(CODES), _decoder())
    network = otg.MLP(CODES, [512, 512], CODES, generator=3)
    return otg.LatentOT(inner.to(x.device), data=x, map="pairs", plan="batch", network=network)


#: By name the recipe on the digits that lends its options, and what makes the method from the data.
METHODS: dict[str, tuple[str, Callable[[Tensor], otg.Method]]] = {
    "VAE": ("vae", lambda x: otg.VAE(_encoder(2 * CODES), _decoder())),
    "AAE": ("aae", lambda x: otg.AAE(_encoder(CODES), _decoder(), _critic())),
    "PenalizedOT, MMD": (
        "penalized_ot",
        lambda x: otg.PenalizedOT(_encoder(CODES), _decoder(), penalty=otg.MMD("multi"), lam=3.0),
    ),
    "WGAN, gradient penalty": ("wgan_gp", lambda x: _wgan("gp", gp_weight=1.0)),
    "WGAN, clipped": ("wgan_clip", lambda x: _wgan("clip", clip=0.02)),
    "MKE, Sinkhorn divergence": (
        "mke_sinkhorn",
        lambda x: otg.MKE(_decoder(), discrepancy="divergence", eps=0.5, sweeps=4, prior=CODES),
    ),
    "SemiDual": (
        "semidual",
        _semidual,
    ),
    "AVB": ("avb", lambda x: _avb()),
    "AutoEncoder": (
        "latent_ot_pairs",
        lambda x: otg.AutoEncoder(_encoder(CODES), _decoder()),
    ),
    "LatentOT, pairs": ("latent_ot_pairs", _pairs),
    "MKE, exact": ("mke_exact", lambda x: otg.MKE(_decoder(), discrepancy="exact", prior=CODES)),
}


def made(name: str, x: Tensor) -> otg.Method:
    """A method, on the device of its data; its networks are made on the CPU, and begin the same."""
    return METHODS[name][1](x).to(x.device)


def options_of(name: str) -> dict[str, Any]:
    """The options of ``fit`` of a method's recipe, but for how long and how many points."""
    stages = otg.recipes.get("digits", METHODS[name][0]).stages()
    last = name.startswith("LatentOT")  # the map's network, and not the auto-encoder before it
    options = [*stages.values()][-1 if last else 0]
    return {k: v for k, v in options.items() if k not in ("steps", "batch_size")}
