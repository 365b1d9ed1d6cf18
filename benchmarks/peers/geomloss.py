"""GeomLoss: its Sinkhorn solver on points and matrices, and the Sinkhorn divergence."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.loop import THREADS, Contestant, Problem, Setting, serve  # limits the threads

import numpy as np  # isort: skip
import torch  # isort: skip

torch.set_num_threads(THREADS)


def _tensor(value: Any, setting: Setting) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(value, dtype=setting.get("dtype", "float64")))


def solve(problem: Problem, setting: Setting) -> Contestant:
    """``geomloss.ot.solve`` on the matrix."""
    import geomloss.ot

    C, a, b = (_tensor(problem[k], setting) for k in ("C", "a", "b"))
    eps = float(problem["eps"])

    def call() -> Any:
        with torch.no_grad():
            found = geomloss.ot.solve(C, a=a, b=b, reg=eps, max_iter=setting["n_iter"], tol=0.0)
            # What it returns is computed when it is asked for.
            return found.plan

    return call, lambda plan: {"plan": plan}


def divergence(problem: Problem, setting: Setting) -> Contestant:
    """``SamplesLoss("sinkhorn")``: its cost is half of ours, and so are its value and ε."""
    from geomloss import SamplesLoss

    x, y = _tensor(problem["x"], setting), _tensor(problem["y"], setting)
    blur = float(np.sqrt(float(problem["eps"]) / 2.0))
    loss = SamplesLoss(
        "sinkhorn", p=2, blur=blur, scaling=setting["scaling"], debias=True,
        backend=setting.get("backend", "tensorized"),
    )  # fmt: skip

    def call() -> Any:
        at = x.clone().requires_grad_()
        value = 2.0 * loss(at, y)
        (gradient,) = torch.autograd.grad(value, at)
        return value.detach(), gradient

    return call, lambda found: {"value": found[0], "gradient": found[1]}


if __name__ == "__main__":
    serve({"solve": solve, "divergence": divergence}, ("geomloss", "torch", "numpy"))
