"""Metrics: how good samples are, in numbers that can be checked.

Every metric is a function of samples and returns a number. To interpret it, compare it with
:func:`floor`, what samples of the true distribution would score. Metrics are not differentiable:
they judge a model after its training.
"""

from otgen_lite.metrics.classifier import Classifier, Judgement, digits_classifier
from otgen_lite.metrics.fid import fid, frechet, inception
from otgen_lite.metrics.floors import Floor, floor
from otgen_lite.metrics.images import sharpness
from otgen_lite.metrics.kernels import mmd
from otgen_lite.metrics.modes import mode_coverage, share_within, within_mode_std
from otgen_lite.metrics.nearest import novelty
from otgen_lite.metrics.transport import sinkhorn, w2sq

__all__ = [
    "Classifier",
    "Floor",
    "Judgement",
    "digits_classifier",
    "fid",
    "floor",
    "frechet",
    "inception",
    "mmd",
    "mode_coverage",
    "novelty",
    "share_within",
    "sharpness",
    "sinkhorn",
    "w2sq",
    "within_mode_std",
]
