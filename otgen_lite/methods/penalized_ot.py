"""Penalised optimal transport: the objective behind WAE, WVAE and the adversarial auto-encoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks, costs
from otgen_lite._draws import normal
from otgen_lite.costs import Cost, checked_cost
from otgen_lite.divergences import Penalty
from otgen_lite.methods.base import Noise, flat
from otgen_lite.methods.encoder_models import PenalizedModel
from otgen_lite.methods.priors import Prior


class PenalizedOT(PenalizedModel):
    r"""Penalised optimal transport: reconstruction cost plus λ times a penalty on the codes.

    .. math::
        \min_{Q, G}\ \mathbb{E}_{P_X} \mathbb{E}_{Q(Z|X)}\, \mathbb{E}\,
            c\big(X, G(Z) + \sigma \xi\big) + \lambda\, D(Q_Z, P_Z), \qquad \xi \sim N(0, I_d)

    For a decoder without noise and with D = 0 as a constraint, the minimum over all encoders is the
    transport cost :math:`W_c(P_X, G_\# P_Z)`. A finite λ relaxes the constraint, so that the value
    is at most this cost. The constraint :math:`Q_Z = P_Z` is on the **aggregate** distribution of
    all codes, never on Q(Z|x).

    Other names for special cases: a Wasserstein auto-encoder has ``penalty=MMD()`` or
    ``Adversarial(...)``; the WVAE of :cite:t:`genevay_2017` has a deterministic encoder and any
    penalty; the adversarial auto-encoder with decoder variance λ/2 is the squared cost with
    ``Adversarial(...)``, up to a factor and a constant (:class:`~otgen_lite.AAE`).

    The expectation over ξ, the noise of the decoder, is part of the cost. For the squared cost it
    adds exactly :math:`d \sigma^2`, where d is the dimension of the data, and nothing is drawn; for
    other costs it is estimated by a single draw.

    Players: ``"autoencoder"``, and ``"critic"`` where the penalty has an opponent.

    Args:
        encoder: (n, ...) data to (n, d_z) codes; (n, 2 d_z) mean and log-variance where Gaussian;
            a function of data and (n, d_e) noise where implicit.
        decoder: (n, d_z) codes to data.
        penalty: one of ``otgen_lite.divergences``.
        lam: λ >= 0, in the unit of the cost over the unit of the penalty.
        cost: a name or a callable, as in :func:`~otgen_lite.cost_matrix`; the squared cost is
            never halved and is a sum over coordinates.
        encoding: ``"deterministic"``, ``"gaussian"`` or ``"implicit"``.
        decoder_var: σ² >= 0, in the square of the data's unit.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            decoder takes.
        critic_steps: updates of the penalty's opponent, if it has one, in each step of ``fit``.
        reuse_codes: whether the opponent trains on the codes of the auto-encoder's last update
            instead of encoding a batch of its own. This is faster, but the two players then move
            simultaneously and not in turn.

    Raises:
        ValueError: if ``lam < 0``, ``decoder_var < 0``, a name is unknown, or (in a loss) encoder
            or decoder return another shape.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`bousquet_2017`, :cite:t:`tolstikhin_2018`. Chapter: 10, 12.

    Example:
        >>> from otgen_lite import MLP, MMD
        >>> encoder, decoder = MLP(2, [16], 1, generator=0), MLP(1, [16], 2, generator=1)
        >>> method = PenalizedOT(encoder, decoder, penalty=MMD(), lam=10.0)
        >>> batch = torch.randn(64, 2, generator=torch.Generator().manual_seed(2))
        >>> parts = method.objective(batch)
        >>> sorted(parts)
        ['penalty', 'total', 'transport']
        >>> bool(parts["total"] == parts["transport"] + 10.0 * parts["penalty"])
        True
        >>> method.sample(3, generator=0).shape, method.reconstruct(batch).shape
        (torch.Size([3, 2]), torch.Size([64, 2]))
    """

    lam: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        penalty: Penalty,
        lam: float = 10.0,
        cost: Cost = "sqeuclidean",
        encoding: str = "deterministic",
        decoder_var: float = 0.0,
        prior: Prior | int | None = None,
        critic_steps: int = 1,
        reuse_codes: bool = False,
    ) -> None:
        super().__init__(encoder, decoder, encoding, prior)
        if not isinstance(penalty, Penalty):
            given: Any = penalty
            raise TypeError(
                f"penalty must be one of otgen_lite.divergences, such as MMD(), got {given!r}"
            )
        self.penalty = penalty
        self.cost = checked_cost(cost)
        self.hyper("lam", _checks.number("lam", lam, at_least=0.0))
        self.hyper("decoder_var", _checks.number("decoder_var", decoder_var, at_least=0.0))
        self.set_players(critic_steps, reuse_codes)

    @property
    def stackable(self) -> bool:  # type: ignore[override]
        """Whether the penalty lets the loss be stacked."""
        return self.penalty.stackable

    def parts_at(self, batch: Tensor, codes: Tensor, noise: Noise) -> dict[str, Tensor]:
        """``transport``, ``penalty`` and ``total`` = transport + λ penalty, at given codes."""
        transport = self.transport_cost(batch, codes, noise)
        penalty = self.penalty_at(codes, noise)
        return {
            "transport": transport,
            "penalty": penalty,
            "total": transport + self.lam * penalty,
        }

    def transport_cost(self, batch: Tensor, codes: Tensor, noise: Noise) -> Tensor:
        """The mean cost between data and what their codes are decoded to, noise included: 0-d."""
        made = self.decoded(codes, batch)
        if self.cost == "sqeuclidean":
            # As the mean of a sum over all coordinates it takes fewer steps than by `costs.pairs`.
            squares = (made - batch).square().sum() / len(batch)
            return squares + batch[0].numel() * self.decoder_var
        made = made + self.decoder_var.sqrt() * noise["decoder"]
        return costs.pairs(flat(batch), flat(made), self.cost).mean()

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior, and the random draws of encoder, penalty and decoder."""
        out = super().noise(player, batch, generator)
        if player == "autoencoder" and self.cost != "sqeuclidean":
            out["decoder"] = normal(tuple(batch.shape), generator, batch)
        return out
