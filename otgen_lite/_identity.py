"""Identity of an object: its facts by path, in words that are the same in every process.

Two objects with the same facts compute the same. Nothing is left out because its name begins with
an underscore, and nothing is shortened: of arrays there is a digest of all bytes, of functions one
of the bytecode, with what they enclose. A run is resumed, and members are stacked, by these facts.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import pathlib
import types
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otgen_lite import _bytecode

#: Tensors of at most so many entries are told by their entries.
_FEW = 4

#: Texts longer than this are told by a digest.
_LONG = 120

#: Attributes of a module that are walked in another way, or do not say what it computes.
_OF_MODULES = frozenset({
    "_parameters", "_buffers", "_modules", "training", "_state_dict_hooks",
    "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
    "_non_persistent_buffers_set", "_is_full_backward_hook", "_is_torch_compile",
})  # fmt: skip

#: Attributes that compilers add to what they compile.
_OF_COMPILERS = ("torch._dynamo", "torch._inductor", "torch._C")

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice)
_NAMED = (torch.dtype, torch.device, torch.layout, pathlib.PurePath)

#: Types of globals by which two functions differ. The rest (paths, loggers,
#: open files) belongs to the machine.
_LOOKED_AT = (
    bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset, Tensor, np.ndarray,
    np.generic, nn.Module, functools.partial, types.FunctionType, types.BuiltinFunctionType, type,
)  # fmt: skip


def facts(
    value: Any, forms: Iterable[Tensor] = (), digests: dict[Any, str] | None = None
) -> dict[str, str]:
    """Facts of a value, by path; ``""`` is the path of the value itself.

    Args:
        value: anything; modules, functions, containers and plain objects are looked into.
        forms: tensors of which only shape and type count, because their numbers move.
        digests: those of tensors that were met before, where several values share some.
    """
    walk = _Walk(forms, {} if digests is None else digests)
    walk.visit("", value)
    return walk.out


def words(value: Any) -> str:
    """A value in a line: itself where it is plain, else its name and a digest of all."""
    found = facts(value)
    first = found.pop("")
    if not found:
        return first
    whole = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:12]
    return f"{first} with {whole}"


def differences(
    before: Mapping[str, str], now: Mapping[str, str], besides: Collection[str] = ()
) -> list[tuple[str, str | None, str | None]]:
    """Paths at which facts differ, in order, with both; those at and below ``besides`` left out."""
    out = []
    for path in dict.fromkeys([*before, *now]):
        old, new = before.get(path), now.get(path)
        if old != new and not any(_below(path, other) for other in besides):
            out.append((path, old, new))
    return out


def _below(path: str, other: str) -> bool:
    return path == other or (path.startswith(other) and path[len(other)] in ".[" and bool(other))


class _Walk:
    """One look at a value and everything in it."""

    def __init__(self, forms: Iterable[Tensor], digests: dict[Any, str]) -> None:
        self.out: dict[str, str] = {}
        self._forms = {id(tensor) for tensor in forms}
        self._digests = digests
        # What was met, and where. The objects are kept, so that no number is given twice.
        self._met: dict[int, tuple[str, Any]] = {}
        self._classes: dict[type, None] = {}
        self._open: set[int] = set()

    def say(self, path: str, text: str) -> None:
        """Write a fact down; two of one path, such as of two local classes, stay two."""
        while self.out.get(path, text) != text:
            path += "'"
        self.out[path] = text

    def visit(self, path: str, value: Any) -> None:
        """Write down what a value is."""
        if isinstance(value, enum.Enum):
            self.say(path, f"{_bytecode.name_of(type(value))}.{value.name}")
        elif isinstance(value, _PLAIN):
            self.say(path, _plain(value))
        elif isinstance(value, (*_NAMED, np.generic)):
            self.say(path, repr(value))
        elif isinstance(value, types.ModuleType):
            self.say(path, value.__name__)
        elif id(value) in self._open:
            self.say(path, "itself")
        elif isinstance(value, type):
            self._class(path, value)
        elif isinstance(value, (Mapping, tuple, list, set, frozenset)):
            # Two equal containers and one that is in two places compute the same.
            self._open.add(id(value))
            self._container(path, value)
            self._open.discard(id(value))
        elif not self._known(path, value):
            self._compound(path, value)

    def _compound(self, path: str, value: Any) -> None:
        if isinstance(value, Tensor):
            self.say(path, self._tensor(value))
        elif isinstance(value, np.ndarray):
            self._array(path, value)
        elif isinstance(value, nn.Module):
            self._module(path, value)
        elif isinstance(value, (functools.partial, types.MethodType, types.FunctionType)):
            self._function(path, value)
        elif isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
            self._built_in(path, value)
        else:
            self._object(path, value)

    def _known(self, path: str, value: Any) -> bool:
        """Whether the same object was met before; then that is what there is to say."""
        first = self._met.setdefault(id(value), (path, value))[0]
        if first == path:
            return False
        self.say(path, f"the same as {first or 'the whole'}")
        return True

    def _tensor(self, value: Tensor) -> str:
        kind = f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        if id(value) in self._forms:
            return kind + (", fixed" if isinstance(value, nn.Parameter) and not value.requires_grad
                           else "")  # fmt: skip
        value = value.detach()
        if value.layout != torch.strided or value.is_meta or value.is_quantized:
            return f"{kind} {value.layout} {_sparse(value)}"
        if value.numel() <= _FEW:
            return f"{value.tolist()!r} ({str(value.dtype).removeprefix('torch.')})"
        key = (value.data_ptr(), value.shape, value.stride(), value.dtype, value.device)
        if key not in self._digests:
            self._digests[key] = of_tensor(value)
        return f"{kind} #{self._digests[key]}"

    def _array(self, path: str, value: np.ndarray) -> None:
        if value.dtype.hasobject:
            self._container(path, value.tolist())
            return
        marked = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
        text = repr(value.tolist()) if value.size <= _FEW else f"#{marked}"
        self.say(path, f"array {value.shape} {value.dtype.str} {text}")

    def _module(self, path: str, value: nn.Module) -> None:
        if type(value).__module__.startswith(_OF_COMPILERS):
            self.visit(path, value._orig_mod)  # it computes what it was compiled from
            return
        self._kind(path, value)
        tables: list[Mapping[str, Any]] = [value._parameters, value._buffers, value._modules]
        for name, one in ((n, v) for table in tables for n, v in table.items()):
            self.visit(_join(path, name), one)
        if isinstance(value, torch.jit.ScriptModule):
            self.say(_join(path, "graph"), _graph(value))
        self._attributes(path, value, vars(value), _OF_MODULES)

    def _attributes(
        self, path: str, value: Any, found: Mapping[str, Any], besides: Collection[str] = ()
    ) -> None:
        caches = getattr(type(value), "_caches", ())
        for name, one in sorted(found.items(), key=lambda pair: str(pair[0])):
            if name in besides or name in caches or str(name).startswith("_torchdynamo"):
                continue
            if isinstance(getattr(type(value), str(name), None), functools.cached_property):
                continue  # it follows from the rest
            if isinstance(value, nn.Module) and "_hooks" in name and isinstance(one, Mapping):
                if one:  # their keys are counted through the whole process
                    self.visit(_join(path, name), list(one.values()))
                continue
            self.visit(_join(path, str(name)), one)

    def _kind(self, path: str, value: Any) -> None:
        """The class of an object; of a user's class also what it says."""
        cls = type(value)
        self.say(
            path, _bytecode.full_name(cls) if _bytecode.of_library(cls) else _bytecode.name_of(cls)
        )
        self._body(cls)

    def _class(self, path: str, value: type) -> None:
        name = (
            _bytecode.full_name(value) if _bytecode.of_library(value) else _bytecode.name_of(value)
        )
        self.say(path, f"class {name}")
        self._body(value)

    def _body(self, cls: type) -> None:
        if cls in self._classes:
            return
        self._classes[cls] = None
        for name, one in _bytecode.body_of(cls):
            self.visit(name, one)

    def _function(self, path: str, value: Any) -> None:
        if isinstance(value, functools.partial):
            self.say(path, "partial")
            self.visit(_join(path, "func"), value.func)
            for name, one in [*enumerate(value.args), *value.keywords.items()]:
                self.visit(_join(path, str(name)), one)
            return
        compiled = getattr(value, "_torchdynamo_orig_callable", None)
        if compiled is not None:
            self.visit(path, compiled)
            return
        if isinstance(value, types.MethodType):
            self.say(path, f"method {value.__func__.__name__}")
            self.visit(_join(path, "__func__"), value.__func__)
            self.visit(_join(path, "__self__"), value.__self__)
            return
        ours = not _bytecode.of_library(value)
        self.say(path, f"{_bytecode.name_of(value)} #{_bytecode.digest(value.__code__)}" if ours
                 else _bytecode.full_name(value))  # fmt: skip
        for name, one in _bytecode.enclosed(value):
            self.visit(_join(path, name), one)
        for name, one in _bytecode.looked_up(value) if ours else ():
            if isinstance(one, _LOOKED_AT):
                self.visit(_join(path, name), one)

    def _built_in(self, path: str, value: Any) -> None:
        owner = getattr(value, "__self__", None)
        self.say(path, _bytecode.full_name(value))
        if owner is not None and not isinstance(owner, types.ModuleType):
            self.visit(_join(path, "__self__"), owner)

    def _container(self, path: str, value: Any) -> None:
        name = _bytecode.name_of(type(value))
        if isinstance(value, Mapping):
            keys = [_plain(k) if isinstance(k, _PLAIN) else words(k) for k in value]
            self.say(path, f"{name} of {', '.join(keys) or 'nothing'}")
            for key, one in zip(keys, value.values(), strict=True):
                self.visit(f"{path}[{key}]", one)
        elif isinstance(value, (set, frozenset)):
            self.say(path, f"{name} of {', '.join(sorted(words(one) for one in value))}")
        elif all(isinstance(one, _PLAIN) for one in value):
            self.say(path, _plain_row(name, value))
        else:
            self.say(path, f"{name} of {len(value)}")
            for k, one in enumerate(value):
                self.visit(f"{path}[{k}]", one)
        if type(value).__module__ != "builtins" and hasattr(value, "__dict__"):
            self._attributes(path, value, vars(value))

    def _object(self, path: str, value: Any) -> None:
        """A plain object: its class and all its attributes, or what a copy would be made from."""
        self._kind(path, value)
        if isinstance(value, torch.jit.ScriptFunction):
            self.say(_join(path, "graph"), _graph(value))
            return
        if isinstance(value, (torch.Generator, np.random.Generator)):
            state: Any = (
                value.get_state() if isinstance(value, torch.Generator)
                else value.bit_generator.state
            )  # fmt: skip
            self.visit(_join(path, "state"), state)
            return
        if type(value).__module__.startswith(_OF_COMPILERS):
            return
        found = dict(getattr(value, "__dict__", {}))
        for cls in type(value).__mro__:
            slots = vars(cls).get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                    found[name] = getattr(value, name)
        self._attributes(path, value, found)
        cls = type(value)
        if cls.__reduce__ is object.__reduce__ and cls.__reduce_ex__ is object.__reduce_ex__:
            return  # its attributes are all there is
        try:
            made = value.__reduce_ex__(4)
        except Exception:  # what cannot be copied, such as a lock, holds no setting
            return
        if isinstance(made, tuple):
            for k, one in enumerate(made[1:3]):
                self.visit(_join(path, f"made_of_{k}"), one)
            for k, items in enumerate(made[3:5]):
                if items is not None:
                    self.visit(_join(path, f"items_{k}"), list(items))


def of_tensor(value: Tensor) -> str:
    """A digest of all numbers of a tensor, the same on every device."""
    value = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    raw = value.reshape(-1).view(torch.uint8) if value.numel() else value
    return hashlib.sha256(raw.numpy().data if value.numel() else b"").hexdigest()[:16]


def _graph(value: Any) -> str:
    """A digest of what a scripted function computes, wherever its source lies."""
    return hashlib.sha256(str(value.graph.str(False)).encode()).hexdigest()[:12]


def _sparse(value: Tensor) -> str:
    """Numbers of a tensor that are not laid out in rows; nothing where it has none."""
    return "" if value.is_meta else of_tensor(
        value.dequantize() if value.is_quantized else value.to_dense()
    )  # fmt: skip


def _plain(value: Any) -> str:
    text = repr(value)
    if len(text) <= _LONG:
        return text
    return f"{text[:20]}… #{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _plain_row(name: str, values: Iterable[Any]) -> str:
    body = ", ".join(_plain(one) for one in values)
    text = {"list": f"[{body}]", "tuple": f"({body})"}.get(name, f"{name} ({body})")
    if len(text) <= 10 * _LONG:
        return text
    return f"{text[:20]}… #{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
