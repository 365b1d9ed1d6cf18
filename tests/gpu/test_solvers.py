"""Solvers on the device: the same problem, the same answer, and every part of it there."""

import pytest
import torch

import otgen_lite as otg
from tests.gpu import zoo

pytestmark = pytest.mark.gpu
F64 = torch.float64
VALUE = zoo.tolerance(F64, zoo.VALUE)


def clouds(n: int = 60, m: int = 50) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of the plane on the CPU."""
    draw = torch.Generator("cpu").manual_seed(4)
    x = torch.randn(n, 2, generator=draw, dtype=F64)
    return x, 0.5 * torch.randn(m, 2, generator=draw, dtype=F64) + 1.0


def both(device: torch.device) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The same clouds on the CPU and on the device."""
    x, y = clouds()
    return [(x, y), (x.to(device), y.to(device))]


def test_exact_transport(device: torch.device) -> None:
    here, there = (otg.solve_exact(otg.cost_matrix(x, y)) for x, y in both(device))
    assert float(there.value) == pytest.approx(float(here.value), rel=VALUE)
    f, g = there.potentials
    assert {t.device.type for t in (there.value, there.plan, f, g)} == {device.type}
    assert float(f.mean() + g.mean()) == pytest.approx(float(here.value), rel=VALUE)
    # The plan is a plan, whichever of the best ones it is.
    assert float((there.plan.sum(1) - 1 / 60).abs().max()) <= VALUE


@pytest.mark.parametrize("solve", ["matrix", "points"])
def test_sinkhorn(solve: str, device: torch.device) -> None:
    found = []
    for x, y in both(device):
        if solve == "matrix":
            found.append(otg.solve_sinkhorn(otg.cost_matrix(x, y), 0.1, tol=1e-10))
        else:
            found.append(otg.solve_sinkhorn_points(x, y, 0.1, tol=1e-10))
    here, there = found
    # Both stop within 1e-10 of the margins: the value can differ by that times the potentials.
    size = max(1.0, *(float(p.abs().max()) for p in here.potentials))
    assert float(there.value) == pytest.approx(float(here.value), abs=4e-10 * size)
    assert {p.device.type for p in (there.value, *there.potentials)} == {device.type}


def test_the_sinkhorn_divergence_and_its_gradient(device: torch.device) -> None:
    found = []
    for x, y in both(device):
        at = x.clone().requires_grad_()
        value = otg.sinkhorn_divergence(at, y, 0.2, tol=1e-10)
        (slope,) = torch.autograd.grad(value, at)
        assert slope.device.type == y.device.type
        found.append((float(value.detach()), slope.cpu()))
    (one, first), (other, second) = found
    assert other == pytest.approx(one, abs=1e-8)
    # The gradient of a cost is wrong by the margins' error over eps, times the points' size.
    torch.testing.assert_close(second, first, rtol=0.0, atol=1e-8)


def test_a_semi_discrete_potential_says_the_same_there(device: torch.device) -> None:
    x, y = clouds()
    psi = torch.linspace(-0.3, 0.3, len(y), dtype=F64, device="cpu")
    here = otg.SemiDiscrete(y, psi=psi)
    there = otg.SemiDiscrete(y.to(device), psi=psi.to(device))
    moved = x.to(device)
    assert torch.equal(there.cells(moved).cpu(), here.cells(x))
    assert torch.equal(there.transport(moved).cpu(), here.transport(x))
    torch.testing.assert_close(there.masses(moved).cpu(), here.masses(x), rtol=0.0, atol=VALUE)
    torch.testing.assert_close(there.dual(moved).cpu(), here.dual(x), rtol=VALUE, atol=VALUE)


def test_a_semi_discrete_ascent_gets_there_on_the_device(device: torch.device) -> None:
    _, y = clouds(m=20)

    def sample(n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(n, 2, generator=generator, device=generator.device, dtype=F64)

    values = []
    draw = torch.Generator("cpu").manual_seed(9)
    judge = torch.randn(20_000, 2, generator=draw, dtype=F64)
    for where in (torch.device("cpu"), device):
        fitted = otg.SemiDiscrete(y.to(where)).fit(sample, seed=0, tol=1e-2)
        assert fitted.psi.device.type == where.type
        assert float(fitted.gap) <= 1e-2
        # On the same points: both are within a hundredth of the largest value.
        values.append(float(fitted.dual(judge.to(where)).mean()))
    assert values[1] == pytest.approx(values[0], rel=2e-2)


def test_distances_and_metrics(device: torch.device) -> None:
    found = []
    for x, y in both(device):
        same = x[: len(y)]
        found.append(
            [
                float(otg.wasserstein_1d(x[:, 0], y[:, 0])),
                float(otg.metrics.w2sq(x, y)),
                float(otg.metrics.mmd(same, y)),
                float(otg.paired_cost(same, y).mean()),
            ]
        )
    assert found[1] == pytest.approx(found[0], rel=VALUE, abs=VALUE)
