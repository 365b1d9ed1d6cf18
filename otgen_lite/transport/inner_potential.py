"""Potentials from the relative interior of the set of optimal potentials."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.transport.exact import ExactResult

#: Masses below this, relative to the largest, are rounding.
_DUST = 1e-9


def inner_potential(C: Tensor, solved: ExactResult) -> Tensor:
    r"""The second potential of a solved problem, in the relative interior of all optimal ones.

    The simplex returns a corner of the optimal face, or a point close to one (some edges of its
    tree may be auxiliary). There f_i + g_j = C_ij also at pairs without mass, so that the minimum
    of C_ij - g_j is attained twice at some points and the gradient of the transform is not the one
    of the transport cost. The inner pair touches C at pairs of optimal plans alone.

    The optimal g are those with :math:`g_j - g_k \le w_{kj}`, where :math:`w_{kj}` is the least
    :math:`C_{ij} - C_{ik}` over the i that send mass to k. Each row of shortest distances
    D_k. in the graph with lengths w is such a g; a constraint that all rows attain lies on a
    circle of length zero, that is, another optimal plan uses it. So the mean of the rows is inner.
    Distances are taken from the corner's g, which makes every length non-negative.

    Args:
        C: (n, m) costs.
        solved: the problem's plan and potentials; every column has mass.

    Returns:
        (m,) potential with mean 0, in the type of C.
    """
    # Here, so that importing the package need not wait for it.
    from scipy.sparse.csgraph import csgraph_from_dense, floyd_warshall

    costs = C.detach().cpu().double().numpy()
    corner = solved.potentials[1].cpu().double().numpy()
    # Where sums of weights agree up to rounding alone, the simplex leaves that much mass behind.
    plan = solved.plan.cpu().numpy()
    rows, columns = (plan > _DUST * plan.max()).nonzero()
    reduced = costs - corner
    lengths = np.full((C.shape[1], C.shape[1]), np.inf)
    excess = reduced[rows] - reduced[rows, columns][:, None]
    np.minimum.at(lengths, columns, excess.clip(min=0.0))
    np.fill_diagonal(lengths, 0.0)
    # As a sparse graph: in a dense one a zero is no edge, and here it is the length of those edges
    # that other optimal plans use.
    shortest = floyd_warshall(csgraph_from_dense(lengths, null_value=np.inf))
    g = torch.from_numpy(corner + shortest.mean(axis=0))
    return _checks.moved(g - g.mean(), C.device).to(C.dtype)
