"""Copies of the weights: their moving averages, and the last finite ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def _floating(method: nn.Module) -> dict[str, Tensor]:
    return {n: p.detach() for n, p in method.named_parameters() if p.is_floating_point()}


class Averages:
    r"""Exponential averages of all parameters, without a bias towards the first ones.

    .. math::
        \bar\theta_t = \frac{\sum_{s \le t} \beta^{t-s}\, \theta_s}{\sum_{s \le t} \beta^{t-s}}

    over the weights :math:`\theta_1, \dots, \theta_t` after each step. With :math:`\beta \to 1`
    this is their mean; the initial weights do not count.

    Args:
        method: its parameters are averaged; they are written in place only.
        decay: β in (0, 1).
    """

    def __init__(self, method: nn.Module, decay: float) -> None:
        live = _floating(method)
        self.names, self.live = list(live), list(live.values())
        self.decay = decay
        self.values = [v.clone() for v in self.live]

    def add(self, t: int) -> None:
        """Take in the weights after step ``t``, counted from 1."""
        weight = (1.0 - self.decay) / (1.0 - self.decay**t)
        torch._foreach_lerp_(self.values, self.live, weight)

    def put(self) -> None:
        """Give the averages to the method."""
        torch._foreach_copy_(self.live, self.values)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The method holds the averages inside, and its own weights again outside."""
        own = [v.clone() for v in self.live]
        self.put()
        try:
            yield
        finally:
            torch._foreach_copy_(self.live, own)

    def state(self) -> dict[str, Tensor]:
        """The part of a checkpoint about averages."""
        return dict(zip(self.names, self.values, strict=True))

    def load(self, state: dict[str, Tensor]) -> None:
        """Go back to where :meth:`state` was called."""
        for name, value in zip(self.names, self.values, strict=True):
            value.copy_(state[name])


class Snapshot:
    """The weights and buffers of the last check in which all of them were finite.

    Buffers that hold infinity from the start, such as a bound, are no sign of failure.
    """

    def __init__(self, method: nn.Module) -> None:
        tensors = {n: b for n, b in method.named_buffers() if b.is_floating_point()}
        self._live = _floating(method) | {
            n: b.detach() for n, b in tensors.items() if bool(torch.isfinite(b).all())
        }
        self._kept = [v.clone() for v in self._live.values()]
        self._everything = {n: p.detach() for n, p in method.named_parameters()}
        self._everything |= {n: b.detach() for n, b in method.named_buffers()}
        self.step = 0

    def bad(self) -> list[str]:
        """Names of weights that are not finite."""
        if not self._live:
            return []
        # One read; what needs double precision may be elsewhere than the networks.
        place = next(iter(self._live.values())).device
        finite = [torch.isfinite(v).all().to(place) for v in self._live.values()]
        good = torch.stack(finite).tolist()
        return [name for name, fine in zip(self._live, good, strict=True) if not fine]

    def take(self, step: int) -> None:
        """Keep the present numbers."""
        torch._foreach_copy_(self._kept, list(self._live.values()))
        self.step = step

    def put_back(self) -> None:
        """Give the method the kept numbers."""
        torch._foreach_copy_(list(self._live.values()), self._kept)

    def finite(self, rows: dict[str, list[int]]) -> bool:
        """Whether the numbers in these rows are finite."""
        found = [self._live[n][index] for n, index in rows.items() if n in self._live]
        return all(bool(torch.isfinite(value).all()) for value in found)

    def everything(self) -> dict[str, Tensor]:
        """All parameters and buffers, of any type, as they lie in memory."""
        return self._everything

    def kept(self) -> dict[str, Tensor]:
        """The kept numbers by name."""
        return dict(zip(self._live, self._kept, strict=True))
