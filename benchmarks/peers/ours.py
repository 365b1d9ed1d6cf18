"""This package: what a reader of the book would call, with its defaults."""

from __future__ import annotations

import warnings
from typing import Any

from benchmarks.peers import loop  # limits the threads
from benchmarks.peers.loop import DEVICE, THREADS, Contestant, Problem, Setting, serve

import numpy as np  # isort: skip
import torch  # isort: skip

import otgen_lite as otg  # isort: skip

torch.set_num_threads(THREADS)
warnings.simplefilter("ignore")


def _tensor(value: Any, setting: Setting) -> torch.Tensor:
    array = np.ascontiguousarray(value, dtype=setting.get("dtype", "float64"))
    return torch.from_numpy(array).to(DEVICE)


def sinkhorn(problem: Problem, setting: Setting) -> Contestant:
    """``solve_sinkhorn`` on a matrix or on a batch of matrices, or ``solve_sinkhorn_points``."""
    a, b = _tensor(problem["a"], setting), _tensor(problem["b"], setting)
    options = {"tol": 1e-6, "max_iter": 100_000, **setting.get("options", {})}
    eps = problem["eps"]
    if eps.ndim:  # one ε for all: each cost is divided by its own beforehand
        C = _tensor(problem["C"] / eps[:, None, None], setting)
        a = a.expand(C.shape[0], -1).contiguous()
        b = b.expand(C.shape[0], -1).contiguous()

        def call() -> Any:
            return otg.solve_sinkhorn(C, 1.0, a, b, **options)
    elif setting.get("points"):
        x, y = _tensor(problem["x"], setting), _tensor(problem["y"], setting)

        def call() -> Any:
            return otg.solve_sinkhorn_points(x, y, float(eps), a=a, b=b, **options)
    else:
        C = _tensor(problem["C"], setting)

        def call() -> Any:
            return otg.solve_sinkhorn(C, float(eps), a, b, **options)

    def answer(found: Any) -> dict[str, Any]:
        out = {"converged": np.all(loop.array(found.converged)), "n_iter": found.n_iter}
        if setting.get("points"):  # the plan from the potentials, in the judge's hands
            f, g = (loop.array(p).astype(np.float64) for p in found.potentials)
            return out | {
                "f": f + float(eps) * np.log(problem["a"]),
                "g": g + float(eps) * np.log(problem["b"]),
            }
        return out | {"plan": found.plan}

    return call, answer


def divergence(problem: Problem, setting: Setting) -> Contestant:
    """Value and gradient in x of ``sinkhorn_divergence``."""
    x, y = _tensor(problem["x"], setting), _tensor(problem["y"], setting)
    eps, options = float(problem["eps"]), {"max_iter": 100_000, "tol": setting["tol"]}

    def call() -> Any:
        at = x.clone().requires_grad_()
        value = otg.sinkhorn_divergence(at, y, eps, **options)
        (gradient,) = torch.autograd.grad(value, at)
        return value.detach(), gradient

    return call, lambda found: {"value": found[0], "gradient": found[1]}


def semidiscrete(problem: Problem, setting: Setting) -> Contestant:
    """``SemiDiscrete(y).fit(sample)``: its own step, batch, averaging and stopping rule."""
    y = _tensor(problem["y"], setting)
    d, dtype = y.shape[1], y.dtype
    if "mean" in problem:
        mean, std = _tensor(problem["mean"], setting), _tensor(problem["std"], setting)

        def sample(n: int, generator: torch.Generator) -> torch.Tensor:
            x = torch.randn(n, d, generator=generator, device=generator.device, dtype=dtype)
            return x.mul_(std).add_(mean)
    else:

        def sample(n: int, generator: torch.Generator) -> torch.Tensor:
            return torch.rand(n, d, generator=generator, device=generator.device, dtype=dtype)

    seeds = iter(range(int(setting.get("seed", 0)), 10**9))
    options = dict(setting.get("options", {}))

    def call() -> Any:
        return otg.SemiDiscrete(y).fit(sample, seed=next(seeds), **options)

    return call, lambda sd: {
        "psi": sd.psi,
        "n_samples": sd.n_samples,
        "claimed": float(sd.gap),
        "converged": sd.converged,
    }


if __name__ == "__main__":
    serve(
        {"sinkhorn": sinkhorn, "divergence": divergence, "semidiscrete": semidiscrete},
        ("otgen-lite", "torch", "POT", "numpy", "scipy"),
        loop.wait,
    )
