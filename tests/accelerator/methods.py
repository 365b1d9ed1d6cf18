"""One small method of every kind, by name; the tests see that no class and no choice is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

import otgen_lite as otg
from otgen_lite.methods.latent_maps import MAPS, PLANS
from otgen_lite.methods.mke import DISCREPANCIES, GRADIENTS
from otgen_lite.methods.semidual import RULES
from otgen_lite.methods.wgan import CONSTRAINTS

Maker = Callable[[Tensor], Any]

D, DZ = 3, 2
encoder = partial(otg.MLP, D, [8], DZ, generator=1)
decoder = partial(otg.MLP, DZ, [8], D, generator=2)
judge = partial(otg.MLP, DZ, [8], 1, generator=3)

PENALTIES: dict[str, Callable[[], otg.divergences.Penalty]] = {
    "MMD": otg.MMD,
    "MMD multi": lambda: otg.MMD("multi", statistic="v"),
    "Adversarial": lambda: otg.Adversarial(judge()),
    "SlicedWasserstein": lambda: otg.SlicedWasserstein(5),
    "MomentMatching": otg.MomentMatching,
    "SinkhornPenalty": lambda: otg.SinkhornPenalty(0.5),
}


def _penalised(penalty: str, x: Tensor, **more: Any) -> otg.Method:
    return otg.PenalizedOT(encoder(), decoder(), penalty=PENALTIES[penalty](), **more)


def _latent(name: str, plan: str, x: Tensor) -> otg.LatentOT:
    more: dict[str, Any] = {"plan": plan, "components": 2}
    if name == "pairs":
        more["network"] = otg.MLP(DZ, [8], DZ, generator=4)
    inner = otg.AutoEncoder(encoder(), decoder())
    method = otg.LatentOT(inner, data=x, map=name, **more)
    climbed = {"steps": 20, "tol": None}
    asks = name in ("semidiscrete", "quadratic", "argmin") or plan == "semidiscrete"
    return method.fit_map(**(climbed if asks else {}))


def _makers() -> Iterator[tuple[str, Maker]]:
    for penalty in PENALTIES:
        yield f"PenalizedOT, {penalty}", partial(_penalised, penalty)
    yield "PenalizedOT, another cost", partial(_penalised, "MMD", cost="euclidean", decoder_var=0.1)
    yield (
        "PenalizedOT, codes used again",
        partial(_penalised, "Adversarial", reuse_codes=True, critic_steps=2),
    )
    yield "AAE", lambda x: otg.AAE(encoder(), decoder(), judge(), decoder_var=0.1)
    yield (
        "VAE",
        lambda x: otg.VAE(otg.MLP(D, [8], 2 * DZ, generator=1), decoder(), decoder_var="learned"),
    )
    yield (
        "VAE, uniform prior and a plan",
        lambda x: otg.VAE(
            otg.MLP(D, [8], 2 * DZ, generator=1), decoder(), decoder_var=lambda t: 1.0 - t / 2,
            prior=otg.UniformPrior(DZ, -9.0, 9.0),
        ),
    )  # fmt: skip
    for adaptive in (False, True):
        yield f"AVB, adaptive {adaptive}", partial(_avb, adaptive)
    for constraint in CONSTRAINTS:
        yield f"WGAN, {constraint}", partial(_wgan, constraint)
    for discrepancy in DISCREPANCIES:
        for gradient in GRADIENTS:
            yield f"MKE, {discrepancy}, {gradient}", partial(_mke, discrepancy, gradient, None)
    yield "MKE, sweeps", partial(_mke, "divergence", "plan", 3)
    for rule in RULES:
        for eps in (0.0, 0.3):
            yield f"SemiDual, {rule}, eps {eps}", partial(_semidual, rule, eps)
    yield "AutoEncoder", lambda x: otg.AutoEncoder(encoder(), decoder(), cost="cityblock")
    for name in MAPS:
        for plan in PLANS if name == "pairs" else ("batch",):
            yield f"LatentOT, {name}, {plan}", partial(_latent, name, plan)


def _avb(adaptive: bool, x: Tensor) -> otg.AVB:
    return otg.AVB(
        otg.ImplicitEncoder(D, 2, [8], DZ, generator=1), decoder(),
        otg.PairCritic(D, DZ, [8], generator=3), adaptive_contrast=adaptive,
    )  # fmt: skip


def _wgan(constraint: str, x: Tensor) -> otg.WGAN:
    critic = otg.MLP(D, [8], 1, generator=3)
    return otg.WGAN(decoder(), critic, constraint=constraint, n_critic=2)


def _mke(discrepancy: str, gradient: str, sweeps: int | None, x: Tensor) -> otg.MKE:
    eps = None if discrepancy == "exact" else 0.5
    return otg.MKE(
        decoder(), discrepancy=discrepancy, gradient=gradient, eps=eps, sweeps=sweeps,
        even=sweeps is not None,
    )  # fmt: skip


def _semidual(rule: str, eps: float, x: Tensor) -> otg.SemiDual:
    return otg.SemiDual(decoder(), x, rule=rule, eps=eps, psi_steps=2, psi_batch=8, warm_up=3)


MAKERS: dict[str, Maker] = dict(_makers())

#: One of every class: the last of its kind, which has most in it.
EACH = list({name.partition(",")[0]: name for name in MAKERS}.values())


def classes() -> set[str]:
    """The methods that the package has."""
    found = {name: getattr(otg, name) for name in otg.__all__}
    return {
        name for name, value in found.items()
        if isinstance(value, type) and issubclass(value, otg.Method) and value is not otg.Method
    }  # fmt: skip


def data(n: int = 48) -> Tensor:
    """(n, 3) points, on the CPU."""
    generator = torch.Generator().manual_seed(5)
    return torch.randn(n, D, generator=generator, device="cpu")
