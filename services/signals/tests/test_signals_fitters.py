"""The fitting oracle: fits of data whose truth is known, and the laws of a fold (future, restart, recovery, purity)."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.fit import MixtureAbsent, MixtureFitted, OuFitted
from contango_common.events.market import AssetListed, BarHistory, Bars, RootListed
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import decide, evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_quant.stats import mixture as gaussians
from contango_signals.fitters import fold, mixture, reversion
from contango_signals.regimes.s0 import FEATURES, LABELS, S0Params

Floats = npt.NDArray[np.float64]
Log = list[tuple[int, list[Event]]]
DAY_NS = 86_400_000_000_000
START_NS = int(np.datetime64("2010-01-04T21:00", "ns").astype(np.int64))
P = S0Params(min_rows=60)
CALM, WILD = (0.10, 0.02, 0.01, 0.14, 0.04, 1.0, 0.008), (0.35, -0.08, -0.04, 0.40, 0.05, 1.4, 0.03)
SPREAD = (0.02, 0.01, 0.005, 0.02, 0.015, 0.2, 0.003)


def table(n: int, seed: int = 1) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Rows (n, 7) of two states that last 40 sessions in the mean, a third of them wild; and the states."""
    rng = np.random.default_rng(seed)
    state = np.zeros(n, dtype=np.int64)
    for i in range(1, n):
        leave = 0.05 if state[i - 1] else 0.025
        state[i] = 1 - state[i - 1] if rng.random() < leave else state[i - 1]
    means = np.array([CALM, WILD])[state]
    return means + np.array(SPREAD) * rng.standard_normal((n, 7)), state


def fitted(*args: Any) -> mixture.Fitted:
    found = mixture.fit(*args)
    assert isinstance(found, mixture.Fitted), found
    return found


# -- the fit -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance", ["full", "tied", "diag"])
def test_two_states_are_found_again(covariance: str) -> None:
    rows, state = table(1200)
    found = fitted(rows, FEATURES, S0Params(covariance=covariance, components_max=2))
    assert found.labels == ["bull_low_vol", "bear_high_vol"]
    assert mixture.raw_means(found)[0] == pytest.approx(CALM, abs=0.05)
    assert mixture.raw_means(found)[1] == pytest.approx(WILD, abs=0.05)
    assert found.weights[1] == pytest.approx(state.mean(), abs=0.02)
    stays = [np.mean(state[1:][state[:-1] == k] == k) for k in (0, 1)]
    assert np.diag(found.transition) == pytest.approx(stays, abs=0.02)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["full", "tied", "diag"]), st.booleans())
def test_a_fit_is_a_mixture_that_can_be_evaluated(seed: int, covariance: str, source: bool) -> None:
    found = fitted(table(200, seed)[0], FEATURES, S0Params(min_rows=60, covariance=covariance, source_s0=source))
    made = gaussians.mixture(
        centre=found.centre,
        scale=found.scale,
        weights=found.weights,
        means=found.means,
        precisions=found.precisions,
        log_dets=found.log_dets,
        transition=found.transition,
    )
    for table_ in found.precisions:
        assert table_ == pytest.approx(table_.T)
        assert (np.linalg.eigvalsh(table_) > 0.0).all()
    assert set(found.labels) <= set(LABELS)
    assert math.isfinite(found.bic)
    posterior = gaussians.filtered(made, mixture.raw_means(found)[0])
    assert posterior.sum() == pytest.approx(1.0)


def test_the_same_rows_give_the_same_fit_and_one_other_number_another() -> None:
    rows, _ = table(400)
    one, two = fitted(rows, FEATURES, P), fitted(rows.copy(), FEATURES, P)
    assert one.sha == two.sha
    assert one.precisions.tobytes() == two.precisions.tobytes()
    rows[7, 0] += 0.01
    assert fitted(rows, FEATURES, P).sha != one.sha


def test_rows_beyond_the_look_back_do_not_count() -> None:
    rows, _ = table(500)
    p = S0Params(min_rows=60, max_rows=200)
    other = rows.copy()
    other[:300] *= 3.0
    assert fitted(other, FEATURES, p).sha == fitted(rows, FEATURES, p).sha


def test_the_order_of_the_fit_before_is_kept() -> None:
    """By volatility when nothing came before; turned round when the fit before was."""
    rows, _ = table(600)
    p = S0Params(min_rows=60, components_max=2)
    first = fitted(rows[:500], FEATURES, p)
    again = fitted(rows, FEATURES, p, mixture.raw_means(first)[::-1])
    assert first.labels == ["bull_low_vol", "bear_high_vol"]
    assert again.labels == ["bear_high_vol", "bull_low_vol"]
    assert fitted(rows, FEATURES, p, mixture.raw_means(first)).labels == first.labels
    assert fitted(rows, FEATURES, p, mixture.raw_means(first)[:, :6]).labels == first.labels


def test_a_calm_year_has_no_high_volatility() -> None:
    """Two components may share a name."""
    rng = np.random.default_rng(3)
    quiet = np.where(rng.random(600)[:, None] < 0.5, 0.8, 1.1) * np.array(CALM)
    rows = quiet + 0.3 * np.array(SPREAD) * rng.standard_normal((600, 7))
    rows[:, [0, 3]] = np.minimum(rows[:, [0, 3]], 0.13)
    assert set(fitted(rows, FEATURES, P).labels) == {"bull_low_vol"}


def test_too_few_rows_and_features_that_do_not_move_are_reasons() -> None:
    rows, _ = table(100)
    assert mixture.fit(rows[:59], FEATURES, P) == "60 sessions with every feature are needed, 59 are there"
    rows[:, 5] = 1.0
    assert mixture.fit(rows, FEATURES, P) == "a feature does not move: volume_ratio"


def test_the_published_fit_has_four_full_components_and_no_memory() -> None:
    found = fitted(table(300)[0], FEATURES, S0Params(source_s0=True))
    assert (found.means.shape, found.covariance) == ((4, 7), "full")
    for row in found.transition:
        assert row == pytest.approx(found.weights)


def test_the_reversion_of_a_known_process() -> None:
    """ln index with a half-life of 10 sessions around ln 18."""
    rng, b = np.random.default_rng(5), 0.5 ** (1.0 / 10.0)
    x = np.zeros(750)
    for i in range(1, len(x)):
        x[i] = b * x[i - 1] + 0.06 * rng.standard_normal()
    found = reversion.fit("VIX", (18.0 * np.exp(x)).tolist(), 9)
    assert found is not None
    assert found.identified
    assert found.mean == pytest.approx(math.log(18.0), abs=0.1)
    assert found.half_life_low_days is not None
    assert found.half_life_high_days is not None
    assert found.half_life_low_days < 10.0 < found.half_life_high_days
    assert found.sd == pytest.approx(0.06 / math.sqrt(1.0 - b * b), rel=0.3)
    assert found.adf_p is not None
    assert found.adf_p < 0.05
    assert (found.rows, found.trained_until_ns) == (750, 9)


def test_a_random_walk_has_no_mean_to_return_to() -> None:
    rng = np.random.default_rng(6)
    found = reversion.fit("VIX", (18.0 * np.exp(np.cumsum(0.03 * rng.standard_normal(250)))).tolist(), 9)
    assert found is not None
    assert (found.identified, found.mean, found.sd) == (False, None, None)
    assert found.reason


@pytest.mark.parametrize("closes", [[], [18.0] * 59, [18.0] * 99 + [0.0]])
def test_too_few_closes_or_none_at_all_give_no_fact(closes: list[float]) -> None:
    assert reversion.fit("VIX", closes, 9) is None


# -- the oracle --------------------------------------------------------------------------------------------------------

PARAMS = {"signals": {"regimes": {"s0": {"min_rows": 60, "components_max": 3}}}}


def market(n: int, seed: int = 1) -> dict[str, Floats]:
    """Columns of n sessions: index and prices move with a volatility that wanders."""
    rng = np.random.default_rng(seed)
    log_vol = np.zeros(n)
    for i in range(1, n):
        log_vol[i] = 0.97 * log_vol[i - 1] + 0.12 * rng.standard_normal()
    vol = 0.15 * np.exp(log_vol)
    close = 1000.0 * np.exp(np.cumsum(vol / math.sqrt(252) * rng.standard_normal(n)))
    half = 1.0 + vol / math.sqrt(252) * rng.uniform(0.2, 1.0, n)
    index = 100.0 * vol * np.exp(0.05 * rng.standard_normal(n))
    return {"close": close, "high": close * half, "low": close / half, "volume": rng.uniform(1, 2, n), "index": index}


def history(symbol: str, first: int, **columns: Floats) -> BarHistory:
    block = {"ts_ns": START_NS + DAY_NS * np.arange(first), **{name: x[:first].copy() for name, x in columns.items()}}
    event = BarHistory(symbol=symbol, timeframe_s=86_400, rows=first, bars=f"history-{symbol}")
    event.attach({event.bars: block})
    return event


def messages(m: dict[str, Floats], first: int) -> Iterator[tuple[int, list[Event]]]:
    """A log as this oracle sees it: ``first`` sessions of history, then one message a session."""
    close, high, low, volume, index = (m[name] for name in ("close", "high", "low", "volume", "index"))
    yield START_NS, [ParametersChanged(params=PARAMS, reason="start")]
    yield (
        START_NS,
        [
            RootListed(root="SPXW", underlying="SPX", style="european", settlement="pm", delivery="cash"),
            history("VIX", first, open=index, high=index, low=index, close=index),
            history("SPX", first, open=close, high=high, low=low, close=close, volume=volume),
        ],
    )
    for i in range(first, len(close)):
        x = float(index[i])
        bars = Bars(
            timeframe_s=86_400,
            symbols=("SPX", "VIX"),
            open=(float(close[i]), x),
            high=(float(high[i]), x),
            low=(float(low[i]), x),
            close=(float(close[i]), x),
            volume=(float(volume[i]), None),
        )
        yield START_NS + DAY_NS * i, [bars]


def play(log: Log, state: fold.State | None = None, seq: int = 0) -> tuple[fold.State, list[list[Event]]]:
    state = fold.initial() if state is None else state
    out = []
    for ts_ns, events in log:
        seq += 1
        out.append(step(fold, state, events, At(ts_ns, seq, "md"))[0])
    return state, out


def kinds(out: list[list[Event]], kind: type[Event]) -> list[Any]:
    return [fact for facts in out for fact in facts if type(fact) is kind]


FIRST, LAST = 130, 200
MARKET = market(LAST)
LOG = list(messages(MARKET, FIRST))
END, FULL = play(LOG)


def test_one_mixture_a_month_and_one_reversion_a_week() -> None:
    """130 days from 4 January lead to 14 May; 70 sessions (weekends too) to 22 July."""
    at = [LOG[i][0] for i, facts in enumerate(FULL) for fact in facts if type(fact) is MixtureFitted]
    days = [str(np.datetime64(ts_ns, "ns").astype("datetime64[D]")) for ts_ns in at]
    assert days == ["2010-05-14", "2010-06-01", "2010-07-01"]
    weeks = [LOG[i][0] for i, facts in enumerate(FULL) for fact in facts if type(fact) is OuFitted]
    assert len(weeks) == 11
    for ts_ns in weeks[1:]:
        assert np.datetime64(ts_ns, "ns").astype("datetime64[D]").astype(object).weekday() == 0


def test_no_fit_holds_a_bar_that_had_not_closed() -> None:
    for (ts_ns, _), facts in zip(LOG, FULL, strict=True):
        for fact in facts:
            assert fact.trained_until_ns == ts_ns  # type: ignore[attr-defined]


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(FIRST, LAST - 4))
def test_the_future_changes_no_earlier_fit(cut: int) -> None:
    """Cut off, or another one in its place."""
    other = {name: np.concatenate([x[:cut], x[cut:] * 1.3]) for name, x in MARKET.items()}
    same = 2 + cut - FIRST
    changed = play(list(messages(other, FIRST)))[1]
    assert play(LOG[:same])[1] == FULL[:same]
    assert changed[:same] == FULL[:same]
    assert changed != FULL  # the reversion is fitted on Mondays, the last time four sessions before the end


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(0, len(LOG)))
def test_a_restart_from_bytes_at_any_cut_changes_nothing(cut: int) -> None:
    codec = StateCodec(fold)
    state, head = play(LOG[:cut])
    saved = codec.dump(state)
    assert codec.dump(codec.load(saved)) == saved
    again, tail = play(LOG[cut:], codec.load(saved), cut)
    assert head + tail == FULL
    assert codec.dump(again) == codec.dump(END)


def test_recovery_folds_own_facts_to_the_same_state_and_deciding_changes_nothing() -> None:
    codec = StateCodec(fold)
    again = fold.initial()
    for seq, ((ts_ns, events), facts) in enumerate(zip(LOG, FULL, strict=True), 1):
        at = At(ts_ns, seq, "md")
        for event in events:
            evolve(fold, again, event, at)
            before = codec.dump(again)
            decide(fold, again, event, at)
            assert codec.dump(again) == before
        for fact in facts:
            evolve(fold, again, fact, at)
    assert codec.dump(again) == codec.dump(END)


def test_an_absence_is_told_once_and_the_fit_follows_when_there_is_enough() -> None:
    """The first row with every feature is the fiftieth; sixty are needed."""
    log = list(messages(MARKET, 60))
    _, out = play(log)
    told = kinds(out, MixtureAbsent)
    assert [fact.reason for fact in told] == ["SPX: 60 sessions with every feature are needed, 12 are there"]
    first = next(i for i, facts in enumerate(out) if kinds([facts], MixtureFitted))
    assert log[first][0] == START_NS + DAY_NS * (49 + 60 - 1)


def test_a_bar_already_known_and_a_bad_parameter_set_change_nothing() -> None:
    codec = StateCodec(fold)
    state, _ = play(LOG)
    old = LOG[-1][1]
    bad = ParametersChanged(params={"signals": {"nonsense": 1}}, reason="typo")
    _, out = play([(LOG[-1][0], old), (LOG[-1][0], [bad])], state, len(LOG))
    assert out == [[], []]
    assert codec.dump(state) == codec.dump(END)


def fits_of(events: list[Event], last: Bars, days: int = FIRST) -> list[Event]:
    """What is said at a daily close behind a history told in the order of ``events``."""
    return play([(START_NS, events), (START_NS + DAY_NS * days, [last])])[1][1]


def test_the_order_of_the_histories_changes_no_fit() -> None:
    (ts_ns, (parameters,)), (_, (root, vix, spx)), (_, (bars,)) = LOG[:3]
    wanted = fits_of([parameters, root, vix, spx], bars)
    assert kinds([wanted], MixtureFitted)
    assert fits_of([parameters, root, spx, vix], bars) == wanted
    assert ts_ns <= START_NS


def daily(name: str, close: float) -> Bars:
    one = (close,)
    return Bars(timeframe_s=86_400, symbols=(name,), open=one, high=one, low=one, close=one, volume=(1.0,))


@pytest.mark.parametrize(("kind", "has_index"), [("stock", True), ("spot", False), ("perpetual", False)])
def test_a_coin_is_fitted_without_the_volatility_index(kind: str, has_index: bool) -> None:
    (_, (parameters,)), (_, (_, vix, spx)), (_, (bars,)) = LOG[:3]
    book = ParametersChanged(params={"signals": {**parameters.params["signals"], "assets": ["BTC"]}}, reason="start")
    asset = AssetListed(symbol="BTC", kind=kind)
    closes = spx.columns()
    coin = history("BTC", FIRST, **{name: closes[name] for name in ("open", "high", "low", "close", "volume")})
    last = bars.model_copy(update={"symbols": ("BTC", "VIX")})
    (found,) = kinds([fits_of([book, asset, coin, vix], last)], MixtureFitted)
    assert ("iv" in found.features) == ("iv_rv_spread" in found.features) == has_index
    assert "volume_ratio" in found.features


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([0.0, -37.63, 1.0, 2.0]), min_size=55, max_size=80))
def test_prices_that_are_not_above_zero_are_missing_features_and_stop_nothing(closes: list[float]) -> None:
    book = ParametersChanged(params={"signals": {"assets": ["CL"]}}, reason="start")
    log = [(START_NS, [book]), *((START_NS + DAY_NS * i, [daily("CL", c)]) for i, c in enumerate(closes, 1))]
    state, _ = play(log)
    for row, close in zip(state.series["CL"].rows, closes, strict=True):
        assert math.isnan(row[FEATURES.index("range_pct")]) == (close <= 0.0)
        assert not any(math.isinf(x) for x in row)
