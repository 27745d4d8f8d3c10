"""HTML tables and boxes from cells that are already safe text."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], cls: str = "", left: int = 1) -> str:
    """The first ``left`` columns are text, the others numbers."""
    heads = "".join(f'<th scope="col"{"" if i < left else NUMBER}>{name}</th>' for i, name in enumerate(header))
    body = "".join(
        "<tr>" + "".join(f"<td{'' if i < left else NUMBER}>{cell}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table class="{cls}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


NUMBER = ' class="n"'


def tile(label: str, value: str, below: str = "") -> str:
    return f'<div class="tile"><span>{label}</span><b>{value}</b><small>{below}</small></div>'


def section(anchor: str, title: str, *parts: str) -> str:
    return f'<section id="{anchor}"><h2>{title}</h2>{"".join(parts)}</section>'


def paragraph(content: str, cls: str = "") -> str:
    return f'<p class="{cls}">{content}</p>' if cls else f"<p>{content}</p>"


def signed(content: str, value: float | None) -> str:
    """The text in the colour of its sign."""
    cls = "" if value is None or value == 0 else "pos" if value > 0 else "neg"
    return f'<span class="{cls}">{content}</span>' if cls else content
