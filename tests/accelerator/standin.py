"""A stand-in accelerator: a device with tensors and generators of its own, computed by the CPU.

It is torch's device for private use, made in Python. Its tensors are plain tensors whose memory the
CPU can reach, so that every operation is done by the CPU's kernel; what comes out is on the device
again. What CUDA refuses it refuses too: operations on tensors of the device and of the CPU,
generators of another device, and NumPy's look into its memory. Draws are those that the CPU would
make from the same seed. So whatever runs on the stand-in gives the CPU's numbers, or an error.

:func:`register` must come before the first backward pass of a process, whose autograd threads are
counted then; hence these tests run in processes of their own (``tests/unit/test_accelerator.py``).
"""

from __future__ import annotations

import ctypes
import traceback
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils import backend_registration

NAME = "standin"
HERE = torch.device("cpu")

# DLPack describes a tensor by a struct that begins with address, kind of device and its number.
# Rewriting the kind shows one memory as a tensor of the CPU (1) or of the device (12, "other").
_CPU, _OTHER = 1, 12
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_KIND_AT = ctypes.sizeof(ctypes.c_void_p)


def _seen_as(kind: int, value: Tensor) -> Tensor:
    capsule = torch._C._to_dlpack(value)
    ctypes.c_int32.from_address(_pointer(capsule, b"dltensor") + _KIND_AT).value = kind
    return torch._C._from_dlpack(capsule)


def _is_here(value: Any) -> bool:
    return isinstance(value, Tensor) and value.device.type == NAME


class Module:
    """What torch expects as ``torch.standin``."""

    available = False
    #: Whether float64 exists; it does not on Apple's accelerator.
    doubles = True

    def is_available(self) -> bool:
        return self.available

    def device_count(self) -> int:
        return int(self.available)

    def current_device(self) -> int:
        return 0

    def set_device(self, index: Any) -> None:
        pass

    def synchronize(self, index: Any = None) -> None:
        pass

    def is_initialized(self) -> bool:
        return True

    def _lazy_init(self) -> None:
        pass

    def _is_in_bad_fork(self) -> bool:
        return False

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]

    def manual_seed(self, seed: int) -> None:
        _default.manual_seed(seed)

    manual_seed_all = manual_seed

    def get_rng_state(self, device: Any = None) -> Tensor:
        return _default.get_state()

    def set_rng_state(self, state: Tensor, device: Any = None) -> None:
        _default.set_state(state)


module = Module()


# Generators. Torch lets none be made in Python, so one of the CPU says that it is of the device.

_PlainGenerator = torch.Generator
_default = _PlainGenerator()
#: Those of the device, by the address of what torch hands to kernels.
_ours: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


class _Kind(type(_PlainGenerator)):  # type: ignore[misc]
    """Lets every generator be an instance of ``torch.Generator`` while that name is replaced."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, _PlainGenerator)


class Generator(_PlainGenerator, metaclass=_Kind):
    """``torch.Generator`` for the CPU and for the stand-in."""

    def __new__(cls, device: Any = "cpu") -> Any:
        where = torch.device(device)
        if where.type != NAME:
            return _PlainGenerator(where)
        made = super().__new__(cls, "cpu")
        _ours[made._cdata] = made
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device(NAME, 0)

    def clone_state(self) -> Any:
        made = Generator(NAME)
        made.set_state(self.get_state())
        return made


def _of_device(generator: Any) -> bool:
    return generator is not None and generator._cdata in _ours


class _GeneratorsStayOnTheirDevice(TorchFunctionMode):
    """The CPU's kernels would take a generator of the device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if _of_device(kwargs.get("generator")):
            for value in pytree.tree_leaves(out):
                if isinstance(value, Tensor) and not _is_here(value):
                    raise RuntimeError(
                        f"Expected a 'cpu' device type for generator but found '{NAME}'"
                    )
        return out


# Operations.


class _Op:
    """What has to be known of an operation, read from its schema once."""

    def __init__(self, op: Any) -> None:
        schema = op._schema
        self.name = schema.name.removeprefix("aten::")
        infos = [r.alias_info for r in schema.returns]
        #: Whether it makes views.
        self.views = any(info is not None and not info.is_write for info in infos)
        #: For each result: None where it is new, else which argument is written into and returned.
        self.returns = [None if info is None else _written(schema, info) for info in infos]
        self.draws = torch.Tag.nondeterministic_seeded in op.tags
        index = self.name in _INDICES
        #: Whether a number may come along from the CPU; foreach and fused ones take lists of them.
        self.numbers = torch.Tag.pointwise in op.tags or index or self.name.startswith("_f")
        self.tensors = [str(a.type) == "Tensor" for a in schema.arguments]
        #: The argument that may be of the CPU whatever its size: an index.
        self.free = 1 if index else -1


#: Where the second argument may be on the CPU: indices, into what is on the device.
_INDICES = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index",
            "_unsafe_index_put"}  # fmt: skip
_known: dict[Any, _Op] = {}


def _written(schema: Any, info: Any) -> tuple[int, str]:
    return next(
        (k, a.name) for k, a in enumerate(schema.arguments)
        if a.alias_info is not None and a.alias_info.before_set == info.before_set
    )  # fmt: skip


def _mapped(change: Any, value: Any) -> Any:
    """``change`` of a value, or of the entries of a list."""
    if isinstance(value, (list, tuple)):
        return [_mapped(change, part) for part in value]
    return change(value)


#: Operations whose result, or its shape, the program knows only when the device has computed it.
_ASKING = {
    "_local_scalar_dense", "is_nonzero", "equal", "nonzero", "masked_select", "_unique2",
    "unique_dim", "unique_consecutive",
}  # fmt: skip
_listeners: list[list[str]] = []


@contextmanager
def reads() -> Iterator[list[str]]:
    """A list that grows whenever the program asks the device for a number, with who asked."""
    found: list[str] = []
    _listeners.append(found)
    try:
        yield found
    finally:
        _listeners.remove(found)


def _read(name: str) -> None:
    if _listeners:
        stack = traceback.extract_stack()
        ours = [frame for frame in stack if "/otgen_lite/" in frame.filename]
        last = (ours or stack)[-1]
        for found in _listeners:
            found.append(f"{name} in {last.filename.rpartition('/')[2]}, line {last.lineno}")


def _kernel(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Every operation that has no kernel of its own below: let the CPU do it."""
    about = _known.get(op) or _known.setdefault(op, _Op(op))
    if about.name in _ASKING:
        _read(about.name)
    if about.name == "set_":  # no numbers: only what the tensor's memory is
        return op.redispatch(_CPU_KEYS, *args, **kwargs)
    if about.views:
        return _view(op, args, kwargs)
    given: list[tuple[Tensor, Tensor]] = []

    def to_cpu(value: Any) -> Any:
        if isinstance(value, Tensor):
            if value.device.type != NAME:
                if value.ndim or not about.numbers:
                    raise _mixed(op, value)
                return value
            # What is empty may be given another size, for which only memory of the CPU's will do.
            seen = _seen_as(_CPU, value) if value.numel() else _empty_like(value)
            given.append((value, seen))
            return seen
        return HERE if isinstance(value, torch.device) else value

    def as_is(value: Any) -> Any:
        return _seen_as(_CPU, value) if _is_here(value) else value

    free = about.free if about.free > 0 and _is_here(args[0]) else -1
    there = [_mapped(as_is if k == free else to_cpu, value) for k, value in enumerate(args)]
    named = {name: _mapped(to_cpu, value) for name, value in kwargs.items() if name != "pin_memory"}
    for k, value in enumerate(there):
        if about.tensors[k] and isinstance(value, (bool, int, float, complex)):
            kind = torch.float64 if isinstance(value, float) else None
            there[k] = torch.tensor(value, dtype=kind, device=HERE)
    out = _drawing(about, kwargs.get("generator"), lambda: op(*there, **named))
    for mine, seen in given:
        if seen.shape != mine.shape:  # an output that took another size
            mine.data = _seen_as(_OTHER, seen)
    return _returned(about, out, args, kwargs)


def _mixed(op: Any, value: Tensor) -> RuntimeError:
    return RuntimeError(
        f"Expected all tensors to be on the same device, but found at least two devices, {NAME}:0 "
        f"and {value.device}! (when checking an argument of {op})"
    )


def _empty_like(value: Tensor) -> Tensor:
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=HERE)


def _drawing(about: _Op, generator: Any, run: Any) -> Any:
    """Draw from the generator given, or from the device's own."""
    if generator is not None and not _of_device(generator):
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found 'cpu'")
    if generator is not None or not about.draws:
        return run()
    before = torch.default_generator.get_state()
    torch.default_generator.set_state(_default.get_state())
    try:
        return run()
    finally:
        _default.set_state(torch.default_generator.get_state())
        torch.default_generator.set_state(before)


def _returned(about: _Op, out: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the CPU made as tensors of the device; what was written into as it was given."""
    if not about.returns:
        return out
    single = len(about.returns) == 1
    results = []
    for place, value in zip(about.returns, (out,) if single else out, strict=True):
        if place is None:
            results.append(_mapped(_on_device, value))
        else:
            results.append(args[place[0]] if place[0] < len(args) else kwargs[place[1]])
    return results[0] if single else tuple(results)


def _on_device(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    if value.dtype == torch.float64 and not module.doubles:
        raise TypeError(f"float64 does not exist on {NAME}")
    return _seen_as(_OTHER, value.resolve_conj().resolve_neg())


_as_strided = torch.ops.aten.as_strided.default
_CPU_KEYS = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)


def _view(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A view shares its tensor's storage; the CPU says which part."""
    base, *rest = args
    if op is _as_strided:
        return op.redispatch(_CPU_KEYS, base, *rest, **kwargs)
    seen = _seen_as(_CPU, base)

    def part(view: Tensor) -> Tensor:
        if view.dtype != base.dtype:
            return _seen_as(_OTHER, view)
        offset = base.storage_offset() + view.storage_offset()
        return _as_strided.redispatch(_CPU_KEYS, base, view.shape, view.stride(), offset)

    return _mapped(part, op(seen, *rest, **kwargs))


def _copied(into: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """``into.copy_(source)``, the one operation between devices."""
    if _is_here(source) and not _is_here(into):
        _read("copy")
    plain = [_seen_as(_CPU, t) if _is_here(t) else t for t in (into, source)]
    plain[0].copy_(plain[1])
    return into


def _copied_from(source: Tensor, into: Tensor, non_blocking: bool = False) -> Tensor:
    return _copied(into, source)


def _resized(value: Tensor, size: Any, memory_format: Any = None) -> Tensor:
    seen = _seen_as(_CPU, value)
    new = torch.empty(size, dtype=value.dtype)
    shared = min(new.numel(), seen.numel())
    new.view(-1)[:shared] = seen.reshape(-1)[:shared]
    value.data = _seen_as(_OTHER, new)
    return value


def _convolved(*args: Any) -> Any:
    return _kernel(torch.ops.aten.convolution.default, *args)


def _convolved_back(gradient: Tensor, x: Tensor, weight: Tensor, *rest: Any) -> Any:
    sizes = [weight.shape[1] * rest[-2] if rest[3] else weight.shape[0]]
    backward = torch.ops.aten.convolution_backward.default
    return _kernel(backward, gradient, x, weight, sizes, *rest)


def _loaded(storage: Any, location: str) -> Any:
    """Memory from a file, moved to the device where it was written or is wanted."""
    if location.partition(":")[0] != NAME:
        return None
    return torch.empty(0, dtype=torch.uint8, device=HERE).set_(storage).to(NAME).untyped_storage()


_clone = torch.UntypedStorage.clone


def _cloned(storage: Any) -> Any:
    """Memory with the same content: torch's own way asks for an allocator, which there is none."""
    if storage.device.type != NAME:
        return _clone(storage)
    return torch.empty(0, dtype=torch.uint8, device=NAME).set_(storage).clone().untyped_storage()


_kept: list[torch.library.Library] = []


def register() -> None:
    """Make the device known to torch, once in a process; it is not available yet."""
    if _kept:
        return
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=module)
    every, aten = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    every.fallback(_kernel, "PrivateUse1")
    aten.impl("copy_", _copied, "PrivateUse1")
    aten.impl("_copy_from", _copied_from, "PrivateUse1")
    aten.impl("resize_", _resized, "PrivateUse1")
    aten.impl("convolution_overrideable", _convolved, "PrivateUse1")
    aten.impl("convolution_backward_overrideable", _convolved_back, "PrivateUse1")
    torch.UntypedStorage.clone = _cloned  # type: ignore[method-assign]
    torch.serialization.register_package(0, lambda storage: None, _loaded)
    _kept.extend([every, aten])


@contextmanager
def available(*, doubles: bool = True) -> Iterator[torch.device]:
    """A machine that has the device; afterwards torch's default device is as it was."""
    register()
    before = torch.get_default_device()
    module.available, module.doubles = True, doubles
    torch.Generator = Generator  # type: ignore[misc]
    try:
        with _GeneratorsStayOnTheirDevice():
            yield torch.device(NAME, 0)
    finally:
        torch.set_default_device(before if before.type != "cpu" else None)
        torch.Generator = _PlainGenerator  # type: ignore[misc]
        module.available, module.doubles = False, True
