"""Each strategy's share of a run, and what the factors of the confidence contributed. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from contango_common.domain.money import to_units
from contango_research.tally import Stamped, Tally

PREFIX = "fuzzy."


@dataclass(frozen=True, slots=True)
class Share:
    """One strategy: sessions it was selected for, its scans and candidates, proposals, approvals, trades and their P&L.

    ``pnl_share`` is of the sum of all strategies' absolute P&L; None without a trade.
    """

    strategy: str
    selected: int
    scans: int
    candidates: int
    proposals: int
    approvals: int
    trades: int
    wins: int
    pnl_usd: float
    fees_usd: float
    pnl_share: float | None


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of the confidence: its mean contribution over all scans, and in trades that won and that lost.

    ``gap`` is winners less losers: a description of these trades, not evidence that the factor helps.
    """

    name: str
    scans: int
    mean: float
    won: float | None
    lost: float | None

    @property
    def gap(self) -> float | None:
        return None if self.won is None or self.lost is None else self.won - self.lost


def shares(tally: Tally) -> list[Share]:
    """Every strategy that was selected, scanned, proposed or traded; most P&L, by size, first."""
    selected = Counter(name for s in tally.selections for name in s.event.selected)
    scans = Counter(s.event.strategy for s in tally.scans)
    candidates: Counter[str] = Counter()
    for scan in tally.scans:
        candidates[scan.event.strategy] += scan.event.candidates
    proposals = Counter(p.event.strategy for p in tally.proposals)
    approvals = Counter(p.event.strategy for p in tally.approvals)
    pnl: dict[str, list[Any]] = {}
    for trade in tally.trades:
        pnl.setdefault(trade.event.strategy, []).append(trade.event)
    total = sum(abs(to_units(sum(t.pnl_micros for t in trades))) for trades in pnl.values())
    names = dict.fromkeys([*pnl, *proposals, *scans, *selected])
    found = []
    for name in names:
        trades = pnl.get(name, [])
        usd = to_units(sum(t.pnl_micros for t in trades))
        found.append(
            Share(
                strategy=name,
                selected=selected[name],
                scans=scans[name],
                candidates=candidates[name],
                proposals=proposals[name],
                approvals=approvals[name],
                trades=len(trades),
                wins=sum(t.pnl_micros > 0 for t in trades),
                pnl_usd=usd,
                fees_usd=to_units(sum(t.fees_micros for t in trades)),
                pnl_share=abs(usd) / total if trades and total else None,
            )
        )
    return sorted(found, key=lambda s: (-abs(s.pnl_usd), -s.trades, -s.scans, s.strategy))


def factors(tally: Tally) -> list[Factor]:
    """Every factor that a scan gave, largest mean contribution first."""
    seen = _columns([s.event.why for s in tally.scans])
    won = _columns([t.event.entry_why for t in tally.trades if t.event.pnl_micros > 0])
    lost = _columns([t.event.entry_why for t in tally.trades if t.event.pnl_micros <= 0])
    found = [Factor(name, len(xs), fmean(xs), _mean(won.get(name)), _mean(lost.get(name))) for name, xs in seen.items()]
    return sorted(found, key=lambda f: (-f.mean, f.name))


def exclusions(selections: Sequence[Stamped[Any]]) -> Counter[tuple[str, str]]:
    """(strategy, reason) of every session in which the selector left a strategy out."""
    return Counter(pair for s in selections for pair in s.event.excluded.items())


def _columns(whys: Sequence[dict[str, float | None]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for why in whys:
        for key, x in why.items():
            if key.startswith(PREFIX) and x is not None:
                found.setdefault(key.removeprefix(PREFIX), []).append(x)
    return found


def _mean(xs: list[float] | None) -> float | None:
    return fmean(xs) if xs else None
