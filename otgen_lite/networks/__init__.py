"""Networks: small fully connected ones, and convolutional ones for images; any others work too.

None of them has batch normalisation, so that the output for a row depends on that row alone. Many
models can then be stacked, gradient penalties are defined point by point, and training in several
processes agrees with training in one.
"""

from otgen_lite.networks.convolutional import ConvCritic, ConvDecoder, ConvEncoder, leaky
from otgen_lite.networks.mlp import MLP
from otgen_lite.networks.pairs import ImplicitEncoder, PairCritic

__all__ = [
    "MLP",
    "ConvCritic",
    "ConvDecoder",
    "ConvEncoder",
    "ImplicitEncoder",
    "PairCritic",
    "leaky",
]
