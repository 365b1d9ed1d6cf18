"""What makes an object the one that it is: every setting counts, and nothing of one process."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import otgen_lite as otg
from otgen_lite import _identity
from tests.unit.training_runs import method

ROOT = Path(__file__).resolve().parents[2]
SCALE = 3.0
Pair = namedtuple("Pair", "a b")


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Solver:
    tol: float
    steps: int = 3


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: Any) -> None:
        self.a = a


class Scaled(nn.Module):
    """A network with a setting that nobody sees."""

    def __init__(self, slope: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        for value in self.parameters():
            nn.init.ones_(value)
        self._slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) * self._slope

    def power(self, x: float) -> float:
        return x**self._slope


def enclosing(scale: Any) -> Any:
    return lambda x: scale * x


def local(slope: float) -> type:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return slope * x

    return Net


def keyword(*, scale: float = 1.0) -> float:
    return scale


def long(last: float) -> torch.Tensor:
    """Many numbers, of which ``repr`` shows the ends."""
    out = torch.zeros(5000)
    out[2500] = last
    return out


def doubled(x: torch.Tensor) -> torch.Tensor:
    return 2.0 * x


def tripled(x: torch.Tensor) -> torch.Tensor:
    return 3.0 * x


def hooked(scale: float) -> nn.Module:
    net = nn.Linear(2, 2)
    net.register_forward_hook(lambda module, inputs, out: out * scale)
    return net


def attributed(scale: float) -> Any:
    def cost(x: float) -> float:
        return x * cost.scale  # type: ignore[attr-defined]

    cost.scale = scale  # type: ignore[attr-defined]
    return cost


def in_class(value: float) -> Any:
    kind = type("Kind", (), {"factor": value, "__module__": "mine"})
    return kind()


PAIRS: dict[str, tuple[Any, Any]] = {
    "a number": (1.0, 2.0),
    "its type": (1, 1.0),
    "a truth": (True, 1),
    "a zero": (0.0, -0.0),
    "a long text": ("a" * 500 + "b", "a" * 500 + "c"),
    "an entry in the middle": (long(1.0), long(2.0)),
    "an array": (np.zeros(5000), np.eye(1, 5000, 2500)[0]),
    "the type of a tensor": (torch.zeros(9), torch.zeros(9, dtype=torch.float64)),
    "a shape": (torch.zeros(2, 8), torch.zeros(8, 2)),
    "half precision": (torch.zeros(9).bfloat16(), torch.ones(9).bfloat16()),
    "a sparse tensor": (torch.zeros(3, 3).to_sparse(), torch.eye(3).to_sparse()),
    "an entry of a list": ([1, [2, 3]], [1, [2, 4]]),
    "a list or a tuple": ([1, 2], (1, 2)),
    "the order of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "an entry of a dict": (OrderedDict(a=[long(1.0)]), OrderedDict(a=[long(2.0)])),
    "a set": ({1, 2}, {1, 3}),
    "a named tuple": (Pair(1, [2]), Pair(1, [3])),
    "an enumeration": (Colour.RED, Colour.BLUE),
    "a data class": (Solver(1.0), Solver(1.0, 4)),
    "an object with slots": (Slotted(1), Slotted(2)),
    "a generator": (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)),
    "a body": (lambda x: x + 1, lambda x: x + 2),
    "an operation": (lambda x: x + 1, lambda x: x - 1),
    "a body inside a body": (lambda x: [y + 1 for y in x], lambda x: [y + 2 for y in x]),
    "what is enclosed": (enclosing(1.0), enclosing(2.0)),
    "a tensor that is enclosed": (enclosing(long(1.0)), enclosing(long(2.0))),
    "a function in a function": (enclosing(enclosing(1.0)), enclosing(enclosing(2.0))),
    "a default": (lambda x, s=1.0: x * s, lambda x, s=2.0: x * s),
    "an attribute of a function": (attributed(1.0), attributed(2.0)),
    "a partial": (functools.partial(pow, exp=2), functools.partial(pow, exp=3)),
    "what is partial": (functools.partial(enclosing(1.0)), functools.partial(enclosing(2.0))),
    "the owner of a method": (Scaled(1).power, Scaled(2).power),
    "which library function": (torch.relu, torch.tanh),
    "a private attribute": (Scaled(1.0), Scaled(2.0)),
    "a private tensor": (Scaled(long(1.0)), Scaled(long(2.0))),
    "a hook": (hooked(1.0), hooked(2.0)),
    "a local class": (local(1.0)(), local(2.0)()),
    "an attribute of a class": (in_class(1.0), in_class(2.0)),
    "what is compiled": (torch.compile(Scaled(1.0)), torch.compile(Scaled(2.0))),
    "a compiled function": (torch.compile(enclosing(1.0)), torch.compile(enclosing(2.0))),
    "a penalty": (otg.MMD(scale=1.0), otg.MMD(scale=2.0)),
    "a prior": (otg.GaussianPrior(2), otg.GaussianPrior(2, scale=2.0)),
    "an activation": (
        otg.MLP(2, [3], 2, generator=0),
        otg.MLP(2, [3], 2, generator=0, activation=nn.Tanh),
    ),
}


@pytest.mark.parametrize("name", list(PAIRS))
def test_two_settings_are_two(name: str) -> None:
    one, other = PAIRS[name]
    both = [
        _identity.facts(v, v.parameters() if isinstance(v, nn.Module) else ()) for v in (one, other)
    ]
    found = _identity.differences(*both)
    assert found, both
    assert all(old != new for _, old, new in found)
    assert _identity.words([one]) != _identity.words([other])


def test_numbers_that_move_do_not_count() -> None:
    nets = [Scaled(1.0), Scaled(1.0)]
    for value in nets[0].parameters():
        nn.init.zeros_(value)
    moved = [_identity.facts(net, net.parameters()) for net in nets]
    assert moved[0] == moved[1]
    assert [p for p, *_ in _identity.differences(*map(_identity.facts, nets))] == [
        "layer.weight", "layer.bias",
    ]  # fmt: skip


def test_a_constant_that_a_function_looks_up_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def cost(x: float) -> float:
        return SCALE * x

    before = _identity.facts(cost)
    monkeypatch.setitem(globals(), "SCALE", 4.0)
    assert _identity.differences(before, _identity.facts(cost)) == [("SCALE", "3.0", "4.0")]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_scripted_function_is_told_by_what_it_computes() -> None:
    scripted = [_identity.words(torch.jit.script(f)) for f in (doubled, tripled)]
    assert scripted[0] != scripted[1]


def test_a_path_leads_to_what_differs() -> None:
    wrap = {"nets": [Scaled(1.0), Scaled([Solver(1.0), 2])]}
    other = {"nets": [Scaled(1.0), Scaled([Solver(0.5), 2])]}
    forms = [p for w in (wrap, other) for net in w["nets"] for p in net.parameters()]
    both = [_identity.facts(value, forms) for value in (wrap, other)]
    assert _identity.differences(*both) == [("['nets'][1]._slope[0].tol", "1.0", "0.5")]
    assert _identity.differences(*both, ["['nets'][1]._slope"]) == []
    assert _identity.differences(*both, ["['nets'][1]._slo"]) != []


def test_what_is_in_two_places_is_told_from_two_that_are_equal() -> None:
    tied, equal = Scaled(1.0), Scaled(1.0)
    tied.other, equal.other = tied.layer, nn.Linear(2, 2)
    forms = [*tied.parameters(), *equal.parameters()]
    assert _identity.facts(tied, forms) != _identity.facts(equal, forms)


def test_what_holds_itself_comes_to_an_end() -> None:
    one: dict[str, Any] = {}
    one["self"], one["list"] = one, [one, one]
    net = Scaled(one)
    net._slope["net"] = net  # type: ignore[index]
    net.forward = net.power  # type: ignore[method-assign,assignment]
    assert _identity.facts(net) == _identity.facts(net)


def everything() -> list[str]:
    """Every value of this file and some methods, in words."""
    methods = [method(name) for name in ("mmd", "adversarial", "semidual", "mke", "wgan")]
    found = [m.identity() for m in methods]
    for value in (value for pair in PAIRS.values() for value in pair):
        moved = value.parameters() if isinstance(value, nn.Module) else ()
        found.append(_identity.facts(value, moved))
    return [_identity.words(facts) for facts in found]


def test_facts_are_the_same_in_every_process() -> None:
    # Other addresses, other hashes of strings.
    program = "from tests.unit import test_identity as t; print('\\n'.join(t.everything()))"
    env = {**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    here = everything()
    assert done.stdout.splitlines() == here
    assert len(here) > 80
