"""The pieces behind chapter 13, on problems that can be solved by hand."""

from __future__ import annotations

from math import pi, sqrt

import pytest
import torch
from scipy.stats import norm

from otgen_lite.statements import _latent as pieces
from otgen_lite.statements import latent as claims


def test_two_islands_have_the_bound_of_the_interval() -> None:
    for slope in (0.5, 3.0, 100.0):
        assert claims.bridges(2, 1.0, slope).item() == pytest.approx(
            2 * norm.cdf(1 / (2 * slope)) - 1, abs=1e-14
        )


def test_more_islands_need_more_bridges_and_steeper_maps_fewer() -> None:
    by_modes = [claims.bridges(m, 1.0, 5.0).item() for m in (2, 3, 8, 100)]
    assert by_modes == sorted(by_modes)
    by_slope = [claims.bridges(4, 1.0, s).item() for s in (1.0, 10.0, 100.0)]
    assert by_slope == sorted(by_slope, reverse=True)


def test_the_slope_that_is_needed_gives_the_share() -> None:
    slope = claims.slope_needed(0.01, 1.5)
    assert claims.bridges(2, 1.5, slope).item() == pytest.approx(0.01, abs=1e-12)
    assert slope == pytest.approx(1.5 / (0.01 * sqrt(2 * pi)), rel=1e-3)


def test_a_steep_ring_holds_nearly_all_and_each_disc_the_same() -> None:
    shares, gap, slope = pieces.islands(8, 1e4)
    assert shares.sum().item() == pytest.approx(1.0, abs=3e-3)
    assert shares.min() == shares.max()
    assert gap == pytest.approx(4 * 0.38268343 - 0.4)
    assert slope == 1e4


def test_a_broken_line_between_two_levels_is_measured_exactly() -> None:
    shares, gap, slope = pieces.lipschitz(torch.Generator().manual_seed(3), 2.0)
    assert gap > 0
    assert slope == 2.0
    assert 0.1 < shares.sum().item() < 1.0
