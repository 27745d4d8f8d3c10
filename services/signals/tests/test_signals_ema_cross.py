"""The EMA cross against a slow twin, and its life with a book that fills at once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.domain.at import At
from contango_common.events.base import Event
from contango_common.events.market import AssetListed, Bars, FeedState
from contango_common.events.risk import TradeClosed
from contango_common.events.signal import ExitSignal, FeatureRow, Proposal, Scan
from contango_common.events.system import ParametersChanged, TradingStarted
from contango_common.runtime.fold import evolve, step
from contango_common.runtime.snapshot import StateCodec
from contango_signals import fold
from contango_signals.state import State
from support.signals_world import approved, opened

FAST, SLOW, STEP_NS = 3, 6, 300 * 10**9
PARAMS = {
    "strategies": {"ema_cross": {"fast": FAST, "slow": SLOW, "quantity_cap": 7}},
    "feature_row_every_s": 0,
    "bar_timeframe_s": 300,
    "assets": ["ES"],
}


def begin() -> State:
    state = fold.initial()
    events: tuple[Event, ...] = (
        ParametersChanged(params={"signals": PARAMS}, reason="test"),
        AssetListed(symbol="ES", kind="stock", tick_micros=250_000),
        FeedState(underlying="ES", state="live"),
        TradingStarted(),
    )
    step(fold, state, events, At(1, 1, "control.test"))
    return state


def bar(close: float, symbol: str = "ES") -> Bars:
    one = (close,)
    return Bars(timeframe_s=300, symbols=(symbol,), open=one, high=one, low=one, close=one)


def drive(state: State, closes: list[float], first: int = 1) -> list[tuple[int, str]]:
    """Every proposal is filled at once and every exit too; instants count from ``first``."""
    log = []
    for i, close in enumerate(closes, first):
        at = At(i * STEP_NS, i, "md")
        facts, _ = step(fold, state, (bar(close),), at)
        for fact in facts:
            if not isinstance(fact, Scan):
                log.append((i, type(fact).__name__))
            answer(state, fact, at)
    return log


def answer(state: State, fact: Event, at: At) -> None:
    if isinstance(fact, Proposal):
        known = (fact.proposal_id, fact.strategy, fact.underlying)
        evolve(fold, state, approved(*known, fact.valid_until_ns), at)
        evolve(fold, state, opened(*known), at)
    elif isinstance(fact, ExitSignal):
        (held,) = state.positions
        evolve(fold, state, TradeClosed.model_construct(position_id=held), at)


def averages(closes: list[float], window: int) -> list[float | None]:
    """Slow twin: mean of the first ``window``, then the recursion, each written out anew."""
    out: list[float | None] = []
    for n in range(1, len(closes) + 1):
        if n < window:
            out.append(None)
            continue
        mean = sum(closes[:window]) / window
        for x in closes[window:n]:
            mean = mean + 2.0 / (window + 1) * (x - mean)
        out.append(mean)
    return out


def twin(closes: list[float]) -> list[tuple[int, str]]:
    log, side, held = [], 0, False
    for i, (fast, slow) in enumerate(zip(averages(closes, FAST), averages(closes, SLOW), strict=True), 1):
        if fast is None or slow is None or fast == slow:
            continue
        now = 1 if fast > slow else -1
        if side == -now and now > 0 and not held:
            log.append((i, "Proposal"))
            held = True
        elif side == -now and now < 0 and held:
            log.append((i, "ExitSignal"))
            held = False
        side = now
    return log


# Whole numbers far apart keep the averages away from ties that rounding could turn.
paths = st.lists(st.integers(50, 150).map(lambda k: k + k * k / 997.0), min_size=1, max_size=120)


@settings(deadline=None)
@given(paths)
def test_against_the_twin(closes: list[float]) -> None:
    assert drive(begin(), closes) == twin(closes)


@settings(deadline=None, max_examples=40)
@given(paths, st.integers(0, 120))
def test_restart_at_any_cut(closes: list[float], cut: int) -> None:
    whole = drive(begin(), closes)
    state, codec = begin(), StateCodec(fold)
    first = drive(state, closes[:cut])
    assert first + drive(codec.load(codec.dump(state)), closes[cut:], len(closes[:cut]) + 1) == whole


SWING = [100.0] * 6 + [90.0, 89.0, 95.0, 110.0, 120.0, 80.0, 60.0]


def test_the_proposal() -> None:
    state = begin()
    found = []
    for i, close in enumerate(SWING, 1):
        facts, _ = step(fold, state, (bar(close),), At(i * STEP_NS, i, "md"))
        found += facts
    looked, proposal = found  # no exit: nobody opened it
    assert isinstance(looked, Scan)
    assert (looked.strategy, looked.candidates, looked.proposed, looked.kills) == ("ema_cross", 1, True, {})
    assert isinstance(proposal, Proposal)
    assert len(proposal.entry_parameters) >= 10
    assert proposal.module_specific_params
    assert proposal.market_context
    assert proposal.alternatives
    assert proposal.kind == "single"
    assert proposal.instruments == ("ES",)
    assert proposal.quantity_cap == 7
    assert proposal.tick_micros == 250_000
    assert proposal.mid_ticks == 110.0 * 4
    assert proposal.limit_ticks == proposal.max_loss_ticks == 445  # ceil(440 · 1.01)
    assert proposal.valid_until_ns > 10 * STEP_NS


def test_no_features_are_computed_when_nothing_wants_them() -> None:
    state = begin()
    assert not any(name == FeatureRow.__name__ for _, name in drive(state, SWING))
    assert state.symbols == {}


def test_nothing_on_another_symbol_or_a_stale_feed() -> None:
    state = begin()
    evolve(fold, state, FeedState(underlying="ES", state="stale"), At(1, 1, "md"))
    assert drive(state, SWING) == []
    other = begin()
    for i, close in enumerate(SWING, 1):
        assert step(fold, other, (bar(close, "NQ"),), At(i * STEP_NS, i, "md"))[0] == []
