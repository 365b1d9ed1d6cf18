"""Helpers of chapter 9: values that restricted critics and encoders reach, and their witnesses.

The first part solves both sides of the theorem on restricted critics, as two linear programmes that
are built separately. The second has the encoders of a line in closed form. The third has numbers
that decide claims.
"""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import highs


def by_critics(C: Tensor, a: Tensor, b: Tensor, h: Tensor, lam: float) -> float:
    """max a.g + sum_k w_k b.h_k over |w_k| <= lam and g with g_i + sum_k w_k h_k(z_j) <= C_ij."""
    (n, m), r = C.shape, len(h)
    A = np.hstack([np.tile(h.numpy().T, (n, 1)), np.kron(np.eye(n), np.ones((m, 1)))])
    gain = np.concatenate([(h @ b).numpy(), a.numpy()])
    bounds = [(-lam, lam)] * r + [(None, None)] * n
    return -float(highs(-gain, A_ub=A, b_ub=C.numpy().ravel(), bounds=bounds).fun)


def tested(C: Tensor, a: Tensor, b: Tensor, h: Tensor, lam: float) -> tuple[float, Tensor]:
    """min <C, P> + lam sum_k |<h_k, q - b>| over P >= 0 with row sums a and column sums q; and P.

    The absolute value is the sum of two parts u, v >= 0 with u - v = <h_k, q - b>; without them
    (lam infinite) every test has to be passed.
    """
    (n, m), r = C.shape, len(h)
    rows = np.kron(np.eye(n), np.ones((1, m)))
    tests = np.tile(h.numpy(), (1, n))
    free = np.zeros((r, 0)) if np.isinf(lam) else np.hstack([-np.eye(r), np.eye(r)])
    A = np.block([[rows, np.zeros((n, free.shape[1]))], [tests, free]])
    cost = np.concatenate([C.numpy().ravel(), np.full(free.shape[1], min(lam, 1e9))])
    right = np.concatenate([a.numpy(), (h @ b).numpy()])
    best = highs(cost, A_eq=A, b_eq=right)
    return float(best.fun), torch.from_numpy(best.x[: n * m]).reshape(n, m)


def by_encoders(C: Tensor, a: Tensor, b: Tensor, h: Tensor, lam: float) -> float:
    """The cheapest encoder that pays lam for each test that its codes fail."""
    return tested(C, a, b, h, lam)[0]


def reversed_encoder(s: float, lam: float) -> tuple[float, float]:
    """tau and V of the best encoder z = -tau x for N(0, 1), decoder s z, penalty lam KL."""
    tau = (-s + sqrt(s * s + lam * (2 * s * s + lam))) / (2 * s * s + lam)
    return tau, (1 + s * tau) ** 2 + lam / 2 * (tau * tau - 1 - 2 * log(tau))


def signed_encoder(s: Tensor, sign: float, lam: float, most: float = inf) -> tuple[Tensor, Tensor]:
    """V and tau of the best encoder z = sign tau x, 0 < tau <= most: data and codes N(0, 1), KL.

    Where the slope is bounded, the objective is convex in tau, so that the bound is the best.
    """
    signed = sign * s
    root = (signed + (s**2 + lam * (2 * s**2 + lam)).sqrt()) / (2 * s**2 + lam)
    tau = root.clamp(max=most)
    return (1 - signed * tau) ** 2 + lam / 2 * (tau**2 - 1 - 2 * tau.log()), tau


def moved_scale(lam: float) -> float:
    """The scale s that penalised transport chooses for data N(1, 1), decoder s z, penalty lam KL.

    For codes of mean c and variance t^2 no encoder costs less than (1 - s c)^2 + (1 - s t)^2, and
    no law has a smaller divergence than the Gaussian one; the best c is s / (s^2 + lam / 2).
    """

    def value(s: float) -> float:
        centred, _ = signed_encoder(torch.tensor(s, dtype=torch.float64), 1.0, lam)
        return lam / (2 * s * s + lam) + centred.item()

    precise = {"xatol": 1e-10}
    return float(minimize_scalar(value, bounds=(0.5, 3.0), method="bounded", options=precise).x)


def reversed_critic(theta: float, eps: float) -> tuple[float, float]:
    """Value of the critic |y - (theta - eps/2)|, and its derivative in theta: data 0, model theta.

    The cost is |x - y|, and the critic 1-Lipschitz, so that minus the critic is its transform.
    """
    y = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    kink = theta - eps / 2
    value = kink - (y - kink).abs()
    (slope,) = torch.autograd.grad(value, y)
    return value.item(), slope.item()


def twins_angle(generator: Generator, cost: str, factor: float, var: float = 2.0) -> float:
    """Degrees between the gradients of adversarial auto-encoder and penalised transport.

    Two small networks, decoder variance var, the weight lam = factor var.
    """
    nets = [otg.MLP(i, [16], o, generator=generator).double() for i, o in ((6, 2), (2, 6), (2, 1))]
    aae = otg.AAE(*nets, decoder_var=var, prior=2)
    pot = otg.PenalizedOT(
        *nets[:2], penalty=otg.Adversarial(nets[2]), lam=factor * var, cost=cost, prior=2
    )
    batch = torch.randn(64, 6, generator=generator, dtype=torch.float64)
    noise = pot.noise("autoencoder", batch, generator)
    slopes = []
    for method in (aae, pot):
        weights = [weight for _, weight in method.parameters_of("autoencoder")]
        parts = torch.autograd.grad(method("autoencoder", batch, noise), weights)
        slope = torch.cat([part.ravel() for part in parts])
        slopes.append(slope / slope.norm())
    half = (slopes[0] - slopes[1]).norm() / 2  # the sine of half of the angle
    return float(2 * torch.rad2deg(half.asin()))


all_on_cpu(globals())
