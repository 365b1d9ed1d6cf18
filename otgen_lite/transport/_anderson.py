"""Anderson acceleration of a batch of fixed-point iterations."""

from __future__ import annotations

import torch
from torch import Tensor


class Anderson:
    """The last few iterates, and the combination of them with the smallest residual.

    The form used here: for iterates g_k, images T(g_k) and residuals F_k = T(g_k) - g_k, the step
    is T(g_k) - sum_l theta_l (T(g_l+1) - T(g_l)) with theta minimising
    |F_k - sum_l theta_l (F_l+1 - F_l)|, in the norm that the weights b define: there the
    derivative of Sinkhorn's iteration is self-adjoint. No number is read on the way, so that an
    accelerator is not waited for.
    """

    def __init__(self, b: Tensor, memory: int) -> None:
        self.root = b.sqrt()
        self.memory = memory
        B, m = b.shape
        #: Differences of successive images and residuals, the oldest of which is overwritten.
        self.images = b.new_zeros((B, memory, m))
        self.residuals = b.new_zeros((B, memory, m))
        self.count = 0
        self.last: tuple[Tensor, Tensor] | None = None

    def add(self, image: Tensor, residual: Tensor) -> None:
        """Remember an iterate by its image and its residual."""
        if self.last is not None:
            slot = self.count % self.memory
            torch.sub(image, self.last[0], out=self.images[:, slot])
            torch.sub(residual, self.last[1], out=self.residuals[:, slot])
            self.count += 1
        self.last = image, residual

    def step(self) -> Tensor:
        """The next iterate."""
        assert self.last is not None
        image, residual = self.last
        k = min(self.count, self.memory)
        if k == 0:
            return image
        # Least squares by the normal equations, of k unknowns a problem.
        R = self.residuals[:, :k] * self.root[:, None, :]
        gram = torch.bmm(R, R.transpose(1, 2))
        size = gram.diagonal(dim1=1, dim2=2)
        # A little of the identity: the differences may be nearly dependent, or zero.
        size += 1e-12 * size.sum(dim=1, keepdim=True) + 1e-300
        theta, info = torch.linalg.solve_ex(gram, torch.bmm(R, (residual * self.root)[:, :, None]))
        # Where there is no solution the image is the step.
        theta = theta.masked_fill((info != 0)[:, None, None], 0.0)
        return image - torch.bmm(theta.transpose(1, 2), self.images[:, :k])[:, 0]

    def forget(self, where: Tensor) -> None:
        """Drop the past of the problems in a mask: what has no residual gets no share of a step."""
        self.residuals *= (~where)[:, None, None]

    def keep_only(self, index: Tensor) -> None:
        """Keep these problems."""
        self.root, self.images = self.root[index], self.images[index]
        self.residuals = self.residuals[index]
        if self.last is not None:
            self.last = self.last[0][index], self.last[1][index]
