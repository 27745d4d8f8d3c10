"""Exact money of a fill, in integers: cash, fees, and what mid and natural would have brought.

Cash that the account receives = − Σ legs quantity · price · multiplier · lot, where ``quantity`` is signed contracts
or lots (bought positive), ``price`` millionths of currency per underlying unit, and ``lot`` the number of units in one
lot (an option: 1, so that one contract is one multiplier; a spot pair that trades in hundredths: 0.01, written as
10,000 ``lot_micros``). A fraction of a millionth, which only odd lots can leave, is rounded against the account.
"""

from collections.abc import Sequence

from contango_common.domain.money import MICROS


def fill_cash_micros(
    leg_quantities: Sequence[int], leg_price_micros: Sequence[int], multiplier: int, lot_micros: int = MICROS
) -> int:
    """Cash received (negative: paid), before fees.

    >>> fill_cash_micros([-2], [1_500_000], multiplier=100)
    300000000
    """
    cost = sum(q * price for q, price in zip(leg_quantities, leg_price_micros, strict=True))
    return -cost * multiplier * lot_micros // MICROS


def option_fee_micros(leg_quantities: Sequence[int], per_contract_micros: Sequence[int]) -> int:
    """Fees per contract and leg, whatever its side."""
    return sum(abs(q) * fee for q, fee in zip(leg_quantities, per_contract_micros, strict=True))


def asset_fee_micros(
    quantity: int, price_micros: int, lot_micros: int, per_unit_micros: int, rate_millionths: int
) -> int:
    """Fee of a stock or spot fill: per unit plus a share of the value, rounded up.

    >>> asset_fee_micros(-100, 20_000_000, 1_000_000, per_unit_micros=5_000, rate_millionths=0)
    500000
    """
    per_unit = abs(quantity) * lot_micros * per_unit_micros
    share = abs(quantity) * lot_micros * price_micros * rate_millionths // MICROS
    return -(-(per_unit + share) // MICROS)
