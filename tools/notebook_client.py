"""A notebook client that does not sleep through its kernel's answer.

nbclient waits for a cell's reply with one poll that lasts as long as a cell may take. If a widget
of the cell makes the client send something on the same socket meanwhile (an ``Output`` does),
ZeroMQ may have told of the reply already, and it does not tell twice: about one time in forty the
poll slept on beside the message until its time was up. Here it looks again every second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from queue import Empty
from time import monotonic
from typing import Any

from jupyter_client.client import KernelClient
from nbclient import NotebookClient

#: Seconds between two looks. Only a reply that was slept through waits for one.
LOOK = 1.0

GetMessage = Callable[..., Awaitable[dict[str, Any]]]


class ResponsiveClient(NotebookClient):
    """A notebook client whose waits for a message are made of short ones."""

    async def async_start_new_kernel_client(self) -> KernelClient:
        client = await super().async_start_new_kernel_client()
        for channel in (client.shell_channel, client.iopub_channel):
            channel.get_msg = in_short_waits(channel.get_msg)
        return client


def in_short_waits(get_msg: GetMessage, look: float = LOOK) -> GetMessage:
    """Wait for a message as ``get_msg(timeout)`` does, by many calls of it with short timeouts.

    Raises:
        Empty: when the whole timeout has passed, as ``get_msg`` does.
    """

    async def patient(timeout: float | None = None) -> dict[str, Any]:
        end = float("inf") if timeout is None else monotonic() + timeout
        while True:
            left = max(0.0, end - monotonic())
            try:
                return await get_msg(timeout=min(look, left))
            except Empty:
                if left <= look:
                    raise

    return patient
