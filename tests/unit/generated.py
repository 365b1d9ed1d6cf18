"""Problems that hypothesis makes up, for the laws that hold for every problem.

The profile is fixed: the same examples on every machine. (Hypothesis mixes in constants that it
finds in the modules that are loaded: examples may differ with the tests that run along.)
"""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import DrawFn

fixed = settings(derandomize=True, deadline=None, database=None, max_examples=60)

# Whole and short binary numbers make ties and duplicates, and their sums exact.
coordinates = st.one_of(
    st.integers(-4, 4).map(float), st.floats(-8, 8, allow_subnormal=False, width=32)
)
exponents = st.sampled_from([1.0, 1.5, 2.0, 3.0])


@st.composite
def weights(draw: DrawFn, n: int) -> np.ndarray:
    """Weights on n atoms: uniform, or multiples of 1/k with zeros among them."""
    if draw(st.booleans()):
        return np.full(n, 1.0 / n)
    parts = draw(arrays(int, n, elements=st.integers(0, 5)).filter(lambda a: a.sum() > 0))
    return parts / parts.sum()


@st.composite
def measures(draw: DrawFn, count: int, d: int | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """So many measures on the same space: points (n, d) and weights (n,)."""
    d = d or draw(st.integers(1, 3))
    found = []
    for _ in range(count):
        n = draw(st.integers(1, 8))
        found.append((draw(arrays(float, (n, d), elements=coordinates)), draw(weights(n))))
    return found


@st.composite
def problems(draw: DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A cost matrix without structure, and weights."""
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    numbers = st.floats(-1e3, 1e3, allow_subnormal=False, width=32)
    entries = st.one_of(st.integers(-3, 3).map(float), numbers)
    return draw(arrays(float, (n, m), elements=entries)), draw(weights(n)), draw(weights(m))


@st.composite
def gaussians(draw: DrawFn, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """So many Gaussians of one dimension: means and covariances, some of them singular."""
    d = draw(st.integers(1, 4))
    found = []
    for _ in range(count):
        m = draw(arrays(float, d, elements=coordinates))
        F = draw(arrays(float, (d, draw(st.integers(1, d))), elements=st.integers(-3, 3)))
        found.append((m, F @ F.T))  # whole numbers: exactly symmetric, exactly singular
    return found


def close(left: float, right: float, scale: float) -> bool:
    """Equal up to rounding relative to the largest cost that occurs."""
    return abs(left - right) <= 1e-9 * max(scale, 1e-300)


def diameter(*clouds: np.ndarray) -> float:
    points = np.concatenate(clouds)
    return float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
