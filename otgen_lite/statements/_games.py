"""Games between a generator and a critic, half-step by half-step, and judgements on the critic.

What chapter 7 measures beside its statements. Everything stays on the device of the networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from math import prod, sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import otgen_lite as otg


def gaussian(n: int) -> Tensor:
    """(n,) places that stand for a standard Gaussian, in order: one quantile for each share 1/n."""
    return torch.special.ndtri((torch.arange(n) + 0.5) / n)


def half_steps(game: otg.WGAN, x: Tensor, codes: Tensor, **how: Any) -> list[tuple[Any, Tensor]]:
    """A game between critic and generator, looked at after the turn of each.

    Args:
        game: the two players; they are trained.
        x: (n, d) data.
        codes: (m, d_z) codes whose points are looked at.
        how: what :func:`otgen_lite.fit` takes; ``steps`` among them.

    Returns:
        A critic, and the generator's points (m, d), before the game and after every half-step: the
        critic moves first in each step.
    """

    def look() -> tuple[Any, Tensor]:
        return deepcopy(game.critic), game.generator(codes).detach()

    states = [look()]
    otg.fit(game, x, callbacks=[lambda *_: states.append(look())], progress=False, **how)
    shown = states[:1]
    for (_, before), (critic, after) in pairwise(states):
        shown += [(critic, before), (critic, after)]
    return shown


def exact_slope(u: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """(k,) slopes at u (k,) of an exact critic of the line, data x (n,) against a model y (m,).

    The sign of the model's surplus to the left; zero where both shares agree.
    """
    surplus = (y < u[:, None]).to(u).mean(1) - (x < u[:, None]).to(u).mean(1)
    return torch.where(surplus.abs() < 1e-6, 0.0, surplus.sign())


def slopes_at(critic: nn.Module, y: Tensor) -> Tensor:
    """(m, d) gradients of a critic at places y (m, d)."""
    at = y.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(critic(at).sum(), at)
    return slopes


class CriticOnLine(NamedTuple):
    """A critic of the line, judged at the model's points.

    Attributes:
        slopes: (m,) its slopes there.
        wrong: (m,) whether they have the opposite sign of an exact critic's, just to the right.
        value: what it earns.
        w1: W_1.
    """

    slopes: Tensor
    wrong: Tensor
    value: float
    w1: float


def on_the_line(critic: nn.Module, x: Tensor, y: Tensor) -> CriticOnLine:
    """Judges a critic between data x (n, 1) and a model y (m, 1)."""
    slopes = slopes_at(critic, y)[:, 0]
    wrong = slopes * exact_slope(y[:, 0] + 1e-4, x[:, 0], y[:, 0]) < 0
    with torch.no_grad():
        value = critic(x).mean() - critic(y).mean()
    return CriticOnLine(slopes, wrong, value.item(), otg.wasserstein_1d(x[:, 0], y[:, 0]).item())


class CriticDirections(NamedTuple):
    """A critic, judged by the ways in which an exact one sends the model's points.

    Attributes:
        value: what it earns.
        steep: mean length of its gradients at the model's points.
        cosine: mean cosine between them and the exact ways.
        wrong: share of the points that it sends away from where they should go.
    """

    value: float
    steep: float
    cosine: float
    wrong: float


def along(critic: nn.Module, x: Tensor, y: Tensor, ways: Tensor) -> CriticDirections:
    """Judges a critic between data x (n, d) and a model y (m, d) with exact ways (m, d)."""
    slopes = slopes_at(critic, y)
    steep, right = torch.linalg.vector_norm(slopes, dim=1), (slopes * ways).sum(1)
    with torch.no_grad():
        value = critic(x).mean() - critic(y).mean()
    cosine = (right / steep.clamp(min=1e-12)).mean()
    wrong = (right < 0).to(right).mean()
    return CriticDirections(value.item(), steep.mean().item(), cosine.item(), wrong.item())


def clip_bound(widths: Sequence[int], clip: float) -> float:
    """The bound on the slope of a network whose weights are at most clip in size.

    Args:
        widths: of its layers, from the input to the output.
        clip: largest size of a weight.
    """
    pairs = list(pairwise(widths))
    return clip ** len(pairs) * prod(sqrt(a * b) for a, b in pairs)
