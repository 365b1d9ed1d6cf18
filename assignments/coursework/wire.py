"""Plain data as bytes, between the grader and the process of an answer.

Numbers, strings, lists, tuples, dicts, NumPy arrays and tensors, and nothing else: no pickle, so that
reading a message runs none of the sender's code. A function travels as its source (:class:`Function`,
to the answer) or as a number under which the answer's process keeps it (:class:`Handle`, from there).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Types that an array may have on its way.
KINDS = "biufc"


class NotPlainError(TypeError):
    """A value that is no plain data."""


@dataclass(frozen=True)
class Function:
    """A function as its source, to be handed to an answer; it can be called here as well.

    The source is a ``def`` or a lambda, in which ``np``, ``torch`` and ``otg`` are known.
    """

    source: str
    compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", compile_function(self.source))

    def __call__(self, *args: Any) -> Any:
        return self.compiled(*args)


@dataclass(frozen=True)
class Handle:
    """A function that stays in the process of the answer, by its number there."""

    number: int


def compile_function(source: str) -> Any:
    """The function that a source defines."""
    import otgen_lite as otg
    import torch

    names: dict[str, Any] = {"np": np, "torch": torch, "otg": otg}
    if source.lstrip().startswith("lambda"):
        return eval(source.strip(), names)
    before = set(names)
    exec(source, names)
    (new,) = [name for name in names if name not in before | {"__builtins__"}]
    return names[new]


def dump(value: Any, keep: Any = None) -> bytes:
    """The bytes of a value.

    Args:
        value: plain data.
        keep: where given, called with a function in the value, and returns its number.
    """
    blocks: list[bytes] = []
    head = json.dumps(_encode(value, blocks, keep), allow_nan=True).encode()
    return struct.pack("<I", len(head)) + head + b"".join(blocks)


def load(data: bytes) -> Any:
    """The value of these bytes; raises ``ValueError`` for what :func:`dump` cannot have written."""
    try:
        (size,) = struct.unpack_from("<I", data)
        head = json.loads(data[4 : 4 + size])
        return _decode(head, memoryview(data)[4 + size :])
    except (struct.error, KeyError, IndexError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"no message: {error}") from error


def _encode(value: Any, blocks: list[bytes], keep: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value
    if kind in (list, tuple):
        return {kind.__name__: [_encode(v, blocks, keep) for v in value]}
    if kind is dict:
        pairs = [[_encode(k, blocks, keep), _encode(v, blocks, keep)] for k, v in value.items()]
        return {"dict": pairs}
    if kind is Function:
        return {"function": value.source}
    if isinstance(value, np.generic):
        return _encode(np.asarray(value), blocks, keep)
    if isinstance(value, np.ndarray):
        return _block("array", value, blocks)
    if hasattr(value, "detach"):
        tensor = value.detach().cpu().resolve_conj().resolve_neg()
        return _block("tensor", tensor.numpy(), blocks)
    if keep is not None and callable(value):
        return {"handle": keep(value)}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _encode(float(value) if isinstance(value, float) else int(value), blocks, keep)
    raise NotPlainError(f"of type {kind.__name__}")


def _block(name: str, array: np.ndarray, blocks: list[bytes]) -> dict[str, Any]:
    array = np.asarray(array)
    if array.dtype.kind not in KINDS:
        raise NotPlainError(f"an array of {array.dtype}")
    start = sum(map(len, blocks))
    blocks.append(array.tobytes())
    return {name: [array.dtype.str, list(array.shape), start]}


def _decode(node: Any, blocks: memoryview) -> Any:
    if not isinstance(node, dict):
        if isinstance(node, list):
            raise ValueError("a bare list")
        return node
    ((name, body),) = node.items()
    if name in ("list", "tuple"):
        items = [_decode(v, blocks) for v in body]
        return items if name == "list" else tuple(items)
    if name == "dict":
        return {_decode(k, blocks): _decode(v, blocks) for k, v in body}
    if name == "function":
        return Function(body)
    if name == "handle":
        return Handle(int(body))
    dtype, shape, start = body
    kind = np.dtype(dtype)
    if kind.kind not in KINDS:
        raise ValueError(f"an array of {kind}")
    count = int(np.prod(shape, dtype=object))
    array = np.frombuffer(blocks, kind, count, start).reshape(shape).copy()
    if name == "array":
        return array
    if name == "tensor":
        import torch

        return torch.from_numpy(array)
    raise ValueError(f"unknown {name}")
