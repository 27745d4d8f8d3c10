"""Scores of notes: Brier's own arithmetic, its laws, and the table that sums them up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_common.events.advice import AdviceScored
from contango_gateway.advisor.score import COIN, brier, made_money, probability
from contango_gateway.advisor.table import STANCES, lines, summarise

confidences = st.floats(0, 1)
pnls = st.floats(-1e9, 1e9)
stances = st.sampled_from(STANCES)


def scored(stance: str, confidence: float, pnl_usd: float) -> AdviceScored:
    score = brier(stance, confidence, pnl_usd)  # type: ignore[arg-type]
    return AdviceScored(
        proposal_id="p",
        advisor="m",
        stance=stance,  # type: ignore[arg-type]
        confidence=confidence,
        pnl_usd=pnl_usd,
        score=score,
    )


notes = st.builds(scored, stances, confidences, pnls)


@given(confidences)
def test_the_four_cases_and_the_neutral_one(c: float):
    assert brier("favourable", c, 10.0) == pytest.approx((1 - c) ** 2)
    assert brier("favourable", c, -10.0) == pytest.approx(c**2)
    assert brier("unfavourable", c, 10.0) == pytest.approx(c**2)
    assert brier("unfavourable", c, -10.0) == pytest.approx((1 - c) ** 2)
    assert brier("neutral", c, 10.0) == brier("neutral", c, -10.0) == COIN == 0.25


@given(stances, confidences, pnls)
def test_a_score_lies_between_perfect_and_certain_and_wrong(stance, confidence, pnl_usd):
    assert 0.0 <= brier(stance, confidence, pnl_usd) <= 1.0


@given(confidences, pnls)
def test_the_other_stance_with_the_other_confidence_is_the_same_forecast(c: float, pnl_usd: float):
    assert brier("favourable", c, pnl_usd) == pytest.approx(brier("unfavourable", 1 - c, pnl_usd))


@given(st.integers(0, 20), st.integers(1, 20), confidences)
def test_telling_the_true_probability_is_expected_to_score_best(wins: int, losses: int, other: float):
    """The score is proper: Brier (1950), page 2."""
    share = wins / (wins + losses)

    def expected(p: float) -> float:
        return share * brier("favourable", p, 1.0) + (1 - share) * brier("favourable", p, -1.0)

    assert expected(share) <= expected(other) + 1e-12


def test_briers_own_example():
    """Brier (1950), table 1: ten forecasts of rain score 0.19; he sums both classes, which doubles ours."""
    said = (0.7, 0.9, 0.8, 0.4, 0.2, 0.0, 0.0, 0.0, 0.0, 0.1)
    rained = (False, True, True, True, False, False, False, False, False, False)
    ours = [brier("favourable", p, 1.0 if o else -1.0) for p, o in zip(said, rained, strict=True)]
    assert 2 * np.mean(ours) == pytest.approx(0.19)


def test_a_trade_that_made_nothing_did_not_make_money():
    assert not made_money(0.0)
    assert brier("unfavourable", 1.0, 0.0) == 0.0


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_confidence_that_is_none_is_an_error(wrong: float):
    with pytest.raises(ValueError, match="confidence"):
        probability("favourable", wrong)


@given(st.lists(notes, max_size=20))
def test_the_table_counts_every_note_once(scores: list[AdviceScored]):
    table = summarise(scores, np.random.default_rng(1), resamples=20)
    assert table.notes == len(scores) == sum(row.notes for row in table.stances)
    for row in table.stances:
        mine = [note for note in scores if note.stance == row.stance]
        hits = [(note.pnl_usd > 0) == (row.stance == "favourable") for note in mine]
        assert row.hits == (None if row.stance == "neutral" else sum(hits))
        assert (row.hit_rate is None) == (row.stance == "neutral" or not mine)
    assert lines(table)


@given(st.lists(notes, min_size=2, max_size=20))
def test_the_interval_holds_the_least_and_the_most_apart(scores: list[AdviceScored]):
    table = summarise(scores, np.random.default_rng(1), resamples=40)
    assert table.brier_mean == pytest.approx(float(np.mean([note.score for note in scores])))
    assert table.brier_low is not None
    assert table.brier_high is not None
    worst, best = max(note.score for note in scores), min(note.score for note in scores)
    assert best - 1e-12 <= table.brier_low <= table.brier_high <= worst + 1e-12
    assert table.absent is None


@given(st.lists(notes, min_size=1, max_size=30))
def test_always_saying_the_share_of_gains_scores_the_base_rate(scores: list[AdviceScored]):
    table = summarise(scores, np.random.default_rng(1), resamples=1)
    assert table.base_rate is not None
    same = [brier("favourable", table.base_rate, note.pnl_usd) for note in scores]
    assert float(np.mean(same)) == pytest.approx(table.base_rate_brier)


def test_the_same_seed_gives_the_same_interval():
    scores = [scored("favourable", 0.6, 1.0 if i % 3 else -1.0) for i in range(30)]
    first, second = (summarise(scores, np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert lines(first)[1].startswith("mean Brier score: 0.227 [")


def test_nothing_and_one_say_why_there_is_no_interval():
    assert summarise([], np.random.default_rng(0)).absent == "no note has been scored yet"
    one = summarise([scored("neutral", 0.5, 1.0)], np.random.default_rng(0))
    assert (one.brier_mean, one.brier_low, one.absent) == (0.25, None, "an interval needs at least two notes")
    assert lines(one)[1].startswith("mean Brier score: 0.250 (an interval needs at least two notes); coin 0.250")
