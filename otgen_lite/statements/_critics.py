"""Critics that the statements of chapter 7 need: exact, reversed, penalised ones, and networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linprog, minimize, minimize_scalar
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu

#: (k, d) places to (k,) scores, high on data.
Critic = Callable[[Tensor], Tensor]


def cones(x: Tensor, tops: Tensor) -> Critic:
    """The critic max_j top_j - |u - x_j|: the lowest one that is 1-Lipschitz and has these tops."""
    return lambda u: (
        tops.to(u.device) - torch.linalg.vector_norm(u[:, None] - x.to(u.device), dim=2)
    ).amax(dim=1)


def slackest(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of an exact critic at data x, and the partner of each model point y; n of both.

    Of all exact critics it has the largest slack where the plan sends nothing, so that it has no
    tie at a model point, and a gradient there.
    """
    n = len(x)
    C = otg.cost_matrix(y, x, "euclidean")
    partner = otg.solve_exact(C).plan.argmax(dim=1)
    rows, cols = np.divmod(np.arange(n * n), n)
    off = cols != partner.numpy()[rows]
    # unknowns: the scores of data, those of the model, the slack
    A = np.zeros((n * n, 2 * n + 1))
    A[np.arange(n * n), cols] = 1.0
    A[np.arange(n * n), n + rows] = -1.0
    A[off, -1] = 1.0
    c = C.numpy().ravel()
    gain = np.zeros(2 * n + 1)
    gain[-1] = -1.0
    first = np.zeros((1, 2 * n + 1))
    first[0, 0] = 1.0
    found = linprog(
        gain,
        A_ub=A[off] if off.any() else None,
        b_ub=c[off] if off.any() else None,
        A_eq=np.concatenate([A[~off], first]),
        b_eq=np.append(c[~off], 0.0),
        bounds=[(None, None)] * (2 * n) + [(0.0, 1.0)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return torch.from_numpy(found.x[:n]), partner


def peaks(base: Critic, y: Tensor, ways: Tensor, eps: float, radius: float) -> Critic:
    """The larger of a critic and of one small cone for each point y, which slopes the other way.

    The cone of y has its top a radius *behind* it, seen in its way, and is eps above base at y.
    """
    tops = base(y) + eps + radius
    return lambda u: torch.maximum(base(u), cones(y - radius * ways, tops)(u))


def backwards(x: Tensor, y: Tensor, eps: float) -> tuple[Critic, Tensor, Tensor]:
    """A 1-Lipschitz critic within eps of the best whose slopes at the model's points are reversed.

    Args:
        x: (n, d) data.
        y: (n, d) points of the model.
        eps: what it lacks of W_1 at most, > 0.

    Returns:
        The critic; the ways (n, d), of length one, in which an exact critic sends the points y;
        and W_1.
    """
    tops, partner = slackest(x, y)
    moved = x[partner] - y
    lengths = torch.linalg.vector_norm(moved, dim=1)
    W = lengths.mean()
    less = min(0.5, eps / (2.0 * float(W)))  # what is taken off the slope of the exact critic
    exact = cones(x, tops)
    gaps = torch.cdist(y, y) + torch.eye(len(y), dtype=y.dtype) * 1e9
    radius = 0.25 * less * min(float(gaps.min()), float(lengths.min()))
    ways = moved / lengths[:, None]
    return peaks(lambda u: (1.0 - less) * exact(u), y, ways, eps / 2.0, radius), ways, W


def waves(generator: Generator, d: int, k: int = 6) -> tuple[Critic, Critic]:
    """A smooth critic of slope at most one, and its gradient: (n, d) to (n,), and to (n, d)."""
    w = torch.randn(k, d, generator=generator, dtype=torch.float64)
    share = torch.rand(k, generator=generator, dtype=torch.float64) + 0.1
    share, shift = share / share.sum(), torch.rand(k, generator=generator, dtype=torch.float64)
    unit = w / torch.linalg.vector_norm(w, dim=1, keepdim=True)
    length = torch.linalg.vector_norm(w, dim=1)
    return (
        lambda u: ((u @ w.T + shift).sin() / length) @ share,
        lambda u: (u @ w.T + shift).cos() @ (share[:, None] * unit),
    )


def network(generator: Generator, d: int, width: int, clip: float) -> list[Tensor]:
    """Three weight matrices of a network without biases, uniform in [-clip, clip]."""
    shapes = [(width, d), (width, width), (1, width)]
    return [
        clip * (2.0 * torch.rand(*s, generator=generator, dtype=torch.float64) - 1.0)
        for s in shapes
    ]


def scores(weights: list[Tensor], u: Tensor) -> Tensor:
    """(k,) scores of such a network at (k, d) places, with rectifiers between the layers."""
    for W in weights[:-1]:
        u = torch.relu(u @ W.T)
    return (u @ weights[-1].T)[:, 0]


@dataclass(frozen=True)
class PenalisedLine:
    """The best critic of the line under a gradient penalty, interval by interval.

    Attributes:
        knots: (k + 1,) atoms of both laws in order; the other arrays belong to the k intervals.
        surplus: share of the model to the left minus share of the data, D.
        density: of the place at which the slope is looked at, r.
        w1: W_1.
        excess: the integral of D^2 / r.
    """

    knots: Tensor
    surplus: Tensor
    density: Tensor

    @property
    def lengths(self) -> Tensor:
        """Of the intervals."""
        return self.knots.diff()

    @property
    def w1(self) -> Tensor:
        """The area between the distribution functions."""
        return (self.surplus.abs() * self.lengths).sum()

    @property
    def excess(self) -> Tensor:
        """The integral of D^2 / r, over where D is not zero."""
        where = self.surplus != 0
        return (self.surplus**2 * self.lengths)[where].div(self.density[where]).sum()

    def slopes(self, lam: float) -> Tensor:
        """Of the best critic: sign(D) (1 + |D| / (2 lam r)); zero where D is zero."""
        D = self.surplus
        steeper = torch.where(D == 0, 0.0, D.abs() / (2.0 * lam * self.density.clamp(min=1e-300)))
        return D.sign() * (1.0 + steeper)

    def objective(self, lam: float) -> Tensor:
        """Value of the best critic, its penalty taken off."""
        return self.w1 + self.excess / (4.0 * lam)

    def value(self, lam: float) -> Tensor:
        """The difference of the means of the best critic."""
        return self.w1 + self.excess / (2.0 * lam)


def penalised_line(
    x: Tensor, y: Tensor, a: Tensor | None = None, b: Tensor | None = None
) -> PenalisedLine:
    """The closed form for data x (n,) of weights a and a model y (m,) of weights b."""
    a = torch.full_like(x, 1.0 / len(x)) if a is None else a
    b = torch.full_like(y, 1.0 / len(y)) if b is None else b
    knots = torch.cat([x, y]).unique()
    middle = (knots[1:] + knots[:-1]) / 2.0
    surplus = (y < middle[:, None]).to(b) @ b - (x < middle[:, None]).to(a) @ a
    surplus = torch.where(surplus.abs() < 1e-14, 0.0, surplus)
    low, high = torch.minimum(x[:, None], y), torch.maximum(x[:, None], y)
    width = (high - low).clamp(min=1e-300)
    inside = (low < middle[:, None, None]) & (middle[:, None, None] < high)
    density = (inside * (a[:, None] * b / width)).sum(dim=(1, 2))
    return PenalisedLine(knots, surplus, density)


def penalised_numerically(
    x: Tensor, y: Tensor, a: Tensor, b: Tensor, lam: float
) -> tuple[float, float, float]:
    """The largest objectives of the line, by ascent, and the value of a best critic.

    Returns:
        With the one-sided penalty, by L-BFGS over the critic's scores at all atoms at once, which
        is a concave problem. With the two-sided one, which has many local maxima, by golden
        section over the slope of each interval, once for each sign; and what these slopes earn.
    """
    at = np.unique(torch.cat([x, y]).numpy())
    gain = np.zeros(len(at))
    np.add.at(gain, np.searchsorted(at, x.numpy()), a.numpy())
    np.add.at(gain, np.searchsorted(at, y.numpy()), -b.numpy())
    length = np.diff(at)
    share = np.zeros(len(length))  # of the segments, by how much of each lies in an interval
    for xi, ai in zip(x.tolist(), a.tolist(), strict=True):
        for yj, bj in zip(y.tolist(), b.tolist(), strict=True):
            left, right = np.maximum(at[:-1], min(xi, yj)), np.minimum(at[1:], max(xi, yj))
            share += ai * bj * np.clip(right - left, 0.0, None) / abs(xi - yj)

    def loss(phi: np.ndarray) -> tuple[float, np.ndarray]:
        slope = np.diff(phi) / length
        off = np.maximum(np.abs(slope) - 1.0, 0.0)
        pull = 2.0 * lam * share * off * np.sign(slope) / length
        grad = -gain
        grad[1:] += pull
        grad[:-1] -= pull
        return float(lam * share @ off**2 - gain @ phi), grad

    costs = [torch.cdist(u[:, None], x[:, None]) for u in (y, torch.from_numpy(at))]
    exact = -otg.c_transform(otg.solve_exact(costs[0], b, a).potentials[1], costs[1]).numpy()
    found = minimize(
        loss, exact, jac=True, method="L-BFGS-B",
        options={"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-16, "gtol": 1e-10},
    )  # fmt: skip
    best = value = 0.0
    for k, (long, part) in enumerate(zip(length, share, strict=True)):
        lifted = gain[k + 1 :].sum() * long  # what a unit of slope here earns
        far = 2.0 + abs(lifted) / (lam * part)
        ends = [
            minimize_scalar(
                lambda s, e=lifted, p=part: lam * p * (abs(s) - 1.0) ** 2 - e * s,
                bounds=bounds, method="bounded", options={"xatol": 1e-9},
            )
            for bounds in ((-far, 0.0), (0.0, far))
        ]  # fmt: skip
        top = min(ends, key=lambda end: end.fun)
        best, value = best - top.fun, value + lifted * top.x
    return -float(found.fun), float(best), float(value)


all_on_cpu(globals())
