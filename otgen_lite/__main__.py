r"""Full-scale trainings from the command line, on one device or under torchrun.

    python -m otgen_lite recipes
    python -m otgen_lite train eight_gaussians/wgan_gp --out runs/ring
    torchrun --nproc-per-node 8 -m otgen_lite train digits/vae --batch-size 1024 \
        --precision bf16 --checkpoint runs/vae.pt --out runs/vae

A run that was killed continues from its checkpoint if the same command is given again. After
Ctrl-C or SIGTERM the present step is finished and everything is written.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from otgen_lite import _checks, recipes
from otgen_lite.methods import Method
from otgen_lite.recipes.base import DATA
from otgen_lite.training import History, TrainingError, agreement, interrupts, writing
from otgen_lite.training.checkpoints import named

#: Options of ``fit`` that the command passes on where they are given.
_PASSED = (
    "steps", "batch_size", "lr", "ema", "precision", "compile", "device", "checkpoint",
    "checkpoint_every", "resume",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    main = argparse.ArgumentParser(
        prog="python -m otgen_lite", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = main.add_subparsers(dest="command", required=True)
    commands.add_parser("recipes", help="list the recipes")
    train = commands.add_parser(
        "train", help="train a recipe", argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    train.add_argument("recipe", help="DATA/NAME, as `python -m otgen_lite recipes` lists them")
    train.add_argument("--points", help="train on the (n, ...) array in this .npy file instead")
    train.add_argument("--steps", type=int, help="number of steps, if not the recipe's")
    train.add_argument("--batch-size", type=int, help="points in a batch, of all processes")
    train.add_argument("--lr", type=float, help="learning rate of every player")
    train.add_argument("--ema", type=float, help="decay of the averaged weights, in (0, 1)")
    train.add_argument("--precision", choices=("bf16", "fp16"), help="mixed precision")
    train.add_argument("--compile", action="store_true", help="compile the losses")
    train.add_argument("--seed", type=int, default=0, help="of all draws (default 0)")
    train.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    train.add_argument("--checkpoint", help="a file; if it exists, the run continues from it")
    train.add_argument("--checkpoint-every", type=int, help="steps between two checkpoints")
    train.add_argument(
        "--anew", dest="resume", action="store_false", help="start anew instead of continuing"
    )
    train.add_argument("--out", help="folder for model.pt, history.csv, run.json and samples.npy")
    train.add_argument(
        "--samples", type=int, default=10_000, help="number drawn at the end (default 10000)"
    )
    train.add_argument("--quiet", action="store_true", default=False, help="no progress bar")
    return main


#: Files in ``--out``; the last one says that the others are whole.
FILES = ("model.pt", "history.csv", "samples.npy", "run.json")


def train(asked: argparse.Namespace) -> History:
    """Train a recipe, and write the trained model and its samples."""
    on, _, name = asked.recipe.partition("/")
    recipe = recipes.get(on, name)
    options = {key: getattr(asked, key) for key in _PASSED if hasattr(asked, key)}
    _checks.count("samples", asked.samples, at_least=0)
    out = Path(asked.out) if hasattr(asked, "out") else None
    first = "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["RANK"] == "0"
    if out is not None and first:
        for file in FILES:
            writing.check(out / file)
    data = _points(asked.points) if hasattr(asked, "points") else None
    method, history = recipe.train(asked.seed, data, progress=not asked.quiet, **options)
    if first:
        print(history, flush=True)
        if out is not None:
            stages = {stage: _plain(of) for stage, of in recipe.stages(**options).items()}
            run = {"recipe": asked.recipe, "seed": asked.seed, **options, "trainings": stages}
            write(out, method, history, run, asked.samples)
    return history


def write(
    folder: Path, method: Method, history: History, run: dict[str, Any], samples: int
) -> None:
    """The weights, the losses, samples where the method has some, and at last what was run.

    Every file is whole or not there, and ``run.json`` is there when the others are.
    """
    (folder / "run.json").unlink(missing_ok=True)
    state = {name: value.cpu() for name, value in method.state_dict().items()}
    with writing.whole(folder / "model.pt") as file:
        torch.save(state, file)
    with writing.whole(folder / "history.csv") as file:
        file.write(history.to_frame().to_csv().encode())
    draw = getattr(method, "sample", None)
    if samples and draw is not None:
        device = next(method.parameters()).device
        generator = torch.Generator(device=device).manual_seed(int(run["seed"]) + 1)
        with writing.whole(folder / "samples.npy") as file:
            np.save(file, draw(samples, generator).cpu().numpy())
    else:  # those of an earlier run are not of this one
        (folder / "samples.npy").unlink(missing_ok=True)
    run |= {
        "method": type(method).__name__, "finished": not history.interrupted,
        "done": history.steps, "seconds": history.seconds,
    }  # fmt: skip
    with writing.whole(folder / "run.json") as file:
        file.write((json.dumps(run, indent=1) + "\n").encode())


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as JSON has them; what is no number or name by its name."""
    simple = (int, float, str, bool, type(None), dict, list, tuple)
    return {k: v if isinstance(v, simple) else named(v) for k, v in options.items()}


def _points(path: str) -> Tensor:
    """Points from a file of numpy's, without running what it may hold."""
    try:
        return _checks.tensor("points", np.load(path, allow_pickle=False)).float()
    except (OSError, ValueError) as error:
        raise ValueError(f"points must be a .npy file of numbers, got {path!r}: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command.

    Returns:
        0; 1 where the training failed or something could not be written; 2 for a wrong command; 130
        after Ctrl-C, 143 after SIGTERM.
    """
    asked = parser().parse_args(arguments)
    if asked.command == "recipes":
        print("\n".join(f"{on}/{name}" for on in DATA for name in recipes.names(on)))
        return 0
    with interrupts.watched() as stop:
        try:
            history = train(asked)
        except TrainingError as error:
            return _failed(f"training stopped: {error}", 1)
        except (ValueError, TypeError) as error:
            return _failed(f"otgen_lite: {error}", 2)
        except OSError as error:
            return _failed(f"otgen_lite: {error}", 1)
        # A launcher ends all processes when the first has ended, which is not before this.
        ended = agreement.ends(stop, history.interrupted)
        stop.answered = True
    if dist.is_initialized():
        dist.destroy_process_group()
    if history.unsaved is not None and not hasattr(asked, "out"):
        return _failed(f"otgen_lite: {history.unsaved}", 1)
    return 128 + (stop.number or signal.SIGINT) if ended and history.interrupted else 0


def _failed(message: str, code: int) -> int:
    """Say why."""
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
