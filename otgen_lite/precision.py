"""Float32 with all its digits: no autocast, and no shortened matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

#: Settings of float32 matrix products that keep their digits.
_WHOLE = {"none", "ieee", "highest"}

#: The settings of CUDA and of the CPU, which torch before 2.9 has as one.
_BACKENDS: list[Any] = [
    backend.matmul
    for backend in (torch.backends.cuda, torch.backends.mkldnn)
    if hasattr(getattr(backend, "matmul", None), "fp32_precision")
]


def full_precision(like: Tensor) -> AbstractContextManager[Any]:
    """A context in which operations on the device of ``like`` keep the digits of their type.

    Plans, potentials and differences of nearly equal means do not bear products with three digits.
    There are two ways to such products, and the context closes both: autocast, which computes in
    half precision, and the setting by which float32 matrix products may be computed in TF32 or
    bfloat16 (``torch.set_float32_matmul_precision``). The settings are put back at the end.

    The settings are those of the process, so that other threads see them, too. A product that is
    differentiated has its derivative computed by ``backward``, under the settings of that moment.
    Inside of ``torch.compile``, which cannot follow a change of settings, autocast alone is closed.
    """
    kind = like.device.type
    if torch.compiler.is_compiling():
        return torch.autocast(kind, enabled=False)
    short = not _WHOLE.issuperset(_products())
    # Training comes here in each step: where nothing is open, nothing is to be closed.
    return _closed(kind) if short or torch.is_autocast_enabled(kind) else nullcontext()


@contextmanager
def _closed(kind: str) -> Iterator[None]:
    kept = _products()
    _set_products(["ieee" if _BACKENDS else "highest" for _ in kept])
    try:
        with torch.autocast(kind, enabled=False):
            yield
    finally:
        _set_products(kept)


def _products() -> list[str]:
    """The present settings of float32 matrix products."""
    if _BACKENDS:
        return [backend.fp32_precision for backend in _BACKENDS]
    return [torch.get_float32_matmul_precision()]


def _set_products(settings: list[str]) -> None:
    if not _BACKENDS:
        torch.set_float32_matmul_precision(settings[0])
    for backend, setting in zip(_BACKENDS, settings, strict=False):
        backend.fp32_precision = setting


def lifted(x: Tensor) -> Tensor:
    """Half precision as float32; other types as they are."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
