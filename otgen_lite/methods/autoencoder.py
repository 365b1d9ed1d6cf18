"""The plain auto-encoder, trained for reconstruction alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otgen_lite import _checks, costs
from otgen_lite._draws import Randomness
from otgen_lite.costs import Cost, checked_cost
from otgen_lite.methods.base import Method, Noise, Player, flat
from otgen_lite.methods.network_calls import evaluated, same_shape


class AutoEncoder(Method):
    r"""A plain auto-encoder, trained for reconstruction alone.

    .. math::
        \min_{E, G}\ \mathbb{E}_{P_X}\, c\big(X, G(E(X))\big)

    There is no condition on the distribution of the codes, so the model cannot be sampled from by
    itself; :class:`~otgen_lite.LatentOT` transports a prior to the codes.

    Player: ``"autoencoder"``.

    Args:
        encoder: (n, ...) data to (n, d_z) codes.
        decoder: (n, d_z) codes to data.
        cost: a name or a callable, as in :func:`~otgen_lite.cost_matrix`.

    Raises:
        ValueError: if the cost's name is unknown.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`liu_2018`. Chapter: 13.

    Example:
        >>> import otgen_lite as otg
        >>> ae = AutoEncoder(otg.MLP(3, [8], 2, generator=0), otg.MLP(2, [8], 3, generator=1))
        >>> history = otg.fit(ae, torch.randn(32, 3), steps=2, batch_size=8, progress=False)
        >>> ae.reconstruct(torch.zeros(4, 3)).shape
        torch.Size([4, 3])
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, *, cost: Cost = "sqeuclidean"
    ) -> None:
        super().__init__()
        self.encoder = _checks.module("encoder", encoder)
        self.decoder = _checks.module("decoder", decoder)
        self.cost = checked_cost(cost)
        self.players = {"autoencoder": Player(("encoder", "decoder"))}

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The mean cost between data and their reconstructions: 0-d, in the unit of the cost."""
        made = same_shape(self.decoder(self.encoder(batch)), batch)
        return costs.pairs(flat(batch), flat(made), self.cost).mean()

    @torch.no_grad()
    def encode(self, x: Tensor, generator: Randomness = None) -> Tensor:
        """The (n, d_z) codes of (n, ...) data."""
        return evaluated(self.encoder, "x", x)

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """The (n, ...) data that (n, d_z) codes are decoded to."""
        return evaluated(self.decoder, "z", z)

    def reconstruct(self, x: Tensor, generator: Randomness = None) -> Tensor:
        """The (n, ...) reconstructions of (n, ...) data: encoded, then decoded."""
        return self.decode(self.encode(x))
