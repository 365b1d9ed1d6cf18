"""The benchmarks of sweeps: what they count."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import bench_pythae, bench_sweep, contest

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


def test_a_few_models_alone_stand_for_all(monkeypatch):
    trained = []
    monkeypatch.setattr(bench_sweep.otg, "fit", lambda method, x, **_: trained.append(method))
    monkeypatch.setattr(bench_sweep.time, "perf_counter", iter([10.0, 13.0]).__next__)
    monkeypatch.setattr(bench_sweep.time, "process_time", iter([1.0, 2.0]).__next__)
    times = bench_sweep.turn_of(bench_sweep.maker(4), 8, 5, stacked=False, device=CPU)
    assert len(trained) == bench_sweep.ALONE
    scale = bench_sweep.MEMBERS / bench_sweep.ALONE
    assert times == pytest.approx((1.0 * scale, 3.0 * scale))


def test_the_faster_number_of_threads_stands_for_the_models_alone(monkeypatch):
    seconds = {(2, True): 1.0, (1, False): 4.0, (2, False): 6.0}

    def turn(h, batch, steps, threads, stacked):
        return 100.0, seconds[threads, stacked]

    monkeypatch.setattr(bench_sweep, "turn", turn)
    assert bench_sweep.race(32, 64, 10, 2, 3) == (1.0, 4.0)
    monkeypatch.setattr(bench_sweep, "turn", lambda *a: (3.0 if a[-1] else 30.0, 0.0))
    assert bench_sweep.race(32, 64, 10, 1, 3) == (3.0, 30.0)


def test_a_sweep_that_is_too_slow_misses_its_bar(monkeypatch):
    monkeypatch.setattr(bench_sweep, "race", lambda h, *_: (1.0, 7.9 if h == 32 else 3.1))
    rows = bench_sweep.run(1, [1])
    assert [row["within"] for row in rows] == [False, True]
    assert [row["ratio"] <= row["bar"] for row in rows] == [False, True]


def test_what_was_not_at_hand_is_told():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        table = importlib.import_module("benchmarks_table")
    finally:
        sys.path.remove(str(ROOT / "book" / "_ext"))
    bench = {"date": "2001-02-03", "cores": 2, "load": 0.1, "rows": []}
    nodes = table._bench("Training on an accelerator", bench)
    assert "Asked for on 2001-02-03: what it measures was not at hand." in nodes[0].astext()


def test_pythae_and_ours_are_asked_for_the_same():
    for model, _ in bench_pythae.CASES.values():
        first, second = bench_pythae.entries(model)
        assert first.setting == second.setting
        assert (first.peer, second.peer) == ("pythae", "pythae")
        assert (first.method, second.method) == ("ours", "theirs")
    assert "pythae" in contest.PEERS
