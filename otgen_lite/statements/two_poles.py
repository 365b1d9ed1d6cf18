"""Models between two poles, the closed forms of chapter 6: value, potential, one-sided slopes.

The data are ½ δ_e + ½ δ_{-e} for a unit vector e, the cost is the squared distance. Only the
*height* u = <x, e> of a model's points decides about the plan.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, log, pi, sin

import torch
from scipy.optimize import brentq
from scipy.special import spence
from torch import Generator, Tensor

from otgen_lite.statements._on_cpu import all_on_cpu

#: The models: a point at height theta; the two ends of a needle, the needle and a plank around it,
#: turned by theta out of the plane that separates the poles.
MODELS = ("point", "ends", "bar", "plank")
#: Half the thickness of the plank.
THICK = 0.2


def soft_abs(t: Tensor, eps: float) -> Tensor:
    """eps log cosh(t / eps), which tends to |t|; without overflow."""
    if eps == 0.0:
        return t.abs()
    return t.abs() + eps * (torch.log1p((-2 * t.abs() / eps).exp()) - log(2))


def mean_soft(a: Tensor, eps: float) -> Tensor:
    """The mean of eps log cosh(a t / eps) over t uniform on [0, 1], for a >= 0; a/2 at eps = 0."""
    if eps == 0.0:
        return a / 2
    far = a.clamp(min=1e-6 * eps)
    # The integral of log(1 + exp(-s)) from 0 to y is pi^2/12 + Li2(-exp(-y)).
    tail = pi**2 / 12 + torch.from_numpy(spence(1 + (-2 * far / eps).exp().numpy()))
    out = far / 2 - eps * log(2) + eps**2 / (2 * far) * tail
    return torch.where(a < 1e-3 * eps, a**2 / (6 * eps), out)


def value(model: str, theta: Tensor, eps: float = 0.0, r: float = THICK) -> Tensor:
    """W_eps of a model at each theta; the plank, of half-thickness r, only for eps = 0."""
    theta = theta.double()
    if model == "point":
        return theta**2 + 1
    if model == "ends":
        return 2 - soft_abs(2 * theta.sin(), eps)
    if model == "bar":
        return 4 / 3 - mean_soft(2 * theta.sin().abs(), eps)
    up, across = theta.sin().abs(), r * theta.cos().abs()
    large, small = torch.maximum(up, across), torch.minimum(up, across)
    return 4 / 3 + r**2 / 3 - large - small**2 / (3 * large)


def held(model: str, theta0: float, theta: Tensor, eps: float = 0.0) -> Tensor:
    """The semi-dual at each theta with the middle best potential of theta0, held still."""
    theta = theta.double()
    if model == "point":
        return theta**2 + 1 - soft_abs(2 * (theta - theta0), eps)
    return value(model, theta, eps)


def slopes(function: Callable[[Tensor], Tensor], at: float, h: float = 1e-4) -> tuple[float, float]:
    """Left and right derivative, by quotients with steps h and h/2 that cancel the term in h."""
    steps = torch.tensor([0.0, h, h / 2, -h, -h / 2], dtype=torch.float64)
    v = function(at + steps)
    q = (v[1:] - v[0]) / steps[1:]
    return (2 * q[3] - q[2]).item(), (2 * q[1] - q[0]).item()


def height(u: Tensor, a: Tensor, eps: float = 0.0) -> float:
    """A best s of ψ = (-s, s): twice a median of u with weights a, softened by eps."""
    low, high = 2 * u.min().item(), 2 * u.max().item()
    if eps == 0.0 or low == high:
        order = u.argsort()
        k = int((a[order].cumsum(0) < 0.5 - 1e-12).sum())
        return 2 * u[order][k].item()
    return float(
        brentq(lambda s: (a @ torch.tanh((2 * u - s) / eps)).item(), low, high, xtol=1e-14)
    )


#: Rules of a program for the atom at the border: give it to the first offer, to the last, in
#: equal parts to all that tie, or toss a coin.
RULES = ("first", "last", "parts", "coin")


def tie_shares(offers: Tensor, rule: str, generator: Generator | None = None) -> Tensor:
    """Shares (m,) of the best offers among (m,), by a rule; offers equal up to 1e-9 tie."""
    tied = (offers <= offers.min() + 1e-9).double()
    if rule == "parts":
        return tied / tied.sum()
    places = tied.nonzero()[:, 0]
    k = {"first": 0, "last": -1}.get(rule)
    if k is None:
        k = int(torch.randint(len(places), (), generator=generator))
    out = torch.zeros_like(tied)
    out[places[k]] = 1.0
    return out


def point_descent(
    rule: str,
    b: Tensor,
    theta: float = 0.4,
    steps: int = 80,
    eta: float = 0.05,
    generator: Generator | None = None,
) -> Tensor:
    """Places (steps + 1,) of a point that descends the formula between -1 and 1, of weights b.

    The potentials are the best ones at every step, up to rounding: both offers tie.
    """
    y, path = torch.tensor([-1.0, 1.0], dtype=torch.float64), [theta]
    for _ in range(steps):
        psi = torch.tensor([2 * path[-1], -2 * path[-1]], dtype=torch.float64)
        shares = tie_shares((path[-1] - y) ** 2 - psi, rule, generator)
        path.append(path[-1] - eta * 2 * (path[-1] - (shares @ y).item()))
    return torch.tensor(path, dtype=torch.float64)


def model_points(model: str, theta: float) -> Tensor:
    """Points (k, 2) that draw a model, where the poles are (0, 1) and (0, -1)."""
    if model == "point":
        return torch.tensor([[0.0, theta]], dtype=torch.float64)
    ends = torch.tensor([-1.0, 1.0] if model == "ends" else [-1.0, 0.0, 1.0], dtype=torch.float64)
    return ends[:, None] * torch.tensor([cos(theta), sin(theta)], dtype=torch.float64)


all_on_cpu(globals())
