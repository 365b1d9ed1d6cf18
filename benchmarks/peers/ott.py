"""OTT-JAX: Sinkhorn (log and kernel form), the divergence, vmap, and the semi-discrete solver.

Everything that is called is jitted; the first call, which compiles, is not counted.
"""

from __future__ import annotations

import functools
from typing import Any

from benchmarks.peers.loop import Contestant, Prepare, Problem, Setting, serve  # limits the threads

import jax  # type: ignore[import-not-found] # isort: skip

import jax.numpy as jnp  # type: ignore[import-not-found]
import numpy as np
import optax  # type: ignore[import-not-found]
from ott.geometry import geometry, pointcloud, semidiscrete_pointcloud
from ott.initializers.linear import initializers
from ott.problems.linear import linear_problem, semidiscrete_linear_problem
from ott.solvers.linear import acceleration, semidiscrete, sinkhorn
from ott.tools import sinkhorn_divergence

_INITIALIZERS = {
    "gaussian": initializers.GaussianInitializer,
    "subsample": functools.partial(initializers.SubsampleInitializer, subsample_n_x=100),
}


def _array(value: Any, setting: Setting) -> Any:
    return jnp.asarray(np.asarray(value, dtype=setting.get("dtype", "float64")))


def _options(setting: Setting) -> dict[str, Any]:
    """Options of ``Sinkhorn`` that stand in a setting."""
    n_iter = setting["n_iter"]
    found: dict[str, Any] = {
        "lse_mode": setting.get("lse_mode", True),
        "min_iterations": n_iter,
        "max_iterations": n_iter,
        "inner_iterations": n_iter,
        "threshold": 0.0,
    }
    if "threshold" in setting:
        inner = setting.get("inner_iterations", 10)
        found |= {"min_iterations": 0, "inner_iterations": inner}
        found["threshold"] = setting["threshold"]
    if "momentum" in setting:
        found["momentum"] = acceleration.Momentum(value=setting["momentum"])
    if "momentum_from" in setting:
        found["inner_iterations"] = 10
        found["momentum"] = acceleration.Momentum(start=setting["momentum_from"])
        found["min_iterations"] = 0
    if "anderson" in setting:
        found["anderson"] = acceleration.AndersonAcceleration(memory=setting["anderson"])
    if "initializer" in setting:
        found["initializer"] = _INITIALIZERS[setting["initializer"]]()
    return found


def sinkhorn_matrix(problem: Problem, setting: Setting) -> Contestant:
    """``Sinkhorn`` on a cost matrix, or on points where the setting says so."""
    solver = sinkhorn.Sinkhorn(**_options(setting))
    a, b = _array(problem["a"], setting), _array(problem["b"], setting)
    eps = float(problem["eps"])
    points, batch = setting.get("points", False), setting.get("batch_size")
    data = tuple(_array(problem[k], setting) for k in (("x", "y") if points else ("C",)))

    def geom(*arrays: Any) -> Any:
        if points:
            return pointcloud.PointCloud(*arrays, epsilon=eps, batch_size=batch)
        return geometry.Geometry(*arrays, epsilon=eps)

    # A geometry is no output of a jitted function: what the iterations found is.
    @jax.jit
    def solve(*arrays: Any) -> tuple[Any, Any, Any]:
        out = solver(linear_problem.LinearProblem(geom(*arrays), a=a, b=b))
        return out.f, out.g, out.n_iters

    def call() -> Any:
        return jax.block_until_ready(solve(*data))

    def answer(found: Any) -> dict[str, Any]:
        f, g, n_iter = found
        out = {"f": f, "g": g, "n_iter": n_iter}
        if not points:
            out["plan"] = geom(*data).transport_from_potentials(f, g)
        return out

    return call, answer


def sinkhorn_vmap(problem: Problem, setting: Setting) -> Contestant:
    """A batch of problems: ``jax.jit(jax.vmap(...))``, or one after the other (``loop``)."""
    solver = sinkhorn.Sinkhorn(**_options(setting))
    a, b = _array(problem["a"], setting), _array(problem["b"], setting)
    costs, eps = _array(problem["C"], setting), _array(problem["eps"], setting)

    def one(C: Any, e: Any) -> tuple[Any, Any, Any]:
        out = solver(linear_problem.LinearProblem(geometry.Geometry(C, epsilon=e), a=a, b=b))
        return out.f, out.g, out.n_iters

    if setting.get("loop"):
        single = jax.jit(one)
        parts = [(costs[i], eps[i]) for i in range(len(eps))]

        def call() -> Any:
            return jax.block_until_ready([single(C, e) for C, e in parts])

        return call, lambda found: {
            "f": np.stack([np.asarray(one[0]) for one in found]),
            "g": np.stack([np.asarray(one[1]) for one in found]),
            "n_iter": np.stack([np.asarray(one[2]) for one in found]),
        }
    all_of_them = jax.jit(jax.vmap(one))

    def plan(C: Any, e: Any, f: Any, g: Any) -> Any:
        return geometry.Geometry(C, epsilon=e).transport_from_potentials(f, g)

    def answer(found: Any) -> dict[str, Any]:
        f, g, n_iter = found
        return {"f": f, "g": g, "n_iter": n_iter, "plan": jax.vmap(plan)(costs, eps, f, g)}

    return lambda: jax.block_until_ready(all_of_them(costs, eps)), answer


def divergence(problem: Problem, setting: Setting) -> Contestant:
    """Value and gradient in x of the Sinkhorn divergence."""
    x, y = _array(problem["x"], setting), _array(problem["y"], setting)
    eps = float(problem["eps"])
    options = _options(setting)
    symmetric = setting.get("symmetric", True)

    def value(x: Any) -> Any:
        return sinkhorn_divergence.sinkdiv(
            x, y, epsilon=eps, solve_kwargs=options, symmetric_sinkhorn=symmetric
        )[0]

    both = jax.jit(jax.value_and_grad(value))
    return lambda: jax.block_until_ready(both(x)), lambda found: {
        "value": found[0],
        "gradient": found[1],
    }


def _rate(setting: Setting) -> Any:
    rate, steps = setting["rate"], setting["steps"]
    match setting.get("schedule", "constant"):
        case "cosine":
            return optax.cosine_decay_schedule(rate, steps)
        case "exponential":
            return optax.exponential_decay(rate, steps, 0.01)
        case "sqrt":
            return lambda k: rate / jnp.sqrt(1.0 + k)
        case _:
            return rate


def semidiscrete_solver(problem: Problem, setting: Setting) -> Contestant:
    """``SemidiscreteSolver`` with an optimiser of optax."""
    y = _array(problem["y"], setting)
    if "mean" in problem:
        mean, std = _array(problem["mean"], setting), _array(problem["std"], setting)

        def sampler(key: Any, shape: Any, dtype: Any = None) -> Any:
            return jax.random.normal(key, shape, dtype) * std + mean
    else:

        def sampler(key: Any, shape: Any, dtype: Any = None) -> Any:
            return jax.random.uniform(key, shape, dtype)

    optimizer = getattr(optax, setting["optimizer"])(_rate(setting), **setting.get("more", {}))
    solver = semidiscrete.SemidiscreteSolver(
        num_iterations=setting["steps"],
        batch_size=setting["batch_size"],
        optimizer=optimizer,
        error_eval_every=setting["steps"],
        error_num_repeats=1,
        error_batch_size=2,
        threshold=0.0,
        potential_ema=setting.get("ema", 0.99),
    )

    def solve(key: Any) -> Any:
        geom = semidiscrete_pointcloud.SemidiscretePointCloud(sampler, y, epsilon=0.0)
        prob = semidiscrete_linear_problem.SemidiscreteLinearProblem(geom)
        return solver(key, prob).g

    jitted = jax.jit(solve)
    seeds = iter(range(int(setting.get("seed", 0)), 10**9))
    return (
        lambda: jax.block_until_ready(jitted(jax.random.key(next(seeds)))),
        lambda g: {"psi": g},
    )


def _in_its_precision(prepare: Prepare) -> Prepare:
    """JAX has a switch for all arrays; what asks for single precision runs with it off."""

    def switched(problem: Problem, setting: Setting) -> Contestant:
        double = setting.get("dtype", "float64") == "float64"
        jax.config.update("jax_enable_x64", double)
        call, answer = prepare(problem, setting)

        def in_precision() -> Any:
            jax.config.update("jax_enable_x64", double)
            return call()

        return in_precision, answer

    return switched


if __name__ == "__main__":
    serve(
        {
            "sinkhorn": _in_its_precision(sinkhorn_matrix),
            "sinkhorn_vmap": _in_its_precision(sinkhorn_vmap),
            "divergence": _in_its_precision(divergence),
            "semidiscrete": _in_its_precision(semidiscrete_solver),
        },
        ("ott-jax", "jax", "jaxlib", "optax", "numpy"),
    )
