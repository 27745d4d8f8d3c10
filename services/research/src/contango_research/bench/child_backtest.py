"""The demo backtest in a fresh process: ``python -m contango_research.bench.child_backtest CATALOG BLOCKS``.

Prints one line of JSON. Only the run is timed, from opening the feed to the last fact.
"""

import json
import sys
from pathlib import Path

from contango_common.edge.environment import prepare_environment


def main() -> None:
    prepare_environment()
    from contango_common.edge.clock import monotonic_s
    from contango_market_data.catalog.store import Catalog
    from contango_research.backtest import period_of, run_backtest
    from contango_research.bench.memory import peak_mb
    from contango_research.book import Book

    catalog, book = Catalog.open(Path(sys.argv[1])), Book()
    period = period_of(catalog, book, None, None)
    began_s = monotonic_s()
    messages = run_backtest(catalog, book, period, Path(sys.argv[2])).log.messages
    answer = {
        "seconds": monotonic_s() - began_s,
        "frames": sum(message.subject == "log.md" for message in messages),
        "events": sum(message.data.count(b'{"tag":') for message in messages),
        "rss_mb": peak_mb(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
