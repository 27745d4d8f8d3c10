"""A chain frame as strategies see it, and what its expiries say of forward and smile."""

from types import MappingProxyType

from contango_common.domain.at import At
from contango_common.domain.sessions import days_between
from contango_common.events.market import ChainFrame
from contango_common.events.signal import SurfaceFitted
from contango_signals.chainview import Expiry, Slice, atm_vol, expiries, slice_of
from contango_signals.deciding import five_state, labels_of
from contango_signals.features import values_of
from contango_signals.state import OpenPosition, State
from contango_signals.strategies.spec import Held, View


def held_series(state: State, underlying: str) -> set[str]:
    return {series for p in state.positions.values() if p.underlying == underlying for series in p.series}


def view_of(state: State, frame: ChainFrame, at: At, *, from_dte: int | None) -> View:
    """The frame with its held expiries and, from ``from_dte`` days on, those that may be opened (None: none)."""
    wanted, held = [], []
    mine = held_series(state, frame.underlying)
    for expiry in expiries(frame.contract_columns()):
        if expiry.expiry_ns <= at.ts_ns:
            continue
        if from_dte is not None and days_between(frame.session_date, expiry.expiry_date) >= from_dte:
            wanted.append(expiry)
        elif f"{frame.roots[expiry.root_index]}:{expiry.expiry_date}" in mine:
            held.append(expiry)
    symbol = frame.underlying
    return View(
        underlying=symbol,
        spot=frame.spot,
        now_ns=at.ts_ns,
        session_date=frame.session_date,
        roots=frame.roots,
        specs=tuple(state.roots.get(root) for root in frame.roots),
        contracts=frame.contract_columns(),
        quotes=frame.quote_columns(),
        slices=_slices(state, frame, wanted, at),
        held=_slices(state, frame, held, at),
        regime=five_state(state, symbol),
        values=MappingProxyType(values_of(state, symbol)),
        labels=labels_of(state, symbol),
        positions=tuple(held_of(key, p) for key, p in state.positions.items() if _is_held(p, symbol)),
        tradable=state.tradable.get(symbol, False),
        asset_tick_micros=state.tick_micros.get(symbol, 10_000),
    )


def held_of(position_id: str, p: OpenPosition) -> Held:
    return Held(
        position_id=position_id,
        strategy=p.strategy,
        kind=p.kind,
        instruments=tuple(p.instruments),
        ratios=tuple(p.ratios),
        quantity=p.quantity,
        opened_ns=p.opened_ns,
        entry_ticks=p.entry_ticks,
        adjusted=tuple(p.adjusted),
    )


def _is_held(p: OpenPosition, symbol: str) -> bool:
    return p.underlying == symbol and p.lapses_ns is None and not p.closing


def _slices(state: State, frame: ChainFrame, wanted: list[Expiry], at: At) -> tuple[Slice, ...]:
    """None without a rate, or for a root that nobody listed."""
    rate = state.rates.get(frame.underlying)
    if rate is None:
        return ()
    found = []
    for expiry in wanted:
        root = state.roots.get(frame.roots[expiry.root_index])
        if root is not None:
            found.append(
                slice_of(
                    expiry,
                    frame.contract_columns(),
                    frame.quote_columns(),
                    spot=frame.spot,
                    now_ns=at.ts_ns,
                    tick_micros=root.tick_micros,
                    rate_annual=rate.rate_annual,
                )
            )
    return tuple(found)


def fitted(view: View, s: Slice) -> SurfaceFitted:
    """What one expiry's quotes say, as a fact."""
    return SurfaceFitted(
        underlying=view.underlying,
        root=view.roots[s.expiry.root_index],
        expiry_date=s.expiry.expiry_date,
        expiry_ns=s.expiry.expiry_ns,
        forward=s.forward,
        atm_iv_annual=atm_vol(s),
        rms_vol=None if s.smile is None else s.smile.rms_vol,
        quotes=0 if s.smile is None else int(s.smile.quotes),
        smile=() if s.smile is None else tuple(s.smile),
        reason=s.reason,
    )
