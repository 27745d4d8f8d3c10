"""Defects found once, each with the example that showed it."""

import pytest

from contango_common.domain.at import At
from contango_common.events.system import ParametersChanged
from contango_common.runtime.fold import evolve
from contango_execution import fold, venue
from contango_execution.quotes import LegQuote
from contango_execution.venue_match import _twice_mid_micros


def quote(bid: int, ask: int) -> LegQuote:
    return LegQuote(bid_ticks=bid, ask_ticks=ask, bid_size=1, ask_size=1, expiry_ns=1, last_trade_ns=1)


@pytest.mark.parametrize(
    ("price_micros", "bid", "ask", "twice_mid"), [(17, 10, 20, 30_000), (0, 0, 15, 0), (11_000, 0, 15, 22_000)]
)
def test_a_zero_bid_is_never_half_of_a_mid(price_micros, bid, ask, twice_mid):
    assert _twice_mid_micros(price_micros, quote(bid, ask), 1_000) == twice_mid


@pytest.mark.parametrize(("module", "section"), [(fold, "execution"), (venue, "venue")])
def test_parameters_that_no_longer_validate_leave_the_last_good_ones(module, section):
    state = module.initial()
    before = state.params
    event = ParametersChanged(params={section: {"bogus": 1}}, reason="an old log under a new program")
    evolve(module, state, event, At(1, 1, "control.research"))
    assert state.params == before
