"""Training and evaluation mode, module by module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

#: Layers that a user put into evaluation mode, remembered after a training has put all there.
_ASIDE: WeakSet[nn.Module] = WeakSet()


class Modes:
    """The modes of a method's modules while it is trained."""

    def __init__(self, method: nn.Module) -> None:
        self._method = method

    def training(self) -> None:
        """Training mode for all parts that are trained.

        What is frozen stays as it was trained, in evaluation mode; so does a layer without weights
        to train, or one that normalises, which the user put there.
        """
        if self._method.training:
            _ASIDE.difference_update(self._method.modules())
            _ASIDE.update(_put_aside(self._method))
        _train(self._method)

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Evaluation mode inside; outside every module is in its own mode again."""
        own = [(module, module.training) for module in self._method.modules()]
        self._method.eval()
        try:
            yield
        finally:
            for module, mode in own:
                if module.training != mode:
                    module.training = mode


def _train(module: nn.Module) -> None:
    params = list(module.parameters())
    frozen = bool(params) and not any(p.requires_grad for p in params)
    if frozen or module in _ASIDE:
        module.eval()
        return
    module.training = True
    for child in module.children():
        _train(child)


def _put_aside(module: nn.Module) -> Iterator[nn.Module]:
    """Layers in evaluation mode inside of modules in training mode.

    A whole network with weights to train is none: one that was trained before is in that mode.
    """
    for child in module.children():
        if child.training:
            yield from _put_aside(child)
        elif isinstance(child, _NormBase) or not any(p.requires_grad for p in child.parameters()):
            yield child
