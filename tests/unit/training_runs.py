"""Trainings that tests start as processes of their own: ``python -m tests.unit.training_runs``."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import otgen_lite as otg


def data(n: int = 96) -> Tensor:
    """Points of the plane."""
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def method(penalty: str) -> otg.Method:
    """A small method: one that couples the batch, or has an opponent, or a state of its own."""
    if penalty == "semidual":
        return otg.SemiDual(otg.MLP(2, [8], 2, generator=0).double(), data(), psi_steps=2)
    if penalty == "mke":
        net = otg.MLP(2, [8], 2, generator=0).double()
        return otg.MKE(net, loss="divergence", eps=0.1, sweeps=5)
    if penalty == "wgan":
        nets = [otg.MLP(2, [8], d, generator=d).double() for d in (2, 1)]
        return otg.WGAN(*nets, constraint="gp", n_critic=2)
    nets = [otg.MLP(2, [8], 2, generator=k).double() for k in range(2)]
    critic = otg.MLP(2, [8], 1, generator=2).double()
    made = otg.MMD() if penalty == "mmd" else otg.Adversarial(critic)
    return otg.PenalizedOT(*nets, penalty=made, lam=2.0, encoding="deterministic", critic_steps=2)


#: Options that use everything that moves: averages, a schedule, clipping.
OPTIONS: dict[str, Any] = {
    "steps": 12, "batch_size": 32, "lr": 1e-2, "ema": 0.9, "schedule": "cosine", "warmup": 3,
    "clip_grad": 5.0, "seed": 4,
}  # fmt: skip


def joined(folder: Path) -> None:
    """Under torchrun: train, write what every process ends with, and let one die."""
    rank = int(os.environ["RANK"])
    for penalty in ("mmd", "adversarial", "semidual", "wgan", "mke"):
        called: list[int] = []
        model = method(penalty)
        history = otg.fit(
            model, data(), **OPTIONS, checkpoint=folder / f"{penalty}.pt",
            callbacks=[lambda step, m, h, seen=called: seen.append(step)],
        )  # fmt: skip
        result = {"state": model.state_dict(), "losses": history.losses, "called": called}
        torch.save(result, folder / f"{penalty}_{rank}.pt")
    # The first process alone asks for the end; all stop in the same round.
    model = method("mmd")
    history = otg.fit(
        model, data(), **OPTIONS, checkpoint=folder / "stopped.pt", checkpoint_every=4,
        callbacks=[lambda step, m, h: step == 5], progress=False,
    )  # fmt: skip
    stopped = {"steps": history.steps, "interrupted": history.interrupted}
    torch.save({**stopped, "state": model.state_dict()}, folder / f"stopped_{rank}.pt")
    dying(folder)


def dying(folder: Path) -> None:
    """The second process dies in the middle of a training."""

    def die(module: Any, values: Any) -> None:
        die.count += 1  # type: ignore[attr-defined]
        if os.environ["RANK"] == "1" and die.count == 20:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGKILL)

    die.count = 0  # type: ignore[attr-defined]
    model = method("mmd")
    model.register_forward_pre_hook(die)
    otg.fit(model, data(), steps=100_000, batch_size=32, progress=False)
    (folder / "lived").touch()


def hanging(folder: Path) -> None:
    """Under torchrun: the second process stops to answer; who waits has 3 seconds' patience."""
    from datetime import timedelta

    import torch.distributed as dist

    dist.init_process_group("gloo", timeout=timedelta(seconds=3))
    model = method("mmd")

    def hang(*_: Any) -> None:
        # The launcher's SIGTERM is noted and waits for the round's end, half a minute by its
        # patience; nobody has to see that half minute.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(600)

    if os.environ["RANK"] == "1":
        model.register_forward_pre_hook(hang)
    otg.fit(model, data(), steps=10, batch_size=32, progress=False)


class Prepared(otg.PenalizedOT):
    """A method that also moves a buffer, outside of gradient steps, and a bound on its weights."""

    memory: Tensor

    def __init__(self) -> None:
        nets = [otg.MLP(2, [8], 2, generator=k).double() for k in range(2)]
        critic = otg.Adversarial(otg.MLP(2, [8], 1, generator=2).double())
        super().__init__(*nets, penalty=critic, lam=2.0, critic_steps=2)
        self.hyper("memory", 0.0, moves=True)
        self.hyper("lam", 2.0, moves=True)

    def prepare(self, player: str, generator: torch.Generator | None = None) -> None:
        """The buffer moves at random."""
        self.memory.add_(torch.randn((), generator=generator, dtype=torch.float64))

    def schedule(self, progress: float) -> None:
        """λ moves with the training."""
        self.lam.fill_(1.0 + progress)

    def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
        """The loss, made larger by the buffer."""
        return super().loss(player, batch, noise) * (1.0 + 0.01 * torch.tanh(self.memory))

    def project(self, player: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights of the critic are bounded."""
        return {k: v.clamp(-0.5, 0.5) for k, v in values.items()} if player == "critic" else {}


def long_run(folder: Path, **more: Any) -> tuple[Prepared, otg.History]:
    """A training with everything that has a state."""
    model = Prepared()
    history = otg.fit(
        model, data(), **{**OPTIONS, "steps": 60}, checkpoint_every=4,
        checkpoint=folder / "run.pt", metrics={"memory": lambda m: m.memory},
        metrics_every=7, progress=False, **more,
    )  # fmt: skip
    return model, history


def killed(folder: Path) -> None:
    """Train, and be killed in round 10 of 60, without a word; the last checkpoint is of round 8."""

    def die(step: int, method: Any, history: otg.History) -> None:
        if step == 10:
            os.kill(os.getpid(), signal.SIGKILL)

    long_run(folder, callbacks=[die])


def main() -> None:
    """Run one of these."""
    torch.set_num_threads(1)
    globals()[sys.argv[1]](Path(sys.argv[2]))


if __name__ == "__main__":
    main()
