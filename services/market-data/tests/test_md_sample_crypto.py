"""The modelled crypto sample and the modelled volume of the index's day: sound bars, every time the same, labelled."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.errors import UserError
from contango_common.domain.sessions import DAY_NS, MINUTE_NS
from contango_market_data.catalog.store import Catalog
from contango_market_data.sample import crypto
from contango_market_data.sample.build import build_sample
from contango_market_data.sample.crypto import CryptoReport, build_crypto_sample
from contango_market_data.sample.daily import load_market
from contango_market_data.sample.day import Bars, build_day, day_volume
from contango_market_data.sample.market import Floats, Market
from contango_market_data.sample.seeds import Purpose, stream
from contango_market_data.sample.sources import SOURCES

BAR_NS = 5 * MINUTE_NS
FIRST_NS = int(np.datetime64("2023-01-01", "ns").astype(np.int64))
DAYS, PER_DAY = 120, 288
SYMBOLS = ("BTCUSDT", "ETHUSDT")
# The notes of the catalog say: day 83, 12:40 to 14:05 UTC.
OUTAGE_FROM_NS = FIRST_NS + 82 * DAY_NS + (12 * 60 + 40) * MINUTE_NS
OUTAGE_TO_NS = FIRST_NS + 82 * DAY_NS + (14 * 60 + 5) * MINUTE_NS
NAMES = ("open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> CryptoReport:
    return build_crypto_sample(tmp_path_factory.mktemp("crypto") / "catalog")


@pytest.fixture(scope="module")
def catalog(built: CryptoReport) -> Catalog:
    return Catalog.open(built.path)


@pytest.fixture(scope="module")
def market() -> Market:
    return load_market()


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# Every time the same


def test_two_builds_hold_the_same_bytes(built: CryptoReport, tmp_path: Path) -> None:
    np.random.seed(1)  # what the process draws elsewhere must not matter
    again = build_crypto_sample(tmp_path / "again")
    assert content(again.path) == content(built.path)
    assert (again.bars, again.days, again.sources) == (built.bars, built.days, built.sources)


def test_another_seed_is_another_market(built: CryptoReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "SEED", crypto.SEED + 1)
    other = Catalog.open(build_crypto_sample(tmp_path / "other").path)
    for symbol in SYMBOLS:
        mine, theirs = Catalog.open(built.path).bars(symbol, "5m"), other.bars(symbol, "5m")
        assert np.array_equal(mine["ts_ns"], theirs["ts_ns"]), "the outage is no matter of chance"
        assert not np.array_equal(mine["close"], theirs["close"])


def test_the_pairs_draw_from_streams_of_their_own() -> None:
    """A pair without moves of its own has the market's prices whatever it draws; its volume is its own all the same."""
    common = np.random.default_rng(0).normal(size=(PER_DAY * DAYS, crypto.STEPS)) * 1e-4
    one, other = (crypto.pair(np.random.default_rng(seed), common, 100.0, 0.0, 10.0) for seed in (1, 2))
    apart = crypto.pair(np.random.default_rng(1), common, 100.0, 0.5, 10.0)
    assert np.array_equal(one.close, other.close)
    assert one.close[-1] == pytest.approx(100.0 * np.exp(common.sum()))
    assert not np.array_equal(one.close, apart.close)
    assert one.volume is not None
    assert other.volume is not None
    assert not np.array_equal(one.volume, other.volume)


def test_an_occupied_place_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    for place in (tmp_path, tmp_path / "mine"):
        with pytest.raises(UserError, match="is not empty"):
            build_crypto_sample(place)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


# Sound bars


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("timeframe", ["5m", "1d"])
def test_prices_of_a_bar_contain_each_other_and_something_traded(catalog: Catalog, symbol: str, timeframe: str) -> None:
    bars = catalog.bars(symbol, timeframe)
    for name in NAMES:
        assert np.isfinite(bars[name]).all()
        assert (bars[name] > 0.0).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    assert (np.diff(bars["ts_ns"]) > 0).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_bar_opens_where_the_one_before_closed_but_for_the_outage(catalog: Catalog, symbol: str) -> None:
    bars = catalog.bars(symbol, "5m")
    jumps = np.flatnonzero(bars["open"][1:] != bars["close"][:-1])
    assert bars["ts_ns"][jumps].tolist() == [OUTAGE_FROM_NS], "prices moved on while nobody looked"


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_five_minutes_round_the_clock_with_the_one_gap_that_is_stated(
    catalog: Catalog, built: CryptoReport, symbol: str
) -> None:
    ts_ns = catalog.bars(symbol, "5m")["ts_ns"]
    whole = FIRST_NS + BAR_NS * np.arange(1, DAYS * PER_DAY + 1)
    missing = np.setdiff1d(whole, ts_ns)
    assert np.setdiff1d(ts_ns, whole).size == 0, "every bar closes on a whole five minutes of UTC"
    assert missing.tolist() == list(range(OUTAGE_FROM_NS + BAR_NS, OUTAGE_TO_NS + 1, BAR_NS))
    assert len(missing) * 5 == 85
    assert built.bars == len(SYMBOLS) * (DAYS * PER_DAY - len(missing))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_there_are_no_sessions_weekends_or_nights(catalog: Catalog, symbol: str) -> None:
    ts_ns = catalog.bars(symbol, "5m")["ts_ns"] - 1
    per_day = np.bincount((ts_ns - FIRST_NS) // DAY_NS)
    assert len(per_day) == DAYS
    assert set(np.delete(per_day, 82)) == {PER_DAY}
    assert per_day[82] == PER_DAY - 17
    minutes = np.bincount((ts_ns - FIRST_NS) % DAY_NS // BAR_NS)
    assert len(minutes) == PER_DAY
    assert minutes.min() == DAYS - 1
    assert catalog.info.calendar == "24/7"
    assert catalog.info.time_zone == "UTC"


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_daily_bars_are_the_days_of_the_five_minute_bars(catalog: Catalog, symbol: str) -> None:
    bars, daily = catalog.bars(symbol, "5m"), catalog.bars(symbol, "1d")
    assert daily["ts_ns"].tolist() == [FIRST_NS + DAY_NS * d for d in range(1, DAYS + 1)]
    day = (bars["ts_ns"] - 1 - FIRST_NS) // DAY_NS
    for d in range(DAYS):
        today = day == d
        assert daily["open"][d] == bars["open"][today][0]
        assert daily["close"][d] == bars["close"][today][-1]
        assert daily["high"][d] == bars["high"][today].max()
        assert daily["low"][d] == bars["low"][today].min()
        assert daily["volume"][d] == pytest.approx(bars["volume"][today].sum(), rel=1e-12)


def test_the_market_it_models_is_there(catalog: Catalog) -> None:
    """Stretches of every kind, activity by the hour, volume with the moves, pairs together: as the notes say."""
    found = crypto.stretches()
    assert len(found) == DAYS
    assert set(found) == set(crypto.STRETCHES)
    assert sum(a == b for a, b in pairwise(found)) > 0.7 * DAYS, "stretches last for days"
    bars = [catalog.bars(symbol, "5m") for symbol in SYMBOLS]
    moves = [np.log(b["close"] / b["open"]) for b in bars]
    assert 0.6 < np.corrcoef(moves[0], moves[1])[0, 1] < 1.0
    hour = (bars[0]["ts_ns"] - 1 - FIRST_NS) % DAY_NS // (60 * MINUTE_NS)
    asia, america = (hour < 6), (hour >= 13) & (hour < 19)
    for b, move in zip(bars, moves, strict=True):
        assert np.abs(move[america]).mean() > 1.2 * np.abs(move[asia]).mean()
        assert b["volume"][america].mean() > 1.2 * b["volume"][asia].mean()
        assert np.corrcoef(np.abs(move), b["volume"])[0, 1] > 0.3


def test_it_is_labelled_as_modelled_wherever_it_goes(catalog: Catalog, built: CryptoReport) -> None:
    assert catalog.info.notes == built.sources == crypto.SOURCES
    assert all(note.startswith("MODELLED") for note in crypto.SOURCES[:2])
    assert "everything" in crypto.SOURCES[0]
    assert "No verdict" in crypto.SOURCES[-1]
    assert not any("REAL" in note for note in crypto.SOURCES)
    assert catalog.info.symbols == SYMBOLS
    assert catalog.info.roots == {}
    outage = f"{(OUTAGE_TO_NS - OUTAGE_FROM_NS) // MINUTE_NS} minutes"
    assert any(outage in note and "12:40 to 14:05 UTC" in note and "day 83" in note for note in crypto.SOURCES)
    assert f"{DAYS} days" in crypto.SOURCES[0]


# The index's volume within a day


def bars_of(moves: list[float]) -> Bars:
    path = 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    flat = path[:-1]
    return Bars(BAR_NS * np.arange(1, len(moves) + 1), flat, np.maximum(flat, path[1:]), flat, path[1:])


moves = st.lists(st.floats(-0.02, 0.02), min_size=1, max_size=90)


@settings(max_examples=60)
@given(moves, st.floats(1.0, 1e10), st.integers(0, 2**32 - 1))
def test_any_days_volume_is_spread_without_loss_and_leaves_no_bar_empty(
    found: list[float], total: float, seed: int
) -> None:
    bars = bars_of(found)
    volume = day_volume(np.random.default_rng(seed), total, bars)
    assert volume.shape == bars.open.shape
    assert np.isfinite(volume).all()
    assert (volume > 0.0).all()
    assert volume.sum() == pytest.approx(total, rel=1e-12)
    assert volume.tobytes() == day_volume(np.random.default_rng(seed), total, bars).tobytes()


def mean_volume(found: list[float]) -> Floats:
    bars = bars_of(found)
    return np.asarray(np.mean([day_volume(np.random.default_rng(seed), 1.0, bars) for seed in range(400)], axis=0))


def test_it_is_higher_at_both_ends_and_where_the_price_moves() -> None:
    """A day without moves: a parabola of 1.5 at the ends over 0.6 in the middle; a bar that moves has more."""
    still = mean_volume([0.0] * 79)
    assert still[0] / still[39] == pytest.approx(1.5 / 0.6, rel=0.1)
    assert still[-1] / still[39] == pytest.approx(1.5 / 0.6, rel=0.1)
    assert still[20] == pytest.approx(still[-21], rel=0.1)
    lively = mean_volume([0.001] * 39 + [0.01] + [0.001] * 39)
    assert lively[39] > 3.0 * lively[38]


def test_the_days_of_the_sample_hold_the_real_volume_of_the_day(market: Market) -> None:
    for row in market.rows(20180201, 20180209):
        day = build_day(market, row)
        assert day.spx.volume is not None
        assert day.spx.volume.sum() == pytest.approx(market.volume[row], rel=1e-12)
        assert (day.spx.volume > 0.0).all()
        assert day.vix.volume is None, "an index of volatility does not trade"
        again = build_day(market, row)
        assert again.spx.volume is not None
        assert again.spx.volume.tobytes() == day.spx.volume.tobytes()


def test_the_volume_has_a_stream_of_its_own_and_moves_no_price(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    row = market.rows(20180205, 20180205).start
    before = build_day(market, row)
    doubled = replace(market, volume=market.volume * 2.0)
    more = build_day(doubled, row)
    assert more.spx.volume is not None
    assert before.spx.volume is not None
    assert np.allclose(more.spx.volume, 2.0 * before.spx.volume, rtol=1e-12)
    for name in ("open", "high", "low", "close"):
        assert getattr(more.spx, name).tobytes() == getattr(before.spx, name).tobytes()
        assert getattr(more.vix, name).tobytes() == getattr(before.vix, name).tobytes()
    assert len({purpose.value for purpose in Purpose}) == len(Purpose)
    draws = {purpose: float(stream(20180205, purpose).random()) for purpose in Purpose}
    assert len(set(draws.values())) == len(draws)


def test_the_catalog_brings_volume_for_the_index_and_says_that_it_is_modelled(tmp_path: Path, market: Market) -> None:
    report = build_sample(tmp_path / "c", first=date(2018, 2, 5), last=date(2018, 2, 6), processes=1)
    catalog = Catalog.open(report.path)
    bars = catalog.bars("SPX", "5m")
    days = market.rows(20180205, 20180206)
    assert bars["volume"].sum() == pytest.approx(market.volume[days.start : days.stop].sum(), rel=1e-12)
    assert (bars["volume"] > 0.0).all()
    assert any(note.startswith("MODELLED: the volume within a day.") for note in SOURCES)
    assert catalog.info.notes == SOURCES
