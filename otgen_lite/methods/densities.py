"""Densities of Gaussians with diagonal covariance: of encoders, decoders and their mixtures."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from otgen_lite import costs
from otgen_lite.methods.base import flat


def gaussian_log_density(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """(n,) log-density of N(mean, diag e^log_var) at (n, d) points, in nats."""
    squares = (z - mean).square() * torch.exp(-log_var) + log_var + math.log(2.0 * math.pi)
    return -0.5 * squares.sum(dim=-1)


def mixture_log_density(z: Tensor, mean: Tensor, log_var: Tensor, cells: int = 1 << 22) -> Tensor:
    """(n,) log-density at (n, d) points of the equal mixture of all N(mean_j, diag e^log_var_j).

    Every component is evaluated at every point, in blocks of at most ``cells`` numbers.
    """
    rows = max(1, cells // mean.numel())
    blocks = [
        torch.logsumexp(gaussian_log_density(block[:, None], mean, log_var), dim=1)
        for block in z.split(rows)
    ]
    return torch.cat(blocks) - math.log(len(mean))


def mean_kl_to_gaussian(mean: Tensor, log_var: Tensor, scale: float) -> Tensor:
    """The mean over rows of KL(N(mean, diag e^log_var) | N(0, scale^2 I)): 0-d, in nats."""
    n, d = mean.shape
    squares = log_var.exp() + mean.square()
    if scale != 1.0:
        squares = squares / scale**2
    # What is the same for all rows is added to the sum: training calls this at every step.
    return (squares - log_var).sum() * (0.5 / n) + d * (math.log(scale) - 0.5)


def drawn(mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """(n, d) draws from N(mean, diag e^log_var), given standard normal numbers."""
    return mean + torch.exp(0.5 * log_var) * noise


def log_likelihood(x: Tensor, made: Tensor, variance: Tensor) -> Tensor:
    r"""(n,) logarithms of the density :math:`N(\text{made}, \sigma^2 I_d)` at ``x``, in nats.

    The squares are summed over all d coordinates, and the constant is there.
    """
    d = x[0].numel()
    squares = costs.pairs(flat(x), flat(made), "sqeuclidean")
    return -0.5 * (squares / variance + d * torch.log(2.0 * math.pi * variance))


def negative_log_likelihood(x: Tensor, made: Tensor, variance: Tensor) -> Tensor:
    """Minus the mean over the batch of :func:`log_likelihood`: 0-d, in nats."""
    d = x[0].numel()
    # Few steps between the sum and the loss: each of them is one more on the way back.
    weight, constant = 0.5 / len(x) / variance, 0.5 * d * torch.log(2.0 * math.pi * variance)
    return (made - x).square().sum() * weight + constant
