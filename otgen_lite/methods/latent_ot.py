"""Latent transport: train an auto-encoder freely, then transport the prior to its codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks, costs
from otgen_lite._draws import Randomness, as_generator, normal
from otgen_lite.methods.base import Method, Noise, Player, flat
from otgen_lite.methods.latent_maps import MAPS, LatentMap, MapOptions, PairsMap
from otgen_lite.methods.network_calls import evaluated, given
from otgen_lite.methods.priors import GaussianPrior, Prior
from otgen_lite.precision import full_precision
from otgen_lite.transport import solve_exact

#: eps of the soft maps, relative to the mean squared distance of the codes from their mean.
_EPS = 0.02


@dataclass(frozen=True)
class ErrorBudget:
    r"""Both sides of the error budget of samples: ``total <= reconstruction + stretch * latent``.

    Attributes:
        total: W_p between data and samples, which is the p-th root of a cost.
        reconstruction: :math:`(\mathbb{E}\|X - G(E(X))\|^p)^{1/p}`.
        latent: W_p between the codes of the data and T(Z).
        stretch: the largest factor by which the decoder stretches a pair of the optimal latent
            plan; at most its Lipschitz constant.

    Chapter: 13.
    """

    total: float
    reconstruction: float
    latent: float
    stretch: float

    @property
    def bound(self) -> float:
        """The right side of the inequality, in the unit of the data."""
        return self.reconstruction + self.stretch * self.latent


class LatentOT(Method):
    r"""Latent transport: a sample is :math:`G(T(Z))`, with :math:`T \# P_Z \approx E \# P_X`.

    An auto-encoder (E, G) is trained first, by any method. Its codes are not Gaussian; instead of
    forcing them to be, the prior is transported to them by a map T:

    - ``"semidiscrete"``: the optimal map for the squared cost; z goes to the code y_j with the
      least :math:`\|z - y_j\|^2 - \psi_j`, by :class:`~otgen_lite.SemiDiscrete`. Every sample is
      then the reconstruction of some data point, moved by ``jitter``.
    - ``"quadratic"``: :math:`T(z) = z + \nabla D(z) / K` with the critic D of the same psi,
      softened by ``eps`` (D is high on data; K = 2 because the squared cost is not halved). T(z) is
      a weighted mean of codes. Near a border between two cells it lies between their codes, so that
      samples form a bridge wherever these two belong to different clusters.
    - ``"argmin"``: :math:`T(z) = \arg\min_x \|x - z\|^2 - D(x)` over the box around the codes,
      with D the transform of psi's transform on a sample of the prior, softened by ``eps``. (Over
      the codes alone this is ``"semidiscrete"``.)
    - ``"pairs"``: a network regressed on the pairs of an exact plan, see ``plan``; trained by
      :func:`~otgen_lite.fit`.
    - ``"gaussian"``: the optimal map between the Gaussians with the moments of prior and codes.
    - ``"mixture"``: not a map; codes are drawn from a mixture of Gaussians that scikit-learn fits.

    The last two are the baselines for the others. All but ``"pairs"`` are made by :meth:`fit_map`.

    The image of a connected set under a continuous map is connected. So a continuous T that carries
    the prior near separate clusters leaves some samples between them: measure how many. The
    distance between data and samples is bounded by :meth:`error_budget`.

    Args:
        encoder: (n, ...) data to (n, d_z) codes, trained; or a method with ``encode`` and
            ``decode``, in which case no decoder is given.
        decoder: (n, d_z) codes to data, trained.
        data: (N, ...) data whose codes are the target.
        map: one of the names above.
        prior: a prior, its dimension, or None for a standard Gaussian of the codes' dimension.
        network: for the map ``"pairs"``: a module from (n, d_z) to (n, d_z).
        plan: for the map ``"pairs"``: ``"batch"`` (the exact plan between the codes of each batch
            and as many draws of the prior), ``"whole"`` (one exact plan between all codes and as
            many draws, computed by :meth:`fit_map` in a time that grows like :math:`N^3`) or
            ``"semidiscrete"`` (fresh draws and their images under the semi-discrete map, which
            :meth:`fit_map` computes).
        eps: for the soft maps: regularisation > 0 in the square of the codes' unit; where None,
            0.02 times the mean squared distance of the codes from their mean.
        jitter: standard deviation >= 0 of Gaussian noise that is added to codes before decoding.
        components: for the map ``"mixture"``: number of Gaussians.

    Attributes:
        codes: (N, d_z) codes of the data.

    Raises:
        ValueError: if a name is unknown, shapes do not fit, or a number is out of range.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`liu_2018`. Chapter: 13.

    Example:
        >>> import otgen_lite as otg
        >>> same = torch.nn.Identity()
        >>> x = torch.tensor([[-1.0], [1.0], [3.0], [5.0]], dtype=torch.float64)
        >>> m = LatentOT(same, same, x, map="gaussian").fit_map()
        >>> m.transport(torch.tensor([[0.0], [1.0]])) - 2  # the codes' standard deviation is 5^1/2
        tensor([[0.0000],
                [2.2361]], dtype=torch.float64)
    """

    stackable = False
    instead = "its map is made by fit_map(); only the map 'pairs' is trained by fit"
    encoder: Any
    codes: Tensor
    jitter: Tensor
    latent_map: LatentMap

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module | None = None,
        data: Any = None,
        *,
        map: str = "semidiscrete",
        prior: Prior | int | None = None,
        network: nn.Module | None = None,
        plan: str = "batch",
        eps: float | None = None,
        jitter: float = 0.0,
        components: int = 10,
    ) -> None:
        super().__init__()
        self.encoder = _auto_encoder(encoder, decoder)
        self.decoder = decoder
        self.map = _checks.choice("map", map, MAPS)
        codes = self._codes_of(data)
        self.prior = _prior(prior, codes)
        self.hyper("jitter", _checks.number("jitter", jitter, at_least=0.0))
        spread = float((codes - codes.mean(dim=0)).square().sum(dim=1).mean()) or 1.0
        eps = _EPS * spread if eps is None else _checks.positive("eps", eps)
        options = MapOptions(network, plan, eps, components)
        self.latent_map = MAPS[self.map](self.prior, codes, options)
        learns = isinstance(self.latent_map, PairsMap)
        if network is not None and not learns:
            raise ValueError(f"network must be None for the map {map!r}: only 'pairs' has one")
        self.players = {"map": Player(("latent_map",))} if learns else {}
        self.register_buffer("codes", codes)

    def fit_map(self, *, seed: int = 0, **options: Any) -> LatentOT:
        """Compute the map, or the plan that its network learns from.

        Args:
            seed: seed of all draws.
            options: options of :meth:`SemiDiscrete.fit` for maps with a potential, and of
                scikit-learn's ``GaussianMixture`` for the mixture.

        Returns:
            The object itself.
        """
        generator = torch.Generator(device=self.codes.device)
        generator.manual_seed(_checks.seed("seed", seed))
        with torch.no_grad():
            self.latent_map.fit(self.codes, generator, **options)
        return self

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """Mean squared distance between the network's images and the plan's codes: 0-d."""
        pairs = self.latent_map
        assert isinstance(pairs, PairsMap)
        self._must_be_fitted()
        with torch.no_grad():
            codes = self.encode(batch) if pairs.plan == "batch" else self.codes
            with full_precision(self.codes):  # the network may be in half of it, a plan may not
                z, target = pairs.pairs(codes.to(self.codes.dtype), self.codes, noise)
        return (pairs.network(z) - target).square().sum(dim=1).mean()

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Draws from the prior, or the indices of pairs of the whole plan."""
        assert isinstance(self.latent_map, PairsMap)
        return self.latent_map.noise(len(batch), self.codes, generator)

    @torch.no_grad()
    def transport(self, z: Tensor) -> Tensor:
        """The (n, d_z) images T(z) of (n, d_z) points of the prior."""
        self._must_be_fitted()
        return self.latent_map.transport(_checks.points("z", z).to(self.codes), self.codes)

    @torch.no_grad()
    def sample_codes(self, n: int, generator: Randomness = None) -> Tensor:
        """Draw (n, d_z) codes T(Z), with the jitter added."""
        self._must_be_fitted()
        draw = as_generator(generator, self.codes.device)
        images = self.latent_map.draw(_checks.count("n", n), self.codes, draw)
        return images + self.jitter.to(images.dtype) * normal(tuple(images.shape), draw, images)

    @torch.no_grad()
    def sample(self, n: int, generator: Randomness = None, *, noise: Noise | None = None) -> Tensor:
        """Draw new data: codes T(Z), decoded.

        Args:
            n: number of samples.
            generator: a seed, a generator, or None for torch's own.
            noise: draws from the prior to use instead, ``{"prior": (n, d_z)}``; then there is no
                jitter.

        Returns:
            (n, ...) data.
        """
        if noise is not None:
            return self.decode(self.transport(given(noise, "prior", _checks.count("n", n))))
        return self.decode(self.sample_codes(n, generator))

    @torch.no_grad()
    def encode(self, x: Tensor, generator: Randomness = None) -> Tensor:
        """The (n, d_z) codes of (n, ...) data."""
        if self.decoder is None:
            return self.encoder.encode(x, generator)
        return evaluated(self.encoder, "x", x)

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """The (n, ...) data that (n, d_z) codes are decoded to."""
        if self.decoder is None:
            return self.encoder.decode(z)
        return evaluated(self.decoder, "z", z)

    def reconstruct(self, x: Tensor, generator: Randomness = None) -> Tensor:
        """The (n, ...) reconstructions of (n, ...) data: encoded, then decoded."""
        return self.decode(self.encode(x, generator))

    def error_budget(
        self, x: Any, *, n: int | None = None, generator: Randomness = None, p: float = 2.0
    ) -> ErrorBudget:
        r"""Bound the distance between data and samples by reconstruction error and latent error.

        .. math::
            W_p(P_X, (G \circ T) \# P_Z) \le (\mathbb{E}\|X - G(E(X))\|^p)^{1/p}
                + \mathrm{Lip}(G)\, W_p(E \# P_X, T \# P_Z)

        by the triangle inequality. It is evaluated for the empirical distributions of data and
        samples, for which it holds exactly; Lip(G) is replaced by the smaller ``stretch``. W_p is a
        distance, the p-th root of a cost.

        Args:
            x: (m, ...) data.
            n: number of samples; as many as there are data where None.
            generator: a seed, a generator, or None for torch's own.
            p: exponent >= 1.

        Returns:
            :class:`ErrorBudget` with ``total``, ``reconstruction``, ``latent``, ``stretch`` and
            ``bound``.
        """
        images = self.sample_codes(len(x) if n is None else n, generator)
        p = _checks.number("p", p, at_least=1.0)
        x = _checks.tensor("x", x)
        with torch.no_grad():
            codes = self.encode(x)
            every = codes, images, flat(self.decode(codes)), flat(self.decode(images)), flat(x)
        # On the CPU: the plans are made there, and not every accelerator knows float64.
        return _budget(p, *(value.cpu().double() for value in every))

    def _must_be_fitted(self) -> None:
        if not bool(self.latent_map.fitted):
            raise RuntimeError(f"the map {self.map!r} must be fitted first: call fit_map()")

    def _codes_of(self, data: Any) -> Tensor:
        data = _checks.tensor("data", data)
        if data.ndim < 2 or data.numel() == 0:
            raise ValueError(
                f"data must be (N, ...) with N >= 1, got shape {_checks.shape_text(data)}"
            )
        codes = self.encode(data)
        if codes.ndim != 2:
            raise ValueError(
                f"encoder must return (n, d_z) codes, got shape {_checks.shape_text(codes)}"
            )
        return _checks.tensor("encoder(data)", codes)


def _budget(
    p: float, codes: Tensor, images: Tensor, again: Tensor, made: Tensor, x: Tensor
) -> ErrorBudget:
    """The budget of codes and images T(z), both decoded, and data, as points in float64."""
    latent = costs.matrix(codes, images, "euclidean")
    plan = solve_exact(latent**p).plan
    i, j = plan.nonzero(as_tuple=True)
    short = latent[i, j].clamp(min=torch.finfo(torch.float64).tiny)
    stretch = float(((again[i] - made[j]).norm(dim=1) / short).max())
    total = solve_exact(costs.matrix(x, made, "euclidean") ** p).value
    return ErrorBudget(
        float(total) ** (1 / p),
        float((x - again).norm(dim=1).pow(p).mean()) ** (1 / p),
        float((plan * latent**p).sum()) ** (1 / p),
        stretch,
    )


def _auto_encoder(encoder: Any, decoder: Any) -> nn.Module:
    if decoder is not None:
        _checks.module("decoder", decoder)
    elif not (hasattr(encoder, "encode") and hasattr(encoder, "decode")):
        raise TypeError(
            "encoder must be a method with encode and decode where no decoder is given, got "
            f"{type(encoder).__name__}"
        )
    return _checks.module("encoder", encoder)


def _prior(prior: Prior | int | None, codes: Tensor) -> Prior:
    size = codes.shape[1]
    if prior is None or isinstance(prior, int):
        prior = GaussianPrior(size if prior is None else _checks.count("prior", prior))
    if prior.dim != size:
        raise ValueError(f"prior must have the dimension of the codes, {size}, got {prior.dim}")
    return prior
