"""The plain auto-encoder: reconstruction and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otgen_lite import costs
from otgen_lite._draws import Randomness
from otgen_lite.costs import Cost, checked_cost
from otgen_lite.methods.base import Method, Noise, Player, flat
from otgen_lite.methods.network_calls import in_blocks, module, same_shape, taken


class AutoEncoder(Method):
    r"""A plain auto-encoder: :math:`\min_{E, G} \mathbb{E}_{P_X}\, c(X, G(E(X)))`, and no more.

    Nothing is asked of the law of the codes; :class:`~otgen_lite.LatentOT` carries a prior to them.

    Args:
        encoder: (n, ...) data to (n, d_z) codes.
        decoder: (n, d_z) codes to data.
        cost: a name or a callable.

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
        self.encoder, self.decoder = module("encoder", encoder), module("decoder", decoder)
        self.cost = checked_cost(cost)
        self.players = {"autoencoder": Player(("encoder", "decoder"))}

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """Mean cost between data and their reconstructions: 0-d, in the cost's unit."""
        made = same_shape(self.decoder(self.encoder(batch)), batch)
        return costs.pairs(flat(batch), flat(made), self.cost).mean()

    @torch.no_grad()
    def encode(self, x: Tensor, generator: Randomness = None) -> Tensor:
        """(n, d_z) codes of (n, ...) data."""
        return in_blocks(self.encoder, taken("x", x, self.encoder))

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """(n, ...) data of (n, d_z) codes."""
        return in_blocks(self.decoder, taken("z", z, self.decoder))

    def reconstruct(self, x: Tensor, generator: Randomness = None) -> Tensor:
        """(n, ...) reconstructions of data, by encoder and decoder."""
        return self.decode(self.encode(x))
