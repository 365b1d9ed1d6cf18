"""Frames of an explorer, and the interface through which its forms see it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from .axes import Axis
from .frames import Key
from .picture import Picture
from .text import Value


class Frame(NamedTuple):
    """The picture and the read-outs of an explorer for one choice of values.

    It can be unpacked: ``picture, readouts = explorer.frame(p=1)``.

    Attributes:
        picture: the encoded figure, which a notebook displays; its description is ``picture.alt``.
        readouts: numbers or texts by name.
    """

    picture: Picture
    readouts: dict[str, Value]


class FrameSource(Protocol):
    """An explorer, as its HTML and its widget see it."""

    axes: tuple[Axis, ...]
    name: str
    caption: str
    start: Key

    def at(self, key: Key) -> Frame:
        """The frame at a position."""

    def narrow(self, key: Key) -> Picture | None:
        """The frame's drawing for phones, where there is one."""

    def positions(self) -> list[Key]:
        """All positions, the last axis running fastest."""
