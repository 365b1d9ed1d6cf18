"""Accuracy of an answer, recomputed here in float64 numpy: no contestant is asked about itself."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, Any]


def marginal_error(problem: Arrays, answer: Arrays) -> float:
    """Σ|P1 − a| + Σ|Pᵀ1 − b|; of a batch, the largest. Not a number counts as infinite.

    An answer holds the plan, or potentials with P = exp((f + g − C) / ε), or both; the better
    of the two counts.
    """
    found = []
    if "plan" in answer:
        P = answer["plan"].astype(np.float64, copy=False)
        rows, columns = P.sum(-1) - problem["a"], P.sum(-2) - problem["b"]
        found.append(float((np.abs(rows).sum(-1) + np.abs(columns).sum(-1)).max()))
    if "f" in answer:
        P = _plan(problem, answer)
        rows, columns = P.sum(-1) - problem["a"], P.sum(-2) - problem["b"]
        found.append(float((np.abs(rows).sum(-1) + np.abs(columns).sum(-1)).max()))
    finite = [e for e in found if np.isfinite(e)]
    return min(finite, default=float("inf"))


def _plan(problem: Arrays, answer: Arrays) -> Any:
    f, g = (np.asarray(answer[k], dtype=np.float64) for k in ("f", "g"))
    eps = np.asarray(problem["eps"])[..., None, None]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp((f[..., :, None] + g[..., None, :] - problem["C"]) / eps)


def transport_cost(problem: Arrays, answer: Arrays) -> float:
    """⟨P, C⟩, summed over a batch."""
    P = answer["plan"] if "plan" in answer else _plan(problem, answer)
    return float((np.asarray(P, dtype=np.float64) * problem["C"]).sum())


def relative_errors(reference: Arrays, answer: Arrays) -> tuple[float, float]:
    """Of a value, and of a gradient in the Euclidean norm."""
    value = abs(float(answer["value"]) - float(reference["value"])) / abs(float(reference["value"]))
    size = np.linalg.norm(reference["gradient"])
    gradient = float(np.linalg.norm(answer["gradient"].astype(np.float64) - reference["gradient"]))
    return value, gradient / float(size)


def semi_dual(y: Any, psi: Any, x: Any, block: int = 4096) -> Any:
    """ψ^c(x) + mean ψ at each x, for the squared distance and equal weights.

    The cell of x is found in float32 and its cost computed in float64: where rounding picks a
    neighbour, that one costs more by no more than the rounding of the scores.
    """
    psi = np.asarray(psi, dtype=np.float64)
    psi = psi - psi.mean()
    twice = np.ascontiguousarray(2.0 * y.T, dtype=np.float32)
    height = (psi - (y**2).sum(1)).astype(np.float32)
    values = np.empty(len(x))
    for start in range(0, len(x), block):
        part = x[start : start + block]
        scores = part.astype(np.float32) @ twice
        scores += height
        cell = scores.argmax(1)
        values[start : start + block] = ((part - y[cell]) ** 2).sum(1) - psi[cell]
    return values
