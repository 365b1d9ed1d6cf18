"""Float32 with all its digits: no autocast, and no shortened matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor


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
    cast = torch.autocast(like.device.type, enabled=False)
    return cast if torch.compiler.is_compiling() else _full(cast)


@contextmanager
def _full(cast: torch.autocast) -> Iterator[None]:
    with cast, _whole_products():
        yield


@contextmanager
def _whole_products() -> Iterator[None]:
    """Float32 matrix products in float32."""
    names: Any = torch.backends
    backends: list[Any] = [names.cuda.matmul, getattr(names.mkldnn, "matmul", None)]
    if not all(hasattr(backend, "fp32_precision") for backend in backends):  # torch before 2.9
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
        return
    # Each setting by itself: those of the two are not the same where only one was made.
    kept = [backend.fp32_precision for backend in backends]
    changed = [(b, k) for b, k in zip(backends, kept, strict=True) if k not in ("none", "ieee")]
    for backend, _ in changed:
        backend.fp32_precision = "ieee"
    try:
        yield
    finally:
        for backend, before in changed:
            backend.fp32_precision = before


def lifted(x: Tensor) -> Tensor:
    """Half precision as float32; other types as they are."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
