"""Toy distributions by name, with samples, density, modes and stratified points."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite._draws import Randomness
from otgen_lite.data import _densities as densities
from otgen_lite.data import _low_discrepancy, _toy_maps, toy_samplers

_SAMPLERS: dict[str, Callable[..., Tensor]] = {
    f.__name__: f
    for f in (
        toy_samplers.eight_gaussians,
        toy_samplers.two_moons,
        toy_samplers.pinwheel,
        toy_samplers.checkerboard,
        toy_samplers.rings,
        toy_samplers.swiss_roll,
    )
}


class Toy:
    r"""A distribution in the plane with a sampler and an exact log-density. Made by :func:`toy`.

    Attributes:
        name: name of the distribution, and of the function that samples from it.
        options: its parameters.
        components: number of equally likely components: 8 Gaussians or black squares, 2 moons or
            rings, the arms of the pinwheel, 1 for the Swiss roll.
        modes: (8, 2) float64 centres of the eight Gaussians; None for the other distributions.
        std: standard deviation of a mode in each coordinate; None where ``modes`` is None.

    Chapter: 5, and every later chapter that trains in the plane.

    Example:
        >>> ring = toy("eight_gaussians")
        >>> ring.sample(3, generator=0).shape, ring.modes.shape, ring.std
        (torch.Size([3, 2]), torch.Size([8, 2]), 0.05)
        >>> ring.log_density(ring.modes[:1])    # log(1 / (8 * 2 pi 0.05^2))
        tensor([2.0741], dtype=torch.float64)
    """

    def __init__(self, name: str, **options: Any) -> None:
        self.name = _checks.choice("name", name, _SAMPLERS)
        known = inspect.signature(_SAMPLERS[name]).parameters
        self.options = {
            key: known[key].default for key in known if key not in ("n", "generator", "dtype")
        }
        for key in options:
            if not self.options:
                raise ValueError(f"{name} has no options, got {key!r}")
            _checks.choice(f"option of {name}", key, self.options)
        self.options.update(options)
        _SAMPLERS[name](1, torch.Generator(), **self.options)  # refuses bad options now, not later
        self.modes: Tensor | None = None
        self.std: float | None = None
        if name == "eight_gaussians":
            with torch.device("cpu"):
                mode, still = torch.arange(8, dtype=torch.float64), torch.zeros(8, 2).double()
                centres = _toy_maps.eight_gaussians(mode, still, **self.options)
            self.modes = _checks.moved(centres, torch.get_default_device())
            self.std = float(self.options["std"])
        self.components = {"eight_gaussians": 8, "checkerboard": 8, "swiss_roll": 1}.get(name, 2)
        if name == "pinwheel":
            self.components = self.options["arms"]

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self.options.items())
        return f"toy({self.name!r}{options})"

    def sample(
        self, n: int, generator: Randomness = None, *, dtype: torch.dtype | None = None
    ) -> Tensor:
        """Draw independent points.

        Args:
            n: number of points.
            generator: a ``torch.Generator``, a seed, or None.
            dtype: floating type; torch's default where None.

        Returns:
            (n, 2) points, the same as those of the function of the same name.
        """
        return _SAMPLERS[self.name](n, generator, dtype=dtype, **self.options)

    def log_density(self, x: Any) -> Tensor:
        r"""The logarithm of the density, differentiable in the points.

        It is exact for the Gaussians (a finite mixture), the checkerboard (:math:`-\log 8` or
        :math:`-\infty`), the rings (a Bessel function) and the pinwheel (a change of variables,
        whose roots are found by bisection). For the moons and the Swiss roll it integrates the
        density of the noise along the curve by Gauss-Legendre quadrature, to about 1e-12.

        Args:
            x: (n, 2) points.

        Returns:
            (n,) natural logarithms of densities per squared unit of length.

        Raises:
            ValueError: if the shape is not (n, 2), a number is not finite, or ``std`` is 0, so that
                the distribution has no density.
            TypeError: if it is not an array of real numbers.
        """
        x = _checks.points("x", x)
        if x.shape[1] != 2:
            raise ValueError(f"x must have shape (n, 2), got {_checks.shape_text(x)}")
        std = float(self.options.get("std", 1.0))
        if std == 0.0:
            raise ValueError(f"std must be > 0 for a density, got 0 in {self!r}")
        if self.name == "eight_gaussians":
            assert self.modes is not None
            return densities.mixture(x, self.modes.to(x), std)
        if self.name == "checkerboard":
            return densities.squares(x)
        if self.name == "rings":
            return densities.circles(x, [1.0, 2.0], std)
        if self.name == "pinwheel":
            return densities.pinwheel(x, self.options["arms"], self.options["twist"])
        if self.name == "swiss_roll":
            length = 2.0 * math.pi * math.hypot(2.0, 2.0 / (4.5 * math.pi)) * 1.5
            return densities.noisy_curves(x, [_toy_maps.swiss_roll], length, std)
        moons = [functools.partial(_moon, lower) for lower in (0.0, 1.0)]
        return densities.noisy_curves(x, moons, math.pi, std)

    def stratified(self, n: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
        """Deterministic points that represent the distribution more evenly than a random sample.

        Each component has the same number of points. Gaussian noise in the plane becomes a
        sunflower pattern: points at the median radii of rings of equal probability, each turned by
        the golden angle. On curves and squares a Kronecker sequence is mapped through the inverse
        distribution function.

        Args:
            n: number of points, a multiple of ``components``.
            dtype: floating type.

        Returns:
            (n, 2) points, the same at each call, ordered by component.

        Raises:
            ValueError: if ``n`` is not a multiple of ``components``.

        Example:
            >>> toy("eight_gaussians").stratified(1000).shape     # 125 a mode
            torch.Size([1000, 2])
        """
        n = _checks.count("n", n)
        if n % self.components:
            raise ValueError(
                f"n must be a multiple of {self.components}, the number of components of "
                f"{self.name}, got {n}"
            )
        each = n // self.components
        with torch.device("cpu"):  # the same points everywhere
            index = torch.arange(self.components, dtype=torch.float64)
            points = self._place(index.repeat_interleave(each), each).to(_checks.floating(dtype))
        return _checks.moved(points, torch.get_default_device())

    def _place(self, component: Tensor, each: int) -> Tensor:
        copies = (self.components, 1)
        if self.name == "eight_gaussians":
            noise = _low_discrepancy.gaussian(each)
            # Turned with the mode, so that an eighth of a turn maps the points to themselves.
            turned = [noise @ _rotation(k * math.pi / 4).T for k in range(8)]
            return _toy_maps.eight_gaussians(component, torch.cat(turned), **self.options)
        if self.name == "pinwheel":
            return _toy_maps.pinwheel(
                component, _low_discrepancy.gaussian(each).repeat(copies), **self.options
            )
        if self.name == "checkerboard":
            return _toy_maps.checkerboard(component, _low_discrepancy.cube(each, 2).repeat(copies))
        u = _low_discrepancy.cube(each, 3).repeat(copies)
        noise = float(self.options["std"]) * torch.special.ndtri(u[:, 1:])
        if self.name == "swiss_roll":
            return _toy_maps.swiss_roll(u[:, 0]) + noise
        curve = _toy_maps.two_moons if self.name == "two_moons" else _toy_maps.rings
        return curve(component, u[:, 0]) + noise


def toy(name: str, **options: Any) -> Toy:
    """A toy distribution by name, with samples, log-density, modes and a stratified sample.

    Args:
        name: ``"eight_gaussians"``, ``"two_moons"``, ``"pinwheel"``, ``"checkerboard"``,
            ``"rings"`` or ``"swiss_roll"``.
        **options: parameters of the function of that name, for example ``std=0.1``.

    Returns:
        :class:`Toy`.

    Raises:
        ValueError: if the name or an option is unknown, or an option is out of range.
        TypeError: if an option has the wrong type.

    Chapter: 5, and every later chapter that trains in the plane.

    Example:
        >>> toy("two_moons", std=0.1)
        toy('two_moons', std=0.1)
    """
    return Toy(name, **options)


def _moon(lower: float, along: Tensor) -> Tensor:
    return _toy_maps.two_moons(torch.full_like(along, lower), along)


def _rotation(angle: float) -> Tensor:
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)
