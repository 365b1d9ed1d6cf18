"""Scores of real data, measured as the samples of a model are: ``quality.py --references``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from otgen_lite.data import digits, toy

Scores = Callable[..., dict[str, float]]

#: Draws of each reference that is drawn, and the seed of the first.
DRAWS, FIRST = 12, 1001

#: As many as of a model (``quality.SAMPLES``).
SAMPLES = 20_000


def of(data: str, scores: dict[str, Scores]) -> list[dict[str, Any]]:
    """The references of some data, as rows of the records."""
    return list({"eight_gaussians": _ring, "digits": _digits}[data](scores[data]))


def _ring(scores: Scores) -> Iterator[dict[str, Any]]:
    law = toy("eight_gaussians")
    draws = [scores(law.sample(SAMPLES, FIRST + i)) for i in range(DRAWS)]
    yield _row("law", f"{SAMPLES} fresh draws of the true law, scored like those of a model", draws)


def _digits(scores: Scores) -> Iterator[dict[str, Any]]:
    images, _ = digits()
    n = len(images)
    yield _row("images", f"the {n} images themselves, against themselves", [scores(images)])
    copies = [images[torch.randint(n, (n,), generator=_generator(i))] for i in range(DRAWS)]
    what = f"{n} images drawn with replacement, as who copies draws, against all {n}"
    yield _row("bootstrap", what, [scores(drawn) for drawn in copies])
    for name, size in (("halves", n // 2), ("quarters", n // 4)):
        what = f"{size} images against {size} others: fresh, but fewer than a model's {n}"
        orders = [torch.randperm(n, generator=_generator(i)) for i in range(DRAWS)]
        parts = [(images[order[:size]], images[order[size : 2 * size]]) for order in orders]
        yield _row(name, what, [scores(ours, others) for ours, others in parts])


def _generator(draw: int) -> torch.Generator:
    return torch.Generator().manual_seed(FIRST + draw)


def _row(name: str, what: str, draws: list[dict[str, float]]) -> dict[str, Any]:
    scores = {key: [round(float(draw[key]), 6) for draw in draws] for key in draws[0]}
    return {"name": name, "what": what, "scores": scores}
