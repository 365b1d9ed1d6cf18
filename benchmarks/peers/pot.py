"""POT: its Sinkhorn methods, batched solver and semi-discrete solver, on each of its backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.peers import loop  # limits the threads
from benchmarks.peers.loop import DEVICE, THREADS, Contestant, Problem, Setting, serve

import numpy as np  # isort: skip
import torch  # isort: skip
import ot  # isort: skip

torch.set_num_threads(THREADS)


def _arrays(setting: Setting) -> Callable[[Any], Any]:
    """Turns numpy arrays into those of the backend that the setting names."""
    backend, kind = setting.get("backend", "numpy"), setting.get("dtype", "float64")
    if backend == "numpy":
        return lambda a: np.ascontiguousarray(a, dtype=kind)
    if backend == "torch":
        return lambda a: torch.from_numpy(np.ascontiguousarray(a, dtype=kind)).to(DEVICE)
    import jax  # type: ignore[import-not-found]

    jax.config.update("jax_enable_x64", kind == "float64")
    return lambda a: jax.numpy.asarray(np.asarray(a, dtype=kind))


def _wait(value: Any) -> Any:
    return value.block_until_ready() if hasattr(value, "block_until_ready") else value


def sinkhorn(problem: Problem, setting: Setting) -> Contestant:
    """``ot.sinkhorn`` with one of its methods and a number of iterations."""
    arr = _arrays(setting)
    a, b, C = arr(problem["a"]), arr(problem["b"]), arr(problem["C"])
    eps, method = float(problem["eps"]), setting["method"]
    more: dict[str, Any] = {"numItermax": setting["n_iter"], "stopThr": 0.0, "warn": False}
    more |= setting.get("more", {})
    if method == "greenkhorn":
        # It moves one row or one column at a time: n + m of its steps are one iteration.
        more["numItermax"] = setting["n_iter"] * (len(a) + len(b))

    def call() -> Any:
        return _wait(ot.sinkhorn(a, b, C, eps, method=method, **more))

    return call, lambda P: {"plan": loop.array(P)}


def solve(problem: Problem, setting: Setting) -> Contestant:
    """``ot.solve``, its unified door."""
    arr = _arrays(setting)
    a, b, C = arr(problem["a"]), arr(problem["b"]), arr(problem["C"])
    eps = float(problem["eps"])

    def call() -> Any:
        found = ot.solve(C, a, b, reg=eps, reg_type="entropy", max_iter=setting["n_iter"], tol=0.0)
        _wait(found.plan)
        return found

    return call, lambda found: {"plan": loop.array(found.plan)}


def solve_sample(problem: Problem, setting: Setting) -> Contestant:
    """``ot.solve_sample(lazy=True)``: the matrix is never held."""
    arr = _arrays(setting)
    x, y = arr(problem["x"]), arr(problem["y"])
    a, b = arr(problem["a"]), arr(problem["b"])
    eps = float(problem["eps"])

    def call() -> Any:
        return ot.solve_sample(
            x, y, a, b, reg=eps, lazy=True, batch_size=setting.get("batch_size", 100),
            max_iter=setting["n_iter"], tol=0.0,
        )  # fmt: skip

    return call, lambda found: {"plan": loop.array(found.lazy_plan[:])}


def sinkhorn_loop(problem: Problem, setting: Setting) -> Contestant:
    """Problems of a batch, one after the other."""
    arr = _arrays(setting)
    a, b = arr(problem["a"]), arr(problem["b"])
    costs = [arr(C) for C in problem["C"]]
    eps = [float(e) for e in problem["eps"]]
    n_iter, more = setting["n_iter"], {"stopThr": 0.0, "warn": False}
    counts = n_iter if isinstance(n_iter, list) else [n_iter] * len(costs)

    def call() -> Any:
        return [
            _wait(ot.sinkhorn(a, b, C, e, method=setting["method"], numItermax=k, **more))
            for C, e, k in zip(costs, eps, counts, strict=True)
        ]

    return call, lambda plans: {"plan": np.stack([loop.array(P) for P in plans])}


def solve_batch(problem: Problem, setting: Setting) -> Contestant:
    """``ot.solve_batch``: it knows one ε, so each cost is divided by its own beforehand."""
    import ot.batch

    arr = _arrays(setting)
    C = arr(problem["C"] / problem["eps"][:, None, None])
    a = arr(np.broadcast_to(problem["a"], C.shape[:2]))
    b = arr(np.broadcast_to(problem["b"], (C.shape[0], C.shape[2])))
    method, n_iter = setting["method"], setting["n_iter"]

    def call() -> Any:
        found = ot.batch.solve_batch(
            C, reg=1.0, a=a, b=b, max_iter=n_iter, tol=0.0, method=method, grad="detach"
        )
        return _wait(found.plan)

    return call, lambda plan: {"plan": loop.array(plan)}


def _sampler(problem: Problem, setting: Setting) -> Callable[[int], Any]:
    """Draws from the source of the problem in the backend of the setting, as fast as it can."""
    backend, kind = setting.get("backend", "numpy"), setting.get("dtype", "float64")
    d, seed = problem["y"].shape[1], int(setting.get("seed", 0))
    if backend == "torch":
        rng = torch.Generator(DEVICE).manual_seed(seed)
        dtype = getattr(torch, kind)
        if "mean" not in problem:
            return lambda n: torch.rand(n, d, generator=rng, device=DEVICE, dtype=dtype)
        mean, std = (torch.from_numpy(problem[k]).to(DEVICE, dtype) for k in ("mean", "std"))
        more: Setting = {"generator": rng, "device": DEVICE, "dtype": dtype}
        return lambda n: torch.randn(n, d, **more).mul_(std).add_(mean)
    draw = np.random.default_rng(seed)
    if "mean" not in problem:
        return lambda n: draw.random((n, d), dtype=kind)
    shift, scale = problem["mean"].astype(kind), problem["std"].astype(kind)
    return lambda n: draw.standard_normal((n, d), dtype=kind) * scale + shift


def semidiscrete(problem: Problem, setting: Setting) -> Contestant:
    """``ot.semidiscrete.solve_semidiscrete`` with the options of the setting."""
    from ot.semidiscrete import solve_semidiscrete

    y = _arrays(setting)(problem["y"])
    options = dict(setting["options"])
    seeds = iter(range(int(setting.get("seed", 0)), 10**9))

    def call() -> Any:
        sample = _sampler(problem, setting | {"seed": next(seeds)})
        return solve_semidiscrete(
            y, sample, max_iter=setting["steps"], batch_size=setting["batch_size"], **options
        )

    return call, lambda g: {"psi": loop.array(g)}


if __name__ == "__main__":
    serve(
        {
            "sinkhorn": sinkhorn,
            "solve": solve,
            "solve_sample": solve_sample,
            "sinkhorn_loop": sinkhorn_loop,
            "solve_batch": solve_batch,
            "semidiscrete": semidiscrete,
        },
        ("POT", "torch", "jax", "numpy"),
        loop.wait,
    )
