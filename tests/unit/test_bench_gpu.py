"""The measurements on an accelerator: what is counted and what is not, and who takes part."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks import bench_gpu, gpu_clock, gpu_methods, gpu_solvers
from benchmarks.contest import Entry
from otgen_lite.training.options import Options

X = torch.zeros(4, 2)


@pytest.fixture
def clock(monkeypatch):
    """A machine whose clock and trainings are made up: ``begin`` seconds, then so many a step."""

    class Machine:
        now, begin, step, first = 0.0, 1.0, 0.1, 30.0
        calls = 0

    machine = Machine()

    def fit(method, x, *, steps, **options):
        machine.calls += 1
        machine.now += machine.begin + steps * machine.step
        machine.now += machine.first if machine.calls == 1 else 0.0  # it compiles

    monkeypatch.setattr(gpu_clock.otg, "fit", fit)
    monkeypatch.setattr(gpu_clock.time, "perf_counter", lambda: machine.now)
    return machine


def test_neither_the_beginning_nor_the_first_call_counts(clock):
    found, first = gpu_clock.steps_per_second(None, X, span=2.0, most=1e9)
    assert found == pytest.approx([10.0] * gpu_clock.REPETITIONS)
    assert first == pytest.approx(31.2)


def test_slow_rounds_are_counted_two_at_a_time(clock):
    clock.begin, clock.step = 0.0, 5.0
    found, _ = gpu_clock.steps_per_second(None, X, span=1.0, most=1e9)
    assert found == pytest.approx([0.2] * gpu_clock.REPETITIONS)
    assert clock.calls == 1 + gpu_clock.REPETITIONS


def test_no_further_repetition_begins_when_the_time_is_over(clock):
    assert len(gpu_clock.steps_per_second(None, X, span=2.0, most=1.0)[0]) == 1


def test_work_that_overlaps_is_counted_once():
    assert gpu_clock.covered([]) == 0.0
    assert gpu_clock.covered([(2.0, 3.0), (0.0, 10.0), (4.0, 5.0), (10.0, 11.0)]) == 11.0


def said(capsys) -> list[dict]:
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line.removeprefix("@row ")) for line in lines if line.startswith("@row ")]


def test_an_error_is_a_row_and_the_others_go_on(capsys):
    part = bench_gpu.Part("cpu", True, 1000.0)
    broken = part.training("a", "float32", lambda x: 1 / 0, X)
    assert broken is None
    over = bench_gpu.Part("cpu", True, 1.0)
    assert over.training("b", "float32", lambda x: 1 / 0, X) is None
    assert [row["why"] for row in said(capsys)] == [
        "ZeroDivisionError: division by zero",
        "no time was left",
    ]


def test_the_ratio_is_of_the_accelerator_over_the_processor(monkeypatch, capsys):
    monkeypatch.setattr(gpu_clock, "steps_per_second", lambda *_, **__: ([4.0, 5.0, 9.0], 0.1))
    monkeypatch.setattr(gpu_clock, "busy", lambda *_, **__: 0.5)
    part = bench_gpu.Part("cpu", True, 1000.0)
    assert part.training("a", "float32", lambda x: None, X) == 5.0
    part.training("a", "processor, float32", lambda x: None, X, beside=20.0)
    first, second = said(capsys)
    assert (first["value"], first["busy"], "ratio" in first) == (5.0, 0.5, False)
    assert (second["ratio"], "busy" in second) == (4.0, False)


@pytest.mark.parametrize("name", gpu_methods.METHODS)
def test_every_method_has_the_options_of_its_recipe(name):
    options = gpu_methods.options_of(name)
    assert not {"steps", "batch_size"} & set(options)
    Options(**options)
    if name == "LatentOT, pairs":  # those of its network, not of the auto-encoder
        assert options != gpu_methods.options_of("AutoEncoder") or options["lr"] == 2e-3


@pytest.mark.parametrize("name", gpu_methods.METHODS)
def test_every_method_has_a_loss_for_every_player(name):
    x = gpu_methods.images(8, torch.device("cpu"))
    method = gpu_methods.made(name, x)
    method.options_known = Options(**gpu_methods.options_of(name)).for_players(method.players)
    for player in method.players:
        noise = method.noise(player, x, torch.Generator().manual_seed(0))
        assert bool(torch.isfinite(method(player, x, noise)))


def test_peers_are_those_that_can_use_an_accelerator():
    tuned = [
        {"name": "POT a, numpy", "peer": "pot", "method": "m", "seconds": 1.0,
         "setting": {"backend": "numpy", "n_iter": 7}},
        {"name": "POT a, torch", "peer": "pot", "method": "m", "seconds": 2.0,
         "setting": {"backend": "torch", "n_iter": 7}},
        {"name": "POT b, jax", "peer": "pot", "method": "m", "seconds": 0.5,
         "setting": {"backend": "jax", "n_iter": 7}},
        {"name": "OTT", "peer": "ott", "method": "m", "seconds": 3.0, "setting": {"n_iter": 5}},
        {"name": "OTT lost", "peer": "ott", "method": "m", "seconds": 1.0, "reached": False,
         "setting": {"n_iter": 5}},
    ]  # fmt: skip
    found = gpu_solvers.chosen(tuned, "n_iter")
    # The same method on numpy and on torch is one contestant, on torch.
    assert [e.name for e in found] == ["OTT, 5 iterations", "POT a, torch, 7 iterations"]
    assert all(e.setting.get("backend", "torch") == "torch" for e in found)


@pytest.mark.parametrize("n", [1000, 4000])
@pytest.mark.parametrize("eps", [1e-2, 1e-3])
def test_both_peers_take_part_in_every_sinkhorn_problem(n, eps):
    path = gpu_solvers.SETTINGS / "sinkhorn.json"
    tuned = json.loads(path.read_text(encoding="utf-8"))
    found = gpu_solvers.chosen(gpu_solvers.for_all(tuned, n, eps), "n_iter")
    assert {entry.peer for entry in found} == {"ott", "pot"}


def test_who_does_not_get_there_is_asked_for_more():
    reached, short, broken, ours = (Entry(f"{k}, 10 iterations", "ott", "m", {"n_iter": 10})
                                    for k in "abcd")  # fmt: skip
    reached.reached, ours.peer = True, "ours"
    for entry in (reached, short, ours):
        entry.times.append({"time": 1.0})
    found = gpu_solvers.again([reached, short, broken, ours], "n_iter")
    assert [(e.name, e.setting) for e in found] == [("b, 12 iterations", {"n_iter": 12})]


def test_a_solvers_row_says_why_nobody_got_there():
    entry = Entry("o", "ours", "m", {}, error="it broke")
    found = gpu_solvers.row("c", [entry])
    assert (found["value"], found["why"]) == (None, "o: it broke")
