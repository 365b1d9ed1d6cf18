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
    Numbers,
    Part,
    block_size,
    hard_columns,
    hard_pair,
    hard_rows,
    times,
    times_left,
)

#: Smallest and largest entry of a stored kernel, as powers of two: no zero, subnormal or infinity.
RANGE = {torch.float32: (-80.0, 60.0), torch.float64: (-600.0, 600.0)}

#: Factors of rows and columns, as powers of two, beyond which their logarithms become the base.
LIMIT = {torch.float32: 40.0, torch.float64: 200.0}

#: Where factors are cut off, so that no product overflows before the next look at them.
REACH = {torch.float32: 50.0, torch.float64: 300.0}

#: Blocks of a stored kernel in float32 that are read once for both products of a sweep.
BLOCKS_PER_PASS = 4


class Kernel(Protocol):
    """The matrix K_ij = 2^(phi_i + gamma_j - s C_ij) of base potentials phi and gamma."""

    dtype: torch.dtype
    phi: Tensor
    gamma: Tensor

    def start(self, gamma: Tensor | None, a: Tensor | None, b: Tensor | None) -> None:
        """Take a base that suits an iteration from gamma, or from anywhere.

        Weights are given where an atom is without mass.
        """
        ...

    def build(self, phi: Tensor, gamma: Tensor) -> None:
        """Take these potentials as the base."""
        ...

    def rebuild(self, where: Numbers, phi: Tensor, gamma: Tensor) -> None:
        """Take these potentials as the base of the problems in a mask."""
        ...

    def sweep(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """r = K y and t = K^T (a / r), both cut off at 2^REACH and its inverse."""
        ...

    def rows(self, y: Tensor) -> Tensor:
        """K y."""
        ...

    def keep_only(self, index: Tensor) -> None:
        """Keep these problems."""
        ...


class StoredKernel:
    """The kernel of base potentials phi0 and gamma0, held in memory."""

    def __init__(self, costs: Costs, dtype: torch.dtype, a: Tensor, rough: bool = False) -> None:
        self.costs, self.dtype, self.a, self.rough = costs, dtype, a.to(dtype), rough
        B, n, m = costs.shape
        #: The problems that are left, by their numbers in ``costs``.
        self.of: Tensor | None = None
        self.K = torch.empty((B, n, m), dtype=dtype, device=costs.device)
        # A batched product runs at full speed only with the vector on the left.
        self.KT = self.K.new_empty((B, m, n)) if B > 1 else None
        self.limit, self.reach = LIMIT[dtype], REACH[dtype]
        self.phi = self.gamma = a
        # A block of rows is read once for both products, and sums in float32 stay short.
        rows = max(1, BLOCKS_PER_PASS * block_size(costs.device) // m)
        self.blocks = [
            (self.K[0, i : i + rows], self.a[0, i : i + rows], i) for i in range(0, n, rows)
        ]

    def start(self, gamma: Tensor | None, a: Tensor | None, b: Tensor | None) -> None:
        """Take a base in which rows and columns with mass have an entry that is not tiny.

        Hard transforms of one another leave 1 as the largest entry of each row and column. Where
        the start is given, it is the base as long as its columns are not tiny.
        """
        if gamma is None or a is not None or b is not None:
            return self.build(*hard_pair(self.costs, gamma, a, b))
        phi = hard_rows(self.costs, gamma, b)
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
        low, high = RANGE[self.dtype]
        for part in costs.parts():
            if self.rough:
                exponents = costs.rough_exponents(part, phi, gamma)
                torch.exp2(exponents.clamp_(low, high).float(), out=K[part])
            else:  # an exponent of 30 in float32 would leave six digits of the entry
                K[part].copy_(costs.exponents(part, phi, gamma).clamp_(low, high).exp2_())

    def rebuild(self, where: Numbers, phi: Tensor, gamma: Tensor) -> None:
        """Take these potentials as the base of the problems in a mask."""
        if self.of is None and where.all():
            return self.build(phi, gamma)
        index = torch.from_numpy(where.nonzero()[0]).to(phi.device)
        K = self.K.new_empty((len(index), *self.K.shape[1:]))
        of = index if self.of is None else self.of[index]
        self._fill(self.costs.only(of), K, phi[index], gamma[index])
        self.K[index] = K
        assert self.KT is not None
        self.KT[index] = K.transpose(1, 2)
        self.phi = self.phi.index_copy(0, index, phi[index])
        self.gamma = self.gamma.index_copy(0, index, gamma[index])

    def sweep(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """r = K y and t = K^T (a / r), both cut off at 2^REACH and its inverse."""
        low, high = 2.0**-self.reach, 2.0**self.reach
        if self.KT is not None:
            rows = torch.bmm(y[:, None, :], self.KT).clamp_(low, high)
            columns = torch.bmm(self.a[:, None, :] / rows, self.K).clamp_(low, high)
            return rows[:, 0], columns[:, 0]
        r = torch.empty_like(self.a[0])
        t: Tensor | None = None
        for K, a, i in self.blocks:
            here = torch.mv(K, y[0], out=r[i : i + len(a)]).clamp_(low, high)
            part = torch.mv(K.T, a / here)
            t = part if t is None else t.double() + part
        assert t is not None
        return r[None], t.to(self.dtype).clamp_(low, high)[None]

    def rows(self, y: Tensor) -> Tensor:
        """K y for one problem."""
        return torch.mv(self.K[0], y[0])[None]

    def keep_only(self, index: Tensor) -> None:
        """Keep these problems."""
        self.of = index if self.of is None else self.of[index]
        self.a = self.a[index]
        self.K, self.phi, self.gamma = self.K[index], self.phi[index], self.gamma[index]
        if self.KT is not None:
            self.KT = self.KT[index]


class StreamedKernel:
    """The same for costs that are computed anew in each sweep; one problem."""

    def __init__(self, costs: Costs, dtype: torch.dtype, a: Tensor, rough: bool = False) -> None:
        self.costs, self.dtype, self.a, self.rough = costs, dtype, a.to(dtype), rough
        self.limit, self.reach = LIMIT[dtype], REACH[dtype]
        self.phi = self.gamma = a

    def start(self, gamma: Tensor | None, a: Tensor | None, b: Tensor | None) -> None:
        """Take the hard transform of gamma, and that one's, as the base."""
        self.build(*hard_pair(self.costs, gamma, a, b))

    def build(self, phi: Tensor, gamma: Tensor) -> None:
        self.phi, self.gamma = phi, gamma

    def rebuild(self, where: Numbers, phi: Tensor, gamma: Tensor) -> None:
        self.build(phi, gamma)

    def sweep(self, y: Tensor) -> tuple[Tensor, Tensor]:
        low, high = 2.0**-self.reach, 2.0**self.reach
        r, t = torch.empty_like(self.a), torch.zeros_like(y, dtype=torch.float64)
        for part, kernel in self._blocks():
            r[part] = times(kernel, y).clamp_(low, high)
            t += times_left(self.a[part] / r[part], kernel)
        return r, t.to(self.dtype).clamp_(low, high)

    def rows(self, y: Tensor) -> Tensor:
        """K y."""
        r = torch.empty_like(self.a)
        for part, kernel in self._blocks():
            r[part] = times(kernel, y)
        return r

    def _blocks(self) -> Iterator[tuple[Part, Tensor]]:
        low, high = RANGE[self.dtype]
        for part in self.costs.parts():
            if self.rough:
                exponents = self.costs.rough_exponents(part, self.phi, self.gamma)
                yield part, exponents.clamp_(low, high).float().exp2_()
            else:
                exponents = self.costs.exponents(part, self.phi, self.gamma)
                yield part, exponents.clamp_(low, high).exp2_().to(self.dtype)

    def keep_only(self, index: Tensor) -> None:
        """There is one problem only."""
