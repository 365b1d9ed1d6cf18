"""Measurements on an accelerator, each part a step of ``make gpu``, which records what is said.

- ``methods``: rounds a second of every method on images of 28×28 pixels, batches of 512, in float32
  and under bf16 autocast; the same on the processor of this machine; the share of the time in which
  the accelerator works.
- ``compile``: the same with ``torch.compile``, the first call (which compiles) not counted.
- ``recipes``: the recipes on the digits as they stand, with their own networks and batches.
- ``sweep``: 75 models in one ``sweep`` against 75 times one ``fit``; it should be 40 times faster.
- ``solvers``: Sinkhorn and semi-discrete transport against OTT-JAX and POT's torch back end.

Every number is the median of three repetitions where time allows; all are in the record. With
``--smoke`` sizes are small: that is a rehearsal and no measurement.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

import otgen_lite as otg
from benchmarks import bench_sweep, contest, gpu_clock, gpu_methods, gpu_solvers
from tools.gpu.record import emit

#: Times faster that a sweep of 75 should be.
BAR = 40.0
#: Seconds that one method may take to compile and be measured; with less left none begins.
COMPILING = 25.0


class Part:
    """What is shared by the parts: the device, the sizes, the time that is left."""

    def __init__(self, device: str, smoke: bool, allowed: float) -> None:
        self.device, self.smoke = torch.device(device), smoke
        self._end = time.monotonic() + allowed
        self.span = 0.02 if smoke else 0.3
        self.batch = 4 if smoke else gpu_methods.BATCH
        self.images = 16 if smoke else gpu_methods.IMAGES

    @property
    def left(self) -> float:
        """Seconds until it will be stopped, less a little."""
        return self._end - time.monotonic() - 2.0

    def row(self, case: str, what: str, measure: Callable[[], dict[str, Any]]) -> float | None:
        """Measure and say it; an error is a row with its reason. Returns the number."""
        row: dict[str, Any] = {"case": case, "what": what, "unit": "steps/s"}
        if self.left <= 0.0:
            emit(**row, value=None, why="no time was left")
            return None
        try:
            row |= measure()
        except Exception as error:
            why = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            emit(**row, value=None, why=why)
            return None
        emit(**row)
        return float(row["value"])

    def speed(self, make: Callable[[], otg.Method], x: torch.Tensor, **options: Any) -> Any:
        """The measurement of a training: the median, the repetitions, the share of busy time."""
        method = make()
        times, first = gpu_clock.rounds(method, x, span=self.span, most=self.left, **options)
        found = {"value": median(times), "times": times, "first": round(first, 3)}
        if x.device.type == "cpu" and not self.smoke:
            return found
        return found | {"busy": gpu_clock.busy(method, x, found["value"], **options)}


def methods(part: Part) -> None:
    """Every method: float32, bf16, and the processor beside it."""
    for name in gpu_methods.METHODS:
        options = {"batch_size": part.batch, **gpu_methods.options_of(name)}
        rates = {}
        for what, device, more in (
            ("float32", part.device, {}),
            ("bf16", part.device, {"precision": "bf16"}),
            ("processor, float32", torch.device("cpu"), {}),
        ):
            x = gpu_methods.images(part.images, device)

            def measure(x: Any = x, more: Any = more, what: str = what) -> dict[str, Any]:
                found = part.speed(lambda: gpu_methods.made(name, x), x, **options, **more)
                if what.startswith("processor") and rates.get("float32"):
                    found["ratio"] = rates["float32"] / found["value"]
                return dict(found)

            rates[what] = part.row(name, what, measure)


def compiled(part: Part) -> None:
    """Every method through ``torch.compile``, as many as there is time for."""
    names = list(gpu_methods.METHODS)[: 1 if part.smoke else None]
    x = gpu_methods.images(part.images, part.device)
    for name in names:
        options = {"batch_size": part.batch, **gpu_methods.options_of(name)}

        def measure(name: str = name, options: Any = options) -> dict[str, Any]:
            if part.left < (1.0 if part.smoke else COMPILING):
                raise TimeoutError("too little time was left to compile")
            torch._dynamo.reset()
            made = gpu_methods.made(name, x)
            return dict(part.speed(lambda: made, x, compile=True, **options))

        part.row(name, "compiled, float32", measure)


def recipes(part: Part) -> None:
    """The recipes on the digits: small networks and batches, where starting kernels is the work."""
    # The latent recipes begin with the same auto-encoder: one stands for them.
    alike = ("latent_ot_gaussian", "latent_ot_mixture", "latent_ot_pairs")
    names = [name for name in otg.recipes.names("digits") if name not in alike]
    for name in names[: 2 if part.smoke else None]:
        recipe = otg.recipes.get("digits", name)
        options = next(iter(recipe.stages().values()))
        options = {k: v for k, v in options.items() if k != "steps"}
        rates: dict[str, float | None] = {}
        for what, device in (("float32", part.device), ("processor, float32", "cpu")):
            with torch.device("cpu"):
                x = recipe.data(0).to(device)

            def measure(x: Any = x, recipe: Any = recipe, what: str = what, options: Any = options,
                        rates: Any = rates) -> dict[str, Any]:  # fmt: skip
                with torch.device("cpu"):
                    method = recipe.make(0, x.cpu()).to(x.device)
                found = part.speed(lambda: method, x, **options)
                if what.startswith("processor") and rates.get("float32"):
                    found["ratio"] = rates["float32"] / found["value"]
                return dict(found)

            rates[what] = part.row(f"digits/{name}, batch {options['batch_size']}", what, measure)


def sweep(part: Part) -> None:
    """75 models in one sweep against one after another, taking turns."""
    for h, batch, _, _ in bench_sweep.CASES[: 1 if part.smoke else None]:
        steps, members = (3, 4) if part.smoke else (1000, bench_sweep.MEMBERS)
        sides: dict[bool, list[float]] = {True: [], False: []}

        def turn(
            stacked: bool, steps: int, h: int = h, batch: int = batch, members: int = members
        ) -> float:
            make = bench_sweep.maker(h)
            more: dict[str, Any] = {"stacked": stacked, "device": part.device, "members": members}
            return bench_sweep.turn_of(make, batch, steps, **more)[1]

        def measure(sides: Any = sides, steps: int = steps, turn: Any = turn) -> dict[str, Any]:
            for stacked in (True, False):
                turn(stacked, 3)
            while len(sides[False]) < gpu_clock.REPETITIONS and (part.left > 0 or not sides[False]):
                for stacked in (True, False):
                    sides[stacked].append(turn(stacked, steps))
            faster = median(sides[False]) / median(sides[True])
            return {
                "unit": "times faster",
                "value": faster,
                "times": sides[True],
                "peer_times": sides[False],
                "peer_name": f"one after another ({bench_sweep.ALONE} stand for all)",
                "bar": BAR,
                "within": faster >= BAR,
                "note": "times: seconds for all",
            }

        case = f"{members} AAEs, h = {h}, batch {batch}, {steps} steps"
        part.row(case, "otg.sweep, float32", measure)


def solvers(part: Part) -> None:
    """Sinkhorn and semi-discrete transport beside the peers."""
    rounds = 2 if part.smoke else 7
    with contest.Workers(contest.CORES, pin=False, device=str(part.device)) as workers:
        sizes = (100,) if part.smoke else bench_sinkhorn_sizes()
        for row in gpu_solvers.sinkhorn(workers, sizes, rounds):
            emit(**row)
        names = ("2-D",) if part.smoke else ("2-D", "64-D")
        held_out = 5_000 if part.smoke else 50_000
        turns = 1 if part.smoke else 3
        for row in gpu_solvers.semidiscrete(workers, names, turns, held_out):
            emit(**row)
        for peer, why in workers.missing.items():
            print(f"{peer} takes no part: {why}")


def bench_sinkhorn_sizes() -> tuple[int, ...]:
    """The sizes of ``bench_sinkhorn``, for which the peers are tuned."""
    from benchmarks.bench_sinkhorn import SIZES

    return SIZES


PARTS: dict[str, Callable[[Part], None]] = {
    "methods": methods,
    "compile": compiled,
    "recipes": recipes,
    "sweep": sweep,
    "solvers": solvers,
}


def main(arguments: list[str] | None = None) -> int:
    """One part, in the time that ``OTGEN_SECONDS`` allows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args(arguments)
    allowed = float(os.environ.get("OTGEN_SECONDS", "600"))
    PARTS[asked.part](Part(asked.device, asked.smoke, allowed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
