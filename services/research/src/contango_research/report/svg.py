"""Pieces of SVG as text. Colours are classes of the style sheet, so that a drawing follows light and dark."""

from collections.abc import Sequence
from html import escape

Point = tuple[float, float]


def line(x1: float, y1: float, x2: float, y2: float, cls: str) -> str:
    return f'<line class="{cls}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def rect(x: float, y: float, width: float, height: float, cls: str, title: str = "") -> str:
    tip = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<rect class="{cls}" x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}">'
        f"{tip}</rect>"
    )


def text(x: float, y: float, content: str, cls: str = "", anchor: str = "start") -> str:
    return f'<text class="{cls}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def polyline(runs: Sequence[Sequence[Point]], cls: str) -> str:
    """One path of several unbroken runs: a gap in the data is a gap in the line."""
    parts = ["M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in runs if run]
    return f'<path class="{cls}" d="{"".join(parts)}"/>' if parts else ""


def area(runs: Sequence[Sequence[Point]], base: float, cls: str) -> str:
    """The area between runs and a horizontal base."""
    parts = []
    for run in runs:
        if run:
            top = "L".join(f"{x:.1f} {y:.1f}" for x, y in run)
            parts.append(f"M{run[0][0]:.1f} {base:.1f}L{top}L{run[-1][0]:.1f} {base:.1f}Z")
    return f'<path class="{cls}" d="{"".join(parts)}"/>' if parts else ""


def ribbon(lower: Sequence[Point], upper: Sequence[Point], cls: str) -> str:
    """The area between two lines over the same abscissae."""
    if not lower:
        return ""
    round_trip = [*upper, *reversed(lower)]
    return f'<path class="{cls}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in round_trip)}Z"/>'


def drawing(width: int, height: int, body: str, label: str, attributes: str = "") -> str:
    """A drawing that scales with the page; ``label`` is what a screen reader says."""
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label, quote=True)}"{attributes}>'
        f"{body}</svg>"
    )
