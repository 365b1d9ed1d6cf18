"""Full precision: what the context closes, that it puts everything back, and who uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

import otgen_lite as otg
from otgen_lite.divergences import Penalty
from otgen_lite.divergences.base import in_full_precision
from otgen_lite.precision import full_precision, lifted

CUDA, CPU = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul
X = torch.randn(6, 12, generator=torch.Generator().manual_seed(0))

#: Ways in which a user allows short products.
WAYS: dict[str, Callable[[], Any]] = {
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "allow_tf32": lambda: setattr(CUDA, "allow_tf32", True),
    "of CUDA": lambda: setattr(CUDA, "fp32_precision", "tf32"),
    "of the CPU": lambda: setattr(CPU, "fp32_precision", "bf16"),
    "of all": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
}


def settings() -> list[str]:
    return [CUDA.fp32_precision, CPU.fp32_precision]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    kept = [torch.backends.fp32_precision, *settings()]
    yield
    torch.backends.fp32_precision, CUDA.fp32_precision, CPU.fp32_precision = kept


@pytest.mark.parametrize("way", WAYS)
def test_products_are_whole_inside_and_the_settings_come_back(way: str) -> None:
    WAYS[way]()
    before = settings()
    assert set(before) & {"tf32", "bf16"}
    with full_precision(X), full_precision(X):
        assert set(settings()) <= {"none", "ieee"}
    assert settings() == before
    with pytest.raises(ZeroDivisionError), full_precision(X):
        raise ZeroDivisionError
    assert settings() == before


def test_without_a_short_product_no_setting_is_touched() -> None:
    before = settings()
    with full_precision(X):
        assert settings() == before


def test_autocast_is_off_inside() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert (X @ X.T).dtype == torch.bfloat16
        with full_precision(X):
            assert torch.equal(X @ X.T, torch.einsum("ik,jk->ij", X, X))
            assert (X @ X.T).dtype == torch.float32
        assert (X @ X.T).dtype == torch.bfloat16


def test_a_compiler_can_follow_it() -> None:
    def product(x: Tensor) -> Tensor:
        with full_precision(x):
            return x @ x.T

    compiled = torch.compile(product, backend="eager", fullgraph=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(compiled(X), product(X))


def test_half_precision_is_lifted_and_nothing_is_lowered() -> None:
    for short in (torch.float16, torch.bfloat16):
        assert lifted(X.to(short)).dtype == torch.float32
    for whole in (X, X.double()):
        assert lifted(whole) is whole


class Looking(Penalty):
    """A penalty that notes the settings."""

    @in_full_precision
    def forward(self, q: Tensor, p: Tensor, noise: Any = None) -> Tensor:
        """The mean of the codes."""
        self.seen = [q.dtype, *settings()]
        return q.mean()


def test_penalties_are_computed_in_full_precision() -> None:
    torch.set_float32_matmul_precision("medium")
    penalty = Looking()
    with torch.autocast("cpu", torch.bfloat16):
        penalty(X.bfloat16(), X)
        assert penalty.seen == [torch.float32, "ieee", "ieee"]
        penalty(X.double(), X.double())
        assert penalty.seen[0] == torch.float64


def looking(seen: list[str]) -> Callable[[Tensor, Tensor], Tensor]:
    def cost(x: Tensor, y: Tensor) -> Tensor:
        seen.extend(settings())
        return (x[:, None] - y).abs().sum(dim=2)

    return cost


@pytest.mark.parametrize("name", ["exact", "sinkhorn", "divergence", "sweeps", "WGAN", "SemiDual"])
def test_transport_is_computed_in_full_precision(name: str) -> None:
    torch.set_float32_matmul_precision("medium")
    seen: list[str] = []
    net, cost = otg.MLP(2, [4], 12, generator=0), looking(seen)
    if name == "WGAN":
        critic = otg.MLP(12, [4], 1, generator=1)
        method: otg.Method = otg.WGAN(net, critic, constraint="c-transform", cost=cost)
    elif name == "SemiDual":
        method = otg.SemiDual(net, X, cost=cost, psi_step=0.1, eps=0.5)
        seen.clear()
    else:
        exact = {"discrepancy": "exact"}
        entropic = {"discrepancy": name if name != "sweeps" else "divergence", "eps": 5.0}
        more: Any = {"sweeps": 2} if name == "sweeps" else {}
        method = otg.MKE(net, cost=cost, **(exact if name == "exact" else {**entropic, **more}))
    method("generator", X)
    assert set(seen) == {"ieee"}


def test_squared_costs_in_many_dimensions_are_products_of_whole_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    true = torch.addmm

    def spy(*values: Any, **options: Any) -> Tensor:
        seen.extend(settings())
        return true(*values, **options)

    monkeypatch.setattr(torch, "addmm", spy)
    torch.set_float32_matmul_precision("medium")
    otg.cost_matrix(X, X)
    assert set(seen) == {"ieee"}
