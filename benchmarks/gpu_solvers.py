"""Sinkhorn and semi-discrete transport against OTT-JAX and POT's torch back end, on one card.

The contestants of ``bench_sinkhorn`` and ``bench_semidiscrete``, each in a process of its own, all
in this Python, with their arrays on the device. Peers run with the settings that were tuned to the
accuracy on a CPU, and again with more iterations, for rounding differs. The judge recomputes
every accuracy; who did not reach it does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import bench_semidiscrete, bench_sinkhorn, contest, heldout, problems
from benchmarks.contest import Entry

SETTINGS = Path(__file__).resolve().parent / "settings"
#: Iterations of peers, relative to the tuned ones.
MORE = (1.0, 1.15)
#: Of each peer so many methods, the fastest when tuned.
METHODS_EACH = 3


def chosen(found: list[dict[str, Any]], count: str) -> list[Entry]:
    """The tuned contestants that can use an accelerator: OTT-JAX, and POT on torch.

    Args:
        found: what the search wrote.
        count: the setting that holds the number of iterations.
    """
    entries: list[Entry] = []
    for peer in ("ott", "pot"):
        good = [f for f in found if f["peer"] == peer and f.get("reached", True)]
        if peer == "pot":
            good = [_on_torch(f) for f in good if f["setting"].get("backend") != "jax"]
        unique = {json.dumps(f["setting"], sort_keys=True): f for f in reversed(good)}
        best = sorted(unique.values(), key=lambda f: float(f["seconds"]))[:METHODS_EACH]
        for f in best:
            for more in MORE:
                steps = int(np.ceil(more * f["setting"][count]))
                name = f"{f['name']}, {steps} iterations"
                entries.append(Entry(name, peer, f["method"], f["setting"] | {count: steps}))
    return entries


def _on_torch(found: dict[str, Any]) -> dict[str, Any]:
    name = found["name"].replace("numpy", "torch").replace("torch", "torch")
    return found | {"name": name, "setting": found["setting"] | {"backend": "torch"}}


def sinkhorn(
    workers: contest.Workers, sizes: tuple[int, ...], rounds: int
) -> Iterator[dict[str, Any]]:
    """A row a problem: to a marginal error of 1e-6."""
    tuned = json.loads((SETTINGS / "sinkhorn.json").read_text(encoding="utf-8"))
    for n in sizes:
        for eps in bench_sinkhorn.BARS:
            arrays = problems.clouds(n, eps)
            path = problems.written(f"n{n}-eps{eps:g}", arrays)
            # Small problems of a rehearsal take the settings of the smallest tuned one.
            peers = chosen(tuned.get(f"n{n}-eps{eps:g}", tuned[f"n1000-eps{eps:g}"]), "n_iter")
            entries = bench_sinkhorn.ours() + peers
            contest.race(workers, entries, path, rounds=rounds, seconds=3.0)
            bench_sinkhorn.settle(arrays, entries)
            yield row(f"Sinkhorn to 1e-6, n = {n}, ε = {eps:g} max C", entries)


def semidiscrete(
    workers: contest.Workers, names: tuple[str, ...], rounds: int, held_out: int
) -> Iterator[dict[str, Any]]:
    """A row a problem: to a semi-dual gap of 1e-3, and ours with its own stopping rule."""
    tuned = json.loads((SETTINGS / "semidiscrete.json").read_text(encoding="utf-8"))
    for name in names:
        arrays = bench_semidiscrete.ARRAYS[name]()
        path = problems.written(f"semidiscrete-{name}", arrays)
        gap = heldout.Gap(name, arrays, size=held_out)
        # The first, the middle and the last of the ladder: the others are between them.
        ladder = bench_semidiscrete.ours(name)[::2]
        entries = [*ladder, *bench_semidiscrete.by_itself(), *chosen(tuned[name], "steps")]
        contest.race(workers, entries, path, rounds=rounds, seconds=8.0, every_answer=True)
        for entry in entries:
            gaps = [gap(answer["psi"]) for answer in entry.answers]
            entry.answers.clear()
            entry.accuracy = float(np.median(gaps or [np.inf]))
            entry.reached = entry.accuracy <= bench_semidiscrete.ASKED
        yield row(f"Semi-discrete to a gap of 1e-3, 1,000 atoms, {name}", entries)


def row(case: str, entries: list[Entry]) -> dict[str, Any]:
    """The best of ours against the best peer that got there, in milliseconds."""
    found = contest.row("", case, 0, entries, None)
    best = {e.name: [1e3 * t["time"] for t in e.times] for e in entries}
    ours, peer = found["ours"], found["peer"]
    out: dict[str, Any] = {
        "case": case,
        "what": found["ours_name"],
        "unit": "ms",
        "value": None if ours is None else 1e3 * ours,
        "times": best.get(found["ours_name"], []),
        "peer": None if peer is None else 1e3 * peer,
        "peer_name": found["peer_name"],
        "peer_times": best.get(found["peer_name"], []),
        "ratio": found["ratio"],
        "contestants": [
            {k: one[k] for k in ("name", "median", "accuracy", "reached", "error")}
            for one in found["raw"]["contestants"]
        ],
    }
    if ours is None:
        out["why"] = "; ".join(f"{e.name}: {e.error or e.accuracy}" for e in entries if e.ours)
    return out
