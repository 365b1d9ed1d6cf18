"""Solvers for chapter 11: descents to a tiny gradient, and a logistic regression by Newton."""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Generator, Tensor
from torch.nn.functional import softplus

from otgen_lite.statements._on_cpu import all_on_cpu


def descend(loss: Callable[[Tensor], Tensor], start: Tensor) -> tuple[float, Tensor]:
    """The least value of a loss and its place, by L-BFGS in double precision.

    The descent is started again where it ended until that gains nothing more.
    """

    def both(flat: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(flat).view(start.shape).requires_grad_()
        value = loss(at)
        (slope,) = torch.autograd.grad(value, at)
        return value.item(), slope.numpy().ravel()

    at, least = start.numpy().ravel(), np.inf
    tight = {"gtol": 1e-12, "ftol": 1e-16, "maxiter": 20_000, "maxfun": 100_000, "maxcor": 30}
    for _ in range(5):
        found = minimize(both, at, jac=True, method="L-BFGS-B", options=tight)
        gained, at, least = least - found.fun, found.x, float(found.fun)
        if gained < 1e-15:
            break
    return least, torch.from_numpy(at).view(start.shape)


def orthogonal(generator: Generator, d: int) -> tuple[Tensor, Tensor]:
    """Falling variances (d,), at least 0.05 apart, and an orthonormal basis (d, d)."""
    steps = 0.05 + 0.5 * torch.rand(d, generator=generator, dtype=torch.float64)
    basis = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    return steps.cumsum(0).flip(0), basis


def to_gauss(S: Tensor) -> Tensor:
    """KL(N(0, S) | N(0, I)), in nats."""
    return (S.trace() - len(S) - torch.logdet(S)) / 2


def best_mixture(generator: Generator, var: float, codes: int = 4) -> float:
    """Least mean surprise of the data -1 and 1 under a mixture of Gaussians with free centres."""
    x = torch.tensor([-1.0, 1.0], dtype=torch.float64)

    def surprise(at: Tensor) -> Tensor:
        weight, centre = at.view(2, codes)
        log_p = torch.log_softmax(weight, 0) - (x[:, None] - centre).square() / (2 * var)
        return -(torch.logsumexp(log_p, dim=1) - log(2 * pi * var) / 2).mean()

    starts = torch.randn(6, 2 * codes, generator=generator, dtype=torch.float64)
    return min(descend(surprise, start)[0] for start in starts)


def split_rate(mean: Tensor, log_var: Tensor, reach: float = 9.0, n: int = 1201) -> Tensor:
    """KL(Q_Z | P_Z) and I(X; Z) of Gaussian encoders with codes of two numbers, by quadrature.

    Args:
        mean: (k, 2) means, one a datum.
        log_var: (k, 2) logarithms of the variances.
        reach: half of the side of the square that is covered.
        n: points of the trapezoidal rule along a side.

    Returns:
        (2,) both parts of the rate, in nats.
    """
    mean, log_var = mean.double(), log_var.double()
    z = torch.linspace(-reach, reach, n, dtype=torch.float64)
    h = float(z[1] - z[0])
    logs = -(z - mean[..., None]).square() / (2 * log_var.exp()[..., None])
    logs = logs - (log_var[..., None] + log(2 * pi)) / 2  # (k, 2, n)
    first, second = h * logs[:, 0].exp(), h * logs[:, 1].exp()
    mixed = first.T @ second / len(mean)
    log_mixed = torch.log(mixed.clamp(min=1e-300)) - 2 * log(h)
    log_prior = -(z[:, None].square() + z.square()) / 2 - log(2 * pi)
    own = (first * logs[:, 0]).sum(1) * second.sum(1) + (second * logs[:, 1]).sum(1) * first.sum(1)
    across = ((first @ log_mixed) * second).sum(1)
    return torch.stack([(mixed * (log_mixed - log_prior)).sum(), (own - across).mean()])


def logistic(z: Tensor, a: Tensor, ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """The best quadratic logits, for each row on its own, by Newton's method.

    Args:
        z: (k,) places.
        a: (n,) weights of the rows.
        ours: (n, k) masses that shall get positive logits.
        theirs: (n, k) masses that shall get negative ones.

    Returns:
        ``(coefficients, value)``: of 1, z, z^2 in each row (n, 3), and the logistic loss.
    """
    features = torch.stack([z**0, z, z**2])  # (3, k)
    found = torch.zeros(len(a), 3, dtype=z.dtype)

    def loss(at: Tensor) -> Tensor:
        T = at @ features
        return (ours * softplus(-T) + theirs * softplus(T)).sum(1)

    for _ in range(200):
        share = torch.sigmoid(found @ features)
        slope = (theirs * share - ours * (1 - share)) @ features.T
        bend = ((ours + theirs) * share * (1 - share)) @ (features[:, None] * features).flatten(
            0, 1
        ).T
        step = torch.linalg.solve(bend.view(-1, 3, 3), slope)
        size = torch.ones(len(a), 1, dtype=z.dtype)
        for _ in range(40):  # halve until the loss falls
            worse = loss(found - size * step) > loss(found) + 1e-15
            if not worse.any():
                break
            size[worse] /= 2
        found = found - size * step
        if step.abs().max() < 1e-13:
            break
    return found, a @ loss(found)


all_on_cpu(globals())
