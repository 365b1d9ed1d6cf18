"""Statements of chapter 11: what a variational auto-encoder minimises, and what it costs.

Costs, weights and points of the random instances are of order one. The tolerances follow from the
two routes, and were fixed before anything was run:

- 1e-12 where both sides are a few hundred floating-point operations;
- 1e-9 where a side is a quadrature, a root, or the *value* that a descent finds (its error is of
  second order in the gradient that is left);
- 1e-6 where a side is the *place* that a descent finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi, sqrt
from typing import Any

import torch
from torch import Generator, Tensor, nn

import otgen_lite as otg
from otgen_lite.metrics.images import LAPLACIAN
from otgen_lite.statements._blur import descend, orthogonal, to_gauss
from otgen_lite.statements._entropy import flat_scale, kl
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, masses, points
from otgen_lite.statements.registry import BOOK, statement

CLOUDS = [
    {"n": 1, "d": 1, "var": 0.5},
    {"n": 2, "d": 2, "var": 0.1},
    {"n": 6, "d": 3, "var": 1.0},
    {"n": 20, "d": 5, "var": 0.03},
    {"n": 9, "d": 8, "var": 2.0},
]
CODES = [
    {"n": 1, "m": 4, "d": 2, "var": 0.5},
    {"n": 5, "m": 3, "d": 1, "var": 0.3},
    {"n": 7, "m": 9, "d": 2, "var": 0.2},
    {"n": 12, "m": 6, "d": 3, "var": 1.0},
    {"n": 15, "m": 20, "d": 4, "var": 2.0},
]
LINES = [
    {"s": 1.0, "var": 0.25},
    {"s": 1.5, "var": 1.0},
    {"s": 1.0, "var": 1.2},
    {"s": 2.0, "var": 0.1},
    {"s": 0.5, "var": 0.6},
]
SPECTRA = [
    {"d": 2, "q": 1, "var": 0.1},
    {"d": 4, "q": 2, "var": 0.3},
    {"d": 4, "q": 4, "var": 0.3},
    {"d": 6, "q": 3, "var": 0.05},
    {"d": 5, "q": 2, "var": 1.3},
]
LINEAR = [
    {"d": 2, "q": 1, "lam": 1.0},
    {"d": 3, "q": 2, "lam": 0.3},
    {"d": 4, "q": 2, "lam": 2.0},
    {"d": 4, "q": 1, "lam": 0.5},
    {"d": 5, "q": 3, "lam": 1.0},
]
IMAGES = [
    {"h": 3, "w": 4, "q": 2, "var": 0.1},
    {"h": 4, "w": 5, "q": 4, "var": 0.3},
    {"h": 8, "w": 8, "q": 8, "var": 0.05},
    {"h": 5, "w": 3, "q": 15, "var": 0.5},
    {"h": 6, "w": 6, "q": 1, "var": 2.0},
]


def column(values: Sequence[Any]) -> Tensor:
    """Numbers as a tensor of doubles."""
    return torch.tensor([float(v) for v in values], dtype=torch.float64)


@statement("thm-blur-surgery", chapter=11, source="hoffman_johnson_2016", tol=1e-9, sizes=CLOUDS)
def surgery(generator: Generator, n: int, d: int, var: float) -> Sides:
    """The package's VAE, rates in closed form = transport + KL + information, by quadrature."""
    x = points(generator, n, d)
    encoder, decoder = nn.Linear(d, 2).double(), nn.Linear(1, d).double()
    for p in (*encoder.parameters(), *decoder.parameters()):
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64) / (2 * sqrt(d))
    method = otg.VAE(encoder, decoder, decoder_var=var)
    noise = {"encoder": points(generator, n, 1)}
    with torch.no_grad():
        parts = method.objective(x, noise)
        mean, log_var = (column[:, None] for column in encoder(x).T)
        codes = mean + (log_var / 2).exp() * noise["encoder"]
        cost = (x - decoder(codes)).square().sum(1).mean()
    z = torch.linspace(-40, 40, 40_001, dtype=torch.float64)
    density = -(z - mean).square() / (2 * log_var.exp()) - (log_var + log(2 * pi)) / 2
    mixed = density.logsumexp(0) - log(n)
    prior = -z.square() / 2 - log(2 * pi) / 2
    h = z[1] - z[0]
    from_prior = h * (mixed.exp() * (mixed - prior)).sum()
    information = h * (density.exp() * (density - mixed)).sum() / n
    whole = cost + 2 * var * (from_prior + information) + d * var * log(2 * pi * var)
    lhs = torch.stack([2 * var * parts["total"], parts["rate"]])
    return lhs, torch.stack([whole, from_prior + information])


def posterior(C: Tensor, b: Tensor, eps: float) -> Tensor:
    """The rows of Q(z_j | x_i) in proportion to b_j exp(-C_ij / eps): (n, m)."""
    return torch.softmax(b.log() - C / eps, dim=1)


def vae_value(C: Tensor, a: Tensor, b: Tensor, eps: float) -> Tensor:
    """V_eps(b) = -eps sum_i a_i log sum_j b_j exp(-C_ij / eps): the best encoder has been found."""
    return -eps * (a @ torch.logsumexp(b.log() - C / eps, dim=1))


@statement("thm-blur-entropic", chapter=11, source=BOOK, tol=1e-9, sizes=CODES)
def half_entropic(generator: Generator, n: int, m: int, d: int, var: float) -> Sides:
    """VAE by descent over encoders = log-sum-exp; Sinkhorn's value = it + KL, both ways round."""
    x, made = 0.5 * points(generator, n, d), 0.5 * points(generator, m, d)
    a, b, eps = masses(generator, n), masses(generator, m), 2 * var
    C = otg.cost_matrix(x, made)

    def objective(free: Tensor) -> Tensor:
        P = a[:, None] * torch.softmax(free, dim=1)
        return (C * P).sum() + eps * kl(P, torch.outer(a, b))

    found, _ = descend(objective, points(generator, n, m))
    V, best = vae_value(C, a, b, eps), a[:, None] * posterior(C, b, eps)
    q = best.sum(0)
    tight: dict[str, Any] = {"tol": 1e-12, "max_iter": 200_000}
    both = otg.solve_sinkhorn(C, eps, a, b, **tight)
    agreed = otg.solve_sinkhorn(C, eps, a, q, **tight)
    lhs = torch.stack([V.new_tensor(found), both.value, V])
    return lhs, torch.stack([V, V + eps * kl(both.plan, best), agreed.value + eps * kl(q, b)])


@statement("prop-blur-line", chapter=11, source=BOOK, tol=1e-6, sizes=LINES)
def line(generator: Generator, s: float, var: float) -> Sides:
    """Slope, encoder and value of the best linear VAE, by descent = formulas; entropic argmin."""

    def bound(at: Tensor) -> Tensor:
        ell, m, log_v = at
        v = log_v.exp()
        cost = s**2 * (1 - ell * m) ** 2 + ell**2 * v
        rate = (m**2 * s**2 + v - 1 - log_v) / 2
        return cost / (2 * var) + log(2 * pi * var) / 2 + rate

    start = torch.rand(3, generator=generator, dtype=torch.float64) + 0.5
    value, (ell, m, log_v) = descend(bound, start)
    zero, one = start.new_zeros(1), start.new_ones(1, 1)

    def entropic(scale: Tensor) -> Tensor:
        return otg.entropic_gaussian(zero, scale**2 * one, zero, s**2 * one, 2 * var)

    other = flat_scale(entropic, 1e-4, 2 * s)
    best = max(s**2 - var, 0.0)
    aggregate = m**2 * s**2 + log_v.exp()
    least = (log(2 * pi * (best + var)) + s**2 / (best + var)) / 2
    lhs = [value, ell**2, ell * m, log_v.exp(), aggregate, other**2]
    rhs = [least, best, best / (best + var), var / (best + var), 1.0, best]
    return column(lhs), column(rhs)


@statement("thm-blur-ppca", chapter=11, source="tipping_bishop_1999", tol=1e-6, sizes=SPECTRA)
def ppca(generator: Generator, d: int, q: int, var: float) -> Sides:
    """Largest likelihood of x = Wz + noise, by descent: its value and spectrum = the formulas."""
    Lam, U = orthogonal(generator, d)
    S, eye = (U * Lam) @ U.T, torch.eye(d, dtype=torch.float64)

    def surprise(W: Tensor) -> Tensor:
        K = W @ W.T + var * eye
        return (d * log(2 * pi) + torch.logdet(K) + torch.linalg.solve(K, S).trace()) / 2

    value, W = descend(surprise, points(generator, d, q))
    left = (Lam[:q] - var).clamp(min=0)
    kept = left > 0
    rest = torch.cat([Lam[:q][~kept], Lam[q:]])
    least = d * log(2 * pi) + (Lam[:q][kept].log() + 1).sum() + (rest / var + log(var)).sum()
    model = (U[:, :q] * left) @ U[:, :q].T
    lhs = torch.cat([column([value]), (W @ W.T).ravel()])
    return lhs, torch.cat([least[None] / 2, model.ravel()])


@statement("prop-blur-unshrunk", chapter=11, source=BOOK, tol=1e-6, sizes=LINEAR)
def unshrunk(generator: Generator, d: int, q: int, lam: float) -> Sides:
    """Penalised transport with linear networks, by descent: value and model = PCA; W_2^2 of it."""
    Lam, U = orthogonal(generator, d)
    S = (U * Lam) @ U.T

    def objective(at: Tensor) -> Tensor:
        W, B, L = at[: d * q].view(d, q), at[d * q : 2 * d * q].view(q, d), at[2 * d * q :]
        spread = L.view(q, q) @ L.view(q, q).T
        off = torch.eye(d, dtype=at.dtype) - W @ B
        cost = (off @ S @ off.T).trace() + (W @ spread @ W.T).trace()
        return cost + lam * to_gauss(B @ S @ B.T + spread)

    start = 0.5 * points(generator, 2 * d * q + q * q, 1)[:, 0]
    value, at = descend(objective, start)
    W, model = at[: d * q].view(d, q), (U[:, :q] * Lam[:q]) @ U[:, :q].T
    zero = torch.zeros(d, dtype=torch.float64)
    truth = otg.bures_wasserstein(zero, S, zero, model)
    tail = Lam[q:].sum()
    lhs = torch.cat([column([value, truth]), (W @ W.T).ravel()])
    return lhs, torch.cat([torch.stack([tail, tail]), model.ravel()])


def laplacian(h: int, w: int) -> Tensor:
    """L with sharpness(x) = |L x|^2 for an image x of h w numbers: ((h-2)(w-2), h w)."""
    kernel = torch.tensor(LAPLACIAN, dtype=torch.float64)[None, None]
    pixels = torch.eye(h * w, dtype=torch.float64).view(-1, 1, h, w)
    edges = nn.functional.conv2d(pixels, kernel).flatten(1).T
    return (edges - edges.mean(0)) / sqrt(len(edges))


@statement("cor-blur-sharp", chapter=11, source=BOOK, tol=1e-9, sizes=IMAGES)
def sharp(generator: Generator, h: int, w: int, q: int, var: float) -> Sides:
    """Mean sharpness of the linear VAE's images: the package's, by a cubature = the formula."""
    d = h * w
    Lam, U = orthogonal(generator, d)
    mean = torch.rand(d, generator=generator, dtype=torch.float64)
    left = (Lam[:q] - var).clamp(min=0)
    step = (q * left).sqrt() * U[:, :q]  # +- these: exact for polynomials of degree three
    nodes = torch.cat([mean + step.T, mean - step.T]).view(-1, h, w)
    L = laplacian(h, w)
    total = (L @ mean).square().sum() + left @ (L @ U[:, :q]).square().sum(0)
    return total.new_tensor(otg.metrics.sharpness(nodes)), total


all_on_cpu(globals())
