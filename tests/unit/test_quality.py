"""The quality benchmark: what it prints and writes, on a tiny budget."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import quality
from otgen_lite.data import digits, toy

RING = ["method", "seed", "w2sq", "share", "modes", "within_std", "mmd2", "cpu_s", "calibrated_s"]
DIGITS = ["method", "seed", "w2sq", "sharpness", "confidence", "classes", "novelty", "mmd2"]
DIGITS += ["cpu_s", "calibrated_s"]


def test_the_true_law_scores_well_and_a_wrong_one_does_not() -> None:
    true = toy("eight_gaussians").sample(4000, 0)
    scores = quality.ring_scores(true, reference=200)
    assert scores["w2sq"] < 0.2
    assert scores["share"] > 0.998
    assert scores["modes"] == 8
    assert abs(scores["within_std"] - 0.05) < 0.002
    half = true[true[:, 0] > 0.5]
    wrong = quality.ring_scores(half, reference=200)
    assert wrong["modes"] == 3
    assert wrong["w2sq"] > 10 * scores["w2sq"]


def test_the_images_themselves_score_zero_and_noise_does_not() -> None:
    images, _ = digits()
    scores = quality.digits_scores(images)
    assert scores["w2sq"] < 1e-9
    assert scores["classes"] == 10
    noise = torch.rand(len(images), 8, 8, generator=torch.Generator().manual_seed(0))
    assert quality.digits_scores(noise)["w2sq"] > 4.0


def test_script_runs_from_another_folder_without_a_path_to_the_package(tmp_path: Path) -> None:
    command = [sys.executable, quality.__file__, "--data", "digits", "--method", "mke_exact"]
    command += ["--seeds", "3", "--steps", "2", "--out", str(tmp_path / "out")]
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=True
    )
    line = json.loads(done.stdout)
    assert list(line) == DIGITS
    assert (line["method"], line["seed"]) == ("mke_exact", 3)
    assert np.load(tmp_path / "out" / "mke_exact_3.npy").shape == (20_000, 8, 8)


def test_a_line_for_each_seed_of_the_ring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "SAMPLES", 500)
    monkeypatch.setattr(quality, "REFERENCE", 80)
    threads = torch.get_num_threads()
    asked = ["--method", "wgan_clip", "--seeds", "3", "4", "--steps", "2", "--out", str(tmp_path)]
    try:
        quality.main(asked)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [list(line) for line in lines] == [RING, RING]
    assert [line["seed"] for line in lines] == [3, 4]
    angle = np.arange(8) * np.pi / 4
    modes = 2.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for line in lines:
        assert line["cpu_s"] > 0.0
        # The numbers are those of the file: the share, by hand.
        samples = np.load(tmp_path / f"wgan_clip_{line['seed']}.npy")
        assert samples.shape == (500, 2)
        near = np.linalg.norm(samples[:, None] - modes, axis=2).min(axis=1) <= 0.2
        assert line["share"] == round(float(near.mean()), 4)


def test_unknown_method_ends_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        quality.arguments(["--method", "wgangp"])
    assert "did you mean 'wgan_gp'?" in capsys.readouterr().err
