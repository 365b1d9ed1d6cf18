"""Statements of chapter 10: penalised transport, and the adversarial auto-encoder.

Costs, weights and networks of the random instances are of order one. The tolerances follow from
the two routes, and were fixed before anything was run:

- 1e-12 where both sides are a few thousand floating-point operations;
- 1e-9 where a side is a linear programme, an interior-point method that stops at a gap of 1e-10,
  a maximisation by sequential quadratic programming, or a quadrature.
"""

from __future__ import annotations

from math import erf, exp, log, pi, sqrt

import numpy as np
import torch
from scipy.integrate import quad
from scipy.optimize import minimize, minimize_scalar
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements._penalised import PENALTIES, SMOOTH, dual, exact_from, penalty, primal
from otgen_lite.statements.kantorovich import Sides, masses, points, problem
from otgen_lite.statements.registry import BOOK, statement

CODES = [
    {"n": 1, "m": 4, "k": 2, "p": 1.0},
    {"n": 5, "m": 3, "k": 3, "p": 2.0},
    {"n": 9, "m": 12, "k": 4, "p": 2.0},
    {"n": 20, "m": 15, "k": 1, "p": 1.0},
    {"n": 30, "m": 40, "k": 10, "p": 3.0},
]
SIZES = [
    {"n": 1, "m": 3, "lam": 0.2},
    {"n": 3, "m": 2, "lam": 0.05},
    {"n": 4, "m": 6, "lam": 0.5},
    {"n": 8, "m": 8, "lam": 1.0},
    {"n": 6, "m": 12, "lam": 0.1},
]
LINES = [
    {"s": 2.0, "lam": 2.0},
    {"s": 0.5, "lam": 1.0},
    {"s": 1.0, "lam": 3.0},
    {"s": 1.5, "lam": 0.1},
    {"s": 3.0, "lam": 20.0},
]
GAMES = [{"m": 1}, {"m": 2}, {"m": 3}, {"m": 8}, {"m": 20}]
NETS = [
    {"n": 3, "d": 1, "k": 1, "var": 1.0, "encoding": "deterministic"},
    {"n": 8, "d": 5, "k": 2, "var": 0.05, "encoding": "deterministic"},
    {"n": 16, "d": 3, "k": 4, "var": 5.0, "encoding": "gaussian"},
    {"n": 10, "d": 12, "k": 3, "var": 0.001, "encoding": "gaussian"},
    {"n": 32, "d": 20, "k": 8, "var": 0.3, "encoding": "deterministic"},
]
NOISES = [
    {"d": 1, "var": 0.01},
    {"d": 1, "var": 2.0},
    {"d": 2, "var": 0.3},
    {"d": 2, "var": 1.0},
    {"d": 2, "var": 0.05},
]


def path(C: Tensor, a: Tensor, b: Tensor, lams: list[float], name: str) -> Tensor:
    """W^lam for every lam."""
    return torch.tensor([primal(C, a, b, lam, name)[0] for lam in lams], dtype=torch.float64)


def nearest(C: Tensor, a: Tensor) -> Tensor:
    """W^0: every grain goes where it is cheapest."""
    return a @ C.amin(dim=1)


def nearest_codes(C: Tensor, a: Tensor) -> Tensor:
    """The latent weights (m,) that this leads to."""
    return torch.zeros_like(C[0]).index_add_(0, C.argmin(dim=1), a)


@statement("thm-pot-encoders", chapter=10, source="bousquet_2017", tol=1e-9, sizes=CODES)
def encoders(generator: Generator, n: int, m: int, k: int, p: float) -> Sides:
    """Cheapest encoder onto m codes, of which many are decoded to the same of k points = W_c."""
    x, y = points(generator, n, 2), points(generator, k, 2)
    made = torch.cat([torch.arange(k), torch.randint(k, (m,), generator=generator)])[:m]
    a, b = masses(generator, n), masses(generator, m)
    C = otg.cost_matrix(x, y, "euclidean") ** p
    model = torch.zeros(k, dtype=torch.float64).index_add_(0, made, b)  # the law of G(Z)
    kept = model > 0
    return otg.solve_exact(C[:, made], a, b).value, otg.solve_exact(
        C[:, kept], a, model[kept]
    ).value


@statement(
    "prop-pot-path", chapter=10, source=BOOK, tol=1e-9, relation="<=", sizes=SIZES
)  # fmt: skip
def penalty_path(generator: Generator, n: int, m: int, lam: float) -> Sides:
    """W^0 <= W^s <= W^t <= W for s <= t, and the midpoint lies above the chord; three penalties."""
    C, a, b = problem(generator, n, m)
    W, W0, low, high = otg.solve_exact(C, a, b).value, nearest(C, a), [], []
    for name in PENALTIES:
        tiny = 0.0 if name == "TV" else 1e-6  # the interior-point method needs some curvature
        values = path(C, a, b, [tiny, lam, 2 * lam, 3 * lam], name)
        low += [W0, *values, (values[1] + values[3]) / 2, values[0]]
        most = W0 + tiny * penalty(name, nearest_codes(C, a).numpy(), b.numpy())
        high += [*values, W, values[2], most]
    return torch.stack(low), torch.stack(high)


@statement("thm-pot-dual", chapter=10, source=BOOK, tol=1e-9, sizes=SIZES)
def penalised_duality(generator: Generator, n: int, m: int, lam: float) -> Sides:
    """Best encoder, penalised = best prices, after what the penalty takes; three penalties."""
    C, a, b = problem(generator, n, m)
    lhs = [primal(C, a, b, lam, name)[0] for name in PENALTIES]
    rhs = [dual(C, a, b, lam, name) for name in PENALTIES]
    return torch.tensor(lhs, dtype=torch.float64), torch.tensor(rhs, dtype=torch.float64)


@statement("thm-pot-tv", chapter=10, source=BOOK, tol=1e-9, sizes=SIZES)
def exact_penalty(generator: Generator, n: int, m: int, lam: float) -> Sides:
    """Least spread of best prices = what the best move saves; there W^lam = W; halfway as said."""
    C, a, b = problem(generator, n, m)
    W = otg.solve_exact(C, a, b).value
    by_prices, by_moves = exact_from(C, a, b, W.item())
    values = path(C, a, b, [by_prices, by_prices + lam], "TV")
    lhs = torch.cat([values, torch.tensor([by_prices], dtype=torch.float64)])
    return lhs, torch.stack([W, W, W.new_tensor(by_moves)])


@statement(
    "prop-pot-rate", chapter=10, source=BOOK, tol=1e-9, relation="<=", sizes=SIZES
)  # fmt: skip
def never_exact(generator: Generator, n: int, m: int, lam: float) -> Sides:
    """Distance to W at a large weight, between its two bounds; KL and GAN."""
    C, a, b = problem(generator, n, m)
    W, W0 = otg.solve_exact(C, a, b).value, nearest(C, a)
    spread, _ = exact_from(C, a, b, W.item())
    chi2 = ((nearest_codes(C, a) - b) ** 2 / b).sum()
    weight = lam + ((W - W0) / (2 * chi2)).item()
    low, high = [], []
    for name, kappa in zip(SMOOTH, (8, 4), strict=True):
        missing = W - primal(C, a, b, weight, name)[0]
        low += [(W - W0) ** 2 / (4 * weight * chi2), missing]
        high += [missing, W.new_tensor(spread**2 / (kappa * weight))]
    return torch.stack(low), torch.stack(high)


@statement("prop-pot-gauss", chapter=10, source=BOOK, tol=1e-9, sizes=LINES)
def gauss_line(_: Generator, s: float, lam: float) -> Sides:
    """The formula = best linear encoder = best quadratic price list; decoder x = s z, KL."""
    tau = (s + sqrt(s * s + lam * (2 * s * s + lam))) / (2 * s * s + lam)

    def encoder(t: float) -> float:
        return (1 - s * t) ** 2 + lam / 2 * (t * t - 1 - 2 * log(t))

    def prices(u: float) -> float:
        # g(z) = (s^2 - e^u) z^2, so that g^c(x) = min_z (x - s z)^2 - g(z) is a parabola too.
        rest = exp(u)
        return 1 - s * s / rest + lam / 2 * log(1 + 2 * (s * s - rest) / lam)

    top = log(s * s + lam / 2)
    precise = {"xatol": 1e-12}
    lowest = minimize_scalar(encoder, bounds=(1e-3, 10.0), method="bounded", options=precise)
    highest = minimize_scalar(
        lambda u: -prices(u), bounds=(-12.0, top - 1e-9), method="bounded", options=precise
    )
    lhs = torch.tensor([encoder(tau)] * 2, dtype=torch.float64)
    return lhs, torch.tensor([lowest.fun, -highest.fun], dtype=torch.float64)


@statement("prop-pot-game", chapter=10, source="goodfellow_2014", tol=1e-9, sizes=GAMES)
def game(generator: Generator, m: int) -> Sides:
    """2 JS - 2 log 2 = what the best discriminator gets, by a quasi-Newton method; also at q = b.

    And 2 JS = the package's penalty, for samples and the best discriminator as a table.
    """
    q, b = masses(generator, m), masses(generator, m)
    values = []
    for weights in (q, b):

        def loss(logit: np.ndarray, w: Tensor = weights) -> tuple[float, np.ndarray]:
            at = torch.from_numpy(logit).requires_grad_()
            value = -(b @ torch.nn.functional.logsigmoid(at))
            value = value - w @ torch.nn.functional.logsigmoid(-at)
            (slope,) = torch.autograd.grad(value, at)
            return value.item(), slope.numpy()

        best = minimize(loss, np.ones(m), jac=True, method="BFGS", options={"gtol": 1e-9})
        values.append(-float(best.fun))
    q_counts, b_counts = (torch.randint(1, 6, (m,), generator=generator) for _ in range(2))
    q_share, b_share = (k.double() / k.sum() for k in (q_counts, b_counts))
    table = torch.nn.Linear(m, 1, bias=False, dtype=torch.float64).requires_grad_(False)
    table.weight.copy_((b_share / q_share).log()[None])
    corners = torch.eye(m, dtype=torch.float64)
    q_codes, b_codes = (corners.repeat_interleave(k, dim=0) for k in (q_counts, b_counts))
    values.append(-float(otg.Adversarial(table).critic_loss(q_codes, b_codes)))
    js = penalty("GAN", q_share.numpy(), b_share.numpy())
    closed = [penalty("GAN", q.numpy(), b.numpy()) - 2 * log(2), -2 * log(2), js]
    return torch.tensor(closed, dtype=torch.float64), torch.tensor(values, dtype=torch.float64)


def twins(
    generator: Generator, d: int, k: int, var: float, encoding: str
) -> tuple[otg.AAE, otg.PenalizedOT]:
    """An AAE of decoder variance var, and the P-OT of weight 2 var, of the same networks."""
    wide = 2 * k if encoding == "gaussian" else k
    encoder, decoder, discriminator = (
        otg.MLP(i, [16], o, activation=torch.nn.Tanh, generator=generator).double()
        for i, o in ((d, wide), (k, d), (k, 1))
    )
    aae = otg.AAE(encoder, decoder, discriminator, decoder_var=var, encoding=encoding, prior=k)
    penalty = otg.Adversarial(discriminator)
    return aae, otg.PenalizedOT(
        encoder, decoder, penalty=penalty, lam=2 * var, encoding=encoding, prior=k
    )


def slopes(method: otg.Method, player: str, batch: Tensor, noise: dict[str, Tensor]) -> Tensor:
    """A player's loss, and its derivatives in everything that the player moves."""
    loss = method(player, batch, noise)
    moved = [value for _, value in method.parameters_of(player)]
    return torch.cat([loss[None], *(g.ravel() for g in torch.autograd.grad(loss, moved))])


@statement("thm-pot-aae", chapter=10, source="bousquet_2017", tol=1e-12, sizes=NETS)
def adversarial(generator: Generator, n: int, d: int, k: int, var: float, encoding: str) -> Sides:
    """2 var AAE = P-OT(2 var) + d var log(2 pi var); their gradients; the discriminator's game."""
    aae, pot = twins(generator, d, k, var, encoding)
    batch = points(generator, n, d)
    noise = pot.noise("autoencoder", batch, generator)
    left = 2 * var * slopes(aae, "autoencoder", batch, noise)
    right = slopes(pot, "autoencoder", batch, noise)
    right[0] += d * var * log(2 * pi * var)
    games = [slopes(method, "critic", batch, noise) for method in (aae, pot)]
    return torch.cat([left, games[0]]), torch.cat([right, games[1]])


@statement("prop-pot-noise", chapter=10, source=BOOK, tol=1e-9, sizes=NOISES)
def through_cost(generator: Generator, d: int, var: float) -> Sides:
    """Mean cost behind Gaussian noise, by quadrature = the formulas; squared cost, city blocks."""
    u, sd = points(generator, 1, d)[0], sqrt(var)
    squared = u.square().sum() + d * var
    blocks = sum(smooth_distance(float(t), sd) for t in u)
    by_quadrature = [sum(quad_normal(power, float(t), sd) for t in u) for power in (2, 1)]
    lhs = torch.tensor(by_quadrature, dtype=torch.float64)
    return lhs, torch.tensor([squared, blocks], dtype=torch.float64)


def smooth_distance(u: float, sd: float) -> float:
    """E |u + sd Z| for a standard Gaussian Z."""
    return sd * sqrt(2 / pi) * exp(-(u * u) / (2 * sd * sd)) + u * erf(u / (sd * sqrt(2)))


def quad_normal(power: int, u: float, sd: float) -> float:
    """E |u + sd Z|^power, by adaptive quadrature on both sides of the corner."""
    corner = min(max(-u / sd, -12.0), 12.0)
    value = 0.0
    for ends in ((-12.0, corner), (corner, 12.0)):
        value += quad(
            lambda z: abs(u + sd * z) ** power * exp(-z * z / 2) / sqrt(2 * pi), *ends,
            epsabs=1e-13, epsrel=1e-13, limit=200,
        )[0]  # fmt: skip
    return value


all_on_cpu(globals())
