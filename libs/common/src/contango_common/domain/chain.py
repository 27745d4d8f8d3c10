"""Option chains as columns: the two blocks behind a ``ChainFrame`` and how to find a contract in them.

Contracts block, one row a listed option, sorted by expiry, strike, right:
``key`` (int64, see ``contract_key``), ``root`` (int32, index into the frame's roots), ``expiry_date`` (int32,
yyyymmdd), ``expiry_ns``, ``last_trade_ns`` (int64, UTC), ``strike_millis`` (int32), ``is_call`` (int8).

Quotes block, same rows: ``bid_ticks``, ``ask_ticks`` (int32; a bid of 0 is "no bid", an ask of -1 is "no usable
quote": dropped or flagged by the quality checks), ``bid_size``, ``ask_size`` (int32 contracts, -1 unknown); where the
source has them ``volume`` (contracts traded in the session so far) and ``open_interest`` (int32, -1 unknown).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from contango_common.domain.blocks import Block
from contango_common.domain.instrument import option_id, parse_option_id

Rows = npt.NDArray[np.int64]

NO_QUOTE = -1
UNKNOWN_SIZE = -1


def contract_key(root_index: int, expiry_date: int, is_call: bool, strike_millis: int) -> int:
    """One integer per contract of a frame: root, yymmdd, right and strike in disjoint bits."""
    return (((root_index << 20 | expiry_date % 1_000_000) << 1 | int(is_call)) << 32) | strike_millis


def key_of(roots: Sequence[str], contract_id: str) -> int | None:
    """Key of a contract in a frame with these ``roots``; None when the frame has no such root."""
    root, expiry_date, right, strike_millis = parse_option_id(contract_id)
    if root not in roots:
        return None
    return contract_key(roots.index(root), expiry_date, right == "C", strike_millis)


def find_row(contracts: Block, key: int | None) -> int | None:
    """Row of a key, None when it is not listed."""
    if key is None:
        return None
    rows = np.flatnonzero(contracts["key"] == key)
    return int(rows[0]) if len(rows) else None


def pairs_of(contracts: Block, root_index: int, expiry_date: int) -> tuple[Rows, Rows, Rows]:
    """Strikes (thousandths, ascending) of one root and expiry that list both rights, with rows of call and of put."""
    rows = np.flatnonzero(contracts["key"] >> 33 == (root_index << 20 | expiry_date % 1_000_000))
    code = contracts["strike_millis"][rows].astype(np.int64) << 1 | contracts["is_call"][rows]
    order = np.argsort(code, kind="stable")
    code, rows = code[order], rows[order]
    at_put = np.flatnonzero(code[1:] == (code[:-1] | 1))  # a put, and the call of its strike right behind it
    at_put = at_put[code[at_put] & 1 == 0]
    return code[at_put] >> 1, rows[at_put + 1], rows[at_put]


def id_at(contracts: Block, roots: Sequence[str], row: int) -> str:
    """Contract id of a row."""
    return option_id(
        roots[int(contracts["root"][row])],
        int(contracts["expiry_date"][row]),
        "C" if contracts["is_call"][row] else "P",
        int(contracts["strike_millis"][row]),
    )
