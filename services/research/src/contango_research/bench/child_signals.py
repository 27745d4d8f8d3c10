"""Memory of the signals fold alone: ``python -m contango_research.bench.child_signals``.

Five assets in 5-minute bars with volume, four timeframes and the day, seven-day profiles, for twenty days of 24 hours.
Prints one line of JSON.
"""

import json

from contango_common.edge.environment import prepare_environment

SYMBOLS, DAYS, PER_DAY = 5, 20, 288


def main() -> None:
    prepare_environment()
    from contango_common.domain.at import At
    from contango_common.domain.sessions import DAY_NS, MINUTE_NS
    from contango_common.events.market import AssetListed, Bars, SessionTable
    from contango_common.events.system import ParametersChanged
    from contango_common.runtime.fold import step
    from contango_research.bench.bank import walk
    from contango_research.bench.memory import peak_mb
    from contango_signals import fold

    names = tuple(f"ASSET{i}" for i in range(SYMBOLS))
    section = {"strategies": ["crypto_momentum", "crypto_trend"], "assets": names, "bar_timeframe_s": 300}
    section |= {"sessions_per_year": 365, "bank": {"session_s": 86_400}}
    days = range(1, DAYS + 2)
    first = (
        ParametersChanged(params={"signals": section}, reason="memory"),
        SessionTable(
            calendar="24/7",
            date=tuple(20_240_100 + d for d in days),
            open_ns=tuple(d * DAY_NS for d in days),
            close_ns=tuple((d + 1) * DAY_NS for d in days),
        ),
        *(AssetListed(symbol=name, kind="spot") for name in names),
    )
    state, facts = fold.initial(), 0
    step(fold, state, first, At(DAY_NS, 1, "control.bench"))
    table = walk(DAYS * PER_DAY)
    for i in range(DAYS * PER_DAY):
        columns = {name: (float(table[name][i]),) * SYMBOLS for name in ("open", "high", "low", "close", "volume")}
        bars = Bars(timeframe_s=300, symbols=names, **columns)
        made, _ = step(fold, state, (bars,), At(DAY_NS + (i + 1) * 5 * MINUTE_NS, i + 2, "md"))
        facts += len(made)
    print(json.dumps({"rss_mb": peak_mb(), "facts": facts}))


if __name__ == "__main__":
    main()
