"""Networks of two arguments."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import Randomness
from otgen_lite.networks._initial import rows_of
from otgen_lite.networks._layers import Activation
from otgen_lite.networks.mlp import MLP


class ImplicitEncoder(nn.Module):
    """An implicit encoder: a function of data and noise, so that Q(Z|x) needs no known density.

    Args:
        inputs: dimension of one data point; data of any shape are flattened first.
        noise_dim: dimension d_e of the noise.
        hidden: widths of the hidden layers.
        outputs: dimension of the codes, d_z.
        activation: non-linearity between layers, as for :class:`~otgen_lite.MLP`.
        generator: source of the initial weights: a seed, a generator, or None for torch's own.

    Chapter: 8, 9, 11, 12.

    Example:
        >>> import torch
        >>> encoder = ImplicitEncoder(2, 3, [16], 1, generator=0)
        >>> encoder(torch.zeros(5, 2), torch.zeros(5, 3)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        noise_dim: int,
        hidden: Sequence[int] | int,
        outputs: int,
        *,
        activation: Activation = nn.ReLU,
        generator: Randomness = None,
    ) -> None:
        super().__init__()
        self.inputs = _checks.count("inputs", inputs)
        self.noise_dim = _checks.count("noise_dim", noise_dim)
        self.body = MLP(
            inputs + noise_dim, hidden, outputs, activation=activation, generator=generator
        )

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Maps (n, ...) data and (n, d_e) noise to (n, d_z) codes."""
        x = rows_of(x, self.inputs, "x of this implicit encoder")
        noise = rows_of(noise, self.noise_dim, "noise of this implicit encoder")
        return self.body(torch.cat([x, noise], dim=1))


class PairCritic(nn.Module):
    """A critic T(x, z) of pairs of a data point and a code.

    Args:
        inputs: dimension of one data point; data of any shape are flattened first.
        codes: dimension of the codes, d_z.
        hidden: widths of the hidden layers.
        activation: non-linearity between layers, as for :class:`~otgen_lite.MLP`.
        generator: source of the initial weights: a seed, a generator, or None for torch's own.

    Chapter: 11.

    Example:
        >>> import torch
        >>> PairCritic(2, 1, [16], generator=0)(torch.zeros(5, 2), torch.zeros(5, 1)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        codes: int,
        hidden: Sequence[int] | int,
        *,
        activation: Activation = nn.ReLU,
        generator: Randomness = None,
    ) -> None:
        super().__init__()
        self.inputs = _checks.count("inputs", inputs)
        self.codes = _checks.count("codes", codes)
        self.body = MLP(inputs + codes, hidden, 1, activation=activation, generator=generator)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Maps (n, ...) data and (n, d_z) codes to (n, 1) values."""
        x = rows_of(x, self.inputs, "x of this critic")
        z = rows_of(z, self.codes, "z of this critic")
        return self.body(torch.cat([x, z], dim=1))
