"""Every importer, one line each."""

from contango_market_data.importers import binance, cboe, csv, lean, optionsdx, parquet
from contango_market_data.importers.base import Importer

IMPORTERS: dict[str, Importer] = {
    "csv": csv,
    "parquet": parquet,
    "cboe": cboe,
    "optionsdx": optionsdx,
    "lean": lean,
    "binance": binance,
}
