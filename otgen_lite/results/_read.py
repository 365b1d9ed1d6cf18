"""Reading the records of runs, and rejecting damaged ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from otgen_lite import _checks
from otgen_lite.results._summary import Summary

#: Data sets with records, in the order of the book, and the scores that each run has.
SCORES = {
    "eight_gaussians": ("w2sq", "share", "modes", "within_std", "mmd2"),
    "digits": ("w2sq", "sharpness", "confidence", "classes", "novelty", "mmd2"),
}

#: Full-scale data without recorded runs.
_MISSING = {
    "mnist": "There are no recorded runs on MNIST: every number in the book comes from machines "
    "with two cores, and training all methods on several seeds would take hours on an accelerator. "
    "The data can be loaded (otg.data.mnist), and the methods train on them.",
    "celeba": "There are no recorded runs on CelebA: its pictures must be downloaded by hand under "
    "their own licence, and training the networks of the papers would take days on an accelerator. "
    "The loader (otg.data.celeba) exists, and was tested on synthetic pictures.",
}


@dataclass(frozen=True)
class Run:
    """One recorded training run of a recipe.

    Attributes:
        method: name of the recipe.
        seed: seed of the data, the initial weights, the training and the samples.
        scores: value of each score, by name; see :mod:`otgen_lite.results`.
        cpu_s: processor time of the training in seconds, on one thread of the machine that recorded
            it, which did other work too.
        calibrated_s: the same time in calibrated seconds, those of a machine that takes 0.15 s for
            a fixed piece of work (``tools/calibrate.py``); these can be compared with one another.
        parameters: number of trained numbers that sampling needs: the weights of generator or
            decoder and of a map's network, and what else a map holds, such as a potential and the
            codes that it belongs to.
        trained: number of all trained numbers, including those of encoders, critics and potentials.
        steps: number of steps of each stage, by name; most recipes have one stage, under their own
            name.
        settings: a digest of the recipe's code and options when it was recorded.

    Chapter: 14.
    """

    method: str
    seed: int
    scores: Mapping[str, float]
    cpu_s: float
    calibrated_s: float
    parameters: int
    trained: int
    steps: Mapping[str, int]
    settings: str


@dataclass(frozen=True)
class Reference:
    """Scores of real data, for comparison with the scores of models.

    Attributes:
        name: a short name.
        what: what was scored against what.
        scores: :class:`Summary` over the draws for each score, by name; scores that are meaningless
            here are left out.

    Chapter: 14.
    """

    name: str
    what: str
    scores: Mapping[str, Summary]


def names() -> tuple[str, ...]:
    """The names of the data sets with recorded runs.

    Example:
        >>> names()
        ('eight_gaussians', 'digits')
    """
    return tuple(SCORES)


def missing() -> dict[str, str]:
    """The full-scale data sets without recorded runs: the reason for each, by name.

    Example:
        >>> sorted(missing())
        ['celeba', 'mnist']
    """
    return dict(_MISSING)


def load(data: str) -> tuple[Run, ...]:
    """All recorded runs on a data set, by recipe (in the order of the book's table) and seed.

    Args:
        data: one of :func:`names`.

    Returns:
        The runs.

    Raises:
        ValueError: if there are no records for such data, or the file of records is damaged; the
            message then names the file and the row.

    Chapter: 13, 14.

    Example:
        >>> run = load("digits")[0]
        >>> run.method, run.seed, sorted(run.scores)[0]
        ('mke_sinkhorn', 21, 'classes')
    """
    return _record(_known(data))[0]


def references(data: str) -> tuple[Reference, ...]:
    """Scores of real data, measured in the same way as the samples of a model.

    On the ring they are the sampling floor: scores of fresh draws from the true distribution. For
    the digits there are no fresh data. The images themselves score 0 in ``w2sq`` and ``novelty``. A
    model that copies them at random scores like the bootstrap, 1,797 images drawn with replacement.
    Two disjoint halves are fresh to each other; but a half has only 898 images, and W_2^2 between
    samples falls with their size, as the quarters show. So none of these numbers is a floor for
    1,797 fresh digits.

    Args:
        data: one of :func:`names`.

    Returns:
        One :class:`Reference` for each way of scoring real data.

    Raises:
        ValueError: as :func:`load`.

    Chapter: 13, 14.

    Example:
        >>> [found.name for found in references("digits")]
        ['images', 'bootstrap', 'halves', 'quarters']
    """
    return _record(_known(data))[1]


def _known(data: str) -> str:
    if data in _MISSING:
        raise ValueError(f"data must be one of {', '.join(map(repr, SCORES))}: {_MISSING[data]}")
    return _checks.choice("data", data, SCORES)


@cache
def _record(data: str) -> tuple[tuple[Run, ...], tuple[Reference, ...]]:
    file = resources.files("otgen_lite") / "results" / f"{data}.json"
    return parsed(file.read_text(encoding="utf-8"), f"{data}.json", SCORES[data])


def parsed(
    text: str, file: str, scores: tuple[str, ...]
) -> tuple[tuple[Run, ...], tuple[Reference, ...]]:
    """The runs and references of a file, each row checked.

    Raises:
        ValueError: if it is not what it must be; the message names file and row.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} must be JSON: {error}") from None
    if not isinstance(content, dict) or sorted(content) != ["references", "runs"]:
        raise ValueError(f"{file} must hold 'references' and 'runs' and nothing else")
    runs = [_run(row, f"{file}, run {i}", scores) for i, row in enumerate(content["runs"], 1)]
    keys = [(run.method, run.seed) for run in runs]
    for i, key in enumerate(keys, 1):
        if keys.index(key) != i - 1:
            raise ValueError(f"{file}, run {i}: {key[0]} with seed {key[1]} is there already")
    found = [
        _reference(row, f"{file}, reference {i}", scores)
        for i, row in enumerate(content["references"], 1)
    ]
    return tuple(runs), tuple(found)


def _run(row: Any, at: str, scores: tuple[str, ...]) -> Run:
    found = _fields(row, at, Run)
    for name in ("method", "settings"):
        _must(isinstance(found[name], str) and found[name] != "", at, name, "text", found[name])
    for name, least in (("seed", 0), ("parameters", 1), ("trained", 1)):
        _must(_whole(found[name], least), at, name, f"a whole number >= {least}", found[name])
    for name in ("cpu_s", "calibrated_s"):
        right = _number(found[name]) and found[name] > 0
        _must(right, at, name, "a number > 0", found[name])
    steps = found["steps"]
    right = isinstance(steps, dict) and bool(steps) and all(_whole(n, 1) for n in steps.values())
    _must(right, at, "steps", "stages with their steps", steps)
    held = found["scores"]
    right = isinstance(held, dict) and sorted(held) == sorted(scores)
    _must(right, at, "scores", f"those of {', '.join(scores)}", held)
    for name, value in held.items():
        _must(value is None or _number(value), at, name, "a number or null", value)
    # What is undefined, such as the width of modes that hold no sample, is null in the file.
    read = {name: math.nan if held[name] is None else held[name] for name in scores}
    return Run(**{**found, "scores": MappingProxyType(read), "steps": MappingProxyType(steps)})


def _reference(row: Any, at: str, scores: tuple[str, ...]) -> Reference:
    found = _fields(row, at, Reference)
    for name in ("name", "what"):
        _must(isinstance(found[name], str) and found[name] != "", at, name, "text", found[name])
    held = found["scores"]
    right = isinstance(held, dict) and bool(held) and set(held) <= set(scores)
    _must(right, at, "scores", f"some of {', '.join(scores)}", held)
    for name, values in held.items():
        right = isinstance(values, list) and bool(values) and all(map(_number, values))
        _must(right, at, name, "a list of numbers", values)
    read = {name: Summary.of(held[name]) for name in scores if name in held}
    return Reference(found["name"], found["what"], MappingProxyType(read))


def _fields(row: Any, at: str, kind: type) -> dict[str, Any]:
    names = tuple(field.name for field in fields(kind))
    if not isinstance(row, dict) or sorted(row) != sorted(names):
        got = ", ".join(sorted(row)) if isinstance(row, dict) else repr(row)
        raise ValueError(f"{at} must hold {', '.join(names)}, got {got}")
    return dict(row)


def _must(right: bool, at: str, name: str, what: str, value: Any) -> None:
    if not right:
        raise ValueError(f"{at}: {name} must be {what}, got {value!r}")


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
