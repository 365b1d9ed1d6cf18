"""The adversarial auto-encoder."""

from __future__ import annotations

from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite.divergences import Adversarial
from otgen_lite.methods.base import Noise
from otgen_lite.methods.densities import negative_log_likelihood
from otgen_lite.methods.encoder_models import PenalizedModel
from otgen_lite.methods.priors import Prior


class AAE(PenalizedModel):
    r"""The adversarial auto-encoder, with a Gaussian decoder.

    .. math::
        \min_{Q, G}\ -\mathbb{E}_{P_X} \mathbb{E}_{Q(Z|X)} \log p_G(X|Z) + D(Q_Z, P_Z),
        \qquad p_G(x|z) = N(x; G(z), \sigma^2 I_d)

    with D as in :class:`~otgen_lite.Adversarial`, so that it is 0 at equality. The log-likelihood
    is a sum over the d coordinates and includes its constant; with the same networks, penalty and
    draws

    .. math::
        2 \sigma^2\, \mathrm{AAE} = \mathrm{PenalizedOT}(\lambda = 2\sigma^2)
            + d \sigma^2 \log (2 \pi \sigma^2)

    holds for values, and without the constant for gradients: the decoder's variance σ² plays the
    role of λ/2, and no other. (On the right side the decoder has no noise. With ``decoder_var`` =
    σ² there too, the right side is larger by :math:`d \sigma^2`, another constant.) If the
    likelihood were a mean over coordinates, λ would be :math:`2 \sigma^2 / d`.

    Players: ``"critic"`` and ``"autoencoder"``.

    Args:
        encoder: (n, ...) data to (n, d_z) codes; (n, 2 d_z) mean and log-variance where Gaussian;
            a function of data and (n, d_e) noise where implicit.
        decoder: (n, d_z) codes to data, the mean of the Gaussian.
        discriminator: (n, d_z) codes to (n,) or (n, 1) logits.
        decoder_var: σ² > 0, in the square of the data's unit.
        encoding: ``"deterministic"``, ``"gaussian"`` or ``"implicit"``.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            decoder takes.
        saturating: which loss the encoder has, see :class:`~otgen_lite.Adversarial`.
        critic_steps: updates of the discriminator in each step of ``fit``.
        reuse_codes: whether the discriminator trains on the codes of the auto-encoder's last update
            instead of encoding a batch of its own. This is faster, but the two players then move
            simultaneously and not in turn.

    Raises:
        ValueError: if ``decoder_var <= 0``, a name is unknown, or (in a loss) a network returns
            another shape.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`makhzani_2015`; as transport :cite:t:`bousquet_2017`. Chapter: 10.

    Example:
        >>> import torch
        >>> from otgen_lite import MLP
        >>> encoder, decoder = MLP(2, [16], 1, generator=0), MLP(1, [16], 2, generator=1)
        >>> method = AAE(encoder, decoder, MLP(1, [16], 1, generator=2), decoder_var=0.1)
        >>> sorted(method.objective(torch.zeros(8, 2)))
        ['penalty', 'reconstruction', 'total']
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        *,
        decoder_var: float = 1.0,
        encoding: str = "deterministic",
        prior: Prior | int | None = None,
        saturating: bool = False,
        critic_steps: int = 1,
        reuse_codes: bool = False,
    ) -> None:
        super().__init__(encoder, decoder, encoding, prior)
        self.penalty = Adversarial(discriminator, saturating)
        self.hyper("decoder_var", _checks.positive("decoder_var", decoder_var))
        self.set_players(critic_steps, reuse_codes)

    def parts_at(self, batch: Tensor, codes: Tensor, noise: Noise) -> dict[str, Tensor]:
        """``reconstruction``, ``penalty`` and their sum ``total``, in nats, at given codes."""
        made = self.decoded(codes, batch)
        reconstruction = negative_log_likelihood(batch, made, self.decoder_var)
        penalty = self.penalty_at(codes, noise)
        return {
            "reconstruction": reconstruction,
            "penalty": penalty,
            "total": reconstruction + penalty,
        }
