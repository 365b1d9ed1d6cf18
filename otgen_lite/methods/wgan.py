"""Wasserstein GANs: transport by its dual, with a critic that is trained with the generator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otgen_lite import _checks, costs
from otgen_lite._draws import uniform
from otgen_lite.costs import Cost, checked_cost
from otgen_lite.gathering import gathered
from otgen_lite.methods.base import Noise, Player, flat
from otgen_lite.methods.generator_model import GeneratorModel
from otgen_lite.methods.priors import Prior
from otgen_lite.precision import full_precision

CONSTRAINTS = ("clip", "gp", "c-transform")


class WGAN(GeneratorModel):
    r"""Wasserstein GAN: a critic maximises the dual of a transport cost, a generator minimises it.

    .. math::
        \min_\theta \max_\xi\ \mathbb{E}_{Y \sim \nu}\, \psi_\xi(Y)
            + \mathbb{E}_{Z \sim \zeta}\, \psi_\xi^{c}(g_\theta(Z))

    The critic ψ is high on data, and the dual has two plus signs, as everywhere in this package.
    What replaces the c-transform of ψ at generated points x depends on ``constraint``:

    - ``"c-transform"``: :math:`\psi^c(x) = \min_j c(x, y_j) - \psi(y_j)` over the batch, exactly,
      for any cost. The value never exceeds the transport cost of the two batches.
    - ``"clip"``: :math:`-\psi(x)`, which is the c-transform if ψ is 1-Lipschitz and c a distance.
      After each update the critic's parameters are clipped to [-clip, clip]. The value is scaled by
      whatever slope that allows: for a shift on the line, a linear critic gives clip times W_1.
    - ``"gp"``: :math:`-\psi(x)`, with a gradient penalty on the critic: gp_weight times the mean of
      :math:`(\|\nabla \psi(\hat x)\| - 1)^2`, where :math:`\hat x` is uniform on the segment
      between a data point and a generated one. The penalty allows slopes slightly above 1: for a
      linear critic and a shift by m the optimal slope is 1 + m / (2 gp_weight), so that the value
      exceeds W_1. With batch normalisation in the critic, the gradient at a point is that of the
      scores of the whole batch.

    Args:
        generator: (n, d_z) codes to data.
        critic: (n, ...) data to (n,) or (n, 1): high on data.
        constraint: ``"clip"``, ``"gp"`` or ``"c-transform"``.
        clip: bound > 0 on the absolute value of the critic's parameters, for ``"clip"``.
        gp_weight: weight >= 0 of the gradient penalty, for ``"gp"``.
        one_sided: whether only slopes above 1 are penalised, by ``max(|grad| - 1, 0)^2``.
        n_critic: updates of the critic in each step of ``fit``.
        cost: a name or a callable; used by ``"c-transform"`` only.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            generator takes.

    Raises:
        ValueError: if a name is unknown or a number out of range.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`arjovsky_2017`, :cite:t:`gulrajani_2017`; the exact transform
        :cite:t:`genevay_2017`. Chapter: 7.

    Example:
        >>> import otgen_lite as otg
        >>> m = WGAN(otg.MLP(2, [8], 2, generator=0), otg.MLP(2, [8], 1, generator=1))
        >>> history = otg.fit(m, torch.randn(64, 2), steps=2, batch_size=16, progress=False)
        >>> m.sample(3).shape
        torch.Size([3, 2])
    """

    clip: Tensor
    gp_weight: Tensor
    one_sided: Tensor

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        *,
        constraint: str = "gp",
        clip: float = 0.01,
        gp_weight: float = 10.0,
        one_sided: bool = False,
        n_critic: int = 5,
        cost: Cost = "sqeuclidean",
        prior: Prior | int | None = None,
    ) -> None:
        super().__init__(generator, prior)
        self.critic = _checks.module("critic", critic)
        self.constraint = _checks.choice("constraint", constraint, CONSTRAINTS)
        self.cost = checked_cost(cost)
        self.hyper("clip", _checks.positive("clip", clip))
        self.hyper("gp_weight", _checks.number("gp_weight", gp_weight, at_least=0.0))
        self.hyper("one_sided", float(bool(one_sided)))  # a number: both can be in one stack
        steps = _checks.count("n_critic", n_critic)
        self.players = {
            "critic": Player(("critic",), steps),
            "generator": Player(("generator",)),
        }

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """For the critic, its penalty minus its value; for the generator, the part it can lower."""
        if player == "generator":
            return self.transform(batch, self.made(noise["prior"], batch)).mean()
        with torch.no_grad():
            made = self.made(noise["prior"], batch)
        loss = -self.value(batch, made)
        if self.constraint == "gp":
            loss = loss + self.gp_weight * self.penalty(batch, made, noise["interpolation"])
        return loss

    def value(self, batch: Tensor, made: Tensor) -> Tensor:
        """The dual value of the critic: 0-d, mean psi on data plus mean transform on generated."""
        if self.constraint == "c-transform":
            return self._scores(batch).mean() + self.transform(batch, made).mean()
        data, generated = self._scores(torch.cat([batch, made])).split([len(batch), len(made)])
        return data.mean() - generated.mean()

    def transform(self, batch: Tensor, made: Tensor) -> Tensor:
        """The (n,) values that stand for psi^c at generated points: -psi or the exact transform."""
        if self.constraint != "c-transform":
            return -self._scores(made)
        data = gathered(batch)
        psi = self._scores(data)
        with full_precision(data):
            slack = costs.matrix(flat(made), flat(data), self.cost) - psi
        return slack.min(dim=1).values

    def penalty(self, batch: Tensor, made: Tensor, share: Tensor) -> Tensor:
        """Mean squared deviation of the slope from 1 on segments from generated points to data."""
        share = share.reshape(-1, *[1] * (batch.ndim - 1))
        slope = torch.linalg.vector_norm(
            self._slopes(torch.lerp(made, batch, share)).flatten(1), dim=1
        )
        least = self.one_sided - 1.0  # as no slope is below 0, -1 leaves all as they are
        return torch.maximum(slope - 1.0, least.to(slope.dtype)).square().mean()

    def _slopes(self, x: Tensor) -> Tensor:
        """The gradient of the sum of the critic's scores, row by row; differentiable.

        A row's is that of its own score, unless a layer couples rows, as batch normalisation does.
        """
        if _transformed():
            scores, pull, *_ = torch.func.vjp(self._scores, x)
            return pull(torch.ones_like(scores))[0]
        # Not so by vjp, in which a layer may not write what it saw into a buffer.
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            scores = self._scores(x)
            differentiable = any(p.requires_grad for p in self.critic.parameters())
            (slopes,) = torch.autograd.grad(
                scores.sum(), x, create_graph=differentiable, materialize_grads=True
            )
        return slopes

    def project(self, player: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The critic's parameters clipped to [-clip, clip], for the constraint ``"clip"``."""
        if player != "critic" or self.constraint != "clip":
            return {}
        return {name: value.clamp(-self.clip, self.clip) for name, value in values.items()}

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior; for the critic also the position on each segment of the penalty."""
        out = super().noise(player, batch, generator)
        if player == "critic":
            out["interpolation"] = uniform((len(batch),), generator, batch)
        return out

    def _scores(self, x: Tensor) -> Tensor:
        """(n,) numbers of the critic."""
        out = self.critic(x)
        if out.numel() != x.shape[0] or out.ndim > 2:
            raise ValueError(
                "the critic must return one number for each point, (n,) or (n, 1), got shape "
                f"{_checks.shape_text(out)}"
            )
        return out.flatten()


def _transformed() -> bool:
    """Whether this runs inside of ``torch.func`` (a stack of members) or of ``torch.compile``.

    There ``torch.func`` takes a gradient within a loss, and ``torch.autograd.grad`` cannot.
    """
    if torch.compiler.is_compiling():
        return True
    return torch._C._functorch.peek_interpreter_stack() is not None
