"""Parts of a training that are not the package's own: may they draw, and from which generators.

Both are found by looking at objects, not by running them: a change that happens now and then would
not show in one run.
"""

from __future__ import annotations

import hashlib
import pickle
import random
import types
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from otgen_lite.training import streams

#: Packages whose objects draw from no generator of the program, but for :data:`_DRAWING`.
_QUIET = ("torch", "otgen_lite", "builtins", "collections", "weakref")

#: Layers of torch that draw.
_DRAWING = (_DropoutNd, nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)

_GENERATORS = (torch.Generator, random.Random, np.random.Generator, np.random.RandomState)

#: The program's own, which :mod:`otgen_lite.training.randomness` looks after.
_PROGRAMS = (torch.default_generator, random._inst, np.random.mtrand._rand)

#: How many objects are looked at, how deep, and how many of a list: data may hold millions.
_MOST, _DEEP, _LONG = 10_000, 8, 1_000

#: Types without a generator inside.
_ATOMS = (
    Tensor, np.ndarray, str, bytes, int, float, complex, type, types.ModuleType, types.NoneType,
)  # fmt: skip


def foreign(value: Any) -> bool:
    """Whether a function or an object is neither torch's nor ours, so that it may draw."""
    if isinstance(value, (list, tuple, set)):
        return any(foreign(one) for one in value)
    if isinstance(value, dict):
        return any(foreign(one) for one in value.values())
    home = getattr(value, "__module__", None) or type(value).__module__
    return home.partition(".")[0] not in _QUIET


def may_draw(method: nn.Module) -> bool:
    """Whether a method may draw from the program's generators: dropout, or a user's own code."""
    return any(_draws(module) for module in method.modules())


def _draws(module: nn.Module) -> bool:
    if foreign(module) or isinstance(module, _DRAWING) or "forward" in vars(module):
        return True
    share = getattr(module, "dropout", 0.0)  # of attention and of recurrent layers
    if isinstance(share, float) and share > 0.0:
        return True
    return any(foreign(value) for value in vars(module).values())  # a cost, a prior, a hook


class Generators:
    """The generators that a user's data hold, while a training uses them.

    They are seeded anew from the training's seed and from where they stood, and put back at the
    end: so a second training, such as the next member of a sweep, sees the same draws, and a
    resumed one too.
    """

    def __init__(self, root: Any) -> None:
        self._all = list(_held(root))
        self._before = [_state(generator) for generator in self._all]
        self._marks = [_number(state) for state in self._before]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all)

    @property
    def mark(self) -> str:
        """In words where they stood: runs from elsewhere are other runs."""
        return "".join(f" {mark:x}" for mark in self._marks)

    def seed(self, seed: int) -> None:
        """Start all of them anew, each in its own way."""
        for k, (generator, mark) in enumerate(zip(self._all, self._marks, strict=True)):
            own = streams.mixed(seed ^ mark, k)
            if isinstance(generator, torch.Generator):
                generator.manual_seed(own)
            elif isinstance(generator, random.Random):
                generator.seed(own)
            elif isinstance(generator, np.random.RandomState):
                generator.seed(own & 0xFFFFFFFF)
            else:
                generator.bit_generator.state = type(generator.bit_generator)(own).state

    def put_back(self) -> None:
        """As they were before the training."""
        for generator, state in zip(self._all, self._before, strict=True):
            if isinstance(generator, torch.Generator):
                generator.set_state(state)
            elif isinstance(generator, random.Random):
                generator.setstate(state)
            elif isinstance(generator, np.random.RandomState):
                generator.set_state(state)
            else:
                generator.bit_generator.state = state


def _state(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.bit_generator.state


def _number(state: Any) -> int:
    """A state as a number of 56 bits, the same in every process."""
    # A tensor's pickle holds addresses; an array's does not.
    content = pickle.dumps(state.numpy() if isinstance(state, Tensor) else state)
    return int.from_bytes(hashlib.sha256(content).digest()[:7], "big")


def _held(root: Any) -> Iterator[Any]:
    """Generators that can be reached from an object: attributes, items, and what functions see."""
    seen: dict[int, Any] = {id(one): one for one in _PROGRAMS}
    waiting = [(root, 0)]
    while waiting and len(seen) < _MOST:
        value, depth = waiting.pop()
        if id(value) in seen or depth > _DEEP:
            continue
        seen[id(value)] = value
        if isinstance(value, _GENERATORS):
            yield value
        else:
            inside = [inner for inner in _inside(value) if not isinstance(inner, _ATOMS)]
            waiting += [(inner, depth + 1) for inner in reversed(inside)]


def _inside(value: Any) -> list[Any]:
    """The parts of an object in which generators may be."""
    if isinstance(value, dict):
        return list(islice(value.values(), _LONG))
    if isinstance(value, (list, tuple, set)):
        return list(islice(value, _LONG))
    if isinstance(value, types.FunctionType):
        return _seen_by(value)
    if isinstance(value, (types.MethodType, types.BuiltinMethodType)):
        return [value.__self__, getattr(value, "__func__", None)]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    own = list(getattr(value, "__dict__", {}).values())
    if foreign(value):
        for name in ("__getitem__", "__getitems__", "__iter__", "__call__"):
            own.append(getattr(type(value), name, None))
    return own


def _seen_by(function: types.FunctionType) -> list[Any]:
    """The closure of a function, its defaults, and the generators among its globals."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if _full(cell)]
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    found = [function.__globals__.get(name) for name in sorted(names)]
    return [*cells, function.__defaults__, *(v for v in found if isinstance(v, _GENERATORS))]


def _full(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # not filled yet
        return False


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A function's code and that of the functions in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)
