"""Chapters on the stand-in: their code cells, one after another, with short trainings."""

from __future__ import annotations

import ast
import functools
import linecache
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import torch
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import create_nb_reader
from myst_parser.config.main import MdParserConfig

import otgen_lite as otg
from otgen_lite.recipes import base as recipes
from tests.accelerator.standin import Generator

BOOK = Path(__file__).resolve().parents[2] / "book"

#: What a training in a chapter is cut to: enough to meet every line, too short to learn.
STEPS = 3


@dataclass(frozen=True)
class Fault:
    """A cell that failed: its number among the code cells, where, and why."""

    cell: int
    line: str
    error: Exception
    where: str

    def __str__(self) -> str:
        said = f"{type(self.error).__name__}: {self.error}"
        return f"cell {self.cell}, {self.line!r}: {said} ({self.where})"


def cells(path: Path) -> list[str]:
    """The code cells of a page, read as the book reads them."""
    text = path.read_text(encoding="utf-8")
    reader = create_nb_reader(str(path), MdParserConfig(), NbParserConfig(), text)
    assert reader is not None
    return [c.source for c in reader.read(text).cells if c.cell_type == "code" and c.source.strip()]


def run(sources: list[str], name: str, *, go_on: bool = True) -> tuple[list[Fault], dict[str, Any]]:
    """Execute cells in one namespace; what failed, and the namespace.

    Args:
        sources: the cells.
        name: of the page.
        go_on: whether to try the cells after one that failed.
    """
    space: dict[str, Any] = {"__name__": "__main__"}
    faults = []
    with short_trainings():
        for number, source in enumerate(sources, start=1):
            try:
                _execute(source, f"<{name}, cell {number}>", space)
            except Exception as error:
                faults.append(Fault(number, source.strip().splitlines()[0], error, _where(error)))
                if not go_on:
                    break
            finally:
                plt.close("all")
    return faults, space


def _execute(source: str, name: str, space: dict[str, Any]) -> None:
    """A cell; what its last line gives is looked at, as a notebook does."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), space)
    if last is not None:
        assert isinstance(last, ast.Expr)
        value = eval(compile(ast.Expression(last.value), name, "eval"), space)
        repr(value)
        for look in ("_repr_html_", "_repr_mimebundle_"):
            if hasattr(value, look):
                getattr(value, look)()


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if "otgen_lite" in f.filename or f.filename.startswith("<")]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(inside[-4:]))


@contextmanager
def short_trainings() -> Iterator[None]:
    """Few steps in every training, few of an ascent, and ``torch.Generator()`` of the device."""

    class OfDevice(Generator):
        def __new__(cls, device: Any = None) -> Any:
            return Generator(device or torch.get_default_device())

    def cut(function: Any) -> Any:
        @functools.wraps(function)
        def short(*args: Any, **options: Any) -> Any:
            options["steps"] = min(int(options.get("steps") or STEPS), STEPS)
            return function(*args, **options)

        return short

    ascent = otg.SemiDiscrete.fit

    def few(self: Any, sample: Any, **options: Any) -> Any:
        return ascent(self, sample, **{**options, "steps": 20, "tol": None})

    with (
        mock.patch.object(torch, "Generator", OfDevice),
        mock.patch.object(otg, "fit", cut(otg.fit)),
        mock.patch.object(otg, "sweep", cut(otg.sweep)),
        mock.patch.object(recipes, "fit", cut(otg.fit)),
        mock.patch.object(otg.SemiDiscrete, "fit", few),
    ):
        yield


def main() -> None:
    """``python -m tests.accelerator.chapters 10_pot_aae``: which cells fail."""
    import os
    import sys
    import time

    from tests.accelerator import standin

    os.environ["OTGEN_SCALE"] = "small"
    plt.switch_backend("agg")
    for name in sys.argv[1:]:
        with standin.available():
            otg.use_device()
            begun = time.perf_counter()
            faults, _ = run(cells(BOOK / f"{name}.md"), name)
            print(f"{name}: {len(faults)} faults, {time.perf_counter() - begun:.0f} s", flush=True)
            for fault in faults:
                print("  ", fault, flush=True)


if __name__ == "__main__":
    main()
