"""Training beside pythae: VAE, WAE-MMD and AAE on 28×28 images, batch 128, one thread.

Both libraries run in one process, in an environment that holds both, with the same torch; they take
turns (A B, B A, ...), each turn an epoch of 40 steps. What counts is the median of the processor
time of a step, which a busy machine disturbs less than the clock.
"""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np

from benchmarks import contest, problems

IMAGES, BATCH, LR, ROUNDS = 5120, 128, 1e-3, 9

#: Models, and the multiple of pythae's steps a second that ours must make.
CASES = {"VAE": ("vae", 1.35), "WAE-MMD": ("wae", 2.3), "AAE": ("aae", 1.35)}


def entries(model: str) -> list[contest.Entry]:
    """The two contestants; one process holds both."""
    setting = {"model": model, "batch_size": BATCH, "lr": LR}
    return [
        contest.Entry("otg.fit", "pythae", "ours", setting),
        contest.Entry("pythae", "pythae", "theirs", setting),
    ]


def run(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """One row a model."""
    images = np.random.default_rng(0).random((IMAGES, 1, 28, 28), dtype=np.float32)
    path = problems.written("images-28", {"x": images})
    rows = []
    with contest.Workers(1) as workers:
        for name, (model, bar) in CASES.items():
            pair = entries(model)
            contest.race(workers, pair, path, rounds=rounds, seconds=60.0, hopeless=1e9)
            for entry in pair:
                if entry.error:
                    raise contest.PeerError(f"{entry.name}: {entry.error}")
            steps = [int(entry.answers[-1]["steps"]) for entry in pair]
            ours, theirs = (
                median(t["processor time"] for t in entry.times) / count
                for entry, count in zip(pair, steps, strict=True)
            )
            rows.append(
                {
                    "bench": "pythae",
                    "case": f"{name}, MLP 784-512-16, batch {BATCH}",
                    "threads": 1,
                    "what": "a step, processor time (ms)",
                    "ours": 1e3 * ours,
                    "ours_name": "otg.fit",
                    "peer": 1e3 * theirs,
                    "peer_name": "pythae",
                    "ratio": ours / theirs,
                    "bar": round(1.0 / bar, 3),
                    "within": theirs / ours >= bar,
                    "raw": {
                        "relative speed": theirs / ours,
                        "steps_per_second": 1.0 / ours,
                        "losses": [float(entry.answers[-1]["loss"]) for entry in pair],
                    },
                }
            )
    return rows


def main() -> None:
    """The rows alone, for a quick look."""
    for row in run():
        raw = row["raw"]
        print(
            f"{row['case']}: {row['ours']:.3f} ms, pythae {row['peer']:.3f} ms, "
            f"{raw['relative speed']:.2f} times its steps a second; losses {raw['losses']}"
        )


if __name__ == "__main__":
    main()
