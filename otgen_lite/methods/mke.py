"""Minimum Kantorovich estimation: move a generator to where transport to the data is cheap."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite.costs import Cost
from otgen_lite.methods import _mke_losses as losses
from otgen_lite.methods._mke_costs import full_precision
from otgen_lite.methods._mke_model import GeneratorModel
from otgen_lite.methods._mke_sweeps import swept
from otgen_lite.methods._pieces import checked_cost, joined
from otgen_lite.methods.base import Noise, Player, flat
from otgen_lite.methods.priors import Prior, even

LOSSES = ("exact", "sinkhorn", "divergence")
GRADIENTS = ("plan", "potential")


class MKE(GeneratorModel):
    r"""Minimum Kantorovich estimation: the generator that is the cheapest to carry to the data.

    .. math::
        \min_\theta\ E(\theta) = W_c(g_\theta \# \zeta, \nu)

    Each step draws as many codes as it has data and solves the transport problem of the two
    samples: exactly, with entropy, or as the Sinkhorn divergence. W is a cost, not its root; a
    squared cost is not halved; the entropic value is :math:`\langle P, C \rangle + \varepsilon\,
    \mathrm{KL}(P \mid a \otimes b)`.

    The optimal plan π* and the optimal potential h* (on the generator's side) both give the
    gradient, where it exists:

    .. math::
        \nabla E(\theta)
            &= \int [\partial_\theta g_\theta(z)]^\top \nabla h^*(g_\theta(z))\, d\zeta(z) \\
            &= \int [\partial_\theta g_\theta(z)]^\top \nabla_1 c(g_\theta(z), y)\, d\pi^*(z, y)

    The first is ``gradient="potential"``, the second ``gradient="plan"``. They are the same number
    where the plan is unique (always with entropy). With the exact loss
    the potential is taken from the inside of the set of optimal ones, for a corner of that set
    (which is what a simplex returns) is attained at pairs that carry no mass and gives another
    gradient; this costs the cube of the batch. Where several plans are optimal, E has a kink, and
    each formula returns a slope of one of its sides. Where the plan splits the mass of a generated
    point (fewer of them than data, say), the potential has a kink at that point though E has
    none: without entropy, only the plan gives the gradient then.

    The expectation of the loss over batches is not E: its minimiser is too narrow, the more so the
    smaller the batch (chapter 5).

    Args:
        generator: (n, d_z) codes to data.
        loss: ``"exact"``, ``"sinkhorn"`` or ``"divergence"``.
        eps: regularisation > 0 in the unit of the cost; needed unless the loss is exact.
        cost: a name or a callable; symmetric for the divergence.
        gradient: ``"plan"`` or ``"potential"``.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            generator takes.
        sweeps: number of Sinkhorn sweeps in each step, whatever is reached by then (after four
            with a larger eps): quick, and the only kind that a grid can stack. None solves up to
            ``tol``. The number returned is a lower bound of the entropic cost in both cases.
        tol: error of both marginals together at which the solve ends.
        max_iter: sweeps after which it ends anyway, without a warning.
        ratio: generated points for each data point of a batch: a whole number, or one over it.
        even: whether the codes of a batch are spread evenly. Each alone keeps the prior's law, but
            together they represent it better than independent ones, so that batches see less of
            their own chance. Samples are drawn independently in any case.

    Raises:
        ValueError: if a name is unknown, ``eps`` is missing or not positive, or a number is out of
            range.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`genevay_2017`, :cite:t:`feydy_2019`. Chapter: 5.

    Example:
        >>> import otgen_lite as otg
        >>> line = otg.MLP(1, [], 1, generator=0).double()
        >>> m = MKE(line, loss="exact")
        >>> batch, codes = torch.randn(8, 1).double(), torch.randn(8, 1, 1).double()
        >>> by_plan, = torch.autograd.grad(m("generator", batch, {"prior": codes}), line[0].bias)
        >>> m.gradient = "potential"
        >>> by_f, = torch.autograd.grad(m("generator", batch, {"prior": codes}), line[0].bias)
        >>> bool((by_plan - by_f).abs() < 1e-12)
        True
    """

    eps: Tensor

    def __init__(
        self,
        generator: nn.Module,
        *,
        loss: str = "exact",
        eps: float | None = None,
        cost: Cost = "sqeuclidean",
        gradient: str = "plan",
        prior: Prior | int | None = None,
        sweeps: int | None = None,
        tol: float = 1e-2,
        max_iter: int = 500,
        ratio: float = 1.0,
        even: bool = False,
    ) -> None:
        super().__init__(generator, prior)
        self.kind = _checks.choice("loss", loss, LOSSES)
        self.gradient = _checks.choice("gradient", gradient, GRADIENTS)
        self.cost = checked_cost(cost)
        self.sweeps = None if sweeps is None else _checks.count("sweeps", sweeps)
        self.tol = _checks.positive("tol", tol)
        self.max_iter = _checks.count("max_iter", max_iter)
        self.copies, self.thinning = _ratio(ratio)
        self.even = bool(even)
        self.stackable = self.kind != "exact" and self.sweeps is not None
        if self.kind != "exact":
            if eps is None:
                raise ValueError(
                    f"eps must be a number > 0, in the unit of the cost, where loss is {loss!r}; "
                    "got None"
                )
            self.hyper("eps", _checks.positive("eps", eps))
        elif eps is not None:
            raise ValueError(f"eps must be None where loss is 'exact', got {eps!r}")
        self.players = {"generator": Player(("generator",))}

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The transport cost between what is generated and the batch: 0-d, in the cost's unit."""
        codes = noise["prior"].flatten(0, 1)[:: self.thinning]
        y = flat(joined(batch))
        x = flat(joined(self.made(codes, batch)))
        with full_precision(y):
            # Solvers are on the CPU where the device has no double precision.
            return self.between(x, y).to(x.device)

    def between(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss of generated points (n, d) and data (m, d): 0-d, with the chosen gradient."""
        if self.kind == "exact":
            formula = losses.exact_by_plan if self.gradient == "plan" else losses.exact_by_potential
            return formula(x, y, self.cost)
        debiased = self.kind == "divergence"
        if self.sweeps is not None:
            return swept(x, y, self.cost, self.eps, self.sweeps, self.gradient, debiased)
        how = losses.Solver(self.cost, float(self.eps), self.tol, self.max_iter)
        return how.loss(x, y, self.gradient, debiased)

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior: (n, copies, d_z)."""
        n = len(batch) * self.copies
        if self.even:
            z = even(self.prior, n, generator, batch)
        else:
            z = self.prior.draw(n, generator, batch)
        return {"prior": z.unflatten(0, (len(batch), self.copies))}


def _ratio(ratio: float) -> tuple[int, int]:
    """Generated points for each data point: copies of each, or every k-th."""
    number = _checks.positive("ratio", ratio)
    copies, thinning = (round(number), 1) if number >= 1 else (1, round(1 / number))
    if abs(copies / thinning - number) > 1e-9 * number:
        raise ValueError(f"ratio must be a whole number or one over a whole number, got {ratio!r}")
    return copies, thinning
