"""Latent models side by side: the tools of chapter 13.

- :func:`autoencoder` trains a plain auto-encoder;
- :class:`Clusters` holds hard, soft and learned maps to clusters in the plane;
- :class:`CodeSampler` draws codes of an auto-encoder in several ways and degrees of softness;
- :func:`patients`, :func:`usefulness` and :func:`leak` belong to the application, synthetic records
  of patients;
- :func:`even_gaussian` and :func:`balanced` select points without randomness, for comparisons.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._patient_records import leak, patients, usefulness
from otgen_lite.costs import cost_matrix
from otgen_lite.device import generator
from otgen_lite.methods import AutoEncoder, LatentOT
from otgen_lite.networks import MLP
from otgen_lite.training import fit
from otgen_lite.transport import SemiDiscrete

__all__ = [
    "LEVELS", "TRAINING", "Clusters", "CodeSampler", "autoencoder", "balanced", "even_gaussian",
    "leak", "patients", "usefulness",
]  # fmt: skip

#: Degrees of softness of a :class:`CodeSampler`: the spread of the hard map, eps of the soft one as
#: a share of the codes' variance, and how many codes share a component of the mixture.
LEVELS: dict[str, tuple[float, ...]] = {
    "hard": (0.0, 0.2, 0.5), "soft": (0.005, 0.02, 0.08), "mixture": (6, 12, 30),
}  # fmt: skip

#: Default options of a training here.
TRAINING: dict[str, Any] = {"batch_size": 128, "schedule": "cosine", "ema": 0.99, "progress": False}


def autoencoder(
    x: Tensor, d_z: int, width: int, seed: int, *, final: Any = None, **options: Any
) -> AutoEncoder:
    """Train a plain auto-encoder with two hidden layers in the encoder and two in the decoder.

    Args:
        x: (n, d) data.
        d_z: dimension of the codes.
        width: width of the hidden layers.
        seed: seed of the initial weights and of the training.
        final: class of a last layer of the decoder, such as ``torch.nn.Sigmoid``; no such layer
            where None.
        options: options of :func:`~otgen_lite.fit`; where not given, 500 steps at the learning rate
            8e-3.

    Returns:
        The trained :class:`~otgen_lite.AutoEncoder`.

    Raises:
        ValueError: if an option is out of range.

    Chapter: 13.

    Example:
        >>> ae = autoencoder(torch.rand(64, 3), d_z=2, width=8, seed=0, steps=5, batch_size=8)
        >>> ae.encode(torch.rand(4, 3)).shape
        torch.Size([4, 2])
    """
    g = generator(seed)
    d = _checks.points("x", x).shape[1]
    model = AutoEncoder(
        MLP(d, [width, width], d_z, generator=g),
        MLP(d_z, [width, width], d, generator=g, final=final),
    )
    fit(model, x, seed=seed, **{**TRAINING, "steps": 500, "lr": 8e-3, **options})
    return model


def even_gaussian(n: int) -> Tensor:
    """Deterministic points of equal weight that represent N(0, I_2) evenly, on a spiral.

    Args:
        n: number of points.

    Returns:
        (n, 2) points.

    Raises:
        ValueError: if n < 1.

    Chapter: 13.

    Example:
        >>> even_gaussian(4000).square().mean(0).round(decimals=1)
        tensor([1., 1.])
    """
    i = torch.arange(_checks.count("n", n))
    length = (-2 * (1 - (i + 0.5) / n).log()).sqrt()
    angle = 2 * math.pi * (0.6180339887498949 * i.double()).frac().to(length.dtype)
    return length[:, None] * torch.stack([angle.cos(), angle.sin()], 1)


def balanced(x: Tensor, modes: Tensor, n: int) -> Tensor:
    """The first points nearest to each mode, the same number for every mode.

    Args:
        x: (m, d) points.
        modes: (M, d) centres.
        n: number of points in all; rounded down to a multiple of M.

    Returns:
        (n, d) points, ordered by mode; fewer where a mode has not enough points.

    Raises:
        ValueError: if shapes do not match, or n is smaller than the number of modes.

    Chapter: 13.

    Example:
        >>> balanced(torch.tensor([[0.1], [0.2], [0.9]]), torch.tensor([[0.0], [1.0]]), 2)
        tensor([[0.1000],
                [0.9000]])
    """
    home = cost_matrix(x, modes.to(x)).argmin(1)
    each = _checks.count("n", n, at_least=len(modes)) // len(modes)
    return torch.cat([x[home == k][:each] for k in range(len(modes))])


class Clusters:
    """Gaussian clusters on a circle, and hard, soft and learned maps from N(0, I_2) to them.

    The clusters have standard deviation 0.05 in each coordinate; the circle has radius 2.

    Args:
        number: number of clusters, at most 400.
        codes: number of points that are the atoms of the semi-discrete problem, at least one for
            each cluster; rounded down to a multiple of ``number``.
        steps: steps of the ascent on the potential of the atoms.
        network_steps: steps in which the network is trained, on pairs of the hard map.
        seed: seed of everything that is random.

    Attributes:
        modes: (number, 2) centres of the clusters.
        reference: about 400 further points of the clusters, (n, 2), which no map has seen.
        problem: the semi-discrete problem from N(0, I_2) to the atoms, solved.
        mixture: a :class:`~otgen_lite.LatentOT` with the map ``"mixture"`` and as many Gaussians.

    Raises:
        ValueError: if a number is out of range.

    Chapter: 13.

    Example:
        >>> two = Clusters(2, codes=8, steps=50, network_steps=2, seed=0)
        >>> two.image("hard", 0.0, torch.tensor([[3.0, 1.0]])).shape
        torch.Size([1, 2])
    """

    def __init__(
        self, number: int, codes: int = 256, steps: int = 1500, network_steps: int = 400,
        seed: int = 0,
    ) -> None:  # fmt: skip
        if _checks.count("number", number) > 400:
            raise ValueError(f"number must be at most 400, got {number}")
        _checks.count("codes", codes, at_least=number)
        at = 2 * math.pi * torch.arange(number) / number + math.pi / 8
        self.modes, same = 2 * torch.stack([at.cos(), at.sin()], 1), nn.Identity()
        g = generator(seed)
        y, self.reference, points = (
            self.modes.repeat(n // number, 1) + 0.05 * torch.randn(n, 2, generator=g)
            for n in (codes // number * number, 400 // number * number, 2048 // number * number)
        )
        self.problem = SemiDiscrete(y)
        self.problem.fit(
            lambda n, h: torch.randn(n, 2, generator=h), steps=steps, tol=None, seed=seed
        )
        network = MLP(2, [64, 64], 2, generator=g)
        self.learned = LatentOT(same, same, y, map="pairs", network=network, plan="semidiscrete")
        self.learned.fit_map(seed=seed, steps=max(1, steps // 2))
        fit(self.learned, points, seed=seed, **TRAINING, steps=network_steps, lr=5e-3)
        self.mixture = LatentOT(same, same, y, map="mixture", components=number)
        self.mixture.fit_map(seed=seed)

    def image(self, kind: str, tau: float, z: Tensor) -> Tensor:
        """Images of points under one of the maps.

        Args:
            kind: ``"hard"``, (1 - tau) T(z) + tau z with the optimal map T; ``"soft"``, the
                barycentric map of the same potential at eps = 2 tau^2; or ``"network"``.
            tau: softness, from 0 to 1; it does not matter for the network.
            z: (n, 2) points.

        Returns:
            (n, 2) images.

        Raises:
            ValueError: if ``kind`` is unknown.
        """
        kind = _checks.choice("kind", kind, ("hard", "soft", "network"))
        if kind == "hard":
            return (1 - tau) * self.problem.transport(z) + tau * z
        if kind == "soft":
            soft = SemiDiscrete(self.problem.y, eps=2 * tau**2, psi=self.problem.psi)
            return soft.barycentric(z)
        return self.learned.transport(z)


class CodeSampler:
    """Draws codes for a trained auto-encoder in several ways, each in three degrees of softness.

    The prior is the Gaussian with the mean and the covariance of the codes. The three degrees are
    listed in ``LEVELS``.

    Args:
        model: the trained auto-encoder.
        data: (N, d) data whose codes are the target.

    Attributes:
        codes: (N, d_z) codes of the data.
        variance: mean squared distance of the codes from their mean.

    Chapter: 13.

    Example:
        >>> x = torch.rand(64, 3)
        >>> sampler = CodeSampler(autoencoder(x, d_z=2, width=8, seed=0, steps=5, batch_size=8), x)
        >>> sampler.draw("hard", 5, atoms=16, level=0, seed=1).shape
        torch.Size([5, 2])
    """

    def __init__(self, model: AutoEncoder, data: Tensor) -> None:
        self.model, self.data, self.codes = model, data, model.encode(data)
        self.variance = float((self.codes - self.codes.mean(0)).square().sum(1).mean())
        self.affine = LatentOT(model, data=data, map="gaussian").fit_map()
        self._solved: dict[int, SemiDiscrete] = {}

    def prior(self, n: int, g: torch.Generator) -> Tensor:
        """(n, d_z) draws from the prior."""
        return self.affine.transport(torch.randn(n, self.codes.shape[1], generator=g))

    def problem(self, atoms: int) -> SemiDiscrete:
        """The semi-discrete problem from the prior to the first codes, solved at the first call."""
        if atoms not in self._solved:
            solver = SemiDiscrete(self.codes[:atoms])
            self._solved[atoms] = solver.fit(self.prior, steps=800, tol=None, seed=0)
        return self._solved[atoms]

    def draw(self, kind: str, n: int, *, atoms: int, level: int, seed: int) -> Tensor:
        """Draw codes, by a map or a mixture that is made from the first codes of the data.

        Args:
            kind: ``"hard"``, ``"soft"`` or ``"mixture"``.
            n: number of codes to draw.
            atoms: number of codes of the data that are used.
            level: degree of softness, 0, 1 or 2; see ``LEVELS``.
            seed: seed of the draws.

        Returns:
            (n, d_z) codes.

        Raises:
            ValueError: if ``kind`` is unknown, or ``level`` or ``atoms`` is out of range.
        """
        levels = LEVELS[_checks.choice("kind", kind, LEVELS)]
        if level not in range(len(levels)):
            raise ValueError(f"level must be 0, 1 or 2, got {level!r}")
        if _checks.count("atoms", atoms) > len(self.codes):
            raise ValueError(f"atoms must be at most {len(self.codes)}, got {atoms}")
        much = levels[level]
        if kind == "mixture":
            parts = max(1, atoms // int(much))
            m = LatentOT(self.model, data=self.data[:atoms], map="mixture", components=parts)
            m.fit_map(seed=seed, reg_covar=1e-3 * self.variance)
            return m.sample_codes(n, generator(seed))
        z, solver = self.prior(n, generator(seed)), self.problem(atoms)
        if kind == "hard":
            return (1 - much) * solver.transport(z) + much * z
        return SemiDiscrete(solver.y, eps=much * self.variance, psi=solver.psi).barycentric(z)
