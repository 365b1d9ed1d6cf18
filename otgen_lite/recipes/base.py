"""Recipes: data, networks and settings that were tried together, under one name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite import data as data_module
from otgen_lite.methods import Method
from otgen_lite.training import History, fit

#: How many points of a toy a recipe trains on: many enough that their modes' shares are right to
#: a thousandth.
TOY_POINTS = 100_000

Maker = Callable[[int, Tensor], Method]


class Trainer(Protocol):
    """The training of a recipe for which one call of ``fit`` is not enough."""

    def __call__(
        self, recipe: Recipe, seed: int, data: Tensor, progress: bool, options: dict[str, Any]
    ) -> tuple[Method, History]: ...


class Recipe:
    """A recipe: networks, a method, and the options of ``fit`` that were chosen together.

    Attributes:
        on: name of the data.
        name: name of the recipe.
        points: number of points that a recipe for toy data trains on.
        options: keyword arguments for :func:`~otgen_lite.fit`, as a copy. The options of a recipe
            in several stages are in :meth:`stages`.

    Chapter: 12.
    """

    def __init__(
        self,
        on: str,
        name: str,
        maker: Maker,
        trainer: Trainer | None,
        points: int,
        options: dict[str, Any],
    ) -> None:
        self.on, self.name, self.points = on, name, points
        self._maker, self._trainer, self._options = maker, trainer, options
        self.__doc__ = maker.__doc__ or self.__doc__

    def __repr__(self) -> str:
        return f"Recipe({self.on!r}, {self.name!r})"

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for ``fit``, as a copy."""
        return dict(self._options)

    def _merged(self, overrides: dict[str, Any]) -> dict[str, Any]:
        return {**self._options, **overrides}

    def stages(self, **overrides: Any) -> dict[str, dict[str, Any]]:
        """The stages of :meth:`train`: the options of each call of ``fit``, by name of the stage.

        Args:
            overrides: as for :meth:`train`.

        Raises:
            TypeError: if ``fit`` has no such option.
        """
        _known(overrides)
        options = self._merged(overrides)
        stages = getattr(self._trainer, "stages", None)
        return stages(options) if stages is not None else {self.name: options}

    def data(self, seed: int) -> Tensor:
        """The training data: ``points`` draws from a toy distribution, or all images.

        Args:
            seed: seed of the draws; ignored for images.

        Returns:
            (n, ...) data in float32.
        """
        return DATA[self.on](seed, self.points)

    def make(self, seed: int, data: Tensor | None = None) -> Method:
        """Make the method, untrained.

        Args:
            seed: seed of the initial weights of the networks.
            data: the training data, which some methods hold, such as ``SemiDual``; :meth:`data`
                with this seed where None.

        Returns:
            A method for ``fit``.
        """
        return self._maker(seed, self.data(seed) if data is None else data)

    def train(
        self, seed: int = 0, data: Tensor | None = None, progress: bool = False, **overrides: Any
    ) -> tuple[Method, History]:
        """Make the method and train it.

        Args:
            seed: seed of the data, the initial weights, and the draws of the training.
            data: (n, ...) data; :meth:`data` with this seed where None.
            progress: whether ``fit`` shows a progress bar.
            overrides: options of ``fit`` that replace those of the recipe, in all of its stages.

        Returns:
            The trained method, and the history of its last stage.

        Raises:
            TypeError: if ``fit`` has no such option; this is checked before work starts.
        """
        _known(overrides)
        data = self.data(seed) if data is None else data
        options = self._merged(overrides)
        if self._trainer is not None:
            return self._trainer(self, seed, data, progress, options)
        method = self.make(seed, data)
        return method, fit(method, data, seed=seed, progress=progress, **options)


#: Options of ``fit`` that may be overridden; a recipe brings the rest itself.
_OPTIONS = tuple(
    name
    for name, parameter in inspect.signature(fit).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY and name not in ("seed", "progress")
)


def _known(options: dict[str, Any]) -> None:
    """Refuse options that ``fit`` does not have."""
    for name in options:
        try:
            _checks.choice("an option of fit", name, _OPTIONS)
        except ValueError as error:
            raise TypeError(str(error)) from None


_REGISTRY: dict[str, dict[str, Recipe]] = {}


def recipe(
    on: str,
    name: str,
    *,
    trainer: Trainer | None = None,
    points: int = TOY_POINTS,
    **options: Any,
) -> Callable[[Maker], Recipe]:
    """Register a function ``(seed, data) -> method`` as a recipe.

    Args:
        on: name of the data, a key of ``DATA``.
        name: name of the recipe.
        trainer: how the recipe trains, if one call of ``fit`` is not enough.
        points: number of points of a toy distribution; ignored for images.
        options: keyword arguments for ``fit``.

    Raises:
        TypeError: if ``fit`` has no such option.
        ValueError: if there is no such data set, or the name is taken.
    """
    _checks.choice("on", on, DATA)
    _known(options)
    shelf = _REGISTRY.setdefault(on, {})
    if name in shelf:
        raise ValueError(f"name must be new, but {name!r} is already a recipe on {on!r}")

    def register(maker: Maker) -> Recipe:
        shelf[name] = Recipe(on, name, maker, trainer, points, options)
        return shelf[name]

    return register


def initial(seed: int) -> torch.Generator:
    """Randomness of initial weights, on the CPU: the same numbers for every device."""
    return torch.Generator("cpu").manual_seed(seed)


def get(data: str, name: str) -> Recipe:
    """The recipe of a method on some data.

    Args:
        data: ``"eight_gaussians"`` or ``"digits"``.
        name: one of :func:`names`.

    Returns:
        A :class:`Recipe`, with ``make(seed)``, ``options`` and ``train(seed)``.

    Raises:
        ValueError: if there is no such recipe; the message suggests the most similar name.

    Chapter: 12.

    Example:
        >>> get("eight_gaussians", "wgan_gp").train(seed=0, steps=2, progress=False)[1].steps
        2
    """
    known = names(data)
    return _REGISTRY[data][_checks.choice("name", name, known)]


def names(data: str) -> tuple[str, ...]:
    """The names of all recipes for a data set, in the order of the book's table.

    Args:
        data: ``"eight_gaussians"`` or ``"digits"``.

    Raises:
        ValueError: if there is no such data set.

    Chapter: 14.

    Example:
        >>> names("digits")[0]
        'mke_sinkhorn'
    """
    return tuple(_REGISTRY.get(_checks.choice("data", data, DATA), {}))


def _eight_gaussians(seed: int, points: int) -> Tensor:
    return data_module.eight_gaussians(points, seed, dtype=torch.float32)


def _digits(seed: int, points: int) -> Tensor:
    return data_module.digits(dtype=torch.float32)[0]


#: Training data by name, from a seed and the number of points of a toy.
DATA: dict[str, Callable[[int, int], Tensor]] = {
    "eight_gaussians": _eight_gaussians,
    "digits": _digits,
}
