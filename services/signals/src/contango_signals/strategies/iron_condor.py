"""Iron condor: a put and a call sold at a wanted delta, each with a wing bought further out, one expiry.

Strikes come from the frame's own chain: the sold legs are those whose spot delta, from their own quote, is nearest to
the wanted one inside the hard band; the wings are the first usable strikes at least the regime's width away.
"""

import numpy as np

from contango_common.domain.chain import id_at
from contango_common.domain.sessions import days_between
from contango_common.domain.structure import iron_condor
from contango_signals.chainview import Slice
from contango_signals.params import SignalsParams
from contango_signals.strategies.spec import Candidate, Spec, View


def propose(view: View, params: SignalsParams) -> list[Candidate]:
    """One condor per wanted delta on the expiry nearest to the target; fewer where the chain does not carry it."""
    best = _nearest_expiry(view, params)
    if best is None:
        return []
    step = params.short_delta_step
    wanted = {0.0: params.short_delta, -step: params.short_delta - step, step: params.short_delta + step}
    found: dict[tuple[int, ...], Candidate] = {}
    for offset, delta in wanted.items():
        candidate = _condor(view, best, delta, abs(offset), params)
        if candidate is not None:
            found.setdefault(candidate.rows, candidate)
    return list(found.values())


def _nearest_expiry(view: View, params: SignalsParams) -> Slice | None:
    with_forward = [s for s in view.slices if s.forward is not None]
    if not with_forward:
        return None
    return min(
        with_forward,
        key=lambda s: (abs(days_between(view.session_date, s.expiry.expiry_date) - params.dte_target), s.t_years),
    )


def _condor(view: View, s: Slice, delta: float, off_target: float, params: SignalsParams) -> Candidate | None:
    put, call = _sold(s, False, delta, params), _sold(s, True, delta, params)
    if put is None or call is None:
        return None
    fraction = params.wing_width.get(view.regime or "", params.wing_width_default)
    width = max(fraction, params.wing_width_min) * view.spot
    low, high = _wing(s, put, -width), _wing(s, call, width)
    if low is None or high is None:
        return None
    return _candidate(view, s, (low, put, call, high), off_target)


def _sold(s: Slice, is_call: bool, delta: float, params: SignalsParams) -> int | None:
    """Position of the option to sell, or None when no delta lies in the band."""
    size = np.abs(s.delta)
    rows = np.flatnonzero((s.is_call == is_call) & (size >= params.delta_min) & (size <= params.delta_max))
    return int(rows[np.argmin(np.abs(size[rows] - delta))]) if len(rows) else None


def _wing(s: Slice, sold: int, distance: float) -> int | None:
    """Position of the nearest option of the same right at least ``distance`` further out."""
    limit = s.strike[sold] + distance
    away = s.strike >= limit if distance > 0 else s.strike <= limit
    rows = np.flatnonzero((s.is_call == s.is_call[sold]) & away)
    return int(rows[np.argmin(np.abs(s.strike[rows] - limit))]) if len(rows) else None


def _candidate(view: View, s: Slice, at: tuple[int, int, int, int], off_target: float) -> Candidate:
    rows = tuple(int(s.rows[i]) for i in at)
    names = [id_at(view.contracts, view.roots, row) for row in rows]
    legs = iron_condor(
        view.underlying, long_put=names[0], short_put=names[1], short_call=names[2], long_call=names[3]
    ).legs
    low, put, call, high = (float(s.strike[i]) for i in at)
    why = {
        "dte": float(days_between(view.session_date, s.expiry.expiry_date)),
        "long_put": low,
        "short_put": put,
        "short_call": call,
        "long_call": high,
        "short_put_delta": float(s.delta[at[1]]),
        "short_call_delta": float(s.delta[at[2]]),
        "short_put_vol": float(s.vol[at[1]]),
        "short_call_vol": float(s.vol[at[2]]),
        "forward": s.forward,
    }
    return Candidate(
        kind=SPEC.kind,
        expiry=s.expiry,
        slice=s,
        instruments=tuple(leg.instrument for leg in legs),
        rows=rows,
        ratios=tuple(leg.ratio for leg in legs),
        off_target=off_target,
        short_put=put,
        short_call=call,
        narrow_width=min(put - low, high - call),
        width=max(put - low, high - call),
        why=why,
    )


SPEC = Spec(name="iron_condor", kind="iron_condor", on="chain", credit=True, propose=propose)
