"""The demonstration on the real server: every answer within the tolerance, the kill an absence, the page whole."""

import json
from pathlib import Path

import pytest

from contango_research.demo_triton import TOLERANCE, Part, Shown, page, run_demo

pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("triton"), pytest.mark.timeout(600)]


def test_the_demonstration_holds_and_says_so(tmp_path: Path) -> None:
    found = run_demo(tmp_path, lambda done, total: None)
    assert found.holds
    assert sum(part.windows for part in found.parts) > 2_000
    assert max(found.executions) > 1  # the server computed together what met
    assert any(reason.startswith("unreachable") for reason in found.absences)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["holds"], summary["tolerance"]) == (True, TOLERANCE)
    assert "Killed in the middle" in (tmp_path / "report.html").read_text()


def test_a_difference_is_shouted() -> None:
    far = Shown("m", "a" * 64, (Part("one", 1, 0.1, 0.1, None, 1.0, 1.0),), {1: 1}, (), 0.0)
    assert not far.holds
    assert "DIFFERS" in page(far)
    assert not Shown("m", "a" * 64, (Part("one", 1, 0.0, 0.0, 0.1, 1.0, 1.0),), {1: 1}, (), 0.0).holds
