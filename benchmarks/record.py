"""The records of ``otgen_lite.results``: what a row says of a recipe, and how it gets in the file.

``quality.py --record`` writes here. A row is keyed by method and seed: a new one takes the place of
the old one, and the file is replaced as a whole after each run, so that a kill loses nothing and
two programs may record at once.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import inspect
import json
import math
import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from otgen_lite import LatentOT, Method, SemiDual
from otgen_lite.methods.latent_maps import PairsMap, SemiDiscreteMap
from otgen_lite.recipes import Recipe

#: The module of recipes, and the types of values whose text says all.
RECIPES, PLAIN = "otgen_lite.recipes", (int, float, str, list, tuple, dict, type(None))

FOLDER = Path(__file__).resolve().parent.parent / "otgen_lite" / "results"

#: Seeds of record by data; they chose no setting. One recipe's spread asks for more.
SEEDS = {"eight_gaussians": tuple(range(21, 27)), "digits": (21, 22, 23)}
MORE_SEEDS = {("eight_gaussians", "vae"): tuple(range(21, 30))}


def seeds(data: str, name: str) -> tuple[int, ...]:
    """The seeds of record of a recipe."""
    return MORE_SEEDS.get((data, name), SEEDS[data])


# The row's facts of the recipe.


def about(recipe: Recipe) -> dict[str, Any]:
    """Sizes, steps and a digest of the settings, without training anything."""
    data = recipe.data(0)
    method = recipe.make(0, data)
    wrap = getattr(recipe._trainer, "_wrap", None)
    method = wrap(method, data, 0) if wrap is not None else method
    steps = {stage: options["steps"] for stage, options in recipe.stages().items()}
    return {
        "parameters": needed(method), "trained": trained(method),
        "steps": steps, "settings": settings(recipe),
    }  # fmt: skip


def needed(method: Method) -> int:
    """Count of numbers that sampling needs and training has set."""
    if not isinstance(method, LatentOT):
        return _weights(getattr(method, "generator", None) or method.decoder)
    decoder = _weights(method.decoder if method.decoder is not None else method.encoder.decoder)
    if isinstance(method.latent_map, PairsMap):
        return decoder + _weights(method.latent_map.network)
    codes = method.codes.numel() if isinstance(method.latent_map, SemiDiscreteMap) else 0
    return decoder + _fitted_numbers(method.latent_map) + codes


def trained(method: Method) -> int:
    """Count of numbers that training has set: all weights, potentials and buffers of maps."""
    more = 0
    if isinstance(method, SemiDual):
        more = method.potential.psi.numel()
    elif isinstance(method, LatentOT):
        more = sum(_fitted_numbers(part) for part in method.latent_map.modules())
    return _weights(method) + more


def _weights(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _fitted_numbers(map: nn.Module) -> int:
    """The numbers that a map has computed; of itself, not of a map inside it."""
    buffers = dict(map.named_buffers(recurse=False))
    return sum(b.numel() for name, b in buffers.items() if name not in ("fitted", "eps"))


def settings(recipe: Recipe) -> str:
    """A digest of what decides a training: its options, and the code of the recipe.

    That is the maker, the trainer, and what they call or read in the modules of recipes. Comments
    and docstrings do not count.
    """
    texts = {_text([recipe.stages(), recipe.points])}
    seen: set[int] = set()
    queue: list[Any] = [recipe._maker, recipe._trainer]
    while queue:
        value = queue.pop()
        if isinstance(value, PLAIN):
            texts.add(_text(value))
        elif inspect.isfunction(value) or inspect.isclass(value):
            if id(value) not in seen and value.__module__.startswith(RECIPES):
                seen.add(id(value))
                texts.add(_source(value))
                functions = [value] if inspect.isfunction(value) else vars(value).values()
                queue += [v for f in functions if inspect.isfunction(f) for v in (f, *_reads(f))]
        elif type(value).__module__.startswith(RECIPES):
            queue += [type(value), *vars(value).values()]
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:12]


def _text(value: Any) -> str:
    """A plain value as text, in every process the same."""
    return json.dumps(value, sort_keys=True, default=lambda other: type(other).__name__)


def _source(value: Any) -> str:
    text = textwrap.dedent(inspect.getsource(value))
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a lambda among the arguments of a call
        return " ".join(text.split())
    for node in ast.walk(tree):
        documented = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if documented and ast.get_docstring(node) is not None:  # type: ignore[arg-type]
            node.body = node.body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _reads(function: Any) -> list[Any]:
    """Globals and closure of a function."""
    codes, names = [function.__code__], set()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [part for part in code.co_consts if inspect.iscode(part)]
    around = [function.__globals__[name] for name in names if name in function.__globals__]
    return [*around, *(cell.cell_contents for cell in function.__closure__ or ())]


# The file.


def path(data: str) -> Path:
    """The file with the records of some data."""
    return FOLDER / f"{data}.json"


def put_run(file: Path, row: dict[str, Any], order: tuple[str, ...]) -> None:
    """Put a run in place of that with its method and seed; ``order`` is that of the methods."""
    with _changed(file) as content:
        key = (row["method"], row["seed"])
        rows = [r for r in content["runs"] if (r["method"], r["seed"]) != key] + [row]
        place = {name: i for i, name in enumerate(order)}
        rows.sort(key=lambda r: (place.get(r["method"], len(place)), r["seed"]))
        content["runs"] = rows


def put_references(file: Path, rows: list[dict[str, Any]]) -> None:
    """Replace the references."""
    with _changed(file) as content:
        content["references"] = rows


def fresh(file: Path, name: str, seed: int, now: dict[str, Any]) -> bool:
    """Whether a run is recorded with the recipe's present sizes, steps and settings."""
    rows = read(file)["runs"]
    found = [r for r in rows if (r["method"], r["seed"]) == (name, seed)]
    return bool(found) and all(found[0][key] == value for key, value in now.items())


def read(file: Path) -> dict[str, Any]:
    """The content of a file; empty where there is none."""
    if not file.exists():
        return {"references": [], "runs": []}
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


@contextmanager
def _changed(file: Path) -> Iterator[dict[str, Any]]:
    """The content of a file, written back as a whole; others wait meanwhile."""
    lock = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content = read(file)
        yield content
        parts = [
            f' "{name}": [\n  ' + ",\n  ".join(_line(row) for row in content[name]) + "\n ]"
            for name in ("references", "runs")
        ]
        new = file.with_suffix(f".{os.getpid()}.new")
        new.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
        new.replace(file)
    finally:
        os.close(lock)


def _line(row: dict[str, Any]) -> str:
    """A row on a line; what is not a number is null."""
    scores = row["scores"].items()
    shown = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in scores}
    return json.dumps({**row, "scores": shown}, allow_nan=False, ensure_ascii=False)
