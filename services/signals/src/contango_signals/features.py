"""Every feature of a symbol by name: what a ``FeatureRow`` holds, and what strategies and gates are shown.

``<output>_<timeframe>`` for the indicators (see ``contango_quant.stream.bank``), then what belongs to no timeframe.
What is not ready is None; no fact ever carries a nan.
"""

from contango_quant.fuzzy.confidence import FACTORS
from contango_quant.fuzzy.effective import effective
from contango_signals.bank import values_of as frame_values
from contango_signals.history import percentile_of_last, range_volatility
from contango_signals.profile import in_low_volume, key_level
from contango_signals.state import ForecastSeen, State, Symbol
from contango_signals.volindex import iv_rank
from contango_signals.volstate import MONTH_SESSIONS, is_stationary, iv_rv_spread, ou_signal, ou_z, vrp_ratio

RANGE_SESSIONS = (1, 5, 22)  # a day, a week, a month
Values = dict[str, float | None]


def values_of(state: State, name: str) -> Values:
    """All features of one symbol now; those of the market alone where the symbol has no bars."""
    symbol = state.symbols.get(name)
    values: Values = {}
    if symbol is not None:
        values["close"], values["volume"] = symbol.bank.close, symbol.bank.volume
        for timeframe in symbol.bank.frames:
            values.update({f"{key}_{timeframe}": x for key, x in frame_values(symbol.bank, timeframe).items()})
        values.update(_own(state, symbol))
    values.update(_market(state, name, values.get("realised_vol_1d")))
    return values


def session_values(state: State, name: str) -> Values:
    """The features at a session's end: all of them, and what only daily bars say."""
    values, symbol = values_of(state, name), state.symbols.get(name)
    if symbol is not None:
        for sessions in RANGE_SESSIONS:
            values[f"range_vol_{sessions}_1d"] = range_volatility(
                symbol.daily, sessions, state.params.sessions_per_year
            )
    return values


def sigma_percentile(state: State, symbol: Symbol) -> float | None:
    """Percentile of realised volatility within its own window."""
    return percentile_of_last(symbol.daily.rvs, state.params.fuzzy.sigma_window)


def _own(state: State, symbol: Symbol) -> Values:
    values: Values = {
        f"bars_incomplete_{t}": float(f.incomplete) for t, f in symbol.bank.frames.items() if f.incomplete
    }
    values["rv_pctl_252"] = percentile_of_last(symbol.daily.rvs, 252)
    if symbol.memberships is not None:
        weights = state.params.fuzzy.weights
        values["fuzzy_effective"] = effective(symbol.memberships, [weights.get(name, 0.0) for name in FACTORS])
    for threshold, level in symbol.thresholds.current.items():
        values[f"threshold_{threshold}"] = level
    levels, close = symbol.levels, symbol.bank.close
    if levels is not None and close is not None:
        values["poc"], values["value_low"], values["value_high"] = levels.poc, levels.value_low, levels.value_high
        values["in_low_volume"] = float(in_low_volume(levels, close))
        values["at_key_level"] = float(key_level(levels, close, state.params.profile) is not None)
    return values


def _market(state: State, name: str, realised: float | None) -> Values:
    v, place, reversion = state.vol, iv_rank(state.vol), state.reversion
    window = state.params.iv_rank_window_sessions
    values: Values = {"vol_index": v.close}
    values[f"iv_rank_{window}"], values[f"iv_pctl_{window}"] = place.rank, place.percentile
    values["iv_percentile"] = place.percentile
    values["iv_rank_count"] = float(place.count)
    values["iv_rv_spread"] = iv_rv_spread(v.close, realised)
    values["vrp_month"] = vrp_ratio(v.close, median_variance(state.forecasts.get(name)))
    if reversion is not None:
        still = is_stationary(reversion.adf_p, reversion.kpss_p, state.params.volatility)
        values["ou_z"] = ou_z(v.close, reversion.mean, reversion.sd) if still else None
        values["ou_signal"] = ou_signal(values["ou_z"], state.params.volatility)
        values["ou_adf_p"], values["ou_kpss_p"] = reversion.adf_p, reversion.kpss_p
    seen, symbol = state.divergence, state.symbols.get(name)
    if seen is not None and symbol is not None and seen.spot_ns == seen.future_ns == symbol.bank.bar_ns:
        values["divergence"], values["divergence_z"], values["divergence_plain"] = seen.deviation, seen.z, seen.plain
    for other, close in v.others.items():
        values[other.lower()] = close
        values[f"vix_to_{other.lower()}"] = None if v.close is None or not close else v.close / close
    return values


def median_variance(forecast: ForecastSeen | None) -> float | None:
    """Annual variance at the median level for the horizon nearest to a month."""
    if forecast is None or not forecast.levels:
        return None
    level = min(range(len(forecast.levels)), key=lambda i: abs(forecast.levels[i] - 0.5))
    horizons = forecast.horizons_sessions
    horizon = min(range(len(horizons)), key=lambda i: abs(horizons[i] - MONTH_SESSIONS))
    return forecast.variance_quantiles[horizon][level]
