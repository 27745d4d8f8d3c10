"""The pricing benchmark: same options every time, equal answers, peers that may be absent. No test looks at time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from contango_common.domain.errors import ContangoError
from contango_quant.pricing.implied import OK
from contango_research.bench import quant_pricing
from contango_research.bench.setting import Setting


def setting(said: list[str]) -> Setting:
    tell: Callable[[int, int], None] = lambda done, total: None  # noqa: E731
    return Setting(catalog=Path(), work=Path(), runs=2, peer_python=None, say=said.append, tell=tell)


def test_options_are_the_same_every_time_and_all_have_a_volatility() -> None:
    first, second = quant_pricing.mixed_options(500), quant_pricing.mixed_options(500)
    assert (first.price == second.price).all()
    assert (quant_pricing.solve(first).status == OK).all()
    assert 450 < len(first.price) <= 500
    assert 0 < first.is_call.sum() < len(first.price)


def test_both_figures_with_what_is_beside_them() -> None:
    iv, greeks = quant_pricing.measure(setting([]), 300, 400)
    assert (iv.name, greeks.name) == ("iv_per_s", "greeks_rows_per_s")
    assert len(iv.samples) == len(greeks.samples) == 2
    assert greeks.ratio is not None


def test_absent_peers_are_named_with_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quant_pricing, "find_spec", lambda name: None)
    said: list[str] = []
    found = quant_pricing.measure_iv(setting(said), 100)
    assert said == [quant_pricing.HOW_TO_INSTALL, quant_pricing.VOLLIB_HOW_TO_INSTALL]
    assert (found.beside, found.beside_value, found.ratio) == (None, None, None)
    assert "vollib" not in (found.note or "")


def test_a_peer_that_finds_something_else_is_an_error() -> None:
    options = quant_pricing.mixed_options(100)
    right = options.vol.tolist()
    quant_pricing.check_same("peer", lambda: right, options)
    with pytest.raises(ContangoError, match="peer's volatilities differ"):
        quant_pricing.check_same("peer", lambda: [vol * 1.01 for vol in right], options)


def test_numpys_price_is_the_price() -> None:
    one = np.array([100.0])
    value = quant_pricing.numpy_price(one, one, np.array([1.0]), np.array([0.2]), np.array([True]))
    assert value[0] == pytest.approx(8.82732122535212, rel=1e-13)  # rate 3 %, yield 1 %: mpmath
