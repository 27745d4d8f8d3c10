"""Bars: a histogram with a zero line, horizontal bars inside table cells, and one stacked bar."""

from collections.abc import Sequence
from html import escape

import numpy as np

from contango_research.report import svg
from contango_research.report.scale import Scale, ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 232, 46, 14, 24, 36
MOST_BINS = 200


def histogram(
    values: Sequence[float], *, title: str, axis: str, step: float, rules: Sequence[tuple[float, str]]
) -> str:
    """Counts per bin of width ``step``; losses and gains in their own colours; ``rules`` are labelled values.

    The width is doubled until ``MOST_BINS`` reach from the smallest value to the largest.
    """
    if not values:
        return f'<figure><figcaption>{escape(title)}</figcaption><p class="none">No trade was closed.</p></figure>'
    while max(values) - min(values) > MOST_BINS * step:
        step *= 2.0
    first, last = int(np.floor(min(values) / step)), int(np.floor(max(values) / step))
    edges = np.arange(first, last + 2) * step
    counts, _ = np.histogram(values, bins=edges)
    x = Scale(float(edges[0]), float(edges[-1]), LEFT, WIDTH - RIGHT)
    y = Scale(0.0, float(counts.max()) * 1.12, HEIGHT - BOTTOM, TOP)
    body = [_y_axis(y)]
    for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True):
        if n:
            tip = f"{low:g} to {high:g}: {n}"
            cls = "bar neg" if high <= 0 else "bar pos"
            body.append(svg.rect(x(low) + 1, y(n), x(high) - x(low) - 2, y(0) - y(n), cls, tip))
    for value in ticks(x.low, x.high, 10):
        body.append(svg.text(x(value), HEIGHT - BOTTOM + 15, f"{value:g}".replace("-", "\u2212"), "tick", "middle"))
    body.append(svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, axis, "tick", "middle"))
    for value, name in rules:
        if x.low <= value <= x.high:
            body.append(svg.line(x(value), TOP, x(value), HEIGHT - BOTTOM, "zero" if not name else "mark"))
            body.append(svg.text(x(value), TOP - 6, name, "note", "middle"))
    picture = svg.drawing(WIDTH, HEIGHT, "".join(body), title)
    caption = f"<figcaption>{escape(title)}</figcaption>"
    return f'<figure>{caption}<div class="scroll"><div class="plot">{picture}</div></div></figure>'


def _y_axis(y: Scale) -> str:
    parts = []
    for value in ticks(y.low, y.high, 4):
        if value == int(value):
            parts.append(svg.line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid"))
            parts.append(svg.text(LEFT - 8, y(value) + 3.5, f"{value:.0f}", "tick", "end"))
    return "".join(parts)


def meter(share: float, inner: float | None = None, cls: str = "") -> str:
    """A bar of a table cell: ``share`` of its width, ``inner`` (of the same whole) drawn darker."""
    core = "" if inner is None else f'<b style="width:{100 * inner:.1f}%"></b>'
    return f'<span class="meter {cls}"><i style="width:{100 * share:.1f}%"></i>{core}</span>'


def stacked(parts: Sequence[tuple[str, float, str]]) -> str:
    """One bar of shares: name, share, colour class."""
    cells = "".join(
        f'<i class="{cls}" style="width:{100 * share:.2f}%" title="{escape(name)} {share:.1%}"></i>'
        for name, share, cls in parts
    )
    keys = "".join(
        f'<span><i class="key wide {cls}"></i>{escape(name)} {share:.1%}</span>' for name, share, cls in parts
    )
    return f'<div class="stacked">{cells}</div><div class="keys">{keys}</div>'
