"""Trainings that tests start as processes of their own: ``python -m tests.unit.training_runs``."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import otgen_lite as otg
from otgen_lite.training import interrupts


def data(n: int = 96) -> Tensor:
    """Points of the plane."""
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def method(penalty: str) -> otg.Method:
    """A small method: one that couples the batch, or has an opponent, or a state of its own."""
    if penalty == "semidual":
        return otg.SemiDual(otg.MLP(2, [8], 2, generator=0).double(), data(), psi_steps=2)
    if penalty == "mke":
        net = otg.MLP(2, [8], 2, generator=0).double()
        return otg.MKE(net, discrepancy="divergence", eps=0.1, sweeps=5)
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
    # The first process alone asks for the end; all stop in the same step.
    model = method("mmd")
    history = otg.fit(
        model, data(), **OPTIONS, checkpoint=folder / "stopped.pt", checkpoint_every=4,
        callbacks=[lambda step, m, h: step == 5], progress=False,
    )  # fmt: skip
    stopped = {
        "steps": history.steps, "interrupted": history.interrupted, "early": history.stopped_early,
    }  # fmt: skip
    torch.save({**stopped, "state": model.state_dict()}, folder / f"stopped_{rank}.pt")
    told(folder, rank)
    disagreeing(folder, rank)
    separate(folder, rank)
    spoilt(folder, rank)
    dying(folder)


def told(folder: Path, rank: int) -> None:
    """The second process alone hears SIGTERM; the first asks for a loss of its own meanwhile."""
    model = method("adversarial")
    alone: list[float] = []

    def look(step: int, found: otg.Method, history: otg.History) -> None:
        with torch.no_grad():
            noise = found.noise("autoencoder", data(7), torch.Generator().manual_seed(0))
            alone.append(float(found("autoencoder", data(7), noise)))

    def strike(*_: Any) -> None:
        strike.count += 1  # type: ignore[attr-defined]
        if rank == 1 and strike.count == 8:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGTERM)

    strike.count = 0  # type: ignore[attr-defined]
    model.register_forward_pre_hook(strike)
    with interrupts.watched() as stop:
        history = otg.fit(
            model, data(), steps=1000, batch_size=32, progress=False, callbacks=[look],
            checkpoint=folder / "told.pt",
        )  # fmt: skip
        stop.answered = True
        found = {"steps": history.steps, "asked": stop.number, "alone": len(alone)}
    # Both see the checkpoint, which the first has written.
    torch.save({**found, "saved": (folder / "told.pt").is_file()}, folder / f"told_{rank}.pt")


def normalised() -> otg.Method:
    """An auto-encoder with batch normalisation."""
    encoder = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4)).double()
    decoder = otg.MLP(4, [4], 2, generator=1).double()
    return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=1.0, encoding="deterministic")


def dropping() -> otg.Method:
    """An auto-encoder with dropout, which counts what its first layer drops."""
    encoder = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(2, 2)).double()
    decoder = otg.MLP(2, [4], 2, generator=1).double()
    made = otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=1.0, encoding="deterministic")
    made.dropped = []  # type: ignore[assignment]
    encoder[0].register_forward_hook(lambda m, i, out: made.dropped.append(out == 0))  # type: ignore[operator,union-attr]
    return made


def disagreeing(folder: Path, rank: int) -> None:
    """Trainings whose processes differ: what each of them says."""
    nets = [otg.MLP(2, [8], d, generator=0).double() for d in (4, 2)]
    rows = data()
    apart = rows.clone()
    apart[rank, 0] += 1e-9
    more: dict[str, Any] = {"steps": 4, "batch_size": 16, "progress": False}

    def sampler(n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, 2, generator=generator, dtype=torch.float64) + rank

    lam = otg.PenalizedOT(*nets, penalty=otg.MMD(), lam=1.0 + rank)
    vae = otg.VAE(*nets, decoder_var=0.1 * (1 + rank))
    width = otg.PenalizedOT(*nets, penalty=otg.MMD("multi" if rank else "rbf"), lam=1.0)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(rows), batch_size=15)
    cases: dict[str, tuple[otg.Method, Any, dict[str, Any]]] = {
        "data": (method("mmd"), apart, {}),
        "size": (method("mmd"), rows[: 90 + rank], {}),
        "batch 1 of data": (method("mmd"), sampler, {}),
        "rows": (method("mmd"), loader, {}),
        "bad": (method("mmd"), rows[:, 0] if rank else rows, {}),
        "steps": (method("mmd"), rows, {"steps": 4 + rank}),
        "seed": (method("mmd"), rows, {"seed": rank}),
        "lr": (method("mmd"), rows, {"lr": 1e-2 * (1 + rank)}),
        "batch_size": (method("mmd"), rows, {"batch_size": 16 * (1 + rank)}),
        "metrics": (method("mmd"), rows, {} if rank else {"metrics": {"one": lambda m: 1.0}}),
        "checkpoint": (method("mmd"), rows, {} if rank else {"checkpoint": folder / "no.pt"}),
        "folder": (method("mmd"), rows, {"checkpoint": folder}),
        "decoder_var": (vae, rows, {}),
        "lam": (lam, rows, {}),
        "penalty": (width, rows, {}),
        "BatchNorm1d": (normalised(), rows, {}),
        "Dropout": (dropping(), rows, {}),
    }
    said = {}
    for name, (model, points, options) in cases.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                history = otg.fit(model, points, **{**more, **options})
                said[name] = f"trained {history.steps}"
            except (ValueError, OSError) as error:
                said[name] = f"{type(error).__name__}: {error}"
        said[name] += "".join(f"; {w.message}" for w in caught)
        if name == "Dropout":
            torch.save(torch.stack(model.dropped), folder / f"masks_{rank}.pt")  # type: ignore[arg-type]
    (folder / f"said_{rank}.json").write_text(json.dumps(said))


class Numbered(torch.utils.data.Sampler[int]):
    """All rows in a new order in every epoch: of every process, or of each its own share."""

    def __init__(self, rank: int, world: int) -> None:
        self._rank, self._world, self._epoch = rank, world, 0

    def set_epoch(self, epoch: int) -> None:
        """The number of the epoch, from which the order is drawn."""
        self._epoch = epoch

    def __len__(self) -> int:
        return 96 // self._world

    def __iter__(self) -> Any:
        order = torch.randperm(96, generator=torch.Generator().manual_seed(self._epoch))
        return iter(order[self._rank :: self._world].tolist())


class Once:
    """A rule that asks for an end once, after step ``at``."""

    def __init__(self, at: int) -> None:
        self.at, self.asked = at, False

    def __call__(self, step: int, *_: Any) -> bool:
        asks = step == self.at and not self.asked
        self.asked = self.asked or asks
        return asks


def separate(folder: Path, rank: int) -> None:
    """Loaders, and callbacks of the first process that train: what each process saw and said."""
    points = torch.utils.data.TensorDataset(data())
    samplers = {
        "own": torch.utils.data.DistributedSampler(points, num_replicas=2, rank=rank),
        "shared": None,
        "a share each": Numbered(rank, 2),
        "all of it each": Numbered(0, 1),
    }
    found: dict[str, Any] = {}
    for name, sampler in samplers.items():
        model = method("mmd")
        rows: list[Tensor] = []
        model.register_forward_pre_hook(lambda m, args, kept=rows: kept.append(args[1].clone()))
        loader = torch.utils.data.DataLoader(
            points, batch_size=16, sampler=sampler, shuffle=True if sampler is None else None
        )
        try:
            otg.fit(model, loader, steps=6, progress=False)
            found[name] = torch.cat([batch for batch in rows if batch.ndim == 2])
        except ValueError as error:
            found[name] = str(error)
    # The first process alone trains a second model after every step: it waits for nobody.
    model, other = method("mmd"), method("adversarial")

    def train_another(*_: Any) -> None:
        otg.fit(other, data(), steps=3, batch_size=15, progress=False)

    history = otg.fit(
        model, data(), steps=4, batch_size=32, progress=False, callbacks=[train_another]
    )
    found["nested"] = history.steps, other.state_dict()
    # The first process's rule ends one member of a sweep, in both; both go on with the next.
    found["sweep"] = [
        (h.steps, h.stopped_early)
        for h in otg.sweep(
            lambda critic_steps: method("mmd"), {"critic_steps": [1, 2]}, data(), steps=4,
            batch_size=32, progress=False, callbacks=[Once(at=2)],
        ).histories
    ]  # fmt: skip
    torch.save(found, folder / f"separate_{rank}.pt")


def spoilt(folder: Path, rank: int) -> None:
    """The loss of the second process's rows is NaN in step 6: how each process ends."""
    model, count = method("mmd"), 0

    def spoil(module: Any, arguments: Any, loss: Tensor) -> Tensor:
        nonlocal count
        count += 1
        return loss * float("nan") if rank == 1 and count == 6 else loss

    model.register_forward_hook(spoil)
    try:
        otg.fit(model, data(), steps=10, batch_size=32, progress=False)
        said = "trained"
    except otg.TrainingError as error:
        said = f"step {error.step}: {error}"
    finite = all(bool(torch.isfinite(p).all()) for p in model.parameters())
    (folder / f"spoilt_{rank}.json").write_text(json.dumps([said, finite]))


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
    """Under torchrun: the second process stops to answer; the first has 3 seconds' patience."""
    from datetime import timedelta

    import torch.distributed as dist

    dist.init_process_group("gloo", timeout=timedelta(seconds=3))
    model = method("mmd")

    def hang(*_: Any) -> None:
        # The launcher's SIGTERM is noted and waits for the step's end, half a minute by its
        # patience; nobody has to see that half minute.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(600)

    if os.environ["RANK"] == "1":
        model.register_forward_pre_hook(hang)
    otg.fit(model, data(), steps=10, batch_size=32, progress=False)


def stopped(folder: Path) -> None:
    """Ctrl-C twice, to all processes of a loader too; then a notice to terminate."""
    points = torch.utils.data.TensorDataset(data())
    loader = torch.utils.data.DataLoader(
        points, batch_size=16, num_workers=1, multiprocessing_context="spawn", prefetch_factor=1
    )
    model, count = method("adversarial"), 0

    def strike(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == 13:  # the first of three losses of step 5: batches have yet to come
            for _ in range(2):
                os.killpg(0, signal.SIGINT)
                time.sleep(0.002)
            time.sleep(0.5)  # who heard it is gone by now

    model.register_forward_pre_hook(strike)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    history = otg.fit(
        model, loader, steps=1000, progress=False, checkpoint=folder / "loader.pt"
    )  # fmt: skip
    (folder / "loader.json").write_text(json.dumps([history.steps, history.interrupted]))

    def notify(step: int, found: otg.Method, history: otg.History) -> None:
        if step == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    otg.fit(
        method("mmd"), data(), steps=1000, progress=False, callbacks=[notify],
        checkpoint=folder / "notice.pt", batch_size=16,
    )  # fmt: skip
    (folder / "lived").touch()


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
    """Train, and be killed in step 10 of 60, without a word; the last checkpoint is of step 8."""

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
