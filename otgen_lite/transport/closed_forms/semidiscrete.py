"""Semi-discrete transport with closed-form solutions: from a density to atoms."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks


def uniform_to_atoms(
    y: Any, b: Any = None, low: Any = 0.0, high: Any = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Semi-discrete transport for :math:`(x - y)^2` from a uniform distribution on an interval.

    The optimal plan is monotone: the k-th smallest atom receives an interval, its **cell**, of
    length b_k (high − low), and the cells follow one another in the order of the atoms. With the
    centre c_k of a cell and its length w_k

    .. math::
        W_2^2 = \sum_k b_k \big( (c_k - y_k)^2 + w_k^2 / 12 \big), \qquad
        \psi_{k+1} - \psi_k = (e_k - y_{k+1})^2 - (e_k - y_k)^2 ,

    where e_k is the edge between the cells k and k + 1: there the two atoms tie in
    :math:`\psi^c(x) = \min_k (x - y_k)^2 - \psi_k`. Neither sampling nor iteration is needed.

    Differentiable in all arguments; the derivative of the value in ``b`` is psi.

    Args:
        y: (N,) atoms in any order; (N, 1) is accepted.
        b: (N,) weights, non-negative with sum 1; uniform where None. The cell of an atom of weight
            zero is a single point, and its psi is the largest for which this is so.
        low: lower end of the interval.
        high: upper end, above ``low``.

    Returns:
        ``(value, psi, edges)``: the cost, 0-d; the Kantorovich potential psi (N,) in the order of
        ``y``, with sum_k b_k psi_k = 0; and the edges (N + 1,) of the cells, from ``low`` to
        ``high``, for the atoms **in increasing order**.

    Raises:
        ValueError: if shapes do not match, a number is not finite, ``low >= high``, or weights are
            negative or do not sum to 1.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`santambrogio_2015`. Chapter: 4.

    Example:
        >>> value, psi, edges = uniform_to_atoms([0.1, 0.25, 0.9], [0.2, 0.5, 0.3])
        >>> value
        tensor(0.0341, dtype=torch.float64)
        >>> [round(price, 5) for price in psi.tolist()]
        [0.05475, 0.04725, -0.11525]
        >>> edges
        tensor([0.0000, 0.2000, 0.7000, 1.0000], dtype=torch.float64)
    """
    y = _checks.line("y", y)
    b = _checks.weights("b", b, y.numel(), like=y)
    start, end = _end("low", low, y), _end("high", high, y)
    if start.item() >= end.item():
        raise ValueError(
            f"low must be below high, got low = {start.item():g} and high = {end.item():g}"
        )
    centre, half = (start + end) / 2, (end - start) / 2
    value, psi, levels = _segment(centre[None], half[None], y.to(torch.float64)[:, None], b)
    edges = torch.lerp(start, end, levels)
    return value.to(y.dtype), psi.to(y.dtype), edges.to(y.dtype)


def segment_to_atoms(
    centre: Any, half: Any, y: Any, b: Any = None
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Semi-discrete transport for :math:`\|x - y\|^2` from a segment in space to atoms.

    The source is the distribution of ``centre + z half`` with z uniform on [−1, 1]. The order of
    the cells along the segment is that of the numbers :math:`\langle half, y_k \rangle`, because
    the rest of the cost is the same for every plan; the formulas are those of
    :func:`uniform_to_atoms`.

    Differentiable in all arguments where no two of these numbers are equal. Where two atoms of
    positive weight tie, the value has a kink in ``half``, and the derivative is that of the order
    which is returned.

    Args:
        centre: (d,) centre of the segment.
        half: (d,) half of the segment, from its centre to an end; zero for a point.
        y: (N, d) atoms.
        b: (N,) weights, non-negative with sum 1; uniform where None.

    Returns:
        ``(value, psi, edges)``: the cost, 0-d; the Kantorovich potential psi (N,) in the order of
        ``y``, with sum_k b_k psi_k = 0; and the edges (N + 1,) of the cells, values of z from −1 to
        1, in the order of the cells along the segment (where two tie, in the order of ``y``).

    Raises:
        ValueError: if shapes do not match, a number is not finite, or weights are negative or do
            not sum to 1.
        TypeError: if an argument has the wrong type.

    Chapter: 6.

    Example:
        >>> triangle = [[0.0, 0.3], [0.0, 0.7], [2**-0.5, 0.5]]
        >>> value, psi, edges = segment_to_atoms([2**-0.5 / 3, 0.5], [0.0, 4 / 15], triangle)
        >>> value
        tensor(0.1141, dtype=torch.float64)
    """
    why = "a point of the space of y"
    with _checks.beside(y, centre, half):
        y = _checks.points("y", y)
        d = y.shape[1]
        centre = _checks.vector("centre", _checks.tensor("centre", centre), d, why)
        half = _checks.vector("half", _checks.tensor("half", half), d, why)
    y, centre, half = _checks.common(y, centre, half)
    b = _checks.weights("b", b, y.shape[0], like=y)
    wide = torch.float64
    value, psi, levels = _segment(centre.to(wide), half.to(wide), y.to(wide), b)
    return value.to(y.dtype), psi.to(y.dtype), (2 * levels - 1).to(y.dtype)


def _segment(centre: Tensor, half: Tensor, y: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value, psi in the order of y, and the cumulated weights along the segment, in float64."""
    order = (y.detach() @ half.detach()).argsort(stable=True)
    y_along, b_along = y[order], b[order] / b.sum()
    # Clamped and divided by its end: the last edge is the end of the segment exactly.
    inner = b_along.cumsum(0)
    levels = torch.cat([inner.new_zeros(1), (inner / inner[-1])[:-1], inner.new_ones(1)])
    z = 2 * levels - 1
    middle, width = (z[1:] + z[:-1]) / 2, z.diff()
    cell_centre = centre + middle[:, None] * half
    spread = half.square().sum() * width.square() / 12
    value = (b_along * ((cell_centre - y_along).square().sum(dim=1) + spread)).sum()
    edge = centre + z[1:-1, None] * half
    step = y_along.diff(dim=0)
    # |e - y'|^2 - |e - y|^2 = <y' - y, y' + y - 2 e>
    jumps = (step * (y_along[1:] + y_along[:-1] - 2 * edge)).sum(dim=1)
    along = torch.cat([jumps.new_zeros(1), jumps.cumsum(0)])
    along = along - b_along @ along
    return value, torch.empty_like(along).index_copy(0, order, along), levels


def _end(name: str, value: Any, like: Tensor) -> Tensor:
    number = _checks.number(name, value)
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.reshape(()).to(device=like.device, dtype=torch.float64)
    return torch.tensor(number, dtype=torch.float64, device=like.device)


def gaussian_to_circle(n_atoms: int, radius: Any) -> Tensor:
    r"""The transport cost for :math:`\|x - y\|^2` from N(0, I_2) to n equal atoms on a circle.

    .. math::
        W_2^2 = 2 + R^2 - 2 R \sqrt{\pi / 2}\; \frac{\sin(\pi / n)}{\pi / n} .

    The atoms are at equal angles around the origin. By symmetry psi = 0 is optimal, and the cells
    are the n sectors of points that are nearest to each atom; E|x| = (π/2)^(1/2), and the mean of
    cos φ over a sector is sin(π/n) / (π/n), where φ is the angle to the atom.

    Args:
        n_atoms: number of atoms n >= 1.
        radius: radius R >= 0 of the circle.

    Returns:
        0-d tensor, float64 for a number, in the squared unit of length. Differentiable in
        ``radius``.

    Raises:
        ValueError: if ``n_atoms < 1``, or the radius is negative or not finite.
        TypeError: if an argument has the wrong type.

    Chapter: 4, 13.

    Example:
        >>> gaussian_to_circle(8, 2.0)
        tensor(1.1146, dtype=torch.float64)
    """
    n = _checks.count("n_atoms", n_atoms)
    number = _checks.number("radius", radius, at_least=0.0)
    R = radius if isinstance(radius, Tensor) else torch.tensor(number, dtype=torch.float64)
    R = _checks.tensor("radius", R).reshape(())
    # sinc(t) = sin(pi t) / (pi t); exactly 0 at n = 1, where a sector is the whole circle.
    mean_cosine = 0.0 if n == 1 else math.sin(math.pi / n) / (math.pi / n)
    return 2 + R.square() - 2 * R * (math.sqrt(math.pi / 2) * mean_cosine)


def quantise_gaussian(n: int) -> tuple[Tensor, Tensor]:
    r"""The n equally weighted atoms nearest to N(0, 1) in W_2 (optimal quantisation), and the cost.

    .. math::
        y_k = n \int_{q_{k-1}}^{q_k} x \varphi(x) \, dx = n \big( \varphi(q_{k-1}) - \varphi(q_k)
        \big), \qquad W_2^2 = 1 - \frac1n \sum_k y_k^2 ,

    with the quantiles q_k = Φ^(-1)(k / n), where φ and Φ are density and distribution function of
    N(0, 1). For equally weighted atoms on the line the cells are always these intervals, and the
    best point for a cell is its mean.

    Args:
        n: number of atoms.

    Returns:
        ``(points, value)``: (n,) atoms in increasing order, and the cost, 0-d; both float64.

    Raises:
        ValueError: if ``n < 1``.
        TypeError: if ``n`` is not a whole number.

    Chapter: 8, 9.

    Example:
        >>> points, value = quantise_gaussian(2)
        >>> points, value
        (tensor([-0.7979,  0.7979], dtype=torch.float64), tensor(0.3634, dtype=torch.float64))
    """
    n = _checks.count("n", n)
    level = torch.arange(n + 1, dtype=torch.float64) / n
    q = torch.special.ndtri(level)
    density = torch.exp(-q.square() / 2) / math.sqrt(2 * math.pi)
    points = n * (density[:-1] - density[1:])
    points = (points - points.flip(0)) / 2  # symmetric to the last digit
    return points, 1 - points.square().mean()
