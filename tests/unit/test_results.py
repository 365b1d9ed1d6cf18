"""The records: what is in them, whether they are those of today's recipes, how they are written."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import otgen_lite as otg
from benchmarks import quality, record
from otgen_lite import recipes, results
from otgen_lite.results._read import SCORES, parsed

DATA = ("eight_gaussians", "digits")
RECIPES = [(data, name) for data in DATA for name in recipes.names(data)]


# --- the records and the recipes ----------------------------------------------------------------


@pytest.mark.parametrize(("data", "name"), RECIPES)
def test_the_records_are_those_of_todays_recipes(data: str, name: str) -> None:
    """Where it fails, run ``python benchmarks/quality.py --data … --record --stale``."""
    runs = [run for run in results.load(data) if run.method == name]
    assert [run.seed for run in runs] == [*record.seeds(data, name)]
    now = record.about(recipes.get(data, name))
    for run in runs:
        assert {key: getattr(run, key) for key in now} == now


@pytest.mark.parametrize("data", DATA)
def test_the_records_hold_nothing_else_and_are_in_order(data: str) -> None:
    runs = results.load(data)
    order = recipes.names(data)
    keys = [(order.index(run.method), run.seed) for run in runs]
    assert keys == sorted(keys)
    assert set(SCORES[data]) == set(quality.SCORES[data](_real(data)))


def _real(data: str) -> torch.Tensor:
    law = otg.data.toy("eight_gaussians")
    return law.sample(300, 0) if data == "eight_gaussians" else otg.data.digits()[0]


#: The mean of W_2^2 over the seeds of record, at most; fixed before any of them was run.
GOALS = {
    "digits": {
        "vae": 1.40, "mke_sinkhorn": 1.45, "penalized_ot": 1.70, "aae": 1.65, "wgan_gp": 1.90,
        "semidual": 1.50, "avb": 2.0, "latent_ot_pairs": 1.35,
    },
    "eight_gaussians": {"vae": 0.075},
}  # fmt: skip


@pytest.mark.parametrize(
    ("data", "name", "most"),
    [(data, name, most) for data, goals in GOALS.items() for name, most in goals.items()],
)
def test_the_recorded_recipes_reach_their_goals(data: str, name: str, most: float) -> None:
    runs = [run for run in results.load(data) if run.method == name]
    assert sum(run.scores["w2sq"] for run in runs) / len(runs) <= most
    if data == "digits":
        assert all(run.scores["classes"] == 10 for run in runs)


def test_the_scores_of_the_records_can_be_true() -> None:
    floor = results.references("eight_gaussians")[0].scores
    for run in results.load("eight_gaussians"):
        assert run.scores["w2sq"] > 0.0
        assert 0.0 <= run.scores["share"] <= 1.0
        assert run.scores["modes"] in range(9)
        assert run.scores["mmd2"] > floor["mmd2"].mean - 4 * floor["mmd2"].std
    for run in results.load("digits"):
        assert run.scores["w2sq"] > 0.5
        assert run.scores["classes"] in range(11)
        assert 0.1 <= run.scores["confidence"] <= 1.0
        assert run.parameters <= run.trained


# --- sizes and settings -------------------------------------------------------------------------


def latent(map: str, **options: Any) -> otg.LatentOT:
    """Of 11 points in the plane, with codes of 3 numbers: encoder 12 + 15, decoder 8."""
    encoder, decoder = otg.MLP(2, [4], 3, generator=0), otg.MLP(3, [], 2, generator=0)
    return otg.LatentOT(encoder, decoder, torch.randn(11, 2), map=map, **options)


@pytest.mark.parametrize(
    ("method", "needed", "more"),
    [
        (latent("semidiscrete"), 11 * (3 + 1), 11),  # codes and psi; psi is what was trained
        (latent("gaussian"), 9 + 3, 9 + 3),
        (latent("mixture", components=5), 5 * (1 + 3 + 9), 5 * (1 + 3 + 9)),
        (latent("pairs", network=otg.MLP(3, [], 3)), 12, 12),
        (latent("pairs", network=otg.MLP(3, [], 3), plan="semidiscrete"), 12, 12 + 11),
    ],
)
def test_what_sampling_needs_of_a_map(method: otg.LatentOT, needed: int, more: int) -> None:
    assert record.needed(method) == 8 + needed
    assert record.trained(method) == 8 + (12 + 15) + more


def test_what_sampling_needs_of_a_generator() -> None:
    data = torch.randn(7, 2)
    generator, critic = otg.MLP(3, [], 2), otg.MLP(2, [4], 1)
    wgan = otg.WGAN(generator, critic)
    assert (record.needed(wgan), record.trained(wgan)) == (8, 8 + 12 + 5)
    semidual = otg.SemiDual(generator, data)
    assert (record.needed(semidual), record.trained(semidual)) == (8, 8 + 7)
    vae = otg.VAE(otg.MLP(2, [], 6), generator)
    assert (record.needed(vae), record.trained(vae)) == (8, 8 + 18)


def _digest(monkeypatch: pytest.MonkeyPatch, text: str, tmp_path: Path, **options: Any) -> str:
    """The digest of a recipe in a module of its own, whose text is given."""
    import importlib.util

    monkeypatch.setitem(recipes.base._REGISTRY, "digits", {})
    file = tmp_path / f"m{len(list(tmp_path.iterdir()))}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location("otgen_lite.recipes.made", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where inspect looks for classes
    spec.loader.exec_module(module)
    made = recipes.recipe("digits", "made", **options)(module.make)
    return record.settings(made)


def test_the_digest_sees_settings_and_not_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "SIZE = [4]\ndef help(s):\n    return s + 1\n"
    text += "class Net:\n    def go(self):\n        return 7\n"
    text += "def make(seed, data):\n    return help(SIZE), Net\n"
    first = _digest(monkeypatch, text, tmp_path, steps=3)
    same = text.replace("    return help", '    """Words."""\n    # more\n    return help')
    same = same.replace("    def go", '    """Words."""\n    def go')
    assert _digest(monkeypatch, same, tmp_path, steps=3) == first
    for old, new in (("[4]", "[5]"), ("s + 1", "s + 2"), ("return 7", "return 8")):
        assert _digest(monkeypatch, text.replace(old, new), tmp_path, steps=3) != first
    assert _digest(monkeypatch, text, tmp_path, steps=4) != first
    assert _digest(monkeypatch, text, tmp_path, steps=3, points=7) != first


# --- reading ------------------------------------------------------------------------------------


def test_names_and_what_is_missing() -> None:
    assert results.names() == DATA
    assert set(results.missing()) == {"mnist", "celeba"}
    for name, why in results.missing().items():
        assert why.startswith("There are no recorded runs")
        with pytest.raises(ValueError, match=r"'digits': There are no recorded runs"):
            results.load(name)
    with pytest.raises(ValueError, match="did you mean 'digits'"):
        results.load("digit")


def test_runs_are_frozen() -> None:
    run = results.load("digits")[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.seed = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        run.scores["w2sq"] = 0.0  # type: ignore[index]


ROW: dict[str, Any] = {
    "method": "vae", "seed": 21, "scores": {"w2sq": 0.5, "modes": None}, "cpu_s": 1.5,
    "calibrated_s": 3.0, "parameters": 7, "trained": 9, "steps": {"vae": 3}, "settings": "ab12",
}  # fmt: skip
NAMES = ("w2sq", "modes")


def text(*runs: Any, references: Any = ()) -> str:
    return json.dumps({"references": list(references), "runs": list(runs)})


def test_a_summary_is_over_seeds_in_recorded_order() -> None:
    rows = [
        {**ROW, "method": method, "seed": seed, "scores": {"w2sq": value, "modes": 8}}
        for method, seed, value in (("b", 1, 1.0), ("a", 1, 5.0), ("b", 2, 3.0))
    ]
    runs, _ = parsed(text(*rows), "x.json", NAMES)
    found = results.summary(runs, "w2sq")
    assert list(found) == ["b", "a"]
    assert (found["b"].mean, found["b"].std) == (2.0, pytest.approx(math.sqrt(2.0)))
    assert found["b"].values == (1.0, 3.0)
    assert math.isnan(found["a"].std)
    assert (str(found["b"]), str(found["a"])) == ("2 ± 1.4", "5")
    assert results.summary(runs, "trained")["a"].mean == 9.0
    with pytest.raises(ValueError, match="score must be one of 'w2sq', 'modes', 'cpu_s'"):
        results.summary(runs, "w2")


def test_what_is_undefined_is_null_in_the_file_and_nan_here() -> None:
    runs, _ = parsed(text(ROW), "x.json", NAMES)
    assert math.isnan(runs[0].scores["modes"])
    assert list(runs[0].scores) == list(NAMES)
    assert math.isnan(results.summary(runs, "modes")["vae"].mean)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ROW.items() if key != name}


REFERENCE = {"name": "law", "what": "draws", "scores": {"w2sq": [0.1, 0.2]}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "x.json must be JSON: "),
        ("[]", "x.json must hold 'references' and 'runs' and nothing else"),
        (text(ROW, without("seed")), "x.json, run 2 must hold method, seed, .*, got calibrated_s"),
        (text(ROW, 3), "x.json, run 2 must hold method, seed, .*, got 3"),
        (text(ROW, ROW), "x.json, run 2: vae with seed 21 is there already"),
        (text({**ROW, "method": ""}), "x.json, run 1: method must be text, got ''"),
        (text({**ROW, "seed": -1}), "run 1: seed must be a whole number >= 0, got -1"),
        (text({**ROW, "seed": True}), "run 1: seed must be a whole number >= 0, got True"),
        (text({**ROW, "trained": 1.5}), "run 1: trained must be a whole number >= 1, got 1.5"),
        (text({**ROW, "cpu_s": 0}), "run 1: cpu_s must be a number > 0, got 0"),
        (text({**ROW, "cpu_s": math.inf}), "run 1: cpu_s must be a number > 0, got inf"),
        (text({**ROW, "steps": {}}), "run 1: steps must be stages with their steps, got {}"),
        (text({**ROW, "scores": {"w2sq": 1.0}}), "run 1: scores must be those of w2sq, modes"),
        (text({**ROW, "scores": {"w2sq": "1", "modes": 8}}), "w2sq must be a number or null"),
        (text(references=[{**REFERENCE, "what": 1}]), "reference 1: what must be text, got 1"),
        (text(references=[{**REFERENCE, "scores": {"fid": [1]}}]), "scores must be some of w2sq"),
        (text(references=[{**REFERENCE, "scores": {"w2sq": []}}]), "w2sq must be a list of num"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_named_with_its_row(content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parsed(content, "x.json", NAMES)


def test_references() -> None:
    _, (found,) = parsed(text(references=[REFERENCE]), "x.json", NAMES)
    assert (found.name, found.what) == ("law", "draws")
    assert found.scores["w2sq"].mean == pytest.approx(0.15)
    ring, digits = map(results.references, DATA)
    assert ring[0].scores["w2sq"].mean == pytest.approx(0.021, abs=0.01)
    by_name = {reference.name: reference.scores for reference in digits}
    assert by_name["images"]["w2sq"].mean == pytest.approx(0.0, abs=1e-6)
    assert by_name["images"]["novelty"].mean == by_name["bootstrap"]["novelty"].mean == 0.0
    assert by_name["images"]["sharpness"].mean == pytest.approx(1.0344, abs=1e-4)
    assert by_name["halves"]["novelty"].mean == pytest.approx(1.0, abs=0.03)
    assert by_name["halves"]["w2sq"].mean < by_name["quarters"]["w2sq"].mean


# --- writing ------------------------------------------------------------------------------------


def test_recording_replaces_what_was_measured_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(quality, "SEEDS", ())
    values = iter(range(1, 9))
    measured: list[int] = []

    def measure(data: str, name: str, seed: int) -> tuple[dict[str, Any], torch.Tensor]:
        if seed == 13:
            raise KeyboardInterrupt
        measured.append(seed)
        scores = {**dict.fromkeys(SCORES[data], 0.5), "w2sq": next(values)}
        cost = {"cpu_s": 1.0, "calibrated_s": 1.0}
        return {"method": name, "seed": seed, **scores, **cost}, torch.zeros(1)

    monkeypatch.setattr(quality, "measure", measure)

    def run(*more: str) -> list[tuple[str, int, float]]:
        threads = torch.get_num_threads()
        try:
            quality.main(["--data", "digits", "--method", *more, "--record"])
        except KeyboardInterrupt:
            pass
        finally:
            torch.set_num_threads(threads)
        written = (tmp_path / "digits.json").read_text(encoding="utf-8")
        runs, _ = parsed(written, "digits.json", SCORES["digits"])
        return [(run.method, run.seed, run.scores["w2sq"]) for run in runs]

    assert run("vae", "--seeds", "12", "11") == [("vae", 11, 2), ("vae", 12, 1)]
    # The order is that of the recipes, and a kill loses nothing.
    expected = [("mke_exact", 11, 3), ("vae", 11, 2), ("vae", 12, 1)]
    assert run("mke_exact", "--seeds", "11", "13", "12") == expected
    assert run("vae", "--seeds", "12")[-1] == ("vae", 12, 4)
    measured.clear()
    assert len(run("vae", "--stale")) == 6  # the seeds of record, in addition
    assert measured == list(record.SEEDS["digits"])
    measured.clear()
    run("vae", "--stale")
    assert measured == []
    record.put_references(tmp_path / "digits.json", [{**REFERENCE, "scores": {"w2sq": [1.0]}}])
    assert len(run("vae", "--stale")) == 6
    assert [file.name for file in tmp_path.iterdir()] == ["digits.json"]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        quality.arguments(["--record", "--steps", "3"])
    assert "a trial is not recorded" in capsys.readouterr().err
