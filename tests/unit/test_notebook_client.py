"""A reply that was slept through is found at the next look."""

import asyncio
from queue import Empty

import pytest

from tools.notebook_client import in_short_waits


class Channel:
    """Has one message, and does not wake a wait that had begun before it came."""

    def __init__(self, comes_after: int) -> None:
        self.looks: list[float] = []
        self.comes_after = comes_after

    async def get_msg(self, timeout: float | None = None) -> dict[str, str]:
        assert timeout is not None
        self.looks.append(timeout)
        await asyncio.sleep(timeout)
        if len(self.looks) <= self.comes_after:
            raise Empty
        return {"msg_type": "execute_reply"}


@pytest.mark.parametrize("timeout", [None, 3600.0])
def test_the_message_is_found_at_the_next_look(timeout: float | None) -> None:
    channel = Channel(comes_after=1)
    message = asyncio.run(in_short_waits(channel.get_msg, look=0.01)(timeout=timeout))
    assert message == {"msg_type": "execute_reply"}
    assert channel.looks == [0.01, 0.01]


def test_the_whole_timeout_is_kept_and_no_more() -> None:
    channel = Channel(comes_after=1000)
    with pytest.raises(Empty):
        asyncio.run(in_short_waits(channel.get_msg, look=0.01)(timeout=0.035))
    assert max(channel.looks) <= 0.01
    assert sum(channel.looks) <= 0.035 + 1e-9  # the waits themselves may take longer


def test_no_timeout_at_all_is_one_look() -> None:
    channel = Channel(comes_after=1)
    with pytest.raises(Empty):
        asyncio.run(in_short_waits(channel.get_msg)(timeout=0))
    assert channel.looks == [0.0]
