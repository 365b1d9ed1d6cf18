"""Adversarial variational Bayes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from otgen_lite import _checks
from otgen_lite._draws import normal
from otgen_lite.divergences.base import logits
from otgen_lite.methods.base import Noise, Player
from otgen_lite.methods.densities import gaussian_log_density, negative_log_likelihood
from otgen_lite.methods.encoder_models import EncoderModel
from otgen_lite.methods.priors import Prior

#: Added to the variances of the adaptive contrast, in the square of the codes' unit.
FLOOR = 1e-6


class AVB(EncoderModel):
    r"""Adversarial variational Bayes: the VAE's objective for an encoder without a density.

    .. math::
        \min_{Q, G}\ \mathbb{E}_{P_X} \mathbb{E}_{Q(Z|X)} \big[ T(X, Z) - \log p_G(X|Z) \big],
        \qquad T^*(x, z) = \log q(z|x) - \log p_Z(z)

    The discriminator T is trained by logistic regression to tell the encoder's pairs (x, z) from
    pairs whose code is drawn from the prior. The optimal discriminator is T*. There, the objective
    and its gradient in the encoder are those of the VAE, because the derivative through T* itself
    has mean zero.

    With ``adaptive_contrast`` the encoder's pairs are told from those of a Gaussian r(z|x), which
    has the encoder's own mean and variances at x, estimated from further draws; T sees codes that
    are standardised by these moments. Then

    .. math::
        \log q(z|x) - \log p_Z(z) = T^*(x, z) + \log r(z|x) - \log p_Z(z)

    and T has to learn only the shape of Q(Z|x), not its location and scale. No gradient passes
    through the moments, because at the optimal T the derivative through them has mean zero.

    Players: ``"critic"`` and ``"autoencoder"``.

    Args:
        encoder: data and (n, d_e) noise to (n, d_z) codes; d_e is its attribute ``noise_dim``, or
            d_z where there is no such attribute.
        decoder: (n, d_z) codes to data, the mean of the Gaussian.
        discriminator: T, data and (n, d_z) codes to (n,) or (n, 1) logits.
        decoder_var: σ² > 0, in the square of the data's unit.
        adaptive_contrast: whether the contrast is the Gaussian r instead of the prior.
        contrast_draws: number of codes at each x from which the moments of r are estimated, >= 2.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            decoder takes; with adaptive contrast it needs a ``log_density``.
        critic_steps: updates of the discriminator in each step of ``fit``.

    Raises:
        ValueError: if ``decoder_var <= 0``, ``contrast_draws < 2``, or (in a loss) a network
            returns another shape.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`mescheder_2017`. Chapter: 11.

    Example:
        >>> from otgen_lite import MLP, ImplicitEncoder, PairCritic
        >>> encoder = ImplicitEncoder(2, 1, [16], 1, generator=0)
        >>> decoder, critic = MLP(1, [16], 2, generator=1), PairCritic(2, 1, [16], generator=2)
        >>> method = AVB(encoder, decoder, critic, decoder_var=0.1)
        >>> sorted(method.objective(torch.zeros(8, 2)))
        ['rate', 'reconstruction', 'total']
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        *,
        decoder_var: float = 1.0,
        adaptive_contrast: bool = False,
        contrast_draws: int = 8,
        prior: Prior | int | None = None,
        critic_steps: int = 1,
    ) -> None:
        super().__init__(encoder, decoder, "implicit", prior)
        self.discriminator = _checks.module("discriminator", discriminator)
        self.adaptive_contrast = bool(adaptive_contrast)
        if self.adaptive_contrast:
            self.require_density()
        self.contrast_draws = _checks.count("contrast_draws", contrast_draws, at_least=2)
        self.hyper("decoder_var", _checks.positive("decoder_var", decoder_var))
        steps = _checks.count("critic_steps", critic_steps)
        self.players = {
            "critic": Player(("discriminator",), steps),
            "autoencoder": Player(("encoder", "decoder")),
        }

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the contrast, noise of the encoder, and noise for its moments."""
        out = super().noise(player, batch, generator)
        if self.adaptive_contrast:
            n, k = len(batch), self.contrast_draws
            out["moments"] = self.encoder_noise(n * k, generator, batch).unflatten(0, (n, k))
            out["contrast"] = normal((n, self.prior.dim), generator, batch)
        return out

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The objective for the auto-encoder, or the logistic loss of the discriminator."""
        if player == "critic":
            return self.critic_loss(batch, noise)
        return self.objective(batch, noise)["total"]

    def critic_loss(self, batch: Tensor, noise: Noise) -> Tensor:
        """The logistic loss that makes T > 0 on the encoder's pairs and < 0 on the contrast's."""
        with torch.no_grad():
            codes, other = self.codes(batch, noise), noise["prior"]
            if self.adaptive_contrast:
                mean, log_var = self.moments(batch, noise)
                codes, other = (codes - mean) * torch.exp(-0.5 * log_var), noise["contrast"]
        ours = logits(self.discriminator(batch, codes))
        theirs = logits(self.discriminator(batch, other))
        return softplus(-ours).mean() + softplus(theirs).mean()

    def objective(self, batch: Tensor, noise: Noise | None = None) -> dict[str, Tensor]:
        """The loss and its parts, in nats, means over the batch, differentiable.

        Args:
            batch: (n, ...) data.
            noise: the draws that ``noise()`` makes; drawn from torch's own generator where None.

        Returns:
            A dict of 0-d tensors, namely ``reconstruction`` = -E log p_G(x|z); ``rate``, the
            estimate of E KL(Q(Z|x) || P_Z) by T; and their sum ``total``.
        """
        if noise is None:
            noise = self.noise("autoencoder", batch)
        codes = self.codes(batch, noise)
        made = self.decoded(codes, batch)
        reconstruction = negative_log_likelihood(batch, made, self.decoder_var)
        rate = self.log_ratio(batch, codes, noise).mean()
        return {"reconstruction": reconstruction, "rate": rate, "total": reconstruction + rate}

    def log_ratio(self, batch: Tensor, codes: Tensor, noise: Noise) -> Tensor:
        """The (n,) estimates of log q(z|x) - log p_Z(z) by T, in nats."""
        if not self.adaptive_contrast:
            return logits(self.discriminator(batch, codes))
        with torch.no_grad():
            mean, log_var = self.moments(batch, noise)
        scaled = (codes - mean) * torch.exp(-0.5 * log_var)
        contrast = gaussian_log_density(codes, mean, log_var)
        return logits(self.discriminator(batch, scaled)) + contrast - self.log_prior(codes)

    def moments(self, batch: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """The (n, d_z) means and log-variances of the encoder at each x, from separate draws."""
        rows = batch.repeat_interleave(self.contrast_draws, dim=0)
        codes = self.codes(rows, {"encoder": noise["moments"].flatten(0, 1)})
        codes = codes.unflatten(0, (len(batch), self.contrast_draws))
        return codes.mean(dim=1), codes.var(dim=1).add(FLOOR).log()
