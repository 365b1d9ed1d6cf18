"""Explorers for tests: frame functions that count, wait and fail."""

from matplotlib.figure import Figure

from otgen_lite.explore import Explorer
from tests.patience import HANGS


def bars(height, colour="tab:blue"):
    figure = Figure(figsize=(4, 2))
    figure.add_subplot().bar(range(3), [height, 1, 2], color=colour)
    return figure


class Frames:
    """A frame function that counts its calls; some values block, some fail."""

    def __init__(self):
        self.calls = []
        self.gates = {}
        self.failing = set()

    def __call__(self, p, masses):
        self.calls.append((p, masses))
        if p in self.gates:
            assert self.gates[p].wait(HANGS), "nobody opened the gate"
        if p in self.failing:
            raise ZeroDivisionError(f"no frame at {p}")
        return bars(p), {"cost": 0.1 * p, "kind": f"{masses} <piles>"}


def make(frame=None, **changes):
    arguments = dict(
        axes={"p": [1, 2, 3], "masses": ["even", "skewed"]},
        frame=frame or Frames(),
        name="piles",
        alt="p = {p}, {masses}: cost {cost}",
        labels={"p": "exponent p"},
    )
    return Explorer(**{**arguments, **changes})
