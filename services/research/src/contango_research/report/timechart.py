"""A chart over time: lines with axes, unit, legend and a crosshair that reads the values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

import orjson

from contango_research.report import svg
from contango_research.report.scale import Scale, decimals, span, ticks, time_ticks
from contango_research.report.thin import kept

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960, 62, 14, 10, 24
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One series; ``cls`` is its colour class, ``kind`` is line, area (to the base), step or step area."""

    name: str
    values: Values
    cls: str = "s1"
    kind: str = "line"


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time with a coloured background."""

    start_ns: int
    end_ns: int
    cls: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """The area between two series (quantiles), behind the lines."""

    name: str
    lower: Values
    upper: Values
    cls: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """``unit`` is "pct" (fractions), "usd" or "num"; ``zero`` keeps 0 in view; ``marks`` are dated vertical rules."""

    title: str
    ts_ns: Sequence[int]
    lines: Sequence[Line]
    unit: str = "num"
    height: int = 260
    zero: bool = False
    bands: Sequence[Band] = ()
    ribbons: Sequence[Ribbon] = ()
    marks: Sequence[tuple[int, str]] = field(default=())
    legend: bool = True


def render(chart: TimeChart) -> str:
    """The figure as HTML; a sentence in its place when there is nothing to draw."""
    columns = [s.values for s in chart.lines] + [v for r in chart.ribbons for v in (r.lower, r.upper)]
    seen = [value for column in columns for value in column if value is not None]
    if not seen or chart.ts_ns[0] == chart.ts_ns[-1]:
        caption = f"<figcaption>{escape(chart.title)}</figcaption>"
        return f'<figure>{caption}<p class="none">Too little in this run to draw.</p></figure>'
    rows = kept(columns)
    xs = [chart.ts_ns[i] / 1e6 for i in rows]
    x = Scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    low, high = _range(chart, seen)
    y = Scale(low, high, chart.height - BOTTOM, TOP)
    base = y(min(max(0.0, low), high))
    body = [*_bands(chart, x, y), *_grid(chart, x, y)]
    body += [_ribbon(r, rows, xs, x, y) for r in chart.ribbons]
    body += [_line(s, rows, xs, x, y, base) for s in chart.lines]
    body += _marks(chart, x)
    return _figure(chart, "".join(body), rows, xs)


def _range(chart: TimeChart, seen: list[float]) -> tuple[float, float]:
    """Some air around the data; but where 0 belongs to the picture and bounds the data, the axis ends there."""
    low, high = span(seen, zero=chart.zero)
    if chart.zero and min(seen) >= 0.0:
        return 0.0, high
    if chart.zero and max(seen) <= 0.0:
        return low, 0.0
    return low, high


def _bands(chart: TimeChart, x: Scale, y: Scale) -> list[str]:
    top, bottom = y.end, y.start
    return [
        svg.rect(x(b.start_ns / 1e6), top, x(b.end_ns / 1e6) - x(b.start_ns / 1e6), bottom - top, b.cls)
        for b in chart.bands
    ]


def _grid(chart: TimeChart, x: Scale, y: Scale) -> list[str]:
    values = ticks(y.low, y.high, 5 if chart.height >= 200 else 3)
    label = axis_format(chart.unit, values)
    parts = []
    for value in values:
        parts.append(svg.line(LEFT, y(value), WIDTH - RIGHT, y(value), "zero" if value == 0 else "grid"))
        parts.append(svg.text(LEFT - 8, y(value) + 3.5, label(value), "tick", "end"))
    instants = time_ticks(x.low, x.high)
    for instant, name in instants:
        parts.append(svg.line(x(instant), y.start, x(instant), y.start + 4, "grid"))
        at = x(instant)
        if at < LEFT + 12 and (len(instants) == 1 or x(instants[1][0]) - at > 60):
            parts.append(svg.text(at, chart.height - 7, name, "tick"))
        elif LEFT + 12 <= at < WIDTH - RIGHT - 12:
            parts.append(svg.text(at, chart.height - 7, name, "tick", "middle"))
    return parts


def axis_format(unit: str, values: list[float]) -> Callable[[float], str]:
    """Labels of an axis; large amounts of money in thousands."""
    if unit == "pct":
        places = decimals([value * 100 for value in values])
        return lambda v: f"{v * 100:.{places}f} %".replace("-", "\u2212")
    if unit == "usd" and max((abs(v) for v in values), default=0.0) >= 10_000:
        places = decimals([value / 1000 for value in values])
        return lambda v: f"{v / 1000:,.{places}f} k".replace("-", "\u2212")
    places = decimals(values)
    return lambda v: f"{v:,.{places}f}".replace("-", "\u2212")


def _line(series: Line, rows: list[int], xs: list[float], x: Scale, y: Scale, base: float) -> str:
    runs: list[list[svg.Point]] = [[]]
    for row, at in zip(rows, xs, strict=True):
        value = series.values[row]
        if value is None:
            runs.append([])
            continue
        if series.kind.startswith("step") and runs[-1]:
            runs[-1].append((x(at), runs[-1][-1][1]))
        runs[-1].append((x(at), y(value)))
    if series.kind.endswith("area"):
        return svg.area(runs, base, f"fill {series.cls}") + svg.polyline(runs, f"line {series.cls}")
    return svg.polyline(runs, f"line {series.cls}")


def _ribbon(ribbon: Ribbon, rows: list[int], xs: list[float], x: Scale, y: Scale) -> str:
    lower, upper = [], []
    for row, at in zip(rows, xs, strict=True):
        a, b = ribbon.lower[row], ribbon.upper[row]
        if a is not None and b is not None:
            lower.append((x(at), y(a)))
            upper.append((x(at), y(b)))
    return svg.ribbon(lower, upper, f"ribbon {ribbon.cls}")


def _marks(chart: TimeChart, x: Scale) -> list[str]:
    parts = []
    for ts_ns, name in chart.marks:
        if x.low <= ts_ns / 1e6 <= x.high:
            at = x(ts_ns / 1e6)
            near_end = at > WIDTH * 0.75
            parts.append(svg.line(at, TOP, at, chart.height - BOTTOM, "mark"))
            parts.append(svg.text(at + (-5 if near_end else 5), TOP + 9, name, "note", "end" if near_end else "start"))
    return parts


def _figure(chart: TimeChart, body: str, rows: list[int], xs: list[float]) -> str:
    data = {
        "x": [round(at) for at in xs],
        "u": chart.unit,
        "box": [LEFT, WIDTH - RIGHT, TOP, chart.height - BOTTOM],
        "s": [{"n": s.name, "c": s.cls, "v": [_rounded(s.values[row]) for row in rows]} for s in chart.lines],
    }
    picture = svg.drawing(WIDTH, chart.height, body, chart.title, ' class="time"')
    return (
        f"<figure><figcaption>{escape(chart.title)}{_legend(chart)}</figcaption>"
        f'<div class="scroll"><div class="plot">{picture}'
        f'<script type="application/json">{orjson.dumps(data).decode()}</script></div></div></figure>'
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}") if abs(value) < 1e5 else round(value)


def _legend(chart: TimeChart) -> str:
    if not chart.legend or len(chart.lines) + len(chart.ribbons) < 2:
        return ""
    items = [(s.name, f"key {s.cls}") for s in chart.lines] + [(r.name, f"key wide {r.cls}") for r in chart.ribbons]
    return '<span class="legend">' + "".join(f'<i class="{c}"></i>{escape(n)}' for n, c in items) + "</span>"
