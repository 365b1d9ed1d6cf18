"""The adversarial penalty, computed by a discriminator."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from otgen_lite import _checks
from otgen_lite.divergences.base import Penalty, logits, same_space


class Adversarial(Penalty):
    r"""The adversarial (Jensen-Shannon) penalty, with the offset that makes it 0 at equality.

    .. math::
        D(Q, P) = \sup_T\ \mathbb{E}_P \log T + \mathbb{E}_Q \log (1 - T) + 2 \log 2
                = 2\,\mathrm{JS}(Q, P)

    where T is the logistic function of the network's output. The supremum is attained at
    :math:`T = p / (p + q)`, where the network computes :math:`\log p - \log q`. Without the offset
    the value at equality would be :math:`-2 \log 2 = -1.386`; with it, T = 1/2 gives exactly 0.
    Over a smaller class of networks the supremum is a lower bound of 2 JS. It lies between 0 and 2
    log 2 if the class contains the network that is 0; the value of a network that is not optimal
    may be negative.

    The network is trained to attain the supremum (:meth:`critic_loss`). The encoder minimises the
    same expression (``saturating``), or else :math:`-\mathbb{E}_Q \log T - \log 2`, which is also 0
    at T = 1/2 and keeps its slope where the network tells Q from P with confidence.

    Args:
        discriminator: maps (n, d) codes to (n,) or (n, 1) logits; row by row, without batch
            normalisation.
        saturating: whether the encoder minimises the first of the two expressions.

    Raises:
        TypeError: if ``discriminator`` is not a ``torch.nn.Module``.
        ValueError: if it returns a tensor of another shape.

    Source: :cite:t:`goodfellow_2014`, :cite:t:`makhzani_2015`, :cite:t:`bousquet_2017`.
    Chapter: 10.

    Example:
        >>> discriminator = nn.Linear(2, 1)
        >>> for value in discriminator.parameters():
        ...     _ = nn.init.zeros_(value)
        >>> penalty = Adversarial(discriminator, saturating=True)
        >>> value = penalty(torch.ones(5, 2), torch.zeros(5, 2))
        >>> abs(float(value.detach())) < 1e-6
        True
    """

    has_critic = True
    coupled = False

    def __init__(self, discriminator: nn.Module, saturating: bool = False) -> None:
        super().__init__()
        self.discriminator = _checks.module("discriminator", discriminator)
        self.saturating = bool(saturating)

    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The encoder's loss for (n, d) codes ``q`` and (m, d) codes ``p``: 0-d, in nats."""
        if self.saturating:
            return -self.critic_loss(q, p)
        return softplus(-logits(self.discriminator(q))).mean() - math.log(2.0)

    def critic_loss(self, q: Tensor, p: Tensor) -> Tensor:
        """The discriminator's loss, which is minus the value of the game: 0-d, in nats."""
        same_space(q, p)
        # One pass for both: half the calls.
        fake, real = logits(self.discriminator(torch.cat([q, p]))).split([len(q), len(p)])
        return softplus(-real).mean() + softplus(fake).mean() - 2.0 * math.log(2.0)
