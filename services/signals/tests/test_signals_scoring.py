"""Scores of a candidate: weights by regime, the two models of expected profit, the published entry score."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contango_quant.stats.candidate_score import WEIGHTS
from contango_signals.score import DEFAULT_LABEL, NO_SCORES, ScoreParams, binary_ev, entry, ev_component, scores

P = ScoreParams()
BINARY = ScoreParams(ev_model="delta_binary")
NUMBER = st.none() | st.floats(-2.0, 2.0)
UNIT = st.none() | st.floats(0.0, 1.0)
LABELS = st.sampled_from(sorted(WEIGHTS))
VERDICTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.booleans(), max_size=20)


@given(st.none() | st.floats(0.0, 100.0), NUMBER, NUMBER, UNIT, st.none() | LABELS)
def test_laws_of_the_scores(
    percentile: float | None, delta: float | None, credit: float | None, ev: float | None, label: str | None
) -> None:
    found = scores(iv_percentile=percentile, delta=delta, credit_to_width=credit, ev=ev, label=label, p=P)
    assert found.weights == dict(WEIGHTS[label or DEFAULT_LABEL])
    given_ = {"iv": percentile, "delta": delta, "credit": credit, "ev": ev}
    assert {name for name, x in found.parts.items() if x is None} == {n for n, x in given_.items() if x is None}
    present = {name: x for name, x in found.parts.items() if x is not None}
    assert all(0.0 <= x <= 1.0 for x in present.values())
    if not present:
        assert found.total is None
        return
    held = math.fsum(found.weights[name] for name in present)
    assert found.total == pytest.approx(math.fsum(found.weights[name] * x for name, x in present.items()) / held)


@given(LABELS)
def test_a_perfect_candidate_is_perfect_in_every_regime_whatever_is_missing(label: str) -> None:
    whole = scores(iv_percentile=100.0, delta=-0.25, credit_to_width=0.5, ev=1.0, label=label, p=P)
    part = scores(iv_percentile=None, delta=0.25, credit_to_width=None, ev=1.0, label=label, p=P)
    assert whole.total == pytest.approx(1.0)
    assert part.total == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("label", "total"),
    [
        # iv 0.8, delta 1 − 4·0.09 = 0.64, credit 2·0.2 = 0.4, ev 0.5
        ("bull_low_vol", 0.20 * 0.8 + 0.20 * 0.64 + 0.25 * 0.4 + 0.35 * 0.5),
        ("bull_high_vol", 0.25 * 0.8 + 0.35 * 0.64 + 0.20 * 0.4 + 0.20 * 0.5),
        ("bear_low_vol", 0.20 * 0.8 + 0.25 * 0.64 + 0.35 * 0.4 + 0.20 * 0.5),
        ("bear_high_vol", 0.35 * 0.8 + 0.30 * 0.64 + 0.20 * 0.4 + 0.15 * 0.5),
    ],
)
def test_scores_by_hand(label: str, total: float) -> None:
    found = scores(iv_percentile=80.0, delta=0.16, credit_to_width=0.2, ev=0.5, label=label, p=P)
    assert found.parts == pytest.approx({"iv": 0.8, "delta": 0.64, "credit": 0.4, "ev": 0.5})
    assert found.total == pytest.approx(total)


def test_weights_are_the_parameters() -> None:
    rows = {label: {"iv": 0.0, "delta": 0.0, "credit": 0.0, "ev": 1.0} for label in WEIGHTS}
    p = ScoreParams(weights=rows)
    found = scores(iv_percentile=0.0, delta=0.0, credit_to_width=0.0, ev=0.3, label="bear_low_vol", p=p)
    assert found.total == pytest.approx(0.3)


def test_no_part_is_no_score() -> None:
    found = scores(iv_percentile=None, delta=None, credit_to_width=None, ev=None, label=None, p=P)
    assert found.total is None
    assert NO_SCORES.total is None


# Expected profit


@given(st.floats(0.0, 10.0), st.floats(0.1, 10.0), st.floats(-1.0, 1.0), st.floats(0.01, 100.0))
def test_the_published_profit_is_won_or_lost_whole(credit: float, width: float, delta: float, scale: float) -> None:
    """credit·(1 − |δ|) − (width − credit)·|δ|; its component counts no loss and knows no currency."""
    found, part = binary_ev(credit, width, delta), ev_component(None, credit, width, delta, BINARY)
    if credit > width:
        assert found is None
        assert part is None
        return
    by_hand = credit * (1.0 - abs(delta)) - (width - credit) * abs(delta)
    assert found == pytest.approx(by_hand, abs=1e-12)
    assert part == pytest.approx(max(0.0, by_hand) / width, abs=1e-12)
    assert part is not None
    assert 0.0 <= part <= 1.0
    assert ev_component(None, scale * credit, scale * width, -delta, BINARY) == pytest.approx(part, abs=1e-9)


def test_the_published_profit_of_a_lot_by_hand() -> None:
    """c 1.00, w 5, δ 0.25: 100·0.75 − 400·0.25 = −25 dollars per lot, so the part is 0; at c 2.00 +75 of 500."""
    assert 100.0 * (binary_ev(1.0, 5.0, 0.25) or 0.0) == pytest.approx(-25.0)
    assert ev_component(None, 1.0, 5.0, 0.25, BINARY) == 0.0
    assert ev_component(None, 2.0, 5.0, 0.25, BINARY) == pytest.approx(0.15)


@given(st.floats(-3.0, 3.0), st.none() | st.floats(0.1, 10.0), st.none() | st.floats(-1.0, 1.0))
def test_under_the_density_only_profit_over_loss_counts(
    ev_to_loss: float, width: float | None, delta: float | None
) -> None:
    part = ev_component(ev_to_loss, 1.0, width, delta, P)
    assert part == pytest.approx(min(max(2.0 * ev_to_loss + 0.5, 0.0), 1.0))
    assert ev_component(None, 1.0, width, delta, P) is None


@pytest.mark.parametrize(
    ("credit", "width", "delta"),
    [(1.0, None, 0.2), (1.0, 5.0, None), (-0.1, 5.0, 0.2), (5.1, 5.0, 0.2), (0.0, 0.0, 0.2)],
)
def test_without_a_width_or_a_delta_there_is_no_published_profit(
    credit: float, width: float | None, delta: float | None
) -> None:
    assert ev_component(None, credit, width, delta, BINARY) is None


# The published entry score


@given(UNIT, UNIT, VERDICTS, st.none() | st.floats(-1.0, 1.0))
def test_rules_are_the_share_of_gates_passed(
    confidence: float | None, win: float | None, gates: dict[str, bool], direction: float | None
) -> None:
    total = entry(confidence, win, gates, direction)
    assert 0.0 <= total <= 100.0
    passed = sum(gates.values())
    rules = 0.0 if not gates or 2 * passed < len(gates) else 30.0 if 4 * passed > 3 * len(gates) else 15.0
    assert total == pytest.approx(rules + entry(confidence, win, {}, direction))


@pytest.mark.parametrize(
    ("confidence", "win", "passed", "failed", "direction", "total"),
    [
        (0.75, 0.65, 10, 0, 0.1, 100.0),
        (0.65, 0.50, 3, 1, 0.6, 20.0 + 20.0 + 15.0),  # three quarters are 0.5, not above it
        (0.31, 0.31, 1, 1, -0.4, 10.0 + 10.0 + 15.0 + 10.0),
        (None, None, 1, 2, None, 0.0),
    ],
)
def test_entry_scores_by_hand(
    confidence: float | None, win: float | None, passed: int, failed: int, direction: float | None, total: float
) -> None:
    gates = {f"gate_{i}": i < passed for i in range(passed + failed)}
    assert entry(confidence, win, gates, direction) == total


ROW = {"iv": 0.25, "delta": 0.25, "credit": 0.25, "ev": 0.25}


@pytest.mark.parametrize(
    "rows",
    [
        {"bull_low_vol": ROW},
        {**dict.fromkeys(WEIGHTS, ROW), "sideways": ROW},
        {**dict.fromkeys(WEIGHTS, ROW), "bear_low_vol": {**ROW, "ev": 0.30}},
        {**dict.fromkeys(WEIGHTS, ROW), "bear_low_vol": {"iv": 0.5, "ev": 0.5}},
        {**dict.fromkeys(WEIGHTS, ROW), "bear_low_vol": {**ROW, "iv": -0.25, "ev": 0.75}},
        {**dict.fromkeys(WEIGHTS, ROW), "bear_low_vol": {**ROW, "ev": math.nan}},
    ],
)
def test_tables_of_weights_that_are_not_whole_are_refused(rows: dict[str, dict[str, float]]) -> None:
    ScoreParams(weights=dict.fromkeys(WEIGHTS, ROW))
    with pytest.raises(ValidationError):
        ScoreParams(weights=rows)
