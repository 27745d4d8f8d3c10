"""The limits on opening risk: one rule = one row. All are evaluated; a refusal lists all that failed."""

from collections.abc import Callable

from contango_common.domain.instrument import is_option_id
from contango_common.domain.money import MICROS
from contango_risk.ledger import leg_of
from contango_risk.look import Look

Verdict = tuple[bool, float | None, float | None]  # holds?, the number, the limit
Rule = tuple[str, str, Callable[[Look], Verdict]]


def _flag(holds: bool) -> Verdict:
    return holds, float(not holds), 0.0


def _frame_age(v: Look) -> Verdict:
    asset, limit = v.state.assets.get(v.entry.underlying), float(v.state.params.limits.max_frame_age_s)
    seen_ns = v.state.bars_ns if v.entry.expiry_ns is None else (asset.price_ns if asset else 0)
    if not seen_ns:
        return False, None, limit
    age_s = (v.ts_ns - seen_ns) / 1e9
    return age_s <= limit, age_s, limit


def _feed(v: Look) -> Verdict:
    asset = v.state.assets.get(v.entry.underlying)
    return _flag(asset is None or asset.feed == "live")


def _positions(v: Look) -> Verdict:
    count, limit = len(_held(v)), v.state.params.limits.max_open_positions
    return count < limit, float(count), float(limit)


def _per_underlying(v: Look) -> Verdict:
    count = sum(name == v.entry.underlying for name in _held(v).values())
    limit = v.state.params.limits.max_positions_per_underlying
    return count < limit, float(count), float(limit)


def _drawdown(v: Look) -> Verdict:
    limit, high = v.state.params.limits.max_drawdown, v.state.equity.high_water_micros
    fall = 1.0 - v.equity_micros / high if high > 0 else 0.0
    return limit is None or fall <= limit, max(0.0, fall), limit


def _greeks(v: Look) -> Verdict:
    known = v.entry.unit_greeks is not None and v.book is not None
    return _flag(known or not v.state.params.limits.greek_caps)


def _multiplier(v: Look) -> Verdict:
    """An adjusted contract (another multiplier than its root's) is not what its price says it is."""
    roots = [v.state.roots.get(leg_of(name, 1).root) for name in v.entry.instruments]
    return _flag(all(root is None or root.multiplier == v.entry.multiplier for root in roots))


def _adjusted(v: Look) -> bool | None:
    """Whether the position that the proposal changes is open; None when it changes none."""
    if v.entry.adjusts is None:
        return None
    position = v.state.ledger.positions.get(v.entry.adjusts)
    return position is not None and not position.flat


def _closing(v: Look) -> bool:
    position = v.state.ledger.positions.get(v.entry.adjusts or "")
    return position is not None and position.exit is not None


def _adjusting(v: Look) -> bool:
    """Whether another change of the same position is approved and not final yet."""
    waiting = v.state.ledger.pending.values()
    return v.entry.adjusts is not None and any(p.entry.adjusts == v.entry.adjusts for p in waiting)


def _stock_legs(v: Look) -> list[str]:
    """Instruments beside options that are none; a holding without any option has no stock *leg*."""
    stocks = [name for name in v.entry.instruments if not is_option_id(name)]
    return stocks if len(stocks) < len(v.entry.instruments) else []


def _whole_lots(v: Look) -> bool:
    asset = v.state.assets.get(v.entry.underlying)
    return not _stock_legs(v) or asset is None or asset.lot_micros == MICROS


def _held(v: Look) -> dict[str, str]:
    ledger = v.state.ledger
    held = {key: position.entry.underlying for key, position in ledger.positions.items()}
    return held | {key: pending.entry.underlying for key, pending in ledger.pending.items()}


RULES: tuple[Rule, ...] = (
    ("not_started", "warm-up is over", lambda v: _flag(v.state.started)),
    ("not_funded", "the venue has said what the account holds", lambda v: _flag(v.state.ledger.funded)),
    ("parameters_invalid", "the last parameters were valid", lambda v: _flag(v.state.params_error is None)),
    ("halted", "no person and no mismatch halted trading", lambda v: _flag(v.state.halts.manual is None)),
    ("daily_drawdown", "the session's loss has not halted trading", lambda v: _flag(not v.state.halts.drawdown)),
    ("drawdown", "equity is near enough to its high-water mark", _drawdown),
    ("feed_not_live", "the underlying's feed is live", _feed),
    ("frame_stale", "the underlying was seen a short time ago", _frame_age),
    (
        "order_unknown",
        "no order on the underlying is in an unknown state",
        lambda v: _flag(v.entry.underlying not in v.state.unknown_orders.values()),
    ),
    (
        "proposal_expired",
        "the proposal is still valid",
        lambda v: (v.ts_ns <= v.entry.valid_until_ns, v.ts_ns / 1e9, v.entry.valid_until_ns / 1e9),
    ),
    ("adjusted_position_unknown", "the position to be changed is open", lambda v: _flag(_adjusted(v) is not False)),
    (
        "adjusted_position_closing",
        "the position to be changed is not being closed",
        lambda v: _flag(not _closing(v)),
    ),
    (
        "adjustment_under_way",
        "no other change of that position is still to be filled",
        lambda v: _flag(not _adjusting(v)),
    ),
    (
        "stock_leg_not_underlying",
        "a stock beside options is their underlying, in one leg",
        lambda v: _flag(_stock_legs(v) in ([], [v.entry.underlying])),
    ),
    ("stock_lot_not_one", "a stock beside options trades in whole units", lambda v: _flag(_whole_lots(v))),
    ("already_held", "the proposal is new", lambda v: _flag(v.entry.position_id not in _held(v))),
    ("multiplier_differs", "the contracts have their root's multiplier", _multiplier),
    ("max_loss_not_finite", "the structure can lose a finite amount only", lambda v: _flag(v.entry.defined_risk)),
    (
        "max_loss_not_positive",
        "a structure that cannot lose is a bad quote",
        lambda v: (
            not v.entry.defined_risk or v.entry.unit_max_loss_micros > 0,
            v.entry.unit_max_loss_micros / 1e6,
            0.0,
        ),
    ),
    ("max_open_positions", "positions in the book", _positions),
    ("max_positions_per_underlying", "positions on the underlying", _per_underlying),
    ("greeks_unknown", "Greeks of the book and of the proposal are known", _greeks),
)


def judge(v: Look) -> tuple[list[str], dict[str, float | None]]:
    """Names of the rules that fail, and every rule's number."""
    reasons: list[str] = []
    numbers: dict[str, float | None] = {}
    for name, _, rule in RULES:
        holds, number, _limit = rule(v)
        numbers[name] = number
        if not holds:
            reasons.append(name)
    return reasons, numbers
