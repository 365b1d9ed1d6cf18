"""Semi-discrete transport to 1,000 atoms: time to a relative semi-dual gap of 1e-3.

Peers run at the best settings that ``tune_semidiscrete.py`` found (optimiser, schedule, averaging,
batch, and the fewest steps), and again with 15 % more steps, since the search saw few seeds. They
are told when to stop, and so is ours in the row that is judged: its fewest steps of a short ladder,
without an estimate of the gap. A second row is ours as a reader calls it: with ``tol=1e-3`` it
stops by itself, once it has estimated the gap on fresh samples; in float64, and in float32 as the
peers.

Every call has another seed, and every answer is judged: the gap is measured on 200,000 held-out
points against the best potential known (``heldout.py``). A contestant counts where the median of
its gaps is within 1e-3. Compilation is not counted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contest, problems
from benchmarks.contest import Entry
from benchmarks.heldout import Gap

ASKED = 1e-3
BARS = {"2-D": 0.2, "64-D": 0.33}
#: For ours with its own stopping rule, against peers that are told when to stop.
ALONE = {"2-D": 1.0, "64-D": 1.5}
ROUNDS = 5
#: Steps and first batch of ours.
LADDER = {
    "2-D": ((1400, 64), (720, 256), (750, 256), (800, 256), (900, 256), (450, 1024)),
    "64-D": ((410, 64), (420, 64), (430, 64), (460, 64), (235, 256), (250, 256)),
}
SETTINGS = Path(__file__).resolve().parent / "settings" / "semidiscrete.json"
ARRAYS = {"2-D": problems.atoms_2d, "64-D": problems.atoms_digits}


def ours(name: str) -> list[Entry]:
    """The ladder of ours, told when to stop."""
    return [
        Entry(
            f"otg.SemiDiscrete, {steps} steps from {batch}, float32", "ours", "semidiscrete",
            {
                "dtype": "float32",
                "seed": 1000,
                "options": {"tol": None, "steps": steps, "batch_size": batch},
            },
        )
        for steps, batch in LADDER[name]
    ]  # fmt: skip


def by_itself() -> list[Entry]:
    """Ours with its own stopping rule."""
    return [
        Entry(
            f"otg.SemiDiscrete, tol {ASKED:g}, {dtype}", "ours", "semidiscrete",
            {"dtype": dtype, "seed": 1000, "options": {"tol": ASKED}},
        )
        for dtype in ("float64", "float32")
    ]  # fmt: skip


def peers(found: list[dict[str, Any]]) -> list[Entry]:
    """The tuned settings, and each with a few more steps."""
    entries = []
    for entry in contest.entries_from(found, most=3):
        for more in (1.0, 1.15):
            setting = entry.setting | {"steps": int(more * entry.setting["steps"])}
            name = f"{entry.name}, {setting['steps']} × {setting['batch_size']}"
            entries.append(Entry(name, entry.peer, entry.method, setting))
    return entries


def run() -> list[dict[str, Any]]:
    """One row a problem and number of threads."""
    tuned = json.loads(SETTINGS.read_text())
    rows = []
    for name, bar in BARS.items():
        arrays = ARRAYS[name]()
        path, gap = problems.written(f"semidiscrete-{name}", arrays), Gap(name, arrays)
        for threads in sorted({1, contest.CORES}):
            told, alone, others = ours(name), by_itself(), peers(tuned[name])
            entries = [*told, *alone, *others]
            for entry in entries:
                entry.setting = entry.setting | {"seed": entry.setting.get("seed", 0) + 1000}
            with contest.Workers(threads) as workers:
                contest.race(
                    workers,
                    entries,
                    path,
                    rounds=ROUNDS,
                    seconds=90.0,
                    every_answer=True,
                    hopeless=8.0,
                )
            gaps = {}
            for entry in entries:
                gaps[entry.name] = [gap(answer["psi"]) for answer in entry.answers]
                entry.answers.clear()
                entry.accuracy = float(np.median(gaps[entry.name] or [np.inf]))
                entry.reached = entry.accuracy <= ASKED
            more = {"gaps": gaps, "value": gap.value, "reference_uncertainty": gap.uncertainty}
            bench, case = "Semi-discrete to a gap of 1e-3", f"1,000 atoms, {name}"
            rows.append(contest.row(bench, case, threads, told + others, bar, **more))
            case += "; ours with its own stopping rule"
            rows.append(contest.row(bench, case, threads, alone + others, ALONE[name]))
    return rows
