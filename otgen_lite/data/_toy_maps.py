"""Maps from the parameters that chance (or a grid) has chosen to the points of a toy.

``along`` runs from 0 to 1 along a curve, ``noise`` is standard Gaussian, and the first argument
says which of the equally likely components a point belongs to, as 0.0, 1.0, ….
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: Mean and standard deviation along an arm of the pinwheel, standard deviation across; halved.
ALONG, ALONG_STD, ACROSS_STD = 1.0, 0.3, 0.1


def eight_gaussians(mode: Tensor, noise: Tensor, *, radius: float, std: float) -> Tensor:
    return radius * on_circle(mode * (math.pi / 4)) + std * noise


def two_moons(lower: Tensor, along: Tensor) -> Tensor:
    sign = (1.0 - 2.0 * lower)[:, None]
    centre = torch.stack([lower - 0.5, 0.5 * lower - 0.25], dim=1)
    return sign * on_circle(math.pi * along) + centre


def pinwheel(arm: Tensor, noise: Tensor, *, arms: int, twist: float) -> Tensor:
    along, across = ALONG + ALONG_STD * noise[:, 0], ACROSS_STD * noise[:, 1]
    angle = arm * (2 * math.pi / arms) + twist * torch.exp(along)
    cos, sin = angle.cos(), angle.sin()
    return 2.0 * torch.stack([along * cos - across * sin, along * sin + across * cos], dim=1)


def checkerboard(square: Tensor, inside: Tensor) -> Tensor:
    column = torch.div(square, 2, rounding_mode="floor")
    row = 2.0 * (square % 2) + column % 2
    return torch.stack([column, row], dim=1) + inside - 2.0


def rings(ring: Tensor, along: Tensor) -> Tensor:
    return (1.0 + ring)[:, None] * on_circle(2 * math.pi * along)


def swiss_roll(along: Tensor) -> Tensor:
    turn = 1.5 * math.pi * (1.0 + 2.0 * along)
    return (turn * (2.0 / (4.5 * math.pi)))[:, None] * on_circle(turn)


def on_circle(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], dim=1)
