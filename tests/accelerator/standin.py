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


# Generators. Torch lets no one make them in Python, so one of the CPU says that it is of the device.

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


def _kernel(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Every operation that has no kernel of its own below: let the CPU do it."""
    schema = op._schema
    if schema.name == "aten::set_":  # no numbers: only what the tensor's memory is
        return op.redispatch(_CPU_KEYS, *args, **kwargs)
    if any(r.alias_info is not None and not r.alias_info.is_write for r in schema.returns):
        return _view(op, args, kwargs)
    _refuse_mixture(op, args, kwargs)
    values, structure = pytree.tree_flatten((args, kwargs))
    given: list[tuple[Tensor, Tensor]] = []
    for k, value in enumerate(values):
        if _is_here(value):
            # What is empty may be given another size, for which only memory of the CPU's will do.
            values[k] = _seen_as(_CPU, value) if value.numel() else _empty_like(value)
            given.append((value, values[k]))
        elif isinstance(value, torch.device) and value.type == NAME:
            values[k] = HERE
    there, named = pytree.tree_unflatten(values, structure)
    there = [
        torch.tensor(value, device=HERE) if takes == "Tensor" and _is_number(value) else value
        for value, takes in zip(there, (str(a.type) for a in schema.arguments), strict=False)
    ]
    if "pin_memory" in named:
        named["pin_memory"] = None
    out = _drawing(op, kwargs.get("generator"), lambda: op(*there, **named))
    for mine, seen in given:
        if seen.shape != mine.shape:  # an output that took another size
            mine.data = _seen_as(_OTHER, seen)
    return _returned(schema, out, args, kwargs)


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex))


def _empty_like(value: Tensor) -> Tensor:
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=HERE)


def _drawing(op: Any, generator: Any, run: Any) -> Any:
    """Draw from the generator given, or from the device's own."""
    if generator is not None and not _of_device(generator):
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found 'cpu'")
    if generator is not None or torch.Tag.nondeterministic_seeded not in op.tags:
        return run()
    before = torch.default_generator.get_state()
    torch.default_generator.set_state(_default.get_state())
    try:
        return run()
    finally:
        _default.set_state(torch.default_generator.get_state())
        torch.default_generator.set_state(before)


def _returned(schema: Any, out: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the CPU made as tensors of the device; what was written into as it was given."""
    if not schema.returns:
        return out
    single = len(schema.returns) == 1
    results = []
    for promised, value in zip(schema.returns, (out,) if single else out, strict=True):
        if promised.alias_info is None:
            results.append(pytree.tree_map(_on_device, value))
            continue
        for k, argument in enumerate(schema.arguments):
            info = argument.alias_info
            if info is not None and info.before_set == promised.alias_info.before_set:
                results.append(args[k] if k < len(args) else kwargs[argument.name])
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

    return pytree.tree_map(part, op(seen, *rest, **kwargs))


#: Where an argument may be on the CPU whatever its size: indices, into what is on the device.
_INDICES = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put"}


def _refuse_mixture(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise where CUDA would: a tensor of the CPU comes along only as a number, or as an index."""
    name = op._schema.name.removeprefix("aten::")
    checked: Any = (args, kwargs)
    if name in _INDICES and _is_here(args[0]):
        checked = (args[0], *args[2:], kwargs)
    numbers = torch.Tag.pointwise in op.tags or name in _INDICES or name.startswith("_f")
    for value in pytree.tree_leaves(checked):
        if isinstance(value, Tensor) and not _is_here(value) and (value.ndim or not numbers):
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, "
                f"{NAME}:0 and {value.device}! (when checking an argument of {op})"
            )


def _copied(into: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """``into.copy_(source)``, the one operation between devices."""
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
