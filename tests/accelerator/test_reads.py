"""How often a solver waits for a number of the device: each such read stops an accelerator."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

import otgen_lite as otg

#: Operations whose result, or its shape, the CPU has to know before it goes on.
READS = {
    "_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select",
    "_linalg_check_errors", "_unique2", "unique_consecutive",
}  # fmt: skip


class Reads(TorchDispatchMode):
    """Counts what reads numbers of the device, by operation."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.kind = device.type
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func._schema.name.removeprefix("aten::")
        if any(self._here(value) for value in pytree.tree_leaves((args, kwargs))):
            copied = name in ("_to_copy", "copy_") and not self._here(self._target(args, out, name))
            # An index by a mask asks how many entries are true.
            masked = name.startswith("index") and any(
                value.dtype == torch.bool for value in pytree.tree_leaves(args[1:2])
                if isinstance(value, Tensor)
            )  # fmt: skip
            if name in READS or copied or masked:
                self.found[name] += 1
        return out

    def _here(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.device.type == self.kind

    @staticmethod
    def _target(args: Any, out: Any, name: str) -> Any:
        return args[0] if name == "copy_" else out

    @property
    def total(self) -> int:
        return sum(self.found.values())


def points(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) * 0.5 + 1.0
    return torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)


def test_reads_are_counted(device: torch.device) -> None:
    x, _ = points(5, device)
    with Reads(device) as reads:
        float(x.sum())
        x.tolist()
        x.cpu()
        x[x > 0]
        bool((x > 0).any())
        torch.linalg.solve(x[:2], x[:2])
        torch.equal(x, x)
        x[0] = x.new_zeros(2)
        x.where(x > 0, x) * 2.0
    assert reads.total == 7, reads.found


def problem(device: torch.device, n: int, eps: float) -> tuple[Tensor, float]:
    """Costs between n points and n points, and ``eps`` times the largest."""
    x, y = points(n, device)
    C = (x[:, None] - y).square().sum(2)
    return C, eps * float(C.max())


def budget(sweeps: int, starts: int = 1) -> int:
    """One read in ten sweeps, and ten for the start and the end of each solve."""
    return 10 * starts + sweeps // 10


@pytest.mark.parametrize("eps", [1e-2, 1e-3, 3e-4])
def test_one_problem(device: torch.device, eps: float) -> None:
    C, scaled = problem(device, 120, eps)
    with Reads(device) as reads:
        r = otg.solve_sinkhorn(C, scaled)
    assert r.converged
    assert 0 < reads.total <= budget(r.n_iter), (r.n_iter, reads.found)
    if r.n_iter > 400:
        assert 10 * reads.total <= r.n_iter, (r.n_iter, reads.found)


def test_given_weights(device: torch.device) -> None:
    C, scaled = problem(device, 120, 1e-3)
    a = torch.linspace(0.0, 1.0, 120, dtype=torch.float64, device=device)
    with Reads(device) as reads:
        r = otg.solve_sinkhorn(C, scaled, a / a.sum(), a.flip(0) / a.sum())
    # Each of the two is checked by three.
    assert reads.total <= 6 + budget(r.n_iter), (r.n_iter, reads.found)


@pytest.mark.parametrize("block", [None, 50])
@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean", "callable"])
def test_points(device: torch.device, cost: Any, block: int | None) -> None:
    x, y = points(120, device)
    if cost == "callable":
        cost = lambda x, y: (x[:, None] - y).abs().sum(2) ** 1.5  # noqa: E731
    with Reads(device) as reads:
        r = otg.solve_sinkhorn_points(x, y, 1e-2, cost, block=block)
    # The points are looked at once, not in each block of each sweep.
    assert r.converged
    assert reads.total <= budget(r.n_iter), (r.n_iter, reads.found)


def test_batch(device: torch.device) -> None:
    C, scaled = problem(device, 60, 2e-3)
    with Reads(device) as reads:
        r = otg.solve_sinkhorn(torch.stack([k * C for k in (1, 2, 4, 8)]), scaled)
    assert r.converged.all()
    assert r.n_iter.unique().numel() > 1
    assert reads.total <= budget(int(r.n_iter.max())), (r.n_iter, reads.found)


def test_divergence(device: torch.device) -> None:
    x, y = points(120, device)
    sweeps = otg.solve_sinkhorn_points(x, y, 1e-2).n_iter
    with Reads(device) as reads:
        otg.sinkhorn_divergence(x.requires_grad_(), y, 1e-2).backward()
    # The two problems of a measure with itself take no more sweeps than the other.
    assert reads.total <= budget(3 * sweeps, starts=3), (sweeps, reads.found)
