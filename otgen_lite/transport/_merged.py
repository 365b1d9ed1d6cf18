"""Equal atoms made one."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Merged:
    """Atoms without those that another one repeats: each place once, with all of its mass.

    Equal atoms with equal psi have the dual value of one atom, and no other psi has a larger one.
    """

    def __init__(self, y: Tensor, b: Tensor) -> None:
        self.y, self.b = y, b
        self.index: Tensor | None = None
        mixed = (y.double() * torch.arange(1, y.shape[1] + 1).to(y.device).double().sqrt()).sum(1)
        in_order = mixed.sort().values
        if not bool((in_order[1:] == in_order[:-1]).any()):
            return
        places, index = torch.unique(y, dim=0, return_inverse=True)
        if len(places) < len(y):
            self.y, self.index = places, index
            self.b = b.new_zeros(len(places)).index_add(0, index, b)

    def of(self, psi: Tensor) -> Tensor:
        """One psi for each place: the largest, which is the one that counts."""
        if self.index is None:
            return psi
        low = psi.new_full((len(self.y),), -math.inf)
        return low.scatter_reduce(0, self.index, psi, "amax")

    def spread(self, psi: Tensor) -> Tensor:
        """The psi of each atom."""
        return psi if self.index is None else psi[self.index]
