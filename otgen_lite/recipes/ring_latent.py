"""Eight Gaussians on a ring: a plain auto-encoder, then transport from the prior to its codes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite._draws import below
from otgen_lite.divergences import MomentMatching
from otgen_lite.methods import LatentOT, PenalizedOT
from otgen_lite.networks import MLP
from otgen_lite.recipes.base import initial
from otgen_lite.recipes.latent import latent_recipes

#: Options of ``fit`` for the auto-encoder.
AUTOENCODER: dict[str, Any] = {
    "steps": 1000, "batch_size": 256, "lr": 8e-3, "schedule": "cosine", "ema": 0.99,
}  # fmt: skip

#: The same for the network of the map that has one.
NETWORK: dict[str, Any] = {
    "steps": 1500, "batch_size": 256, "lr": 4e-3, "schedule": "cosine", "ema": 0.99,
}  # fmt: skip

#: Steps of ascent on the potential.
STEPS = 1200


def autoencoder(seed: int, data: Tensor) -> PenalizedOT:
    """The auto-encoder of the latent recipes, before training.

    Its codes have mean 0 and covariance 1 and are free otherwise: codes on a thin ellipse leave
    long thin cells, and the potential then takes ten times as many steps.
    """
    draw = initial(seed)
    return PenalizedOT(
        MLP(2, [64, 64], 2, generator=draw),
        MLP(2, [64, 64], 2, generator=draw),
        penalty=MomentMatching(),
        lam=0.1,
    )


def spread(points: Tensor, levels: int, generator: torch.Generator) -> Tensor:
    """2^levels of the points, one from each leaf of a tree whose leaves hold equally many.

    Each node is cut at the median of its widest coordinate. Points that are picked at random have
    the wrong number in each mode by chance; these are off by the few leaves that reach across.

    Args:
        points: (n, d), with n >= 2^levels.
        levels: depth of the tree.
        generator: picks the point of each leaf.

    Returns:
        (2^levels,) indices.
    """
    leaves = [torch.arange(len(points), device=points.device)]
    for _ in range(levels):
        halves = []
        for leaf in leaves:
            at = points[leaf]
            widest = int((at.amax(dim=0) - at.amin(dim=0)).argmax())
            order = leaf[at[:, widest].argsort()]
            halves += [order[: len(order) // 2], order[len(order) // 2 :]]
        leaves = halves
    picks = [leaf[below(len(leaf), (1,), generator, leaf)] for leaf in leaves]
    return torch.cat(picks)


def _fit_map(method: LatentOT, seed: int) -> None:
    method.fit_map(seed=seed, steps=STEPS)


def _atoms(inner: PenalizedOT, data: Tensor, levels: int, seed: int) -> Tensor:
    """2^levels of the data, whose codes are the atoms."""
    return data[spread(inner.encode(data), levels, initial(seed))]


def _semidiscrete(inner: PenalizedOT, data: Tensor, seed: int) -> LatentOT:
    return LatentOT(inner, data=_atoms(inner, data, 10, seed), map="semidiscrete")


def _pairs(inner: PenalizedOT, data: Tensor, seed: int) -> LatentOT:
    draw = initial(seed + 1)
    network = MLP(2, [96] * 4, 2, generator=draw)
    atoms = _atoms(inner, data, 9, seed)
    return LatentOT(inner, data=atoms, map="pairs", plan="semidiscrete", network=network)


latent_recipes(
    "eight_gaussians", autoencoder, {"semidiscrete": _semidiscrete, "pairs": _pairs}, _fit_map,
    lambda: AUTOENCODER, NETWORK,
)  # fmt: skip
