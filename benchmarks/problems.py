"""The problems that the contestants solve, written once and read by every process.

Sinkhorn: two clouds of Gaussian points in the plane, the squared distance, uniform weights, ε as a
part of the largest cost. Semi-discrete: U[0, 1]² to 1,000 draws of eight Gaussians inside the
square, and a Gaussian with the means and the standard deviations of the pixels to 1,000 digits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "_build" / "bench"
PROBLEMS = OUT / "problems"

Arrays = dict[str, Any]


def clouds(n: int, eps: float, seed: int = 0) -> Arrays:
    """n points against n points; ``eps`` is relative to the largest cost."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) * 0.5 + 1.0
    C = ((x[:, None, :] - y[None, :, :]) ** 2).sum(-1)
    a = np.full(n, 1.0 / n)
    return {"x": x, "y": y, "C": C, "a": a, "b": a, "eps": np.array(eps * C.max())}


def batch(size: int, n: int, eps: float) -> Arrays:
    """``size`` problems of n points against n points, each with its own ε."""
    parts = [clouds(n, eps, seed=k) for k in range(size)]
    return {
        "C": np.stack([p["C"] for p in parts]),
        "eps": np.stack([p["eps"] for p in parts]),
        "a": parts[0]["a"],
        "b": parts[0]["b"],
    }


def atoms_2d(n: int = 1000) -> Arrays:
    """Eight Gaussians of radius 0.35 and standard deviation 0.02 around the square's centre."""
    rng = np.random.default_rng(0)
    angle = rng.integers(8, size=n) * (np.pi / 4)
    centre = 0.5 + 0.35 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return {"y": centre + 0.02 * rng.normal(size=(n, 2))}


def atoms_digits(n: int = 1000) -> Arrays:
    """The first n of scikit-learn's digits in [0, 1]; the source's deviations are at least 0.05."""
    from sklearn.datasets import load_digits

    y = load_digits().data[:n] / 16.0
    return {"y": y, "mean": y.mean(0), "std": np.maximum(y.std(0), 0.05)}


def source(problem: Arrays, n: int, seed: int) -> Any:
    """n points of a semi-discrete problem's source."""
    rng = np.random.default_rng(seed)
    d = problem["y"].shape[1]
    if "mean" in problem:
        return rng.normal(size=(n, d)) * problem["std"] + problem["mean"]
    return rng.random((n, d))


def written(name: str, problem: Arrays) -> Path:
    """Write a problem for the contestants' processes."""
    PROBLEMS.mkdir(parents=True, exist_ok=True)
    path = PROBLEMS / f"{name}.npz"
    np.savez(path, **problem)
    return path
