"""Maximum loss and the two types of risk: laws against a grid of prices, then textbook structures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_risk.intent import reduce_all
from contango_risk.maxloss import NEVER, Holding, max_loss_micros, min_payoff_micros

UNIT = 100_000_000  # one contract of 100: micros per USD in the money

holdings = st.lists(
    st.builds(
        Holding,
        weight=st.integers(-5, 5).map(lambda n: n * UNIT),
        strike_millis=st.integers(1, 40).map(lambda n: n * 5_000),
        is_call=st.booleans(),
        expiry_date=st.just(20180420),
    ),
    min_size=1,
    max_size=6,
)


def payoff_on_grid(held: list[Holding], price_millis: int) -> int:
    total = 0
    for h in held:
        moneyness = price_millis - h.strike_millis
        total += h.weight // 1000 * max(0, moneyness if h.is_call else -moneyness)
    return total


@given(holdings)
def test_minimum_is_the_worst_of_a_fine_grid(held: list[Holding]) -> None:
    grid = [payoff_on_grid(held, price) for price in range(0, 400_001, 2_500)]
    least = min_payoff_micros(held)
    if least is None:
        assert payoff_on_grid(held, 10**9) < min(grid)
    else:
        assert least == min(grid)


@given(holdings, st.integers(1, 6))
def test_reduce_risk_never_increases_the_maximum_loss_at_any_partial_fill(held: list[Holding], units: int) -> None:
    lots = [h.weight // UNIT * units for h in held]
    closing = reduce_all("p", [str(i) for i in range(len(held))], lots)
    if closing is None:
        assert not any(lots)
        return
    losses = []
    for filled in range(closing.quantity + 1):
        left = dict(zip(closing.instruments, closing.remaining(filled), strict=True))
        rest = [h._replace(weight=left.get(str(i), 0) * UNIT) for i, h in enumerate(held)]
        losses.append(max_loss_micros(0, rest))
    finite = [loss for loss in losses if loss is not None]
    assert losses[-1] == 0
    assert finite == sorted(finite, reverse=True)
    assert losses[: len(losses) - len(finite)] == [None] * (len(losses) - len(finite))


def put(lots: int, strike: int, date: int = 20180420) -> Holding:
    return Holding(lots * UNIT, strike * 1000, False, date)


def call(lots: int, strike: int, date: int = 20180420) -> Holding:
    return Holding(lots * UNIT, strike * 1000, True, date)


def stock(hundreds: int) -> Holding:
    return Holding(hundreds * UNIT, 0, True, NEVER)


@given(holdings, st.integers(0, 5))
def test_bought_stock_is_a_term_of_the_payoff_and_never_worsens_it(held: list[Holding], hundreds: int) -> None:
    """Against the grid, the stock counted by hand at every price."""
    both = min_payoff_micros([*held, stock(hundreds)])
    without = min_payoff_micros(held)
    if both is None:
        assert without is None
        return
    prices = range(0, 400_001, 2_500)
    assert both == min(payoff_on_grid(held, price) + hundreds * UNIT // 1000 * price for price in prices)
    assert without is None or both >= without


@pytest.mark.parametrize(
    ("cash_usd", "held", "loss_usd"),
    [
        (200, [put(1, 90), put(-1, 95), call(-1, 105), call(1, 110)], 300),
        (200, [put(1, 85), put(-1, 95), call(-1, 105), call(1, 110)], 800),
        (-150, [put(1, 95)], 150),
        (150, [put(-1, 95)], 9_350),
        (150, [call(-1, 105)], None),
        (-300, [call(-1, 100), call(1, 100, 20180518)], 300),  # calendar: the debit
        (300, [call(1, 100), call(-1, 100, 20180518)], None),  # the bought leg dies first: naked
        (100, [put(1, 95), put(-1, 95, 20180518)], 9_400),
        (-9_000, [Holding(UNIT, 0, True)], 9_000),  # 100 shares
        (9_000, [Holding(-UNIT, 0, True)], None),
        (-27_400, [stock(1), call(-1, 280)], 27_400),  # buy-write: all that was paid, at a price of 0
        (-27_800, [stock(1), put(1, 270)], 800),  # married put: down to the strike
        (-27_300, [stock(1), put(1, 270), call(-1, 285)], 300),  # collar
        (27_000, [stock(-1), call(1, 280)], None),  # the call dies first: short stock without an end
        (-54_800, [stock(2), call(-2, 280), call(-1, 290)], None),  # one call more than shares
        (-27_400, [stock(1), call(-1, 280, 20180518)], 27_400),
        (0, [], 0),
    ],
)
def test_textbook_structures(cash_usd: int, held: list[Holding], loss_usd: int | None) -> None:
    expected = None if loss_usd is None else loss_usd * 1_000_000
    assert max_loss_micros(cash_usd * 1_000_000, held) == expected
