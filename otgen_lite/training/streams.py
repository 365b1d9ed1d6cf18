"""Streams of random numbers: from one seed, many that have nothing to do with one another.

``torch.Generator().manual_seed(0)`` is what everybody writes, for data and networks too. If a
training drew from it, its first codes would be the user's own data. So nothing here is seeded with
the seed itself: each kind of draw gets a key of its own by NumPy's ``SeedSequence``, and each place
in the training a number mixed from the key.

``SeedSequence`` could mix the places as well. It takes 10 µs a seed against 0.8, in a loop whose
shortest step is some 200 µs, and would change every number that was ever trained and recorded. The
mixing is that of splitmix64: a sum of odd multiples of key, step and update, and its finaliser,
which is a bijection of 64 bits. Two places of one stream share a seed only if a multiple of the two
constants vanishes modulo 2^64, and the smallest such pair of differences is 1.3e9 long: no training
gets there (the tests compute it). Neighbours have nothing in common: each bit of the seed changes
with probability 1/2, and draws of consecutive updates are uncorrelated. Torch's generator on a CPU
keeps 32 bits of a seed, whoever made it: of n updates some two have the same draws with probability
n²/2^33, far apart and by chance.
"""

from __future__ import annotations

import numpy as np

#: The kinds of draws: batches and their order; noise of losses; draws of networks by themselves,
#: such as dropout; metrics; a loader; items of a set; a sampler.
KINDS = ("batches", "updates", "networks", "metrics", "loader", "items", "sampler")

#: Odd multipliers of key, step and update.
_KEY, _STEP, _UPDATE = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, 0x8CB92BA72F3D8DD7

_MASK = (1 << 64) - 1


def key(seed: int, kind: str) -> int:
    """The key of one kind of draw: 64 bits."""
    spawned = np.random.SeedSequence(int(seed), spawn_key=(KINDS.index(kind),))
    return int(spawned.generate_state(1, np.uint64)[0])


def mixed(key: int, step: int, update: int = 0) -> int:
    """A seed for one update in one step: 63 bits of splitmix64 of the three numbers."""
    z = (key * _KEY + step * _STEP + update * _UPDATE) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) >> 1
