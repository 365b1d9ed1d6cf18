"""The record of a run, ``gpu.json``: what was asked, how each step ended, every measured number.

It is written anew whenever something is known, whole or not at all: a run that is cut off leaves
what it had measured.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Marks a line of a step's output that holds a row.
MARK = "@row "

OUTCOMES = ("ok", "failed", "timed out", "skipped")
#: Fields that a row must have, and that it may have: by name the types.
ROW: dict[str, tuple[type, ...]] = {"step": (str,), "case": (str,), "what": (str,), "unit": (str,)}
MORE: dict[str, tuple[type, ...]] = {
    "value": (int, float, type(None)),  # None: not measured, and `why` says the reason
    "why": (str,),
    "times": (list,),  # one value a repetition
    "peer": (int, float, type(None)),
    "peer_name": (str,),
    "peer_times": (list,),
    "ratio": (int, float, type(None)),
    "bar": (int, float),
    "within": (bool,),
    "busy": (int, float, type(None)),  # the share of the time in which the accelerator works
    "first": (int, float),  # seconds of the first call, which is not counted
    "contestants": (list,),
    "note": (str,),
}
STEP: dict[str, tuple[type, ...]] = {
    "name": (str,), "outcome": (str,), "seconds": (int, float), "limit": (int, float),
    "why": (str,), "last": (list,),
}  # fmt: skip
RECORD: dict[str, tuple[type, ...]] = {
    "schema": (int,), "device": (str,), "smoke": (bool,), "date": (str,), "commit": (str,),
    "facts": (dict,), "seconds": (int, float), "steps": (list,), "rows": (list,),
}  # fmt: skip


def emit(**row: Any) -> None:
    """Say a row: the runner of the steps picks it up.

    Example:
        >>> emit(case="VAE", what="fp32", unit="steps/s", value=3.0)
        @row {"case": "VAE", "what": "fp32", "unit": "steps/s", "value": 3.0}
    """
    print(MARK + json.dumps(row, ensure_ascii=False, allow_nan=False), flush=True)


def check(record: Any) -> None:
    """See that a record is one.

    Raises:
        ValueError: with the place, what was there, and what must be.
    """
    _fields("the record", record, RECORD, {})
    if record["schema"] != 1:
        raise ValueError(f"schema must be 1, got {record['schema']!r}")
    for name, value in record["facts"].items():
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise ValueError(f"facts[{name!r}] must be a text or a number, got {value!r}")
    for k, step in enumerate(record["steps"]):
        _fields(f"steps[{k}]", step, STEP, {})
        if step["outcome"] not in OUTCOMES:
            raise ValueError(
                f"steps[{k}]['outcome'] must be one of {OUTCOMES}, got {step['outcome']!r}"
            )
        if step["outcome"] != "ok" and not step["why"]:
            raise ValueError(f"steps[{k}]['why'] must say why {step['name']!r} is not ok")
    known = {step["name"] for step in record["steps"]}
    for k, row in enumerate(record["rows"]):
        _row(f"rows[{k}]", row, known)


def _row(place: str, row: Any, steps: set[str]) -> None:
    _fields(place, row, ROW, MORE)
    if row["step"] not in steps:
        raise ValueError(f"{place}['step'] must be one of the steps, got {row['step']!r}")
    if row.get("value") is None and not row.get("why"):
        raise ValueError(f"{place} must have a value, or say why not")
    numbers = [row.get(name) for name in ("value", "peer", "ratio", "busy", "first")]
    for number in [*numbers, *row.get("times", []), *row.get("peer_times", [])]:
        fine = number is None or (isinstance(number, (int, float)) and math.isfinite(number))
        if not fine:
            raise ValueError(f"{place} must hold finite numbers, got {number!r}")


def _fields(
    place: str, value: Any, must: dict[str, tuple[type, ...]], may: dict[str, tuple[type, ...]]
) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{place} must be an object, got {value!r}")
    missing = sorted(set(must) - set(value))
    unknown = sorted(set(value) - set(must) - set(may))
    if missing or unknown:
        raise ValueError(f"{place} lacks {missing} and has, unknown, {unknown}")
    for name, found in value.items():
        types = (must | may)[name]
        # A truth value is an int in Python; here it is not.
        if not isinstance(found, types) or (isinstance(found, bool) and bool not in types):
            kinds = " or ".join(t.__name__ for t in types)
            raise ValueError(f"{place}[{name!r}] must be {kinds}, got {found!r}")


@dataclass
class Record:
    """A record that grows, and the files that hold it."""

    facts: dict[str, Any]
    files: list[Path]
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def row(self, step: str, row: dict[str, Any]) -> None:
        """Take a row in; a later one of the same case takes its place."""
        self.rows[step, str(row.get("case")), str(row.get("what"))] = {"step": step, **row}
        self.write()

    def step(self, **step: Any) -> None:
        """Take in how a step ended, or that it began."""
        self.steps[step["name"]] = step
        self.write()

    def content(self) -> dict[str, Any]:
        """Content of the file."""
        return {"schema": 1, **self.facts, "steps": [*self.steps.values()],
                "rows": [*self.rows.values()]}  # fmt: skip

    def write(self) -> None:
        """Write every file, whole or not at all."""
        text = json.dumps(self.content(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        for path in self.files:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            new.write_text(text, encoding="utf-8")
            os.replace(new, path)


def not_ok(steps: Iterable[dict[str, Any]]) -> list[str]:
    """A line for every step that did not end well."""
    return [f"{s['name']}: {s['outcome']}, {s['why']}" for s in steps if s["outcome"] != "ok"]
