"""The referee of the benchmarks: what it accepts and refuses, who takes turns, what is shown."""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_divergence, contest, heldout, judge, problems, run
from benchmarks.contest import Entry

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "benchmarks" / "settings"


@pytest.fixture(scope="module")
def table_extension():
    """The module of the book's build that draws the tables."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        yield importlib.import_module("benchmarks_table")
    finally:
        sys.path.remove(str(ROOT / "book" / "_ext"))


# -- the judge


def solved(n: int = 30, eps: float = 0.1) -> tuple[dict, dict]:
    """A problem and its potentials and plan, by plain Sinkhorn."""
    problem = problems.clouds(n, eps)
    K = np.exp(-problem["C"] / problem["eps"])
    u, v = np.ones(n), np.ones(n)
    for _ in range(2000):
        u = problem["a"] / (K @ v)
        v = problem["b"] / (K.T @ u)
    eps = float(problem["eps"])
    answer = {"plan": u[:, None] * K * v, "f": eps * np.log(u), "g": eps * np.log(v)}
    return problem, answer


def test_the_marginal_error_is_the_sum_over_rows_and_columns():
    problem, answer = solved()
    assert judge.marginal_error(problem, {"plan": answer["plan"]}) < 1e-12
    assert judge.marginal_error(problem, {"f": answer["f"], "g": answer["g"]}) < 1e-12
    moved = answer["plan"].copy()
    moved[0, 0] += 0.01
    assert judge.marginal_error(problem, {"plan": moved}) == pytest.approx(0.02)
    shifted = {"f": answer["f"] + float(problem["eps"]) * math.log(1.5), "g": answer["g"]}
    assert judge.marginal_error(problem, shifted) == pytest.approx(1.0)


def test_the_worst_of_a_batch_counts():
    single, answer = solved()
    batch = {"C": np.stack([single["C"]] * 2), "eps": np.stack([single["eps"]] * 2)}
    batch |= {"a": single["a"], "b": single["b"]}
    plans = np.stack([answer["plan"], 1.1 * answer["plan"]])
    assert judge.marginal_error(batch, {"plan": plans}) == pytest.approx(0.2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_answer_that_is_no_number_never_gets_there(bad):
    problem, answer = solved()
    plan = answer["plan"].copy()
    plan[3, 4] = bad
    assert judge.marginal_error(problem, {"plan": plan}) == math.inf
    g = answer["g"].copy()
    g[0] = bad
    assert judge.marginal_error(problem, {"f": answer["f"], "g": g}) == math.inf


def test_the_semi_dual_is_the_brute_force_one():
    problem = problems.atoms_2d(50)
    psi = np.random.default_rng(1).normal(size=50)
    x = problems.source(problem, 200, seed=2)
    C = ((x[:, None, :] - problem["y"][None]) ** 2).sum(-1)
    expected = (C - psi).min(1) + psi.mean()
    np.testing.assert_allclose(judge.semi_dual(problem["y"], psi, x, block=7), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["2-D", "64-D"])
def test_no_other_potential_beats_the_reference(name):
    arrays = {"2-D": problems.atoms_2d, "64-D": problems.atoms_digits}[name]()
    gap = heldout.Gap(name, arrays, size=20_000)
    assert gap.uncertainty < 1e-4  # a tenth of the gap that is asked
    assert abs(gap(gap.reference)) < 1e-12
    assert abs(gap(gap.reference + 3.0)) < 1e-12
    short = heldout.ascent(arrays, 200, 256, heldout.EFFORT[name][2][0], seed=5)
    assert gap(short) > gap.uncertainty
    assert gap(np.zeros(1000)) > gap(short)
    assert gap(np.full(1000, np.nan)) == math.inf


def test_the_reference_of_the_divergence_is_the_derivative_of_its_own_value():
    problem = problems.clouds(25, 0.1)
    reference = bench_divergence.reference(problem)
    direction = np.random.default_rng(0).normal(size=problem["x"].shape)
    values = []
    for step in (1e-5, -1e-5):
        moved = problem | {"x": problem["x"] + step * direction}
        values.append(bench_divergence.reference(moved)["value"])
    slope = (values[0] - values[1]) / 2e-5
    assert slope == pytest.approx(float((reference["gradient"] * direction).sum()), rel=1e-6)
    assert judge.relative_errors(reference, reference) == (0.0, 0.0)
    double = {"value": 1.5 * reference["value"], "gradient": 3.0 * reference["gradient"]}
    assert judge.relative_errors(reference, double) == pytest.approx((0.5, 2.0))


# -- taking turns


class FakeWorkers:
    """Contestants whose times are given."""

    def __init__(self, seconds: dict[str, float], broken: str = "") -> None:
        self.seconds, self.broken, self.log = seconds, broken, []

    def __getitem__(self, peer: str) -> FakeWorkers:
        return self

    def prepare(self, entry: Entry, problem: Path) -> None:
        if entry.name == self.broken:
            raise contest.PeerError("it broke")

    def go(self, entry: Entry) -> dict[str, float]:
        self.log.append(entry.name)
        return {"time": self.seconds[entry.name], "processor time": 0.0}

    def answer(self, entry: Entry) -> dict:
        return {"psi": np.zeros(1)}

    def forget(self, entry: Entry) -> None: ...


def entries(names: str) -> list[Entry]:
    return [Entry(name, "ours" if name == "A" else "pot", "m", {}) for name in names]


def test_contestants_take_turns_and_the_order_turns_round():
    workers = FakeWorkers({"A": 1.0, "B": 1.1, "C": 1.2})
    contest.race(workers, entries("ABC"), Path("p"), rounds=3)
    assert "".join(workers.log) == "ABCCBAABC"


def test_who_is_hopeless_is_measured_once():
    workers = FakeWorkers({"A": 1.0, "B": 50.0, "C": 10.0})
    contest.race(workers, entries("ABC"), Path("p"), rounds=3, seconds=1000.0)
    assert "".join(workers.log) == "ABCCAAC"


def test_no_round_starts_after_the_time_is_spent():
    workers = FakeWorkers({"A": 6.0, "B": 5.0})
    contest.race(workers, entries("AB"), Path("p"), rounds=9, seconds=20.0)
    assert "".join(workers.log) == "ABBA"


def test_who_breaks_is_named_and_the_others_go_on():
    workers, found = FakeWorkers({"A": 1.0, "B": 1.0}, broken="B"), entries("AB")
    contest.race(workers, found, Path("p"), rounds=2, every_answer=True)
    assert [e.error for e in found] == ["", "it broke"]
    assert len(found[0].answers) == 2


def test_only_those_who_got_there_count():
    found = entries("ABC")
    for entry, seconds, reached in zip(found, (2.0, 1.0, 4.0), (True, False, True), strict=True):
        entry.times, entry.reached = [{"time": seconds, "processor time": seconds}], reached
    row = contest.row("b", "c", 1, found, 0.5)
    assert (row["peer_name"], row["ratio"], row["within"]) == ("C", 0.5, True)
    row = contest.row("b", "c", 1, found, None)
    assert (row["bar"], row["within"]) == ("none", True)
    found[2].reached = False
    row = contest.row("b", "c", 1, found, 0.5)
    assert (row["peer"], row["ratio"], row["within"]) == (None, None, False)
    json.dumps(row, allow_nan=False)


def test_a_worker_times_a_call_and_says_what_went_wrong():
    small = problems.clouds(12, 0.1)
    path = problems.written("test", small)
    one = Entry("sinkhorn", "ours", "sinkhorn", {"dtype": "float64"})
    wrong = Entry("wrong", "ours", "no such method", {})
    with contest.Workers(1) as workers:
        contest.race(workers, [one, wrong], path, rounds=2)
    assert one.error == ""
    assert len(one.times) == 2
    assert all(t["time"] > 0 for t in one.times)
    assert judge.marginal_error(small, one.answers[-1]) <= 1e-6
    assert wrong.error == "KeyError: 'no such method'"


def test_a_peer_without_environment_is_missing_and_not_an_end(monkeypatch, tmp_path):
    monkeypatch.setattr(contest, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(contest, "HERE", tmp_path)
    (tmp_path / "peers").mkdir()
    (tmp_path / "peers" / "pot.txt").write_text("no-such-package-at-all==0\n")
    monkeypatch.setattr(contest.subprocess, "run", failing)
    with contest.Workers(1) as workers:
        found = [Entry("x", "pot", "sinkhorn", {})]
        contest.race(workers, found, tmp_path)
        assert "pot could not be installed" in found[0].error
        assert "pot" in workers.missing


def failing(*_: object, **__: object) -> None:
    raise contest.subprocess.CalledProcessError(1, "pip")


# -- the record


def test_benchmarks_are_chosen_by_a_part_of_their_name():
    assert run.selected("divergence") == ["bench_divergence"]
    assert set(run.selected("sinkhorn")) == {"bench_sinkhorn", "bench_sinkhorn_batch"}
    assert run.selected("no such") == []
    assert run.main(["no such"]) == 2


def record(**change: object) -> dict:
    row = {
        "bench": "b", "case": "a problem", "threads": 1, "what": "time (s)", "ours": 1.0,
        "ours_name": "us", "peer": 2.0, "peer_name": "them", "ratio": 0.5, "bar": 0.75,
        "within": True,
        "raw": {"contestants": [
            {"name": "them, slowly", "median": 9.0, "accuracy": 1e-7, "error": "", "reached": True}
        ]},
    }  # fmt: skip
    bench = {"date": "2001-02-03", "cores": 2, "load": 0.1, "rows": [row | change]}
    return {
        "python": "3", "machine": "m", "versions": {"pot": {"POT": "9"}},
        "benches": {"bench_sinkhorn": bench},
    }  # fmt: skip


def test_a_missed_bar_a_failure_and_a_missing_peer_are_no_pass():
    assert run.passed(record())
    assert not run.passed(record(within=False))
    assert not run.passed(record() | {"versions": {"pot": {"missing": "no network"}}})
    failed = record()
    failed["benches"]["bench_sinkhorn"]["error"] = "it broke"
    assert not run.passed(failed)


def test_the_page_says_when_and_shows_every_row(table_extension):
    text = "\n".join(node.astext() for node in table_extension.nodes_for(record()))
    assert "Recorded on 2001-02-03, 2 cores. 1 of 1 rows are within their bar." in text
    for part in ("a problem", "1 s", "2 s (them)", "0.5", "0.75", "✓", "them, slowly", "POT 9"):
        assert part in text
    missed = record(within=False, ratio=None, peer=None, peer_name="none got there")
    text = "\n".join(node.astext() for node in table_extension.nodes_for(missed))
    assert "0 of 1 rows are within their bar." in text
    assert "✗" in text
    assert "– (none got there)" in text


def test_without_a_record_the_page_says_so(table_extension, tmp_path):
    assert table_extension.read(tmp_path) is None
    assert "No benchmark has been recorded" in table_extension.nodes_for(None)[0].astext()


def test_every_peer_is_pinned_exactly():
    for peer in contest.PEERS:
        lines = (ROOT / "benchmarks" / "peers" / f"{peer}.txt").read_text().splitlines()
        assert lines
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)


def test_recorded_settings_are_of_known_contestants():
    for name in ("sinkhorn", "divergence", "semidiscrete"):
        for found in json.loads((SETTINGS / f"{name}.json").read_text()).values():
            assert any(f["peer"] != "ours" for f in found)
            assert {f["peer"] for f in found} <= {"ours", *contest.PEERS}
