"""Integer money: millionths of the account currency, written ``micros``.

Prices of orders and of the ledger are integer *ticks*; one tick is ``tick_micros`` millionths. Floats exist in
analytics only, decimals only at a broker's border.
"""

from decimal import ROUND_HALF_EVEN, Decimal

MICROS = 1_000_000


def to_micros(amount: Decimal | str | int) -> int:
    """Amount of money as millionths, rounded half to even.

    >>> to_micros("0.65")
    650000
    """
    scaled = Decimal(amount) * MICROS
    return int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN))


def to_units(micros: int) -> float:
    """Millionths as a float of currency units, for display and statistics only.

    >>> to_units(1_500_000)
    1.5
    """
    return micros / MICROS


def cash_micros(price_ticks: int, tick_micros: int, multiplier: int, quantity: int) -> int:
    """Cash that ``quantity`` contracts bought at ``price_ticks`` cost (negative when sold).

    >>> cash_micros(price_ticks=150, tick_micros=10_000, multiplier=100, quantity=-2)
    -300000000
    """
    return price_ticks * tick_micros * multiplier * quantity
