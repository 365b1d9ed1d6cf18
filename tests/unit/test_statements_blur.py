"""Tools of chapter 11 against closed forms, by routes that no page takes."""

from __future__ import annotations

import pytest
import torch

from otgen_lite.statements import _blur, blur, overlap


def test_both_parts_of_a_rate_against_closed_forms() -> None:
    """One datum says nothing; two that are far apart say log 2; a blind encoder costs nothing."""
    kl, info = _blur.split_rate(torch.tensor([[0.5, -1.0]]), torch.tensor([[-1.0, 0.3]]))
    v = torch.tensor([-1.0, 0.3]).exp()
    closed = (v + torch.tensor([0.25, 1.0]) - 1 - v.log()).sum() / 2
    assert kl.item() == pytest.approx(closed.item(), abs=1e-6)
    assert abs(info) < 1e-9
    far = torch.tensor([[-4.0, 0.0], [4.0, 0.0]])
    assert _blur.split_rate(far, torch.full((2, 2), -3.0))[1].item() == pytest.approx(
        0.6931471806, abs=1e-8
    )
    assert _blur.split_rate(torch.zeros(3, 2), torch.zeros(3, 2)).abs().max() < 1e-9


def test_the_table_of_the_pitchfork() -> None:
    for var, g in ((0.1, 1.0), (0.25, 0.99933), (0.5, 0.957504), (0.8, 0.710412),
                   (0.9, 0.525430), (0.99, 0.172511), (1.0, 0.0), (2.0, 0.0)):  # fmt: skip
        assert overlap.fork(var) == pytest.approx(g, abs=1e-5)


def test_iterating_the_posterior_raises_the_likelihood_and_ends_at_the_fork() -> None:
    u = torch.linspace(-1.5, 1.5, 601, dtype=torch.float64)
    C = (torch.tensor([[-1.0], [1.0]], dtype=torch.float64) - u).square()
    a = torch.tensor([0.5, 0.5], dtype=torch.float64)
    b, last = torch.full((601,), 1 / 601, dtype=torch.float64), float("inf")
    for _ in range(400):
        V = blur.vae_value(C, a, b, 1.0).item()
        assert last + 1e-12 >= V
        b, last = a @ blur.posterior(C, b, 1.0), V
    assert (b @ u.square()).sqrt().item() == pytest.approx(0.957504, abs=2e-2)


def test_the_laplacian_is_that_of_the_metric() -> None:
    from otgen_lite.metrics import sharpness

    x = torch.rand(1, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    L = blur.laplacian(5, 7)
    assert (L @ x.ravel()).square().sum().item() == pytest.approx(sharpness(x), rel=1e-12)
