"""Sinkhorn on cost matrices: closed forms, second solvers, rates, and what it says of itself."""

from __future__ import annotations

import math
import warnings

import numpy as np
import ot
import pytest
import torch
from generated import fixed
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

import otgen_lite as otg
from otgen_lite.transport import _blocks, _kernels, _sinkhorn, _sinkhorn_checks

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
LOG2 = math.log(2.0)


def clouds(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squared distances between two clouds in the plane, and random weights."""
    rng = np.random.default_rng([n, m, seed])
    x, y = rng.normal(size=(n, 2)), 0.5 * rng.normal(size=(m, 2)) + 1.0
    C = ((x[:, None] - y) ** 2).sum(-1)
    return C, rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))


def plain(C, eps: float, a, b, sweeps: int) -> tuple[float, np.ndarray]:
    """The textbook's iteration in the log domain: value and plan."""
    g = np.zeros(len(b))
    for _ in range(sweeps):
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f[:, None] - C) / eps, b=a[:, None], axis=0)
    return a @ f + b @ g, np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)


def solved(*args, **options) -> otg.SinkhornResult:
    """A solve that must not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return otg.solve_sinkhorn(*args, **options)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 6), (6, 1), (8, 8), (30, 17), (90, 80)])
@pytest.mark.parametrize(("rel", "sweeps"), [(0.02, 2000), (0.2, 200), (5.0, 20)])
def test_agrees_with_the_plain_iteration(n: int, m: int, rel: float, sweeps: int) -> None:
    C, a, b = clouds(n, m)
    eps = rel * C.max()
    value, P = plain(C, eps, a, b, sweeps)
    r = solved(C, eps, a, b, tol=1e-10)
    assert r.value.item() == pytest.approx(value, abs=1e-9 * C.max())
    np.testing.assert_allclose(r.plan, P, rtol=0, atol=1e-9)
    assert r.linear.item() == pytest.approx((P * C).sum(), abs=1e-8 * C.max())


@pytest.mark.parametrize("rel", [0.01, 0.3])
def test_agrees_with_the_pot_library(rel: float) -> None:
    C, a, b = clouds(40, 50)
    eps = rel * C.max()
    r = solved(C, eps, a, b, tol=1e-10)
    other = ot.solve(C, a, b, reg=eps, reg_type="KL", max_iter=50_000, tol=1e-12)
    np.testing.assert_allclose(r.plan, other.plan, rtol=0, atol=1e-9)
    assert r.value.item() == pytest.approx(other.value, abs=1e-9 * C.max())
    third = ot.sinkhorn(a, b, C, eps, numItermax=50_000, stopThr=1e-12)
    np.testing.assert_allclose(r.plan, third, rtol=0, atol=1e-9)


@fixed
@given(st.integers(1, 12), st.integers(1, 12), st.floats(1e-2, 1e3), st.integers(0, 999))
def test_finds_the_plan_that_a_problem_was_made_from(n, m, eps, seed) -> None:
    # With C = f + g - eps log(P / ab), the plan P has the form that only the optimum has.
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.ones(n * m)).reshape(n, m) * 0.5 + 0.5 / (n * m)
    a, b = P.sum(axis=1), P.sum(axis=0)
    f, g = 10.0 * rng.normal(size=n), 10.0 * rng.normal(size=m)
    C = f[:, None] + g - eps * np.log(P / np.outer(a, b))
    scale = np.abs(C).max() + eps
    r = solved(C, eps, a, b, tol=1e-11)
    np.testing.assert_allclose(r.plan, P, rtol=0, atol=1e-10)
    assert r.value.item() == pytest.approx(a @ f + b @ g, abs=1e-10 * scale)
    assert r.linear.item() == pytest.approx((P * C).sum(), abs=1e-9 * scale)
    shift = (b @ g - a @ f) / 2
    np.testing.assert_allclose(r.potentials[0], f + shift, rtol=0, atol=1e-8 * scale)
    np.testing.assert_allclose(r.potentials[1], g - shift, rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize("theta", [0.3, math.pi / 2, 2.5])
@pytest.mark.parametrize("eps", [0.05, 0.5, 20.0])
def test_two_pairs_of_antipodal_atoms(theta: float, eps: float) -> None:
    u = np.array([[math.cos(theta), math.sin(theta)]])
    C = otg.cost_matrix(np.concatenate([u, -u]), [[1.0, 0.0], [-1.0, 0.0]])
    z = abs(2 * math.cos(theta) / eps)
    log_cosh = z + math.log1p(math.exp(-2 * z)) - LOG2
    r = solved(C, eps, tol=1e-12)
    assert r.value.item() == pytest.approx(2.0 - eps * log_cosh, abs=1e-10)


@pytest.mark.parametrize("eps", [0.05, 0.5])
def test_one_cost_off_the_diagonal(eps: float) -> None:
    n = 9
    r = solved(1.0 - np.eye(n), eps, tol=1e-12)
    total = 1.0 + (n - 1) * math.exp(-1.0 / eps)
    expected = np.where(np.eye(n) > 0, 1.0, math.exp(-1.0 / eps)) / (n * total)
    np.testing.assert_allclose(r.plan, expected, rtol=0, atol=1e-12)
    assert r.value.item() == pytest.approx(eps * (math.log(n) - math.log(total)), abs=1e-11)


@pytest.mark.parametrize("eps", [0.3, 2.0])
def test_gaussians_on_a_fine_grid(eps: float) -> None:
    # SCIENCE: |m - n|^2 + A + B - D + s (1 - log 2 s) + s log(D + s), eps = 2 s, D as below.
    m, A, n, B = 0.4, 0.8**2, -0.3, 1.3**2
    s = eps / 2
    D = math.sqrt(4 * A * B + s * s)
    closed = (m - n) ** 2 + A + B - D + s * (1 - math.log(2 * s)) + s * math.log(D + s)
    t = np.linspace(-9, 9, 361)
    a, b = np.exp(-((t - m) ** 2) / (2 * A)), np.exp(-((t - n) ** 2) / (2 * B))
    r = solved((t[:, None] - t) ** 2, eps, a / a.sum(), b / b.sum(), tol=1e-9)
    assert r.value.item() == pytest.approx(closed, abs=2e-8)


def rate_of(C, eps: float, a, b) -> tuple[float, np.ndarray]:
    """Factor by which a plain sweep shrinks the error in the long run, and the plan."""
    costs = _blocks.MatrixCosts(
        torch.from_numpy(C)[None], torch.tensor([1 / (eps * LOG2)], dtype=torch.float64)
    )
    start = torch.zeros(1, len(b), dtype=torch.float64)
    weights = torch.from_numpy(a)[None], torch.from_numpy(b)[None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sinkhorn_checks, "FARTHEST", 1)  # look at the error of every sweep
        s = _sinkhorn.solve(costs, *weights, 1e-12, 100_000, start, memory=0)
    errors = s.errors().numpy()
    late = errors[(errors[:, 1] < 1e-8) & (errors[:, 1] > 1e-11)]
    late = late[np.unique(late[:, 0], return_index=True)[1]]
    slopes = np.diff(np.log(late[:, 1])) / np.diff(late[:, 0])
    assert np.ptp(slopes) <= 1e-3, "the error does not decay linearly"
    rows = a[:, None] * np.exp(LOG2 * (s.phi[0].numpy()[:, None] + s.gamma[0].numpy()) - C / eps)
    return math.exp(slopes.mean()), rows * b


@pytest.mark.parametrize("rel", [0.01, 0.03])
def test_plain_sweeps_converge_at_the_rate_of_theory(rel: float) -> None:
    C, a, b = clouds(25, 30)
    eps = rel * C.max()
    rate, P = rate_of(C, eps, a, b)
    sigma = np.linalg.svd(P / np.sqrt(np.outer(a, b)), compute_uv=False)
    assert sigma[0] == pytest.approx(1.0, abs=1e-10)
    assert rate == pytest.approx(sigma[1] ** 2, abs=1e-3)
    # Birkhoff's contraction: a bound, in terms of the kernel's projective diameter.
    turns = C[:, None, :, None] + C[None, :, None, :] - C[:, None, None, :] - C[None, :, :, None]
    assert rate <= math.tanh(np.abs(turns).max() / (4 * eps)) ** 2


def test_anderson_steps_need_a_fraction_of_the_sweeps() -> None:
    C, a, b = clouds(200, 200)
    eps = 0.002 * C.max()
    costs = _blocks.MatrixCosts(
        torch.from_numpy(C)[None], torch.tensor([1 / (eps * LOG2)], dtype=torch.float64)
    )
    weights = torch.from_numpy(a)[None], torch.from_numpy(b)[None]
    start = torch.zeros(1, 200, dtype=torch.float64)
    without = _sinkhorn.solve(costs, *weights, 1e-6, 20_000, start, memory=0)
    with_it = _sinkhorn.solve(costs, *weights, 1e-6, 20_000, start)
    assert float(without.error[0]) <= 1e-6
    assert float(with_it.error[0]) <= 1e-6
    assert 3 * int(with_it.sweeps[0]) <= int(without.sweeps[0])


def test_dual_values_rise_and_never_pass_the_optimum() -> None:
    C, a, b = clouds(60, 60)
    eps = 0.003 * C.max()
    best = solved(C, eps, a, b, tol=1e-10).value.item()
    values = []
    for sweeps in range(1, 40):
        with pytest.warns(otg.ConvergenceWarning):
            values.append(otg.solve_sinkhorn(C, eps, a, b, max_iter=sweeps).value.item())
    assert max(values) <= best + 1e-10 * C.max()
    # An Anderson step may be taken back, which costs a sweep without progress: rounding apart.
    assert np.diff(values).min() >= -1e-6 * C.max()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("dtype", "rel", "scaling"),
    [
        (torch.float32, 1e-2, False), (torch.float32, 1e-3, False), (torch.float32, 1e-3, True),
        (torch.float64, 1e-3, False), (torch.float64, 1e-4, True), (torch.float64, 1e-5, True),
    ],
)  # fmt: skip
def test_small_eps(dtype: torch.dtype, rel: float, scaling: bool, device: str) -> None:
    C, _, _ = clouds(200, 150)
    M = torch.from_numpy(C).to(device, dtype)
    r = solved(M, rel * float(M.max()), eps_scaling=scaling)
    assert r.converged
    assert r.plan.dtype == r.value.dtype == r.potentials[0].dtype == dtype
    assert r.plan.device.type == device
    P = r.plan.double().cpu().numpy()
    error = np.abs(P.sum(axis=1) - 1 / 200).sum() + np.abs(P.sum(axis=0) - 1 / 150).sum()
    # A plan in float32 has its own rounding in each entry.
    assert error <= 1e-6 + (2e-7 if dtype == torch.float32 else 0.0)
    exact = otg.solve_exact(C).value.item()
    assert exact - 1e-5 * C.max() <= r.value.item() <= exact + rel * C.max() * math.log(200)


@pytest.mark.parametrize("shift", [-1e4, 0.0, 1e6])
@pytest.mark.parametrize("factor", [-1.0, 1e-9, 1e9])
def test_offsets_and_scales(factor: float, shift: float) -> None:
    C, a, b = clouds(20, 30)
    eps = 0.05 * C.max()
    C = C if factor > 0 else -C
    base = solved(C, eps, a, b, tol=1e-9).value.item()
    moved = solved(abs(factor) * (C + shift), abs(factor) * eps, a, b, tol=1e-7).value.item()
    assert moved / abs(factor) - shift == pytest.approx(base, abs=1e-8 + 1e-14 * abs(shift))


def test_factors_stay_in_range(monkeypatch: pytest.MonkeyPatch) -> None:
    C, a, b = clouds(120, 150)
    heights: list[float] = []
    sweep = _kernels.StoredKernel.sweep

    def spy(kernel, y):
        found = sweep(kernel, y)
        heights.append(max(float(v.log2().abs().max()) / kernel.limit for v in found))
        return found

    monkeypatch.setattr(_kernels.StoredKernel, "sweep", spy)
    solved(C, 3e-4 * C.max(), a, b)
    # Prices that leave the range of the kernel become its new base: most sweeps are inside.
    outside = np.array(heights) > 1.0
    assert outside.any()
    assert outside.mean() < 0.5


def test_annealing_needs_fewer_sweeps_for_a_tiny_eps() -> None:
    C = np.random.default_rng(0).random((60, 60))
    without, with_it = (solved(C, 2e-4, eps_scaling=s, max_iter=100_000) for s in (False, True))
    assert with_it.n_iter < without.n_iter
    assert with_it.value.item() == pytest.approx(without.value.item(), abs=1e-8)


def test_eps_from_the_product_to_the_exact_plan() -> None:
    C, a, b = clouds(12, 9)
    huge = solved(C, 1e7 * C.max(), a, b, tol=1e-12)
    np.testing.assert_allclose(huge.plan, np.outer(a, b), rtol=0, atol=1e-7)
    assert huge.linear.item() == pytest.approx(a @ C @ b, abs=1e-6 * C.max())
    exact = otg.solve_exact(C, a, b)
    small = solved(C, 1e-3 * C.max(), a, b, eps_scaling=True, max_iter=100_000)
    assert small.linear.item() == pytest.approx(exact.value.item(), abs=5e-3 * C.max())
    assert small.linear.item() >= exact.value.item() - 1e-6 * C.max()


@pytest.mark.parametrize("rel", [0.5, 0.01, 1e-3])
def test_atoms_without_mass(rel: float) -> None:
    C, a, b = clouds(20, 25)
    a[3:9], b[[0, 5, 20]] = 0.0, 0.0
    a, b = a / a.sum(), b / b.sum()
    eps = rel * C.max()
    C[4] += 1e4  # of no importance, however far
    C[:, 5] += 3e4
    r = solved(C, eps, a, b, tol=1e-9)
    inner = solved(C[np.ix_(a > 0, b > 0)], eps, a[a > 0], b[b > 0], tol=1e-9)
    assert r.value.item() == pytest.approx(inner.value.item(), abs=1e-7)
    np.testing.assert_allclose(r.plan[a > 0][:, b > 0], inner.plan, rtol=0, atol=1e-8)
    assert r.plan[a == 0].abs().sum() == 0.0
    f, g = (p.numpy() for p in r.potentials)
    # There the potentials are the transforms, and the derivatives in the weights.
    expected = -eps * logsumexp((g - C) / eps, b=b, axis=1)
    np.testing.assert_allclose(f[a == 0], expected[a == 0], rtol=0, atol=1e-6 * eps + 1e-8)
    expected = -eps * logsumexp((f[:, None] - C) / eps, b=a[:, None], axis=0)
    np.testing.assert_allclose(g[b == 0], expected[b == 0], rtol=0, atol=1e-6 * eps + 1e-8)


@pytest.mark.parametrize("power", [20, 300])
def test_extreme_weights(power: int) -> None:
    rng = np.random.default_rng(power)
    a, b = 10.0 ** -rng.uniform(0, power, 30), 10.0 ** -rng.uniform(0, power, 40)
    C = rng.random((30, 40))
    r = solved(C, 0.05, a / a.sum(), b / b.sum())
    error = np.abs(r.plan.sum(1).numpy() - a / a.sum()).sum()
    assert error <= 1e-6
    assert all(p.isfinite().all() for p in r.potentials)


@pytest.mark.parametrize("device", DEVICES)
def test_a_batch_is_its_problems_one_by_one(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    C = torch.from_numpy(np.stack([clouds(15, 20, k)[0] for k in range(12)])).to(device)
    C /= C.amax(dim=(1, 2), keepdim=True)
    a = torch.from_numpy(rng.dirichlet(np.ones(15), 12)).to(device)
    b = torch.from_numpy(rng.dirichlet(np.ones(20))).to(device)
    eps = torch.logspace(-3.5, 0.5, 12, dtype=torch.float64)
    sizes, rebuilt = [], []
    sweep, rebuild = _kernels.StoredKernel.sweep, _kernels.StoredKernel.rebuild
    monkeypatch.setattr(
        _kernels.StoredKernel, "sweep", lambda k, y: (sizes.append(len(y)), sweep(k, y))[1]
    )
    monkeypatch.setattr(
        _kernels.StoredKernel,
        "rebuild",
        lambda k, where, *base: (rebuilt.append(where.tolist()), rebuild(k, where, *base))[1],
    )
    r = solved(C, eps, a, b, tol=1e-9, max_iter=100_000)
    # Problems that are done are left out, and only some of them need a new base.
    assert sizes[0] == 12
    assert min(sizes) < 6
    assert any(any(where) and not all(where) for where in rebuilt)
    assert r.value.shape == r.n_iter.shape == r.marginal_error.shape == (12,)
    assert r.converged.dtype == torch.bool
    assert r.converged.all()
    assert r.errors.shape[1] == 13
    for k in range(12):
        one = solved(C[k], float(eps[k]), a[k], b, tol=1e-9, max_iter=100_000)
        assert one.value.item() == pytest.approx(r.value[k].item(), abs=1e-10)
        assert (one.plan - r.plan[k]).abs().max() <= 1e-8
        for mine, its in zip(one.potentials, r.potentials, strict=True):
            assert (mine - its[k]).abs().max() <= 1e-7
    # Those that have converged are not swept on.
    assert r.n_iter[0] > 3 * r.n_iter[-1]


def test_pieces_of_a_batch_make_one_result(monkeypatch: pytest.MonkeyPatch) -> None:
    C = torch.from_numpy(np.random.default_rng(1).random((7, 10, 11)))
    eps = torch.linspace(0.02, 1.0, 7, dtype=torch.float64)
    whole = solved(C, eps)
    monkeypatch.setattr("otgen_lite.transport.entropic._BATCH_ENTRIES", 2 * 10 * 11)
    pieces = solved(C, eps)
    assert pieces.errors.shape[1] == 8
    assert (pieces.errors[-1, 1:] - pieces.marginal_error).abs().max() == 0.0
    assert (whole.value - pieces.value).abs().max() <= 1e-7
    assert (pieces.errors[:, 0].diff() >= 0).all()


def test_a_batch_of_one_and_of_none() -> None:
    C, a, b = clouds(5, 6)
    one = solved(C[None], 1.0, a, b)
    assert one.plan.shape == (1, 5, 6)
    assert one.value.shape == (1,)
    assert repr(one) == "SinkhornResult(1 problems, 1 converged)"
    with pytest.raises(ValueError, match=r"at least one entry, got \(0, 5, 6\)"):
        otg.solve_sinkhorn(np.zeros((0, 5, 6)), 1.0)


def test_start_from_potentials() -> None:
    C, a, b = clouds(60, 70)
    eps = 0.005 * C.max()
    cold = solved(C, eps, a, b)
    warm = solved(C, eps, a, b, init=cold.potentials)
    assert warm.n_iter <= 2
    assert cold.n_iter > 20
    assert warm.value.item() == pytest.approx(cold.value.item(), abs=1e-9 * C.max())
    # Wherever it starts, it ends at the same plan.
    far = solved(C, eps, a, b, init=(np.zeros(60), 1e4 * np.random.default_rng(0).normal(size=70)))
    assert (far.plan - cold.plan).abs().max() <= 1e-6
    batch = solved(
        np.stack([C, C]), eps, a, b, init=tuple(torch.stack([p, p]) for p in cold.potentials)
    )
    assert batch.n_iter.max() <= 2


def test_errors_and_counts_are_what_happened() -> None:
    C, a, b = clouds(50, 50)
    r = solved(C, 0.01 * C.max(), a, b)
    assert r.errors[-1, 1].item() == r.marginal_error
    assert r.errors[-1, 0].item() == r.n_iter == int(r.errors[:, 0].max())
    P = r.plan.numpy()
    error = np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()
    assert r.marginal_error == pytest.approx(error, abs=1e-14)
    assert r.eps == pytest.approx(0.01 * C.max())
    assert repr(r).startswith(f"SinkhornResult(value={r.value.item():.6g}, converged=True, n_iter=")


def test_what_has_not_converged_says_so() -> None:
    C, a, b = clouds(50, 50)
    text = r"Sinkhorn stopped after 3 sweeps with a marginal error of .* tol=1e-06 .*raise max_iter"
    with pytest.warns(otg.ConvergenceWarning, match=text):
        r = otg.solve_sinkhorn(C, 0.001 * C.max(), a, b, max_iter=3)
    assert not r.converged
    assert r.n_iter == 3
    assert r.marginal_error > 1e-6
    eps = torch.tensor([0.001, 100.0]) * C.max()
    with pytest.warns(otg.ConvergenceWarning, match="Sinkhorn: 1 of 2 problems stopped"):
        r = otg.solve_sinkhorn(np.stack([C, C]), eps, a, b, max_iter=5)
    assert r.converged.tolist() == [False, True]


def test_derivatives_in_costs_and_weights() -> None:
    C, a, b = clouds(6, 7)
    eps = 0.1 * C.max()
    inputs = [torch.from_numpy(v).requires_grad_() for v in (C, a, b)]
    r = solved(inputs[0], eps, *inputs[1:], tol=1e-11)
    (2.0 * r.value).backward()
    assert (inputs[0].grad / 2 - r.plan).abs().max() <= 1e-12

    def value(M, p, q) -> float:
        return solved(M, eps, p, q, tol=1e-12).value.item()

    h = 1e-5
    rng = np.random.default_rng(0)
    D = rng.normal(size=C.shape)
    slope = (value(C + h * D, a, b) - value(C - h * D, a, b)) / (2 * h)
    assert (inputs[0].grad.numpy() / 2 * D).sum() == pytest.approx(slope, abs=1e-7)
    for k, w in ((1, a), (2, b)):
        d = rng.normal(size=len(w))
        d = 1e-2 * (d - d.mean())  # weights move at constant mass
        moved = [[C, a, b], [C, a, b]]
        moved[0][k], moved[1][k] = w + h * d, w - h * d
        slope = (value(*moved[0]) - value(*moved[1])) / (2 * h)
        assert inputs[k].grad.numpy() / 2 @ d == pytest.approx(slope, abs=1e-7)


def test_derivatives_of_a_batch() -> None:
    C = torch.rand(3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    C.requires_grad_()
    a = torch.full((5,), 0.2, dtype=torch.float64, requires_grad=True)
    r = solved(C, torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64), a)
    (r.value * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    factors = torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)
    assert (C.grad - r.plan * factors[:, None, None]).abs().max() <= 1e-12
    assert a.grad.shape == (5,)
    assert (a.grad - (r.potentials[0] * factors[:, None]).sum(0)).abs().max() <= 1e-12
    with torch.no_grad():
        assert not solved(C, 0.5).value.requires_grad
