"""The Sinkhorn divergence as a penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import Cost, checked_cost
from otgen_lite.divergences.base import Penalty, in_full_precision
from otgen_lite.transport import sinkhorn_divergence


class SinkhornPenalty(Penalty):
    r"""The Sinkhorn divergence :math:`S_\varepsilon(Q, P)` of codes and prior.

    It is the value of :func:`~otgen_lite.sinkhorn_divergence`, in the unit of the cost: 0 at
    equality, never negative for the costs that have a name, and for eps -> 0 the cost of exact
    transport between the two samples.

    The solver decides by the values that it computes when it has converged. Therefore methods with
    this penalty cannot be stacked in a sweep, and are trained one after another.

    Args:
        eps: regularisation > 0, in the unit of the cost.
        cost: a name or a symmetric callable.
        tol: L1 error of the marginals at which the solver stops; training needs few digits.
        max_iter: sweeps after which the solver gives up, with a warning.

    Raises:
        ValueError: if ``eps <= 0`` or the cost is unknown.

    Source: :cite:t:`feydy_2019`, :cite:t:`genevay_2018`. Chapter: 10.

    Example:
        >>> import torch
        >>> p = torch.tensor([[0.0], [2.0]])
        >>> round(float(SinkhornPenalty(eps=0.1)(p + 0.5, p)), 3)
        0.25
    """

    stackable = False

    def __init__(
        self,
        eps: float = 0.1,
        cost: Cost = "sqeuclidean",
        *,
        tol: float = 1e-3,
        max_iter: int = 1000,
    ) -> None:
        super().__init__()
        self.eps = _checks.positive("eps", eps)
        self.cost = checked_cost(cost)
        self.tol = _checks.positive("tol", tol)
        self.max_iter = _checks.count("max_iter", max_iter)

    def extra_repr(self) -> str:
        """The options, as ``repr`` shows them."""
        return f"eps={self.eps:g}, cost={self.cost!r}"

    @in_full_precision
    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The divergence of (n, d) codes ``q`` and (m, d) codes ``p``: 0-d."""
        options: Any = {"tol": self.tol, "max_iter": self.max_iter}
        return sinkhorn_divergence(q, p, self.eps, self.cost, **options).to(q.device)
