"""Pictures of chapter 11: what they draw where, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from otgen_lite import plots

FORK = {
    "at": 0.5,
    "variances": [0.1, 0.5, 1.0],
    "g": [1.0, 0.9, 0.0],
    "trained": {"VAE": ([0.5], [0.8])},
    "z": [-1.0, 1.0],
    "encoders": [[0.9, 0.1], [0.1, 0.9]],
    "made": [-0.9, 0.9],
}


def test_the_fork_has_two_prongs_and_a_line_at_its_variance() -> None:
    fig = plots.pitchfork(**FORK)  # type: ignore[arg-type]
    fork, codes = fig.axes
    up, down, reached, mirrored, line = (np.asarray(k.get_ydata()) for k in fork.lines)
    assert (up == -down).all()
    assert reached == -mirrored == 0.8
    assert list(fork.lines[-1].get_xdata()) == [0.5, 0.5]
    assert len(line) == 2
    shared = [bar.get_height() for bar in codes.patches[4:]]
    assert shared == pytest.approx([1 / 9, 1 / 9])  # of the taller bar


def test_many_codes_are_curves_of_the_same_height() -> None:
    z = np.linspace(-2, 2, 50)
    bumps = np.exp(-((z - np.array([[-1], [1]])) ** 2))
    fig = plots.pitchfork(**{**FORK, "z": z, "encoders": bumps, "made": np.tanh(z)})  # type: ignore[arg-type]
    dashed, solid, made, _ = fig.axes[1].lines
    assert max(dashed.get_ydata()) == max(solid.get_ydata()) == 1.0
    assert made.get_color() == plots.RED


@pytest.mark.parametrize(
    ("change", "message"),
    [({"at": 0.0}, "at"), ({"g": [1.0]}, "g"), ({"encoders": [[1.0, 0.0]]}, "encoders")],
)
def test_the_fork_names_what_is_wrong(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.pitchfork(**{**FORK, **change})  # type: ignore[arg-type]


def test_spectra_stand_beside_the_data() -> None:
    fig = plots.spectra([1.0, 0.5], {"one": ([0.8, 0.3], [0.81, 0.28])})
    data, wanted, found = fig.axes[0].lines
    assert data.get_color() == plots.BLUE
    assert wanted.get_color() == found.get_color()
    assert list(found.get_ydata()) == [0.81, 0.28]
    with pytest.raises(ValueError, match="named"):
        plots.spectra([1.0], {})
