"""The variance oracle as a fold: truncation, recovery, when it answers, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contango_common.domain.at import At
from contango_common.domain.blocks import address, encode_block
from contango_common.domain.errors import UserError
from contango_common.events.forecast import Forecast, ForecastAbsent
from contango_common.events.market import BarHistory, Bars, RootListed
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import decide, evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_inference import variance as oracle
from contango_inference.params import InferenceParams

DAY_NS = 86_400_000_000_000
START_NS = int(np.datetime64("2010-01-04T21:00", "ns").astype(np.int64))
MIN_DAYS = 150


def paths(days: int, seed: int) -> np.ndarray:
    """Sessions (n, 4) whose volatility wanders; the open is the close before."""
    rng = np.random.default_rng(seed)
    log_vol = np.zeros(days)
    for i in range(1, days):
        log_vol[i] = 0.97 * log_vol[i - 1] + 0.15 * rng.standard_normal()
    steps = rng.standard_normal((days, 78)) * (0.01 * np.exp(log_vol) / np.sqrt(78))[:, None]
    walk = np.cumsum(steps, axis=1)
    before = np.concatenate([[0.0], np.cumsum(walk[:, -1])[:-1]])
    inside = np.concatenate([before[:, None], before[:, None] + walk], axis=1)
    logs = np.column_stack([before, inside.max(axis=1), inside.min(axis=1), inside[:, -1]])
    return 1000.0 * np.exp(logs)


def root(symbol="SPX"):
    return RootListed(root=symbol + "W", underlying=symbol, style="european", settlement="pm", delivery="cash")


def history(bars: np.ndarray, symbol="SPX") -> BarHistory:
    columns = {"ts_ns": START_NS + DAY_NS * np.arange(len(bars))}
    columns |= {name: bars[:, i].copy() for i, name in enumerate(("open", "high", "low", "close"))}
    digest = address(encode_block(columns))
    event = BarHistory(symbol=symbol, timeframe_s=86_400, rows=len(bars), bars=digest)
    event.attach({digest: columns})
    return event


def daily(bar, symbol="SPX"):
    o, h, l, c = (float(x) for x in bar)
    return Bars(
        timeframe_s=86_400, symbols=(symbol, "VIX"), open=(o, 20.0), high=(h, 21.0), low=(l, 19.0), close=(c, 20.0)
    )


def intraday():
    return Bars(timeframe_s=900, symbols=("SPX",), open=(1.0,), high=(1.0,), low=(1.0,), close=(1.0,))


def parameters(**inference):
    return ParametersChanged(params={"inference": {"min_days": MIN_DAYS, **inference}}, reason="start")


def messages(bars: np.ndarray, before: int, **inference):
    """A book's log as this oracle sees it: (ts_ns, events) per message."""
    first_ns = START_NS + DAY_NS * before
    yield START_NS, [parameters(**inference)]
    yield START_NS, [root(), history(bars[:before])]
    for i, bar in enumerate(bars[before:]):
        close_ns = first_ns + DAY_NS * i
        yield close_ns - 3600_000_000_000, [intraday()]
        yield close_ns, [intraday(), daily(bar)]


def play(log, state=None, seq=0):
    state = oracle.initial() if state is None else state
    out = []
    for ts_ns, events in log:
        seq += 1
        facts, _ = step(oracle, state, events, At(ts_ns, seq, "md"))
        out.append([fact.model_dump_json() for fact in facts])
    return state, out


def forecasts(out):
    return [Forecast.model_validate_json(x) for facts in out for x in facts if "variance_quantiles" in x]


def test_one_forecast_a_session_and_one_before_the_first():
    _, out = play(messages(paths(240, 1), 200))
    assert [len(facts) for facts in out] == [0, 0, 1] + [1] + [0, 1] * 39
    made = forecasts(out)
    assert len({f.input_hash for f in made}) == 41
    # Sessions 200 … 239 lie in July and August: fits after the history and in August.
    assert len({f.model_sha for f in made}) == 2


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(MIN_DAYS, 219), seed=st.integers(0, 5))
def test_the_future_changes_no_earlier_forecast(cut, seed):
    bars = paths(220, seed)
    other = np.concatenate([bars[:cut], bars[cut:] * 0.7])
    log, changed = list(messages(bars, MIN_DAYS)), list(messages(other, MIN_DAYS))
    same = 2 + 2 * (cut - MIN_DAYS)
    _, full = play(log)
    assert play(log[:same])[1] == full[:same] == play(changed)[1][:same]
    if cut < 219:
        assert play(changed)[1] != full


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 62))
def test_a_restart_from_bytes_at_any_cut_changes_nothing(cut):
    log = list(messages(paths(180, 3), MIN_DAYS))
    codec = StateCodec(oracle)
    end, full = play(log)
    state, head = play(log[:cut])
    saved = codec.dump(state)
    assert codec.dump(codec.load(saved)) == saved
    again, tail = play(log[cut:], codec.load(saved), cut)
    assert head + tail == full
    assert codec.dump(again) == codec.dump(end)


def test_recovery_folds_own_facts_to_the_same_state():
    log = list(messages(paths(180, 4), MIN_DAYS))
    codec = StateCodec(oracle)
    state, again = oracle.initial(), oracle.initial()
    for seq, (ts_ns, events) in enumerate(log, 1):
        at = At(ts_ns, seq, "md")
        facts, of = step(oracle, state, events, at)
        for index, event in enumerate(events):
            evolve(oracle, again, event, at)
            for fact, cause in zip(facts, of, strict=True):
                if cause == index:
                    evolve(oracle, again, fact, at)
        assert codec.dump(again) == codec.dump(state)


def test_decide_changes_nothing():
    log = list(messages(paths(180, 4), MIN_DAYS))
    state, _ = play(log[:-1])
    codec = StateCodec(oracle)
    ts_ns, events = log[-1]
    for event in events:
        evolve(oracle, state, event, At(ts_ns, 99, "md"))
        before = codec.dump(state)
        decide(oracle, state, event, At(ts_ns, 99, "md"))
        assert codec.dump(state) == before


def test_quantiles_are_ordered_and_positive():
    _, out = play(messages(paths(400, 6), 300, horizons_sessions=(1, 10, 42)))
    for made in forecasts(out):
        assert made.horizons_sessions == (1, 10, 42)
        table = np.array(made.variance_quantiles)
        assert table.shape == (3, 5)
        assert (table > 0.0).all()
        assert (np.diff(table, axis=1) >= 0.0).all()


def test_too_little_data_is_told_once_and_forecasts_follow():
    _, out = play(messages(paths(200, 2), 140))
    told = [ForecastAbsent.model_validate_json(x) for facts in out for x in facts if "variance_quantiles" not in x]
    assert [(t.symbol, t.reason) for t in told] == [("SPX", "140 daily bars, 150 are needed")]
    first = next(i for i, facts in enumerate(out) if any("variance_quantiles" in x for x in facts))
    assert first == 2 + 2 * (MIN_DAYS - 140) - 1
    assert len(forecasts(out)) == 200 - MIN_DAYS + 1


def test_a_bar_that_is_none_is_told_and_not_used():
    bars = paths(160, 2)
    log = list(messages(bars, 155))
    good, _ = play(log[:4])
    bad = bars[156].copy()
    bad[2] = bad[1] * 1.5
    ts_ns = log[5][0]
    state, out = play([(ts_ns, [daily(bad)])], good, 4)
    assert "is not 0 < low <= open" in ForecastAbsent.model_validate_json(out[0][0]).reason
    assert state.assets["SPX"].series.rows == 156
    _, out = play([log[7]], state, 5)
    assert len(forecasts(out)) == 1


def test_a_bar_already_known_is_ignored():
    log = list(messages(paths(160, 2), 155))
    state, _ = play(log[:4])
    rows = state.assets["SPX"].series.rows
    old = START_NS + DAY_NS * 100
    state, out = play([(old, [daily(paths(160, 9)[3])])], state, 4)
    assert (state.assets["SPX"].series.rows, out) == (rows, [[]])


def test_symbols_named_in_parameters_win_over_listed_roots():
    bars = paths(160, 2)
    _, out = play(messages(bars, 155, symbols=["OEX"]))
    assert all('"symbol":"OEX"' in x for facts in out for x in facts)
    assert sum(len(facts) for facts in out) == 1


def test_another_estimator_is_computed_from_the_same_bars():
    bars = paths(160, 2)
    _, direct = play(messages(bars, 155, estimator="garman_klass"))
    log = list(messages(bars, 155))
    log[2:2] = [(START_NS, [parameters(estimator="garman_klass")])]
    _, switched = play(log)
    assert direct[2:] == switched[3:]
    assert direct[2:] != play(messages(bars, 155))[1][2:]


@pytest.mark.parametrize(
    "wrong",
    [{"min_days": 5}, {"levels": [0.5, 0.5]}, {"horizons_sessions": [0, 1]}, {"horizons_sessions": [64]}, {"typo": 1}],
)
def test_wrong_parameters_name_themselves(wrong):
    with pytest.raises(ValidationError):
        InferenceParams.model_validate(wrong)
    with pytest.raises(UserError, match=r"inference\." + next(iter(wrong))):
        oracle.parse_params({"inference": wrong})
