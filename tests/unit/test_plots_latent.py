"""Pictures of chapter 13: what they draw where, and what they refuse."""

from __future__ import annotations

import pytest

from otgen_lite import plots

BLUE, RED = [[0.0, 0.0], [4.0, 0.0]], [[1.0, 1.0]]


def test_each_panel_is_a_square_around_both_clouds() -> None:
    fig = plots.two_clouds({"codes": (BLUE, RED), "data": (RED, RED)})
    codes, data = fig.axes
    assert [len(c.get_offsets()) for c in codes.collections] == [2, 1]
    (low, high), (bottom, top) = codes.get_xlim(), codes.get_ylim()
    assert high - low == pytest.approx(top - bottom) == pytest.approx(1.08 * 4)
    assert data.get_xlabel() == "data"


def test_panels_share_a_scale_where_they_shall() -> None:
    panels = {"codes": (BLUE, RED), "one": (BLUE, RED), "two": (RED, [[9.0, 0.0]])}
    own, one, two = plots.two_clouds(panels, common=("one", "two")).axes
    assert one.get_xlim() == two.get_xlim() != own.get_xlim()
    assert one.get_ylim() == two.get_ylim()


def test_a_line_runs_from_each_start_to_its_end() -> None:
    fig = plots.critic_maps([0, 1], [0, 1], [0.0, 1.0], {"shift": [2.0, 3.0], "turn": [3.0, 2.0]})
    ways = [c.get_segments() for c in fig.axes[1].collections]
    assert [[float(s[1, 0]) for s in way] for way in ways] == [[2.0, 3.0], [3.0, 2.0]]
    assert all(float(s[0, 1]) > float(s[1, 1]) for way in ways for s in way)


def test_bridges_are_drawn_where_a_place_is_off_and_a_remark_where_there_is_no_map() -> None:
    fig = plots.torn_plane([[0, 1], [0, 0]], 3.0, BLUE, RED, radius=0.2)
    assert fig.axes[0].images[0].get_array().tolist() == [[0, 1], [0, 0]]
    assert len(fig.axes[1].patches) == 2
    other = plots.torn_plane(None, 3.0, BLUE, RED, radius=0.2, remark="no map")
    assert not other.axes[0].images
    assert [text.get_text() for text in other.axes[0].texts] == ["no map"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.two_clouds({}), "panels"),
        (lambda: plots.two_clouds({"a": (BLUE, RED)}, common=("b",)), "common"),
        (lambda: plots.two_clouds({"a": ([[0.0]], RED)}), "'a'"),
        (lambda: plots.critic_maps([0, 1], [0, 1], [0.0], {}), "ends"),
        (lambda: plots.critic_maps([0, 1], [0, 1], [0.0], {"a": [1.0, 2.0]}), "ends"),
        (lambda: plots.torn_plane([[0, 1]], 3.0, BLUE, RED, radius=0.2), "off"),
        (lambda: plots.torn_plane(None, 3.0, BLUE, RED, radius=0.0), "radius"),
    ],
)
def test_they_name_what_is_wrong(draw: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()  # type: ignore[operator]
