"""One figure of each helper of ``otgen_lite.plots``, as chapters call them; the tests draw them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from otgen_lite import plots

X, Y = np.array([0.0, 1.0, 3.0]), np.array([0.5, 2.0])
A, B = np.array([0.5, 0.25, 0.25]), np.array([0.6, 0.4])
PLAN = np.array([[0.5, 0.0], [0.1, 0.15], [0.0, 0.25]])
X2, Y2 = np.stack([X, X**2], axis=1), np.stack([Y, -Y], axis=1)
T = np.linspace(0.0, 1.0, 40)
DIGITS = np.random.default_rng(0).random((24, 8, 8))
PHOTO = np.random.default_rng(1).random((60, 90, 3))


def _bump(at: float) -> np.ndarray:
    return np.exp(-40 * (T - at) ** 2)


def _soft_plan() -> Figure:
    a, b = _bump(0.3), _bump(0.6)
    eps = np.geomspace(0.001, 10, 9)
    curves = {"value of the problem": eps / (1 + eps), "transport cost": eps**0.5 / 4}
    return plots.soft_plan(T, a, b, np.outer(a, b), eps, curves, 3)


def _named_axes(rows: int, columns: int) -> Figure:
    fig, axes = plots.figure(rows, columns, height=3.3, squeeze=False)
    for k, ax in enumerate(axes.flat):
        ax.plot(1e3 * T, 0.001 * T**2, label="a curve")
        ax.plot(
            1e3 * T,
            0.001 * T,
            label="another one, with a longer name" if columns == 1 else "another one",
        )
        ax.set(xlabel=f"steps of the optimiser {k}", ylabel="dual value")
        ax.legend()
    return fig


def _shared() -> Figure:
    fig, axes = plots.figure(1, 3, height=2.6, sharey=True)
    for ax in axes:
        ax.loglog(10 + 1e4 * T, 1 + T)
        ax.set_xlabel("points")
    axes[0].set_ylabel("error")
    return fig


def _columns() -> Figure:
    """Two columns, each a plane over a line, as in chapter 10."""
    fig, axes = plots.figure(2, 2, height=4.0, height_ratios=[2.2, 1])
    for plane, line in axes.T:
        plots.plan_lines(X2, Y2, PLAN, ax=plane)
        plots.latent_weights([-1, 0, 1], [0.2, 0.6, 0.2], [0.5, 0.0, 0.5], ax=line)
        plane.set(xticks=[], yticks=[])
    return fig


HALVES = [[[0, 0], [1, 0], [1, 2], [0, 2]], [[1, 0], [2, 0], [2, 2], [1, 2]]]
ATOMS = [[0.5, 1.0], [1.5, 1.0]]
EYE = np.eye(2)

#: One figure of each helper, and of the ways in which chapters use axes of their own.
EXAMPLES: dict[str, Callable[[], Figure]] = {
    "figure": lambda: plots.figure(2, 2)[0],
    "two panels": lambda: _named_axes(1, 2),
    "two rows": lambda: _named_axes(2, 1),
    "one panel": lambda: _named_axes(1, 1),
    "shared": _shared,
    "columns": _columns,
    "arcs": lambda: plots.arcs(X, A, Y, B, PLAN),
    "auction_stages": lambda: plots.auction_stages(
        [0, 1, 2],
        [0.5, 1, 3],
        {
            "before": ([-1] * 3, [0] * 3),
            "after 2 bids": ([1, 0, -1], [-0.5, -1, 0]),
            "after 5 bids": ([0, 1, 2], [-2, -1, 0]),
        },
    ),
    "plan_lines": lambda: plots.plan_lines(X2, Y2, PLAN),
    "clouds": lambda: plots.clouds(source=X2, target=Y2, between=(X2 + 1) / 2),
    "density_curves": lambda: plots.density_curves(T, {"data": _bump(0.3), "model": _bump(0.5)}),
    "loss_curve": lambda: plots.loss_curve({"one": A, "two": 2 * A}),
    "image_strip": lambda: plots.image_strip(DIGITS[:3], ["nearest", "with prices", "six"]),
    "image_strip of many": lambda: plots.image_strip(DIGITS[:10], rows=2),
    "images_over_curves": lambda: plots.images_over_curves(
        DIGITS[:3],
        ["six", "six, moved", "five"],
        T,
        {"transport": T, "pixel by pixel": T**0.5},
        xlabel="pixels that the six has moved",
    ),
    "detour": lambda: plots.detour(
        [X2, Y2, X2 + 1], [PLAN.sum(1), PLAN.sum(0), PLAN.sum(1)], [PLAN, PLAN.T]
    ),
    "cdf_gap": lambda: plots.cdf_gap(X, Y),
    "gaussian_pair": lambda: plots.gaussian_pair([0, 0], EYE, [3, 1], 2 * EYE, EYE, [3, 1]),
    "potential_and_plan": lambda: plots.potential_and_plan(
        X2[:2], X2[1:], PLAN[:2], T, np.add.outer(T, T**2)
    ),
    "rates": lambda: plots.rates(
        [32, 64, 128, 256, 512, 1024, 2048],
        {f"$d$ = {d}": np.geomspace(1, 1 / d, 7) for d in (2, 4, 8, 16)},
        xlabel="number of points in each sample",
        ylabel="mean of $W_2^2$",
    ),
    "witnesses": lambda: plots.witnesses(
        T, _bump(0.3), _bump(0.6), {"$W_1$": -4 * T, "TV": np.sign(0.45 - T) / 2, "MMD": 0 * T}
    ),
    "photographs": lambda: plots.photographs(
        [PHOTO] * 4, ["a tower", "a flower", "the cheapest plan", ""], rows=2
    ),
    "recoloured": lambda: plots.recoloured(PHOTO, PHOTO[0], PHOTO[1]),
    "soft_plan": _soft_plan,
    "scaled_plans": lambda: plots.scaled_plans(
        [PLAN, PLAN + 0.02, PLAN, PLAN], A, B, ["start", "rows fit", "columns fit", "round 10"]
    ),
    "rounds": lambda: plots.rounds(
        {f"ε = {e}": 0.5 ** (np.arange(40) * e) for e in (1, 0.5, 0.2)}, {"ε = 1": 0.5}
    ),
    "ink_cards": lambda: plots.ink_cards(X2, A, Y2, B, PLAN),
    "ink_between": lambda: plots.ink_between(X2, Y2, PLAN, 0.3),
    "matrices": lambda: plots.matrices({"the cheapest plan": PLAN, "the product plan": PLAN}),
    "matrices with bar": lambda: plots.matrices({"slack": PLAN}, plan=PLAN, label="what is left"),
    "price_map": lambda: plots.price_map(X2, A, Y2, B, plan=PLAN),
    "sheets": lambda: plots.sheets(
        {"data": DIGITS, "VAE": DIGITS, "AAE": DIGITS, "POT-AAE": DIGITS}, columns=4
    ),
    "autoencoder": lambda: plots.autoencoder(
        DIGITS, DIGITS[:6], DIGITS[:6], DIGITS[:6], columns=6, mark="λ = 2σ²"
    ),
    "penalty_paths": lambda: plots.penalty_paths(
        [0.01, 0.1, 1.0, 10.0],
        {"total variation": [0.2, 0.3, 0.35, 0.4], "energy": [0.15, 0.2, 0.3, 0.4]},
        0.4,
        0.1,
        exact=1.0,
    ),
    "pipe_and_landscape": lambda: plots.pipe_and_landscape(
        X2, Y2, PLAN, np.add.outer(T**2, T), 0.7, [[0.1, 0.2], [0.3, 0.1]], downhill=[0.2, 0.0]
    ),
    "descents": lambda: plots.descents(
        np.add.outer(T**2, T),
        0.7,
        np.zeros((3, 2, 2)) + T[:3, None, None],
        {"best of all": [True, False], "stuck": [False, True]},
    ),
    "squeezed": lambda: plots.squeezed(
        T, T**2, 2 * T**2 + 0.1, {"potential from the inside": T - 0.25, "a corner": T - 0.3}, 0.5
    ),
    "with_spread": lambda: plots.with_spread(
        [4, 16, 64, 256],
        {f"d = {d}": ([0.2, 0.4, 0.6, 0.8], [0.1, 0.05, 0.02, 0.01]) for d in (2, 8, 64)},
        xlabel="batch size n",
        ylabel="best scale",
        level=1.0,
    ),
    "landings": lambda: plots.landings(
        {"guess": (X2, Y2), "n = 16": (X2, Y2), "2 × 16": (X2, Y2)},
        xlabel="distance (m)",
        ylabel="time (s)",
    ),
    "landings in a plane": lambda: plots.landings(
        {"exact": (X2, Y2), "soft": (Y2, X2)}, places=True
    ),
    "between_bounds": lambda: plots.between_bounds(
        T, 1 + (T - 0.5) ** 2, {"critics": T**2 / 2, "encoders": 2 - T, "penalised": 1 + T}
    ),
    "beside_data": lambda: plots.beside_data(
        X2, {"least cost": X2 + 0.1, "narrow critics": X2 - 0.1, "narrow encoders": Y2}
    ),
    "cells": lambda: plots.cells(HALVES, ATOMS, b=[0.5, 0.5], mass=[0.4, 0.6], labels=["a", "b"]),
    "soft_cells": lambda: plots.soft_cells(
        [[[1, 0], [0.5, 0.5], [0, 1]]], ATOMS, ((0, 2), (0, 2)), b=[0.5, 0.5]
    ),
    "convex_potential": lambda: plots.convex_potential(HALVES, ATOMS, [0.1, 0.0]),
    "dots": lambda: plots.dots(
        {"ink": np.outer(T, T), "by chance": X2 / 4, "by transport": Y2 / 4}, ((0, 1), (0, 1))
    ),
    "critic_line": lambda: plots.critic_line(
        T,
        {"critic": T**2, "exact potential": T},
        data=X / 3,
        model=T[::5],
        slopes=T[::5] - 0.5,
        wrong=T[::5] < 0.5,
    ),
    "critic_fields": lambda: plots.critic_fields(
        T,
        {"exact": np.add.outer(T, T**2), "clipped": np.add.outer(T, T)},
        data=X2[:2],
        model=Y2 / 2,
        slopes={"exact": Y2 / 2},
    ),
    "critic_fields of one": lambda: plots.critic_fields(
        T, {"": np.add.outer(T, T**2)}, data=X2[:2], model=Y2 / 2, slopes={"": Y2}
    ),
    "hill": lambda: plots.hill(
        T,
        T * (1 - T),
        {0.5: 0.25, 0.1: 0.09},
        level=0.2,
        name="$W_1$",
        window=(-0.1, 0.4),
        xlabel="slope $w$ of the critic",
        ylabel="$J(w)$",
    ),
    "lower_envelope": lambda: plots.lower_envelope(
        T, np.stack([T, 1 - T], axis=1), [0.2, 0.8], [0, 0.5, 1]
    ),
    "slope_fans": lambda: plots.slope_fans(
        T, T**2, {0.2: (2.4, -1.6), 0.7: (3.4, -0.6)}, xlabel="place", ylabel="cost"
    ),
    "between_poles": lambda: plots.between_poles(
        T - 0.5, T**2, T**2 - T, 0.1, (2, -2), [[0, 0.1]], 0.1, exact=T**2 + 0.1
    ),
    "stages": lambda: plots.stages(
        {f"step {k}": (HALVES, [[0.2, 1.0], [1.8, 1.0]], [0.4, 0.6]) for k in (0, 50, 200)},
        ATOMS,
        [0.5, 0.5],
        ((0, 2), (0, 2)),
    ),
    "shared_cloud": lambda: plots.shared_cloud(
        {"by the plan": (ATOMS, PLAN[:2]), "by the first tie": (ATOMS, PLAN[1:])},
        [[0, 0], [1, 1]],
    ),
    "lanes": lambda: plots.lanes(
        X2,
        np.repeat(Y2, 2, axis=0),
        [-1, -0.3, 0.3, 1],
        [0.2, 0.2, 0.3, 0.3],
        {
            "outward only": np.repeat(PLAN, 2, axis=1) * [0, 1, 1, 0],
            "shared out": np.repeat(PLAN, 2, axis=1) / 2,
            "a lane each": np.repeat(PLAN, 2, axis=1) * [1, 0, 0, 1],
        },
        marked=1,
    ),
    "exchanged": lambda: plots.exchanged(
        [0, 0.2, 0.6, 0.8], [0.2, 0.4, 0.2, 0.2], [0.4, 0, 0.6, 0.8], [0, 1, 1, 2]
    ),
    "noisy_line": lambda: plots.noisy_line(
        1.0, 0.6, 0.6, 0.1 + T, (T - 0.5) ** 2, 0.3 + (T - 0.7) ** 2, top=1.0
    ),
    "two_clouds": lambda: plots.two_clouds(
        {name: (X2, Y2) for name in ("codes, and draws", "as they are", "carried")}
    ),
    "critic_maps": lambda: plots.critic_maps(
        T, T**2, [0.0, 0.2, 0.4], {"in order": [2.0, 2.2, 2.4], "reversed": [2.4, 2.2, 2.0]}
    ),
    "torn_plane": lambda: plots.torn_plane(
        np.eye(9), 3.0, Y2 / 2, (X2 - 3) / 4, radius=0.2, remark="no map"
    ),
    "codes_and_samples": lambda: plots.codes_and_samples(X2 / 4, Y2 / 2, (X2 - 3) / 4),
    "clock": lambda: plots.clock(
        np.stack([np.sin(7 * T), np.cos(7 * T)], axis=1),
        Y2 / 3,
        Y2 / 3,
        T,
        {"of the code": T**1.1, "in the plane": T**2},
        names=("angle of the pendulum", "angular velocity"),
    ),
    "latent_and_samples": lambda: plots.latent_and_samples(X2 / 4, Y2 / 2, (X2 - 3) / 4),
    "lineup": lambda: plots.lineup(
        dict.fromkeys(("blind penalty, no dice", "both"), (X2 / 4, (X2 - 3) / 4)), Y2 / 2
    ),
    "compass": lambda: plots.compass(
        {"IMQ": 0.6 + T[:5], "sliced": 0.7 + T[:4]},
        {"IMQ": 0.3 + T[:5], "sliced": 0.4 + T[:4]},
        xlabel="compass",
        ylabel="$W_2^2$ of samples",
    ),
    "pitchfork": lambda: plots.pitchfork(
        0.5,
        0.1 + T,
        np.sqrt(np.maximum(0.9 - T, 0)),
        {"VAE": ([0.3, 0.7], [0.8, 0.4])},
        4 * T - 2,
        np.stack([_bump(0.3), _bump(0.6)]),
        np.tanh(4 * T - 2),
    ),
    "pitchfork of two codes": lambda: plots.pitchfork(
        0.5, 0.1 + T, 1 - T, {}, [-1, 1], [[0.9, 0.1], [0.1, 0.9]], [-0.8, 0.8]
    ),
    "spectra": lambda: plots.spectra(
        [1.0, 0.5, 0.2, 0.1],
        {
            "VAE, $\\sigma^2 = 0.2$": ([0.8, 0.3, 0, 0], [0.8, 0.31, 0.01, 0]),
            "P-OT": ([1.0, 0.5, 0.2, 0.1], [1.0, 0.5, 0.2, 0.1]),
        },
    ),
    "places": lambda: plots.places(
        {"vae": [1.0, 1.2], "wgan_gp": [2.0, 2.1], "mine": [1.5]},
        {"vae": [0.6, 0.7], "wgan_gp": [1.1, 1.0], "mine": [0.8]},
        xlabel="$W_2^2$",
        ylabel="sharpness",
        data=(None, 1.0),
        floor=np.stack([1 + T, T**2], axis=1),
    ),
    "ladder": lambda: plots.ladder(
        {
            "$W_2^2$": {"vae": [1.0, 1.2], "wgan_gp": [2.0, 2.1]},
            "sharpness": {"vae": [0.6, 0.7], "wgan_gp": [1.1, 1.0]},
        },
        {"$W_2^2$": {"honest": (1.0, 1.7)}, "sharpness": {"data": 1.03}},
    ),
    "agreement": lambda: plots.agreement(
        [[1, 0.3, -0.5], [0.3, 1, 0], [-0.5, 0, 1]], ["$W_2^2$", "sharp", "time"]
    ),
    "knobs": lambda: plots.knobs(
        {"P-OT": ([2, 2.2, 2.5], [0.5, 0.8, 0.9]), "VAE": ([1.5, 1.7, 2], [0.4, 0.5, 0.6])},
        ("VAE", 1),
        DIGITS,
        labels=("$W_2^2$", "sharpness"),
        data=(1.7, 1.0),
        columns=4,
    ),
}
