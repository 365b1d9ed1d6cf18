"""The run on an accelerator, as far as none is needed: limits, records, cells, wheels."""

from __future__ import annotations

import copy
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.gpu import __main__ as door
from tools.gpu import cells, install, record, runner, source, wheels
from tools.gpu.runner import Step

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = {
    "schema": 1, "device": "cuda", "smoke": False, "date": "2001-02-03", "commit": "a" * 40,
    "seconds": 401.5, "facts": {"card": "A card", "driver": "1.2", "torch": "2.11.0"},
    "steps": [
        {"name": name, "outcome": "ok", "seconds": 1.5, "limit": 10.0, "why": "", "last": []}
        for name in ("tests", "chapter 10_x", "bench methods", "bench sweep", "bench solvers")
    ] + [{"name": "bench compile", "outcome": "timed out", "seconds": 40.0, "limit": 40.0,
          "why": "it took more than 40 s", "last": ["compiling"]}],
    "rows": [
        {"step": "tests", "case": "tests", "what": "passed", "unit": "tests", "value": 95,
         "note": "0 failed, 0 skipped"},
        {"step": "chapter 10_x", "case": "10_x", "what": "full scale", "unit": "s", "value": 31.25,
         "note": "37 cells"},
        {"step": "bench methods", "case": "VAE", "what": "float32", "unit": "steps/s",
         "value": 1234.5, "times": [1200.0, 1234.5, 1300.0], "busy": 0.62, "first": 0.4},
        {"step": "bench methods", "case": "VAE", "what": "bf16", "unit": "steps/s", "value": None,
         "why": "TypeError: no bf16"},
        {"step": "bench methods", "case": "VAE", "what": "processor, float32", "unit": "steps/s",
         "value": 61.7, "times": [61.7], "ratio": 20.0},
        {"step": "bench sweep", "case": "75 AAEs", "what": "otg.sweep", "unit": "times faster",
         "value": 44.0, "times": [1.0, 1.1, 0.9], "peer_times": [44.0, 45.0, 43.0],
         "peer_name": "one after another", "bar": 40.0, "within": True},
        {"step": "bench solvers", "case": "Sinkhorn", "what": "ours", "unit": "ms", "value": 2.0,
         "times": [2.0], "peer": 4.0, "peer_name": "OTT", "peer_times": [4.0], "ratio": 0.5,
         "contestants": [{"name": "OTT", "median": 0.004, "accuracy": 1e-7, "reached": True,
                          "error": ""}]},
    ],
}  # fmt: skip


# -- the record


def test_a_record_is_one():
    record.check(SAMPLE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.pop("commit"), "lacks.*commit"),
        (lambda r: r.update(more=1), "unknown.*more"),
        (lambda r: r.update(schema=2), "schema must be 1"),
        (lambda r: r.update(smoke=1), "smoke"),
        (lambda r: r["facts"].update(card=["x"]), r"facts\['card'\]"),
        (lambda r: r["steps"][0].update(outcome="fine"), "outcome"),
        (lambda r: r["steps"][5].update(why=""), "must say why"),
        (lambda r: r["rows"][0].update(step="other"), "one of the steps"),
        (lambda r: r["rows"][2].update(value="fast"), "value"),
        (lambda r: r["rows"][2].update(value=True), "value"),
        (lambda r: r["rows"][2].update(value=float("nan")), "finite"),
        (lambda r: r["rows"][2]["times"].append("x"), "finite"),
        (lambda r: r["rows"][3].update(why=""), "say why not"),
        (lambda r: r["rows"][2].pop("unit"), "lacks.*unit"),
        (lambda r: r["rows"][2].update(speed=1), "unknown.*speed"),
    ],
)
def test_what_is_no_record_is_refused(change, said):
    bad = copy.deepcopy(SAMPLE)
    change(bad)
    with pytest.raises(ValueError, match=said):
        record.check(bad)


def test_the_published_record_is_one():
    path = ROOT / "assets" / "bench" / "gpu.json"
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        record.check(found)
        assert not found["smoke"]
        assert found["device"] != "cpu"


# -- steps


def facts(**more):
    known = {"device": "cpu", "smoke": True, "date": "2001-02-03", "commit": "x", "seconds": 0.0}
    return {**known, "facts": {}, **more}


def python(name: str, code: str, share: float = 60.0) -> Step:
    return Step(name, [sys.executable, "-c", code], share)


ROW = '@row {"case": "a", "what": "b", "unit": "s", "value": %s}'


def test_a_run_keeps_what_every_step_said_and_goes_on(tmp_path):
    kept = record.Record(facts(), [tmp_path / "a" / "gpu.json", tmp_path / "b" / "gpu.json"])
    todo = [
        python("good", f"print('.', end=''); print('{ROW % 1}'); print('{ROW % 2}')"),
        python("bad", f"print('{ROW % 3}'); print('why'); raise SystemExit(3)"),
        python("none", f"print('no such thing'); raise SystemExit({runner.SKIPPED})"),
        Step("absent", ["/no/such/program"], 1.0),
        python("facts", 'print(\'@row {"facts": {"card": "A"}}\')'),
    ]
    bad = door.perform(todo, kept, 1000.0)
    found = json.loads((tmp_path / "a" / "gpu.json").read_text(encoding="utf-8"))
    assert found == json.loads((tmp_path / "b" / "gpu.json").read_text(encoding="utf-8"))
    record.check(found)
    assert [s["outcome"] for s in found["steps"]] == ["ok", "failed", "skipped", "failed", "ok"]
    assert found["steps"][1]["last"] == ["why"]
    assert found["steps"][2]["why"] == "no such thing"
    # A later row of a case takes the place of the earlier one.
    assert [(r["step"], r["value"]) for r in found["rows"]] == [("good", 2), ("bad", 3)]
    assert found["facts"] == {"card": "A"}
    assert [line.split(":")[0] for line in bad] == ["bad", "none", "absent"]


def test_a_step_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    mark = tmp_path / "child"
    child = f"import time, pathlib; time.sleep(4); pathlib.Path({str(mark)!r}).touch()"
    code = f"import subprocess, sys, time; print('{ROW % 1}', flush=True); "
    code += f"subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(1000)"
    rows = []
    ended = runner.run(python("hangs", code), 2.0, tmp_path, rows.append)
    assert ended["outcome"] == "timed out"
    subprocess.run(["sleep", "5"], check=True)
    assert not mark.exists()


def test_a_record_says_where_a_run_was_cut_off(tmp_path):
    kept = record.Record(facts(), [tmp_path / "gpu.json"])
    seen = {}

    class Looking(list):
        def __iter__(self):  # as the command is started, the record is on the disk
            seen.update(json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8")))
            return super().__iter__()

    door.perform([Step("first", Looking([sys.executable, "-c", ""]), 60.0)], kept, 100.0)
    record.check(seen)
    assert seen["steps"][0]["why"] == "the run was cut off here"


def test_time_that_is_left_is_passed_on_and_shares_fit():
    assert sum(step.share for step in door.steps("cuda", smoke=False)) <= door.TOTAL
    with pytest.raises(ValueError, match="shares must be 10 s together, got 12 s"):
        runner.deadlines([Step("a", [], 5.0), Step("b", [], 7.0)], 10.0)
    ended = runner.run(Step("late", ["true"], 5.0), 0.5, ROOT, print)
    assert (ended["outcome"], ended["why"]) == ("skipped", "no time was left")


def test_every_step_is_a_module_that_is_there():
    for step in door.steps("cuda", smoke=False):
        assert importlib.util.find_spec(step.command[2]) is not None
    names = [step.name for step in door.steps("cuda", smoke=False)]
    assert names[:3] == ["packages", "facts", "tests"]
    assert "chapter 10_pot_aae" in names
    assert "chapter 01_kantorovich" in names[-6:]  # trains nothing: last


def test_a_record_also_goes_where_it_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.delenv("OUT", raising=False)
    assert door.files() == [door.HERE]
    monkeypatch.setenv("OUT", str(tmp_path))
    assert door.files() == [door.HERE, tmp_path / "gpu.json"]


@pytest.mark.parametrize("there", [True, False])
def test_without_the_device_nothing_is_measured_or_published(there, tmp_path):
    kept = record.Record(facts(), [tmp_path / "gpu.json"])
    shown = tmp_path / "shown" / "gpu.json"
    todo = [python("facts", f"raise SystemExit({0 if there else 1})"), python("next", "")]
    bad = door.perform(todo, kept, 1000.0, [shown])
    assert (list(kept.steps), shown.is_file(), bool(bad)) == (
        (["facts", "next"], True, False) if there else (["facts"], False, True)
    )


@pytest.mark.parametrize(
    ("arguments", "published"),
    [([], True), (["--only", "tests"], False), (["--smoke"], False), (["--device", "cpu"], False)],
)
def test_only_whole_runs_on_an_accelerator_are_published(
    monkeypatch, tmp_path, arguments, published
):
    asked = []
    monkeypatch.setattr(door, "HERE", tmp_path / "gpu.json")
    monkeypatch.setattr(door, "perform", lambda *a: asked.append(a[-1]) or [])
    monkeypatch.setattr(door.signal, "signal", lambda *_: None)
    assert door.main([*arguments, "--commit", "x"]) == 0
    assert asked == [[door.PUBLISHED] if published else []]


# -- cells


def test_the_cells_are_those_that_the_book_executes():
    from myst_nb.core.config import NbParserConfig
    from myst_nb.core.read import create_nb_reader
    from myst_parser.config.main import MdParserConfig

    for path in sorted((ROOT / "book").glob("[0-9][0-9]_*.md")):
        text = path.read_text(encoding="utf-8")
        reader = create_nb_reader(path, MdParserConfig(), NbParserConfig(), text)
        book = [cell.source for cell in reader.read(text).cells if cell.cell_type == "code"]
        ours = list(cells.cells(text))
        assert [cell.code.rstrip("\n") for cell in ours] == [code.rstrip("\n") for code in book]
        lines = text.splitlines()
        for cell in ours:
            first = cell.code.splitlines()[0]
            assert lines[cell.line - 1] == first


def test_a_cell_runs_and_shows_its_last_value():
    shown: list[int] = []
    space = {"shown": shown}
    code = "class A:\n    def _repr_html_(self):\n        shown.append(1)\nx = 3\nA()\n"
    cells.execute(cells.Cell(10, code), "book/x.md", space)
    assert (space["x"], shown) == (3, [1])
    cells.execute(cells.Cell(10, "A();\n"), "book/x.md", space)
    assert shown == [1]
    with pytest.raises(ZeroDivisionError) as found:
        cells.execute(cells.Cell(7, "x = 1\nx / 0\n"), "book/x.md", space)
    assert found.traceback[-1].lineno == 7  # counted from 0: line 8 of the chapter


def test_a_notebooks_modules_have_stand_ins(monkeypatch):
    for name in ("myst_nb", "IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, None)  # as where they are not installed
    cells.stand_ins()
    space = {}
    code = "from IPython.display import HTML, display\nfrom myst_nb import glue\n"
    code += "import IPython\ndisplay(HTML('x'))\nglue('a', 1, display=False)\n"
    cells.execute(cells.Cell(1, code + "shell = IPython.get_ipython()\n"), "book/x.md", space)
    assert space["shell"] is None
    # inspect asks every module for its file, and matplotlib asks IPython for its version.
    assert not hasattr(sys.modules["IPython.display"], "__file__")
    from matplotlib.figure import Figure

    cells.show(Figure())


def test_tensors_that_stay_behind_are_named():
    import torch

    here = {"x": torch.zeros(2), "n": 3, "net": torch.nn.Linear(1, 1)}
    assert cells.left_behind(here, "cpu") == []
    away = {"y": torch.zeros(2, device="meta"), "net": torch.nn.Linear(1, 1, device="meta")}
    assert cells.left_behind({**here, **away}, "cpu") == ["net", "y"]


# -- wheels and sources


def test_too_many_wheels_name_the_one_that_is_too_much(monkeypatch, tmp_path, capsys):
    def fetch(folder, packages):
        for name, size in (("a-1-py3-none-any.whl", 10), ("b-1-py3-none-any.whl", 57 << 20)):
            with (folder / name).open("wb") as file:
                file.truncate(size)

    monkeypatch.setattr(wheels, "fetch", fetch)
    monkeypatch.setattr(source, "write_note", lambda root: None)
    assert wheels.main(["--folder", str(tmp_path)]) == 1
    assert "b-1-py3-none-any.whl (57.0 MiB) breaks the limit of 56.0 MiB" in capsys.readouterr().out


def test_only_what_is_missing_is_installed_and_never_what_the_image_brings(tmp_path):
    for name in ("pot-1-x.whl", "ott_jax-1-x.whl", "torch-2-x.whl", "jaxlib-1-x.whl"):
        (tmp_path / name).touch()
    found = [path.name for path in install.missing(tmp_path, {"ott-jax"})]
    assert found == ["pot-1-x.whl"]


def test_every_wheel_has_a_pinned_version_or_is_told():
    free = [name for name in wheels.names() if wheels.plain(name) not in wheels.pins()]
    assert free == ["six", "decorator", "wadler_lindig", "absl-py", "nvidia-ml-py"]


def test_a_source_without_git_has_the_commit_of_the_same_source(tmp_path):
    (tmp_path / "tools").mkdir()
    file = tmp_path / "tools" / "a.py"
    file.write_text("1", encoding="utf-8")
    assert source.commit(tmp_path) == "unknown"
    note = tmp_path / source.NOTE
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"commit": "abc", "digest": source.digest(tmp_path)}))
    assert source.commit(tmp_path) == "abc"
    file.write_text("2", encoding="utf-8")
    assert source.commit(tmp_path) == "unknown"


# -- the status page


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    return importlib.import_module("accelerator_table")


def test_the_status_page_shows_a_record(table, tmp_path):
    assert table.read(tmp_path) is None
    assert table.nodes_for(None)[0].astext() == "Not yet run on an accelerator."
    (tmp_path / table.RECORD).parent.mkdir(parents=True)
    (tmp_path / table.RECORD).write_text(json.dumps(SAMPLE), encoding="utf-8")
    text = "\n".join(node.astext() for node in table.nodes_for(table.read(tmp_path)))
    for told in (
        "A card. Recorded on 2001-02-03 at commit aaaaaaaaaaaa in 402 s.",
        "5 of 6 steps ended well; the others: bench compile (timed out: it took more than 40 s).",
        "Tests on the device: 95 passed, 0 failed, 0 skipped.",
        "1,234", "62 %", "VAE, bf16: TypeError: no bf16", "≥ 40", "2 ms (ours)", "4 ms (OTT)",
        "31.2", "37 cells",
    ):  # fmt: skip
        assert told in text, told


def test_a_rehearsal_is_told(table):
    text = table.nodes_for({**SAMPLE, "smoke": True})[0].astext()
    assert "these numbers measure nothing" in text
