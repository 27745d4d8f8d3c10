"""VRP, tiers and tails; the answer of the model and of the plain rule."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contango_common.domain.errors import UserError
from contango_inference.earnings import prediction, vrp
from contango_inference.earnings.build import build
from contango_inference.earnings.dataset import dataset
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.prediction import Loaded, answer, predictor
from contango_inference.earnings.request import EarningsRequest
from contango_inference.earnings.training import train
from support.earn_world import world

PARAMS = EarningsParams(trees=12, least_training=60)
NEAR, FAR = {"vol_annual": 0.60, "years": 10 / 365}, {"vol_annual": 0.45, "years": 38 / 365}


@pytest.fixture(scope="module")
def learned():
    data = dataset(build(*world(symbols=5, sessions=800)))
    return data, Loaded(train(data, PARAMS, shows_direction=False), "ab" * 32)


def request(**changes) -> EarningsRequest:
    given_ = {"symbol": "S1", "date": "2013-03-01", "timing": "amc", "spot": 100.0, "near": NEAR, "far": FAR}
    return EarningsRequest.model_validate(given_ | {"prior_moves": [0.03, -0.05, 0.02, 0.04]} | changes)


def full_row(data) -> dict[str, float | None]:
    return {n: float(v) if math.isfinite(v) else None for n, v in zip(data.names, data.values[-1], strict=True)}


# -- VRP -----------------------------------------------------------------------------------------------------------


@given(st.floats(0.2, 0.6), st.floats(0.01, 0.15), st.floats(5 / 365, 30 / 365), st.floats(31 / 365, 120 / 365))
def test_two_expiries_give_back_the_event_that_made_them(base, std, near, far):
    """σ² T = base² (T − 1/252) + event² for both expiries; the ratio does not depend on which ones were taken."""
    vols = [math.sqrt((base**2 * (t - 1 / 252) + std**2) / t) for t in (near, far)]
    asked = request(near={"vol_annual": vols[0], "years": near}, far={"vol_annual": vols[1], "years": far})
    implied, by, reason = prediction.implied_move(asked)
    assert implied == pytest.approx(math.sqrt(2 / math.pi) * std, rel=1e-6)
    assert (by, reason) == ("event_variance", None)


def test_a_straddle_of_a_longer_expiry_looks_dear_without_being_it():
    """The same event of 5 %, base volatility 40 %: the straddle's ratio grows with the days, the event's does not."""
    ratios = []
    for days in (7, 30, 60):
        total = math.sqrt(0.4**2 * (days / 365 - 1 / 252) + 0.05**2)
        ratios.append(math.sqrt(2 / math.pi) * total / (math.sqrt(2 / math.pi) * 0.05))
    assert ratios[0] < 1.6
    assert ratios[2] > 3.0


def test_negative_event_variance_is_none_with_a_reason():
    asked = request(near={"vol_annual": 0.3, "years": 30 / 365}, far={"vol_annual": 0.45, "years": 60 / 365})
    said = predictor(None)(asked)
    assert said.implied_move is None
    assert "no event variance" in said.implied_reason
    assert (said.vrp, said.tier, said.size_factor) == (None, "skip", 0.0)
    assert "no VRP: no implied move" in said.reason


def test_tiers_of_both_presets():
    assert [vrp.tier(x) for x in (0.99, 1.0, 1.27, 1.54)] == ["skip", "marginal", "good", "excellent"]
    assert [vrp.tier(x, vrp.SOURCE_S3) for x in (1.4, 1.5, 4.0, 7.0)] == ["skip", "marginal", "good", "excellent"]
    assert vrp.tier(None) == "skip"


def test_the_default_tiers_are_one_and_two_standard_errors_of_eight_moves():
    """By simulation: the mean of 8 |N(0, 1)| has a relative standard error of 26.7 %."""
    means = np.abs(np.random.default_rng(0).standard_normal((200_000, 8))).mean(axis=1)
    error = means.std() / means.mean()
    assert [least for _, least in vrp.EVENT_VARIANCE.steps] == pytest.approx([1 + 2 * error, 1 + error, 1.0], abs=0.003)


def test_a_fat_tail_halves_the_size():
    """S3: largest over mean |move| above 2.5."""
    calm, wild = request(prior_moves=[0.02] * 8), request(prior_moves=[0.02] * 7 + [0.12])
    assert predictor(None)(calm).size_factor == 1.0
    said = predictor(None)(wild)
    assert said.tail.trr == pytest.approx(0.12 / 0.0325)
    assert said.size_factor == 0.5


def test_the_tail_stands_beside_every_win_rate():
    said = predictor(None)(request(prior_moves=[0.01, 0.02, 0.30]))
    assert said.tail.win_rate == pytest.approx(2 / 3)
    assert said.tail.worst_loss == pytest.approx(0.30 - said.implied_move)
    assert said.tail.ratio == pytest.approx(said.tail.worst_loss / said.tail.average_win)
    lucky = vrp.tail([0.01, 0.02], 0.06)
    assert (lucky.win_rate, lucky.worst_loss) == (1.0, None)
    assert "no bound" in lucky.reason
    assert vrp.tail([], 0.06).reason == "no earlier move is given"
    assert vrp.tail([0.1], 0.06).reason == "none of 1 moves won"


# -- answers -------------------------------------------------------------------------------------------------------


def test_the_model_answers_when_it_can(learned):
    data, loaded = learned
    said = answer(loaded, request(features=full_row(data), prior_moves=[]), PARAMS)
    assert not said.fallback
    assert said.q10 <= said.q50 <= said.q90
    assert said.vrp == pytest.approx(said.implied_move / said.expected_move)
    assert (said.model, said.model_sha) == ("earnings_forest_v1", "ab" * 32)
    assert said.prob_up == pytest.approx(np.mean(data.move > 0.0))
    assert said.reason is None
    assert said.shows_direction is False


def test_moves_alone_make_the_historical_features(learned):
    _, loaded = learned
    lenient = PARAMS.model_copy(update={"most_missing": 1.0})
    said = answer(loaded, request(), lenient)
    assert not said.fallback
    assert 0.0 < said.missing_share < 1.0


def falls_back(said, reason: str) -> None:
    assert said.fallback
    assert reason in said.reason
    assert (said.q10, said.q50, said.q90, said.prob_up, said.model) == (None,) * 5
    assert said.expected_move == pytest.approx(0.035)
    assert said.vrp == pytest.approx(said.implied_move / 0.035)


def test_no_model():
    falls_back(predictor(None)(request()), "no model is loaded")


def test_a_model_that_is_not_ready(learned):
    _, loaded = learned
    falls_back(answer(loaded, request(date="2011-01-03"), PARAMS), "not ready")
    falls_back(answer(loaded, request(date="2019-01-03"), PARAMS), "train it again")


def test_too_many_missing_features(learned):
    _, loaded = learned
    strict = PARAMS.model_copy(update={"most_missing": 0.1})
    falls_back(answer(loaded, request(), strict), "of the usual features are missing")


def test_a_model_that_raises(learned, monkeypatch):
    data, loaded = learned

    def broken(model, row):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(prediction, "predict", broken)
    said = answer(loaded, request(features=full_row(data) | {"abs_move_mean_8q": 0.035}), PARAMS)
    falls_back(said, "the model failed (ZeroDivisionError: by zero)")


def test_a_feature_that_does_not_exist_is_the_askers_mistake(learned):
    _, loaded = learned
    with pytest.raises(UserError, match="no feature nonsense"):
        answer(loaded, request(features={"nonsense": 1.0}), PARAMS)


def test_a_straddle_will_do_and_says_what_it_is_worth():
    said = predictor(None)(request(near=None, far=None, straddle_price=7.0, tiers="source_s3"))
    assert (said.implied_move, said.implied_by) == (0.07, "straddle")
    assert "ordinary variance" in said.implied_reason
    assert said.tier == "marginal"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"far": None}, "belong together"),
        ({"near": FAR, "far": NEAR}, "expire after"),
        ({"near": None, "far": None}, "give near and far"),
        ({"prior_moves": []}, "give prior_moves or features"),
        ({"spot": 0.0}, "greater than 0"),
        ({"near": {"vol_annual": 60.0, "years": 0.03}}, "less than or equal to 10"),
        ({"prior_moves": [-1.5]}, "greater than -1"),
        ({"nonsense": 1}, "Extra inputs"),
        ({"timing": "noon"}, "bmo"),
    ],
)
def test_bad_requests_are_refused(changes, says):
    with pytest.raises(ValidationError, match=says):
        request(**changes)
