"""One chapter on the device: all of its cells, the seconds, and the first that fails."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tools.gpu import cells
from tools.gpu.record import emit

ROOT = Path(__file__).resolve().parents[2]


def rehearse(otg: Any) -> None:
    """Let trainings be short: every line of a chapter runs, and no number of it means anything."""

    def short(train: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            return train(*arguments, **{**options, "steps": min(options.get("steps", 20), 20)})

        return call

    otg.fit, otg.sweep = short(otg.fit), short(otg.sweep)


def run(path: Path, device: str, scale: str) -> int:
    """Execute a chapter; 0 where all of its cells ran.

    At the scale ``rehearsal`` what a chapter asserts of its numbers does not count.
    """
    rehearsal = scale == "rehearsal"
    scale = "small" if rehearsal else scale
    os.environ["OTGEN_SCALE"] = scale
    os.environ.setdefault("MPLBACKEND", "agg")
    cells.stand_ins()
    import otgen_lite as otg

    if rehearsal:
        rehearse(otg)
    # For chapters that decide nothing themselves; those that do take the accelerator too.
    otg.use_device(device)
    where = f"book/{path.name}"
    space: dict[str, Any] = {"__name__": "__main__"}
    found = [*cells.cells(path.read_text(encoding="utf-8"))]
    start, slowest = time.perf_counter(), (0.0, 0)
    for k, cell in enumerate(found):
        before = time.perf_counter()
        try:
            cells.execute(cell, where, space)
        except Exception as error:
            if rehearsal and isinstance(error, AssertionError):
                print(f"line {cell.line}: what it asserts needs the whole training")
                continue
            traceback.print_exc(limit=-4)
            why = f"{where}, line {cell.line}, cell {k + 1} of {len(found)}: "
            why += f"{type(error).__name__}: {error}"
            print(why)
            spent = time.perf_counter() - start
            emit(case=path.stem, what=f"{scale} scale", unit="s", value=None, why=why[:400],
                 note=f"after {spent:.1f} s")  # fmt: skip
            return 1
        slowest = max(slowest, (time.perf_counter() - before, cell.line))
        if slowest[1] == cell.line and slowest[0] > 1.0:
            print(f"line {cell.line}: {slowest[0]:.1f} s", flush=True)
    note = f"{len(found)} cells; the slowest ({slowest[0]:.1f} s) begins on line {slowest[1]}"
    if behind := cells.left_behind(space, device):
        note += f"; not on the device: {', '.join(behind)}"
    print(note)
    spent = round(time.perf_counter() - start, 2)
    emit(case=path.stem, what=f"{scale} scale", unit="s", value=spent, note=note)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """One chapter by its name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapter", help="the stem of its file, such as 10_pot_aae")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--scale", choices=("rehearsal", "small", "full"), default="full")
    asked = parser.parse_args(arguments)
    return run(ROOT / "book" / f"{asked.chapter}.md", asked.device, asked.scale)


if __name__ == "__main__":
    sys.exit(main())
