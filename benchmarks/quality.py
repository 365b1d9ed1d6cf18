"""Quality of every recipe: ``python benchmarks/quality.py --data eight_gaussians --method all``.

Trains a method with its checked-in settings (``otgen_lite.recipes``) on one thread, for each seed,
and prints one JSON line: on the ring W_2^2 of 20,000 samples to 1,000 stratified points (125 a
mode), the share within 4 std of a mode, the number of modes and the std inside them (truly 0.05);
on digits W_2^2 of as many samples as there are images to those images, their sharpness, confidence
and classes by a classifier, and their novelty; on both the squared MMD. ``cpu_s`` is the processor
time of the training alone, data included. Samples are drawn independently with the seed of the run
and go to ``--out`` as ``NAME_SEED.npy``.

With ``--record`` each run goes to the records of ``otgen_lite.results``, by default for the seeds
of record; ``--stale`` leaves out those that are there with the recipe's present settings, and
``--references`` scores real data instead of recipes.

The settings were chosen on seeds 1 to 9. Samples of the true law score 0.021 in W_2^2, with a
standard deviation of 0.009 from draw to draw, nearly all of it the chance in eight counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a script from a fresh clone
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from benchmarks import record, references  # noqa: E402
from otgen_lite import metrics, recipes  # noqa: E402
from otgen_lite.data import digits, toy  # noqa: E402
from tools import calibrate  # noqa: E402

#: Samples, and points of the reference on the ring.
SAMPLES, REFERENCE = 20_000, 1_000

#: Seeds where none are asked for and nothing is recorded.
SEEDS = (11, 12, 13)


def ring_scores(samples: Tensor, reference: int | None = None) -> dict[str, float]:
    """Distances of samples from the eight Gaussians."""
    ring = toy("eight_gaussians")
    assert ring.modes is not None
    assert ring.std is not None
    points = ring.stratified(reference or REFERENCE)
    return {
        "w2sq": metrics.w2sq(samples, points),
        "share": metrics.share_within(samples, ring.modes, ring.std),
        "modes": metrics.mode_coverage(samples, ring.modes, ring.std),
        "within_std": metrics.within_mode_std(samples, ring.modes, ring.std),
        "mmd2": metrics.mmd(samples, points),
    }


def digits_scores(samples: Tensor, images: Tensor | None = None) -> dict[str, float]:
    """Distances of samples from the handwritten digits: as many of them as there are images."""
    images = digits()[0] if images is None else images
    some = samples.reshape(-1, *images.shape[1:])[: len(images)]
    judgement = metrics.digits_classifier()(some)
    return {
        "w2sq": metrics.w2sq(some.flatten(1), images.flatten(1)),
        "sharpness": metrics.sharpness(some),
        "confidence": judgement.confidence,
        "classes": judgement.classes,
        "novelty": metrics.novelty(some, images),
        "mmd2": metrics.mmd(some.flatten(1), images.flatten(1)),
    }


SCORES: dict[str, Callable[[Tensor], dict[str, float]]] = {
    "eight_gaussians": ring_scores,
    "digits": digits_scores,
}


def measure(data: str, name: str, seed: int, **overrides: Any) -> tuple[dict[str, Any], Tensor]:
    """Train one recipe with a seed: its line, and the samples."""
    recipe = recipes.get(data, name)
    speed = calibrate.work()
    start = time.process_time()
    method, _ = recipe.train(seed, progress=False, **overrides)
    cpu = time.process_time() - start
    speed = (speed + calibrate.work()) / 2.0
    sampler: Any = method
    samples = sampler.sample(SAMPLES, torch.Generator().manual_seed(seed))
    line = {"method": name, "seed": seed, **rounded(SCORES[data](samples))}
    line |= {"cpu_s": round(cpu, 2), "calibrated_s": round(calibrate.calibrated(cpu, speed), 2)}
    return line, samples


def rounded(scores: dict[str, float]) -> dict[str, float]:
    """Four digits behind the point, of a discrepancy six; whole numbers as they are."""
    return {
        name: value if isinstance(value, int) else round(value, 6 if name == "mmd2" else 4)
        for name, value in scores.items()
    }


def row(line: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """A line of this program as a row of the records."""
    own = ("method", "seed", "cpu_s", "calibrated_s")
    scores = {key: value for key, value in line.items() if key not in own}
    return {"method": line["method"], "seed": line["seed"], "scores": scores,
            "cpu_s": line["cpu_s"], "calibrated_s": line["calibrated_s"], **about}  # fmt: skip


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command; unknown names end the program with the nearest known one."""
    parser = argparse.ArgumentParser(description="Train recipes and measure their samples.")
    parser.add_argument("--data", default="eight_gaussians", choices=sorted(SCORES))
    parser.add_argument("--method", default="all", metavar="NAME", help="a recipe, or all")
    parser.add_argument("--seeds", type=int, nargs="+", help="11 12 13, or those of record")
    parser.add_argument("--out", type=Path, help="a directory for the samples")
    parser.add_argument("--steps", type=int, help="steps instead of the recipe's, for a trial")
    parser.add_argument("--record", action="store_true", help="keep what was measured")
    parser.add_argument("--stale", action="store_true", help="only runs without a valid record")
    parser.add_argument("--references", action="store_true", help="record what real data score")
    asked = parser.parse_args(given)
    if asked.steps is not None and (asked.record or asked.stale):
        parser.error("--steps is for trials, and a trial is not recorded")
    if asked.method != "all":
        try:
            recipes.get(asked.data, asked.method)
        except ValueError as error:
            parser.error(str(error))
    return asked


def main(given: list[str] | None = None) -> None:
    """Print a JSON line for each method and seed."""
    asked = arguments(given)
    torch.set_num_threads(1)
    if asked.references:
        record.put_references(record.path(asked.data), references.of(asked.data, SCORES))
        return
    names = recipes.names(asked.data)
    overrides = {} if asked.steps is None else {"steps": asked.steps}
    for name in names if asked.method == "all" else (asked.method,):
        file, about = record.path(asked.data), {}
        if asked.record or asked.stale:
            about = record.about(recipes.get(asked.data, name))
        for seed in asked.seeds or (record.seeds(asked.data, name) if about else SEEDS):
            if asked.stale and record.fresh(file, name, seed, about):
                continue
            line, samples = measure(asked.data, name, seed, **overrides)
            print(json.dumps(line), flush=True)
            if asked.record:
                record.put_run(file, row(line, about), names)
            if asked.out is not None:
                asked.out.mkdir(parents=True, exist_ok=True)
                np.save(asked.out / f"{name}_{seed}.npy", samples.cpu().numpy())


if __name__ == "__main__":
    main()
