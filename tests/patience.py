"""How long a test waits: until something happens, or until it is plain that it never will.

No verdict hangs on how fast a machine is. A wait ends with an event; :data:`HANGS` is reached by
what hangs, and by nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from tools.notebook_client import ResponsiveClient

#: Seconds. The longest wait of the suite takes a few on a usual machine.
HANGS = 1200.0


def until(
    condition: Callable[[], Any], look: Callable[[], Any] = lambda: time.sleep(0.005)
) -> None:
    """Wait for a condition; fail if it never comes true.

    Args:
        condition: asked again and again.
        look: what is done in between.
    """
    end = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        look()


def kernel(
    notebook: nbformat.NotebookNode, cwd: Path | None = None, **more: Any
) -> ResponsiveClient:
    """What executes a notebook, with patience in each of its waits."""
    resources = {"metadata": {"path": str(cwd)}} if cwd else {}
    return ResponsiveClient(
        notebook, resources=resources, timeout=int(HANGS), startup_timeout=int(HANGS),
        iopub_timeout=int(HANGS), raise_on_iopub_timeout=True, **{"kernel_name": "python3", **more},
    )  # fmt: skip
