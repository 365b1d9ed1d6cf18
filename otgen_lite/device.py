"""One decision, made once: where a chapter's tensors live."""

from __future__ import annotations

import warnings

import torch

from otgen_lite import _checks
from otgen_lite.training.devices import accelerator, named, select


def use_device(device: str | torch.device | None = None) -> torch.device:
    """Let torch make new tensors on an accelerator where there is one.

    From then on whatever makes tensors without a word about devices makes them there: torch itself,
    the data and networks of this package, and arrays and lists that its functions are given. So
    :func:`~otgen_lite.fit` trains there, and :func:`~otgen_lite.by_scale` takes the full size.
    Networks whose weights come from a seed, and data drawn with one, are the same on every device;
    :func:`generator` draws other numbers on each kind of device.

    It may be called again, with another device too; what was made before stays where it is.

    Args:
        device: a device that torch knows; by default, or as ``"auto"``, the accelerator if it
            computes in double precision, and the CPU otherwise.

    Returns:
        The device, which is torch's default device from now on.

    Raises:
        ValueError: if there is no such device here.

    Warns:
        UserWarning: if there is an accelerator without double precision, which is not taken unless
            it is named.

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
                f"which the solvers need, so the CPU is used; use_device({found.type!r}) takes it",
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
        ValueError, TypeError: if the seed is none.

    Chapter: every chapter, for the randomness of one cell.

    Example:
        >>> import torch
        >>> torch.rand(2, generator=generator(0))
        tensor([0.4963, 0.7682])
    """
    made = torch.Generator(torch.get_default_device())
    return made.manual_seed(_checks.seed("seed", seed))
