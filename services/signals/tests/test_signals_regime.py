"""The five states by table, and what the detector says while it knows too little."""

import pytest

from contango_signals.features import new_symbol, new_vol_index
from contango_signals.params import SignalsParams
from contango_signals.regime import LABELS, classify, detect

P = SignalsParams()


@pytest.mark.parametrize(
    ("vix_now", "vix_close", "adx", "close", "label"),
    [
        (35.1, 12.0, 10.0, 101.0, "CRASH_MODE"),
        (35.1, 36.0, 40.0, 101.0, "CRASH_MODE"),
        (35.0, 35.0, 26.0, 101.0, "BULL_TREND"),
        (12.0, 12.0, 25.1, 100.0, "BEAR_TREND"),
        (12.0, 12.0, 25.1, 100.1, "BULL_TREND"),
        (19.0, 20.1, 25.0, 90.0, "HIGH_VOL_RANGE"),
        (22.0, 20.0, 25.0, 90.0, "LOW_VOL_RANGE"),
        (20.0, 20.0, 0.0, 110.0, "LOW_VOL_RANGE"),
    ],
)
def test_table(vix_now: float, vix_close: float, adx: float, close: float, label: str) -> None:
    assert classify(vix_now=vix_now, vix_close=vix_close, adx=adx, close=close, average=100.0, p=P) == label
    assert label in LABELS


def test_says_nothing_until_everything_is_ready() -> None:
    features, vol = new_symbol(P), new_vol_index(P)
    vol.close = vol.daily_close = 15.0
    features.daily_close, features.daily_adx = 100.0, 12.0
    assert detect(features, vol, P) is None
    features.daily_sma = 99.0
    assert detect(features, vol, P) == "LOW_VOL_RANGE"
    vol.daily_close = None
    assert detect(features, vol, P) is None
