"""The c-transform: by hand, by its defining property, and in its soft version."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ot.semidiscrete import semidiscrete_c_transform

import otgen_lite as otg


def problem(n: int = 6, m: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    C = torch.rand(n, m, generator=generator, dtype=torch.float64)
    return torch.randn(m, generator=generator, dtype=torch.float64), C


def test_by_hand() -> None:
    C = [[0.0, 1.0, 5.0], [4.0, 1.0, 0.0]]
    assert otg.c_transform([0.0, 0.0, 0.0], C).tolist() == [0.0, 0.0]
    assert otg.c_transform([-1.0, 0.5, 1.0], C).tolist() == [0.5, -1.0]


def test_is_the_largest_feasible_potential() -> None:
    g, C = problem()
    slack = C - otg.c_transform(g, C)[:, None] - g
    assert slack.min() >= -1e-15
    assert slack.amin(dim=1).abs().max() <= 1e-15  # every row touches: f cannot grow


def test_three_transforms_are_one() -> None:
    g, C = problem()
    f = otg.c_transform(g, C)
    g2 = otg.c_transform(f, C.T)
    assert (g2 >= g - 1e-15).all()
    torch.testing.assert_close(otg.c_transform(g2, C), f, rtol=0, atol=1e-15)


def test_ties_go_to_the_first() -> None:
    # Long rows: reductions over many entries are split, and must still find the first.
    for m in (3, 100_000):
        C = torch.ones(2, m)
        C[1, 0] = 2.0
        g = torch.zeros(m, requires_grad=True)
        otg.c_transform(g, C)[0].backward()
        assert g.grad.nonzero().tolist() == [[0]]
        g = torch.zeros(m, requires_grad=True)
        otg.c_transform(g, C)[1].backward()
        assert g.grad.nonzero().tolist() == [[1]]
        assert g.grad.sum() == -1


@pytest.mark.parametrize("eps", [0.0, 0.05, 2.0])
def test_gradients_agree_with_differences(eps: float) -> None:
    g, C = (t.requires_grad_() for t in problem())
    assert torch.autograd.gradcheck(lambda u, v: otg.c_transform(u, v, eps), (g, C))


def test_soft_version_by_its_formula() -> None:
    g, C = problem()
    b = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.0], dtype=torch.float64)
    for eps in (0.1, 1.0, 10.0):
        uniform = -eps * torch.log(torch.exp((g - C) / eps).mean(dim=1))
        weighted = -eps * torch.log((b * torch.exp((g - C) / eps)).sum(dim=1))
        torch.testing.assert_close(otg.c_transform(g, C, eps), uniform, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(otg.c_transform(g, C, eps, b), weighted, rtol=1e-12, atol=1e-12)


def test_soft_version_tends_to_the_hard_one_from_above() -> None:
    g, C = problem()
    hard = otg.c_transform(g, C)
    for eps in (1e-2, 1e-6, 1e-12, 1e-200):
        soft = otg.c_transform(g, C, eps)
        assert (soft >= hard - 1e-15).all()
        # -eps log(mean) <= min + eps log m
        assert (soft <= hard + eps * np.log(5) + 1e-15).all()


def test_soft_version_of_far_numbers_does_not_overflow() -> None:
    g, C = problem()
    f = otg.c_transform(1e6 * g, 1e6 * C, eps=1e-3)
    torch.testing.assert_close(f, otg.c_transform(1e6 * g, 1e6 * C), rtol=0, atol=1e-2)
    assert otg.c_transform(g.float(), C.float(), eps=1e-6).isfinite().all()


def test_atoms_without_weight_are_not_there() -> None:
    g, C = problem()
    b = torch.tensor([0.5, 0.0, 0.25, 0.25, 0.0], dtype=torch.float64)
    kept = b > 0
    # The absent atoms would win by far, so that a shift that looks at them would underflow.
    g = torch.where(kept, g, g + 1e4)
    g.requires_grad_()
    for eps in (1e-3, 1.0):
        f = otg.c_transform(g, C, eps, b)
        expected = otg.c_transform(g[kept], C[:, kept], eps, b[kept])
        torch.testing.assert_close(f, expected, rtol=1e-12, atol=1e-12)
        (grad,) = torch.autograd.grad(f.sum(), g)
        assert grad.isfinite().all()
        assert (grad[~kept] == 0).all()


@pytest.mark.parametrize("eps", [0.1, 1.0])
def test_derivative_in_the_weights_also_where_they_vanish(eps: float) -> None:
    g, C = problem()
    b = torch.tensor([0.5, 0.0, 0.25, 0.25, 0.0], dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(otg.c_transform(g, C, eps, b).sum(), b)
    h = 1e-7
    for k in (1, 3, 4):  # mass moves from the first atom to the k-th
        step = torch.zeros(5, dtype=torch.float64)
        step[k], step[0] = h, -h
        slope = (otg.c_transform(g, C, eps, b + step) - otg.c_transform(g, C, eps, b)).sum() / h
        assert slope.item() == pytest.approx((grad[k] - grad[0]).item(), rel=1e-4)


def test_types() -> None:
    g, C = problem()
    assert otg.c_transform(g.float(), C.float()).dtype == torch.float32
    assert otg.c_transform(g.float(), C).dtype == torch.float64
    b = torch.full((5,), 0.2, dtype=torch.float64)
    assert otg.c_transform(g.float(), C.float(), 0.1, b).dtype == torch.float32


@pytest.mark.parametrize("eps", [0.0, 0.01, 0.5])
def test_against_pot(eps: float) -> None:
    generator = torch.Generator().manual_seed(3)
    x, y = (torch.randn(n, 3, generator=generator, dtype=torch.float64) for n in (50, 8))
    psi = torch.randn(8, generator=generator, dtype=torch.float64)
    b = torch.rand(8, generator=generator, dtype=torch.float64) + 0.1
    b = b / b.sum()
    peer = semidiscrete_c_transform(y, x, psi, a_target=b, reg=eps)
    ours = otg.c_transform(psi, otg.cost_matrix(x, y), eps, b)
    torch.testing.assert_close(ours, peer, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_derivative_in_the_potential_is_minus_the_plan(eps: float) -> None:
    g, C = problem()
    b = torch.tensor([0.1, 0.2, 0.3, 0.3, 0.1], dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(lambda u: otg.c_transform(u, C, eps, b), g)
    slack = C - g
    if eps == 0.0:
        plan = torch.nn.functional.one_hot(slack.argmin(dim=1), 5).double()
    else:
        plan = b * torch.exp(-slack / eps)
        plan = plan / plan.sum(dim=1, keepdim=True)
    torch.testing.assert_close(slope, -plan, rtol=0, atol=1e-12)
