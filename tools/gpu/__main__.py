"""Measure on an accelerator: ``make gpu``, or ``python -m tools.gpu``.

Every step is a process of its own with a limit; what it measures is recorded as it is said. The
record is ``_build/gpu/gpu.json``, also ``$OUT/gpu.json`` where ``OUT`` is set, and, of a whole run
on an accelerator, ``assets/bench/gpu.json``, which the status page shows. Exits 1 where a step did
not end well.

``--device cpu`` rehearses all of it without an accelerator, in small sizes.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import threads
from tools.gpu import cells, install, record, runner, source
from tools.gpu.runner import Step

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "_build" / "gpu" / "gpu.json"
PUBLISHED = ROOT / "assets" / "bench" / "gpu.json"

#: Seconds in all; what is read and written around the steps has the rest of eight minutes.
TOTAL = 470.0
#: In a rehearsal, whose limits only end what hangs, each share is this many times as long.
PATIENCE = 5.0


def steps(device: str, smoke: bool) -> list[Step]:
    """The steps in the order of their worth, each with its share of the time."""
    path = [str(ROOT), str(install.SITE), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {"PYTHONPATH": os.pathsep.join(path), **threads.PASSIVE}

    def step(name: str, share: float, module: str, *more: str) -> Step:
        # What is compared with the accelerator has all of the processor; the rest waits for it.
        alone = {} if name.startswith("bench") and not smoke else threads.ONE
        where = () if module == "tools.gpu.install" else ("--device", device)
        seconds = share * (PATIENCE if smoke else 1.0)
        return Step(name, [sys.executable, "-m", module, *more, *where], seconds, {**env, **alone})

    def bench(part: str, share: float) -> Step:
        small = ("--smoke",) if smoke else ()
        return step(f"bench {part}", share, "benchmarks.bench_gpu", part, *small)

    def chapter(one: Path, share: float, scale: str) -> Step:
        return step(f"chapter {one.stem}", share, "tools.gpu.chapter", one.stem, "--scale", scale)

    training, others = cells.chapters(ROOT)
    each = 85.0 / max(1, len(training))
    scale = "rehearsal" if smoke else "full" if each >= 40.0 else "small"
    # Without an accelerator the chapters that train nothing are no news: the book executes them.
    others = [] if smoke else others
    return [
        step("packages", 35.0, "tools.gpu.install"),
        step("facts", 25.0, "tools.gpu.facts"),
        step("tests", 80.0, "tools.gpu.testing"),
        *(chapter(one, each, scale) for one in training),
        bench("methods", 90.0),
        bench("sweep", 35.0),
        bench("solvers", 45.0),
        bench("recipes", 25.0),
        bench("compile", 40.0),
        *(chapter(one, 10.0 / max(1, len(others)), "small") for one in others),
    ]


def chosen(all_of_them: list[Step], only: str) -> list[Step]:
    """The steps whose name holds one of some words, separated by commas; all where there is none.

    Example:
        >>> [s.name for s in chosen([Step("facts", [], 1.0), Step("tests", [], 1.0)], "fac")]
        ['facts']
    """
    words = [word.strip() for word in only.split(",") if word.strip()]
    return [s for s in all_of_them if not words or any(word in s.name for word in words)]


def main(arguments: list[str] | None = None) -> int:
    """Run the steps and record them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to rehearse")
    parser.add_argument("--smoke", action="store_true", help="small sizes (always on the CPU)")
    parser.add_argument("--only", default="", help="steps by parts of their names, with commas")
    parser.add_argument("--commit", default="", help="where neither git nor the wheels know it")
    asked = parser.parse_args(arguments)
    smoke = asked.smoke or asked.device == "cpu"
    todo = chosen(steps(asked.device, smoke), asked.only)
    if not todo:
        print(f"no step is called {asked.only!r}")
        return 2
    facts = {
        "device": asked.device,
        "smoke": smoke,
        "date": time.strftime("%Y-%m-%d"),
        "commit": asked.commit or source.commit(ROOT),
        "facts": {},
        "seconds": 0.0,
    }
    whole = not smoke and not asked.only
    # To end this is to end the step too, which is a session of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kept = record.Record(facts, files())
    bad = perform(todo, kept, TOTAL * (PATIENCE if smoke else 1.0), [PUBLISHED] if whole else [])
    for line in bad:
        print(f"NOT OK  {line}")
    print(f"{facts['seconds']:.0f} s; recorded in {', '.join(map(str, kept.files))}")
    return 1 if bad else 0


def files() -> list[Path]:
    """Paths of the record."""
    out = os.environ.get("OUT")
    return [HERE, Path(out) / "gpu.json"] if out else [HERE]


def perform(
    todo: list[Step], kept: record.Record, total: float, publish: Sequence[Path] = ()
) -> list[str]:
    """All steps, each until its deadline; a line for each that did not end well.

    Args:
        todo: the steps.
        kept: the record.
        total: seconds for all of them.
        publish: further files for the record, once the facts tell that the device is there.
    """
    start = time.monotonic()
    for step, end in zip(todo, runner.deadlines(todo, total), strict=True):
        limit = end - (time.monotonic() - start)
        print(f"[{time.monotonic() - start:5.0f} s] {step.name}, at most {limit:.0f} s", flush=True)

        def on_row(row: dict[str, Any], name: str = step.name) -> None:
            if "facts" in row:
                kept.facts["facts"] = row["facts"]
                kept.write()
            else:
                kept.row(name, row)

        kept.step(name=step.name, outcome="timed out", seconds=0.0, limit=round(limit, 1),
                  why="the run was cut off here", last=[])  # fmt: skip
        ended = runner.run(step, limit, ROOT, on_row)
        kept.facts["seconds"] = round(time.monotonic() - start, 1)
        kept.step(**ended)
        print(f"    {step.name}: {ended['outcome']} after {ended['seconds']:.1f} s", flush=True)
        if step.name == "facts":
            if ended["outcome"] != "ok":
                break  # there is no device, or no torch: nothing else can be measured
            kept.files.extend(publish)
    return record.not_ok(kept.content()["steps"])


if __name__ == "__main__":
    sys.exit(main())
