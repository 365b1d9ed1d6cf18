"""Certificates: what holds, what does not, and what is recorded."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

import otgen_lite as otg
from otgen_lite import certify


def test_equal_sides(capsys: pytest.CaptureFixture[str]) -> None:
    c = otg.certificate("thm-x", [1.0, 2.0], [1.0, 2.0 + 1e-12], tol=1e-9)
    assert c.holds
    assert c.count == 2
    assert c.gap == pytest.approx(1e-12, rel=1e-3)
    assert (c.lhs, c.rhs) == (2.0, 2.0 + 1e-12)  # the worst pair is the one that is shown
    out = capsys.readouterr().out
    assert out == "✓ thm-x (worst of 2): 2 = 2, gap 1.0e-12, tolerance 1e-09\n"


@pytest.mark.parametrize("difference", [1e-6, -1e-6])
def test_sides_that_differ_fail_and_still_leave_their_line(
    difference: float, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(otg.CertificateError, match="✗ thm-x"):
        otg.certificate("thm-x", 1.0 + difference, 1.0, tol=1e-7)
    assert capsys.readouterr().out.startswith("✗ thm-x: ")


def test_the_tolerance_itself_is_allowed() -> None:
    assert otg.certificate("thm-x", 0.5, 0.25, tol=0.25).holds
    assert not certify.compare("thm-x", 0.5, 0.25, tol=0.2499).holds
    assert otg.certificate("thm-x", 2, 2, tol=0).holds


@pytest.mark.parametrize(
    ("lhs", "rhs", "holds"),
    [(1.0, 2.0, True), (2.0, 2.0, True), (2.1, 2.0, False), (2.05, 2.0, True)],
)
def test_at_most(lhs: float, rhs: float, holds: bool) -> None:
    c = certify.compare("prop-x", lhs, rhs, tol=0.06, relation="<=")
    assert c.holds is holds
    assert c.gap == pytest.approx(max(lhs - rhs, 0.0))
    assert c.slack == rhs - lhs
    assert c.loosest == rhs / lhs
    assert " ≤ " in c.line()
    assert f"slack {rhs - lhs:.1e} (right side is {rhs / lhs:.3g} × the left)" in c.line()


def test_an_inequality_shows_its_tightest_pair_and_its_loosest() -> None:
    c = certify.compare("prop-x", [1.0, 2.0, 0.0], [35.0, 2.5, 9.0], tol=1e-9, relation="<=")
    assert (c.lhs, c.rhs, c.slack, c.loosest) == (2.0, 2.5, 0.5, 35.0)
    assert c.line() == (
        "✓ prop-x (tightest of 3): 2 ≤ 2.5, "
        "slack 5.0e-01 (the loosest right side is 35 × the left), tolerance 1e-09"
    )
    negative = certify.compare("prop-x", [-3.0, 0.0], [-1.0, 4.0], tol=1e-9, relation="<=")
    assert negative.loosest is None  # no ratio says anything there
    assert negative.line().endswith("-3 ≤ -1, slack 2.0e+00, tolerance 1e-09")


def test_an_equality_has_no_slack() -> None:
    c = certify.compare("thm-x", 1.0, 1.0, tol=0)
    assert c.slack is None
    assert c.loosest is None


@pytest.mark.parametrize("relation", ["==", "<="])
@pytest.mark.parametrize("sides", [(math.nan, 1.0), (1.0, math.nan), (math.nan, math.nan)])
def test_nan_is_never_a_proof(sides: tuple[float, float], relation: str) -> None:
    with pytest.raises(otg.CertificateError):
        otg.certificate("thm-x", *sides, tol=1e9, relation=relation)
    assert certify.compare("thm-x", *sides, tol=1e9, relation=relation).gap == math.inf
    # nor hidden among numbers that agree
    with pytest.raises(otg.CertificateError):
        otg.certificate("thm-x", [0.0, sides[0]], [0.0, sides[1]], tol=1e9, relation=relation)


def test_infinite_sides() -> None:
    assert not certify.compare("thm-x", math.inf, math.inf, tol=1.0).holds  # inf - inf is no zero
    assert not certify.compare("thm-x", math.inf, 1.0, tol=1.0, relation="<=").holds
    assert certify.compare("thm-x", 1.0, math.inf, tol=0.0, relation="<=").holds


def test_arrays_of_all_kinds_broadcast() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    assert otg.certificate("thm-x", x, np.ones(3), tol=0).count == 6
    assert otg.certificate("thm-x", x, 1, tol=0).holds


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("", 1, 1, 0), ValueError, "label must be a non-empty string, got ''"),
        ((3, 1, 1, 0), ValueError, "label must be a non-empty string, got 3"),
        (("thm", 1, 1, -1.0), ValueError, "tol must be a finite number >= 0, got -1.0"),
        (("thm", 1, 1, math.nan), ValueError, "tol must be a finite number >= 0, got nan"),
        (("thm", 1, 1, "1"), ValueError, "tol must be a finite number >= 0, got '1'"),
        (("thm", 1, 1, 0, ">="), ValueError, "relation must be '==' or '<=', got '>='"),
        (("thm", [1, 2], [1, 2, 3], 0), ValueError, r"same shape .* got \(2,\) and \(3,\)"),
        (("thm", [], [], 0), ValueError, "at least one number, got none"),
        (("thm", "a", 1, 0), TypeError, "lhs must be a number or an array of numbers, got 'a'"),
        (("thm", 1, None, 0), TypeError, "rhs must be a number or an array of numbers, got None"),
        (("thm", [1, [2]], 1, 0), TypeError, r"lhs must be .* numbers, got \[1, \[2\]\]"),
        (("thm", "1", 1, 0), TypeError, "lhs must be a number or an array of numbers, got '1'"),
    ],
)
def test_bad_input(arguments: tuple, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        otg.certificate(*arguments)


class Kernel:
    """As much of a live shell as the certificate asks for."""

    kernel = object()


def test_inside_a_kernel_the_record_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[tuple[dict, dict]] = []

    def publish(data: dict, metadata: dict) -> None:
        published.append((data, metadata))

    monkeypatch.setattr("IPython.get_ipython", Kernel)
    monkeypatch.setattr("IPython.display.publish_display_data", publish)
    otg.certificate("thm-x", 1.0, 1.5, tol=1.0)
    with pytest.raises(otg.CertificateError):
        otg.certificate("thm-y", 1.0, 1.5, tol=0.25)
    passed, failed = published
    assert passed[0]["text/plain"].startswith("✓ thm-x")
    assert passed[1][certify.RECORD] == {
        "label": "thm-x", "lhs": 1.0, "rhs": 1.5, "gap": 0.5, "tol": 1.0,
        "relation": "==", "holds": True, "count": 1, "slack": None, "loosest": None,
    }  # fmt: skip
    assert failed[1][certify.RECORD]["holds"] is False
    json.dumps(passed)  # it travels in a notebook file


def test_a_terminal_shell_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("IPython.get_ipython", object)  # a shell without a kernel
    otg.certificate("thm-x", 1.0, 1.0, tol=0)
    assert "✓ thm-x" in capsys.readouterr().out
