"""Plain data as bytes, between the grader and the process of an answer.

Numbers, strings, lists, tuples, dicts, NumPy arrays and tensors, and nothing else: no pickle, so
that reading a message runs none of the sender's code. A function travels as its source
(:class:`Function`, to the answer only) or as a number under which the answer's process keeps it
(:class:`Handle`, from there).

On its way a message has a head: its length, and eight bytes that the grader has drawn for the
request that it answers. Where these are zero it answers none, and is text: what the process was
ended for.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Types that an array may have on its way: of numbers and booleans.
TYPES = re.compile(r"[<>|=]?[biufc]\d{1,2}")
#: Bytes of a message, and of what is no array in it; entries of all dicts of a message together.
LARGEST, LARGEST_TEXT, ENTRIES = 1 << 26, 1 << 23, 10_000
#: Length of a message and the request that it answers, before its bytes.
HEAD = struct.Struct("<I8s")
NO_REQUEST = bytes(8)


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
    import torch

    import otgen_lite as otg

    names: dict[str, Any] = {"np": np, "torch": torch, "otg": otg}
    if source.lstrip().startswith("lambda"):
        return eval(source.strip(), names)
    before = set(names)
    exec(source, names)
    (new,) = [name for name in names if name not in before | {"__builtins__"}]
    return names[new]


def dump(value: Any, keep: Callable[[Any], int] | None = None) -> bytes:
    """The bytes of a value.

    Args:
        value: plain data.
        keep: where given, called with a function in the value, and returns its number.

    Raises:
        NotPlainError: a value of another kind, or one that is too large.
    """
    blocks: list[bytes] = []
    head = json.dumps(_encode(value, blocks, keep), allow_nan=True).encode()
    if len(head) > LARGEST_TEXT or len(head) + sum(map(len, blocks)) > LARGEST - 4:
        raise NotPlainError("too large")
    return struct.pack("<I", len(head)) + head + b"".join(blocks)


def load(data: bytes, functions: bool = False) -> Any:
    """The value of these bytes.

    Args:
        data: what :func:`dump` has written, or anything.
        functions: whether to make functions of their sources. The grader never does: that would run
            code of a submission.

    Raises:
        ValueError: bytes that :func:`dump` cannot have written.
    """
    try:
        (size,) = struct.unpack_from("<I", data)
        if size > LARGEST_TEXT or size > len(data) - 4:
            raise ValueError("its text is too long")
        reader = _Reader(memoryview(data)[4 + size :], functions)
        value = reader.value(json.loads(bytes(data[4 : 4 + size])))
    except (struct.error, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(f"no message: {error}") from error
    if reader.blocks:
        raise ValueError("no message: bytes are left")
    return value


def _encode(value: Any, blocks: list[bytes], keep: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return value
    if kind is str:
        return _text(value)
    if value is ...:  # an answer that has not been written
        return {"blank": []}
    if kind in (list, tuple):
        return {kind.__name__: [_encode(v, blocks, keep) for v in value]}
    if kind is dict:
        return {"dict": [[_key(k), _encode(v, blocks, keep)] for k, v in value.items()]}
    if kind is Function:
        return {"function": value.source}
    if isinstance(value, np.generic) and value.dtype.kind in "bif":
        return _encode(value.item(), blocks, keep)  # a number, by which a tensor can be multiplied
    if isinstance(value, (np.ndarray, np.generic)):
        return _block("array", np.asarray(value), blocks)
    if _is_tensor(value):
        return _block("tensor", _plain_tensor(value), blocks)
    if keep is not None and callable(value):
        return {"handle": keep(value)}
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    raise NotPlainError(f"of type {kind.__name__}")


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlainError("a text with half a character") from None
    return text


def _key(key: Any) -> Any:
    key = key.item() if isinstance(key, np.generic) else key
    if type(key) not in (bool, int, str, float):
        raise NotPlainError(f"a dict with a key of type {type(key).__name__}")
    return _text(key) if type(key) is str else key


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _plain_tensor(value: Any) -> np.ndarray:
    import torch

    tensor = value.detach().cpu().resolve_conj().resolve_neg()
    if tensor.dtype is torch.bfloat16:  # which NumPy does not have
        tensor = tensor.float()
    return tensor.numpy()


def _block(name: str, array: np.ndarray, blocks: list[bytes]) -> dict[str, Any]:
    if not TYPES.fullmatch(array.dtype.str):
        raise NotPlainError(f"an array of {array.dtype}")
    if array.nbytes > LARGEST:
        raise NotPlainError("too large")
    blocks.append(array.tobytes())
    return {name: [array.dtype.str, list(array.shape)]}


class _Reader:
    """Values from their JSON, which may be anybody's, and from the bytes of arrays behind it."""

    def __init__(self, blocks: memoryview, functions: bool) -> None:
        self.blocks = blocks
        self.functions = functions
        self.entries = 0

    def value(self, node: Any) -> Any:
        if isinstance(node, str):
            node.encode()  # half a surrogate pair cannot be written anywhere (ValueError)
        if not isinstance(node, (dict, list)):
            return node
        if isinstance(node, list) or len(node) != 1:
            raise ValueError("no value")
        ((name, body),) = node.items()
        read = getattr(self, f"_{name}", None) if name in KINDS else None
        if read is None:
            raise ValueError("no value of a known kind")
        return read(body)

    def _blank(self, body: Any) -> Any:
        return ...

    def _list(self, body: Any) -> list[Any]:
        if not isinstance(body, list):
            raise ValueError("no list")
        return [self.value(v) for v in body]

    def _tuple(self, body: Any) -> tuple[Any, ...]:
        return tuple(self._list(body))

    def _dict(self, body: Any) -> dict[Any, Any]:
        self.entries += len(body)
        # Integers with equal hashes can be written down: many of them would take hours.
        if self.entries > ENTRIES:
            raise ValueError("dicts with too many entries")
        found = {}
        for key, value in body:
            if isinstance(key, (dict, list)):
                raise ValueError("no key")
            found[self.value(key)] = self.value(value)
        return found

    def _function(self, body: Any) -> Function:
        if not self.functions or type(body) is not str:
            raise ValueError("a function where none may be")
        return Function(body)

    def _handle(self, body: Any) -> Handle:
        if type(body) is not int:
            raise ValueError("no handle")
        return Handle(body)

    def _array(self, body: Any) -> np.ndarray:
        dtype, shape = body
        if type(dtype) is not str or not TYPES.fullmatch(dtype):
            raise ValueError("an array of something else")
        if len(shape) > 32 or not all(type(n) is int and 0 <= n < 1 << 40 for n in shape):
            raise ValueError("no shape")
        kind = np.dtype(dtype)
        size = math.prod(shape) * kind.itemsize
        if size > len(self.blocks):
            raise ValueError("an array without its bytes")
        # Each byte is read once, so that no message is larger here than on its way.
        block, self.blocks = self.blocks[:size], self.blocks[size:]
        return np.frombuffer(bytes(block), kind).reshape(shape).copy()

    def _tensor(self, body: Any) -> Any:
        import torch

        return torch.from_numpy(self._array(body))


KINDS = ("blank", "list", "tuple", "dict", "function", "handle", "array", "tensor")
