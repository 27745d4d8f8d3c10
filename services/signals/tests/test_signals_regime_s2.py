"""The five states by table, and what the detector says while it knows too little."""

import pytest

from contango_signals.regimes.s2 import LABELS, S2Params, Seen, classify, detect

P = S2Params()


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
    seen = {"vix_now": 15.0, "vix_close": 15.0, "daily_adx": 12.0, "daily_sma": 99.0, "daily_close": 100.0}
    assert detect(Seen(**seen), P) == "LOW_VOL_RANGE"
    for name in seen:
        lacking = Seen(**{**seen, name: None})
        assert detect(lacking, P) is None
        assert lacking.missing == (name,)
