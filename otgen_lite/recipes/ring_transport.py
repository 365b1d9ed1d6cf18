"""Eight Gaussians on a ring: methods that compare the distribution of a generator with the data.

All of them benefit from wide codes (standard deviation 2 or 4) and a narrow generator with a high
learning rate that falls to zero, because eight small clusters need a steep map; and from averaged
weights, because the shares of the modes must be accurate to a few thousandths.
"""

from __future__ import annotations

import torch
from torch import Tensor

from otgen_lite.methods import MKE, WGAN, GaussianPrior, SemiDual
from otgen_lite.networks import MLP, leaky
from otgen_lite.recipes.base import initial, recipe


def _generator(seed: int | torch.Generator, codes: int = 2) -> MLP:
    return MLP(codes, [64, 64, 64], 2, generator=seed)


def _wide(codes: int = 2) -> GaussianPrior:
    return GaussianPrior(codes, scale=2.0)


@recipe(
    "eight_gaussians", "mke_sinkhorn", points=1_000_000,
    steps=1600, batch_size=256, lr=1e-2, schedule="cosine", ema=0.98,
)  # fmt: skip
def mke_sinkhorn(seed: int, data: Tensor) -> MKE:
    """Minimum Kantorovich estimation with the Sinkhorn divergence."""
    return MKE(
        _generator(seed), discrepancy="divergence", eps=0.07, sweeps=2, even=True, prior=_wide()
    )


@recipe(
    "eight_gaussians", "mke_exact",
    steps=800, batch_size=256, lr=2e-2, betas=(0.9, 0.99), schedule="cosine", ema=0.98,
)  # fmt: skip
def mke_exact(seed: int, data: Tensor) -> MKE:
    """Minimum Kantorovich estimation with exact transport, one linear programme a step."""
    return MKE(_generator(seed), discrepancy="exact", even=True, prior=_wide())


@recipe(
    "eight_gaussians", "wgan_gp",
    steps=1200, batch_size=256, lr=4e-3, betas=(0.0, 0.9), schedule="cosine", ema=0.99,
)  # fmt: skip
def wgan_gp(seed: int, data: Tensor) -> WGAN:
    """A Wasserstein GAN with a gradient penalty of weight 1."""
    draw = initial(seed)
    return WGAN(
        _generator(draw, codes=4),
        MLP(2, [64, 64], 1, activation=leaky, generator=draw),
        constraint="gp",
        gp_weight=1.0,
        prior=_wide(codes=4),
    )


@recipe(
    "eight_gaussians", "wgan_clip",
    steps=1000, batch_size=256, lr={"critic": 5e-3, "generator": 4e-3}, betas=(0.0, 0.9),
    schedule="cosine", ema=0.99,
)  # fmt: skip
def wgan_clip(seed: int, data: Tensor) -> WGAN:
    """A Wasserstein GAN with clipped weights."""
    draw = initial(seed)
    return WGAN(
        _generator(draw),
        MLP(2, [128, 128], 1, generator=draw),
        constraint="clip",
        clip=0.1,
        prior=GaussianPrior(2, scale=4.0),
    )


@recipe(
    "eight_gaussians", "semidual",
    steps=1000, batch_size=256, lr=4e-3, schedule="cosine", ema=0.98,
)  # fmt: skip
def semidual(seed: int, data: Tensor) -> SemiDual:
    """The alternating algorithm on the semi-dual, with 500 atoms that stand for all the data."""
    atoms, masses = quantised(data, 500)
    return SemiDual(
        _generator(seed), atoms, b=masses, psi_steps=30, psi_step=0.2, memory=0.1, prior=_wide()
    )


def quantised(data: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The first n points as atoms; the mass of each is the share of data nearest to it."""
    atoms = data[:n]
    cells = torch.cat([torch.cdist(some, atoms).argmin(dim=1) for some in data.split(10_000)])
    return atoms, torch.bincount(cells, minlength=n).double() / len(data)
