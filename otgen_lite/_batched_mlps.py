"""Small networks side by side: one for each of k models, as one batch of matrices."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class BatchedMLP:
    """k networks side by side: an affine function plus one hidden layer of tanh, which starts at 0.

    Width 0 leaves the affine function alone.
    """

    def __init__(
        self, k: int, inputs: int, width: int, outputs: int, like: Tensor, seed: int
    ) -> None:
        generator = torch.Generator("cpu").manual_seed(seed)

        def draw(*shape: int) -> Tensor:
            # One draw for all models, so that they differ by their data alone.
            w = torch.randn(*shape, generator=generator, dtype=like.dtype, device="cpu")
            return w.to(like.device).expand(k, *shape).clone().requires_grad_()

        def zeros(*shape: int) -> Tensor:
            return like.new_zeros(k, *shape).requires_grad_()

        self.width = width
        self.skip, self.level = zeros(inputs, outputs), zeros(1, outputs)
        self.parameters = [self.skip, self.level]
        if width:
            self.first, self.shift = draw(inputs, width), draw(1, width)
            self.last = zeros(width, outputs)
            self.parameters += [self.first, self.shift, self.last]

    def __call__(self, x: Tensor) -> Tensor:
        """(n, inputs) or (k, n, inputs) to (k, n, outputs)."""
        x = x.expand(len(self.skip), *x.shape[-2:])
        out = torch.baddbmm(self.level, x, self.skip)
        if self.width:
            hidden = torch.baddbmm(self.shift, x, self.first).tanh()
            out = out + hidden @ self.last
        return out


def train(
    net: BatchedMLP, loss: Callable[[], Tensor], steps: int, lr: float,
    seen: Callable[[Tensor], None] | None = None,
) -> None:  # fmt: skip
    """Adam with a cosine schedule; the models' losses (k,) do not see one another."""
    optimiser = torch.optim.Adam(net.parameters, lr=lr, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        losses = loss()
        if seen is not None:
            seen(losses.detach())
        losses.sum().backward()
        optimiser.step()
        schedule.step()
