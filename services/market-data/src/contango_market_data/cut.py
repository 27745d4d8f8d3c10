"""Cuts one session's option quotes into frames: contracts and quotes as blocks of integers.

``read_session`` turns the catalog's table into columns once a session; ``cut`` splits them by snapshot, drops what no
one could trade on (counted, by reason) and shares the contracts block between snapshots with one listing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contango_common.domain.chain import NO_QUOTE, UNKNOWN_SIZE
from contango_market_data.catalog.dates import yyyymmdd
from contango_market_data.listing import Window
from contango_market_data.quality import ADJUSTED_ROOT, REASONS, UNTRADABLE, Mask, is_adjusted, quote_mask

COUNTS = ("volume", "open_interest")  # in a frame where the session has them, by contract since the session began
COLUMNS = ("quote_ts", "root", "spot", "expiry", "strike", "right", "bid", "ask", "bid_size", "ask_size", *COUNTS)
Instants = Callable[[str, int], tuple[int, int]]
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class SessionQuotes:
    """Flat columns of one session, in the order of the catalog (by snapshot, then contract).

    ``counts`` are those of ``COUNTS`` of which the session knows any.
    """

    roots: tuple[str, ...]
    quote_ns: npt.NDArray[np.int64]
    spot: npt.NDArray[np.float64]
    root: npt.NDArray[np.int32]
    expiry: npt.NDArray[np.int32]
    days: dict[int, int]
    strike_millis: npt.NDArray[np.int32]
    is_call: npt.NDArray[np.int8]
    bid: npt.NDArray[np.float64]
    ask: npt.NDArray[np.float64]
    bid_size: npt.NDArray[np.int32]
    ask_size: npt.NDArray[np.int32]
    counts: Columns


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant's chain. ``flags`` maps reason to how many rows it concerns; those rows carry no quote."""

    ts_ns: int
    spot: float | None
    roots: tuple[str, ...]
    contracts: Columns
    quotes: Columns
    flags: dict[str, int]
    same_listing: bool


def read_session(table: pa.Table) -> SessionQuotes:
    """Columns of one session's table (``COLUMNS`` of the catalog's chains)."""
    table = table.combine_chunks()
    roots, root = _words(table, "root")
    rights, right = _words(table, "right")
    days = table.column("expiry").cast(pa.int32()).to_numpy()
    distinct = np.unique(days)
    dates = yyyymmdd(distinct.astype(np.int64)).astype(np.int32)
    return SessionQuotes(
        roots=roots,
        quote_ns=table.column("quote_ts").cast(pa.int64()).to_numpy(),
        spot=table.column("spot").to_numpy(),
        root=root,
        expiry=dates[np.searchsorted(distinct, days)],
        days={int(date): int(day) for date, day in zip(dates, distinct, strict=True)},
        strike_millis=np.rint(table.column("strike").to_numpy() * 1000).astype(np.int32),
        is_call=np.array([word == "C" for word in rights], dtype=np.int8)[right],
        bid=table.column("bid").to_numpy(),
        ask=table.column("ask").to_numpy(),
        bid_size=_sizes(table, "bid_size"),
        ask_size=_sizes(table, "ask_size"),
        counts={name: _sizes(table, name) for name in COUNTS if _known(table, name)},
    )


def cut(
    session: SessionQuotes, window: Window, session_day: int, instants: Instants, tick: float
) -> Iterator[Snapshot]:
    """Snapshots of a session in order. ``instants(root, expiry)`` gives expiry and last-trade instants in ns."""
    edges = np.flatnonzero(np.diff(session.quote_ns)) + 1
    bounds = np.concatenate(([0], edges, [len(session.quote_ns)]))
    first_spot = _spot(session.spot[: int(bounds[1])])
    if first_spot is not None:
        window.widen(first_spot, session_day, session.days)
    shown = window.shows(session.expiry, session.strike_millis)
    mask = _mask(session)
    bid_ticks, ask_ticks = _ticks(session, mask, tick)
    listing: Columns = {}
    roots: tuple[str, ...] = ()
    listed = np.zeros(0, dtype=np.int64)
    session_keys = _keys(session.root, session, np.arange(len(session.root)))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        rows = start + np.flatnonzero(shown[start:end])
        keys = session_keys[rows]
        same = len(listing) > 0 and np.array_equal(listed, keys)
        if not same:
            listed = keys
            roots, listing = _contracts(session, rows, instants)
        quotes = {
            "bid_ticks": bid_ticks[rows],
            "ask_ticks": ask_ticks[rows],
            "bid_size": session.bid_size[rows],
            "ask_size": session.ask_size[rows],
            **{name: column[rows] for name, column in session.counts.items()},
        }
        yield Snapshot(
            ts_ns=int(session.quote_ns[start]),
            spot=_spot(session.spot[start:end]),
            roots=roots,
            contracts=listing,
            quotes=quotes,
            flags=_counts(mask[rows]),
            same_listing=same,
        )


def _ticks(session: SessionQuotes, mask: Mask, tick: float) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Integer prices; rows that nobody may trade on get ``NO_QUOTE``."""
    unusable = (mask & UNTRADABLE) != 0
    bid_ticks = np.where(unusable, 0, np.rint(np.nan_to_num(session.bid) / tick)).astype(np.int32)
    ask_ticks = np.where(unusable, NO_QUOTE, np.rint(np.nan_to_num(session.ask) / tick)).astype(np.int32)
    return bid_ticks, ask_ticks


def _mask(session: SessionQuotes) -> Mask:
    mask = quote_mask(session.bid, session.ask)
    for index, root in enumerate(session.roots):
        if is_adjusted(root):
            mask[session.root == index] |= ADJUSTED_ROOT
    return mask


def _counts(mask: Mask) -> dict[str, int]:
    """How many rows of a frame each reason took out of trading."""
    if not np.any(mask & UNTRADABLE):
        return {}
    found = {
        reason: int(np.count_nonzero(mask & np.uint16(bit))) for bit, reason in REASONS.items() if bit & int(UNTRADABLE)
    }
    return {reason: count for reason, count in found.items() if count}


def _keys(root: npt.NDArray[np.int32], session: SessionQuotes, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """``domain.chain.contract_key`` of each row, roots numbered as in ``root`` (a column of the session)."""
    key: npt.NDArray[np.int64] = root[rows].astype(np.int64) << 20 | session.expiry[rows] % 1_000_000
    return (key << 1 | session.is_call[rows]) << 32 | session.strike_millis[rows]


def _contracts(
    session: SessionQuotes, rows: npt.NDArray[np.int64], instants: Instants
) -> tuple[tuple[str, ...], Columns]:
    """The roots listed in these rows, by name (a root that is quoted later must not show before), and the contracts."""
    listed = {session.roots[index] for index in np.unique(session.root[rows]).tolist()}
    roots = tuple(sorted(listed))
    number = np.array([roots.index(name) if name in listed else -1 for name in session.roots], dtype=np.int32)
    renumbered = number[session.root] if len(number) else session.root
    root, expiry = renumbered[rows], session.expiry[rows]
    expiry_ns, last_trade_ns = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for index, name in enumerate(roots):
        for date in np.unique(expiry[root == index]).tolist():
            mask = (root == index) & (expiry == date)
            expiry_ns[mask], last_trade_ns[mask] = instants(name, date)
    return roots, {
        "key": _keys(renumbered, session, rows),
        "root": root,
        "expiry_date": expiry,
        "expiry_ns": expiry_ns,
        "last_trade_ns": last_trade_ns,
        "strike_millis": session.strike_millis[rows],
        "is_call": session.is_call[rows],
    }


def _words(table: pa.Table, name: str) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    column = table.column(name)
    array = column.chunk(0) if column.num_chunks else pa.array([], type=column.type)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    return tuple(array.dictionary.to_pylist()), array.indices.to_numpy(zero_copy_only=False).astype(np.int32)


def _sizes(table: pa.Table, name: str) -> npt.NDArray[np.int32]:
    filled = table.column(name).fill_null(UNKNOWN_SIZE)
    capped: npt.NDArray[np.int32] = np.minimum(filled.to_numpy(), 2**31 - 1).astype(np.int32)
    return capped


def _known(table: pa.Table, name: str) -> bool:
    """Whether the session has any number in a column."""
    return name in table.column_names and table.column(name).null_count < len(table)


def _spot(column: npt.NDArray[np.float64]) -> float | None:
    value = float(column[0]) if len(column) else float("nan")
    return value if value > 0 else None
