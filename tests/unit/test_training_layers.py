"""Which layers several processes do not compute as one does."""

import pytest
from torch import nn

from otgen_lite.training.devices import Processes
from otgen_lite.training.layers import must_be_shared

MIXING = [
    nn.BatchNorm1d(2), nn.BatchNorm2d(2), nn.BatchNorm3d(2), nn.LazyBatchNorm1d(),
    nn.BatchNorm1d(2, track_running_stats=False), nn.SyncBatchNorm(2),
    nn.InstanceNorm2d(2, track_running_stats=True),
]  # fmt: skip
DRAWING = [
    nn.Dropout(0.1), nn.Dropout2d(), nn.AlphaDropout(), nn.RReLU(), nn.LSTM(2, 2, 2, dropout=0.1),
    nn.MultiheadAttention(2, 1, dropout=0.2), nn.FractionalMaxPool2d(2, output_ratio=0.5),
]  # fmt: skip
FINE = [
    nn.LayerNorm(2), nn.GroupNorm(1, 2), nn.InstanceNorm2d(2), nn.Dropout(0.0), nn.LSTM(2, 2),
    nn.BatchNorm1d(2).eval(), nn.Dropout().eval(),
]  # fmt: skip


@pytest.mark.parametrize("layer", MIXING, ids=lambda layer: type(layer).__name__)
def test_layers_that_mix_rows_are_refused(layer: nn.Module) -> None:
    net = nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(2, 2), layer)})
    with pytest.raises(ValueError, match=f"in 2 processes, got {type(layer).__name__} in 'encoder"):
        must_be_shared(net, Processes(1, 2))
    must_be_shared(net, Processes())


@pytest.mark.parametrize("layer", DRAWING, ids=lambda layer: type(layer).__name__)
def test_layers_that_draw_are_named_once(layer: nn.Module) -> None:
    net = nn.Sequential(nn.Linear(2, 2), layer, layer)
    with pytest.warns(UserWarning, match=f"{type(layer).__name__} in '1' draws by itself") as seen:
        must_be_shared(net, Processes(0, 2))
    assert len(seen) == 1
    must_be_shared(net, Processes(1, 2))  # the first one reports
    must_be_shared(net, Processes())


@pytest.mark.parametrize("layer", FINE, ids=lambda layer: type(layer).__name__)
def test_other_layers_are_fine(layer: nn.Module) -> None:
    must_be_shared(nn.ModuleList([layer]), Processes(0, 2))
