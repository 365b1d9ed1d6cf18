"""Instances that nobody has seen: generators seeded by a secret, the student and the question."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hidden:
    """The source of a submission's hidden instances.

    ``hidden("q1", 2)`` is a NumPy generator, always the same for the same secret, student, question
    and number, and unrelated to any other.

    Args:
        secret: whoever knows it can draw the instances.
        student: name of the student if each has instances of their own, else empty.
    """

    secret: str
    student: str = ""

    def __call__(self, question: str, k: int = 0) -> np.random.Generator:
        key = "\0".join([self.secret, self.student, question, str(k)])
        digest = hashlib.sha256(key.encode()).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))

    def seed(self, question: str, k: int = 0) -> int:
        """An integer in [0, 2³¹), for answers that take a seed."""
        return int(self(question, k).integers(2**31))
