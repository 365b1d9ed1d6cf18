"""Whether members are trained as a stack, and if not, why."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from otgen_lite.methods.base import Method
from otgen_lite.training import devices

#: Optimizers that move every number by itself, so that members do not feel one another.
ELEMENTWISE = (
    torch.optim.Adadelta, torch.optim.Adagrad, torch.optim.Adam, torch.optim.Adamax,
    torch.optim.AdamW, torch.optim.ASGD, torch.optim.NAdam, torch.optim.RAdam,
    torch.optim.RMSprop, torch.optim.Rprop, torch.optim.SGD,
)  # fmt: skip

#: Multiplications in a member's loss above which a stack on a CPU gains nothing: a single product
#: then keeps the processor busy by itself, and the members' tensors leave its cache. Measured with
#: one thread, K times one alone over the stack: dense networks 2.1 at 2^21, 1.5 at 2^23, 1.2 at
#: 2^24, 1.1 at 2^25, 0.95 at 2^26; convolutions 1.8 at 2^24, 0.8 at 2^26, 0.6 at 2^28.
MOST_WORK = 2**25


def obstacle(members: Sequence[Method], options: dict[str, Any]) -> str:
    """Why these members cannot be a stack; nothing where they can."""
    if len(members) == 1:
        return "there is only one member"
    for member in members:
        if not getattr(member, "stackable", True):
            return f"{_title(member)} cannot be stacked: its loss reads values of tensors in Python"
    if devices.expected() > 1:
        return "there are several processes"
    if options.get("precision") == "fp16":
        return "the scale of the loss in fp16 couples members"
    optimizer = options.get("optimizer", "adam")
    if callable(optimizer):
        found = optimizer([nn.Parameter(torch.zeros(1))], 1e-3)
        if type(found) not in ELEMENTWISE:
            return f"the optimizer {type(found).__name__} may couple members"
    return ""


def _title(member: Method) -> str:
    penalty = getattr(member, "penalty", None)
    more = f" with {type(penalty).__name__}" if isinstance(penalty, nn.Module) else ""
    return type(member).__name__ + more


def does_not_pay(members: Sequence[Method], data: Any, options: dict[str, Any]) -> str:
    """The reason why a stack would not be faster, by measurements; empty if it would."""
    like = next(members[0].parameters())
    if devices.resolve(options.get("device"), like.device).type != "cpu":
        return ""
    count = work(members[0], data, int(options.get("batch_size", 128)))
    if count > MOST_WORK:
        return (
            f"the networks are large: a loss takes {count:.2g} multiplications, and beyond "
            f"{MOST_WORK:.2g} a stack is no faster on a CPU"
        )
    return ""


def work(member: Method, data: Any, batch_size: int) -> float:
    """Multiplications in the most expensive of a method's losses on one batch.

    They are counted on two rows of the data where these are rows; else every weight counts once
    for each point, which is right for dense networks.
    """
    estimate = float(batch_size * sum(p.numel() for p in member.parameters()))
    if not isinstance(data, (Tensor, np.ndarray)) or data.ndim < 2 or len(data) < 2:
        return estimate
    probe = copy.deepcopy(member)
    like = next(probe.parameters())
    rows = torch.as_tensor(np.array(data[:2]) if isinstance(data, np.ndarray) else data[:2]).to(
        like
    )
    try:
        with torch.no_grad():
            return max(_count(probe, player, rows) for player in probe.players) * batch_size / 2
    except Exception:  # whatever is wrong here, training will say it better
        return estimate


def _count(method: Method, player: str, rows: Tensor) -> float:
    noise = method.noise(player, rows, torch.Generator(device=rows.device).manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        method(player, rows, noise)
    return counter.get_total_flops() / 2
