"""Streams of random numbers: from one seed, many that have nothing to do with one another.

``torch.Generator().manual_seed(0)`` is what everybody writes, for data and networks too. If a
training drew from it, its first codes would be the user's own data. So nothing here is seeded with
the seed itself: each kind of draw gets a key of its own by NumPy's ``SeedSequence``, and each place
in the training a number mixed from the key.
"""

from __future__ import annotations

import numpy as np

#: Who draws: batches and their order; what a loss draws; what networks draw by themselves; metrics;
#: a loader; the items of a set; a sampler.
KINDS = ("batches", "turns", "networks", "metrics", "loader", "items", "sampler")

_MASK = (1 << 64) - 1


def key(seed: int, kind: str) -> int:
    """The key of one kind of draw: 64 bits."""
    spawned = np.random.SeedSequence(int(seed), spawn_key=(KINDS.index(kind),))
    return int(spawned.generate_state(1, np.uint64)[0])


def mixed(key: int, step: int, turn: int = 0) -> int:
    """A seed for one update in one step: 63 bits of splitmix64 of the three numbers."""
    z = (key * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03 + turn * 0x8CB92BA72F3D8DD7) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) >> 1
