"""Pairs of variance forecasts: only what both speak of, each number from its own place."""

from hypothesis import given
from hypothesis import strategies as st

from contango_common.events.forecast import Forecast
from contango_inference.monitor import pairing, record

HORIZONS = st.lists(st.integers(1, 9), min_size=1, max_size=6, unique=True).map(lambda x: tuple(sorted(x)))
LEVELS = st.lists(st.integers(1, 9), min_size=1, max_size=6, unique=True).map(
    lambda x: tuple(a / 10 for a in sorted(x))
)


def forecast(horizons, levels, offset, symbol="SPX"):
    """Every quantile says where it stands: horizon + level, and whose it is."""
    rows = tuple(tuple(h + a + offset for a in levels) for h in horizons)
    return Forecast(
        symbol=symbol,
        model=f"m{offset}",
        model_sha="s",
        input_hash="h",
        horizons_sessions=horizons,
        levels=levels,
        variance_quantiles=rows,
    )


@given(HORIZONS, LEVELS, HORIZONS, LEVELS)
def test_each_number_is_from_its_own_place(h1, a1, h2, a2):
    got = pairing.paired(forecast(h1, a1, 0), forecast(h2, a2, 100))
    horizons, levels = sorted(set(h1) & set(h2)), sorted(set(a1) & set(a2))
    if not horizons or not levels:
        assert got == f"m0 and m100 have no {'horizon' if not horizons else 'level'} in common"
        return
    assert (got.horizons_sessions, got.levels) == (horizons, levels)
    assert got.quantiles == [[h + a + 0 for a in levels] for h in horizons]
    assert got.baseline == [[h + a + 100 for a in levels] for h in horizons]


def test_a_pair_goes_into_the_record():
    pair = pairing.paired(forecast((1, 5), (0.1, 0.5), 0), forecast((1, 2, 5), (0.1, 0.5, 0.9), 1))
    state = record.Record("SPX", "m0", "s", "variance")
    record.expect_variance(state, pair.horizons_sessions, pair.levels, pair.quantiles, pair.baseline)
    assert [v.due for v in state.variances] == [1, 5]
    assert [v.first for v in state.variances] == [True, False]


def test_other_symbols_are_not_compared():
    got = pairing.paired(forecast((1,), (0.5,), 0), forecast((1,), (0.5,), 1, symbol="NDX"))
    assert got == "a forecast of SPX is not compared with one of NDX"
