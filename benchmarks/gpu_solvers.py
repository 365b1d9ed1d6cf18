"""Sinkhorn and semi-discrete transport against OTT-JAX and POT's torch back end, on one card.

The contestants of ``bench_sinkhorn`` and ``bench_semidiscrete``, each in a process of its own, all
in this Python, with their arrays on the device. Peers run with the settings that were tuned to the
accuracy on a CPU; where rounding on the card keeps them from it, again with more iterations. The
judge recomputes every accuracy; a solver that missed it does not count.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import bench_semidiscrete, bench_sinkhorn, contest, heldout, problems
from benchmarks.contest import Entry

SETTINGS = Path(__file__).resolve().parent / "settings"
#: Iterations of a peer that does not get there with the tuned ones, relative to those.
MORE = 1.15
#: Of each peer so many methods, the fastest when tuned: JAX compiles each for seconds.
METHODS_EACH = 2


def chosen(found: list[dict[str, Any]], count: str, most: int = METHODS_EACH) -> list[Entry]:
    """The tuned contestants that can use an accelerator: OTT-JAX, and POT on torch.

    Args:
        found: what the search wrote.
        count: the setting that holds the number of iterations.
        most: methods of each.
    """
    entries: list[Entry] = []
    for peer in ("ott", "pot"):
        good = [f for f in found if f["peer"] == peer and f.get("reached", True)]
        if peer == "pot":
            good = [_on_torch(f) for f in good if f["setting"].get("backend") != "jax"]
        unique = {json.dumps(f["setting"], sort_keys=True): f for f in reversed(good)}
        best = sorted(unique.values(), key=lambda f: float(f["seconds"]))[:most]
        for f in best:
            name = f"{f['name']}, {f['setting'][count]} iterations"
            entries.append(Entry(name, peer, f["method"], f["setting"]))
    return entries


def again(entries: list[Entry], count: str) -> list[Entry]:
    """Peers that computed and did not get there, with more iterations."""
    tried = [e for e in entries if not e.ours and not e.reached and e.times]
    found = []
    for entry in tried:
        steps = int(np.ceil(MORE * entry.setting[count]))
        name = f"{entry.name.rpartition(', ')[0]}, {steps} iterations"
        found.append(Entry(name, entry.peer, entry.method, entry.setting | {count: steps}))
    return found


def for_all(tuned: dict[str, Any], n: int, eps: float) -> list[dict[str, Any]]:
    """The tuned contestants of a problem; of a peer that has none there, those of n = 1000.

    The search left out for n = 4000 who was slow on a CPU; iterations depend on ε and hardly on n.
    """
    found = list(tuned[f"n{n}-eps{eps:g}"])
    for peer in ("ott", "pot"):
        if not any(f["peer"] == peer and f.get("reached", True) for f in found):
            found += [f for f in tuned[f"n1000-eps{eps:g}"] if f["peer"] == peer]
    return found


def _on_torch(found: dict[str, Any]) -> dict[str, Any]:
    name = found["name"].replace("numpy", "torch")
    return found | {"name": name, "setting": found["setting"] | {"backend": "torch"}}


def sinkhorn(workers: contest.Workers, n: int, eps: float, small: bool) -> dict[str, Any]:
    """A row: to a marginal error of 1e-6."""
    tuned = json.loads((SETTINGS / "sinkhorn.json").read_text(encoding="utf-8"))
    size = 100 if small else n
    arrays = problems.clouds(size, eps)
    path = problems.written(f"n{size}-eps{eps:g}", arrays)
    peers = chosen(for_all(tuned, n, eps), "n_iter", 1 if small else METHODS_EACH)
    entries = bench_sinkhorn.ours() + peers
    how: dict[str, Any] = {"rounds": 2 if small else 7, "seconds": 3.0}
    contest.race(workers, entries, path, **how)
    bench_sinkhorn.settle(arrays, entries)
    if more := again(entries, "n_iter"):
        contest.race(workers, more, path, **how)
        bench_sinkhorn.settle(arrays, more)
    return row(f"Sinkhorn to 1e-6, n = {size}, ε = {eps:g} max C", entries + more)


def semidiscrete(workers: contest.Workers, name: str, small: bool) -> dict[str, Any]:
    """A row: to a semi-dual gap of 1e-3, ours told when to stop and by itself."""
    tuned = json.loads((SETTINGS / "semidiscrete.json").read_text(encoding="utf-8"))
    arrays = bench_semidiscrete.ARRAYS[name]()
    path = problems.written(f"semidiscrete-{name}", arrays)
    gap = heldout.Gap(name, arrays, size=5_000 if small else 50_000)
    ladder = bench_semidiscrete.ours(name)[:: 5 if small else 1]
    peers = chosen(tuned[name], "steps", 1 if small else METHODS_EACH)
    entries = [*ladder, *bench_semidiscrete.by_itself(), *peers]
    how: dict[str, Any] = {"rounds": 1 if small else 3, "seconds": 8.0, "every_answer": True}
    contest.race(workers, entries, path, **how)
    _judge(entries, gap)
    if more := again(entries, "steps"):
        contest.race(workers, more, path, **how)
        _judge(more, gap)
    return row(f"Semi-discrete to a gap of 1e-3, 1,000 atoms, {name}", entries + more)


def _judge(entries: list[Entry], gap: heldout.Gap) -> None:
    for entry in entries:
        gaps = [gap(answer["psi"]) for answer in entry.answers]
        entry.answers.clear()
        entry.accuracy = float(np.median(gaps or [np.inf]))
        entry.reached = entry.accuracy <= bench_semidiscrete.ASKED


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
