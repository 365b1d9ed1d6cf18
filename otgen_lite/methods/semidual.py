"""Training by the semi-dual: ascent for a potential on the data between the generator's steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite.costs import Cost, checked_cost, cost_matrix
from otgen_lite.methods.base import Noise, Player, flat
from otgen_lite.methods.generator_model import GeneratorModel
from otgen_lite.methods.priors import Prior
from otgen_lite.precision import full_precision
from otgen_lite.transport import SemiDiscrete
from otgen_lite.transport._potential import Potential

RULES = ("gradient", "adam")

#: The first step in psi, relative to the mean cost between atoms, by rule. Chosen on the ring.
_STEP = {"gradient": 0.025, "adam": 0.005}


class SemiDual(GeneratorModel):
    r"""Trains a generator by the semi-dual: alternating descent for it and ascent for a potential.

    .. math::
        \min_\theta \max_\psi\ \mathbb{E}_{Z \sim \zeta}\, \psi^{c,\varepsilon}(g_\theta(Z))
            + \sum_j b_j \psi_j

    The atoms y_j are all the data, and the only network is the generator. Before each step of the
    generator, the ascent of ψ continues for ``psi_steps`` steps, on generated points of its own;
    then the generator makes a descent step at the average of the latest ψ. The transform, the
    masses and the objective are those of :class:`~otgen_lite.SemiDiscrete`, which
    :meth:`semidiscrete` returns.

    For ε > 0 the cost is differentiable in θ, and its gradient is that of the formula at the
    optimal ψ. For ε = 0 this holds where no generated mass lies on a border between cells (chapter
    6). The price of ε is width: for Gaussian data, the variance comes out too small by ε/2. The
    alternation is not known to converge. If ψ cannot follow the generator, the value stays below
    the cost and the samples collapse; then take a smaller learning rate for the generator, or more
    steps for ψ.

    Of a batch from ``fit``, only the length is used.

    Args:
        generator: (n, d_z) codes to data.
        y: (N, ...) all the data: the atoms.
        eps: regularisation >= 0 in the unit of the cost.
        cost: a name or a callable.
        b: (N,) positive masses with sum 1; uniform where None.
        psi_steps: steps of the ascent before each step of the generator.
        psi_batch: number of generated points in each step of the ascent.
        psi_step: step size, in the unit of the cost; where None, 0.025 times the mean cost between
            atoms, and a fifth of that for Adam's rule.
        rule: ``"gradient"``: each psi_j moves by ``psi_step`` times its gradient divided by b_j,
            which is the fraction of its mass that the atom still lacks; ``"adam"``: it moves by the
            running mean of the gradient divided by the root of its running mean square.
        decay: whether the step size falls linearly to zero over the training.
        memory: weight in (0, 1] of the newest psi in the running average that the generator uses.
        warm_up: additional steps of the ascent before the first step of the generator.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            generator takes.

    Raises:
        ValueError: if shapes do not match, a number is not finite or out of range, a mass is not
            positive, or a name is unknown.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`houdard_2021`, :cite:t:`houdard_2023`, :cite:t:`genevay_2016`. Chapter: 6.

    Example:
        >>> import otgen_lite as otg
        >>> data = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
        >>> m = SemiDual(otg.MLP(2, [8], 2, generator=0), data, psi_steps=2, warm_up=0)
        >>> history = otg.fit(m, data, steps=3, batch_size=16, progress=False)
        >>> m.semidiscrete()
        SemiDiscrete(64 atoms in dimension 2, eps=0, gap=nan)
        >>> m.sample(3).shape
        torch.Size([3, 2])
    """

    stackable = False

    #: Set before each step.
    _caches = ("length",)

    def __init__(
        self,
        generator: nn.Module,
        y: Any,
        *,
        eps: float = 0.0,
        cost: Cost = "sqeuclidean",
        b: Any = None,
        psi_steps: int = 10,
        psi_batch: int = 256,
        psi_step: float | None = None,
        rule: str = "gradient",
        decay: bool = True,
        memory: float = 0.05,
        warm_up: int = 500,
        prior: Prior | int | None = None,
    ) -> None:
        super().__init__(generator, prior)
        atoms = _checks.tensor("y", y)
        if atoms.ndim < 2 or atoms.numel() == 0:
            raise ValueError(
                f"y must be (N, ...) data with N >= 1, got shape {_checks.shape_text(atoms)}"
            )
        # Where the generator is, whose points are compared with them.
        place = next(generator.parameters(), atoms).device
        place = atoms.device if _checks.wide(place) != torch.float64 else place
        atoms = atoms.detach().to(place).flatten(1)
        weights = _checks.weights("b", b, len(atoms), like=atoms).detach()
        if not float(weights.min()) > 0.0:
            raise ValueError("b must be positive, got a zero: leave out atoms without mass")
        self.psi_steps = _checks.count("psi_steps", psi_steps)
        self.psi_batch = _checks.count("psi_batch", psi_batch)
        self.warm_up = _checks.count("warm_up", warm_up, at_least=0)
        self.rule = _checks.choice("rule", rule, RULES)
        self.decay = bool(decay)
        memory = _checks.positive("memory", memory)
        if memory > 1.0:
            raise ValueError(f"memory must be a share in (0, 1], got {memory!r}")
        eps = _checks.number("eps", eps, at_least=0.0)
        self.potential = Potential(atoms, weights / weights.sum(), checked_cost(cost), eps, memory)
        if psi_step is None:
            psi_step = _STEP[self.rule] * _spread(atoms, self.potential.cost)
        self.psi_step = _checks.positive("psi_step", psi_step)
        self.length = self.psi_step
        self.players = {"generator": Player(("generator",))}

    def scheduled(self) -> bool:
        """Whether the step size of the ascent decays."""
        return self.decay or type(self).schedule is not SemiDual.schedule

    def schedule(self, progress: float) -> None:
        """Set the step size of the ascent."""
        self.length = self.psi_step * (1.0 - progress if self.decay else 1.0)

    @torch.no_grad()
    def prepare(self, player: str, generator: torch.Generator | None = None) -> None:
        """The ascent: ``psi_steps`` steps, each on generated points of its own."""
        steps = self.psi_steps
        if not self.potential.steps():
            steps += self.warm_up
        like = next(self.parameters())
        for some in torch.arange(steps).split(50):
            codes = self.prior.draw(len(some) * self.psi_batch, generator, like)
            made = flat(self.generator(codes)).to(self.potential.y)
            if made.shape[1] != self.potential.y.shape[1]:
                raise ValueError(
                    "the generator must return points of the shape of y, "
                    f"({self.potential.y.shape[1]},) when flat, got ({made.shape[1]},)"
                )
            for x in made.split(self.psi_batch):
                self.potential.climb(x, self.length, self.rule)

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The semi-dual at the averaged psi: 0-d; only the length of the batch is used."""
        made = flat(self.made(noise["prior"], batch))
        with full_precision(made):
            return self.potential.value(made.to(self.potential.y)).to(made.device)

    def semidiscrete(self) -> SemiDiscrete:
        """The present semi-discrete problem: atoms, masses and the averaged psi."""
        p = self.potential
        return SemiDiscrete(p.y, p.b, p.cost, float(p.eps), psi=p.average)


def _spread(y: Tensor, cost: Cost) -> float:
    """The mean cost between atoms: the size that psi may have."""
    some = y[:: max(1, len(y) // 256)]
    return float(cost_matrix(some, some, cost).mean()) or 1.0
