"""After the setup cell the reader's next lines work, and run on the device."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, WeightedRandomSampler

import otgen_lite as otg
from otgen_lite import _checks
from otgen_lite._panel_widgets import Widgets
from otgen_lite.training import devices
from tests.accelerator import standin
from tests.accelerator.standin import NAME
from tests.accelerator.walk import left_behind

CPU = torch.device("cpu")


def _method() -> otg.Method:
    return otg.PenalizedOT(
        otg.MLP(2, [8], 1, generator=1), otg.MLP(1, [8], 2, generator=2), penalty=otg.MMD()
    )


def test_one_decision(device: torch.device) -> None:
    assert torch.get_default_device() == CPU
    for _ in range(2):
        assert otg.use_device() == device
        assert torch.ones(2).device == device
    assert otg.use_device("auto") == device
    assert otg.use_device("cpu") == CPU
    assert torch.ones(2).device == CPU
    assert otg.use_device(NAME) == device
    assert otg.use_device(device) == device
    with pytest.raises(ValueError, match="device must be one that is here, got 'cuda'"):
        otg.use_device("cuda")
    with pytest.raises(ValueError, match="got 'gpu'"):
        otg.use_device("gpu")
    assert torch.get_default_device().type == NAME


def test_without_double_precision_the_cpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checks, "WITHOUT_FLOAT64", {NAME})
    with standin.available(doubles=False) as device:
        with pytest.warns(UserWarning, match=r"does not compute in double precision.*use_device"):
            assert otg.use_device() == CPU
        assert torch.ones(2).device == CPU
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert otg.use_device(NAME) == device


def test_without_an_accelerator() -> None:
    assert not torch.accelerator.is_available()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert otg.use_device() == CPU
    assert torch.get_default_device() == CPU


def test_the_size_follows_the_device_in_use(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTGEN_SCALE", raising=False)
    assert otg.by_scale(small=1, full=2) == 1  # the machine has one, nobody uses it
    otg.use_device()
    assert otg.by_scale(small=1, full=2) == 2
    otg.use_device("cpu")
    assert otg.by_scale(small=1, full=2) == 1


def test_a_generator_is_of_the_device(device: torch.device) -> None:
    assert otg.generator(3).device == CPU
    otg.use_device()
    made = otg.generator(3)
    assert made.device == device
    assert torch.rand(2, generator=made).device == device
    for wrong in (-1, 1 << 64, 1.5, "3"):
        with pytest.raises((ValueError, TypeError), match="seed"):
            otg.generator(wrong)  # type: ignore[arg-type]


def test_the_next_lines(used: torch.device) -> None:
    """What a reader writes without a thought of devices."""
    seed = otg.generator
    x, y = torch.rand(20, 2, generator=seed(0)), otg.data.two_moons(30, seed(1))
    C = otg.cost_matrix(x, y)
    plan = otg.solve_exact(C).plan
    assert plan.device == used
    assert plan.sum().item() == pytest.approx(1.0)
    assert C[torch.arange(20), C.argsort(dim=1)[:, 0]].device == used
    assert otg.solve_sinkhorn(C, 0.1).plan.device == used
    method = _method()
    history = otg.fit(method, y, steps=3, progress=False)
    made = method.sample(7, generator=seed(2))
    assert made.device == used
    assert otg.metrics.w2sq(made, otg.data.toy("two_moons").stratified(8)) > 0
    assert len(history.losses["autoencoder"]) == 3
    assert history.plot() is not None
    assert len(history.to_frame()) == 3
    assert "autoencoder" in repr(history) + history._repr_html_()
    otg.use_device("cpu")
    assert otg.fit(_method(), y.cpu(), steps=2, progress=False).steps == 2


class _Points(Dataset[Any]):
    """A data set that draws: never the same item twice."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        return torch.randn(2, device="cpu") + index, index


def _loader(x: Any, **more: Any) -> Any:
    return DataLoader(TensorDataset(x), batch_size=4, **more)


DATA: dict[str, Any] = {
    "tensor": lambda x: x,
    "tensor of the CPU": lambda x: x.cpu(),
    "array": lambda x: x.cpu().numpy(),
    "list": lambda x: x.tolist(),
    "set": TensorDataset,
    "set of the CPU": lambda x: TensorDataset(x.cpu()),
    "items": lambda x: _Points(),
    "sampler": lambda x: lambda n, g: torch.randn(n, 2, generator=g),
    "toy": lambda x: otg.data.toy("rings").sample,
    "loader": _loader,
    "loader of the CPU": lambda x: _loader(x.cpu()),
    "loader that shuffles": lambda x: _loader(x, shuffle=True),
    "loader that shuffles by the device": lambda x: _loader(
        x, shuffle=True, generator=otg.generator(0)
    ),
    "loader that shuffles by the CPU": lambda x: _loader(
        x.cpu(), shuffle=True, generator=torch.Generator()
    ),
    "loader with weights": lambda x: _loader(
        x.cpu(), sampler=WeightedRandomSampler([1.0] * 12, 12)
    ),
    "loader of items": lambda x: DataLoader(_Points(), batch_size=4, shuffle=True),
    "loader with workers": lambda x: _loader(x.cpu(), num_workers=1),
    "loader with workers that shuffles": lambda x: _loader(x.cpu(), num_workers=1, shuffle=True),
}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("kind", DATA)
def test_whatever_data_are(kind: str, used: torch.device) -> None:
    x = otg.data.rings(12, 0)
    data = DATA[kind](x)
    losses = []
    for _ in range(2):
        method = _method()
        history = otg.fit(method, data, steps=7, batch_size=4, progress=False)
        assert not left_behind(method)
        losses.append(history.losses["autoencoder"])
    assert torch.equal(*losses)


def test_networks_on_the_device_data_where_they_are(device: torch.device) -> None:
    """``fit`` moves batches; what a method is asked it moves too."""
    x = otg.data.rings(16, 0)
    method = _method().to(device)
    for data in (x, x.numpy(), TensorDataset(x), _loader(x, shuffle=True)):
        otg.fit(method, data, steps=2, batch_size=4, progress=False)
    assert not left_behind(method)
    assert method.encode(x).device == device
    assert method.encode(x.numpy()).device == device
    assert method.reconstruct(x).device == device


def test_the_readers_own_network(used: torch.device) -> None:
    encoder, decoder = (
        nn.Linear(2, 1),
        nn.Sequential(nn.Linear(1, 4), nn.Dropout(), nn.Linear(4, 2)),
    )
    method = otg.AutoEncoder(encoder, decoder)
    otg.fit(method, otg.data.rings(16, 0), steps=2, batch_size=4, progress=False)
    assert not left_behind(method)


def test_threads_train_on_the_device_too(used: torch.device) -> None:
    """Torch's default device is each thread's own, and a training panel trains in a thread."""
    seen: list[str] = []

    def make(lam: float) -> otg.Method:
        seen.append(torch.ones(1).device.type)
        return _method()

    panel = otg.TrainingPanel(
        make, otg.data.rings(16, 0), {"lam": (0.1, 10.0)}, name="own", alt="Nine draws, {lam}.",
        show=lambda method: otg.plots.clouds(source=method.sample(9)),
        options={"steps": 2, "batch_size": 4},
    )  # fmt: skip
    widgets = Widgets(panel)
    widgets.begin()
    assert widgets.thread is not None
    widgets.thread.join()
    assert seen[-1] == NAME


def test_random_states_are_left_as_they_were(used: torch.device) -> None:
    torch.manual_seed(4)
    np.random.seed(4)
    decoder = nn.Sequential(nn.Dropout(), nn.Linear(1, 2))
    method = otg.AutoEncoder(nn.Linear(2, 1), decoder)
    states = torch.get_rng_state(), standin.module.get_rng_state()
    otg.fit(method, otg.data.rings(16, 0), steps=2, batch_size=4, progress=False)
    assert torch.equal(states[0], torch.get_rng_state())
    assert torch.equal(states[1], standin.module.get_rng_state())


def test_older_torch_selects_a_device(device: torch.device, monkeypatch: Any) -> None:
    chosen: list[Any] = []
    monkeypatch.setattr(standin.module, "set_device", chosen.append, raising=False)
    monkeypatch.delattr(torch.accelerator, "set_device_index")
    assert devices.resolve("auto", CPU) == device
    assert chosen == [0]
