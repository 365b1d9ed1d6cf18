"""The one loop beside the plainest loop by hand: same networks, same loss, same fused optimizer.

The loop by hand draws indices, computes the loss from the networks, and calls ``backward`` and
``step``: no method, no record but a list, nothing else. The two take turns in one process and one
thread (A B, B A, ...), each turn a block of steps on networks of its own; what counts is the median
of the processor time of a step, which a busy machine disturbs less than the clock.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

import otgen_lite as otg
from otgen_lite.methods.base import Noise

#: Steps a second of ``fit`` over those of the loop by hand, at least.
BAR = 0.95

Loss = Callable[[Tensor], Tensor]


class Regression(otg.Method):
    """The least that a method can be: one network, one player, a mean square."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.players = {"network": otg.Player(("network",))}

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """Mean squared error of reproducing the batch."""
        return (self.network(batch) - batch).square().mean()


def by_hand(params: list[nn.Parameter], loss_of: Loss, data: Tensor, size: int, steps: int) -> None:
    """The plainest loop."""
    optimizer = torch.optim.Adam(params, lr=1e-3, fused=True)
    losses = []
    for _ in range(steps):
        batch = data[torch.randint(len(data), (size,))]
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())


def vae_loss(encoder: nn.Module, decoder: nn.Module) -> Loss:
    """Minus the evidence lower bound with σ² = 1, as it is usually written."""

    def loss(x: Tensor) -> Tensor:
        mean, log_var = encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        error = (decoder(z) - x).square().flatten(1).sum(dim=1)
        constant = 0.5 * x[0].numel() * math.log(2 * math.pi)
        rate = 0.5 * (log_var.exp() + mean.square() - 1.0 - log_var).sum(dim=1)
        return (0.5 * error + constant + rate).mean()

    return loss


def convolutional() -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder for 28 × 28 images."""
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 16),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(8, 32 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)),
        nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


#: A turn trains for so many steps.
Turn = Callable[[int], Any]


def least_squares() -> tuple[Turn, Turn]:
    """One MLP 2×64 on points of the plane, B = 256: the shortest step that is ever trained."""
    x = torch.randn(20_000, 2)
    ours = Regression(otg.MLP(2, [64, 64], 2, generator=0))
    net = otg.MLP(2, [64, 64], 2, generator=0)
    params = list(net.parameters())
    return (
        lambda steps: otg.fit(ours, x, steps=steps, batch_size=256, progress=False),
        lambda steps: by_hand(params, lambda b: (net(b) - b).square().mean(), x, 256, steps),
    )


def vae(encoder: nn.Module, decoder: nn.Module, x: Tensor, size: int) -> tuple[Turn, Turn]:
    """A variational auto-encoder."""
    ours = otg.VAE(encoder, decoder, prior=otg.GaussianPrior(2 if x.ndim == 2 else 8))
    params = [*encoder.parameters(), *decoder.parameters()]
    loss = vae_loss(encoder, decoder)
    return (
        lambda steps: otg.fit(ours, x, steps=steps, batch_size=size, progress=False),
        lambda steps: by_hand(params, loss, x, size, steps),
    )


def small_vae() -> tuple[Turn, Turn]:
    """Encoder and decoder MLP 2×64, on points of the plane, B = 256."""
    nets = otg.MLP(2, [64, 64], 4, generator=0), otg.MLP(2, [64, 64], 2, generator=1)
    return vae(*nets, torch.randn(20_000, 2), 256)


def conv_vae() -> tuple[Turn, Turn]:
    """A convolutional one on 28 × 28 images, B = 64."""
    return vae(*convolutional(), torch.rand(2_000, 1, 28, 28), 64)


#: Name, what makes the two, steps in a turn.
CASES: list[tuple[str, Callable[[], tuple[Turn, Turn]], int]] = [
    ("least squares, one MLP 2×64, B = 256", least_squares, 500),
    ("VAE, two MLPs 2×64, B = 256", small_vae, 300),
    ("VAE, convolutional, 28×28, B = 64", conv_vae, 20),
]


def race(make: Callable[[], tuple[Turn, Turn]], steps: int, rounds: int) -> tuple[float, float]:
    """Processor seconds of a step: ``fit`` and by hand, medians over turns."""
    turns = make()
    times: tuple[list[float], list[float]] = ([], [])
    for k in range(rounds + 1):
        for who in (0, 1) if k % 2 == 0 else (1, 0):
            start = time.process_time()
            turns[who](steps)
            if k:
                times[who].append((time.process_time() - start) / steps)
    return median(times[0]), median(times[1])


def run(rounds: int = 16) -> list[dict[str, Any]]:
    """One row a case."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = []
    try:
        for name, make, steps in CASES:
            ours, plain = race(make, steps, rounds)
            rows.append(
                {
                    "bench": "fit",
                    "case": name,
                    "threads": 1,
                    "what": "a step, processor time (ms)",
                    "ours": 1e3 * ours,
                    "ours_name": "otg.fit",
                    "peer": 1e3 * plain,
                    "peer_name": "a loop by hand",
                    "ratio": ours / plain,
                    "bar": round(1.0 / BAR, 3),
                    "within": plain / ours >= BAR,
                    "raw": {"steps_per_second": 1.0 / ours, "relative speed": plain / ours},
                }
            )
    finally:
        torch.set_num_threads(threads)
    return rows


def main() -> None:
    """The rows alone, for a quick look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=16)
    for row in run(parser.parse_args().rounds):
        print(f"{row['case']}: {row['ours']:.4f} ms, by hand {row['peer']:.4f} ms, "
              f"{row['raw']['relative speed']:.3f} of its steps a second")  # fmt: skip


if __name__ == "__main__":
    main()
