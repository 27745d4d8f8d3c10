"""The report as one self-contained HTML page."""

from html import escape
from typing import Any

from contango_research.summary import Analysis


def render(a: Analysis, summary: dict[str, Any], params: dict[str, Any], notes: list[str]) -> str:
    """The page: no outside resource, no script from elsewhere."""
    rows = "".join(
        f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>"
        for k, v in summary.items()
        if k not in ("wall_s", "frames_per_s")
    )
    return f"<!doctype html><meta charset=utf-8><title>{escape(summary['name'])}</title><table>{rows}</table>"
