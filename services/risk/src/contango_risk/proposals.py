"""A proposal's way: kept as a draft, judged by every limit, sized by the smallest size, approved or refused."""

from fractions import Fraction
from math import floor

from contango_common.events.base import Event
from contango_common.events.risk import Approved, Refused
from contango_common.events.signal import Proposal
from contango_risk.exits import roll
from contango_risk.intent import OpenRisk
from contango_risk.ledger import holding, leg_of
from contango_risk.limits import judge
from contango_risk.look import look
from contango_risk.maxloss import max_loss_micros
from contango_risk.sizing import sizes
from contango_risk.state import Asset, Context, Entry, RiskState
from contango_risk.unit import unit_greeks


def draft_of(state: RiskState, proposal: Proposal, ts_ns: int) -> Entry:
    """The record that an approval will keep, with the maximum loss and the Greeks of one unit by our own count."""
    entry = Entry(
        position_id=proposal.proposal_id,
        proposal_id=proposal.proposal_id,
        strategy=proposal.strategy,
        kind=proposal.kind,
        underlying=proposal.underlying,
        instruments=list(proposal.instruments),
        ratios=list(proposal.ratios),
        multiplier=proposal.multiplier,
        tick_micros=proposal.tick_micros,
        quantity=0,
        limit_ticks=proposal.limit_ticks,
        unit_max_loss_micros=0,
        defined_risk=True,
        unit_greeks=None,
        expiry_ns=proposal.expiry_ns,
        last_trade_ns=proposal.last_trade_ns,
        valid_until_ns=proposal.valid_until_ns,
        regime=proposal.regime,
        why=dict(proposal.why),
        quantity_cap=proposal.quantity_cap,
        multipliers=dict(proposal.multipliers),
        adjusts=proposal.adjusts,
        closes=proposal.closes,
        context=Context(
            entry_parameters=dict(proposal.entry_parameters),
            module_specific_params=dict(proposal.module_specific_params),
            market_context=dict(proposal.market_context),
            alternatives=dict(proposal.alternatives),
        ),
    )
    entry.why |= {f"shadow.{name}": factor for name, factor in proposal.shadow_multipliers.items()}
    _set_max_loss(entry, proposal.max_loss_ticks, state.assets)
    entry.unit_greeks = unit_greeks(entry, state.assets.get(entry.underlying), state.smiles, ts_ns)
    return entry


def decide_proposal(state: RiskState, proposal: Proposal, ts_ns: int) -> list[Event]:
    """Approved with every size, or Refused with every reason; a roll that is approved asks for the exit of the old one.

    A roll is judged with both positions counted, in heat, Greeks and number alike, for nobody knows when the old one
    will be closed: it exceeds no limit whichever order fills first, or if one of them never does. A book that is full
    does not roll; the old position then leaves by its own exits.
    """
    entry = state.ledger.drafts[proposal.proposal_id]
    seen = look(state, entry, ts_ns)
    reasons, numbers = judge(seen)
    possible = sizes(seen) if entry.defined_risk and entry.unit_max_loss_micros > 0 else {}
    reasons += [f"size_{name}" for name, size in possible.items() if size <= 0]
    quantity, scaled = _scaled(entry, min(possible.values(), default=0))
    numbers["multiplier"] = None if scaled is None else scaled[1]
    if scaled is not None:
        possible = {**possible, "multiplied": quantity}
        if quantity <= 0 and not any(reason.startswith("size_") for reason in reasons):
            reasons.append(f"size_multiplier_{scaled[0]}")
    numbers["unit_max_loss_usd"] = entry.unit_max_loss_micros / 1e6
    numbers["heat_usd"] = seen.heat_micros / 1e6
    numbers["equity_usd"] = seen.equity_micros / 1e6
    if reasons:
        return [
            Refused(
                proposal_id=proposal.proposal_id,
                strategy=proposal.strategy,
                underlying=proposal.underlying,
                reasons=tuple(reasons),
                limits=numbers,
            )
        ]
    approved = _approved(_open_risk(entry, quantity), proposal, possible, numbers)
    old = state.ledger.positions.get(entry.adjusts or "") if entry.closes else None
    closing = None if old is None else roll(state, old, ts_ns)
    return [approved] if closing is None else [approved, closing]


def _scaled(entry: Entry, size: int) -> tuple[int, tuple[str, float] | None]:
    """Units after the smallest multiplier, rounded down, and which it is; one above 1 never enlarges anything.

    The factor is taken as the decimal it is written as: 0.29 of 100 units are 29, not 28.
    """
    if not entry.multipliers:
        return size, None
    name = min(entry.multipliers, key=lambda key: (entry.multipliers[key], key))
    factor = min(1.0, max(0.0, entry.multipliers[name]))
    return floor(size * Fraction(repr(factor))), (name, factor)


def _open_risk(entry: Entry, quantity: int) -> OpenRisk:
    """The only place where risk that opens comes into being."""
    return OpenRisk(
        position_id=entry.position_id,
        instruments=tuple(entry.instruments),
        ratios=tuple(entry.ratios),
        quantity=quantity,
        limit_ticks=entry.limit_ticks,
        max_loss_micros=entry.unit_max_loss_micros * quantity,
    )


def _approved(
    intent: OpenRisk, proposal: Proposal, possible: dict[str, int], numbers: dict[str, float | None]
) -> Approved:
    return Approved(
        proposal_id=proposal.proposal_id,
        position_id=intent.position_id,
        strategy=proposal.strategy,
        underlying=proposal.underlying,
        instruments=intent.instruments,
        ratios=intent.ratios,
        multiplier=proposal.multiplier,
        tick_micros=proposal.tick_micros,
        quantity=intent.quantity,
        limit_ticks=intent.limit_ticks,
        max_loss_micros=intent.max_loss_micros,
        sizes=possible,
        limits=numbers,
        valid_until_ns=proposal.valid_until_ns,
    )


def _set_max_loss(entry: Entry, proposed_ticks: int, assets: dict[str, Asset]) -> None:
    """Of one unit bought at the limit; never less than the proposal itself says."""
    legs = [leg_of(name, ratio) for name, ratio in zip(entry.instruments, entry.ratios, strict=True)]
    unit_micros = entry.tick_micros * entry.multiplier
    if not any(leg.is_option for leg in legs):
        asset = assets.get(entry.underlying)
        unit_micros = unit_micros * (asset.lot_micros if asset else 1_000_000) // 1_000_000
    ours = max_loss_micros(-entry.limit_ticks * unit_micros, [holding(entry, leg, leg.ratio, assets) for leg in legs])
    entry.defined_risk = ours is not None
    entry.unit_max_loss_micros = max(ours or 0, proposed_ticks * unit_micros)
