"""The kernel 2^(phi_i + gamma_j - s C_ij) of two base potentials, stored or computed anew.

Its entries are kept within a range; an iteration takes a new base before they leave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from otgen_lite.transport._blocks import (
    Costs,
    Part,
    hard_columns,
    hard_pair,
    hard_rows,
    times,
    times_left,
)

#: Entries of a stored kernel that a thread reads together in a sweep.
SWEPT = 1 << 20

#: Smallest and largest entry of a stored kernel, as powers of two: no zero, subnormal or infinity.
RANGE = {torch.float32: 90, torch.float64: 600}


class Kernel(Protocol):
    """The matrix K_ij = 2^(phi_i + gamma_j - s C_ij) of base potentials phi and gamma."""

    dtype: torch.dtype
    limit: float
    phi: Tensor
    gamma: Tensor

    def start(self, gamma: Tensor, a: Tensor, b: Tensor) -> None:
        """Take a base that suits an iteration from gamma."""
        ...

    def build(self, phi: Tensor, gamma: Tensor) -> None:
        """Take these potentials as the base."""
        ...

    def rebuild(self, where: Tensor, phi: Tensor, gamma: Tensor) -> None:
        """Take these potentials as the base of the problems in the mask ``where``."""
        ...

    def sweep(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """r = K y and t = K^T (a / r)."""
        ...

    def rows(self, y: Tensor) -> Tensor:
        """K y."""
        ...

    def keep(self, index: Tensor) -> None:
        """Forget the other problems."""
        ...


class StoredKernel:
    """The kernel of base potentials phi0 and gamma0, held in memory."""

    def __init__(self, costs: Costs, dtype: torch.dtype, a: Tensor, rough: bool = False) -> None:
        self.costs, self.dtype, self.a, self.rough = costs, dtype, a.to(dtype), rough
        B, n, m = costs.shape
        self.K = torch.empty((B, n, m), dtype=dtype, device=costs.device)
        # A batched product runs at full speed only with the vector on the left.
        self.KT = self.K.new_empty((B, m, n)) if B > 1 else None
        self.limit = 20.0 if dtype == torch.float32 else 200.0
        self.phi = self.gamma = a
        # A block of rows is read once for both products, and sums in float32 stay short.
        rows = max(1, SWEPT // m)
        self.blocks = [
            (self.K[0, i : i + rows], self.a[0, i : i + rows], i) for i in range(0, n, rows)
        ]

    def start(self, gamma: Tensor, a: Tensor, b: Tensor) -> None:
        """Take a base in which rows and columns with mass have an entry that is not tiny.

        The hard transform of gamma leaves 1 as the largest entry of each row. Where a column with
        mass is left with tiny entries, the hard transform of that one gives it a 1 as well.
        """
        phi = hard_rows(self.costs, gamma, b)
        if bool((a == 0).any() or (b == 0).any()):
            return self.build(*hard_pair(self.costs, phi, a, b))
        self.build(phi, gamma)
        if bool((self.K.amax(dim=1) < 2.0**-30).any()):
            self.build(phi, hard_columns(self.costs, phi, a))

    def build(self, phi: Tensor, gamma: Tensor) -> None:
        """Take these potentials as the base."""
        self.phi, self.gamma = phi, gamma
        self._fill(self.costs, self.K, phi, gamma)
        if self.KT is not None:
            self.KT.copy_(self.K.transpose(1, 2))

    def _fill(self, costs: Costs, K: Tensor, phi: Tensor, gamma: Tensor) -> None:
        end = RANGE[self.dtype]
        for part in costs.parts():
            seen = costs.exponents(part, phi, gamma, self.rough).clamp_(-end, end)
            if seen.dtype == K.dtype:
                torch.exp2(seen, out=K[part])
            else:
                K[part].copy_(seen.exp2_())

    def rebuild(self, where: Tensor, phi: Tensor, gamma: Tensor) -> None:
        """Take these potentials as the base of the problems in the mask ``where``."""
        if bool(where.all()):
            return self.build(phi, gamma)
        index = where.nonzero()[:, 0]
        K = self.K.new_empty((len(index), *self.K.shape[1:]))
        self._fill(self.costs.only(index), K, phi[index], gamma[index])
        self.K[index] = K
        assert self.KT is not None
        self.KT[index] = K.transpose(1, 2)
        self.phi = torch.where(where[:, None], phi, self.phi)
        self.gamma = torch.where(where[:, None], gamma, self.gamma)

    def sweep(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """r = K y and t = K^T (a / r)."""
        y = y.to(self.dtype)
        if self.KT is None:
            r = torch.empty_like(self.a[0])
            t = y.new_zeros(y.shape[1], dtype=torch.float64)
            for K, a, i in self.blocks:
                here = torch.mv(K, y[0], out=r[i : i + len(a)])
                t += torch.mv(K.T, a / here)
            return r[None], t[None]
        r = torch.bmm(y[:, None, :], self.KT)
        return r[:, 0], torch.bmm(self.a[:, None, :] / r, self.K)[:, 0]

    def rows(self, y: Tensor) -> Tensor:
        """K y for one problem."""
        return torch.mv(self.K[0], y[0].to(self.dtype))[None]

    def keep(self, index: Tensor) -> None:
        """Forget the other problems."""
        self.costs, self.a = self.costs.only(index), self.a[index]
        self.K, self.phi, self.gamma = self.K[index], self.phi[index], self.gamma[index]
        if self.KT is not None:
            self.KT = self.KT[index]


class StreamedKernel:
    """The same for costs that are computed anew in each sweep; one problem, in float64."""

    limit = 200.0
    dtype = torch.float64

    def __init__(self, costs: Costs, a: Tensor) -> None:
        self.costs, self.a = costs, a
        self.phi = self.gamma = a

    def start(self, gamma: Tensor, a: Tensor, b: Tensor) -> None:
        """Take the hard transform of gamma, and that one's, as the base."""
        self.build(*hard_pair(self.costs, hard_rows(self.costs, gamma, b), a, b))

    def build(self, phi: Tensor, gamma: Tensor) -> None:
        self.phi, self.gamma = phi, gamma

    def rebuild(self, where: Tensor, phi: Tensor, gamma: Tensor) -> None:
        self.build(phi, gamma)

    def sweep(self, y: Tensor) -> tuple[Tensor, Tensor]:
        r, t = torch.empty_like(self.a), torch.zeros_like(y)
        for part, kernel in self._blocks():
            r[part] = times(kernel, y)
            t += times_left(self.a[part] / r[part], kernel)
        return r, t

    def rows(self, y: Tensor) -> Tensor:
        """K y."""
        r = torch.empty_like(self.a)
        for part, kernel in self._blocks():
            r[part] = times(kernel, y)
        return r

    def _blocks(self) -> Iterator[tuple[Part, Tensor]]:
        end = RANGE[torch.float64]
        for part in self.costs.parts():
            kernel = self.costs.exponents(part, self.phi, self.gamma)
            yield part, kernel.clamp_(-end, end).exp2_()

    def keep(self, index: Tensor) -> None:
        """There is one problem only."""
