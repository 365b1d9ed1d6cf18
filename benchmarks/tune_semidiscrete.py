"""Search the best setting of each semi-discrete peer: ``python -m benchmarks.tune_semidiscrete``.

For each optimiser, schedule, averaging and batch size, steps are doubled until some learning rate
of a grid reaches the asked gap; whatever cannot beat the fastest so far is skipped. The settings
that got there, fastest first, go to ``settings/semidiscrete.json``, which the benchmark reads.
Processor time, one thread, three seeds for the best: the search stands a busy machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contest, problems
from benchmarks.heldout import Gap

ASKED = 1e-3
SETTINGS = Path(__file__).resolve().parent / "settings"
#: Every way is tried with the first; the two best ways with the others.
BATCHES = (256, 1024, 64)
STEPS = (200, 400, 800, 1600, 3200, 6400)

#: Learning rates: the scale of the potentials differs between the two problems.
RATES: dict[str, dict[str, dict[str, tuple[float, ...]]]] = {
    "ott": {
        "2-D": {"adam": (3e-3, 1e-2, 3e-2), "sgd": (0.3, 1.0, 3.0)},
        "64-D": {"adam": (0.03, 0.1, 0.3), "sgd": (10.0, 30.0, 100.0)},
    },
    "pot": {
        "2-D": {"plain": (1.0, 3.0, 10.0), "drag": (1.0, 3.0, 10.0)},
        "64-D": {"plain": (30.0, 100.0, 300.0), "drag": (30.0, 100.0, 300.0)},
    },
}

Way = tuple[str, dict[str, Any], tuple[float, ...]]


def ways(peer: str, problem: str) -> list[Way]:
    """Names, settings without batch, rate and steps, and the rates to try."""
    rates, found = RATES[peer][problem], []
    if peer == "ott":
        plans = (("cosine", 0.99), ("cosine", 0.02), ("constant", 0.01))
        for (schedule, ema), rule in itertools.product(plans, rates):
            base = {"optimizer": rule, "schedule": schedule, "ema": ema, "dtype": "float32"}
            found.append((f"OTT {rule}, {schedule}, ema {ema}", base, rates[rule]))
        return found
    for rule, exponent, average in itertools.product(rates, (2 / 3, 1 / 2), (True, False)):
        options: dict[str, Any] = {"lr_exponent": exponent, "polyak_average": average}
        options["decreasing_reg"] = rule == "drag"
        if rule == "drag":
            options["decreasing_reg_initial_eps"] = {"2-D": 1e-2, "64-D": 0.1}[problem]
        base = {"backend": "numpy", "dtype": "float32", "options": options}
        last = "averaged" if average else "last iterate"
        found.append((f"POT {rule}, exponent {exponent:.2g}, {last}", base, rates[rule]))
    return found


def entry(peer: str, name: str, base: dict[str, Any], rate: float, steps: int) -> contest.Entry:
    """A contestant with all that it needs."""
    setting = dict(base) | {"steps": steps}
    if peer == "ott":
        setting["rate"] = rate
        # One call compiles; the time that counts is the second.
        warm = 1
    else:
        setting["options"] = setting["options"] | {"lr0": rate}
        warm = 0
    label = f"{name}, rate {rate:g}, {steps} × {base['batch_size']}"
    return contest.Entry(label, peer, "semidiscrete", setting, warm=warm)


def search(peer: str, problem: str, minutes: float) -> list[dict[str, Any]]:
    """Settings that reached the gap, fastest first."""
    arrays = {"2-D": problems.atoms_2d, "64-D": problems.atoms_digits}[problem]()
    gap = Gap(problem, arrays, size=40_000)
    path = problems.written(f"semidiscrete-{problem}", arrays)
    end = time.monotonic() + 60 * minutes
    found: list[tuple[float, contest.Entry]] = []
    misses: dict[str, dict[str, Any]] = {}
    with contest.Workers(1, pin=False) as workers:

        def trial(one: contest.Entry) -> float:
            contest.race(workers, [one], path, rounds=1)
            if one.error:
                print(f"  {one.name}: {one.error}", flush=True)
                return float("inf")
            return gap(one.answers[-1]["psi"])

        def climb(way: Way, batch: int) -> float:
            """Steps doubled until a rate gets there; returns the seconds that took."""
            name, base, rates = way
            pace, least = 0.0, float("inf")
            for steps in STEPS:
                best = min((seconds for seconds, _ in found), default=float("inf"))
                if time.monotonic() > end or pace * steps > 1.2 * best:
                    return float("inf")
                good, gaps = [], []
                for rate in rates:
                    one = entry(peer, name, base | {"batch_size": batch}, rate, steps)
                    gaps.append(trial(one))
                    seconds = one.median("processor time")
                    pace = seconds / steps
                    if gaps[-1] <= ASKED:
                        good.append((seconds, one))
                shown = ", ".join(f"{r:g}: {g:.1e}" for r, g in zip(rates, gaps, strict=True))
                print(f"  {name}, {steps} × {batch} ({pace * steps:.2f} s): {shown}", flush=True)
                least, key = min(least, *gaps), f"{name}, batch {batch}"
                if good:
                    misses.pop(key, None)
                    found.extend(good)
                    return min(seconds for seconds, _ in good)
                misses[key] = {
                    "name": key, "peer": peer, "method": "semidiscrete", "setting": base,
                    "reached": False, "seconds": pace * steps,
                    "why": f"smallest gap {least:.1e}, with at most {steps} steps",
                }  # fmt: skip
            return float("inf")

        tried = [(climb(way, BATCHES[0]), k, way) for k, way in enumerate(ways(peer, problem))]
        for _, _, way in sorted(tried)[:2]:
            for batch in BATCHES[1:]:
                climb(way, batch)
        kept = []
        for _, one in sorted(found, key=lambda f: f[0])[:4]:
            kept += refine(peer, one, trial)
    return sorted(kept, key=lambda f: f["seconds"])[:4] + list(misses.values())


def refine(peer: str, one: contest.Entry, trial: Any) -> list[dict[str, Any]]:
    """The fewest steps of a setting with which the median of three seeds reaches the gap."""
    good: list[dict[str, Any]] = []
    for part in (1.0, 0.8, 0.65):
        setting = one.setting | {"steps": int(one.setting["steps"] * part)}
        gaps, seconds = [], []
        for seed in (100, 200, 300):
            again = contest.Entry(one.name, peer, one.method, setting | {"seed": seed}, one.warm)
            gaps.append(trial(again))
            seconds.append(again.median("processor time"))
        middle = float(np.median(gaps))
        print(f"  refine {setting['steps']}: {middle:.1e}, {np.median(seconds):.3f} s", flush=True)
        if middle > ASKED:
            break
        good = [
            {
                "name": one.name.rsplit(",", 1)[0],
                "peer": peer,
                "method": one.method,
                "setting": setting,
                "gap": middle,
                "seconds": float(np.median(seconds)),
            }
        ]
    return good


def main() -> int:
    """Search, and merge what was found into the settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=("ott", "pot"), action="append")
    parser.add_argument("--problem", choices=("2-D", "64-D"), action="append")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each peer and problem")
    asked = parser.parse_args()
    path = SETTINGS / "semidiscrete.json"
    for problem in asked.problem or ("2-D", "64-D"):
        for peer in asked.peer or ("ott", "pot"):
            print(f"{peer}, {problem}", flush=True)
            found = search(peer, problem, asked.minutes)
            book = json.loads(path.read_text()) if path.is_file() else {}
            others = [f for f in book.get(problem, []) if f["peer"] != peer]
            book[problem] = others + found
            SETTINGS.mkdir(exist_ok=True)
            path.write_text(json.dumps(book, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
