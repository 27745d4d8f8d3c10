"""QuantConnect LEAN data folders: zips of equities, indices, futures, crypto, options and index options.

The path says what a zip holds: ``<class>/<market>/<resolution>/…``. Prices of equities and options are scaled by
10,000, all others are plain. Times are of the market's own zone (equity, option, indexoption: New York; SPX index:
Chicago; futures and crypto: UTC): milliseconds since midnight in minute files, ``yyyymmdd hh:mm`` in hourly and daily
ones, always the *start* of a bar.

Trade bars become bars. An option's quote bars become chain rows at the bar's end: bid and ask are the bar's closing
ones, ``last`` and ``volume`` come from the trades of that contract so far in the file, ``open_interest`` from the last
report, ``spot`` from the underlying's bars in the same folder tree. An empty side means that nobody quoted it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contango_common.domain.errors import UserError
from contango_market_data.importers.base import Batch, Source
from contango_market_data.importers.lean_bars import read_bars
from contango_market_data.importers.lean_chain import read_chain

NAME = "lean"
SUFFIXES = (".zip",)
CALENDAR = "XNYS"
TIME_ZONE = "America/New_York"
OPTIONS = {"underlying": "underlying of an index option's root (default: SPX for SPXW, NDX for NDXP, RUT for RUTW)"}

_CLASSES = ("equity", "index", "future", "crypto", "option", "indexoption")
_UNUSED = ("forex", "cfd", "futureoption", "cryptofuture")
_NAME_OF = re.compile(
    r"^(?:(?P<key>\d{8}|[^_]+_\d{4}|[^_]+)_)?(?P<type>trade|quote|openinterest)(?:_(?:american|european))?$"
)


@dataclass(frozen=True, slots=True)
class Zip:
    """A zip and what its path says: ``key`` is the date of minute files, the ticker (and year) of others."""

    path: Path
    security: str
    resolution: str
    ticker: str
    key: str
    type: str


def read(source: Source, /) -> Iterator[Batch]:
    """Bars zip by zip; chains one day (minute files) or one ticker and year (hourly and daily files) at a time."""
    zips = [found for file in source.files if (found := _classify(file, source)) is not None]
    chains: dict[tuple[str, str, str, str], dict[str, Path]] = {}
    for item in zips:
        if item.security in ("option", "indexoption"):
            where = (item.security, item.resolution, item.ticker, item.key)
            chains.setdefault(where, {})[item.type] = item.path
        elif item.type == "trade":
            yield from read_bars(item.path, item.security, item.resolution, item.ticker, item.key, source)
            source.progress(item.path.stat().st_size, 0, item.path.name)
        else:
            source.problems.flag(f"{item.security} {item.type} files hold no trade bars: left out", 1, str(item.path))
    for (security, resolution, ticker, key), paths in sorted(chains.items()):
        yield from read_chain(paths, security, resolution, ticker, key, source)
        source.progress(sum(path.stat().st_size for path in paths.values()), 0, f"{ticker} {key}")


def _classify(file: Path, source: Source) -> Zip | None:
    """What a zip is by its path; None for kinds that are flagged and left out."""
    parts = file.resolve().parts
    at = next((i for i in range(len(parts) - 2, -1, -1) if parts[i] in (*_CLASSES, *_UNUSED)), None)
    if at is None or len(parts) - at < 4:
        raise UserError(
            f"{file} is not inside a LEAN folder: expected …/<class>/<market>/<resolution>/… "
            f"with a class out of {', '.join(_CLASSES)}"
        )
    security, resolution = parts[at], parts[at + 2]
    if security in _UNUSED or resolution not in ("minute", "hour", "daily"):
        source.problems.flag(f"{security} {resolution} files are not read", 1, str(file))
        return None
    stem = file.name
    while stem.endswith(".zip"):
        stem = stem[: -len(".zip")]
    if resolution == "minute":
        ticker = parts[at + 3]
    else:
        ticker = stem.split("_")[0]
    named = _NAME_OF.match(stem)
    if named is None:
        return Zip(file, security, resolution, ticker.upper(), stem, "trade")
    return Zip(file, security, resolution, ticker.upper(), named.group("key") or stem, named.group("type"))
