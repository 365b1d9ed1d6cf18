"""What the recipes with an encoder, a decoder and a prior share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite.methods._pieces import same_shape
from otgen_lite.methods.base import Method, Noise
from otgen_lite.methods.priors import Prior, Randomness, normal, prior_of, source

#: The kinds of encoder: a map, a Gaussian with mean and log-variance, a map of data and noise.
ENCODERS = ("deterministic", "gaussian", "implicit")

#: Rows that a network sees at once where no gradient is asked: memory stays bounded.
ROWS = 4096


class LatentModel(Method):
    """An encoder, a decoder and a prior: codes, samples and reconstructions.

    Args:
        encoder: (n, ...) data to (n, d_z) codes; (n, 2 d_z) mean and log-variance where Gaussian;
            a function of data and (n, d_e) noise where implicit, d_e being its attribute
            ``noise_dim``, or d_z where it has none.
        decoder: (n, d_z) codes to data.
        encoding: ``"deterministic"``, ``"gaussian"`` or ``"implicit"``.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            decoder takes.
    """

    decoder_var: Tensor

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, encoding: str, prior: Prior | int | None
    ) -> None:
        super().__init__()
        self.encoder = module("encoder", encoder)
        self.decoder = module("decoder", decoder)
        self.encoding = _checks.choice("encoding", encoding, ENCODERS)
        self.prior = prior_of(prior, decoder, "decoder")

    # What the losses are made of.

    def posterior(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """(n, d_z) means and log-variances of a Gaussian encoder; differentiable."""
        mean, log_var = self._codes(self.encoder(batch), 2 * self.prior.dim, batch).chunk(2, dim=1)
        return mean, log_var

    def codes(self, batch: Tensor, noise: Noise) -> Tensor:
        """(n, d_z) codes of a batch, given what the encoder draws; differentiable."""
        if self.encoding == "gaussian":
            return drawn(*self.posterior(batch), noise["encoder"])
        if self.encoding == "implicit":
            return self._codes(self.encoder(batch, noise["encoder"]), self.prior.dim, batch)
        return self._codes(self.encoder(batch), self.prior.dim, batch)

    def _codes(self, out: Tensor, width: int, batch: Tensor) -> Tensor:
        if out.ndim != 2 or out.shape[1] != width:
            what = "mean and log-variance" if self.encoding == "gaussian" else "the code"
            raise ValueError(
                f"a {self.encoding} encoder must return shape (n, {width}), {what} for a prior of "
                f"dimension {self.prior.dim}, got {_checks.shape_text(out)}"
            )
        # In mixed precision networks may return half the digits: densities need them all.
        return out.to(batch.dtype)

    def decoded(self, codes: Tensor, batch: Tensor) -> Tensor:
        """What the decoder makes of codes, in the shape of the batch; differentiable."""
        return same_shape(self.decoder(codes), batch)

    def variance(self) -> Tensor:
        """The decoder's variance σ², in the square of the data's unit: 0-d."""
        return self.decoder_var

    def log_prior(self, codes: Tensor) -> Tensor:
        """(n,) log-density of the prior at codes, in nats."""
        prior: Any = self.prior
        return prior.log_density(codes)

    def needs_density(self) -> None:
        """Refuse a prior that can only be drawn from."""
        if not hasattr(self.prior, "log_density"):
            raise TypeError(
                f"prior must have a log_density for {type(self).__name__}, got {self.prior!r}"
            )

    def encoder_noise(self, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
        """(n, d_e) what a random encoder draws."""
        return normal((n, getattr(self.encoder, "noise_dim", self.prior.dim)), generator, like)

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior, and what the encoder draws."""
        out = {"prior": self.prior.draw(len(batch), generator, batch)}
        if self.encoding != "deterministic":
            out["encoder"] = self.encoder_noise(len(batch), generator, batch)
        return out

    # What a trained method is asked for.

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: Randomness = None,
        *,
        noise: Noise | None = None,
        decoder_noise: bool = False,
    ) -> Tensor:
        """New data: the decoder at codes of the prior.

        Args:
            n: how many.
            generator: a seed, a generator, or None for torch's own.
            noise: the draws themselves instead: ``{"prior": (n, d_z)}``, and ``"decoder"`` in the
                data's shape where its noise is asked for.
            decoder_noise: whether Gaussian noise of the decoder's variance is added. Transport
                compares data with the decoder's means, so it is sampled without; the density of
                a VAE has the noise.

        Returns:
            (n, ...) data, in the type of the networks and on their device.

        Raises:
            ValueError: if ``n < 1``, or ``noise`` has another number of rows.
        """
        n = _checks.count("n", n)
        like = self._like()
        draw = source(generator, like)
        z = self.prior.draw(n, draw, like) if noise is None else given(noise, "prior", n)
        made = in_blocks(self.decoder, z)
        if not decoder_noise:
            return made
        if noise is None or "decoder" not in noise:
            added = normal(tuple(made.shape), draw, made)
        else:
            added = given(noise, "decoder", n)
        return made + self.variance().sqrt() * added

    @torch.no_grad()
    def encode(
        self, x: Tensor, generator: Randomness = None, *, noise: Noise | None = None
    ) -> Tensor:
        """Codes of data; one draw for each where the encoder is random.

        Args:
            x: (n, ...) data.
            generator: a seed, a generator, or None for torch's own.
            noise: the draws themselves instead: ``{"encoder": (n, d_e)}``.

        Returns:
            (n, d_z) codes.

        Raises:
            ValueError: if shapes do not match or a number is not finite.
        """
        x = self._taken("x", x)
        if self.encoding == "deterministic":
            return in_blocks(lambda rows: self.codes(rows, {}), x)
        if noise is None:
            drawn = self.encoder_noise(len(x), source(generator, x), x)
        else:
            drawn = given(noise, "encoder", len(x))
        return in_blocks(lambda rows, e: self.codes(rows, {"encoder": e}), x, drawn)

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """(n, ...) data that the decoder makes of (n, d_z) codes, without its noise."""
        return in_blocks(self.decoder, self._taken("z", z))

    def reconstruct(
        self, x: Tensor, generator: Randomness = None, *, noise: Noise | None = None
    ) -> Tensor:
        """(n, ...) what encoder and decoder make of data; arguments as in :meth:`encode`."""
        return self.decode(self.encode(x, generator, noise=noise))

    def _like(self) -> Tensor:
        return next(self.parameters(), torch.empty(0))

    def _taken(self, name: str, x: Any) -> Tensor:
        """Data as the networks take them."""
        return taken(name, x, self)


def drawn(mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """(n, d_z) draws from N(mean, diag e^log_var), given standard normal numbers."""
    return mean + torch.exp(0.5 * log_var) * noise


def given(noise: Noise, name: str, n: int) -> Tensor:
    """Draws that were given, one row for each of n points."""
    if name not in noise:
        raise ValueError(f"noise must hold {name!r}, got {sorted(noise)}")
    if len(noise[name]) != n:
        raise ValueError(f"noise[{name!r}] must have {n} rows, got {len(noise[name])}")
    return noise[name]


def in_blocks(function: Callable[..., Tensor], *rows: Tensor, size: int | None = None) -> Tensor:
    """A function of rows, a block at a time."""
    size = ROWS if size is None else size
    if len(rows[0]) <= size:
        return function(*rows)
    blocks = zip(*(r.split(size) for r in rows), strict=True)
    return torch.cat([function(*block) for block in blocks])


def taken(name: str, x: Any, network: nn.Module) -> Tensor:
    """Data in the type and on the device of a network's weights; as they are where it has none."""
    x, like = _checks.tensor(name, x), next(network.parameters(), None)
    return x if like is None else x.to(like.dtype).to(like.device)


def module(name: str, value: Any) -> nn.Module:
    """A network."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, got {type(value).__name__}")
    return value
