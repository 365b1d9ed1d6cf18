"""The first cell of a notebook: what it asks pip for, and what the reader sees where that fails.

Here pip is played; ``test_colab_environment.py`` runs the cell with a real one.
"""

import re
import subprocess
import sys
from typing import Any

import pytest

from .conftest import SmallBook

WHEEL = r"otgen-lite @ https://books\.example\.org/small/_wheels/otgen_lite-[\d.]+-py3-none-any\.whl"
GIT = r"otgen-lite @ git\+https://github\.com/example/small-book@trunk"


@pytest.fixture(scope="module")
def source(made: SmallBook) -> str:
    return "".join(made.notebook("01_first.ipynb")["cells"][1]["source"])


class Pip:
    """Installs what one of its places has, and answers for the others."""

    def __init__(self, there: set[str], reachable: str) -> None:
        self.there = there
        self.reachable = reachable
        self.asked: list[list[str]] = []

    def find_spec(self, name: str) -> object | None:
        return object() if name in self.there else None

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        packages = [word for word in command if word == "pot" or word.startswith("otgen-lite")]
        self.asked.append(packages)
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        # Nothing of the runtime may be touched, and no notice of a newer pip stands in the way.
        assert {"--no-deps", "--quiet", "--disable-pip-version-check"} <= set(command)
        assert options["capture_output"]
        if not all(word == "pot" or re.fullmatch(self.reachable, word) for word in packages):
            return subprocess.CompletedProcess(command, 1, "", f"no way to {packages[-1]}\n")
        self.there |= {"ot" if word == "pot" else "otgen_lite" for word in packages}
        return subprocess.CompletedProcess(command, 0, "", "")


def execute(source: str, pip: Pip, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("importlib.util.find_spec", pip.find_spec)
    monkeypatch.setattr("subprocess.run", pip.run)
    names: dict[str, Any] = {}
    try:
        exec(compile(source, "cell", "exec"), names)
    except RuntimeError as error:
        names["error"] = error
    return names


def test_it_is_short_and_names_no_versions_of_the_runtime(source: str) -> None:
    assert len(source.splitlines()) <= 30
    assert max(map(len, source.splitlines())) <= 100
    assert not re.search(r"==\d|ipywidgets|torch|numpy", source)
    # OpenMP's library reads it once, when it is loaded: before torch is imported anywhere.
    assert source.index('setdefault("OMP_WAIT_POLICY", "PASSIVE")') < source.index("needed")


@pytest.mark.parametrize(
    ("there", "first"),
    [
        (set(), ["pot", WHEEL]),
        ({"ot"}, [WHEEL]),
        ({"otgen_lite"}, ["pot"]),
        ({"ot", "otgen_lite"}, None),
    ],
)
def test_what_is_missing_comes_from_the_website(
    source: str, monkeypatch: pytest.MonkeyPatch, there: set[str], first: list[str] | None
) -> None:
    pip = Pip(there, reachable=WHEEL)
    assert "error" not in execute(source, pip, monkeypatch)
    assert len(pip.asked) == (first is not None)
    for words, patterns in zip(pip.asked, [first or []], strict=False):
        assert len(words) == len(patterns)
        assert all(map(re.fullmatch, patterns, words))


def test_the_repository_is_asked_where_the_website_is_not_there(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(set(), reachable=GIT)
    assert "error" not in execute(source, pip, monkeypatch)
    assert pip.there == {"ot", "otgen_lite"}
    assert len(pip.asked) == 2
    assert re.fullmatch(WHEEL, pip.asked[0][-1])


def test_where_nothing_is_reached_one_sentence_says_what_to_do(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = execute(source, Pip(set(), reachable="nothing"), monkeypatch)
    (sentence,) = names["error"]._render_traceback_()
    assert sentence == str(names["error"])
    assert "reaches pypi.org and books.example.org, then run this cell again" in sentence
    assert "no way to" not in sentence
    assert "print(answers)" in sentence
    assert names["answers"].count("no way to") == 2
