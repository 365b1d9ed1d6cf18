"""Priors: distributions of the latent codes."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import normal, uniform


class Prior(Protocol):
    """A prior: a dimension ``dim``, a method ``draw``, and a ``log_density`` where one is known."""

    dim: int

    def draw(self, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
        """(n, dim) codes in the type and on the device of ``like``."""
        ...


class GaussianPrior:
    r"""The isotropic Gaussian prior :math:`N(0, s^2 I_d)`.

    Args:
        dim: the dimension d.
        scale: the standard deviation s > 0.

    Raises:
        ValueError: if ``dim < 1`` or ``scale <= 0``.

    Chapter: 5, 10.

    Example:
        >>> prior = GaussianPrior(2)
        >>> prior.log_density(torch.zeros(1, 2, dtype=torch.float64))
        tensor([-1.8379], dtype=torch.float64)
    """

    def __init__(self, dim: int, scale: float = 1.0) -> None:
        self.dim = _checks.count("dim", dim)
        self.scale = _checks.positive("scale", scale)

    def __repr__(self) -> str:
        return f"GaussianPrior({self.dim}, scale={self.scale:g})"

    def draw(self, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
        """(n, dim) codes in the type and on the device of ``like``."""
        return self.scale * normal((n, self.dim), generator, like)

    def log_density(self, z: Tensor) -> Tensor:
        """The (n,) natural logarithms of the density at (n, dim) codes."""
        norm = z.square().sum(dim=-1) / self.scale**2
        return -0.5 * (norm + self.dim * math.log(2.0 * math.pi * self.scale**2))


class UniformPrior:
    """The uniform prior on the cube :math:`[low, high]^d`: independent uniform coordinates.

    Args:
        dim: the dimension d.
        low: the lower end.
        high: the upper end, above ``low``.

    Raises:
        ValueError: if ``dim < 1`` or ``high <= low``.

    Chapter: 5, 6.

    Example:
        >>> prior = UniformPrior(1, -1.0, 1.0)
        >>> z = prior.draw(100, torch.Generator().manual_seed(0), torch.ones(1))
        >>> bool(z.abs().max() <= 1.0)
        True
    """

    def __init__(self, dim: int, low: float = 0.0, high: float = 1.0) -> None:
        self.dim = _checks.count("dim", dim)
        self.low = _checks.number("low", low)
        self.high = _checks.number("high", high)
        if self.high <= self.low:
            raise ValueError(f"high must be above low = {self.low:g}, got {self.high:g}")

    def __repr__(self) -> str:
        return f"UniformPrior({self.dim}, {self.low:g}, {self.high:g})"

    def draw(self, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
        """(n, dim) codes in the type and on the device of ``like``."""
        unit = uniform((n, self.dim), generator, like)
        return self.low + (self.high - self.low) * unit

    def log_density(self, z: Tensor) -> Tensor:
        """The (n,) natural logarithms of the density at (n, dim) codes; -inf outside the cube."""
        inside = ((z >= self.low) & (z <= self.high)).all(dim=-1)
        value = -self.dim * math.log(self.high - self.low)
        # Two plain numbers would be chosen between in single precision.
        return torch.where(inside, z.new_tensor(value), z.new_tensor(-math.inf))


def even(prior: Any, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
    """(n, dim) codes of a prior that are spread evenly: each has the prior's law, not on its own.

    A lattice in the unit cube (multiples of powers of a root of t^(d+1) = t + 1, modulo 1), moved
    by one uniform draw and carried to the prior by its quantiles. Means over such codes fluctuate
    less than over independent ones, and have no bias.

    Raises:
        TypeError: if the prior is neither Gaussian nor uniform.
    """
    root = 1.5
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (prior.dim + 1))
    where: Any = {"dtype": _checks.wide(like.device), "device": like.device}
    steps = torch.tensor([root ** -(j + 1) for j in range(prior.dim)], **where)
    shift = uniform((prior.dim,), generator, steps)
    rows = torch.arange(n, **where)
    cube = (rows[:, None] * steps + shift).remainder(1.0)
    if isinstance(prior, GaussianPrior):
        edge = max(1e-12, torch.finfo(cube.dtype).eps)
        codes = prior.scale * torch.special.ndtri(cube.clamp(edge, 1.0 - edge))
    elif isinstance(prior, UniformPrior):
        codes = prior.low + (prior.high - prior.low) * cube
    else:
        raise TypeError(f"even codes need a GaussianPrior or a UniformPrior, got {prior!r}")
    return codes.to(like.dtype)


def prior_of(prior: Prior | int | None, network: nn.Module, name: str) -> Prior:
    """The prior as given; a Gaussian of that dimension; or of the dimension that the network asks.

    Args:
        prior: a prior, its dimension, or None.
        network: the network that codes go into.
        name: the argument that gave ``network``, for the message.
    """
    if prior is not None and not isinstance(prior, int):
        if not hasattr(prior, "draw") or not hasattr(prior, "dim"):
            raise TypeError(
                "prior must be a prior such as GaussianPrior(2), a dimension, or None, "
                f"got {prior!r}"
            )
        return prior
    if prior is not None:
        return GaussianPrior(_checks.count("prior", prior))
    size = _inputs(network)
    if size is None:
        raise ValueError(
            f"the dimension of the codes cannot be read from {name}; give prior=GaussianPrior(d)"
        )
    return GaussianPrior(size)


def _inputs(network: nn.Module) -> int | None:
    """The width of the input of a network's first layer; None where no layer says it."""
    for module in network.modules():
        size = getattr(module, "in_features", None)
        if isinstance(size, int):
            return size
    return None
