"""What can be computed of each statement of the book: one short function, which returns two sides.

A chapter shows such a function and certifies it on one instance; ``tests/certificates`` runs it
on others, of other sizes and dimensions. The two are the same code.
"""

from otgen_lite.statements import (
    blur,
    collapse,
    critics,
    distances,
    encoders,
    entropic_bias,
    entropy,
    estimation,
    gradients,
    kantorovich,
    latent,
    overlap,
    penalised,
    practice,
    scores,
    semidiscrete,
    two_sides,
)
from otgen_lite.statements.registry import REGISTRY, Statement, statement

__all__ = [
    "REGISTRY",
    "Statement",
    "blur",
    "collapse",
    "critics",
    "distances",
    "encoders",
    "entropic_bias",
    "entropy",
    "estimation",
    "gradients",
    "kantorovich",
    "latent",
    "overlap",
    "penalised",
    "practice",
    "scores",
    "semidiscrete",
    "statement",
    "two_sides",
]
