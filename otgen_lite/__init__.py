"""otgen_lite: optimal transport for generative modelling, the package behind the book.

Everything that a chapter calls is here: ``import otgen_lite as otg``. Modules that plot, read
records or need more than torch are imported when they are first used, so that this import takes
hardly longer than ``import torch``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from otgen_lite.certify import Certificate, CertificateError, certificate
from otgen_lite.costs import cost_matrix, paired_cost
from otgen_lite.device import generator, use_device
from otgen_lite.divergences import (
    MMD,
    Adversarial,
    MomentMatching,
    SinkhornPenalty,
    SlicedWasserstein,
)
from otgen_lite.methods import (
    AAE,
    AVB,
    MKE,
    VAE,
    WGAN,
    AutoEncoder,
    ErrorBudget,
    GaussianPrior,
    LatentOT,
    Method,
    PenalizedOT,
    Player,
    SemiDual,
    UniformPrior,
)
from otgen_lite.networks import (
    MLP,
    ConvCritic,
    ConvDecoder,
    ConvEncoder,
    ImplicitEncoder,
    PairCritic,
)
from otgen_lite.scale import by_scale
from otgen_lite.sweep import CannotStack, Sweep, sweep
from otgen_lite.training import History, TrainingError, fit
from otgen_lite.transport import (
    ConvergenceWarning,
    ExactResult,
    SemiDiscrete,
    SinkhornPointsResult,
    SinkhornResult,
    bures_wasserstein,
    c_transform,
    entropic_collapse_eps,
    entropic_dipole,
    entropic_fit_scale,
    entropic_gaussian,
    entropic_gaussian_plan,
    gaussian_map,
    gaussian_to_circle,
    power_cells,
    quantise_gaussian,
    segment_to_atoms,
    sinkhorn_divergence,
    sinkhorn_divergence_gaussian,
    solve_exact,
    solve_sinkhorn,
    solve_sinkhorn_points,
    uniform_to_atoms,
    wasserstein_1d,
)

if TYPE_CHECKING:  # at run time __getattr__ imports them
    from otgen_lite import (
        animate,
        bounds,
        data,
        latent,
        metrics,
        plots,
        recipes,
        results,
        statements,
    )
    from otgen_lite.explore import Explorer, FrameError, Ranking
    from otgen_lite.training_panel import TrainingPanel

__version__ = "0.1.0"

__all__ = [
    "AAE",
    "AVB",
    "MKE",
    "MLP",
    "MMD",
    "VAE",
    "WGAN",
    "Adversarial",
    "AutoEncoder",
    "CannotStack",
    "Certificate",
    "CertificateError",
    "ConvCritic",
    "ConvDecoder",
    "ConvEncoder",
    "ConvergenceWarning",
    "ErrorBudget",
    "ExactResult",
    "Explorer",
    "FrameError",
    "GaussianPrior",
    "History",
    "ImplicitEncoder",
    "LatentOT",
    "Method",
    "MomentMatching",
    "PairCritic",
    "PenalizedOT",
    "Player",
    "Ranking",
    "SemiDiscrete",
    "SemiDual",
    "SinkhornPenalty",
    "SinkhornPointsResult",
    "SinkhornResult",
    "SlicedWasserstein",
    "Sweep",
    "TrainingError",
    "TrainingPanel",
    "UniformPrior",
    "animate",
    "bounds",
    "bures_wasserstein",
    "by_scale",
    "c_transform",
    "certificate",
    "cost_matrix",
    "data",
    "divergences",
    "entropic_collapse_eps",
    "entropic_dipole",
    "entropic_fit_scale",
    "entropic_gaussian",
    "entropic_gaussian_plan",
    "fit",
    "gaussian_map",
    "gaussian_to_circle",
    "generator",
    "latent",
    "metrics",
    "networks",
    "paired_cost",
    "plots",
    "power_cells",
    "quantise_gaussian",
    "recipes",
    "results",
    "segment_to_atoms",
    "sinkhorn_divergence",
    "sinkhorn_divergence_gaussian",
    "solve_exact",
    "solve_sinkhorn",
    "solve_sinkhorn_points",
    "statements",
    "sweep",
    "uniform_to_atoms",
    "use_device",
    "wasserstein_1d",
]

#: Imported when first used: submodules, and classes with the submodule that has them.
_SUBMODULES = {
    "animate", "bounds", "data", "explore", "latent", "metrics", "plots", "recipes", "results",
    "statements", "training_panel",
}  # fmt: skip
_CLASSES = {
    "Explorer": "explore",
    "FrameError": "explore",
    "Ranking": "explore",
    "TrainingPanel": "training_panel",
}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")  # which also binds it here
    if name in _CLASSES:
        globals()[name] = value = getattr(import_module(f"{__name__}.{_CLASSES[name]}"), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(globals().keys() | _SUBMODULES | _CLASSES.keys())
