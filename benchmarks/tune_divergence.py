"""The cheapest settings that reach the accuracy: ``python -m benchmarks.tune_divergence``.

For every peer of ``bench_divergence.py`` each value of its main dial is tried;
the fastest that is accurate enough stands in ``settings/divergence.json``, with processor time of
one call on one thread; those that never were, with their best accuracy.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from benchmarks import bench_divergence as bench
from benchmarks import contest, judge, problems

_COUNTS = (4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 20, 25, 30, 40, 55, 75, 100, 150, 200, 300)


def contestants() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(name, peer, settings to try)."""
    found: list[tuple[str, str, list[dict[str, Any]]]] = []
    for dtype in ("float64", "float32"):
        kind: dict[str, Any] = {"dtype": dtype}
        for lse in (True, False):
            for momentum in (1.0, 1.2, 1.3):
                for symmetric in (True, False):
                    if symmetric and momentum > 1.0:
                        continue  # the symmetric updates average already
                    base = kind | {"lse_mode": lse, "symmetric": symmetric}
                    base |= {"momentum": momentum} if momentum > 1.0 else {}
                    form = "log" if lse else "kernel"
                    name = f"OTT {form}, momentum {momentum}, symmetric {symmetric}, {dtype}"
                    found.append((name, "ott", [base | {"n_iter": k} for k in _COUNTS]))
        scalings = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999)
        for backend in ("tensorized",):
            loss = [kind | {"backend": backend, "scaling": s} for s in scalings]
            found.append((f"GeomLoss SamplesLoss, {backend}, {dtype}", "geomloss", loss))
    return found


def main() -> int:
    """Try, and write what was found."""
    book: dict[str, list[dict[str, Any]]] = {}
    for eps in bench.EPSILONS:
        arrays = problems.clouds(bench.SIZE, eps)
        path = problems.written(f"divergence-eps{eps:g}", arrays)
        reference = bench.stored_reference(eps, arrays)
        key, fastest = f"eps{eps:g}", math.inf
        book[key] = []
        print(key, flush=True)
        with contest.Workers(1, pin=False) as workers:
            for name, peer, settings in contestants():
                record: dict[str, Any] = {"name": name, "peer": peer, "method": "divergence"}
                record |= {"reached": False, "why": "", "setting": {}}
                for setting in settings:
                    one = contest.Entry(name, peer, "divergence", setting)
                    contest.race(workers, [one], path, rounds=1)
                    if one.error:
                        record["why"] = one.error
                        break
                    errors = judge.relative_errors(reference, one.answers[-1])
                    seconds = one.median("processor time")
                    if max(errors) <= bench.ASKED:
                        record |= {"reached": True, "setting": setting, "seconds": seconds}
                        record["accuracy"] = errors
                        break
                    record["why"] = f"value {errors[0]:.1e}, gradient {errors[1]:.1e}"
                    if seconds > 20 * fastest:
                        break
                if record["reached"]:
                    record.pop("why")
                    fastest = min(fastest, record["seconds"])
                book[key].append(record)
                what = record.get("seconds", record.get("why"))
                print(f"  {name}: {what} {record['setting']}", flush=True)
        book[key].sort(key=lambda r: (not r["reached"], r.get("seconds", math.inf)))
        bench.SETTINGS.parent.mkdir(exist_ok=True)
        bench.SETTINGS.write_text(json.dumps(book, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
