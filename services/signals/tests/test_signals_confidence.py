"""Confidence of one underlying: what each factor reads, when there is none, the size that it allows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contango_quant.fuzzy.confidence import WEIGHTS, confidence
from contango_signals.confidence import FACTORS, NOT_SURE, TIMEFRAMES, FuzzyParams, Neural, assurance, factors

P = FuzzyParams()
OF_FRAME = {
    "rsi": "rsi",
    "adx": "adx",
    "bb": "bb_position",
    "stoch": "stoch_k",
    "vol": "rvol",
    "sma": "sma_distance",
    "psar": "psar_distance",
}
NAMES = ("vol_index", *(f"{name}_{t}" for name in OF_FRAME.values() for t in TIMEFRAMES))
VALUES = st.fixed_dictionaries({}, optional={name: st.none() | st.floats(-100.0, 100.0) for name in NAMES})
RANK = st.none() | st.floats(0.0, 100.0)
PARAMS = st.builds(FuzzyParams, timeframe=st.sampled_from(TIMEFRAMES), base_units=st.integers(1, 1000))

# Everything a full member on daily bars.
SURE: dict[str, float | None] = {
    "vol_index": 12.0,
    "rsi_1d": 50.0,
    "adx_1d": 20.0,
    "bb_position_1d": 0.5,
    "stoch_k_1d": 50.0,
    "rvol_1d": -100.0,
    "sma_distance_1d": 0.0,
    "psar_distance_1d": 0.03,
}


@given(VALUES, RANK, PARAMS)
def test_every_factor_reads_its_own_feature(
    values: dict[str, float | None], rank: float | None, p: FuzzyParams
) -> None:
    found = factors(values, rank, p)
    assert tuple(found) == FACTORS
    for name, feature in OF_FRAME.items():
        assert found[name] == values.get(f"{feature}_{p.timeframe}")
    assert found["iv"] == rank
    assert found["regime"] == values.get("vol_index")
    distances = [x for t in TIMEFRAMES if (x := values.get(f"sma_distance_{t}")) is not None]
    assert found["mtf"] == (pytest.approx(math.fsum(distances) / len(distances)) if distances else None)


def test_timeframes_that_cancel_agree_on_nothing_and_a_missing_one_is_no_zero() -> None:
    values: dict[str, float | None] = {"sma_distance_5m": 0.004, "sma_distance_1h": -0.004, "sma_distance_1d": None}
    assert factors(values, None, P)["mtf"] == 0.0
    assert factors({"sma_distance_5m": 0.004, "sma_distance_1d": None}, None, P)["mtf"] == 0.004


@given(VALUES, RANK, RANK, PARAMS)
def test_laws_of_an_assurance(
    values: dict[str, float | None], rank: float | None, sigma: float | None, p: FuzzyParams
) -> None:
    found = assurance(values, rank, sigma, p)
    assert found.fuzzy == confidence(factors(values, rank, p), weights=p.weights, min_coverage=p.min_coverage)
    assert found.fused == (None if found.fuzzy.score is None else pytest.approx(found.fuzzy.score))
    assert found.sigma == (None if sigma is None else sigma / 100.0)
    assert (found.size is None) == (found.units is None) == (found.fuzzy.score is None or sigma is None)
    if found.size is not None and found.units is not None and found.fuzzy.score is not None and sigma is not None:
        assert found.size == pytest.approx(found.fuzzy.score * (1.0 - sigma / 100.0))
        assert 0.0 <= found.size <= found.fuzzy.score
        assert 0 <= found.units <= p.base_units
        assert found.units <= p.base_units * found.size < found.units + 1


@given(VALUES, RANK, RANK, st.floats(0.0, 1.0))
def test_the_weight_of_a_forecast_that_is_not_there_changes_nothing(
    values: dict[str, float | None], rank: float | None, sigma: float | None, weight: float
) -> None:
    with_weight = assurance(values, rank, sigma, FuzzyParams(forecast_weight=weight))
    assert with_weight == assurance(values, rank, sigma, P)


@given(VALUES, RANK, RANK, st.floats(0.0, 1.0))
def test_a_model_that_has_earned_nothing_changes_nothing(
    values: dict[str, float | None], rank: float | None, sigma: float | None, confidence: float
) -> None:
    assert assurance(values, rank, sigma, P, Neural(confidence, 0.0)) == assurance(values, rank, sigma, P)


def test_a_model_counts_what_it_has_earned_and_no_more_than_the_book_allows() -> None:
    """Weights 0.4 for the factors and w for the model: (0.4 · 1 + w · c) / (0.4 + w)."""
    full = assurance(SURE, 60.0, 0.0, FuzzyParams(), Neural(0.5, 0.1)).fused
    capped = assurance(SURE, 60.0, 0.0, FuzzyParams(forecast_weight=0.04), Neural(0.5, 0.1)).fused
    assert full == pytest.approx((0.4 + 0.05) / 0.5)
    assert capped == pytest.approx((0.4 + 0.02) / 0.44)


@given(st.sampled_from(FACTORS), st.floats(0.0, 1.0))
def test_a_factor_without_weight_is_not_asked(name: str, least: float) -> None:
    weights = {other: w for other, w in WEIGHTS.items() if other != name}
    found = assurance(SURE, 60.0, 0.0, FuzzyParams(weights=weights, min_coverage=least))
    assert found.fuzzy.coverage == pytest.approx(1.0)
    assert found.fused == pytest.approx(1.0)
    assert name not in found.fuzzy.contributions


def test_full_confidence_by_hand() -> None:
    """σ* = 25/100: size 0.75 of ten units is seven; the factors' effective number is only handed on."""
    found = assurance({**SURE, "fuzzy_effective": 3.5}, 80.0, 25.0, P)
    assert found.fused == pytest.approx(1.0)
    assert found.size == pytest.approx(0.75)
    assert (found.sigma, found.units, found.effective) == (0.25, 7, 3.5)


def test_an_outage_of_the_bars_is_no_confidence_and_no_half() -> None:
    """Rank and index alone are a quarter of the weight."""
    found = assurance({"vol_index": 12.0}, 80.0, 10.0, P)
    assert (found.fuzzy.score, found.fused, found.size, found.units) == (None, None, None, None)
    assert found.fuzzy.coverage == pytest.approx(0.25)
    assert found.fuzzy.missing == tuple(name for name in FACTORS if name not in ("iv", "regime"))
    assert found.fuzzy.reason is not None


def test_an_outage_of_the_index_leaves_the_bars() -> None:
    found = assurance({name: x for name, x in SURE.items() if name != "vol_index"}, None, 10.0, P)
    assert found.fuzzy.coverage == pytest.approx(0.75)
    assert found.fused == pytest.approx(1.0)
    assert found.units == 9


def test_without_realised_volatility_there_is_confidence_and_no_size() -> None:
    found = assurance(SURE, 60.0, None, P)
    assert found.fused == pytest.approx(1.0)
    assert (found.sigma, found.size, found.units) == (None, None, None)


def test_the_wildest_day_of_the_year_leaves_nothing() -> None:
    found = assurance(SURE, 60.0, 100.0, P)
    assert (found.size, found.units) == (0.0, 0)


def test_what_failed_is_sure_of_nothing() -> None:
    assert (NOT_SURE.fuzzy.score, NOT_SURE.fused, NOT_SURE.size, NOT_SURE.units) == (None, None, None, None)
    assert NOT_SURE.fuzzy.missing == FACTORS
    assert NOT_SURE.fuzzy.reason is not None


def test_defaults_are_those_of_the_source() -> None:
    assert P.weights == dict(WEIGHTS)
    assert (P.min_coverage, P.forecast_weight) == (0.7, 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": {"cmf": 1.0}},
        {"weights": {}},
        {"weights": {"mtf": 0.0}},
        {"weights": {"mtf": -0.1, "iv": 1.0}},
        {"weights": {"mtf": math.nan}},
        {"weights": {"mtf": math.inf}},
        {"min_coverage": 1.1},
        {"base_units": 0},
        {"forecast_weight": -0.1},
        {"timeframe": "30m"},
    ],
)
def test_impossible_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FuzzyParams.model_validate(wrong)
