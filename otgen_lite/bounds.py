"""Bounds of a transport cost by networks: critics from below, encoders from above.

For generated points x (k, n, d), a cloud for each of k models, and data y (n, d), the transport
cost E_k = W_2^2(x_k, y) lies between the value of any critic and the value of any encoder:

- :func:`critics` trains a critic for each model and takes its exact c-transform on the data, so
  that every number is at most E_k, however badly the critic was trained;
- :func:`encoders` trains an encoder for each model and rounds its codes to a permutation, so that
  every number is at least E_k;
- :func:`penalised` trains encoders with a penalty on their codes and does not round them; its
  numbers may lie on either side.

All k networks are trained at once, as one batch of small matrices, and with all the data in each
step, so that only the initial weights are random. See chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite._batched_mlps import BatchedMLP, train

#: Generated points for codes (k, n, d_z), all k models at once: (k, n, d).
Decoder = Callable[[Tensor], Tensor]


def _checked(x: Tensor, y: Tensor, width: int, steps: int) -> tuple[Tensor, Tensor]:
    x, y = _checks.tensor("x", x), _checks.tensor("y", y)
    if x.ndim != 3:
        raise ValueError(f"x must have shape (models, n, d), got {_checks.shape_text(x)}")
    if y.ndim != 2 or y.shape[1] != x.shape[2]:
        raise ValueError(
            f"y must have shape (n, {x.shape[2]}), as the points of x, got {_checks.shape_text(y)}"
        )
    _checks.count("steps", steps)
    if not isinstance(width, int) or width < 0:
        raise ValueError(f"width must be a whole number >= 0, got {width!r}")
    return x, y


def _paired(
    x: Tensor, y: Tensor, z: Tensor, width: int, steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    x, y = _checked(x, y, width, steps)
    z = _checks.tensor("z", z)
    if len(y) != x.shape[1] or z.ndim != 2 or len(z) != len(y):
        raise ValueError(
            f"x, y and z must hold equally many points, got {x.shape[1]}, {len(y)} and {len(z)}"
        )
    return x, y, z


def squares(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances: (k, n, d) and (m, d) or (k, m, d) to (k, n, m)."""
    y = y.expand(len(x), *y.shape[-2:])
    lengths = x.square().sum(dim=2, keepdim=True) + y.square().sum(dim=2)[:, None, :]
    return torch.baddbmm(lengths, x, y.mT, alpha=-2)


def exact(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The exact transport cost of every model, by the optimal permutation.

    Args:
        x: (k, n, d) generated points of k models.
        y: (n, d) data, as many as each model has points.

    Returns:
        ``(E, perm)``: costs (k,), and permutations (k, n); point j of the data is matched with the
        generated point ``perm[k, j]``.

    Raises:
        ValueError: if shapes do not match.

    Chapter: 9.

    Example:
        >>> E, perm = exact(torch.tensor([[[0.0], [1.0]]]), torch.tensor([[3.0], [1.0]]))
        >>> E, perm
        (tensor([2.5000]), tensor([[1, 0]]))
    """
    x, y = _checked(x, y, 0, 1)
    if len(y) != x.shape[1]:
        raise ValueError(f"y must hold as many points as x, {x.shape[1]}, got {len(y)}")
    C = squares(x, y)
    perm = torch.stack([_assign(c.T) for c in C]).to(x.device)
    return _cost(C, perm), perm


def _assign(C: Tensor) -> Tensor:
    """(n,) the column of each row in the cheapest permutation."""
    from scipy.optimize import linear_sum_assignment

    _, column = linear_sum_assignment(C.detach().cpu().double().numpy())
    return torch.from_numpy(column)


def _cost(C: Tensor, perm: Tensor) -> Tensor:
    """Mean cost (k,) of the pairs (x[perm[j]], y[j])."""
    return C.gather(1, perm[:, None, :])[:, 0].mean(dim=1)


def critics(
    x: Tensor, y: Tensor, *, width: int, steps: int = 400, lr: float = 0.05, seed: int = 0
) -> Tensor:
    r"""Lower bounds of the transport cost, from critics of a given width.

    .. math::
        \max_\psi\ \frac1m \sum_j \psi(y_j) + \frac1n \sum_i \min_j |x_i - y_j|^2 - \psi(y_j)

    Here ψ is an affine function of y plus a network with one hidden layer of ``width`` tanh units.
    The largest value during the training is kept, because every value is a bound.

    Args:
        x: (k, n, d) generated points of k models.
        y: (m, d) data.
        width: number of hidden units; 0 leaves only the affine function.
        steps: number of steps of Adam.
        lr: initial learning rate.
        seed: seed of the initial weights.

    Returns:
        (k,) lower bounds, in the squared unit of the points.

    Raises:
        ValueError: if shapes do not match, or ``width`` or ``steps`` is out of range.

    Chapter: 9.

    Example:
        >>> x, y = torch.zeros(1, 2, 1), torch.tensor([[1.0], [3.0]])
        >>> critics(x, y, width=0).round(decimals=3)  # one place: each atom gets its half
        tensor([5.])
    """
    x, y = _checked(x, y, width, steps)
    C = squares(x, y)
    net = BatchedMLP(len(x), y.shape[1], width, 1, y, seed)
    best = C.amin(dim=2).mean(dim=1)  # the critic that says nothing

    def loss() -> Tensor:
        psi = net(y)[..., 0]
        return -(psi.mean(dim=1) + (C - psi[:, None, :]).amin(dim=2).mean(dim=1))

    def seen(losses: Tensor) -> None:
        nonlocal best
        best = torch.maximum(best, -losses)

    train(net, loss, steps, lr, seen)
    return best


def encoders(
    x: Tensor, y: Tensor, z: Tensor, *,
    width: int, steps: int = 400, lr: float = 0.05, seed: int = 0,
) -> Tensor:  # fmt: skip
    r"""Upper bounds of the transport cost, from encoders of a given width.

    An encoder f learns, by least squares, the codes that the optimal permutation assigns to the
    data. Then f is replaced by the permutation σ that is optimal from f(y) to the codes. It
    satisfies the constraint exactly, and its cost, the mean of :math:`|x_{\sigma(j)} - y_j|^2`, is
    that of a plan. Permutations are computed every 50 steps, and the best of them is kept.

    Args:
        x: (k, n, d) points that the k models generate from the codes ``z``, in their order.
        y: (n, d) data, as many as codes.
        z: (n, d_z) codes.
        width: number of hidden units in addition to an affine function; 0 leaves only that
            function.
        steps: number of steps of Adam.
        lr: initial learning rate.
        seed: seed of the initial weights.

    Returns:
        (k,) upper bounds, in the squared unit of the points.

    Raises:
        ValueError: if shapes do not match, or ``width`` or ``steps`` is out of range.

    Chapter: 9.

    Example:
        >>> z, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [2.0]])
        >>> encoders(z[None], y, z, width=0)  # an affine encoder can turn the order round
        tensor([4.])
    """
    x, y, z = _paired(x, y, z, width, steps)
    C = squares(x, y)
    _, perm = exact(x, y)
    targets = z[perm]
    net = BatchedMLP(len(x), y.shape[1], width, z.shape[1], y, seed)
    best, step = C.new_full((len(x),), torch.inf), 0

    def look() -> None:
        nonlocal best
        with torch.no_grad():
            apart = squares(net(y), z)
            best = torch.minimum(
                best, _cost(C, torch.stack([_assign(a) for a in apart]).to(C.device))
            )

    def seen(losses: Tensor) -> None:
        nonlocal step
        step += 1
        if step % 50 == 0:
            look()

    train(net, lambda: (net(y) - targets).square().sum(dim=2).mean(dim=1), steps, lr, seen)
    look()
    return best


def penalised(
    decode: Decoder, x: Tensor, y: Tensor, z: Tensor, lams: Sequence[float], *,
    width: int, steps: int = 400, lr: float = 0.02, seed: int = 0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    r"""Penalised costs, from encoders of a given width that are not rounded.

    .. math::
        \min_f\ \frac1n \sum_j |g(f(y_j)) - y_j|^2 + \lambda\, \mathrm{MMD}^2(f_\# \nu, \zeta)

    The kernel of the MMD is ``C / (C + |z - z'|^2)``, where C is the mean squared distance of two
    codes. The training starts from the encoder of :func:`encoders`, and the smallest value during
    the training is kept. It is the value of *some* encoder of the class, and so at least the
    minimum.

    Args:
        decode: maps (..., k, n, d_z) codes of all k models to (..., k, n, d) points.
        x: (k, n, d) what ``decode`` makes of the codes ``z``.
        y: (n, d) data, as many as codes.
        z: (n, d_z) codes.
        lams: weights λ >= 0 of the penalty.
        width: number of hidden units in addition to an affine function; 0 leaves only that
            function.
        steps: number of steps of Adam, first for the initial encoder and again for the objective.
        lr: initial learning rate.
        seed: seed of the initial weights.

    Returns:
        ``(value, penalty)``, both (len(lams), k): the objective, and the MMD² in it.

    Raises:
        ValueError: if shapes do not match, or ``width`` or ``steps`` is out of range.

    Chapter: 9.

    Example:
        >>> z, y = torch.tensor([[-1.0], [1.0]]), torch.tensor([[-2.0], [2.0]])
        >>> value, penalty = penalised(lambda z: z, z[None], y, z, [0.0], width=0)
        >>> value.round(decimals=3)  # with λ = 0 the codes may be anywhere
        tensor([[0.]])
    """
    x, y, z = _paired(x, y, z, width, steps)
    weight = y.new_tensor([_checks.number("lams", lam, at_least=0.0) for lam in lams])
    k = len(x)
    targets = z[exact(x, y)[1]].repeat(len(weight), 1, 1)
    net = BatchedMLP(len(targets), y.shape[1], width, z.shape[1], y, seed)
    train(net, lambda: (net(y) - targets).square().sum(dim=2).mean(dim=1), steps, 0.05)
    C = 2 * (z - z.mean(dim=0)).square().sum(dim=1).mean()
    own = (C / (C + squares(z[None], z))).mean()
    best = y.new_full((2, len(targets)), torch.inf)
    lam = weight.repeat_interleave(k)

    def mmd(codes: Tensor) -> Tensor:
        within, across = squares(codes, codes), squares(codes, z)
        return own + (C / (C + within) - 2 * C / (C + across)).mean(dim=(1, 2))

    def loss() -> Tensor:
        nonlocal best
        codes = net(y)
        made = decode(codes.unflatten(0, (len(weight), k))).flatten(0, 1)
        penalty = mmd(codes)
        value = (made - y).square().sum(dim=2).mean(dim=1) + lam * penalty
        with torch.no_grad():
            now = torch.stack([value, penalty])
            best = torch.where(value < best[0], now, best)
        return value

    train(net, loss, steps, lr)
    return best[0].unflatten(0, (len(weight), k)), best[1].unflatten(0, (len(weight), k))
