"""One month of the sample: generated and written by one process."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from contango_market_data.catalog.store import Catalog
from contango_market_data.sample.chain import build_chains
from contango_market_data.sample.day import Day, build_day
from contango_market_data.sample.market import Market
from contango_market_data.sample.tables import UNDERLYING, chain_table


@dataclass(frozen=True, slots=True)
class Plan:
    """What every month needs to know; ``expiry_close_ns`` maps an expiry (yyyymmdd) to its instant in UTC."""

    catalog_path: Path
    market: Market
    expiry_close_ns: dict[int, int]


@dataclass(frozen=True, slots=True)
class Month:
    """The sessions of a month that were built, and how many quotes were written for them."""

    days: tuple[Day, ...]
    quotes: int


def build_month(plan: Plan, rows: range) -> Month:
    """Write the chain file of the sessions in ``rows`` (all of one month) and return their bars."""
    days = [build_day(plan.market, row) for row in rows]
    catalog = Catalog.open(plan.catalog_path)
    written = catalog.write_chains(UNDERLYING, _chain_tables(plan, rows, days))
    return Month(tuple(days), written.rows)


def _chain_tables(plan: Plan, rows: range, days: list[Day]) -> Iterator[pa.Table]:
    for row, day in zip(rows, days, strict=True):
        yield chain_table(build_chains(plan.market, row, day, plan.expiry_close_ns))
