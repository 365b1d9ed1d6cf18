"""One switch for the size of an experiment: small on the CPU, full on an accelerator."""

from __future__ import annotations

import os
from typing import TypeVar

import torch

from otgen_lite import _checks

#: The environment variable that decides, and what it may say.
VARIABLE = "OTGEN_SCALE"
SCALES = ("small", "full")

T = TypeVar("T")


def by_scale(*, small: T, full: T) -> T:
    """Choose between a setting for the CPU and one for an accelerator.

    The environment variable ``OTGEN_SCALE`` decides (``small`` or ``full``). Where it is not set,
    torch's default device does: the scale is ``full`` if that is an accelerator, as after
    :func:`~otgen_lite.use_device`, and ``small`` otherwise.

    Args:
        small: what to return at scale ``small``.
        full: what to return at scale ``full``.

    Returns:
        ``small`` or ``full``.

    Raises:
        ValueError: if ``OTGEN_SCALE`` holds anything else.

    Chapter: every chapter that trains.

    Example:
        >>> import os
        >>> os.environ["OTGEN_SCALE"] = "small"
        >>> by_scale(small=200, full=20_000)
        200
    """
    return small if _scale() == "small" else full


def _scale() -> str:
    said = os.environ.get(VARIABLE, "").strip()
    if said:
        return _checks.choice(f"the environment variable {VARIABLE}", said, SCALES)
    return "small" if torch.get_default_device().type == "cpu" else "full"
