"""The methods with an encoder, a decoder and a prior: codes, samples, and a penalty on codes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator, normal
from otgen_lite.divergences import Penalty
from otgen_lite.gathering import gathered
from otgen_lite.methods.base import Method, Noise, Player
from otgen_lite.methods.densities import drawn
from otgen_lite.methods.network_calls import given, in_blocks, same_shape, taken
from otgen_lite.methods.priors import Prior, prior_of

#: The kinds of encoder: a map, a Gaussian with mean and log-variance, a map of data and noise.
ENCODERS = ("deterministic", "gaussian", "implicit")

#: Under this name the codes of a batch go to the opponent's next update.
CODES = "reused_codes"


class EncoderModel(Method):
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
        self.encoder = _checks.module("encoder", encoder)
        self.decoder = _checks.module("decoder", decoder)
        self.encoding = _checks.choice("encoding", encoding, ENCODERS)
        self.prior = prior_of(prior, decoder, "decoder")

    # Pieces of the losses.

    def posterior(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """(n, d_z) means and log-variances of a Gaussian encoder; differentiable."""
        mean, log_var = self._codes(self.encoder(batch), 2 * self.prior.dim, batch).chunk(2, dim=1)
        return mean, log_var

    def codes(self, batch: Tensor, noise: Noise) -> Tensor:
        """(n, d_z) codes of a batch, given the encoder's draws; differentiable."""
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
        """What codes are decoded to, in the shape of the batch; differentiable."""
        return same_shape(self.decoder(codes), batch)

    def variance(self) -> Tensor:
        """The decoder's variance σ², in the square of the data's unit: 0-d."""
        return self.decoder_var

    def log_prior(self, codes: Tensor) -> Tensor:
        """The (n,) natural logarithms of the prior's density at codes."""
        prior: Any = self.prior
        return prior.log_density(codes)

    def require_density(self) -> None:
        """Refuse a prior that can only be drawn from."""
        if not hasattr(self.prior, "log_density"):
            raise TypeError(
                f"prior must have a log_density for {type(self).__name__}, got {self.prior!r}"
            )

    def encoder_noise(self, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
        """The (n, d_e) noise of a random encoder."""
        return normal((n, getattr(self.encoder, "noise_dim", self.prior.dim)), generator, like)

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior, and the encoder's noise."""
        out = {"prior": self.prior.draw(len(batch), generator, batch)}
        if self.encoding != "deterministic":
            out["encoder"] = self.encoder_noise(len(batch), generator, batch)
        return out

    # Uses of a trained method.

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: Randomness = None,
        *,
        noise: Noise | None = None,
        decoder_noise: bool = False,
    ) -> Tensor:
        """Draw new data: codes of the prior, decoded.

        Args:
            n: number of samples.
            generator: a seed, a generator, or None for torch's own.
            noise: draws to use instead: ``{"prior": (n, d_z)}``, and ``"decoder"`` in the shape of
                the data if ``decoder_noise`` is True.
            decoder_noise: whether to add Gaussian noise of the decoder's variance. The default
                returns the decoder's means, because these are what transport compares with data;
                the density of a VAE is that of samples with noise.

        Returns:
            (n, ...) data, in the type of the networks and on their device.

        Raises:
            ValueError: if ``n < 1``, or ``noise`` has another number of rows.
        """
        n = _checks.count("n", n)
        like = self._like()
        draw = as_generator(generator, like.device)
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
        """The codes of data; where the encoder is random, one draw for each point.

        Args:
            x: (n, ...) data.
            generator: a seed, a generator, or None for torch's own.
            noise: draws to use instead: ``{"encoder": (n, d_e)}``.

        Returns:
            (n, d_z) codes.

        Raises:
            ValueError: if shapes do not match or a number is not finite.
        """
        x = self._taken("x", x)
        if self.encoding == "deterministic":
            return in_blocks(lambda rows: self.codes(rows, {}), x)
        if noise is None:
            draws = self.encoder_noise(len(x), as_generator(generator, x.device), x)
        else:
            draws = given(noise, "encoder", len(x))
        return in_blocks(lambda rows, e: self.codes(rows, {"encoder": e}), x, draws)

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """The (n, ...) data that (n, d_z) codes are decoded to, without the decoder's noise."""
        return in_blocks(self.decoder, self._taken("z", z))

    def reconstruct(
        self, x: Tensor, generator: Randomness = None, *, noise: Noise | None = None
    ) -> Tensor:
        """The (n, ...) reconstructions of (n, ...) data; arguments as in :meth:`encode`."""
        return self.decode(self.encode(x, generator, noise=noise))

    def _taken(self, name: str, x: Any) -> Tensor:
        """Data as the networks take them."""
        return taken(name, x, self)


class PenalizedModel(EncoderModel):
    """An auto-encoder with a penalty on its codes.

    If the penalty has an opponent, it is the player ``"critic"``.
    """

    penalty: Penalty

    def set_players(self, critic_steps: int, reuse_codes: bool) -> None:
        """Fill the players; the auto-encoder moves first where its codes are used again."""
        steps = _checks.count("critic_steps", critic_steps)
        self.reuses = bool(reuse_codes) and self.penalty.has_critic
        autoencoder = {"autoencoder": Player(("encoder", "decoder"))}
        if not self.penalty.has_critic:
            self.players = autoencoder
            return
        critic = {"critic": Player(("penalty",), steps)}
        self.players = autoencoder | critic if self.reuses else critic | autoencoder

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The objective for the auto-encoder, or the opponent's loss."""
        if player == "autoencoder":
            return self.objective(batch, noise)["total"]
        if CODES in noise:
            codes = noise[CODES]
        else:
            with torch.no_grad():
                codes = self.codes(batch, noise)
        prior = self._of_all_processes(noise["prior"])
        return self.penalty.critic_loss(self._of_all_processes(codes), prior)

    def loss_and_reused(
        self, player: str, batch: Tensor, noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and the codes where they are to be used again."""
        if player != "autoencoder" or not self.reuses:
            return self.loss(player, batch, noise), {}
        codes = self.codes(batch, noise)
        return self.parts_at(batch, codes, noise)["total"], {CODES: codes.detach()}

    def objective(self, batch: Tensor, noise: Noise | None = None) -> dict[str, Tensor]:
        """The auto-encoder's loss and its parts, as means over the batch.

        Args:
            batch: (n, ...) data.
            noise: the draws that ``noise()`` makes; drawn from torch's own generator where None.

        Returns:
            A dict of differentiable 0-d tensors; ``total`` is the loss.
        """
        if noise is None:
            noise = self.noise("autoencoder", batch)
        return self.parts_at(batch, self.codes(batch, noise), noise)

    def parts_at(self, batch: Tensor, codes: Tensor, noise: Noise) -> dict[str, Tensor]:
        """The objective and its parts, given the codes of the batch."""
        raise NotImplementedError

    def penalty_at(self, codes: Tensor, noise: Noise) -> Tensor:
        """D(Q_Z, P_Z), estimated from the codes of all processes."""
        prior = self._of_all_processes(noise["prior"])
        return self.penalty(self._of_all_processes(codes), prior, noise)

    def _of_all_processes(self, codes: Tensor) -> Tensor:
        # A mean over rows is averaged by the loop; only what couples rows must see all of them.
        return gathered(codes) if self.penalty.coupled else codes

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Codes of the prior, and the draws of encoder and penalty."""
        out = super().noise(player, batch, generator)
        if player == "autoencoder":
            out |= self.penalty.noise(out["prior"], generator)
        return out
