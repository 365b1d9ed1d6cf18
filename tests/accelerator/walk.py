"""What the tests need to see that nothing stays behind: places of tensors, and work of the CPU."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from tests.accelerator.standin import NAME


def tensors(value: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Every tensor that can be reached from an object, with the way to it."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        yield path, value
        return
    if isinstance(value, (types.ModuleType, type, str)):
        return
    inside: dict[Any, Any] = {}
    if isinstance(value, dict):
        inside = value
    elif isinstance(value, (list, tuple, set)):
        inside = dict(enumerate(value))
    elif hasattr(value, "__dict__"):
        inside = vars(value)
    for name, part in inside.items():
        yield from tensors(part, f"{path}.{name}", seen)


def left_behind(value: Any) -> list[str]:
    """The ways to tensors that are not on the device."""
    return [path for path, tensor in tensors(value) if tensor.device.type != NAME]


#: What carries numbers, and computes none.
_CARRY = {
    "cpu", "to", "detach", "from_numpy", "clone", "copy", "empty", "empty_like", "new_empty", "get",
    "getitem", "set", "setitem", "view", "contiguous", "numpy", "deepcopy", "data_ptr",
    "make_subclass", "reshape", "split", "float", "double",
}  # fmt: skip


class AtTheCPU(TorchFunctionMode):
    """Writes down what is computed in numbers by the CPU, in arrays of more than a few entries."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name.strip("_") not in _CARRY:
            self.seen += [f"{name} {tuple(v.shape)}" for v in pytree.tree_leaves(out) if _counts(v)]
        return out


def _counts(value: Any) -> bool:
    here = isinstance(value, Tensor) and value.device.type == "cpu"
    return here and value.is_floating_point() and value.numel() > 8
