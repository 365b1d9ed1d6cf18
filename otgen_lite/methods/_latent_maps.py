"""Maps from the prior to the codes of the data, by a potential on the codes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite.methods._latent_model import in_blocks
from otgen_lite.methods._mke_costs import costs_between
from otgen_lite.methods.priors import Prior
from otgen_lite.transport import SemiDiscrete

#: Entries of a cost matrix that are looked at together.
_ENTRIES = 1 << 22

#: Steps of the ascent where neither their number nor a tolerance is given: so many for each code,
#: and at least. Cells of 1,000 codes then hold their masses up to 8 % (L1).
_STEPS, _FEWEST = 3, 2000


class LatentMap(nn.Module):
    """A map of codes of the prior, which may need to be made first.

    ``codes`` (N, d) are those of the data; they belong to the method, and what a map holds is on
    their device.
    """

    known: Tensor

    def __init__(self, prior: Prior, codes: Tensor) -> None:
        super().__init__()
        self.prior = prior
        self.register_buffer("known", codes.new_zeros((), dtype=torch.bool))

    def make(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """Compute what the map needs, and say that it is known."""
        raise NotImplementedError

    def carry(self, z: Tensor, codes: Tensor) -> Tensor:
        """(n, d) images of (n, d) points."""
        raise NotImplementedError

    def draw(self, n: int, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """(n, d) images of fresh points of the prior."""
        return self.carry(self.prior.draw(n, generator, codes), codes)


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

    def make(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """Climb the semi-dual of the prior and the codes."""
        options = {"seed": seed_of(generator), **options}
        if not {"steps", "tol"} & set(options):
            options |= {"steps": max(_FEWEST, _STEPS * len(codes)), "tol": None}
        solver = self.solver(codes)
        solver.fit(lambda n, g: self.prior.draw(n, g, codes), **options)
        self.psi.copy_(solver.psi)
        self.known.fill_(True)

    def carry(self, z: Tensor, codes: Tensor) -> Tensor:
        """The code of each point's cell."""
        return self.solver(codes).transport(z).to(z.device)


class QuadraticMap(SemiDiscreteMap):
    r"""T(z) = z + grad D(z) / K for c = K/2 |x - y|^2, with D = -f and f the soft transform of psi.

    The squared cost is not halved, hence K = 2, and the map is the mean of the codes under the
    soft plan: :math:`z - \tfrac12 \sum_j \pi_j(z)\, 2 (z - y_j) = \sum_j \pi_j(z)\, y_j`.
    """

    def critic(self, z: Tensor, codes: Tensor) -> Tensor:
        """(n,) D at points on the side of the prior; differentiable."""
        scores = (self.psi - costs_between(z, codes, "sqeuclidean")) / self.eps
        return self.eps * (torch.logsumexp(scores, dim=1) - math.log(len(codes)))

    def carry(self, z: Tensor, codes: Tensor) -> Tensor:
        """z + grad D(z) / 2, without the gradient's graph."""
        return self.solver(codes, float(self.eps)).barycentric(z).to(z.device)


class ArgminMap(SemiDiscreteMap):
    r"""T(z) is the x with the least c(x, z) - D(x), over the box around the codes.

    D is the transform of f on a sample z_i of the prior, softened:
    :math:`D(x) = -\varepsilon \log \tfrac1M \sum_i e^{(f(z_i) - c(x, z_i)) / \varepsilon}`. What is
    minimised is convex in x, for :math:`\|x\|^2 - D(x)` is the logarithm of a sum of exponentials
    of affine functions. Beyond the sample's convex hull there is no least value, hence the box.
    """

    z: Tensor
    f: Tensor

    def __init__(self, prior: Prior, codes: Tensor, eps: float, points: int = 1024) -> None:
        super().__init__(prior, codes, eps)
        self.register_buffer("z", codes.new_zeros(points, codes.shape[1]))
        self.register_buffer("f", codes.new_zeros(points))

    def make(self, codes: Tensor, generator: torch.Generator, **options: Any) -> None:
        """Climb the semi-dual, then draw the sample and its transforms."""
        super().make(codes, generator, **options)
        self.z.copy_(self.prior.draw(len(self.z), generator, codes))
        slack = in_blocks(
            lambda z: (costs_between(z, codes, "sqeuclidean") - self.psi).amin(dim=1),
            self.z,
            size=max(1, _ENTRIES // len(codes)),
        )
        self.f.copy_(slack)

    def objective(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """(n,) c(x, z) - D(x), and its gradient in x, which is 2 (mean of z_i under x - z)."""
        scores = (self.f - costs_between(x, self.z, "sqeuclidean")) / self.eps
        total = torch.logsumexp(scores, dim=1)
        mean = torch.exp(scores - total[:, None]) @ self.z
        return (x - z).square().sum(dim=1) + self.eps * total, 2.0 * (mean - z)

    def carry(self, z: Tensor, codes: Tensor) -> Tensor:
        """Descent from the code of each point's cell on."""
        start = super().carry(z, codes)
        return in_blocks(
            lambda x, to: descend(lambda at: self.objective(at, to), x, codes),
            start,
            z,
            size=max(1, _ENTRIES // len(self.z)),
        )


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
    """A seed for what takes no generator."""
    return int(torch.randint(2**31, (), generator=generator, device=generator.device))
