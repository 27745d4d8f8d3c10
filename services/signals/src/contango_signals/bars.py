"""What a closed bar changes, feature by feature: each step's result is swapped in when it has succeeded.

The order is the order of dependence: indicators first, then what is computed from them. A feature that raises is off
from there on (see ``switches``); the others see the bar all the same.
"""

from dataclasses import replace

import numpy as np

from contango_common.domain.arrays import Array
from contango_common.domain.blocks import Block
from contango_common.domain.timeframe import Bar
from contango_common.events.market import Bars
from contango_quant.fuzzy import effective
from contango_quant.fuzzy.confidence import FACTORS, confidence
from contango_quant.stream import volume_profile
from contango_signals import divergence, volindex
from contango_signals.bank import DAILY, new_bank, value, with_bar, with_daily, with_daily_history
from contango_signals.confidence import factors
from contango_signals.features import values_of
from contango_signals.history import KEPT, Daily, day_of, with_row
from contango_signals.params import SignalsParams
from contango_signals.regimes import s0, s1
from contango_signals.state import Mixture, State, Symbol
from contango_signals.switches import attempt, runs
from contango_signals.volindex import iv_rank

DAILY_S = 86_400
SESSION_S = 23_400


def wants_banks(p: SignalsParams) -> bool:
    """An EMA cross alone does without the banks, the regimes and the rows."""
    return p.feature_row_every_s > 0 or set(p.strategies) != {"ema_cross"}


def take_bars(state: State, event: Bars, ts_ns: int) -> None:
    """All symbols of one closed bar, the volatility indices first: the others are read beside them, in any order."""
    p, daily = state.params, event.timeframe_s == DAILY_S
    for name, close in zip(event.symbols, event.close, strict=True):
        if name == p.vol_symbol:
            (volindex.take_daily if daily else volindex.take_close)(state.vol, close, ts_ns)
        elif name in p.volatility.family:
            state.vol.others[name] = close
    volumes = event.volume or (None,) * len(event.symbols)
    rows = zip(event.symbols, event.open, event.high, event.low, event.close, volumes, strict=True)
    for name, open_, high, low, close, volume in rows:
        if name != p.vol_symbol and name not in p.volatility.family:
            _take(state, name, Bar(ts_ns, open_, high, low, close, volume), daily)
    _diverge(state, event, ts_ns)


def take_history(state: State, name: str, bars: Block) -> None:
    """Daily bars of before."""
    symbol = symbol_of(state, name)
    found = attempt(state, "bank", lambda: with_daily_history(symbol.bank, bars))
    if found is None:
        return
    symbol.bank, realised = found
    symbol.daily = _history(symbol.daily, bars, realised)
    join_index(state)


def join_index(state: State) -> None:
    """The index's history beside that of every symbol but coins, whichever of the two came first."""
    for name, symbol in state.symbols.items():
        d = symbol.daily
        if state.vol.by_day and None in d.ivs and not state.crypto.get(name):
            days = [state.vol.by_day.get(day_of(ts_ns)) for ts_ns in d.ts_ns]
            symbol.daily = replace(d, ivs=[b if a is None else a for a, b in zip(d.ivs, days, strict=True)])


def symbol_of(state: State, name: str) -> Symbol:
    """The symbol's state, made on first sight."""
    if name not in state.symbols:
        p = state.params
        state.symbols[name] = Symbol(new_bank(p.bank, p.bar_timeframe_s, p.sessions_per_year))
    return state.symbols[name]


def _take(state: State, name: str, bar: Bar, daily: bool) -> None:
    symbol, p = symbol_of(state, name), state.params
    if daily:
        bank = attempt(state, "bank", lambda: with_daily(symbol.bank, bar))
    else:
        bank = attempt(state, "bank", lambda: with_bar(symbol.bank, bar, p.bar_timeframe_s, state.sessions))
    if bank is None or bank is symbol.bank:
        return
    symbol.bank = bank
    if daily:
        _day(state, name, symbol, bar)
        return
    ring = attempt(state, "profile", lambda: _profiled(symbol.ring, bar, p))
    symbol.ring = symbol.ring if ring is None else ring
    if "15m" in bank.closed:
        moved = attempt(state, "regime_s1", lambda: s1.step(symbol.s1, _verdict(symbol, p), bar.ts_ns, p.regimes.s1))
        symbol.s1 = symbol.s1 if moved is None else moved


def profile_bars(p: SignalsParams) -> int:
    """How many bars the profile's calendar days hold: markets with sessions trade on some of the days, some hours."""
    days = round(p.profile.days * p.sessions_per_year / 365.25)
    return max(2, days * p.bank.session_s // p.bar_timeframe_s)


def _profiled(ring: Array | None, bar: Bar, p: SignalsParams) -> Array | None:
    if bar.volume is None:
        return ring
    if ring is None:
        record = volume_profile.init(volume_profile.Params(profile_bars(p), p.profile.bin_fraction))
    else:
        record = ring.copy()
    volume_profile.step(record, bar.high, bar.low, bar.volume)
    return record


def _verdict(symbol: Symbol, p: SignalsParams) -> s1.Verdict:
    """The rules' label on the last closed 15-minute bar."""
    bank = symbol.bank
    return s1.classify(
        adx=value(bank, "15m", "adx"),
        atr_pctl=value(bank, "1h", "atr_pctl"),
        close=bank.close,
        vwap=value(bank, "15m", "vwap"),
        momentum=value(bank, "15m", "momentum"),
        width=value(bank, "15m", "bb_width"),
        width_mean=value(bank, "15m", "bb_width_mean"),
        p=p.regimes.s1,
    )


def _day(state: State, name: str, symbol: Symbol, bar: Bar) -> None:
    """What the end of a session changes beside the indicators."""
    p = state.params
    realised = value(symbol.bank, DAILY, "realised_vol")
    implied = None if state.crypto.get(name) else state.vol.close  # the index says nothing of coins
    symbol.daily = with_row(symbol.daily, bar.ts_ns, bar.high, bar.low, bar.close, bar.volume, implied, realised)
    mixture = attempt(state, "regime_s0", lambda: _posterior(symbol, bar.ts_ns))
    symbol.mixture = symbol.mixture if mixture is None else mixture
    if runs(state, "fuzzy"):
        seen = attempt(state, "fuzzy", lambda: _pushed(symbol.memberships, state, name, p))
        symbol.memberships = symbol.memberships if seen is None else seen


def _posterior(symbol: Symbol, ts_ns: int) -> Mixture | None:
    """The mixture with the posterior after this session; unchanged where a feature of it is missing."""
    mixture = symbol.mixture
    if mixture is None or ts_ns <= mixture.as_of_ns:
        return mixture
    d = symbol.daily
    row = s0.feature_row(d.closes, d.highs, d.lows, d.volumes, d.ivs)
    x = [row.get(name) for name in mixture.features]
    if any(number is None for number in x):
        return replace(mixture, posterior=None, as_of_ns=ts_ns)
    return replace(mixture, posterior=s0.filtered(mixture, [number or 0.0 for number in x]), as_of_ns=ts_ns)


def _pushed(state_array: Array | None, state: State, name: str, p: SignalsParams) -> Array:
    """Co-movement of the factors' memberships after this session."""
    found = confidence(factors(values_of(state, name), iv_rank(state.vol).rank, p.fuzzy), weights=p.fuzzy.weights)
    row = np.array([np.nan if (m := found.memberships[factor]) is None else m for factor in FACTORS])
    record = (
        effective.new(len(FACTORS), halflife=p.fuzzy.effective_halflife) if state_array is None else state_array.copy()
    )
    effective.push(record, row)
    return record


def _history(d: Daily, bars: Block, realised: dict[int, float]) -> Daily:
    """The last rows of a block of daily bars, each with its realised volatility where it had one."""
    columns = [bars[name].tolist() for name in ("ts_ns", "high", "low", "close")]
    volumes = bars["volume"].tolist() if "volume" in bars else [None] * len(columns[0])
    for ts_ns, high, low, close, volume in list(zip(*columns, volumes, strict=True))[-KEPT:]:
        known = None if volume is None or volume != volume else volume
        d = with_row(d, ts_ns, high, low, close, known, None, realised.get(ts_ns))
    return d


def _diverge(state: State, event: Bars, ts_ns: int) -> None:
    v = state.params.volatility
    if v.divergence_spot is None or v.divergence_future is None or event.timeframe_s == DAILY_S:
        return
    closes = dict(zip(event.symbols, event.close, strict=True))
    spot, future = closes.get(v.divergence_spot), closes.get(v.divergence_future)
    if spot is None and future is None:
        return
    seen = attempt(
        state,
        "divergence",
        lambda: divergence.with_prices(
            state.divergence or divergence.new_divergence(v.divergence_window),
            spot,
            future,
            ts_ns,
            v.divergence_net_carry * divergence.years_to_expiry(ts_ns, v.divergence_roll_days),
        ),
    )
    state.divergence = state.divergence if seen is None else seen
