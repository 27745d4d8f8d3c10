"""The options strategies over real chains: their laws hold on every one, and each finds something to propose."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from contango_signals.strategies.spec import View
from support.chain_views import views_of_table
from support.strategy_laws import LAWS, judge, told

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"real market data is not at {DATA}"),
]

# Chains per source, at least.
SOURCES = {"VXX": 20, "SPX": 6, "NDX": 13, "QQQ": 14}
# Candidates per source, at least; counted when this was written: three a chain nearly everywhere, one for the straddle,
# two for the calendar where it passes. Two of the SPX downloads list expiries of a few days only.
FLOORS = {
    "put_credit_spread": {"VXX": 35, "SPX": 10, "NDX": 35, "QQQ": 35},
    "call_credit_spread": {"VXX": 45, "SPX": 10, "NDX": 35, "QQQ": 35},
    "bull_call_debit_spread": {"VXX": 50, "SPX": 12, "NDX": 35, "QQQ": 38},
    "bear_put_debit_spread": {"VXX": 50, "SPX": 12, "NDX": 35, "QQQ": 38},
    "calendar": {"VXX": 8, "SPX": 2, "NDX": 14, "QQQ": 14},
    "diagonal": {"VXX": 50, "SPX": 4, "NDX": 8, "QQQ": 6},
    "broken_wing_butterfly_bull": {"VXX": 35, "SPX": 12, "NDX": 35, "QQQ": 38},
    "broken_wing_butterfly_bear": {"VXX": 35, "SPX": 12, "NDX": 35, "QQQ": 38},
    "long_call": {"VXX": 50, "SPX": 12, "NDX": 35, "QQQ": 38},
    "crash_put": {"VXX": 50, "SPX": 15, "NDX": 35, "QQQ": 38},
    "protective_put": {"VXX": 50, "QQQ": 38},
    "covered_call": {"VXX": 50, "QQQ": 38},
    "long_straddle": {"VXX": 20, "SPX": 4, "NDX": 13, "QQQ": 14},
    "long_strangle": {"VXX": 50, "SPX": 12, "NDX": 35, "QQQ": 38},
}


@cache
def views(source: str) -> tuple[View, ...]:
    return tuple(_views(source))


def _views(source: str) -> Iterator[View]:
    if source == "VXX":
        yield from views_of_table(DATA / "optopsy_history" / "VXX_201612_eod.parquet", None, closes=True, tradable=True)
        return
    for path in sorted((DATA / "cboe_quotedata").glob(f"{source}_*.parquet")):
        yield from views_of_table(path, None, tradable=source == "QQQ")


@pytest.mark.parametrize("source", SOURCES)
def test_laws_hold_on_real_chains_and_each_strategy_finds_candidates(source: str) -> None:
    counts: Counter[str] = Counter()
    assert len(views(source)) >= SOURCES[source]
    for view in views(source):
        for name, law in LAWS.items():
            if law.needs_underlying and not view.tradable:
                continue
            seen = replace(view, regime=law.regimes[0])
            p = law.module.Params()
            found = law.module.propose(seen, p)
            judge(seen, law, found)
            assert told(law.module.propose(seen, p)) == told(found)
            counts[name] += len(found)
    for name, floors in FLOORS.items():
        assert counts[name] >= floors.get(source, 0), name


def test_the_calendar_asks_for_a_rich_front_and_most_months_have_none() -> None:
    """Volatility of the sold expiry over that between the two, on index chains: usually below 1."""
    law = LAWS["calendar"]
    ratios = []
    for source in ("SPX", "NDX", "QQQ"):
        for view in views(source):
            open_gate = law.module.Params(min_front_over_forward=None)
            found = law.module.propose(replace(view, regime="LOW_VOL_RANGE"), open_gate)
            ratios += [c.why["front_over_forward"] or 0.0 for c in found[:1]]
    assert len(ratios) >= 29
    assert 0.7 < min(ratios) < max(ratios) < 1.2
    assert 0.05 < sum(x >= 1.0 for x in ratios) / len(ratios) < 0.4
