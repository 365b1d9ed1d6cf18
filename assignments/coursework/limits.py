"""What the process of an answer may use and touch."""

from __future__ import annotations

import resource
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one process.

    Attributes:
        seconds: of processor time.
        memory: bytes beyond what the process has when the submission begins.
        output: bytes that it may print.
        files: bytes in one file in its own folder.
    """

    seconds: float = 10.0
    memory: int = 2 << 30
    output: int = 1 << 20
    files: int = 16 << 20


def apply(limits: Limits, folder: str) -> None:
    """Set the limits on this process, for good."""
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
