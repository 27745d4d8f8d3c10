"""The market's regime by intraday rules, on closed 15-minute bars.

    ADX > 30, close on one side of the VWAP and momentum on the same       TRENDING_BULLISH, TRENDING_BEARISH
    ADX < 20 and the ATR's percentile < 40                                 RANGING
    else                                                                   UNCERTAIN: no new entries, exits by their
    rules

VOLATILE is an overlay beside the label, raised when the ATR's percentile is above 80: a wild market may trend, and both
must be said. It halves sizes and raises thresholds by 30 %. A change counts when it has stood for 15 minutes. Without
an input the rules abstain.
"""

from dataclasses import dataclass, field

from contango_common.domain.declare import Section, param

DETECTOR, VERSION = "s1", 1
LABELS = ("TRENDING_BULLISH", "TRENDING_BEARISH", "RANGING", "UNCERTAIN")
VOLATILE = "VOLATILE"
MINUTE_NS = 60_000_000_000


class S1Params(Section):
    """Edges of the rules."""

    adx_trend: float = param(30.0, "ADX above it is a trend", unit="ADX points", ge=0, le=100, tune=(25, 35))
    adx_range: float = param(20.0, "ADX below it is no trend", unit="ADX points", ge=0, le=100, tune=(15, 25))
    atr_pctl_range: float = param(40.0, "percentile of the ATR below it is calm", unit="points of 100", ge=0, le=100)
    atr_pctl_volatile: float = param(80.0, "percentile of the ATR above it is wild", unit="points of 100", ge=0, le=100)
    require_wide_bands: bool = param(False, "VOLATILE needs bands wider than width_ratio times their mean as well")
    width_ratio: float = param(2.0, "width of the bands over their mean that is wide", unit="ratio", gt=0, le=100)
    stable_minutes: int = param(15, "a change stands before it counts", unit="minutes", ge=0, le=1440)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one bar; ``abstain`` is the reason why there is no label."""

    label: str | None
    overlay: tuple[str, ...] = ()
    abstain: str | None = None


@dataclass(frozen=True, slots=True)
class S1State:
    """The label in force since ``stable_since_ns``, and the one that wants to follow since ``since_ns``; overlays too.

    ``abstain`` is the reason why nothing can be said now; the label before the silence is kept for what comes after it.
    """

    label: str | None = None
    overlay: list[str] = field(default_factory=list)
    abstain: str | None = None
    stable_since_ns: int = 0
    candidate: str | None = None
    since_ns: int = 0
    overlay_candidate: list[str] | None = None
    overlay_since_ns: int = 0


def classify(
    *,
    adx: float | None,
    atr_pctl: float | None,
    close: float | None,
    vwap: float | None,
    momentum: float | None,
    width: float | None,
    width_mean: float | None,
    p: S1Params,
) -> Verdict:
    """The rules on one closed bar.

    >>> bar = {"adx": 35.0, "atr_pctl": 85.0, "close": 101.0, "vwap": 100.0, "momentum": 0.01}
    >>> classify(**bar, width=1.0, width_mean=1.0, p=S1Params())
    Verdict(label='TRENDING_BULLISH', overlay=('VOLATILE',), abstain=None)
    """
    needed = {"adx": adx, "atr_pctl": atr_pctl, "close": close, "vwap": vwap, "momentum": momentum}
    missing = [name for name, x in needed.items() if x is None]
    if adx is None or atr_pctl is None or close is None or vwap is None or momentum is None:
        return Verdict(None, (), f"not ready: {', '.join(missing)}")
    wide = width is not None and width_mean is not None and width > p.width_ratio * width_mean
    wild = atr_pctl > p.atr_pctl_volatile and (wide or not p.require_wide_bands)
    overlay = (VOLATILE,) if wild else ()
    if adx > p.adx_trend and close > vwap and momentum > 0.0:
        return Verdict("TRENDING_BULLISH", overlay)
    if adx > p.adx_trend and close < vwap and momentum < 0.0:
        return Verdict("TRENDING_BEARISH", overlay)
    if adx < p.adx_range and atr_pctl < p.atr_pctl_range:
        return Verdict("RANGING", overlay)
    return Verdict("UNCERTAIN", overlay)


def step(state: S1State, verdict: Verdict, ts_ns: int, p: S1Params) -> S1State:
    """After one bar: the first label counts at once, another when it has stood long enough. An overlay stands and falls
    by itself: a flickering one does not hold up the label, nor the label the overlay.

    A bar that cannot be judged proves nothing: what was about to change has to stand anew behind it.
    """
    if verdict.label is None:
        return S1State(state.label, state.overlay, verdict.abstain, state.stable_since_ns)
    wanted = list(verdict.overlay)
    if state.label is None:
        return S1State(verdict.label, wanted, None, ts_ns)
    since_ns = state.since_ns if state.candidate == verdict.label else ts_ns
    overlay_since_ns = state.overlay_since_ns if state.overlay_candidate == wanted else ts_ns
    stable_ns = p.stable_minutes * MINUTE_NS
    moves = verdict.label != state.label and ts_ns - since_ns >= stable_ns
    waits = verdict.label != state.label and not moves
    turns = wanted != state.overlay and ts_ns - overlay_since_ns >= stable_ns
    lingers = wanted != state.overlay and not turns
    return S1State(
        label=verdict.label if moves else state.label,
        overlay=wanted if turns else state.overlay,
        stable_since_ns=ts_ns if moves else state.stable_since_ns,
        candidate=verdict.label if waits else None,
        since_ns=since_ns if waits else 0,
        overlay_candidate=wanted if lingers else None,
        overlay_since_ns=overlay_since_ns if lingers else 0,
    )


def five_label(label: str | None, overlay: tuple[str, ...] | list[str]) -> str:
    """The source's one label out of five: a trend keeps its name, otherwise VOLATILE hides what is under it.

    >>> five_label("RANGING", ("VOLATILE",)), five_label("TRENDING_BEARISH", ("VOLATILE",))
    ('VOLATILE', 'TRENDING_BEARISH')
    """
    if label in ("TRENDING_BULLISH", "TRENDING_BEARISH"):
        return label
    return VOLATILE if VOLATILE in overlay else label or "UNCERTAIN"


def effects(label: str | None, overlay: tuple[str, ...] | list[str] | None) -> tuple[float, float]:
    """(size factor, threshold factor): a volatile market halves sizes and raises thresholds by 30 %.

    >>> effects("RANGING", ("VOLATILE",))
    (0.5, 1.3)
    """
    return (0.5, 1.3) if VOLATILE in (overlay or ()) else (1.0, 1.0)
