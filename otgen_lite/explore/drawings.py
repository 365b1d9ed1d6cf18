"""The drawings of an explorer's figures, each figure drawn for one frame."""

from __future__ import annotations

import hashlib
import threading
import weakref

from matplotlib.figure import Figure
from PIL.Image import Image

from .picture import WIDTH, draw
from .pyplot_figures import blank, opened, shared

_ANEW = "make a new figure at each call, with Figure(), plt.subplots() or plt.figure()"


class Drawings:
    """Draws figures and refuses those that several frames draw into.

    Frames are computed side by side: a figure that lives longer than a call would show what another
    frame has drawn meanwhile. A figure that is given again as it was (the frame function remembers
    it) is harmless.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: weakref.WeakKeyDictionary[Figure, bytes] = weakref.WeakKeyDictionary()

    def of(self, figure: Figure) -> Image:
        """The drawing of a figure that a frame function just gave.

        Raises:
            ValueError: if the figure is not the frame's own.
        """
        if shared(figure):
            raise ValueError(
                f"frame gave a figure that was open before: every frame would draw into it; {_ANEW}"
            )
        with self._lock:
            before = self._given.get(figure)
        elsewhere = any(other is not figure and not blank(other) for other in opened())
        if elsewhere and figure not in opened() and (blank(figure) or before is not None):
            raise ValueError(
                "frame drew with pyplot into another figure than the one it gave: draw on the "
                "axes of that one, or give plt.gcf()"
            )
        image = draw(figure, width=WIDTH)
        digest = hashlib.sha256(image.tobytes()).digest()
        with self._lock:
            if self._given.setdefault(figure, digest) != digest:
                raise ValueError(f"frame gave the figure of another frame, drawn over; {_ANEW}")
        return image
