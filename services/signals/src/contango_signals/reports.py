"""What closed bars let be said: regimes, thresholds, volume profile, feature rows, and failures. Reads state only."""

from collections.abc import Callable, Sequence

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import Bars
from contango_common.events.signal import FeatureFailed, FeatureRow, ProfileBuilt, RegimeReport, ThresholdsAdjusted
from contango_quant.stream.volume_profile import profile_of
from contango_signals import thresholds
from contango_signals.bank import DAILY, value
from contango_signals.features import session_values, values_of
from contango_signals.multipliers import by_label
from contango_signals.profile import is_due
from contango_signals.regimes import s0, s1, s2
from contango_signals.state import State, Symbol, Told
from contango_signals.switches import runs, tried

SECOND_NS = 1_000_000_000


def failures(state: State) -> list[Event]:
    """Features that raised while this message was taken in."""
    return [FeatureFailed(feature=name, reason=reason) for name, reason in state.failing.items()]


def of_bars(state: State, event: Bars, at: At, daily: bool) -> list[Event]:
    """Facts about every symbol of one closed bar."""
    facts: list[Event] = []
    for name in event.symbols:
        symbol = state.symbols.get(name)
        if symbol is not None:
            facts += _regimes(state, name, symbol, at, daily)
            facts += _session_row(state, name) if daily else _intraday(state, name, symbol, at)
    if state.params.vol_symbol in event.symbols and not daily:
        for name in state.symbols:
            if name not in event.symbols:
                facts += _said(state, s2.FEATURE, lambda n=name: _s2(state, n, at))  # type: ignore[misc]
    return facts


def _said(state: State, feature: str, make: Callable[[], list[Event]]) -> list[Event]:
    """What a feature says, nothing when it is off; its failure, told as a fact, when it raises."""
    if not runs(state, feature):
        return []
    found = tried(feature, make)
    return [found] if isinstance(found, FeatureFailed) else found


def _session_row(state: State, name: str) -> list[Event]:
    """The row that models of daily cadence read."""
    if not state.params.feature_row_every_s:
        return []
    return [FeatureRow(symbol=name, values=session_values(state, name), cadence="session")]


def _intraday(state: State, name: str, symbol: Symbol, at: At) -> list[Event]:
    facts: list[Event] = []
    if "1h" in symbol.bank.closed:
        facts += _said(state, "thresholds", lambda: _thresholds(state, name, symbol, at))
    if symbol.ring is not None:
        facts += _said(state, "profile", lambda: _profile(state, name, symbol, at))
    every_ns = state.params.feature_row_every_s * SECOND_NS
    if every_ns and at.ts_ns % every_ns == 0 and symbol.row_ns != at.ts_ns and symbol.bank.bar_ns == at.ts_ns:
        facts.append(FeatureRow(symbol=name, values=values_of(state, name)))
    return facts


def _thresholds(state: State, name: str, symbol: Symbol, at: At) -> list[Event]:
    p, percentile = state.params.thresholds, value(symbol.bank, "1h", "atr_pctl")
    return [
        ThresholdsAdjusted(
            symbol=name,
            threshold=change.threshold,
            old=change.old,
            new=change.new,
            percentile=change.percentile,
            multiplier=change.multiplier,
            reason=change.reason,
        )
        for change in thresholds.changes(symbol.thresholds, percentile, at.ts_ns, p)
    ]


def _profile(state: State, name: str, symbol: Symbol, at: At) -> list[Event]:
    p = state.params.profile
    if not is_due(None if symbol.levels is None else symbol.levels.built_ns, at.ts_ns, p):
        return []
    found = None if symbol.ring is None else profile_of(symbol.ring)
    if found is None:
        return []
    return [
        ProfileBuilt(
            symbol=name,
            from_ns=_since(state, symbol.bank.bar_ns, found.bars),
            bars=found.bars,
            bin_fraction=p.bin_fraction,
            poc=found.poc,
            value_low=found.value_low,
            value_high=found.value_high,
            volume=found.volume,
            low_volume_below=found.low_volume_below,
            low_areas=found.low_areas,
        )
    ]


def _since(state: State, bar_ns: int, bars: int) -> int:
    """When the session opened that holds the oldest of the last ``bars`` bars; before a session table, as if without
    breaks."""
    p, row = state.params, None if state.sessions is None else state.sessions.at(bar_ns)
    if row is None or state.sessions is None:
        return bar_ns - bars * p.bar_timeframe_s * SECOND_NS
    opens, closes = state.sessions.open_ns, state.sessions.close_ns
    left = bars - (bar_ns - opens[row]) // (p.bar_timeframe_s * SECOND_NS)
    while left > 0 and row > 0:
        row -= 1
        left -= (closes[row] - opens[row]) // (p.bar_timeframe_s * SECOND_NS)
    return opens[row]


def _regimes(state: State, name: str, symbol: Symbol, at: At, daily: bool) -> list[Event]:
    facts = _said(state, s2.FEATURE, lambda: _s2(state, name, at))
    if not daily:
        facts += _said(state, "regime_s1", lambda: _s1(state, name, symbol, at))
    else:
        facts += _said(state, "regime_s0", lambda: _s0(state, name, symbol, at))
    return facts


def _s2(state: State, name: str, at: At) -> list[Event]:
    symbol, v = state.symbols[name], state.vol
    seen = s2.Seen(
        vix_now=v.close,
        vix_close=v.daily_close,
        daily_adx=value(symbol.bank, DAILY, "adx"),
        daily_sma=value(symbol.bank, DAILY, "sma_long"),
        daily_close=value(symbol.bank, DAILY, "close"),
    )
    label, told = s2.detect(seen, state.params.regimes.s2), symbol.told.get(s2.DETECTOR)
    abstain = f"not ready: {', '.join(seen.missing)}" if label is None else None
    if told is not None and told.label == label:
        return []
    return [
        RegimeReport(
            symbol=name,
            detector=s2.DETECTOR,
            version=s2.VERSION,
            label=label,
            previous=None if told is None else told.label,
            posterior={} if label is None else {label: 1.0},
            as_of_ns=at.ts_ns,
            stable_since_ns=at.ts_ns,
            abstain=abstain,
            why=seen.numbers(),
        )
    ]


def _s1(state: State, name: str, symbol: Symbol, at: At) -> list[Event]:
    now, told = symbol.s1, symbol.told.get(s1.DETECTOR)
    if now.label is None and now.abstain is None:
        return []
    label = now.label if now.abstain is None else None
    overlay = now.overlay if now.abstain is None else []
    if told is not None and (told.label, told.overlay, told.abstain) == (label, overlay, now.abstain):
        return []
    return [
        RegimeReport(
            symbol=name,
            detector=s1.DETECTOR,
            version=s1.VERSION,
            label=label,
            previous=None if told is None else told.label,
            posterior={} if label is None else {label: 1.0},
            as_of_ns=at.ts_ns,
            stable_since_ns=now.stable_since_ns,
            abstain=now.abstain,
            overlay=tuple(overlay),
            multiplier=s1.effects(label, overlay)[0],
            why=_why_s1(symbol),
        )
    ]


def _why_s1(symbol: Symbol) -> dict[str, float | None]:
    names = ("adx", "vwap", "momentum", "bb_width", "bb_width_mean")
    return {
        "close": symbol.bank.close,
        "atr_pctl": value(symbol.bank, "1h", "atr_pctl"),
        **{name: value(symbol.bank, "15m", name) for name in names},
    }


def _s0(state: State, name: str, symbol: Symbol, at: At) -> list[Event]:
    """Every session, for the posterior moves; abstention is told when it begins and when its reason changes."""
    p, mixture, told = state.params.regimes.s0, symbol.mixture, symbol.told.get(s0.DETECTOR)
    label: str | None = None
    abstain: str | None = symbol.no_mixture
    posterior: dict[str, float] = {}
    if mixture is not None and mixture.posterior is not None:
        posterior = s0.by_label(mixture.posterior, mixture.labels)
        label, abstain = s0.report(posterior, p)
    elif mixture is not None:
        abstain = "a feature of the mixture is missing"
    if label is None and told is not None and told.label is None and told.abstain == abstain:
        return []
    since_ns = told.stable_since_ns if told is not None and told.label == label else at.ts_ns
    return [
        RegimeReport(
            symbol=name,
            detector=s0.DETECTOR,
            version=s0.VERSION,
            label=label,
            previous=None if told is None else told.label,
            posterior=posterior,
            as_of_ns=at.ts_ns,
            stable_since_ns=since_ns,
            abstain=abstain,
            multiplier=None if label is None else by_label(label, state.params.multipliers),
            why=s0.numbers(symbol.daily),
        )
    ]


__all__: Sequence[str] = ["Told", "failures", "of_bars"]
