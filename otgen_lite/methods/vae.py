"""The variational auto-encoder."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator
from otgen_lite.methods.base import Noise, Player
from otgen_lite.methods.densities import (
    drawn,
    gaussian_log_density,
    log_likelihood,
    mean_kl_to_gaussian,
    mixture_log_density,
    negative_log_likelihood,
)
from otgen_lite.methods.encoder_models import EncoderModel
from otgen_lite.methods.network_calls import given, in_blocks
from otgen_lite.methods.priors import GaussianPrior, Prior


class VAE(EncoderModel):
    r"""The variational auto-encoder, with Gaussian encoder and decoder.

    .. math::
        \min_{Q, G}\ \mathbb{E}_{P_X} \big[ \mathrm{KL}(Q(Z|X) \,\|\, P_Z)
            - \mathbb{E}_{Q(Z|X)} \log p_G(X|Z) \big],
        \qquad p_G(x|z) = N(x; G(z), \sigma^2 I_d)

    The value is an upper bound of the negative mean log-likelihood, in nats. Since the
    log-likelihood is a sum over the d coordinates and includes its constant,

    .. math::
        2 \sigma^2\, \mathrm{VAE} = \mathbb{E} \|X - G(Z)\|^2
            + 2 \sigma^2\, \mathrm{KL}(Q_Z \,\|\, P_Z) + 2 \sigma^2 I(X; Z)
            + d \sigma^2 \log (2 \pi \sigma^2):

    which is penalised transport for the squared cost with the KL penalty and λ = 2σ², plus a price
    on the mutual information of data and code (:meth:`parts`).

    Player: ``"autoencoder"``.

    Args:
        encoder: (n, ...) data to (n, 2 d_z): mean, then log-variance.
        decoder: (n, d_z) codes to data, the mean of the Gaussian.
        decoder_var: σ² > 0 in the square of the data's unit; ``"learned"`` for a parameter that
            starts at 1 and is trained with the networks; or a function of the fraction of the
            training that is over, called before each step. :meth:`variance` is the present value.
        prior: a prior with a ``log_density``, its dimension, or None for a standard Gaussian of
            the dimension that the decoder takes.

    Raises:
        ValueError: if ``decoder_var <= 0``, a name is unknown, or (in a loss) a network returns
            another shape.
        TypeError: if an argument has the wrong type, or the prior has no ``log_density``.

    Source: :cite:t:`kingma_welling_2014`; the identity :cite:t:`hoffman_johnson_2016`. Chapter: 11.

    Example:
        >>> from otgen_lite import MLP
        >>> encoder, decoder = MLP(2, [16], 2, generator=0), MLP(1, [16], 2, generator=1)
        >>> method = VAE(encoder, decoder, decoder_var=0.1)
        >>> x = torch.randn(50, 2, generator=torch.Generator().manual_seed(2))
        >>> sorted(method.parts(x, generator=0))
        ['kl_prior', 'mutual_information', 'rate', 'reconstruction']
        >>> method.log_likelihood(x, 10, generator=0).shape
        torch.Size([50])
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        decoder_var: float | str | Callable[[float], float] = 1.0,
        prior: Prior | int | None = None,
    ) -> None:
        super().__init__(encoder, decoder, "gaussian", prior)
        self.require_density()
        self.planned: Callable[[float], float] | None = None
        self.learned = isinstance(decoder_var, str)
        parts = ["encoder", "decoder"]
        if isinstance(decoder_var, str):
            _checks.choice("decoder_var", decoder_var, ("learned",))
            like = self._like()
            self.log_var = nn.Parameter(torch.zeros((), dtype=like.dtype, device=like.device))
            parts.append("log_var")
        elif callable(decoder_var):
            self.planned = decoder_var
            self.hyper("decoder_var", self._planned_at(0.0), moves=True)
        else:
            self.hyper("decoder_var", _checks.positive("decoder_var", decoder_var))
        self.players = {"autoencoder": Player(tuple(parts))}

    def variance(self) -> Tensor:
        """The present value of the decoder's variance σ²: fixed, on a schedule or learned; 0-d."""
        return self.log_var.exp() if self.learned else self.decoder_var

    def scheduled(self) -> bool:
        """Whether the variance is on a schedule."""
        return self.planned is not None or type(self).schedule is not VAE.schedule

    def schedule(self, progress: float) -> None:
        """Set the variance, where it follows a schedule."""
        if self.planned is not None:
            self.decoder_var.fill_(self._planned_at(progress))

    def _planned_at(self, progress: float) -> float:
        assert self.planned is not None
        return _checks.positive(f"decoder_var({progress:g})", self.planned(progress))

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Draws of the encoder."""
        return {"encoder": self.encoder_noise(len(batch), generator, batch)}

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The negative evidence lower bound, in nats: 0-d, the mean over the batch."""
        return self.objective(batch, noise)["total"]

    def objective(self, batch: Tensor, noise: Noise | None = None) -> dict[str, Tensor]:
        """The loss and its parts, in nats, means over the batch, differentiable.

        Args:
            batch: (n, ...) data.
            noise: the draws that ``noise()`` makes; drawn from torch's own generator where None.

        Returns:
            A dict of 0-d tensors, namely ``reconstruction`` = -E log p_G(x|z); ``rate`` =
            E KL(Q(Z|x) || P_Z), in closed form where the prior is Gaussian; and their sum,
            ``total``.
        """
        if noise is None:
            noise = self.noise("autoencoder", batch)
        mean, log_var = self.posterior(batch)
        codes = drawn(mean, log_var, noise["encoder"])
        made = self.decoded(codes, batch)
        reconstruction = negative_log_likelihood(batch, made, self.variance())
        rate = self._rate(mean, log_var, codes)
        return {"reconstruction": reconstruction, "rate": rate, "total": reconstruction + rate}

    def _rate(self, mean: Tensor, log_var: Tensor, codes: Tensor) -> Tensor:
        """The mean of KL(Q(Z|x) | P_Z): in closed form for a Gaussian prior, else at the codes."""
        if isinstance(self.prior, GaussianPrior):
            return mean_kl_to_gaussian(mean, log_var, self.prior.scale)
        return (gaussian_log_density(codes, mean, log_var) - self.log_prior(codes)).mean()

    @torch.no_grad()
    def parts(
        self,
        x: Tensor,
        generator: Randomness = None,
        *,
        noise: Noise | None = None,
        draws: int = 1,
    ) -> dict[str, Tensor]:
        r"""The parts of the objective, for the empirical distribution of a sample.

        .. math::
            \mathbb{E}\, \mathrm{KL}(Q(Z|X) \,\|\, P_Z) = \mathrm{KL}(Q_Z \,\|\, P_Z) + I(X; Z),
            \qquad Q_Z = \frac1n \sum_j Q(Z|x_j)

        The density of the mixture Q_Z is evaluated exactly, with all n components at every code.
        Only the outer expectation is a mean over draws; the draws are the same for all parts, so
        that the identity holds up to rounding. The mutual information is at most log n.

        Args:
            x: (n, ...) data.
            generator: a seed, a generator, or None for torch's own.
            noise: the draws to use instead: ``{"encoder": (n * draws, d_z)}``, with the draws of
                one point in consecutive rows.
            draws: number of codes drawn at each point.

        Returns:
            A dict of 0-d tensors, in nats, namely ``reconstruction`` = -E log p_G(x|z);
            ``kl_prior`` = KL(Q_Z || P_Z); ``mutual_information`` = I(X; Z); and ``rate``, the sum
            of the last two, which is computed from Q(Z|x) and P_Z without the mixture.

        Raises:
            ValueError: if ``draws < 1`` or ``noise`` has another number of rows.
        """
        x = self._taken("x", x)
        count = len(x) * _checks.count("draws", draws)
        if noise is None:
            e = self.encoder_noise(count, as_generator(generator, x.device), x)
        else:
            e = given(noise, "encoder", count)
        mean, log_var = self._posterior_in_blocks(x)
        own_mean, own_log_var = (v.repeat_interleave(draws, dim=0) for v in (mean, log_var))
        codes = drawn(own_mean, own_log_var, e)
        own = gaussian_log_density(codes, own_mean, own_log_var)
        mixed = mixture_log_density(codes, mean, log_var)
        prior = self.log_prior(codes)
        likelihood = self._likelihood(x.repeat_interleave(draws, dim=0), codes)
        return {
            "reconstruction": -likelihood.mean(),
            "kl_prior": (mixed - prior).mean(),
            "mutual_information": (own - mixed).mean(),
            "rate": (own - prior).mean(),
        }

    @torch.no_grad()
    def log_likelihood(
        self, x: Tensor, n_importance: int = 100, generator: Randomness = None
    ) -> Tensor:
        r"""The importance-weighted lower bound of the log-likelihood of each point.

        .. math::
            \log \frac1K \sum_{k=1}^K \frac{p_G(x|z_k)\, p_Z(z_k)}{q(z_k|x)}, \qquad z_k \sim q(z|x)

        Its mean is at most log p_G(x), does not decrease with K, and tends to log p_G(x) if the
        importance weights are bounded; for K = 1 it is the evidence lower bound.

        Args:
            x: (n, ...) data.
            n_importance: K, the number of draws at each point.
            generator: a seed, a generator, or None for torch's own.

        Returns:
            (n,) bounds, in nats.

        Raises:
            ValueError: if ``n_importance < 1``.

        Source: :cite:t:`burda_2016`. Chapter: 11.
        """
        n_importance = _checks.count("n_importance", n_importance)
        x = self._taken("x", x)
        draw = as_generator(generator, x.device)
        mean, log_var = self._posterior_in_blocks(x)
        total = torch.full((len(x),), -math.inf, dtype=x.dtype, device=x.device)
        for _ in range(n_importance):
            codes = drawn(mean, log_var, self.encoder_noise(len(x), draw, x))
            weight = self._likelihood(x, codes) + self.log_prior(codes)
            weight = weight - gaussian_log_density(codes, mean, log_var)
            total = torch.logaddexp(total, weight)
        return total - math.log(n_importance)

    def _posterior_in_blocks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        both = in_blocks(lambda rows: torch.cat(self.posterior(rows), dim=1), x)
        mean, log_var = both.chunk(2, dim=1)
        return mean, log_var

    def _likelihood(self, x: Tensor, codes: Tensor) -> Tensor:
        """(n,) log p_G(x|z) at pairs of data and codes."""
        variance = self.variance()
        return in_blocks(
            lambda rows, z: log_likelihood(rows, self.decoded(z, rows), variance), x, codes
        )
