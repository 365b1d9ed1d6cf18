"""Divergences between the codes of the data and the prior: the penalties of penalised transport.

A penalty is a module: ``penalty(q, p, noise)`` estimates D(Q, P) from codes ``q`` (n, d) of the
data and ``p`` (m, d) of the prior. A penalty with an opponent to train has ``has_critic = True``.
"""

from otgen_lite.divergences.adversarial import Adversarial
from otgen_lite.divergences.base import Penalty
from otgen_lite.divergences.mmd import MMD
from otgen_lite.divergences.moments import MomentMatching
from otgen_lite.divergences.sinkhorn import SinkhornPenalty
from otgen_lite.divergences.sliced import SlicedWasserstein

__all__ = [
    "MMD",
    "Adversarial",
    "MomentMatching",
    "Penalty",
    "SinkhornPenalty",
    "SlicedWasserstein",
]
