"""Grids: axes, points, and the method of each point."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from otgen_lite import _identity
from otgen_lite.methods.base import Method

#: Hyper-parameters by name.
Point = dict[str, Any]


def axes(grid: Any) -> dict[str, list[Any]]:
    """The axes, checked: names with lists of different values.

    Raises:
        TypeError: if the grid is no dict, or an axis no list.
        ValueError: if there is no axis, or an axis has no value or one twice.
    """
    if not isinstance(grid, Mapping):
        raise TypeError(f"grid must be a dict of lists by name, got a {type(grid).__name__}")
    if not grid:
        raise ValueError("grid must have at least one axis, got none")
    return {_name(name): _values(name, values) for name, values in grid.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise TypeError(f"grid must have names of arguments as keys, got {name!r}")
    return name


def _values(name: str, values: Any) -> list[Any]:
    if isinstance(values, (Tensor, np.ndarray)):
        if values.ndim != 1:
            raise ValueError(f"grid[{name!r}] must be a list, got shape {tuple(values.shape)}")
        values = values.tolist()
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Sequence):
        raise TypeError(f"grid[{name!r}] must be a list of values, got {values!r}")
    if not len(values):
        raise ValueError(f"grid[{name!r}] must hold at least one value, got none")
    out: list[Any] = []
    for value in values:
        value = value.item() if isinstance(value, np.generic) else value
        if any(value is other or bool(value == other) for other in out):
            raise ValueError(f"grid[{name!r}] must hold different values, got {value!r} twice")
        out.append(value)
    return out


def points(grid: Mapping[str, Sequence[Any]]) -> list[Point]:
    """The product of the axes, the last one fastest."""
    names = list(grid)
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*grid.values())]


def words(point: Point) -> str:
    """A point as one writes it: ``lam=10.0, cost='cityblock'``."""
    return ", ".join(f"{name}={_short(value)}" for name, value in point.items())


def exact(point: Point) -> str:
    """A point in words that no other point has: two functions of one name are told apart."""
    return ", ".join(f"{name}={_identity.words(value)}" for name, value in point.items())


def _short(value: Any) -> str:
    name = getattr(value, "__qualname__", None)
    return name if callable(value) and name else repr(value)


def methods(make_method: Callable[..., Method], where: Sequence[Point]) -> list[Method]:
    """A method for each point, each with tensors of its own.

    Raises:
        TypeError: if ``make_method`` does not take the axes, or makes something else.
        ValueError: if two methods share a parameter.
    """
    if not callable(make_method):
        raise TypeError(f"make_method must be callable, got {make_method!r}")
    try:
        signature = inspect.signature(make_method)
    except (TypeError, ValueError):
        signature = None
    if signature is not None:
        try:
            signature.bind(**where[0])
        except TypeError as error:
            raise TypeError(
                f"make_method must take the axes of the grid, {list(where[0])}, by keyword, "
                f"got make_method{signature}: {error}"
            ) from None
    made: list[Method] = []
    owner: dict[int, tuple[Point, str]] = {}
    for point in where:
        method = make_method(**point)
        if not isinstance(method, Method):
            raise TypeError(
                f"make_method must return a Method, got a {type(method).__name__} for "
                f"{words(point)}"
            )
        for name, parameter in method.named_parameters():
            other = owner.get(id(parameter))
            if other is not None:
                raise ValueError(
                    "make_method must make new networks at each call, got one parameter, "
                    f"{name!r}, in both {words(other[0])} and {words(point)}"
                )
        owner |= {id(p): (point, n) for n, p in method.named_parameters()}
        made.append(method)
    return made
