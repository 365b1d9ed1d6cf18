"""Explorers: figures with sliders, with a kernel and without one.

* :mod:`.explorer`: the object itself.
* :mod:`.live`: its ipywidgets form, for ipywidgets 7.7 and 8.
* :mod:`.page`: its HTML form; the browser's side is ``otgen_lite/web/explorer.js`` and ``.css``.
* :mod:`.ranking`: a list that the reader puts in order; ``otgen_lite/web/ranking.js`` and ``.css``;
  the colours of both are ``otgen_lite/web/palette.css``.
* :mod:`.interface`: frames, and what these forms may ask of an explorer.
* :mod:`.picture`, :mod:`.text`, :mod:`.axes`, :mod:`.frames`: what all are made of.
"""

from __future__ import annotations

from .explorer import Explorer, FrameError
from .interface import Frame
from .picture import Picture
from .ranking import Ranking
from .text import format_value

__all__ = ["Explorer", "Frame", "FrameError", "Picture", "Ranking", "format_value"]
