"""Ctrl-C and SIGTERM: one watch for every training, and nothing is lost on the way out."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import otgen_lite as otg
from otgen_lite import recipes
from otgen_lite.recipes import ring_latent
from otgen_lite.training import checkpoints, interrupts
from tests.patience import HANGS
from tests.unit.training_runs import OPTIONS, data, method

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Usual handlers, which are there again afterwards; a gesture takes no time."""
    monkeypatch.setattr(interrupts, "GESTURE", 0.0)
    usual = (signal.default_int_handler, signal.SIG_DFL, signal.SIG_DFL)
    before = [signal.signal(n, h) for n, h in zip(SIGNALS, usual, strict=True)]
    yield
    assert interrupts._watching is None
    assert [signal.signal(n, h) for n, h in zip(SIGNALS, before, strict=True)] == list(usual)


def hit(number: int = signal.SIGINT) -> None:
    """A signal to this process, of which Python hears at once."""
    os.kill(os.getpid(), number)


def at(when: int, number: int = signal.SIGINT) -> Any:
    """A callback that sends a signal after a step."""

    def strike(step: int, found: otg.Method, history: otg.History) -> None:
        if step == when:
            hit(number)

    return strike


def train(**options: Any) -> otg.History:
    more = {"steps": 40, "batch_size": 16, "progress": False}
    return otg.fit(method("mmd"), data(), **{**more, **options})


def _step(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["step"])


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_ends_the_round_and_says_so(
    number: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "run.pt"
    with interrupts.watched() as stop, caplog.at_level(logging.WARNING, "otgen_lite"):
        history = train(callbacks=[at(7, number)], checkpoint=path)
        stop.answered = True  # or the process would end here
    assert (history.steps, history.interrupted, _step(path)) == (7, True, 7)
    name = signal.Signals(number).name
    assert caplog.messages == [
        f"fit: {name} ended the training after step 7 of 40; the checkpoint is {str(path)!r}"
    ]


def test_further_signals_change_nothing_before_the_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, save = tmp_path / "run.pt", torch.save

    def struck(content: Any, file: Any) -> None:
        if content["step"]:  # not where one is only tried out
            monkeypatch.setattr(interrupts, "PATIENCE", -1.0)  # also not one that comes late
            hit()
        save(content, file)
        if content["step"]:
            hit()

    monkeypatch.setattr(torch, "save", struck)
    model, count = method("mmd"), 0

    def strike(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == 4:
            hit()
            hit()

    model.register_forward_pre_hook(strike)
    more = {"steps": 40, "batch_size": 16, "progress": False}
    history = otg.fit(model, data(), checkpoint=path, **more)
    assert (history.steps, history.interrupted, _step(path)) == (4, True, 4)


def test_a_gesture_is_one_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    # The second comes when the training is over: it still belongs to the first.
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        hit()

    monkeypatch.setattr(interrupts, "GESTURE", HANGS)
    monkeypatch.setattr(interrupts.time, "sleep", sleep)
    history = train(callbacks=[at(2)])
    assert (history.steps, history.interrupted) == (2, True)
    assert 0 < waited[0] <= HANGS
    train(steps=2)
    assert len(waited) == 1  # who was not interrupted does not wait


def test_a_step_that_hangs_is_left_by_a_late_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "PATIENCE", -1.0)
    model = method("mmd")

    def hang(*_: Any) -> None:
        hit()
        hit()
        pytest.fail("the step went on")

    model.register_forward_pre_hook(hang)
    history = otg.fit(model, data(), steps=10, batch_size=16, progress=False)
    assert (history.steps, history.interrupted) == (0, True)


def test_an_end_before_the_first_step_is_one() -> None:
    with interrupts.watched():
        hit()
        model = method("mmd")
        model.register_forward_pre_hook(lambda *_: pytest.fail("a step has begun"))
        history = otg.fit(model, data(), steps=5, batch_size=16, progress=False)
    assert (history.steps, history.interrupted) == (0, True)


def test_after_the_end_a_signal_is_a_usual_one() -> None:
    train(callbacks=[at(2)])
    with pytest.raises(KeyboardInterrupt):
        hit()


def test_handlers_of_others_are_left_alone() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    history = train(steps=5, callbacks=[at(2, signal.SIGTERM)])
    assert (history.steps, history.interrupted, seen) == (5, False, [signal.SIGTERM])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_thread_sets_no_handlers() -> None:
    found: list[Any] = []

    def work() -> None:
        look = [lambda *_: found.append(signal.getsignal(signal.SIGTERM))]
        found.append(train(steps=2, callbacks=look))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(HANGS)
    assert found[:2] == [signal.SIG_DFL] * 2
    assert not found[2].interrupted


def test_a_child_process_ends_as_ever() -> None:
    # What a metric forks and terminates would live on with the handlers of its parent.
    with interrupts.watched():
        child = os.fork()
        if child == 0:
            hit(signal.SIGTERM)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM


def penalized(lam: float) -> otg.Method:
    nets = [otg.MLP(2, [4], 2, generator=k).double() for k in range(2)]
    return otg.PenalizedOT(*nets, penalty=otg.MMD(), lam=lam, encoding="deterministic")


@pytest.mark.parametrize("stack", [True, False])
def test_a_sweep_ends_where_a_member_was_in_its_last_round(stack: bool) -> None:
    calls = []

    def strike(step: int, found: Any, history: otg.History) -> None:
        calls.append(step)
        if step == 6:
            hit()

    grid = {"lam": [0.1, 1.0, 2.0]}
    s = otg.sweep(
        penalized, grid, data(), stack=stack, steps=6, batch_size=16, progress=False,
        callbacks=(strike,),
    )  # fmt: skip
    assert calls == [1, 2, 3, 4, 5, 6]
    # A stack is one training, and over.
    assert [h.steps for h in s.histories] == ([6, 6, 6] if stack else [6, 0, 0])
    assert s.interrupted is not stack


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A latent recipe in two stages, on few points."""
    monkeypatch.setattr(ring_latent, "STEPS", 20)
    rows = otg.data.eight_gaussians(600, 0, dtype=torch.float32)
    recipe = recipes.get("eight_gaussians", "latent_ot_pairs")

    def run(**options: Any) -> Any:
        return recipe.train(0, rows, steps=5, batch_size=16, **options)

    return run


@pytest.mark.parametrize(("when", "first"), [(3, 3), (5, 5)])
def test_an_end_in_the_first_stage_ends_a_recipe(
    short: Any, when: int, first: int, tmp_path: Path
) -> None:
    path = tmp_path / "run.pt"
    found, history = short(callbacks=[at(when)], checkpoint=path)
    assert isinstance(found, otg.PenalizedOT)
    assert (history.steps, history.interrupted) == (first, True)
    assert _step(tmp_path / "run-autoencoder.pt") == first
    assert not path.exists()
    found, history = short(checkpoint=path)
    assert (history.steps, history.interrupted, _step(path)) == (5, False, 5)
    whole, _ = short()
    assert all(torch.equal(v, found.state_dict()[k]) for k, v in whole.state_dict().items())


def test_an_end_while_the_map_is_made_ends_a_recipe(
    short: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(self: Any, **_: Any) -> None:
        hit()
        pytest.fail("the map was made nevertheless")

    monkeypatch.setattr(otg.LatentOT, "fit_map", struck)
    found, history = short()
    assert isinstance(found, otg.PenalizedOT)
    assert (history.steps, history.interrupted) == (5, True)


def test_workers_that_left_are_called_back(monkeypatch: pytest.MonkeyPatch) -> None:
    class Losing(DataLoader[Any]):
        lost = False

        def __iter__(self) -> Any:
            for item in super().__iter__():
                if interrupts.asked() and not self.lost:
                    self.lost = True
                    raise RuntimeError("DataLoader worker exited unexpectedly")
                yield item

    monkeypatch.setattr("otgen_lite.training.loaders.workers", lambda loader: True)

    def run(*, strikes: bool) -> tuple[otg.Method, otg.History]:
        model, count = method("adversarial"), 0

        def strike(*_: Any) -> None:
            nonlocal count
            count += 1
            if strikes and count == 4:  # the first of three losses of the second step
                hit()

        model.register_forward_pre_hook(strike)
        loader = Losing(TensorDataset(data()), batch_size=16, shuffle=True)
        return model, otg.fit(model, loader, steps=9 if strikes else 2, progress=False)

    (broken, history), (whole, _) = run(strikes=True), run(strikes=False)
    assert (history.steps, history.interrupted) == (2, True)
    assert all(torch.equal(v, whole.state_dict()[k]) for k, v in broken.state_dict().items())


def test_a_loaders_processes_and_a_notice_to_terminate(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.training_runs", "stopped", str(tmp_path)],
        cwd=ROOT, start_new_session=True, timeout=HANGS, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert json.loads((tmp_path / "loader.json").read_text()) == [5, True]
    assert _step(tmp_path / "loader.pt") == 5
    assert _step(tmp_path / "notice.pt") == 7
    assert not (tmp_path / "lived").exists()


@pytest.mark.parametrize("answer", ["numpy", "torch", "array"])
def test_every_true_ends_a_training(answer: str) -> None:
    import numpy as np

    kinds = {"numpy": np.bool_, "torch": torch.tensor, "array": np.array}
    history = train(callbacks=[lambda step, m, h: kinds[answer](step == 3)])
    assert (history.steps, history.interrupted) == (3, True)


# -- what cannot be written


@pytest.mark.parametrize("kind", ["folder", "device", "long", "below a file", "full"])
def test_a_checkpoint_that_cannot_be_written_is_found_before_work_starts(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    path = {
        "folder": tmp_path, "device": Path(os.devnull), "long": tmp_path / ("n" * 300),
        "below a file": tmp_path / "file" / "run.pt", "full": tmp_path / "run.pt",
    }[kind]  # fmt: skip
    if kind == "full":
        full(monkeypatch)
    with pytest.raises(OSError) as e:  # noqa: PT011
        train(checkpoint=path, callbacks=[lambda *_: pytest.fail("work has started")])
    assert str(path) in str(e.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def full(monkeypatch: pytest.MonkeyPatch, after: int = 0) -> None:
    """A disk that is full after some checkpoints; a writer of torch's has other words for it."""
    count, save = 0, torch.save

    class Full:
        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, content: Any) -> int:
            raise OSError(28, "No space left on device")

    def struck(content: Any, file: Any) -> None:
        nonlocal count
        count += 1
        if count > after:
            file._file._file = Full(file._file._file)  # below the checksum
        try:
            save(content, file)
        except OSError:
            raise RuntimeError("PytorchStreamWriter failed writing file") from None

    monkeypatch.setattr(torch, "save", struck)


def test_a_disk_that_fills_up_says_so_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.pt"
    full(monkeypatch, after=2)  # the trial, and the checkpoint of step 10
    with pytest.warns(RuntimeWarning) as caught:
        history = train(checkpoint=path, checkpoint_every=10)
    words = [str(w.message) for w in caught]
    assert [w.split(" is not")[0] for w in words] == [
        f"the checkpoint of step {step}" for step in (20, 30, 40)
    ]
    assert all(
        f"No space left on device: {str(path)!r}; the last is of step 10" in w for w in words
    )
    assert (history.steps, history.interrupted, _step(path)) == (40, False, 10)
    assert history.unsaved is not None
    assert history.unsaved.startswith("the checkpoint of step 40 is not written")


def test_names_that_just_fit_are_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 252 + ".pt")
    checkpoints.write(path, {"step": 1})
    assert _step(path) == 1


def test_what_is_resumed_is_tried_out_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    train(**OPTIONS, checkpoint=path, callbacks=[lambda step, m, h: step == 4])
    before = path.read_bytes()

    def look(step: int, found: Any, history: Any) -> None:
        if step == 5:
            assert path.read_bytes() == before

    assert train(**OPTIONS, checkpoint=path, checkpoint_every=100, callbacks=[look]).steps == 12
