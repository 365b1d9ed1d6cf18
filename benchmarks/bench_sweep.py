"""A grid of 75 adversarial auto-encoders: one ``sweep`` against 75 ``fit`` one after another.

Data and codes are points of the plane; encoder, decoder and latent discriminator are MLPs with two
hidden layers of h units. Of the 75 models three are trained alone, and the time of one, times 75,
stands for all: they do the same work. Both sides are whole calls, with all that is made at the
beginning, and they take turns in one process. With one thread the processor time counts, with
several the clock; the models alone may then use one thread or all, whichever is faster.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import torch

import otgen_lite as otg
from benchmarks import contest

MEMBERS, ALONE, ROUNDS = 75, 3, 3

#: Width, batch, how many times faster the sweep must be, steps of training in a turn.
CASES = ((32, 64, 8.0, 600), (64, 128, 3.0, 200))

#: σ² of the members.
GRID = {"decoder_var": [0.01 + 0.005 * k for k in range(MEMBERS)]}


def maker(h: int) -> Callable[..., otg.Method]:
    """Makes an auto-encoder with networks of width h."""

    def make(decoder_var: float) -> otg.Method:
        nets = (otg.MLP(2, [h, h], out, generator=seed) for seed, out in enumerate((2, 2, 1)))
        return otg.AAE(*nets, decoder_var=decoder_var)

    return make


def turn(h: int, batch: int, steps: int, threads: int, stacked: bool) -> tuple[float, float]:
    """Processor time and clock time, in seconds, for all 75, with a number of threads."""
    torch.set_num_threads(threads)
    return turn_of(maker(h), batch, steps, stacked=stacked, device=torch.device("cpu"))


def turn_of(
    make: Callable[..., otg.Method],
    batch: int,
    steps: int,
    *,
    stacked: bool,
    device: torch.device,
    members: int = MEMBERS,
) -> tuple[float, float]:
    """Processor time and clock time, in seconds, for all 75, or for fewer in a rehearsal."""
    x = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0)).to(device)
    values = GRID["decoder_var"][:members]
    options: dict[str, Any] = {"steps": steps, "batch_size": batch, "progress": False}
    options["device"] = device
    start = time.process_time(), time.perf_counter()
    if stacked:
        otg.sweep(make, {"decoder_var": values}, x, stack=True, **options)
    else:
        for value in values[:ALONE]:
            otg.fit(make(decoder_var=value), x, **options)
    if device.type != "cpu":
        torch.accelerator.synchronize()
    times = time.process_time() - start[0], time.perf_counter() - start[1]
    scale = 1.0 if stacked else members / ALONE
    return scale * times[0], scale * times[1]


def race(h: int, batch: int, steps: int, threads: int, rounds: int) -> tuple[float, float]:
    """Seconds for all 75: the sweep, and one after another."""
    which = 0 if threads == 1 else 1
    sides = [(threads, True), *((count, False) for count in sorted({1, threads}))]
    times: dict[tuple[int, bool], list[float]] = {side: [] for side in sides}
    for k in range(rounds + 1):
        for side in sides if k % 2 == 0 else sides[::-1]:
            spent = turn(h, batch, steps if k else 3, *side)[which]
            if k:
                times[side].append(spent)
    found = {side: median(values) for side, values in times.items()}
    return found[sides[0]], min(found[side] for side in sides[1:])


def run(rounds: int = ROUNDS, counts: Sequence[int] = ()) -> list[dict[str, Any]]:
    """One row a width and number of threads: one, and as many as there are cores."""
    before = torch.get_num_threads()
    rows = []
    try:
        for threads in counts or sorted({1, contest.CORES}):
            for h, batch, bar, steps in CASES:
                ours, alone = race(h, batch, steps, threads, rounds)
                rows.append(
                    {
                        "bench": "sweep",
                        "case": f"{MEMBERS} AAEs, h = {h}, batch {batch}, {steps} steps",
                        "threads": threads,
                        "what": "time (s)",
                        "ours": ours,
                        "ours_name": "otg.sweep",
                        "peer": alone,
                        "peer_name": f"otg.fit, {MEMBERS} times",
                        "ratio": ours / alone,
                        "bar": round(1.0 / bar, 3),
                        "within": alone / ours >= bar,
                        "raw": {
                            "times faster": alone / ours,
                            "model_steps_per_second": MEMBERS * steps / ours,
                            "measured alone": ALONE,
                            "time": "processor" if threads == 1 else "clock",
                        },
                    }
                )
    finally:
        torch.set_num_threads(before)
    return rows


def main() -> None:
    """The rows alone, for a quick look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, nargs="*", default=())
    asked = parser.parse_args()
    for row in run(asked.rounds, asked.threads):
        print(
            f"{row['case']}, {row['threads']} threads: {row['ours']:.2f} s, one after another "
            f"{row['peer']:.1f} s, {row['raw']['times faster']:.1f} times faster"
        )


if __name__ == "__main__":
    main()
