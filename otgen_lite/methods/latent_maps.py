"""Maps from the prior to the codes of the data.

Three have a potential on the codes (:class:`SemiDiscreteMap` and those that inherit from it), one
is a network that learns the pairs of a plan (:class:`PairsMap`), one is affine
(:class:`GaussianMap`), and :class:`MixtureMap` is a mixture and not a map. The last two are the
baselines of the others. :data:`MAPS` holds all of them by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks, costs
from otgen_lite._draws import below, normal
from otgen_lite.methods.base import Noise
from otgen_lite.methods.network_calls import in_blocks
from otgen_lite.methods.priors import GaussianPrior, Prior, UniformPrior
from otgen_lite.transport import SemiDiscrete, gaussian_map, solve_exact

#: Entries of a cost matrix that are looked at together.
_ENTRIES = 1 << 22

#: Steps of the ascent where neither their number nor a tolerance is given: so many for each code,
#: and at least. Cells of 1,000 codes then hold their masses up to 8 % in L1.
_STEPS, _FEWEST = 3, 2000

#: Draws from which the moments of a prior are taken.
_DRAWS = 1 << 16

#: Sources of the pairs that :class:`PairsMap` learns.
PLANS = ("batch", "whole", "semidiscrete")


class LatentMap(nn.Module):
    """A map of codes of the prior, which may have to be fitted first.

    ``codes`` (N, d) are those of the data; they belong to the method, and the tensors of a map are
    on their device.
    """

    fitted: Tensor

    def __init__(self, prior: Prior, codes: Tensor) -> None:
        super().__init__()
        self.prior = prior
        self.register_buffer("fitted", codes.new_zeros((), dtype=torch.bool))

    def fit(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """Compute the map from the codes, and set ``fitted``."""
        raise NotImplementedError

    def transport(self, z: Tensor, codes: Tensor) -> Tensor:
        """(n, d) images of (n, d) points."""
        raise NotImplementedError

    def draw(self, n: int, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """(n, d) images of fresh points of the prior."""
        return self.transport(self.prior.draw(n, generator, codes), codes)


class SemiDiscreteMap(LatentMap):
    """Each point goes to the code in whose cell it lies."""

    psi: Tensor
    eps: Tensor

    def __init__(self, prior: Prior, codes: Tensor, eps: float = 0.0) -> None:
        super().__init__(prior, codes)
        self.register_buffer("eps", codes.new_tensor(eps))
        self.register_buffer("psi", codes.new_zeros(len(codes)))

    def solver(self, codes: Tensor, eps: float = 0.0) -> SemiDiscrete:
        """The transport problem with the present potential."""
        return SemiDiscrete(codes, eps=eps, psi=self.psi)

    def fit(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """Climb the semi-dual of the prior and the codes."""
        options = {"seed": seed_of(generator), **options}
        if not {"steps", "tol"} & set(options):
            options |= {"steps": max(_FEWEST, _STEPS * len(codes)), "tol": None}
        solver = self.solver(codes)
        solver.fit(lambda n, g: self.prior.draw(n, g, codes), **options)
        self.psi.copy_(solver.psi)
        self.fitted.fill_(True)

    def transport(self, z: Tensor, codes: Tensor) -> Tensor:
        """The code of each point's cell."""
        return self.solver(codes).transport(z).to(z.device)


class QuadraticMap(SemiDiscreteMap):
    r"""T(z) = z + grad D(z) / K for c = K/2 |x - y|^2, with D = -f and f the soft transform of psi.

    The squared cost is not halved, hence K = 2, and the map is the mean of the codes under the
    soft plan: :math:`z - \tfrac12 \sum_j \pi_j(z)\, 2 (z - y_j) = \sum_j \pi_j(z)\, y_j`.
    """

    def critic(self, z: Tensor, codes: Tensor) -> Tensor:
        """(n,) D at points on the side of the prior; differentiable."""
        scores = (self.psi - costs.matrix(z, codes, "sqeuclidean")) / self.eps
        return self.eps * (torch.logsumexp(scores, dim=1) - math.log(len(codes)))

    def transport(self, z: Tensor, codes: Tensor) -> Tensor:
        """z + grad D(z) / 2, without the gradient's graph."""
        return self.solver(codes, float(self.eps)).barycentric(z).to(z.device)


class ArgminMap(SemiDiscreteMap):
    r"""T(z) is the x with the least c(x, z) - D(x), over the box around the codes.

    D is the transform of f on a sample z_i of the prior, softened:
    :math:`D(x) = -\varepsilon \log \tfrac1M \sum_i e^{(f(z_i) - c(x, z_i)) / \varepsilon}`. The
    objective is convex in x, for :math:`\|x\|^2 - D(x)` is the logarithm of a sum of exponentials
    of affine functions. Beyond the sample's convex hull there is no least value, hence the box.
    """

    z: Tensor
    f: Tensor

    def __init__(self, prior: Prior, codes: Tensor, eps: float, points: int = 1024) -> None:
        super().__init__(prior, codes, eps)
        self.register_buffer("z", codes.new_zeros(points, codes.shape[1]))
        self.register_buffer("f", codes.new_zeros(points))

    def fit(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """Climb the semi-dual, then draw the sample and its transforms."""
        super().fit(codes, generator, **options)
        self.z.copy_(self.prior.draw(len(self.z), generator, codes))
        slack = in_blocks(
            lambda z: (costs.matrix(z, codes, "sqeuclidean") - self.psi).amin(dim=1),
            self.z,
            size=max(1, _ENTRIES // len(codes)),
        )
        self.f.copy_(slack)

    def objective(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """(n,) c(x, z) - D(x), and its gradient in x, which is 2 (mean of z_i under x - z)."""
        scores = (self.f - costs.matrix(x, self.z, "sqeuclidean")) / self.eps
        total = torch.logsumexp(scores, dim=1)
        mean = torch.exp(scores - total[:, None]) @ self.z
        return (x - z).square().sum(dim=1) + self.eps * total, 2.0 * (mean - z)

    def transport(self, z: Tensor, codes: Tensor) -> Tensor:
        """Descent from the code of each point's cell on."""
        start = super().transport(z, codes)
        return in_blocks(
            lambda x, to: descend(lambda at: self.objective(at, to), x, codes),
            start,
            z,
            size=max(1, _ENTRIES // len(self.z)),
        )


class PairsMap(LatentMap):
    """A network regressed on pairs (z, code) of an exact plan.

    Args:
        prior: the law of z.
        codes: (N, d) codes of the data.
        network: (n, d) to (n, d).
        plan: ``"batch"``: the plan of each batch of codes and as many draws; ``"whole"``: one plan
            of all codes and as many draws, made once; ``"semidiscrete"``: the semi-discrete map at
            fresh draws.
    """

    z: Tensor
    partner: Tensor

    def __init__(self, prior: Prior, codes: Tensor, network: nn.Module, plan: str) -> None:
        super().__init__(prior, codes)
        self.network, self.plan = network, plan
        self.fitted.fill_(plan == "batch")
        if plan == "whole":
            self.register_buffer("z", torch.zeros_like(codes))
            self.register_buffer("partner", codes.new_zeros(len(codes), dtype=torch.int64))
        if plan == "semidiscrete":
            self.inner = SemiDiscreteMap(prior, codes)

    def fit(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """The plan of the whole, or the semi-discrete potential; nothing for plans of batches."""
        if self.plan == "semidiscrete":
            self.inner.fit(codes, generator, **options)
        elif self.plan == "whole":
            self.z.copy_(self.prior.draw(len(codes), generator, codes))
            self.partner.copy_(partners(self.z, codes))
        self.fitted.fill_(True)

    def noise(self, n: int, codes: Tensor, generator: torch.Generator | None) -> dict[str, Tensor]:
        """Draws of the prior, or the indices of pairs of the whole plan."""
        if self.plan != "whole":
            return {"prior": self.prior.draw(n, generator, codes)}
        return {"pick": below(len(codes), (n,), generator, codes)}

    def pairs(self, batch_codes: Tensor, codes: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Points of the prior and the codes that the plan gives them."""
        if self.plan == "whole":
            return self.z[noise["pick"]], codes[self.partner[noise["pick"]]]
        z = noise["prior"]
        if self.plan == "semidiscrete":
            return z, self.inner.transport(z, codes)
        return z, batch_codes[partners(z, batch_codes)]

    def transport(self, z: Tensor, codes: Tensor) -> Tensor:
        """The network's images."""
        return in_blocks(self.network, z)


class GaussianMap(LatentMap):
    """The optimal map between the Gaussians that have the moments of prior and codes."""

    A: Tensor
    t: Tensor

    def __init__(self, prior: Prior, codes: Tensor) -> None:
        super().__init__(prior, codes)
        d = codes.shape[1]
        self.register_buffer("A", torch.eye(d, dtype=codes.dtype, device=codes.device))
        self.register_buffer("t", codes.new_zeros(d))

    def fit(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """The affine map of two means and two covariances."""
        A, t = gaussian_map(*moments_of(self.prior, codes, generator), *moments(codes))
        self.A.copy_(A)
        self.t.copy_(t)
        self.fitted.fill_(True)

    def transport(self, z: Tensor, codes: Tensor) -> Tensor:
        """A z + t for each point; points are rows, and A is symmetric."""
        return z @ self.A + self.t


class MixtureMap(LatentMap):
    """No map: codes drawn from a mixture of Gaussians that was fitted to them."""

    weights: Tensor
    means: Tensor
    roots: Tensor

    def __init__(self, prior: Prior, codes: Tensor, components: int) -> None:
        super().__init__(prior, codes)
        k, d = components, codes.shape[1]
        for name, shape in (("weights", (k,)), ("means", (k, d)), ("roots", (k, d, d))):
            self.register_buffer(name, codes.new_zeros(shape))

    def fit(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """The EM algorithm of scikit-learn; ``options`` are those of its GaussianMixture."""
        from sklearn.mixture import GaussianMixture

        options = {"random_state": seed_of(generator), **options}
        found = GaussianMixture(len(self.weights), **options).fit(codes.cpu().double().numpy())
        self.weights.copy_(torch.from_numpy(found.weights_))
        self.means.copy_(torch.from_numpy(found.means_))
        self.roots.copy_(torch.linalg.cholesky(torch.from_numpy(found.covariances_)))
        self.fitted.fill_(True)

    def transport(self, z: Tensor, codes: Tensor) -> Tensor:
        """No map: an error."""
        raise TypeError("the mixture is not a map of the prior; draw from it by sample()")

    def draw(self, n: int, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """A component by its weight, then a point of its Gaussian."""
        place = self.weights.device if generator is None else generator.device
        weights = self.weights.to(place)
        k = torch.multinomial(weights, n, replacement=True, generator=generator).to(codes.device)
        noise = normal((n, codes.shape[1]), generator, codes)
        return self.means[k] + (self.roots[k] @ noise[:, :, None])[:, :, 0]


@dataclass(frozen=True)
class MapOptions:
    """Options of all maps, as given to :class:`~otgen_lite.LatentOT`; each map reads its own.

    Attributes:
        network: of a map that learns pairs.
        plan: which pairs it learns: one of :data:`PLANS`.
        eps: of the soft maps, in the square of the codes' unit.
        components: of the mixture.
    """

    network: Any
    plan: str
    eps: float
    components: int


def _pairs_map(prior: Prior, codes: Tensor, options: MapOptions) -> PairsMap:
    plan = _checks.choice("plan", options.plan, PLANS)
    if options.network is None:
        raise ValueError("network must be given for the map 'pairs': (n, d_z) to (n, d_z)")
    return PairsMap(prior, codes, _checks.module("network", options.network), plan)


def _mixture_map(prior: Prior, codes: Tensor, options: MapOptions) -> MixtureMap:
    return MixtureMap(prior, codes, _checks.count("components", options.components))


#: By name, how a map is made from the prior, the codes and the options.
MAPS: dict[str, Callable[[Prior, Tensor, MapOptions], LatentMap]] = {
    "semidiscrete": lambda prior, codes, _: SemiDiscreteMap(prior, codes),
    "argmin": lambda prior, codes, options: ArgminMap(prior, codes, options.eps),
    "quadratic": lambda prior, codes, options: QuadraticMap(prior, codes, options.eps),
    "pairs": _pairs_map,
    "gaussian": lambda prior, codes, _: GaussianMap(prior, codes),
    "mixture": _mixture_map,
}


def descend(
    objective: Callable[[Tensor], tuple[Tensor, Tensor]], x: Tensor, codes: Tensor, steps: int = 40
) -> Tensor:
    """Projected descent with a step for each point: longer where it helped, shorter where not."""
    low, high = codes.amin(dim=0), codes.amax(dim=0)
    value, slope = objective(x)
    step = torch.full_like(value, 0.1)
    for _ in range(steps):
        new = torch.clamp(x - step[:, None] * slope, low, high)
        there, turned = objective(new)
        better = there <= value
        x = torch.where(better[:, None], new, x)
        slope = torch.where(better[:, None], turned, slope)
        value = torch.where(better, there, value)
        step = torch.where(better, 1.5 * step, 0.3 * step)
    return x


def seed_of(generator: torch.Generator) -> int:
    """A seed, for functions that take no generator."""
    return int(torch.randint(2**31, (), generator=generator, device=generator.device))


def partners(z: Tensor, codes: Tensor) -> Tensor:
    """(n,) indices of the codes that an exact plan of the two samples gives to each z."""
    plan = solve_exact(costs.matrix(z, codes, "sqeuclidean")).plan
    return plan.argmax(dim=1).to(z.device)


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
