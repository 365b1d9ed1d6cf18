"""Layers as a stack runs them best: fewer passes over memory, the same numbers.

A stack's activations are K times those of a member and no longer fit in a core's own cache, so that
writing an intermediate result costs as much as computing it. ``vmap`` of a linear layer makes a
product and adds the bias in a pass of its own; here the bias is added in place, and so is the
rectifier that follows. Used in the skeleton of a stack only, never in the members.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

#: Below so many outputs a layer computes its transpose: a product with few columns, such as the
#: gradient of its weights would be, is several times slower than one with few rows.
NARROW = 8


class InPlaceLinear(nn.Linear):
    """A linear layer that adds its bias in place."""

    def forward(self, x: Tensor) -> Tensor:
        """x W^T + b."""
        if self.out_features < NARROW and x.ndim == 2:
            out = torch.matmul(self.weight, x.mT).mT
        else:
            out = torch.matmul(x, self.weight.mT)
        return out if self.bias is None else out.add_(self.bias)


class InPlaceSequential(nn.Sequential):
    """A chain of layers in which a rectifier right behind a linear layer works in place.

    Here, on the way through the chain, nobody else sees what the linear layer made, and its own
    gradient does not need it. A rectifier that is called by itself is as it was.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The layers, one after another."""
        layers = list(self)
        for before, after in pairwise([None, *layers]):
            fused = type(before) is InPlaceLinear and type(after) is nn.ReLU and not _hooked(after)
            input = input.relu_() if fused else after(input)  # type: ignore[misc]
        return input


def use_stacked_layers(skeleton: nn.Module) -> None:
    """Let plain linear layers, and rectifiers right behind them in a chain, work in place."""
    for module in skeleton.modules():
        if type(module) is nn.Linear and not _hooked(module):
            module.__class__ = InPlaceLinear
    for module in list(skeleton.modules()):
        if isinstance(module, nn.Sequential):
            # What a class does before and after its chain stays: a subclass's
            # ``super().forward()`` now runs the in-place chain.
            kind = type(module)
            bases = (InPlaceSequential,) if kind is nn.Sequential else (kind, InPlaceSequential)
            module.__class__ = type(f"InPlace{kind.__name__}", bases, {})


def _hooked(module: nn.Module) -> bool:
    """Whether somebody listens to the layer or computes its weights anew (spectral norm, ...)."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or hasattr(module, "parametrizations")
        or "forward" in vars(module)
    )  # fmt: skip
