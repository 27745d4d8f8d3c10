"""Values as plain text, exactly: instants, dates, money in millionths. The same input always gives the same text."""

import math
from typing import Any

import numpy as np
import orjson

from contango_common.domain.money import MICROS


def utc(ts_ns: int) -> str:
    """ISO 8601 to the second.

    >>> utc(1388760300000000000)
    '2014-01-03T14:45:00Z'
    """
    return f"{np.datetime64(ts_ns // 1_000_000_000, 's')}Z"


def iso(date: int) -> str:
    """A yyyymmdd date with hyphens.

    >>> iso(20140103)
    '2014-01-03'
    """
    return f"{date // 10_000:04d}-{date // 100 % 100:02d}-{date % 100:02d}"


def usd(micros: int) -> str:
    """Exact decimal text with at least two places.

    >>> usd(-1_500_000), usd(1)
    ('-1.50', '0.000001')
    """
    whole, rest = divmod(abs(micros), MICROS)
    places = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{places}"


def without_nan(value: Any) -> Any:
    """The value with every float that is not finite replaced by None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value


def json_pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def json_line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
