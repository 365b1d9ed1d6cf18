"""Pictures of chapter 12."""

from __future__ import annotations

import numpy as np
import pytest

from otgen_lite import plots

FLAT = np.array([[0.0, 1.0], [1.0, 0.5], [-1.0, 0.2]])


@pytest.mark.parametrize("d_z", [1, 2, 8])
def test_codes_of_any_dimension_are_drawn_where_their_first_numbers_are(d_z: int) -> None:
    codes = np.arange(3 * d_z).reshape(3, d_z) / 10
    fig = plots.latent_and_samples(codes, FLAT, FLAT)
    shown = np.asarray(fig.axes[0].collections[0].get_offsets())
    assert shown[:, 0].tolist() == pytest.approx(codes[:, 0].tolist())
    if d_z > 1:
        assert shown[:, 1].tolist() == pytest.approx(codes[:, 1].tolist())


def test_the_compass_rings_the_least_guess() -> None:
    fig = plots.compass({"a": [3, 1, 2]}, {"a": [7, 8, 9]})
    ring = np.asarray(fig.axes[0].collections[1].get_offsets())
    assert ring.tolist() == [[1.0, 8.0]]


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="samples"):
        plots.latent_and_samples(FLAT, FLAT, np.ones((2, 3)))
    with pytest.raises(ValueError, match="cases"):
        plots.lineup({}, FLAT)
    with pytest.raises(ValueError, match="truth"):
        plots.compass({"a": [1.0]}, {"b": [1.0]})
    with pytest.raises(ValueError, match="positive"):
        plots.compass({"a": [0.0]}, {"a": [1.0]})
