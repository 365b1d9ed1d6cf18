"""Solvers for chapter 10: a plan whose second margin is not imposed but paid for.

Each penalty is here twice: as a convex function of the latent weights q that an interior-point
method minimises, and as what it takes from a price list, for a maximisation of the dual.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import xlogy
from torch import Tensor

from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import highs

SMOOTH = ("KL", "GAN")
PENALTIES = ("TV", *SMOOTH)


def penalty(name: str, q: np.ndarray, b: np.ndarray) -> float:
    """F(q) of weights q and b (m,): TV, KL(q | b), or GAN = 2 JS(q, b); in nats."""
    if name == "TV":
        return float(np.abs(q - b).sum() / 2)
    if name == "KL":
        return float(xlogy(q, q / b).sum())
    return float(xlogy(q, 2 * q / (q + b)).sum() + xlogy(b, 2 * b / (q + b)).sum())


def primal(C: Tensor, a: Tensor, b: Tensor, lam: float, name: str) -> tuple[float, Tensor]:
    """min <C, P> + lam F(q) over plans P (n, m) with rows a, where q are the columns; and P."""
    if name == "TV":
        return primal_tv(C, a, b, lam)
    P = interior_point(C.numpy(), a.numpy(), b.numpy(), lam, name)
    value = float((C.numpy() * P).sum()) + lam * penalty(name, P.sum(axis=0), b.numpy())
    return value, torch.from_numpy(P)


def primal_tv(C: Tensor, a: Tensor, b: Tensor, lam: float) -> tuple[float, Tensor]:
    """The same for total variation: a linear programme, with what q has too much and too little."""
    n, m = C.shape
    rows = np.kron(np.eye(n), np.ones((1, m)))
    columns = np.kron(np.ones((1, n)), np.eye(m))
    sums = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    objective = np.concatenate([C.numpy().ravel(), np.full(2 * m, lam / 2)])
    best = highs(objective, A_eq=sums, b_eq=np.concatenate([a, b]), bounds=(0, None))
    return float(best.fun), torch.from_numpy(best.x[: n * m].reshape(n, m))


def interior_point(
    C: np.ndarray, a: np.ndarray, b: np.ndarray, lam: float, name: str, gap: float = 1e-10
) -> np.ndarray:
    """The best plan (n, m) up to ``gap``, by Newton's method with a logarithmic barrier."""
    n, m = C.shape
    P, t = np.outer(a, b), 1.0
    while True:
        for _ in range(50):
            q = P.sum(axis=0)
            if name == "KL":
                slope, bend = np.log(q / b), 1 / q
            else:
                slope, bend = np.log(2 * q / (q + b)), b / (q * (q + b))
            # In the unknowns u with dP = P u the Hessian is I + w_j w_j^T for each column j.
            down = t * (C + lam * slope) * P - 1.0
            w = P * np.sqrt(t * lam * bend)
            u = step(w, P, -down, a - P.sum(axis=1))
            P = P * (1 + u * min(1.0, 0.9 / max(-u.min(), 1e-300)))
            if np.abs(u).max() < 1e-6:
                break
        if n * m / t < gap:
            return P * (a / P.sum(axis=1))[:, None]
        t *= 5


def step(w: np.ndarray, P: np.ndarray, V: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """The u (n, m) that solves u_j + w_j (w_j . u_j) + P_j y = V_j, with rows P_i . u_i = missing.

    The blocks are inverted by the formula of Sherman and Morrison, and y is found from the rows.
    """
    n = len(P)
    whole = 1 + (w * w).sum(axis=0)
    others = 1 + (np.ones((n, n)) - np.eye(n)) @ (w * w)  # whole - w w would cancel
    rows = -(P * w / whole) @ (P * w).T
    np.fill_diagonal(rows, (P * P * others / whole).sum(axis=1))

    def inverse(X: np.ndarray) -> np.ndarray:
        return X - w * ((w * X).sum(axis=0) / whole)

    u, y = np.zeros_like(P), np.zeros(n)
    for _ in range(2):  # once more for what rounding has left
        left = V - u - w * (w * u).sum(axis=0) - P * y[:, None]
        more = np.linalg.solve(rows, (P * (u + inverse(left))).sum(axis=1) - missing)
        u, y = u + inverse(left - P * more[:, None]), y + more
    return u


def dual(C: Tensor, a: Tensor, b: Tensor, lam: float, name: str) -> float:
    """max a . f + (what the penalty leaves of the prices g), over f_i + g_j <= C_ij."""
    n, m = C.shape
    fits = np.hstack([np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))])
    income = np.concatenate([a, b])
    if name == "TV":  # prices b . g, that differ by lam at most: two more unknowns, low and high
        between = np.block([[-np.eye(m), np.ones((m, 1))], [np.eye(m), -np.ones((m, 1))]])
        wide = np.zeros((n * m + 2 * m, n + m + 1))
        wide[: n * m, : n + m], wide[n * m :, n:] = fits, between
        limits = np.concatenate([C.numpy().ravel(), np.zeros(m), np.full(m, lam)])
        objective = -np.append(income, 0.0)
        return -float(highs(objective, A_ub=wide, b_ub=limits, bounds=(None, None)).fun)
    weights, costs = b.numpy(), C.numpy()

    def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
        left, slope = concession(name, v[n:], weights, lam)
        return -float(income[:n] @ v[:n]) - left, -np.concatenate([income[:n], slope])

    start = np.concatenate([costs.min(axis=1) - 1.0, np.ones(m)])
    inside: Any = {
        "type": "ineq", "fun": lambda v: costs.ravel() - fits @ v, "jac": lambda _: -fits,
    }  # fmt: skip
    low = [(None, None)] * n + [(1e-9 if name == "GAN" else None, None)] * m
    best = minimize(
        loss, start, jac=True, method="SLSQP", constraints=inside, bounds=low,
        options={"ftol": 1e-15, "maxiter": 1000},
    ).x[n:]  # fmt: skip
    # Whatever the search found: the value at its prices, with their transform, is a lower bound.
    return float(a.numpy() @ (costs - best).min(axis=1)) + concession(name, best, weights, lam)[0]


def concession(name: str, g: np.ndarray, b: np.ndarray, lam: float) -> tuple[float, np.ndarray]:
    """Income b . g after a smooth penalty, and its slope in g (m,)."""
    if name == "KL":
        low = g.min()
        shares = b * np.exp((low - g) / lam)
        return low - lam * log(shares.sum()), shares / shares.sum()
    fooled = np.exp(-g / lam)  # 1 - T of the best discriminator T
    return lam * (float(b @ np.log1p(-fooled)) + 2 * log(2)), b * fooled / (1 - fooled)


def exact_from(C: Tensor, a: Tensor, b: Tensor, W: float) -> tuple[float, float]:
    """The weight from which TV is exact: by prices of least spread, and by moves that pay best."""
    n, m = C.shape
    rows = np.kron(np.eye(n), np.ones((1, m)))
    columns = np.kron(np.ones((1, n)), np.eye(m))
    # Unknowns f, g, low, high: the spread of prices that are best.
    fits = np.hstack([rows.T, columns.T, np.zeros((n * m, 2))])
    eye, none, one = np.eye(m), np.zeros((m, n)), np.ones((m, 1))
    bounds = np.block([[none, -eye, one, 0 * one], [none, eye, 0 * one, -one]])
    best = np.concatenate([a, b, [0.0, 0.0]])[None]
    prices = highs(
        np.concatenate([np.zeros(n + m), [-1.0, 1.0]]), A_ub=np.vstack([fits, bounds]),
        b_ub=np.concatenate([C.numpy().ravel(), np.zeros(2 * m)]), A_eq=best, b_eq=[W],
        bounds=(None, None),
    )  # fmt: skip
    # Unknowns P, too much, too little, s: what a plan for s a saves, per unit of s b it misses.
    zero = np.zeros((n, 2 * m))
    keep = np.block([[rows, zero, -a.numpy()[:, None]], [columns, -eye, eye, -b.numpy()[:, None]]])
    missed = np.concatenate([np.zeros(n * m), np.full(2 * m, 0.5), [0.0]])[None]
    gain = np.concatenate([C.numpy().ravel(), np.zeros(2 * m), [-W]])
    moves = highs(
        gain, A_eq=keep, b_eq=np.zeros(n + m), A_ub=missed, b_ub=[1.0], bounds=(0, None)
    )  # fmt: skip
    return float(prices.fun), -float(moves.fun)


all_on_cpu(globals())
