"""The default device: a single decision about where the tensors of a chapter are."""

from __future__ import annotations

import warnings

import torch

from otgen_lite import _checks
from otgen_lite.training.devices import accelerator, named, select


def use_device(device: str | torch.device | None = None) -> torch.device:
    """Set torch's default device: an accelerator where there is one, otherwise the CPU.

    From then on every tensor that is made without an explicit device is made there, by torch itself
    or by the data sets and networks of this package, and arrays and lists that are passed to its
    functions are moved there. So :func:`~otgen_lite.fit` trains there, and
    :func:`~otgen_lite.by_scale` takes the full size. Networks whose weights come from a seed, and
    data that are drawn with one, are the same on every device; :func:`generator`, however, draws
    different numbers on different kinds of device.

    The function may be called again, also with another device; existing tensors stay where they
    are.

    Args:
        device: a device that torch knows; by default, or as ``"auto"``, the accelerator if it
            computes in double precision, and the CPU otherwise.

    Returns:
        The device, which is torch's default device from now on.

    Raises:
        ValueError: if there is no such device here.

    Warns:
        UserWarning: if the only accelerator has no double precision; it is not used unless it is
            named.

    Chapter: every chapter, in its first cell.

    Example:
        >>> use_device("cpu")
        device(type='cpu')
    """
    if device is not None and device != "auto":
        found = named(device)
    else:
        found = accelerator() or torch.device("cpu")
        if _checks.wide(found) != torch.float64:
            warnings.warn(
                f"this machine's accelerator ({found.type}) does not compute in double precision, "
                f"which the solvers need, so the CPU is used; call use_device({found.type!r}) to "
                "use the accelerator nevertheless",
                stacklevel=2,
            )
            found = torch.device("cpu")
    select(found)
    # The CPU is where torch makes tensors by itself; told so, it would ask at every call.
    torch.set_default_device(None if found.type == "cpu" else found)
    return found


def generator(seed: int) -> torch.Generator:
    """A generator of random numbers on torch's default device.

    Args:
        seed: a whole number.

    Returns:
        The generator, seeded.

    Raises:
        ValueError, TypeError: if the seed is not a whole number from 0 to 2**64 - 1.

    Chapter: every chapter, for the randomness of one cell.

    Example:
        >>> import torch
        >>> torch.rand(2, generator=generator(0))
        tensor([0.4963, 0.7682])
    """
    made = torch.Generator(torch.get_default_device())
    return made.manual_seed(_checks.seed("seed", seed))
