r"""The gap of a hard potential without the optimism of a sample: products of independent parts.

Near the best potential, with the slope g = b - masses(psi) and the Hessian -L of H,

.. math::
    \max H - H(\psi) \approx \tfrac12\, g^T L^{-1} g .

A sample of M points has the slope g + noise, with the noise's covariance Sigma / M, where
Sigma = diag(masses) - masses masses^T. So what the sample itself would gain is larger in the mean,
by c / M with c = tr(L^{-1} Sigma) / 2. Richardson's extrapolation from the halves of the sample,
2 gap(M) - mean of gap(M/2), removes that term; written out, it is the product of the two halves'
slopes, g_1^T L^{-1} g_2 / 2, in which no noise meets itself. With k parts in place of two, and
the mean over all pairs of them, this is a U-statistic: the same mean, half the variance, and a
standard error from the spread of the pairs.

L is the network of `_network.py`, up to a factor, which follows from what the sample gains by a
move along L^{-1} g: the bend of H.

Tried and left: the gain on the halves themselves, whose best potentials the repaired plan does not
find closely enough; the in-sample gain less a computed c / M, in which an error of L meets c / M in
place of the gap; L^{-1} g at full length, which empty cells overshoot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor, from_numpy

from otgen_lite.transport._network import Network
from otgen_lite.transport._semidual import SampledDual, mean_and_error

#: Parts of the sample whose slopes are multiplied, pair by pair.
_PARTS = 16

#: The range of the bend of H along the network's move, as a share of its linear gain, if H is
#: anything like the parabola: 1/2 where the network is right, 2 where half of the move gains
#: nothing.
_LEAST, _MOST = 0.1, 0.9

#: Points that a cell should hold, and holds none: a fault of psi. By chance, it is e^-8 an atom.
_NOT_EMPTY = 8.0


@dataclass(frozen=True)
class Estimate:
    """The gap at psi, what the sample adds to it by chance, and a better psi.

    Attributes:
        value: max H - H(psi), up to noise; it may be negative.
        error: its standard error.
        error_ahead: the error that another such sample would have, at ``ahead``.
        dual: H_M(psi) of the sample.
        dual_error: its standard error.
        optimism: c / M.
        ahead: psi after the step that is expected to gain most.
        left: the gap that is expected there.
        sound: whether no cell of some mass is empty, the network reaches every atom, and H is a
            parabola; the rest is void if not.
    """

    value: float
    error: float
    error_ahead: float
    dual: float
    dual_error: float
    optimism: float
    ahead: Tensor
    left: float
    sound: bool


def estimate(dual: SampledDual, psi: Tensor, x: Tensor) -> Estimate:
    """The gap of psi, estimated on centred points that psi has not seen."""
    two = dual.best_two(psi, x)
    before, dual_error = mean_and_error(two.transform, float(dual.b @ psi))
    b, k = dual.b.cpu().numpy(), _PARTS
    part = np.arange(len(x)) * k // len(x)
    counts = np.bincount(part * dual.n + two.first, minlength=k * dual.n).reshape(k, dual.n)
    slopes = (b - counts / counts.sum(axis=1, keepdims=True)).T
    # Along a cell without points H is linear, not a parabola, for as long as it stays empty.
    if ((counts.sum(axis=0) == 0) & (b * len(x) >= _NOT_EMPTY)).any():
        return _void(before, dual_error, psi)
    network = Network.of(dual, psi, x, two, b)
    if not network.carries(slopes):
        return _void(before, dual_error, psi)
    replies = network.solve(slopes)
    replies -= b @ replies
    products = slopes.T @ replies
    signal, single, both = _off_diagonal(products)
    whole = float(products.mean())
    move = from_numpy(replies.mean(axis=1)).to(psi)
    gain = dual.value(psi + move / 2, x) - before
    # A part t of the move gains the sample t whole - t^2 bend, and others t signal - t^2 bend.
    bend = 2 * whole - 4 * gain
    if not _LEAST * whole <= bend <= _MOST * whole:
        return _void(before, dual_error, psi)
    factor = whole / (2 * bend)
    value, optimism = factor * signal / 2, factor * (whole - signal) / 2
    noise, error = factor * both**0.5 / 2, factor * (single + both) ** 0.5 / 2
    share = min(max(signal / whole, 0.0), 1.0)
    ahead, left = psi + factor * share * move, max(value, 0.0) * (1.0 - share)
    error, error_ahead = max(error, _error(value, noise, optimism)), _error(left, noise, optimism)
    return Estimate(
        value, error, error_ahead, before, dual_error, optimism, ahead, left, sound=True
    )


def _void(dual: float, dual_error: float, psi: Tensor) -> Estimate:
    """No estimate, but the dual."""
    nan = np.nan
    return Estimate(nan, nan, nan, dual, dual_error, nan, psi, np.inf, sound=False)


def _error(value: float, noise: float, optimism: float) -> float:
    """Standard error of the estimate, by a model of its variance: noise^2 (1 + 2 gap / optimism).

    The second term, noise times slope, is what it is where the slope has the noise's directions.
    The gap in it is the upper end of the interval, value + 2 errors, as in Wilson's interval: an
    estimate that came out too small by chance would have too small an error otherwise.
    """
    share = 2 * noise**2 / max(optimism, np.finfo(float).tiny)
    return share + (share**2 + noise**2 + share * max(value, 0.0)) ** 0.5


def _off_diagonal(products: np.ndarray) -> tuple[float, float, float]:
    """Mean over pairs of different parts; its variance by parts, and by pairs (Hoeffding)."""
    k = len(products)
    others = ~np.eye(k, dtype=bool)
    pairs = products[others].reshape(k, k - 1)
    mean = float(pairs.mean())
    own = (pairs.mean(axis=1) - mean) * (k - 1) / (k - 2)
    rest = (products - mean - own[:, None] - own)[others]
    both = float(np.square(rest).sum()) / (k * (k - 3))
    single = max(float(own.var(ddof=1)) - both / (k - 2), 0.0)
    return mean, 4 * single / k, 2 * both / (k * (k - 1))
