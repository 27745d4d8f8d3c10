"""A chart of y over x: a few lines or dots with axes, a legend, and a diagonal where x and y should agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from contango_research.report import svg
from contango_research.report.scale import Scale, decimals, span, ticks

LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 40
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """One series; ``bars`` are intervals (low, high) of y at each point."""

    name: str
    points: Sequence[Point]
    cls: str = "s1"
    dots: bool = False
    bars: Sequence[Point] = ()


def xychart(
    title: str, x_axis: str, y_axis: str, curves: Sequence[Curve], *, diagonal: bool = False, width: int = 960
) -> str:
    """The figure as HTML; a sentence in its place when there is nothing to draw."""
    seen = [point for curve in curves for point in curve.points]
    if not seen:
        return f'<figure><figcaption>{escape(title)}</figcaption><p class="none">Too little to draw.</p></figure>'
    ys = [y for _, y in seen] + [y for curve in curves for bar in curve.bars for y in bar]
    low_x, high_x = span([x for x, _ in seen])
    low_y, high_y = span(ys)
    if diagonal:
        low_x, high_x = max(0.0, min(low_x, low_y)), min(1.0, max(high_x, high_y))
        low_y, high_y = low_x, high_x
    height = 340 if diagonal else 260
    x, y = Scale(low_x, high_x, LEFT, width - RIGHT), Scale(low_y, high_y, height - BOTTOM, TOP)
    body = [*_axes(x, y, x_axis, height, width)]
    if diagonal:
        body.append(svg.line(x(low_x), y(low_x), x(high_x), y(high_x), "mark"))
    for curve in curves:
        body += _drawn(curve, x, y)
    keys = "".join(f'<i class="key {c.cls}"></i>{escape(c.name)}' for c in curves)
    legend = f'<span class="legend">{keys}</span>' if len(curves) > 1 else ""
    picture = svg.drawing(width, height, "".join(body), f"{title}: {y_axis} over {x_axis}")
    return (
        f"<figure><figcaption>{escape(title)}{legend}</figcaption>"
        f'<div class="scroll"><div class="plot">{picture}</div></div></figure>'
    )


def _axes(x: Scale, y: Scale, x_axis: str, height: int, width: int) -> list[str]:
    parts = []
    across, up = ticks(x.low, x.high, 8), ticks(y.low, y.high, 5)
    for value in up:
        parts.append(svg.line(LEFT, y(value), width - RIGHT, y(value), "grid"))
        parts.append(svg.text(LEFT - 8, y(value) + 3.5, _label(value, up), "tick", "end"))
    for value in across:
        parts.append(svg.line(x(value), y.start, x(value), y.start + 4, "grid"))
        parts.append(svg.text(x(value), height - BOTTOM + 17, _label(value, across), "tick", "middle"))
    parts.append(svg.text((LEFT + width - RIGHT) / 2, height - 4, x_axis, "tick", "middle"))
    return parts


def _label(value: float, values: list[float]) -> str:
    return f"{value:.{decimals(values)}f}".replace("-", "\u2212")


def _drawn(curve: Curve, x: Scale, y: Scale) -> list[str]:
    placed = [(x(a), y(b)) for a, b in curve.points]
    parts = [] if curve.dots else [svg.polyline([placed], f"line {curve.cls}")]
    for (at, _), (low, high) in zip(curve.points, curve.bars, strict=False):
        parts.append(f'<g class="{curve.cls}">{svg.polyline([[(x(at), y(low)), (x(at), y(high))]], "line")}</g>')
    for (a, b), (at, up) in zip(curve.points, placed, strict=True):
        tip = f"<title>{escape(curve.name)}: {a:.4g}, {b:.4g}</title>"
        style = f'class="fill {curve.cls}" style="fill-opacity:1"'
        parts.append(f'<circle {style} cx="{at:.1f}" cy="{up:.1f}" r="2.6">{tip}</circle>')
    return parts
