"""Two ways to draw codes without any optimal transport of samples: what a map must beat."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite.methods._latent_maps import LatentMap, seed_of
from otgen_lite.methods.priors import GaussianPrior, Prior, UniformPrior, normal
from otgen_lite.transport import gaussian_map

#: Draws from which the moments of a prior are taken.
_DRAWS = 1 << 16


class GaussianMap(LatentMap):
    """The optimal map between the Gaussians that have the moments of prior and codes."""

    A: Tensor
    t: Tensor

    def __init__(self, prior: Prior, codes: Tensor) -> None:
        super().__init__(prior, codes)
        d = codes.shape[1]
        self.register_buffer("A", torch.eye(d, dtype=codes.dtype, device=codes.device))
        self.register_buffer("t", codes.new_zeros(d))

    def make(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """The closed form."""
        A, t = gaussian_map(*moments_of(self.prior, codes, generator), *moments(codes))
        self.A.copy_(A)
        self.t.copy_(t)
        self.known.fill_(True)

    def carry(self, z: Tensor, codes: Tensor) -> Tensor:
        """A z + t."""
        return z @ self.A + self.t


class MixtureMap(LatentMap):
    """No map at all: codes drawn from a mixture of Gaussians that was fitted to them."""

    weights: Tensor
    means: Tensor
    roots: Tensor

    def __init__(self, prior: Prior, codes: Tensor, components: int) -> None:
        super().__init__(prior, codes)
        k, d = components, codes.shape[1]
        for name, shape in (("weights", (k,)), ("means", (k, d)), ("roots", (k, d, d))):
            self.register_buffer(name, codes.new_zeros(shape))

    def make(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """The EM algorithm of scikit-learn; ``options`` are those of its GaussianMixture."""
        from sklearn.mixture import GaussianMixture

        options = {"random_state": seed_of(generator), **options}
        found = GaussianMixture(len(self.weights), **options).fit(codes.cpu().double().numpy())
        self.weights.copy_(torch.from_numpy(found.weights_))
        self.means.copy_(torch.from_numpy(found.means_))
        self.roots.copy_(torch.linalg.cholesky(torch.from_numpy(found.covariances_)))
        self.known.fill_(True)

    def carry(self, z: Tensor, codes: Tensor) -> Tensor:
        """There is none."""
        raise TypeError("a mixture has no map of codes of the prior; draw from it by sample()")

    def draw(self, n: int, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """A component by its weight, then a point of its Gaussian."""
        place = self.weights.device if generator is None else generator.device
        weights = self.weights.to(place)
        k = torch.multinomial(weights, n, replacement=True, generator=generator).to(codes.device)
        noise = normal((n, codes.shape[1]), generator, codes)
        return self.means[k] + (self.roots[k] @ noise[:, :, None])[:, :, 0]


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of points, in float64; on the CPU, which has it."""
    x = x.cpu().double()
    centred = x - x.mean(dim=0)
    return x.mean(dim=0), centred.T @ centred / len(x)


def moments_of(prior: Prior, like: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mean and covariance of a prior; from a sample where it is not one of ours."""
    mean = torch.zeros(prior.dim, dtype=torch.float64, device="cpu")
    one = torch.eye(prior.dim, dtype=torch.float64, device="cpu")
    if isinstance(prior, GaussianPrior):
        return mean, prior.scale**2 * one
    if isinstance(prior, UniformPrior):
        width = prior.high - prior.low
        return mean + prior.low + width / 2, width**2 / 12 * one
    return moments(prior.draw(_DRAWS, generator, like))
