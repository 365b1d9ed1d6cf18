"""Functions and classes by what they do: bytecode, constants and the names that they look up.

What comes with a library is known by its name, so that a comment in another version of it changes
nothing; what a user writes, in a notebook say, may have one name and another body each time.
"""

from __future__ import annotations

import dis
import hashlib
import sys
import types
from collections.abc import Iterator
from typing import Any

#: Packages whose functions and classes are known by name.
LIBRARIES = frozenset(
    {"builtins", "numpy", "otgen_lite", "scipy", "sklearn", "torch", "torchvision"}
) | frozenset(sys.stdlib_module_names)

#: Entries of a class that say nothing about what its objects compute.
_SILENT = frozenset({
    "__abstractmethods__", "__annotations__", "__dict__", "__doc__", "__firstlineno__",
    "__match_args__", "__module__", "__orig_bases__", "__parameters__", "__qualname__",
    "__slotnames__", "__slots__", "__static_attributes__", "__weakref__", "_abc_impl",
    "__dataclass_fields__", "__dataclass_params__",
})  # fmt: skip

_DESCRIPTORS = (
    types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType,
)  # fmt: skip


def of_library(value: Any) -> bool:
    """Whether a function or a class comes with a library, and under a name of its own."""
    top = str(getattr(value, "__module__", None) or "").partition(".")[0]
    return top in LIBRARIES and "<" not in name_of(value)


def name_of(value: Any) -> str:
    """The name of a function or a class, without that of the function that made it."""
    name = str(getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or value)
    return name.rpartition("<locals>.")[2] if "<lambda>" not in name else "<lambda>"


def full_name(value: Any) -> str:
    """The name with the module that it comes from."""
    module = getattr(value, "__module__", None)
    return f"{module}.{name_of(value)}" if module else name_of(value)


def digest(code: types.CodeType) -> str:
    """A few letters that are other ones for another body; lines and names of locals do not count.

    Bytecode is another one in every version of Python, so that the version is part of it.
    """
    version = ".".join(map(str, sys.version_info[:2]))
    return hashlib.sha256((version + _words(code)).encode()).hexdigest()[:12]


def _words(code: types.CodeType) -> str:
    parts = [
        code.co_code.hex(),
        getattr(code, "co_exceptiontable", b"").hex(),
        repr(code.co_names),
        repr(code.co_freevars),
        repr(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]),
        repr((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)),
        *(_constant(value) for value in code.co_consts),
    ]
    return "|".join(parts)


def _constant(value: Any) -> str:
    """A constant of a body: 1, 1.0 and True are three of them, and a set has no order."""
    if isinstance(value, types.CodeType):
        return _words(value)
    if isinstance(value, tuple):
        return "(" + ",".join(_constant(v) for v in value) + ")"
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(_constant(v) for v in value)) + "}"
    return repr(value)


def looked_up(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Names that a body looks up in its module, and what they are now."""
    names: dict[str, None] = {}
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                names[step.argval] = None
        waiting += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    for name in sorted(names):
        if name in function.__globals__:
            yield name, function.__globals__[name]


def enclosed(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Closure of a function: variables of the function around it, and its defaults."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not filled yet
            continue
    code = function.__code__
    defaults = function.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    yield from zip(code.co_varnames[first : code.co_argcount], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()
    for name, value in vars(function).items():
        if name != "__wrapped__":  # it is in the closure too
            yield name, value


def body_of(cls: type) -> Iterator[tuple[str, Any]]:
    """Attributes of a user's class, and of those of its bases that are a user's: name and value."""
    for kind in cls.__mro__:
        if of_library(kind):
            continue
        for name, value in vars(kind).items():
            if name in _SILENT or isinstance(value, _DESCRIPTORS):
                continue
            if isinstance(value, (staticmethod, classmethod)):
                value = value.__func__
            if isinstance(value, property):
                value = value.fget
            yield f"{name_of(kind)}.{name}", value
