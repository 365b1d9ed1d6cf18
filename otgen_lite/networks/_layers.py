"""The non-linearities and widths of a network, in all forms in which they may be given."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from torch import Tensor, nn

from otgen_lite import _checks

#: Description of a non-linearity: a class or another function, a module to copy, or a name.
Activation = Callable[[], nn.Module] | nn.Module | str

_NAMES = {
    kind.__name__.lower(): kind
    for kind in (
        nn.CELU, nn.ELU, nn.GELU, nn.Hardtanh, nn.Identity, nn.LeakyReLU, nn.Mish, nn.ReLU,
        nn.ReLU6, nn.SELU, nn.Sigmoid, nn.SiLU, nn.Softplus, nn.Softsign, nn.Tanh,
    )
}  # fmt: skip


def maker(name: str, value: Any) -> Callable[[], nn.Module]:
    """Maker of a new non-linearity at each call.

    Raises:
        ValueError: if a name is unknown.
        TypeError: if it makes no module.
    """
    if isinstance(value, nn.Module):
        return functools.partial(copy.deepcopy, value)
    if isinstance(value, str):
        return _NAMES[_checks.choice(name, value.lower(), _NAMES)]
    rule = f"{name} must be a class of modules such as torch.nn.ReLU, a module, or a name"
    if not callable(value):
        raise TypeError(f"{rule}, got {value!r}")
    try:
        made = value()
    except TypeError as error:
        raise TypeError(
            f"{rule}, got {value!r}, which cannot be called without arguments ({error})"
        ) from None
    if not isinstance(made, nn.Module):
        raise TypeError(f"{rule}, got {value!r}, which makes a {type(made).__name__}")
    return value


def sizes(name: str, value: Any) -> list[int]:
    """Whole numbers, one or several; one alone is a list of one."""
    if isinstance(value, (Tensor, np.ndarray)):
        value = value.tolist()
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        if isinstance(value, (int, np.integer)):
            return [_checks.count(name, value)]
        raise TypeError(f"{name} must be a list of whole numbers, got {value!r}")
    return [_checks.count(name, entry) for entry in value]
