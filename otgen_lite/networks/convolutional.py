"""Convolutional networks for images of 28 × 28, 32 × 32 or 64 × 64 pixels."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator
from otgen_lite.networks._initial import layer, rows_of
from otgen_lite.networks._layers import Activation, maker, sizes

#: Halving stops at images of at most this many pixels a side.
_SMALLEST = 7


def leaky() -> nn.Module:
    """The activation of critics: a leaky rectified unit, max(x, 0.2 x)."""
    return nn.LeakyReLU(0.2)


class ConvEncoder(nn.Sequential):
    """A convolutional encoder, images to codes; layers halve the size and double the channels.

    Args:
        shape: (channels, height, width) of one image.
        outputs: number of outputs: d_z, or 2 d_z for a Gaussian encoder.
        width: number of channels after the first layer.
        norm: whether each inner layer is followed by group normalisation.
        activation: non-linearity between layers, as for :class:`~otgen_lite.MLP`.
        generator: source of the initial weights: a seed, a generator, or None for torch's own.

    No chapter needs it; it is meant for full-scale images, such as :func:`~otgen_lite.data.mnist`.

    Example:
        >>> import torch
        >>> ConvEncoder((1, 28, 28), 8, generator=0)(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 8])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        *,
        width: int = 32,
        norm: bool = False,
        activation: Activation = nn.ReLU,
        generator: Randomness = None,
    ) -> None:
        channels, small = plan(shape, width)
        outputs = _checks.count("outputs", outputs)
        between = maker("activation", activation)
        draw = as_generator(generator)
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise(channels)):
            layers.append(layer(nn.Conv2d, before, after, 4, 2, 1, generator=draw))
            if norm and i > 0:
                layers.append(group_norm(after))
            layers.append(between())
        size = channels[-1] * small[0] * small[1]
        layers += [nn.Flatten(1), layer(nn.Linear, size, outputs, generator=draw)]
        super().__init__(*layers)
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels, height, width) images to (n, outputs)."""
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(
                f"this network takes images of shape (n, {', '.join(map(str, self.shape))}), "
                f"got {_checks.shape_text(x)}"
            )
        return super().forward(x)


class ConvCritic(ConvEncoder):
    """A convolutional critic: images to one number each, with leaky rectified units.

    Args:
        shape: (channels, height, width) of one image.
        width: number of channels after the first layer.
        norm: whether each inner layer is followed by group normalisation.
        activation: non-linearity between layers; leaky units of slope 0.2 by default.
        generator: source of the initial weights: a seed, a generator, or None for torch's own.

    No chapter needs it; it is meant for full-scale images, such as :func:`~otgen_lite.data.mnist`.

    Example:
        >>> import torch
        >>> ConvCritic((3, 64, 64), width=8, generator=0)(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 1])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        width: int = 32,
        norm: bool = False,
        activation: Activation = leaky,
        generator: Randomness = None,
    ) -> None:
        super().__init__(
            shape, 1, width=width, norm=norm, activation=activation, generator=generator
        )


class ConvDecoder(nn.Sequential):
    """A convolutional decoder, codes to images; layers double the size and halve the channels.

    Args:
        inputs: dimension of the codes, d_z.
        shape: (channels, height, width) of one image.
        width: number of channels before the last layer.
        norm: whether each inner layer is followed by group normalisation.
        activation: non-linearity between layers, as for :class:`~otgen_lite.MLP`.
        final: a last non-linearity, such as ``torch.nn.Sigmoid``.
        generator: source of the initial weights: a seed, a generator, or None for torch's own.

    No chapter needs it; it is meant for full-scale images, such as :func:`~otgen_lite.data.mnist`.

    Example:
        >>> import torch
        >>> ConvDecoder(8, (1, 28, 28), generator=0)(torch.zeros(5, 8)).shape
        torch.Size([5, 1, 28, 28])
    """

    def __init__(
        self,
        inputs: int,
        shape: tuple[int, int, int],
        *,
        width: int = 32,
        norm: bool = False,
        activation: Activation = nn.ReLU,
        final: Activation | None = None,
        generator: Randomness = None,
    ) -> None:
        channels, small = plan(shape, width)
        channels = channels[::-1]
        between = maker("activation", activation)
        last = None if final is None else maker("final", final)
        draw = as_generator(generator)
        size = channels[0] * small[0] * small[1]
        layers: list[nn.Module] = [
            layer(nn.Linear, _checks.count("inputs", inputs), size, generator=draw),
            nn.Unflatten(1, (channels[0], *small)),
        ]
        for before, after in pairwise(channels):
            if norm:
                layers.append(group_norm(before))
            layers.append(between())
            layers.append(layer(nn.ConvTranspose2d, before, after, 4, 2, 1, generator=draw))
        if last is not None:
            layers.append(last())
        super().__init__(*layers)
        self.in_features = inputs

    def forward(self, z: Tensor) -> Tensor:
        """Maps (n, d_z) codes to (n, channels, height, width) images."""
        return super().forward(rows_of(z, self.in_features, "this decoder"))


def plan(shape: tuple[int, int, int], width: int) -> tuple[list[int], tuple[int, int]]:
    """The channels of each layer, and the height and width of the smallest image."""
    counted = sizes("shape", shape)
    if len(counted) != 3:
        raise ValueError(f"shape must be (channels, height, width), got {shape!r}")
    channels, height, wide = counted
    counts, factor = [channels], _checks.count("width", width)
    while min(height, wide) > _SMALLEST and height % 2 == 0 and wide % 2 == 0:
        counts.append(factor)
        height, wide, factor = height // 2, wide // 2, 2 * factor
    if len(counts) == 1 or max(height, wide) > 2 * _SMALLEST:
        raise ValueError(
            "shape must be an image that can be halved down to about 7 pixels a side, such as "
            f"(1, 28, 28) or (3, 64, 64), got {tuple(shape)}"
        )
    return counts, (height, wide)


def group_norm(channels: int) -> nn.Module:
    """Group normalisation with groups of eight channels, or as near as the number allows."""
    groups = max(g for g in range(1, max(1, channels // 8) + 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)
