"""The c-transform and its soft version."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks


def c_transform(g: Any, C: Any, eps: float = 0.0, b: Any = None) -> Tensor:
    r"""The c-transform of a potential, or its soft version, the (c, eps)-transform.

    .. math::
        g^{c}_i = \min_j\, C_{ij} - g_j , \qquad
        g^{c,\varepsilon}_i = -\varepsilon \log \sum_j b_j\, e^{(g_j - C_{ij}) / \varepsilon} .

    The hard transform is the largest f with f_i + g_j <= C_ij. The soft one is never below it,
    because the weights sum to 1, and for eps -> 0 it tends to the hard transform over the atoms
    with b_j > 0.

    Differentiable in ``g`` and ``C``, for eps > 0 also in ``b``. Where several j attain the hard
    minimum, the whole gradient goes to the first of them. Pass ``C.T`` for the transform of the
    other potential.

    Args:
        g: (m,) potential.
        C: (n, m) costs.
        eps: entropic regularisation >= 0, in the unit of the cost.
        b: (m,) weights of the soft transform, non-negative with sum 1; uniform where None. The hard
            transform does not depend on them.

    Returns:
        (n,) transform, in the unit of the cost.

    Raises:
        ValueError: if shapes do not match, a number is not finite, ``eps < 0``, or ``b`` is
            negative or does not sum to 1.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`peyre_2019`. Chapter: 1 (hard), 3 (soft).

    Example:
        >>> C = [[0.0, 1.0], [4.0, 1.0]]
        >>> c_transform([0.5, 0.0], C)
        tensor([-0.5000,  1.0000], dtype=torch.float64)
        >>> c_transform([0.5, 0.0], C, eps=1e-3)
        tensor([-0.4993,  1.0007], dtype=torch.float64)
    """
    with _checks.beside(g, C):
        C = _checks.matrix("C", C)
        m = C.shape[1]
        g, C = _checks.common(_checks.vector("g", g, m, "one entry for each column of C"), C)
    eps = _checks.number("eps", eps, at_least=0.0)
    weights = None if b is None else _checks.weights("b", b, m, like=C).to(C.dtype)
    slack = C - g
    if eps == 0.0:
        return slack.gather(1, slack.argmin(dim=1, keepdim=True))[:, 0]
    if weights is None:
        lowest = slack.detach().amin(dim=1, keepdim=True)
        total = torch.exp((lowest - slack) / eps).mean(dim=1)
    else:
        weights = weights / weights.detach().sum()
        heavy = slack.detach().masked_fill(weights.detach() == 0, torch.inf)
        lowest = heavy.amin(dim=1, keepdim=True)
        # Above the shift are only atoms without weight: bounded, so that 0 * exp(.) stays 0.
        exponent = ((lowest - slack) / eps).clamp(max=80.0)
        total = torch.exp(exponent) @ weights
    return lowest[:, 0] - eps * torch.log(total)
