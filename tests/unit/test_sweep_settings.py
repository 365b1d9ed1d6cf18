"""A stack computes with every member's own settings, wherever they are, and with tied weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import otgen_lite as otg
from otgen_lite.sweep import CannotStack, Stacked
from otgen_lite.training import streams

F64 = torch.float64
ROWS = torch.randn(60, 2, generator=torch.Generator().manual_seed(5), dtype=F64)
OPTIONS: dict[str, Any] = {"steps": 5, "batch_size": 16, "progress": False, "lr": 1e-2}

#: Settings that are no attribute of the network at all.
ELSEWHERE: dict[int, float] = {}


def mlp(seed: int, outputs: int = 2) -> nn.Module:
    return otg.MLP(2, [6], outputs, generator=seed).double()


def autoencoder(encoder: nn.Module, lam: float = 1.0, decoder: Any = None) -> otg.PenalizedOT:
    decoder = mlp(2) if decoder is None else decoder
    return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=lam)


class Net(nn.Module):
    """A network with a setting."""

    def __init__(self, setting: Any = None) -> None:
        super().__init__()
        self.inner, self.in_features = mlp(1), 2
        self._set(setting)

    def _set(self, setting: Any) -> None:
        self._slope = setting

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * self.slope()

    def slope(self) -> Any:
        return self._slope


class Table(Net):
    """The setting is a tensor that is no buffer, and of which ``repr`` shows the ends."""

    def _set(self, setting: Any) -> None:
        self._table = torch.ones(5000, dtype=F64)
        self._table[1:-1] = setting

    def slope(self) -> Any:
        return self._table[2500]


class Listed(Net):
    """The setting is in a list in an object."""

    def _set(self, setting: Any) -> None:
        self.more = [{"slope": setting}]

    def slope(self) -> Any:
        return self.more[0]["slope"]


class Enclosed(Net):
    """The setting is in a function."""

    def _set(self, setting: Any) -> None:
        self.slope = lambda: setting  # type: ignore[method-assign]


class Registered(Net):
    """The setting is outside of the network: a copy of the network does not have it."""

    def _set(self, setting: Any) -> None:
        ELSEWHERE[id(self)] = setting

    def slope(self) -> Any:
        return ELSEWHERE.get(id(self), 1.0)


class Loose(Net):
    """The network works with a list of its weights, which a stack does not reach."""

    def _set(self, setting: Any) -> None:
        self._all = [p for p in self.parameters()]
        with torch.no_grad():
            for p in self._all:
                p.mul_(setting)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w, b, v, c = self._all
        return torch.relu(x @ w.T + b) @ v.T + c

    def slope(self) -> Any:
        return 1.0


class Again(nn.Module):
    """What a linear layer makes is used behind the rectifier once more."""

    def __init__(self) -> None:
        super().__init__()
        self.chain, self.in_features = nn.Sequential(*mlp(1)), 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.chain[0](x)
        return self.chain[2](self.chain[1](h) + h)


class Both(nn.Sequential):
    """A chain that goes its own way, with a rectifier that stands in two places."""

    def __init__(self) -> None:
        rectifier = nn.ReLU()
        linear = [nn.Linear(2, 2, dtype=F64) for _ in range(3)]
        for k, layer in enumerate(linear):
            with torch.no_grad():
                layer.weight.copy_(torch.tensor([[1.0, -0.5 * k], [0.3, -1.0]]))
                layer.bias.fill_(0.1 * k)
        super().__init__(linear[0], rectifier, linear[1], rectifier, linear[2])
        self.in_features = 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self[0](x)
        return super().forward(x) + self[1](h) * h


def agree(make: Callable[..., otg.Method], grid: dict[str, list[Any]], **more: Any) -> otg.Sweep:
    """Train the grid, stacked if it can be, and each point alone."""
    options = {**OPTIONS, **more}
    s = otg.sweep(make, grid, ROWS, **options)
    for (point, method), history in zip(s, s.histories, strict=True):
        alone = make(**point)
        expected = otg.fit(alone, ROWS, **options)
        for player, values in expected.losses.items():
            torch.testing.assert_close(history.losses[player], values, rtol=0.0, atol=1e-10)
        torch.testing.assert_close(
            dict(method.state_dict()), dict(alone.state_dict()), rtol=0.0, atol=1e-9
        )
    return s


@pytest.mark.parametrize("kind", [Net, Table, Listed, Enclosed, Registered, Loose])
def test_a_setting_of_each_member_is_its_own(kind: type[Net]) -> None:
    made = lambda slope, lam: autoencoder(kind(slope), lam)  # noqa: E731
    s = agree(made, {"slope": [1.0, 25.0], "lam": [0.1, 1.0]})
    seen = kind not in (Registered, Loose)  # else the trial finds out
    assert s.stacked == seen
    assert seen or "is not that of its member" in s.reason
    last = [float(h.losses["autoencoder"][0]) for h in s.histories]
    assert abs(last[0] - last[2]) > 0.1


def test_every_member_is_tried() -> None:
    def made(lam: float) -> otg.PenalizedOT:
        return autoencoder(Registered(5.0 if lam == 2.0 else 1.0), lam)

    with pytest.raises(CannotStack, match="is not that of its member 1"):
        otg.sweep(made, {"lam": [1.0, 2.0, 3.0]}, ROWS, stack=True, **OPTIONS)


@pytest.mark.parametrize("kind", [Again, Both])
def test_layers_that_work_in_place_are_seen_by_nobody(kind: Callable[[], nn.Module]) -> None:
    assert agree(lambda lam: autoencoder(kind(), lam), {"lam": [0.1, 10.0]}).stacked


class Moody(nn.Module):
    """Another network in evaluation mode, as one with dropout is."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.in_features = mlp(1), 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * (2.0 if self.training else 1.0)


def test_members_in_evaluation_mode_are_trained_as_ever() -> None:
    assert agree(lambda lam: autoencoder(Moody(), lam).eval(), {"lam": [0.1, 10.0]}).stacked


# -- one weight in two networks


class Transposed(nn.Module):
    """A decoder that has the encoder's weight."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight, self.in_features = weight, 2
        self.bias = nn.Parameter(torch.zeros(2, dtype=F64))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z @ self.weight + self.bias


def tied(lam: float = 1.0) -> otg.PenalizedOT:
    encoder = nn.Linear(2, 2, dtype=F64)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[1.0, 0.3], [-0.2, 0.7]]))
        encoder.bias.zero_()
    return autoencoder(encoder, lam, Transposed(encoder.weight))


PLAIN: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}  # fmt: skip


@pytest.mark.parametrize("name", list(PLAIN))
@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_tied_weight_is_moved_once(name: str, clip: float | None) -> None:
    method, other = tied(), tied()
    otg.fit(method, ROWS, steps=1, batch_size=60, lr=0.01, optimizer=name, clip_grad=clip,
            progress=False, seed=3)  # fmt: skip
    values = list(other.parameters())
    assert len(values) == 3
    optimizer = PLAIN[name](values, lr=0.01)
    noise = torch.Generator().manual_seed(streams.mixed(streams.key(3, "updates"), 0, 0))
    other("autoencoder", ROWS, other.noise("autoencoder", ROWS, noise)).backward()
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(values, clip)
    optimizer.step()
    for p, q in zip(method.parameters(), values, strict=True):
        torch.testing.assert_close(p, q, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("order", [("encoder", "decoder"), ("decoder", "encoder")])
def test_members_with_tied_weights_are_those_that_are_trained_alone(order: Any) -> None:
    def made(lam: float) -> otg.Method:
        method = tied(lam)
        method.players = {"autoencoder": type(method.players["autoencoder"])(order)}
        return method

    s = agree(made, {"lam": [0.1, 1.0, 10.0]}, clip_grad=0.5)
    assert s.stacked
    for method in s.methods:
        assert method.encoder.weight is method.decoder.weight


def test_a_tied_and_an_untied_member_are_no_stack() -> None:
    def made(tie: bool, lam: float) -> otg.Method:
        method = tied(lam)
        if not tie:
            method.decoder.weight = nn.Parameter(method.encoder.weight.detach().clone())
        return method

    assert agree(made, {"tie": [True, False], "lam": [0.1, 1.0]}).reason.endswith("in 2 stacks")


def test_a_weight_of_two_players_is_an_error() -> None:
    shared = mlp(1, 1)
    encoder = nn.Sequential(mlp(3), nn.Linear(2, 2, dtype=F64))
    critic = nn.Sequential(encoder[1], shared)
    method = otg.PenalizedOT(encoder, mlp(2), penalty=otg.Adversarial(critic))
    with pytest.raises(ValueError, match=r"one player, got 'encoder\.1\.weight' for 'critic' and "):
        otg.fit(method, ROWS, **OPTIONS)
    for p in encoder[1].parameters():
        p.requires_grad_(False)
    otg.fit(method, ROWS, **OPTIONS)


def test_two_weights_in_one_memory_are_an_error() -> None:
    method = tied()
    method.decoder.weight = nn.Parameter(method.encoder.weight.data)
    with pytest.raises(ValueError, match=r"got 'encoder\.weight' and"):
        otg.fit(method, ROWS, **OPTIONS)


def test_a_stack_of_one_signature_moves_every_weight_of_a_player() -> None:
    stack = Stacked([tied(0.1), tied(1.0)])
    assert [n for n, _ in stack.parameters_of("autoencoder")] == [
        "skeleton.encoder.weight", "skeleton.encoder.bias", "skeleton.decoder.bias",
    ]  # fmt: skip
