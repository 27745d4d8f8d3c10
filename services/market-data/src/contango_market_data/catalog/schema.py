"""The catalog's tables: what each column is called, its type and its unit. Pure: tables in, tables out.

Prices are in currency units (index points for an index), sizes and volumes in contracts or shares, ``iv`` annual and
decimal (0.20 is 20 %), ``delta`` and ``gamma`` per 1.00 of spot, ``theta`` per calendar day, ``vega`` per volatility
point. Instants are UTC nanoseconds; a bar carries the instant at which it *closed*.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contango_common.domain.errors import UserError

TIMEFRAMES: dict[str, int] = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
"""Name of a timeframe -> its length in minutes."""

_INSTANT = pa.timestamp("ns", tz="UTC")
_NAME = pa.dictionary(pa.int32(), pa.string())

BARS = pa.schema(
    [("ts", _INSTANT), ("symbol", _NAME)]
    + [(name, pa.float64()) for name in ("open", "high", "low", "close", "volume")]
)

CHAINS = pa.schema(
    [
        ("quote_ts", _INSTANT),
        ("underlying", _NAME),
        ("root", _NAME),
        ("spot", pa.float64()),
        ("expiry", pa.date32()),
        ("strike", pa.float64()),
        ("right", _NAME),
        ("bid", pa.float64()),
        ("ask", pa.float64()),
        ("bid_size", pa.int64()),
        ("ask_size", pa.int64()),
        ("last", pa.float64()),
        ("volume", pa.int64()),
        ("open_interest", pa.int64()),
        ("iv", pa.float64()),
        ("delta", pa.float64()),
        ("gamma", pa.float64()),
        ("theta", pa.float64()),
        ("vega", pa.float64()),
    ]
)

RATES = pa.schema([("date", pa.date32()), ("tenor_days", pa.int32()), ("rate_annual", pa.float64())])
SETTLEMENTS = pa.schema(
    [
        ("underlying", pa.string()),
        ("root", pa.string()),
        ("expiry", pa.date32()),
        ("ts", _INSTANT),
        ("price", pa.float64()),
    ]
)
DIVIDENDS = pa.schema([("symbol", pa.string()), ("ex_date", pa.date32()), ("amount", pa.float64())])

BAR_KEY = ("ts",)
CHAIN_KEY = ("quote_ts", "expiry", "root", "strike", "right")
"""Sort order and identity of a row."""


def conform(table: pa.Table, schema: pa.Schema, required: tuple[str, ...], what: str) -> pa.Table:
    """``table`` with exactly the columns of ``schema``: types cast, absent columns null, foreign columns dropped.

    Raises UserError when a required column is absent or holds nulls, when a value does not fit its type, and when an
    instant has no time zone.
    """
    columns = [_column(table, field, field.name in required, what) for field in schema]
    return pa.table(columns, schema=schema)


def _column(table: pa.Table, field: pa.Field, required: bool, what: str) -> pa.ChunkedArray | pa.Array:
    position = table.schema.get_field_index(field.name)
    if position < 0:
        if required:
            raise UserError(f"{what}: column {field.name!r} is missing; it has {', '.join(table.schema.names)}")
        return pa.nulls(table.num_rows, field.type)
    column = table.column(position)
    if required and column.null_count:
        raise UserError(f"{what}: column {field.name!r} has {column.null_count} rows without a value")
    if column.type == field.type:
        return column
    if pa.types.is_timestamp(field.type) and pa.types.is_timestamp(column.type) and column.type.tz is None:
        raise UserError(f"{what}: column {field.name!r} has no time zone: convert it to UTC first")
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{what}: column {field.name!r} cannot become {field.type}: {reason}") from error


def key_columns(table: pa.Table, key: tuple[str, ...]) -> list[npt.NDArray[np.generic]]:
    """The key's columns as numbers whose order is the order of the values (names by their alphabetical rank)."""
    return [_ordered(table.column(name)) for name in key]


def _ordered(column: pa.ChunkedArray) -> npt.NDArray[np.generic]:
    if pa.types.is_dictionary(column.type):
        encoded = column.unify_dictionaries().combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], column.type)
        words = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
        rank = np.empty(len(words), dtype=np.int32)
        rank[np.argsort(words)] = np.arange(len(words), dtype=np.int32)
        codes: npt.NDArray[np.generic] = rank[encoded.indices.to_numpy(zero_copy_only=False)]
        return codes
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    values: npt.NDArray[np.generic] = column.to_numpy()
    return values


def order_rows(table: pa.Table, key: tuple[str, ...]) -> tuple[pa.Table, int]:
    """Rows ascending by ``key``, of equal keys the last one kept; and how many rows that dropped.

    A table already in order is returned as it is.
    """
    columns = key_columns(table, key)
    after, equal = _compare_neighbours(columns)
    if bool(np.all(after)):
        return table, 0
    if bool(np.all(after | equal)):
        keep = np.append(~equal, True)
        return table.filter(pa.array(keep)), int(equal.sum())
    order = np.lexsort(columns[::-1])  # stable: of equal keys the later row stays later
    _, equal = _compare_neighbours([column[order] for column in columns])
    keep = np.append(~equal, True)
    return table.take(pa.array(order[keep])), int(equal.sum())


def _compare_neighbours(
    columns: list[npt.NDArray[np.generic]],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """For each row but the first: is it after its predecessor, and is it equal to it."""
    count = max(len(columns[0]) - 1, 0)
    after, equal = np.zeros(count, dtype=np.bool_), np.ones(count, dtype=np.bool_)
    for column in columns:
        after |= equal & (column[1:] > column[:-1])  # type: ignore[operator]
        equal &= column[1:] == column[:-1]
    return after, equal
