"""Fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator
from otgen_lite.networks._initial import layer, rows_of
from otgen_lite.networks._layers import Activation, maker, sizes


class MLP(nn.Sequential):
    """A fully connected network (multilayer perceptron).

    Args:
        inputs: number of inputs; data of any shape are flattened first.
        hidden: widths of the hidden layers; a single number for one hidden layer.
        outputs: number of outputs.
        activation: non-linearity between layers: a class such as
            ``torch.nn.ReLU``, a module that is copied, or a name such as ``"relu"``.
        generator: source of the initial weights: a seed, a generator, or None for torch's own.
        shape: shape of one output; (outputs,) where None.
        final: a last non-linearity, such as ``torch.nn.Sigmoid``.

    Raises:
        ValueError: if ``shape`` does not hold ``outputs`` numbers, a width is not positive, or (in
            a call) the data have another size.
        TypeError: if an argument has the wrong type.

    Chapter: 5, and every later chapter that trains.

    Example:
        >>> import torch
        >>> MLP(2, [64, 64], 1, generator=0)(torch.zeros(5, 2)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int] | int,
        outputs: int,
        *,
        activation: Activation = nn.ReLU,
        generator: Randomness = None,
        shape: tuple[int, ...] | None = None,
        final: Activation | None = None,
    ) -> None:
        widths = [_checks.count("inputs", inputs)]
        widths += sizes("hidden", hidden)
        widths += [_checks.count("outputs", outputs)]
        shape = None if shape is None else tuple(sizes("shape", shape))
        if shape is not None and math.prod(shape) != outputs:
            raise ValueError(f"shape must hold as many numbers as outputs = {outputs}, got {shape}")
        between = maker("activation", activation)
        last = None if final is None else maker("final", final)
        draw = as_generator(generator)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            if layers:
                layers.append(between())
            layers.append(layer(nn.Linear, before, after, generator=draw))
        if last is not None:
            layers.append(last())
        if shape is not None and len(shape) > 1:
            layers.append(nn.Unflatten(1, shape))
        super().__init__(*layers)
        self.in_features, self.out_features = widths[0], widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, ...) data to (n, outputs), or to ``(n, *shape)`` where a shape was given."""
        return super().forward(rows_of(x, self.in_features, "this MLP"))
