"""Grids: axes, points, and the method of each point."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from otgen_lite import _choices, _identity
from otgen_lite.methods.base import Method

#: Points from which a bar shows that methods are made: about a tenth of a second.
MANY = 1000

#: Points that are refused: their methods would take hours to make and all memory.
TOO_MANY = 1_000_000

#: Hyper-parameters by name.
Point = dict[str, Any]


def axes(grid: Any) -> dict[str, list[Any]]:
    """The axes, checked: names with lists of different values.

    Raises:
        TypeError: if the grid is no dict, or an axis no list.
        ValueError: if there is no axis, an axis has no value or one twice, or the points are too
            many.
    """
    if not isinstance(grid, Mapping):
        raise TypeError(f"grid must be a dict of lists by name, got a {type(grid).__name__}")
    if not grid:
        raise ValueError("grid must have at least one axis, got none")
    out = {_name(name): _values(name, values) for name, values in grid.items()}
    total = math.prod(map(len, out.values()))
    if total > TOO_MANY:
        sizes = " × ".join(f"{name} {len(values):,}" for name, values in out.items())
        raise ValueError(
            f"grid must have at most {TOO_MANY:,} points, got {sizes} = {total:,}: take fewer "
            "values on an axis, or several sweeps"
        )
    return out


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise TypeError(f"grid must have names of arguments as keys, got {name!r}")
    return name


def _values(name: str, values: Any) -> list[Any]:
    if isinstance(values, (Tensor, np.ndarray)) or hasattr(values, "to_numpy"):
        if values.ndim != 1:
            raise ValueError(f"grid[{name!r}] must be a list, got shape {tuple(values.shape)}")
        values = list(values.tolist())
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Sequence):
        raise TypeError(f"grid[{name!r}] must be a list of values, got {values!r}")
    if not len(values):
        raise ValueError(f"grid[{name!r}] must hold at least one value, got none")
    out = [value.item() if isinstance(value, np.generic) else value for value in values]
    if len(out) > TOO_MANY:
        raise ValueError(f"grid[{name!r}] must hold at most {TOO_MANY:,} values, got {len(out):,}")
    seen: set[Any] = set()
    others: list[Any] = []  # what has no hash is compared with all
    for value in out:
        try:
            twice = value in seen
            seen.add(value)
        except TypeError:
            twice = any(_choices.equal(value, other) for other in others)
            others.append(value)
        if twice:
            raise ValueError(f"grid[{name!r}] must hold different values, got {value!r} twice")
    return out


def points(grid: Mapping[str, Sequence[Any]]) -> list[Point]:
    """The product of the axes, the last one fastest."""
    names = list(grid)
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*grid.values())]


def words(point: Point) -> str:
    """A point as it is written: ``lam=10.0, cost='cityblock'``."""
    return ", ".join(f"{name}={_short(value)}" for name, value in point.items())


def exact(point: Point) -> str:
    """A point in words that no other point has: two functions of one name are told apart."""
    return ", ".join(f"{name}={_identity.words(value)}" for name, value in point.items())


def _short(value: Any) -> str:
    name = getattr(value, "__qualname__", None)
    return name if callable(value) and name else repr(value)


def methods(
    make_method: Callable[..., Method], where: Sequence[Point], *, progress: bool = False
) -> list[Method]:
    """A method for each point, each with tensors of its own; a bar shows where many are made.

    Raises:
        TypeError: if ``make_method`` does not take the axes, or makes something else.
        ValueError: if two methods share a parameter.
    """
    from tqdm.auto import tqdm

    if not callable(make_method):
        raise TypeError(f"make_method must be callable, got {make_method!r}")
    if isinstance(make_method, nn.Module):
        raise TypeError(
            "make_method must be a function that makes a new method at each call, got a "
            f"{type(make_method).__name__} that is made already: write it as "
            f"lambda {', '.join(where[0])}: {type(make_method).__name__}(...)"
        )
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
    shown = progress and len(where) >= MANY
    for point in tqdm(where, desc="making methods", leave=False, disable=not shown):
        method = make_method(**point)
        if not isinstance(method, Method):
            raise TypeError(
                f"make_method must return a Method, got a {type(method).__name__} for "
                f"{words(point)}"
            )
        if not getattr(method, "players", None):
            raise TypeError(
                "make_method must return a Method with players, got a "
                f"{type(method).__name__} that has none for {words(point)}"
                + (f": {method.instead}" if method.instead else "")
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
