"""Methods, one in each file: modules whose ``forward(player, batch)`` is the loss of a player."""

from otgen_lite.methods.aae import AAE
from otgen_lite.methods.autoencoder import AutoEncoder
from otgen_lite.methods.avb import AVB
from otgen_lite.methods.base import Method, Player
from otgen_lite.methods.latent_ot import ErrorBudget, LatentOT
from otgen_lite.methods.mke import MKE
from otgen_lite.methods.penalized_ot import PenalizedOT
from otgen_lite.methods.priors import GaussianPrior, Prior, UniformPrior
from otgen_lite.methods.semidual import SemiDual
from otgen_lite.methods.vae import VAE
from otgen_lite.methods.wgan import WGAN

__all__ = [
    "AAE",
    "AVB",
    "MKE",
    "VAE",
    "WGAN",
    "AutoEncoder",
    "ErrorBudget",
    "GaussianPrior",
    "LatentOT",
    "Method",
    "PenalizedOT",
    "Player",
    "Prior",
    "SemiDual",
    "UniformPrior",
]
