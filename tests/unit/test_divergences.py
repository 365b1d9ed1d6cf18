"""Penalties against closed forms, laws and second implementations."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import ot
import pytest
import torch
from torch import Tensor

import otgen_lite as otg
from otgen_lite.divergences.mmd import SCALES
from otgen_lite.divergences.sliced import quantile_pairs

KERNELS = ["imq", "rbf", "multi"]


def draws(n: int, d: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def kernel_value(name: str, squared: Tensor, scale: float) -> Tensor:
    """The kernel by its definition."""
    if name == "rbf":
        return torch.exp(-squared / scale)
    factors = SCALES if name == "multi" else (1.0,)
    return sum((f * scale / (f * scale + squared) for f in factors), torch.zeros_like(squared))


def mmd_by_loops(q: Tensor, p: Tensor, name: str, scale: float, statistic: str) -> float:
    """Both statistics by their definition, one pair after another."""

    def mean(x: Tensor, y: Tensor, same: bool) -> float:
        values = [
            float(kernel_value(name, (a - b).square().sum(), scale))
            for i, a in enumerate(x)
            for j, b in enumerate(y)
            if not (same and statistic == "u" and i == j)
        ]
        return sum(values) / len(values)

    return mean(q, q, True) + mean(p, p, True) - 2.0 * mean(q, p, False)


def expected_rbf(shift: float, spread: float, d: int, scale: float) -> float:
    """The discrepancy of N(shift, spread^2 I) and N(0, I): means of k are Gaussian integrals."""

    def mean(distance: float, variance: float) -> float:
        wide = scale + 2.0 * variance
        return (scale / wide) ** (d / 2) * math.exp(-d * distance**2 / wide)

    between = mean(shift, spread**2 + 1.0)
    return mean(0.0, 2.0 * spread**2) + mean(0.0, 2.0) - 2.0 * between


class TestMMD:
    @pytest.mark.parametrize("statistic", ["u", "v"])
    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("d", [1, 3, 12])
    def test_definition(self, kernel: str, statistic: str, d: int) -> None:
        # Far from the origin, where squared distances by a matrix product would cancel.
        q, p = draws(9, d, 0) * 1.5 + 1e4, draws(7, d, 1) + 1e4
        value = otg.MMD(kernel, scale=1.7, statistic=statistic)(q, p)
        expected = mmd_by_loops(q, p, kernel, 1.7, statistic)
        # Numbers near 1e4 hold 12 digits of the differences themselves.
        assert float(value) == pytest.approx(expected, abs=1e-11)

    def test_default_scale_is_the_priors_mean_squared_distance(self) -> None:
        p = draws(4000, 3, 0)
        assert float(torch.pdist(p).square().mean()) == pytest.approx(6.0, abs=0.1)
        q = draws(20, 3, 1)
        assert torch.equal(otg.MMD()(q, p[:20]), otg.MMD(scale=6.0)(q, p[:20]))

    @pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (0.7, 1.0), (0.3, 1.8)])
    def test_u_statistic_has_the_mean_of_the_closed_form(self, shift: float, spread: float) -> None:
        d, n, repeats, scale = 2, 12, 3000, 2.0
        penalty = otg.MMD("rbf", scale=scale, statistic="u")
        q, p = draws(n * repeats, d, 2) * spread + shift, draws(n * repeats, d, 3)
        values = torch.func.vmap(penalty)(q.view(repeats, n, d), p.view(repeats, n, d))
        error = float(values.std()) / math.sqrt(repeats)
        expected = expected_rbf(shift, spread, d, scale)
        # Four standard errors; the V-statistic is off by thirty.
        assert abs(float(values.mean()) - expected) < 4.0 * error
        biased = torch.func.vmap(otg.MMD("rbf", scale=scale, statistic="v"))(
            q.view(repeats, n, d), p.view(repeats, n, d)
        )
        bias = (2.0 - expected_mean(spread, d, scale) - expected_mean(1.0, d, scale)) / n
        assert abs(float(biased.mean()) - expected - bias) < 4.0 * error
        assert bias > 30.0 * error

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_v_statistic_is_never_negative_and_zero_at_equality(self, kernel: str) -> None:
        penalty = otg.MMD(kernel, statistic="v")
        for seed in range(20):
            q, p = draws(8, 2, seed), draws(11, 2, 100 + seed)
            assert float(penalty(q, p)) > 0.0
            assert float(penalty(q, q.flip(0))) == pytest.approx(0.0, abs=1e-14)

    @pytest.mark.parametrize("statistic", ["u", "v"])
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_increasing_in_a_shift(self, kernel: str, statistic: str) -> None:
        q, p = draws(200, 2, 0), draws(200, 2, 1)
        penalty = otg.MMD(kernel, statistic=statistic)
        values = [float(penalty(q + s, p)) for s in (0.0, 0.3, 0.6, 1.0, 1.5, 2.0)]
        assert all(a < b for a, b in pairwise(values))

    def test_symmetric_and_blind_to_rotations(self) -> None:
        q, p = draws(30, 3, 0), draws(20, 3, 1) + 0.5
        penalty = otg.MMD()
        turn = torch.linalg.qr(draws(3, 3, 2)).Q
        assert float(penalty(q, p)) == pytest.approx(float(penalty(p, q)), abs=1e-14)
        assert float(penalty(q @ turn, p @ turn)) == pytest.approx(float(penalty(q, p)), abs=1e-14)

    @pytest.mark.parametrize("statistic", ["u", "v"])
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_gradient_by_finite_differences(self, kernel: str, statistic: str) -> None:
        q, p = draws(6, 2, 0).requires_grad_(), draws(5, 2, 1).requires_grad_()
        penalty = otg.MMD(kernel, scale=1.3, statistic=statistic)
        assert torch.autograd.gradcheck(lambda a, b: penalty(a, b), (q, p), rtol=1e-6, atol=1e-9)

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_second_derivative_by_finite_differences(self, kernel: str) -> None:
        q, p = draws(4, 2, 0).requires_grad_(), draws(3, 2, 1)
        penalty = otg.MMD(kernel, scale=1.3)
        assert torch.autograd.gradgradcheck(lambda a: penalty(a, p), (q,), rtol=1e-5, atol=1e-8)
        # A first derivative that can be differentiated again is the first derivative.
        (again,) = torch.autograd.grad(penalty(q, p), q, create_graph=True)
        (once,) = torch.autograd.grad(penalty(q, p), q)
        torch.testing.assert_close(again.detach(), once, rtol=1e-12, atol=1e-14)

    def test_mixed_precision_keeps_the_digits(self) -> None:
        q, p = draws(64, 4, 0).float(), draws(64, 4, 1).float()
        full = otg.MMD()(q, p)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(otg.MMD()(q, p), full)


def expected_mean(spread: float, d: int, scale: float) -> float:
    """E k(Z, Z') for Z, Z' of N(0, spread^2 I) and the RBF kernel."""
    return (scale / (scale + 4.0 * spread**2)) ** (d / 2)


class TestSlicedWasserstein:
    @pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
    @pytest.mark.parametrize(("n", "m"), [(6, 6), (6, 9), (5, 7), (1, 4)])
    def test_each_line_is_exact_transport(self, n: int, m: int, p: float) -> None:
        x, y = draws(n, 3, 0), draws(m, 3, 1)
        penalty = otg.SlicedWasserstein(4, p=p)
        noise = penalty.noise(x, torch.Generator().manual_seed(2))
        costs = []
        for line in noise["shared_lines"]:
            C = ((x @ line)[:, None] - (y @ line)[None, :]).abs().pow(p)
            costs.append(ot.emd2([], [], C.numpy()))
        assert float(penalty(x, y, noise)) == pytest.approx(np.mean(costs), abs=1e-12)

    def test_monotone_plan_has_the_right_marginals(self) -> None:
        i, j, mass = quantile_pairs(6, 10, torch.zeros(1, dtype=torch.float64))
        assert torch.allclose(torch.bincount(i, mass), torch.full((6,), 1 / 6).double())
        assert torch.allclose(torch.bincount(j, mass), torch.full((10,), 1 / 10).double())
        assert len(mass) == 6 + 10 - math.gcd(6, 10)
        assert bool((torch.diff(i) >= 0).all())
        assert bool((torch.diff(j) >= 0).all())

    def test_a_shift_is_shared_between_coordinates(self) -> None:
        d, shift = 5, draws(1, 5, 3)
        x = draws(50, d, 0)
        penalty = otg.SlicedWasserstein(d)
        # Over an orthonormal basis the mean of squared projections is |a|^2 / d, exactly.
        noise = {"shared_lines": torch.linalg.qr(draws(d, d, 1)).Q}
        expected = float(shift.square().sum()) / d
        assert float(penalty(x + shift, x, noise)) == pytest.approx(expected, rel=1e-12)

    def test_lines_have_length_one_and_come_from_the_generator(self) -> None:
        penalty = otg.SlicedWasserstein(7)
        x = draws(4, 3, 0)
        first = penalty.noise(x, torch.Generator().manual_seed(5))["shared_lines"]
        again = penalty.noise(x, torch.Generator().manual_seed(5))["shared_lines"]
        assert torch.equal(first, again)
        assert first.shape == (7, 3)
        assert torch.allclose(first.norm(dim=1), torch.ones(7).double())

    @pytest.mark.parametrize(("n", "m"), [(4, 4), (4, 6)])
    def test_gradient_by_finite_differences(self, n: int, m: int) -> None:
        q, p = draws(n, 2, 0).requires_grad_(), draws(m, 2, 1)
        penalty = otg.SlicedWasserstein(3)
        noise = penalty.noise(q.detach(), torch.Generator().manual_seed(0))
        assert torch.autograd.gradcheck(lambda a: penalty(a, p, noise), (q,), rtol=1e-6)


class TestSinkhornPenalty:
    def test_is_the_divergence(self) -> None:
        q, p = draws(20, 2, 0), draws(15, 2, 1) + 1.0
        value = otg.SinkhornPenalty(0.5, tol=1e-9)(q, p)
        assert float(value) == pytest.approx(float(otg.sinkhorn_divergence(q, p, 0.5)), abs=1e-6)

    def test_a_shift_costs_its_square(self) -> None:
        p = draws(30, 2, 0)
        value = otg.SinkhornPenalty(0.3, tol=1e-8)(p + torch.tensor([0.6, 0.8]), p)
        # The entropic bias cancels: S_eps of a shift is |a|^2, for every eps.
        assert float(value) == pytest.approx(1.0, abs=1e-5)

    def test_zero_at_equality_and_trained_by_its_gradient(self) -> None:
        p = draws(12, 2, 0)
        penalty = otg.SinkhornPenalty(0.5, tol=1e-10)
        assert float(penalty(p, p.clone())) == pytest.approx(0.0, abs=1e-12)
        q = (p + 0.7).requires_grad_()
        penalty(q, p).backward()
        # The derivative of |a|^2 / n per point, in the direction of the shift.
        assert q.grad is not None
        assert torch.allclose(q.grad.sum(0), torch.tensor([1.4, 1.4]).double(), atol=1e-6)


class TestMomentMatching:
    def test_closed_form_of_an_affine_map(self) -> None:
        p = draws(40, 3, 0)
        scale, shift = 1.7, torch.tensor([0.5, -1.0, 2.0]).double()
        q = scale * p + shift
        mean, centred = p.mean(0), p - p.mean(0)
        covariance = centred.T @ centred / 40
        expected = ((scale - 1.0) * mean + shift).square().sum()
        expected = expected + (scale**2 - 1.0) ** 2 * covariance.square().sum()
        assert float(otg.MomentMatching()(q, p)) == pytest.approx(float(expected), rel=1e-12)

    def test_blind_beyond_two_moments(self) -> None:
        q = torch.tensor([[-1.0], [1.0]]).double().repeat(3, 1)
        p = torch.tensor([-math.sqrt(3.0), 0.0, 0.0, 0.0, 0.0, math.sqrt(3.0)]).double()[:, None]
        assert float(otg.MomentMatching()(q, p)) == pytest.approx(0.0, abs=1e-14)
        assert float(otg.MMD(statistic="v")(q, p)) > 0.01

    def test_gradient_by_finite_differences(self) -> None:
        q, p = draws(5, 2, 0).requires_grad_(), draws(4, 2, 1)
        assert torch.autograd.gradcheck(lambda a: otg.MomentMatching()(a, p), (q,), rtol=1e-6)


BAD = [
    (lambda: otg.MMD("gauss"), ValueError, "kernel must be one of 'imq', 'rbf', 'multi', got"),
    (lambda: otg.MMD("imqq"), ValueError, "did you mean 'imq'?"),
    (lambda: otg.MMD(statistic="w"), ValueError, "statistic must be one of 'u', 'v', got 'w'"),
    (lambda: otg.MMD(scale=0.0), ValueError, "scale must be a finite number > 0, got 0.0"),
    (lambda: otg.MMD(scale=-1), ValueError, "scale must be a finite number > 0, got -1"),
    (lambda: otg.MMD(scale="wide"), TypeError, "scale must be a number, got 'wide'"),
    (lambda: otg.MMD()(draws(1, 2, 0), draws(5, 2, 0)), ValueError,
     "the U-statistic needs at least two points in q and in p, got 1 and 5"),
    (lambda: otg.MMD()(draws(3, 2, 0), draws(3, 4, 0)), ValueError,
     "q and p must be codes of shapes (n, d) and (m, d), got (3, 2) and (3, 4)"),
    (lambda: otg.SlicedWasserstein(0), ValueError,
     "n_projections must be a whole number >= 1, got 0"),
    (lambda: otg.SlicedWasserstein(2.5), TypeError, "n_projections must be a whole number"),
    (lambda: otg.SlicedWasserstein(p=0.5), ValueError, "p must be a finite number >= 1, got 0.5"),
    (lambda: otg.SlicedWasserstein()(draws(3, 2, 0)[0], draws(3, 2, 0)), ValueError,
     "got (2,) and (3, 2)"),
    (lambda: otg.SinkhornPenalty(0.0), ValueError, "eps must be a finite number > 0, got 0.0"),
    (lambda: otg.SinkhornPenalty(cost="sq"), ValueError, "did you mean 'sqeuclidean'?"),
    (lambda: otg.MomentMatching()(draws(3, 2, 0), draws(3, 1, 0)), ValueError,
     "got (3, 2) and (3, 1)"),
    (lambda: otg.Adversarial("critic"), TypeError,
     "discriminator must be a torch.nn.Module, got str"),
    (lambda: otg.Adversarial(otg.MLP(2, [], 3, generator=0))(draws(3, 2, 0).float(),
                                                           draws(3, 2, 0).float()),
     ValueError, "a discriminator must return shape (n,) or (n, 1), got (3, 3)"),
    (lambda: otg.MMD().critic_loss(draws(3, 2, 0), draws(3, 2, 0)), NotImplementedError,
     "MMD has no opponent to train"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message) -> None:
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
