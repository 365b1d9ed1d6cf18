"""Numbers that must not decide: a large eps, far codes, a cost that is symmetric at first sight."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import otgen_lite as otg


def clouds() -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(30, 2, generator=g, dtype=torch.float64)
    return x, 1.5 * torch.randn(20, 2, generator=g, dtype=torch.float64) + 0.3


@pytest.mark.parametrize("eps", [1e6, 1e9, 1e12, 1e15, 1e30])
def test_a_large_eps_leaves_the_distance_of_the_means(eps: float) -> None:
    # S = |m1 - m2|^2 + O(1 / eps), W = mean cost + O(1 / eps), f = its row means less half of it.
    x, y = clouds()
    x.requires_grad_()
    means = x.mean(dim=0) - y.mean(dim=0)
    value = otg.sinkhorn_divergence(x, y, eps)
    (slope,) = torch.autograd.grad(value, x)
    tight = 1e-13 + 1e2 / eps
    assert value.item() == pytest.approx(means.square().sum().item(), abs=tight)
    torch.testing.assert_close(slope, (2 * means / 30).expand(30, 2), rtol=0, atol=tight)
    C = otg.cost_matrix(x, y).detach()
    for r in (otg.solve_sinkhorn(C, eps), otg.solve_sinkhorn_points(x.detach(), y, eps)):
        assert r.value.item() == pytest.approx(C.mean().item(), abs=tight)
        expected = C.mean(dim=1) - C.mean() / 2
        torch.testing.assert_close(r.potentials[0], expected, rtol=0, atol=tight)


def test_one_of_a_batch_may_have_a_large_eps() -> None:
    x, y = clouds()
    C = otg.cost_matrix(x, y)
    eps = torch.tensor([0.5, 1e12], dtype=torch.float64)
    both = otg.solve_sinkhorn(torch.stack([C, C]), eps, tol=1e-9)
    assert both.value[0].item() == pytest.approx(otg.solve_sinkhorn(C, 0.5, tol=1e-9).value.item())
    assert both.value[1].item() == pytest.approx(C.mean().item(), rel=1e-9)


def test_a_cost_must_be_symmetric_at_every_pair() -> None:
    def late(p: Tensor, q: Tensor) -> Tensor:  # asymmetric far out only, where few points are
        uphill = (q[:, 0] > p[:, :1]) & (q[:, 0].abs() > 2.2)
        return torch.cdist(p, q).square() * (1 + 0.5 * uphill)

    def hidden(p: Tensor, q: Tensor) -> Tensor:  # 1e9 for one pair excuses nothing
        large = 1e9 * (p[:, :1] > 2.0) * (q[:, 0] > 2.0)
        return torch.cdist(p, q).square() + large + 0.1 * (q[:, 0] > p[:, :1])

    x, y = clouds()
    x = x[x[:, 0].abs().argsort()]
    for cost in (late, hidden):
        with pytest.raises(ValueError, match="cost must be symmetric"):
            otg.sinkhorn_divergence(x, y, 0.5, cost)
    value = otg.sinkhorn_divergence(x, y, 0.5, lambda p, q: torch.cdist(p, q).square(), tol=1e-9)
    plain = otg.sinkhorn_divergence(x, y, 0.5, tol=1e-9)
    assert value.item() == pytest.approx(plain.item(), rel=1e-7)


@pytest.mark.parametrize("kernel", ["imq", "rbf", "multi"])
@pytest.mark.parametrize("d", [2, 8, 20])
@pytest.mark.parametrize("far", [1e3, 1e4, 1e6])
def test_codes_far_from_the_prior(kernel: str, d: int, far: float) -> None:
    g = torch.Generator().manual_seed(0)
    p, q = (torch.randn(60, d, generator=g) for _ in range(2))
    one = q.clone()
    one[0] += far
    for codes in (q + far, one):
        for statistic in ("u", "v"):
            penalty = otg.MMD(kernel, statistic=statistic)
            # The direct sum over pairs, of the same float32 codes.
            sums = []
            for a, b in ((codes, codes), (p, p), (codes, p)):
                r2 = torch.cdist(
                    a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist"
                ).square()
                C = 2.0 * d
                scales = [C * f for f in (0.1, 0.2, 0.5, 1, 2, 5, 10)] if kernel == "multi" else [C]
                k = torch.exp(-r2 / C) if kernel == "rbf" else sum(c / (c + r2) for c in scales)
                same = a is b and statistic == "u"
                n, m = k.shape
                sums.append((k.sum() - (k.trace() if same else 0)) / (n * (m - 1 if same else m)))
            direct = (sums[0] + sums[1] - 2 * sums[2]).item()
            assert penalty(codes, p).item() == pytest.approx(direct, rel=1e-4, abs=1e-5)


def test_a_cost_on_the_line_beyond_all_numbers() -> None:
    far = 1e200
    assert otg.wasserstein_1d([far, 1.0], [far, 2.0], p=2).item() == 0.5
    assert otg.wasserstein_1d([far, 1.0], [far, 2.0], p=3).item() == 0.5
    x = torch.tensor([far, 1.0], dtype=torch.float64, requires_grad=True)
    otg.wasserstein_1d(x, [far, 2.0], p=3).backward()
    assert x.grad.tolist() == [0.0, -1.5]
    for points, p in (([2 * far], 2.0), ([-1e308], 1.0), ([1e10], 50.0)):
        with pytest.raises(ValueError, match="x and y must be so near that the cost"):
            otg.wasserstein_1d(points, [far if p == 2.0 else 1e308 if p == 1.0 else 0.0], p)


@pytest.mark.parametrize("far", [1e4, 1e6, 1e8])
@pytest.mark.parametrize("d", [2, 12])
def test_an_outlier_in_both_takes_no_digits_from_entropic_costs(d: int, far: float) -> None:
    g = torch.Generator().manual_seed(d)
    x, y = (torch.randn(20, d, generator=g, dtype=torch.float64) for _ in range(2))
    out = torch.full((2, d), far, dtype=torch.float64)
    out[1] += 0.5
    x, y = torch.cat([x, out]), torch.cat([y, out + 0.25])
    # Float64 knows the costs of the far points among themselves to 1e-8 at 1e8, by subtraction.
    C = (x[:, None] - y).square().sum(dim=2)
    wanted = otg.solve_sinkhorn(C, 0.5, tol=1e-9).value.item()
    for block in (None, 5):
        found = otg.solve_sinkhorn_points(x, y, 0.5, tol=1e-9, block=block).value.item()
        assert found == pytest.approx(wanted, rel=1e-6)
