"""Measurements on an accelerator, each part a step of ``make gpu``, which records what is said.

- ``methods``: steps a second of every method on images of 28×28 pixels, batches of 512, in float32
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
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor

import otgen_lite as otg
from benchmarks import bench_sweep, contest, gpu_clock, gpu_methods, gpu_solvers
from tools.gpu.record import emit

CPU = torch.device("cpu")
#: Times faster that a sweep of 75 should be.
BAR = 40.0
#: Seconds that one method may take to compile and be measured; with less left none begins.
COMPILING = 25.0


class Part:
    """State shared by the parts: the device, the sizes, the time that is left."""

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

    def training(
        self,
        case: str,
        what: str,
        make: Callable[[Tensor], otg.Method],
        x: Tensor,
        beside: float | None = None,
        **options: Any,
    ) -> float | None:
        """Measure a training on the device of its data.

        Args:
            case: whose row.
            what: in which way.
            make: the method from the data.
            x: the data.
            beside: what the accelerator did, where this is the processor: its rate over this one
                is the ratio.
            options: of ``fit``.
        """

        def measure() -> dict[str, Any]:
            method = make(x)
            times, first = gpu_clock.steps_per_second(
                method, x, span=self.span, most=self.left, **options
            )
            rate = median(times)
            found = {"value": rate, "times": times, "first": round(first, 3)}
            if beside is not None:
                return found | {"ratio": beside / rate}
            return found | {"busy": gpu_clock.busy(method, x, rate, **options)}

        return self.row(case, what, measure)


def methods(part: Part) -> None:
    """Every method: float32, bf16, and the processor beside it."""
    here, there = (gpu_methods.images(part.images, d) for d in (CPU, part.device))
    for name in gpu_methods.METHODS:
        options = {"batch_size": part.batch, **gpu_methods.options_of(name)}
        make = partial(gpu_methods.made, name)
        rate = part.training(name, "float32", make, there, **options)
        part.training(name, "bf16", make, there, precision="bf16", **options)
        part.training(name, "processor, float32", make, here, beside=rate, **options)


def compiled(part: Part) -> None:
    """Every method through ``torch.compile``, as many as there is time for."""
    x = gpu_methods.images(part.images, part.device)
    for name in list(gpu_methods.METHODS)[: 1 if part.smoke else None]:
        options = {"batch_size": part.batch, **gpu_methods.options_of(name)}
        if part.left < (0.0 if part.smoke else COMPILING):
            print(f"too little time was left to compile {name}")
            continue
        torch._dynamo.reset()
        make = partial(gpu_methods.made, name)
        part.training(name, "compiled, float32", make, x, compile=True, **options)


def recipes(part: Part) -> None:
    """The recipes on the digits: small networks and batches, where starting kernels is the work."""
    # The latent recipes begin with the same auto-encoder: one stands for them.
    alike = ("latent_ot_gaussian", "latent_ot_mixture", "latent_ot_pairs")
    names = [name for name in otg.recipes.names("digits") if name not in alike]
    for name in names[5:7] if part.smoke else names:
        recipe = otg.recipes.get("digits", name)
        options = next(iter(recipe.stages().values()))
        options = {k: v for k, v in options.items() if k != "steps"}
        case = f"digits/{name}, batch {options['batch_size']}"
        with CPU:
            x = recipe.data(0)
        make = partial(_of_recipe, recipe)
        rate = part.training(case, "float32", make, x.to(part.device), **options)
        part.training(case, "processor, float32", make, x, beside=rate, **options)


def _of_recipe(recipe: otg.recipes.Recipe, x: Tensor) -> otg.Method:
    with CPU:
        return recipe.make(0, x.cpu()).to(x.device)


def sweep(part: Part) -> None:
    """75 models in one sweep against one after another, taking turns."""
    steps, members = (3, 4) if part.smoke else (600, bench_sweep.MEMBERS)
    for h, batch, _, _ in bench_sweep.CASES[: 1 if part.smoke else None]:
        case = f"{members} AAEs, h = {h}, batch {batch}, {steps} steps"
        part.row(case, "otg.sweep, float32", partial(_race, part, h, batch, steps, members))


def _race(part: Part, h: int, batch: int, steps: int, members: int) -> dict[str, Any]:
    """Seconds for all, stacked and one after another, in turn."""

    def turn(stacked: bool, count: int) -> float:
        more: dict[str, Any] = {"device": part.device, "members": members, "stacked": stacked}
        return bench_sweep.turn_of(bench_sweep.maker(h), batch, count, **more)[1]

    stacked: list[float] = []
    alone: list[float] = []
    turn(True, 3), turn(False, 3)
    while len(alone) < gpu_clock.REPETITIONS and (part.left > 0.0 or not alone):
        stacked.append(turn(True, steps))
        alone.append(turn(False, steps))
    faster = median(alone) / median(stacked)
    return {
        "unit": "times faster",
        "value": faster,
        "times": stacked,
        "peer_times": alone,
        "peer_name": f"one after another ({bench_sweep.ALONE} stand for all)",
        "bar": BAR,
        "within": faster >= BAR,
        "note": "times: seconds for all",
    }


#: The problems of the solvers in the order of their worth.
SOLVED: tuple[tuple[str, Any], ...] = (
    ("sinkhorn", (4000, 1e-2)), ("semidiscrete", ("2-D",)), ("sinkhorn", (1000, 1e-2)),
    ("semidiscrete", ("64-D",)), ("sinkhorn", (4000, 1e-3)), ("sinkhorn", (1000, 1e-3)),
)  # fmt: skip


def solvers(part: Part) -> None:
    """Sinkhorn and semi-discrete transport beside the peers."""
    cores = 1 if part.smoke else contest.CORES
    with contest.Workers(cores, pin=False, device=str(part.device)) as workers:
        for name, problem in SOLVED[1:3] if part.smoke else SOLVED:
            if part.left <= 0.0:
                print(f"no time was left for {name} {problem}")
                continue
            emit(**getattr(gpu_solvers, name)(workers, *problem, part.smoke))
        for peer, why in workers.missing.items():
            print(f"{peer} takes no part: {why}")


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
