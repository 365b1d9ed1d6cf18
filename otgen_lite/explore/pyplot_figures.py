"""Figures of pyplot that belong to one frame alone.

pyplot has one current figure for the whole process: frames that are computed side by side would
draw into one another's, and into the reader's. While a frame is computed, its thread has a list of
open figures of its own, empty at first; nobody else sees what it opens, and what it leaves open is
closed.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure

_HERE = threading.local()
_INSTALLING = threading.Lock()


class _OpenFigures:
    """pyplot's list of open figures: of the frame where one is computed, else everybody's.

    matplotlib offers no other way than to stand in for ``Gcf.figs``, an ``OrderedDict`` from number
    to manager; all of pyplot goes through it.
    """

    def __init__(self, everybodys: Any) -> None:
        self.everybodys = everybodys

    def _now(self) -> Any:
        own = getattr(_HERE, "figures", None)
        return self.everybodys if own is None else own

    def __getattr__(self, name: str) -> Any:
        if name == "everybodys":  # not there yet, as while it is copied
            raise AttributeError(name)
        return getattr(self._now(), name)

    def __copy__(self) -> Any:
        return copy.copy(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._now())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._now())

    def __contains__(self, key: Any) -> bool:
        return key in self._now()

    def __getitem__(self, key: Any) -> Any:
        return self._now()[key]

    def __setitem__(self, key: Any, manager: Any) -> None:
        self._now()[key] = manager

    def __delitem__(self, key: Any) -> None:
        del self._now()[key]

    def __eq__(self, other: object) -> bool:
        return bool(self._now() == other)

    __hash__ = None  # type: ignore[assignment]  # as a dict


@contextlib.contextmanager
def own_figures() -> Iterator[None]:
    """Inside, pyplot has no figures but those that this thread opens; at the end they are closed.

    >>> import matplotlib.pyplot as plt
    >>> readers = plt.figure()
    >>> with own_figures():
    ...     plt.get_fignums(), plt.gcf() is readers
    ([], False)
    >>> plt.gcf() is readers
    True
    >>> plt.close(readers)
    """
    with _INSTALLING:
        if not isinstance(Gcf.figs, _OpenFigures):
            stand_in: Any = _OpenFigures(Gcf.figs)
            Gcf.figs = stand_in
    before = getattr(_HERE, "figures", None)
    _HERE.figures = OrderedDict()
    try:
        yield
    finally:
        Gcf.destroy_all()
        _HERE.figures = before


def opened() -> list[Figure]:
    """The figures that are open in pyplot here."""
    return [manager.canvas.figure for manager in Gcf.figs.values()]


def shared(figure: Figure) -> bool:
    """Whether a figure was opened in pyplot outside of the frame."""
    figs = Gcf.figs
    everybodys = figs.everybodys if isinstance(figs, _OpenFigures) else {}
    return any(m.canvas.figure is figure for m in list(everybodys.values()))


def blank(figure: Figure) -> bool:
    """Whether nothing was drawn in a figure."""
    return len(figure.get_children()) <= 1  # its background
