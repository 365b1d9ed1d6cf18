"""Base class of penalties, and checks that several share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite.precision import full_precision, lifted


class Penalty(nn.Module):
    """The base of every penalty: ``forward(q, p, noise)`` estimates D(Q, P) from two samples.

    A subclass defines ``forward``, :meth:`noise` if it draws anything, and :meth:`critic_loss` if
    it trains an opponent. Like a loss (see :class:`~otgen_lite.Method`) it must not read the value
    of a tensor in Python, so that the members of a grid can be stacked; a penalty that has to do so
    sets ``stackable = False``.

    The *opponent* of the encoder is a network that is trained to tell Q from P. As a player of a
    method it is called the *critic*, whatever it computes; if it returns logits, it is a
    *discriminator*.

    Chapter: 10.
    """

    #: Whether the penalty has an opponent that is trained beside the encoder.
    has_critic: bool = False

    #: Whether ``vmap`` can run it.
    stackable: bool = True

    #: Whether it looks at several rows at once; a mean over rows does not.
    coupled: bool = True

    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The penalty, which is minimised in the parameters that ``q`` was computed with.

        Args:
            q: (n, d) codes of the data.
            p: (m, d) codes of the prior.
            noise: the draws of :meth:`noise`; drawn from torch's own generator where None.

        Returns:
            0-d tensor.

        Raises:
            ValueError: if the codes are not (n, d) and (m, d) tensors with the same d.
        """
        raise NotImplementedError

    def noise(self, q: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Everything random that the penalty needs, by name.

        The names begin with ``shared_``, because the draws are the same for the whole batch.
        """
        return {}

    def critic_loss(self, q: Tensor, p: Tensor) -> Tensor:
        """The opponent's loss, for penalties with one: 0-d, minimised in its parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no opponent to train")


def in_full_precision(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A penalty in full precision: differences of nearly equal means need their digits."""

    @wraps(forward)
    def wrapped(
        self: Any, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        same_space(q, p)
        with full_precision(q):
            return forward(self, lifted(q), lifted(p), noise)

    return wrapped


def same_space(q: Tensor, p: Tensor) -> None:
    """Codes of one dimension, as rows."""
    if q.ndim != 2 or p.ndim != 2 or q.shape[1] != p.shape[1]:
        raise ValueError(
            "q and p must be codes of shapes (n, d) and (m, d), got "
            f"{_checks.shape_text(q)} and {_checks.shape_text(p)}"
        )


def logits(out: Tensor) -> Tensor:
    """(n,) logits of a discriminator, which returned them as (n,) or (n, 1)."""
    if out.ndim == 2 and out.shape[1] == 1:
        out = out[:, 0]
    if out.ndim != 1:
        raise ValueError(
            f"a discriminator must return shape (n,) or (n, 1), got {_checks.shape_text(out)}"
        )
    # In mixed precision a network may return three digits, and a loss is a mean of many.
    return lifted(out)
