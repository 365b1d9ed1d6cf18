"""The palette by numbers, on white and as a dark page shows it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from otgen_lite import plots
from otgen_lite.plots.style import INVERTED

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"BLUE": plots.BLUE, "RED": plots.RED, "VIOLET": plots.VIOLET}
METHODS = {f"METHODS[{k}]": color for k, color in enumerate(plots.METHODS)}
#: What lies behind a figure: white, the dark page, and the dark card of an explorer.
GROUNDS = {"white": "#FFFFFF", "dark page": "#121212", "dark card": "#29313D"}


def shown(color: str, ground: str) -> np.ndarray:
    """The sRGB of a drawing's colour on a ground, through figures.css's filter and blend mode."""
    c, g = (np.array(mpl.colors.to_rgb(x)) for x in (color, GROUNDS[ground]))
    if ground == "white":
        return c * g
    turned = np.clip(np.array(INVERTED) @ (1 - c), 0, 1)
    return 1 - (1 - turned) * (1 - g)


def linear(c: np.ndarray) -> np.ndarray:
    """Linear sRGB."""
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(color: str, ground: str) -> float:
    """WCAG contrast ratio of a colour and its ground, as they are shown."""
    light = [linear(shown(x, ground)) @ [0.2126, 0.7152, 0.0722] for x in (color, "#FFFFFF")]
    return float((max(light) + 0.05) / (min(light) + 0.05))


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x = np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Full colour blindness of each kind, in linear sRGB (Machado, Oliveira and Fernandes, 2009).
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def apart(one: str, other: str, vision: str, ground: str) -> float:
    """CIELAB distance of two colours, as an eye of this kind sees them there."""
    seen = [lab(np.array(VISION[vision]) @ linear(shown(c, ground))) for c in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def test_the_filter_is_the_one_of_the_css() -> None:
    """The matrix of hue-rotate(180deg) in the standard, and the names in both style sheets."""
    for sheet in ("assets/web/figures.css", "otgen_lite/web/palette.css"):
        text = (ROOT / sheet).read_text(encoding="utf-8")
        assert re.search(r"invert\(1\) hue-rotate\(180deg\)", text), sheet
        assert re.search(r"(mix-blend-mode|-blend): screen", text), sheet
    weights = np.array([[0.213, 0.715, 0.072]] * 3)
    np.testing.assert_allclose(INVERTED, 2 * weights - np.eye(3), atol=1e-9)
    assert np.allclose(shown("#FFFFFF", "dark page"), mpl.colors.to_rgb("#121212"))
    assert np.allclose(shown("#000000", "dark page"), 1)


@pytest.mark.parametrize("ground", GROUNDS)
def test_contrast(ground: str) -> None:
    # 4.5 : 1 is asked of text, 3 : 1 of lines and areas; violet is no colour for small text.
    for name, color in {**PARTS, **METHODS, "GREY": plots.GREY, "black": "#000000"}.items():
        least = 3.0 if name == "VIOLET" else 4.5
        assert contrast(color, ground) >= least, (name, contrast(color, ground))


def test_ink_beside_photographs_is_seen_on_every_ground() -> None:
    """No filter there: the same ink on white and on the dark grounds."""
    light = linear(np.array(mpl.colors.to_rgb(plots.NEUTRAL))) @ [0.2126, 0.7152, 0.0722]
    for ground in GROUNDS.values():
        other = linear(np.array(mpl.colors.to_rgb(ground))) @ [0.2126, 0.7152, 0.0722]
        low, high = sorted((light, other))
        assert (high + 0.05) / (low + 0.05) >= 3.0


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(PARTS, 2)))
def test_parts_can_be_told_apart_on_white(one: str, other: str, vision: str) -> None:
    assert apart(PARTS[one], PARTS[other], vision, "white") >= 20


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("vision", ["normal", "protan", "deutan"])
def test_methods_can_be_told_apart(vision: str, ground: str) -> None:
    for one, other in itertools.combinations(METHODS, 2):
        distance = apart(METHODS[one], METHODS[other], vision, ground)
        assert distance >= 20, (one, other, distance)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("part", PARTS)
def test_no_method_looks_like_data_or_model(part: str, ground: str) -> None:
    for name, color in METHODS.items():
        assert apart(color, PARTS[part], "normal", ground) >= 20, name


def test_no_other_colours_are_in_the_pictures() -> None:
    """One palette: no rainbow, no greys or pastels of a picture's own."""
    for path in (ROOT / "otgen_lite" / "plots").glob("*.py"):
        if path.name == "style.py":
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"viridis|plasma|jet|tab10|Pastel|Set[123]", text), path.name
        own = set(re.findall(r'"#[0-9A-Fa-f]{6}"', text)) - {'"#2B1038"'}  # the dark end of violet
        assert not own, (path.name, own)
