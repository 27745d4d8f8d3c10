"""Numbers as a reader wants them: a true minus, thin grouping, and a dash with a reason where nothing is known."""

from html import escape

MINUS, DASH = "\u2212", "\u2013"


def percent(value: float | None, places: int = 2, sign: bool = False) -> str:
    """A fraction as per cent.

    >>> percent(-0.0123)
    '−1.23 %'
    """
    return DASH if value is None else f"{_signed(value * 100, places, sign)}\u202f%".replace("\u202f", " ")


def number(value: float | None, places: int = 2, sign: bool = False) -> str:
    return DASH if value is None else _signed(value, places, sign)


def dollars(value: float | None, places: int = 0, sign: bool = False) -> str:
    """Money with its sign before the currency.

    >>> dollars(-1234.5)
    '−$1,234'
    """
    if value is None:
        return DASH
    text = _signed(value, places, sign)
    head = text[0] if text[0] in (MINUS, "+") else ""
    return f"{head}${text[len(head) :]}"


def count(value: int | None) -> str:
    return DASH if value is None else f"{value:,}"


def short(value: float | None) -> str:
    """Four significant digits, whole numbers without a point."""
    if value is None:
        return DASH
    if value == int(value) and abs(value) < 1e9:
        return _signed(value, 0, False)
    return f"{value:,.4g}".replace("-", MINUS)


def words(name: str) -> str:
    """A key of the log as words, safe in HTML."""
    return escape(name.replace("_", " "))


def _signed(value: float, places: int, sign: bool) -> str:
    text = f"{abs(value):,.{places}f}"
    zero = not text.strip("0.,")
    return (MINUS if value < 0 and not zero else "+" if sign and value > 0 and not zero else "") + text
