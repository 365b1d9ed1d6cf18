"""One decision, made once: where a chapter's tensors live."""

from __future__ import annotations

import torch

from otgen_lite.training.devices import accelerator


def use_device(device: str | torch.device | None = None) -> torch.device:
    """Let torch make new tensors on an accelerator where there is one.

    Args:
        device: a device that torch knows; by default the accelerator if it computes in double
            precision, and the CPU otherwise.

    Returns:
        The device, which is torch's default device from now on.

    Chapter: every chapter, in its first cell.

    Example:
        >>> use_device("cpu")
        device(type='cpu')
    """
    found = torch.device(device) if device is not None else (accelerator() or torch.device("cpu"))
    if device is None and found.type == "mps":
        found = torch.device("cpu")
    torch.set_default_device(found)
    return found


def generator(seed: int) -> torch.Generator:
    """A generator of random numbers on torch's default device.

    Args:
        seed: any integer.

    Returns:
        The generator, seeded.

    Chapter: every chapter, for the randomness of one cell.

    Example:
        >>> import torch
        >>> torch.rand(2, generator=generator(0))
        tensor([0.4963, 0.7682])
    """
    return torch.Generator(torch.get_default_device()).manual_seed(seed)
