"""Layers whose results depend on the number of processes."""

from __future__ import annotations

import warnings

from torch import nn

from otgen_lite.training.devices import Processes

#: Layers that draw for themselves, beside the noise of the loss.
DRAWING = (nn.modules.dropout._DropoutNd, nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)


def must_be_shared(method: nn.Module, processes: Processes) -> None:
    """Layers that several processes do not compute as one does: an error, or a warning.

    Args:
        method: in training mode.
        processes: how many.

    Raises:
        ValueError: for a layer that mixes the rows of a batch.
    """
    if processes.world == 1:
        return
    drawing = []
    for name, module in method.named_modules():
        kind = type(module).__name__
        if module.training and _mixes(module):
            raise ValueError(
                f"method must not mix the rows of a batch in {processes.world} processes, got "
                f"{kind} in {name!r}, which would see the rows of its process alone; take "
                "GroupNorm or LayerNorm, nn.SyncBatchNorm on GPUs, or one process"
            )
        if module.training and _draws(module):
            drawing.append(f"{kind} in {name!r}")
    if drawing and processes.first:
        warnings.warn(
            f"{drawing[0]} draws by itself, independently in each of {processes.world} processes: "
            "this run has the distribution of a run of one process, but not its numbers",
            stacklevel=3,
        )


def _mixes(module: nn.Module) -> bool:
    """Whether what a layer computes, or keeps, depends on all rows of a batch."""
    if isinstance(module, nn.SyncBatchNorm):  # asks the other processes, where torch has it
        return any(value.device.type == "cpu" for value in module.parameters())
    if isinstance(module, nn.modules.instancenorm._InstanceNorm):
        return module.track_running_stats
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


def _draws(module: nn.Module) -> bool:
    """Whether a layer is random."""
    if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
        return module.dropout > 0.0
    return isinstance(module, DRAWING) and getattr(module, "p", 1.0) > 0.0
