"""An accelerator without double precision, as Apple's: trainers work, solvers stay on the CPU."""

from collections.abc import Iterator

import pytest
import torch

import otgen_lite as otg
from otgen_lite import _checks, metrics
from tests.accelerator import standin
from tests.accelerator.methods import DZ, EACH, MAKERS, data
from tests.accelerator.standin import NAME
from tests.accelerator.walk import left_behind


@pytest.fixture
def single(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    monkeypatch.setattr(_checks, "WITHOUT_FLOAT64", {NAME})
    with standin.available(doubles=False) as found:
        yield found


@pytest.mark.parametrize(
    ("name", "used"), [*((name, True) for name in MAKERS), *((name, False) for name in EACH)]
)
def test_trainers(name: str, used: bool, single: torch.device) -> None:
    if used:
        otg.use_device(NAME)
    x = data()
    method = MAKERS[name](x.to(single) if used else x).to(single)
    if method.players:
        otg.fit(method, x, steps=3, batch_size=16, progress=False)
    behind = [path for path in left_behind(method) if ".potential." not in path]
    assert not behind
    if not name.startswith("AutoEncoder"):
        assert method.sample(4, 1).device == single
    if hasattr(method, "encode"):
        assert method.reconstruct(x, 1).device == single
        assert method.decode(torch.ones(2, DZ)).device == single
    if isinstance(method, otg.LatentOT):
        assert method.error_budget(x[:8], generator=1).total > 0


def test_solvers_answer_from_the_cpu(single: torch.device) -> None:
    x, y = data(10).to(single), data(14)[4:].to(single)
    expected = otg.solve_exact(otg.cost_matrix(x.cpu(), y.cpu()))
    assert torch.equal(otg.solve_exact(otg.cost_matrix(x, y)).plan, expected.plan)
    assert otg.sinkhorn_divergence(x, y, 0.3) > 0
    assert otg.solve_sinkhorn_points(x, y, 0.3).potential_x(y).dtype == torch.float32
    assert metrics.w2sq(x, y) == metrics.w2sq(x.cpu(), y.cpu())
    assert metrics.mmd(x, y) == metrics.mmd(x.cpu(), y.cpu())


def test_data(single: torch.device) -> None:
    otg.use_device(NAME)
    assert otg.data.toy("eight_gaussians").sample(5, 0).device == single
    assert otg.data.toy("rings").stratified(8).device == single
    assert otg.data.digits()[0].device == single
    assert otg.data.picture("china", 5).device == single
