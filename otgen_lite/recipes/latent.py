"""Recipes in stages: an auto-encoder, a map of the prior to its codes, and the map's network."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from otgen_lite.methods import LatentOT, Method
from otgen_lite.recipes.base import Maker, Recipe, recipe
from otgen_lite.training import History, agreement, fit, interrupts, writing

log = logging.getLogger("otgen_lite")

#: A function ``(auto-encoder, data, seed) -> LatentOT``.
Wrap = Callable[[Any, Tensor, int], LatentOT]

#: Options of the history that a recipe returns, which is that of its last training.
_LAST = ("metrics", "metrics_every")


class Latent:
    """The trainer of a latent recipe: an auto-encoder, then its map.

    Options that are given hold for every training: for the auto-encoder, and for the map's network
    where it has one. Metrics are those of the last one. Where there are two, the first one's
    checkpoint is beside the other, ``run-autoencoder.pt`` beside ``run.pt``.

    Args:
        wrap: ``(auto-encoder, data, seed) -> LatentOT``.
        fit_map: fits the map, with a seed.
        autoencoder: the options of the auto-encoder's training; read when it begins.
        network: the options of the network's training, None where the map has none.
    """

    def __init__(
        self,
        wrap: Wrap,
        fit_map: Callable[[LatentOT, int], Any],
        autoencoder: Callable[[], dict[str, Any]],
        network: dict[str, Any] | None = None,
    ) -> None:
        self._wrap, self._fit_map = wrap, fit_map
        self._autoencoder, self._network = autoencoder, network

    def stages(self, options: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """By name the options of each training."""
        if self._network is None:
            return {"autoencoder": {**self._autoencoder(), **options}}
        first = {**self._autoencoder(), **{k: v for k, v in options.items() if k not in _LAST}}
        if first.get("checkpoint") is not None:
            path = Path(first["checkpoint"])
            first["checkpoint"] = path.with_name(f"{path.stem}-autoencoder{path.suffix}")
        return {"autoencoder": first, "map": {**self._network, **options}}

    def __call__(
        self, recipe: Recipe, seed: int, data: Tensor, progress: bool, options: dict[str, Any]
    ) -> tuple[Method, History]:
        """Train the auto-encoder, make the map, train its network; an end ends all of them.

        Returns:
            the method and the history of its last training. After an end before the map was made
            it is the auto-encoder alone.
        """
        stages = self.stages(options)
        if options.get("checkpoint") is not None:
            writing.check(Path(options["checkpoint"]))
        with interrupts.watched() as stop:
            inner = recipe.make(seed, data)
            history = fit(inner, data, seed=seed, progress=progress, **stages["autoencoder"])
            if history.interrupted:
                return inner, history
            method = self._mapped(inner, data, seed, stop)
            if agreement.ends(stop, method is None) or method is None:
                log.warning("%r: %s ended it before there was a map", recipe, stop.name)
                history.interrupted = True
                return inner, history
            if method.players:
                history = fit(method, data, seed=seed, progress=progress, **stages["map"])
        return method, history

    def _mapped(
        self, inner: Method, data: Tensor, seed: int, stop: interrupts.Stop
    ) -> LatentOT | None:
        """The auto-encoder with its map, or None after an interruption.

        The map is made on the CPU, in the precision that it needs, and moves with the networks.
        """
        place = next(inner.parameters()).device
        inner.to("cpu")
        try:
            with stop.breakable(), torch.device("cpu"):
                method = self._wrap(inner, data.cpu(), seed)
                self._fit_map(method, seed)
        except KeyboardInterrupt:
            inner.to(place)
            return None
        return method.to(place)


def latent_recipes(
    on: str,
    autoencoder: Maker,
    maps: dict[str, Wrap],
    fit_map: Callable[[LatentOT, int], Any],
    options: Callable[[], dict[str, Any]],
    network: dict[str, Any],
) -> None:
    """Register a recipe ``latent_ot_…`` for each map of one auto-encoder.

    Args:
        on: name of the data.
        autoencoder: makes the auto-encoder.
        maps: by name of the map ``(auto-encoder, data, seed) -> LatentOT``.
        fit_map: fits the map, with a seed.
        options: the options of the auto-encoder's training; read when it begins.
        network: the options of the training of the map ``"pairs"``, which has a network.
    """
    for name, wrap in maps.items():
        trainer = Latent(wrap, fit_map, options, network if name == "pairs" else None)
        recipe(on, f"latent_ot_{name}", trainer=trainer)(autoencoder)
