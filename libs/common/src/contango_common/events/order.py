"""Facts of execution (``log.execution``) and of the broker or simulated venue (``log.broker``)."""

from typing import ClassVar, Literal

from pydantic import NonNegativeInt, PositiveInt

from contango_common.events.base import Event

Purpose = Literal["open", "reduce"]


class OrderSubmitted(Event):
    """A durable intent: the order that shall reach the venue under ``order_id``.

    ``limit_ticks`` is the most that one unit may cost, in ticks (negative: the least credit); None is a market order.
    """

    FAMILY: ClassVar[str] = "execution"
    order_id: str
    position_id: str
    purpose: Purpose
    underlying: str
    instruments: tuple[str, ...]
    ratios: tuple[int, ...]
    multiplier: PositiveInt
    tick_micros: PositiveInt
    quantity: PositiveInt
    limit_ticks: int | None
    valid_until_ns: int | None


class OrderCancelled(Event):
    """Execution asks the venue to take the rest of an order back."""

    FAMILY: ClassVar[str] = "execution"
    order_id: str
    reason: str


class WorkingPriceMoved(Event):
    """Execution moves the limit of a resting order."""

    FAMILY: ClassVar[str] = "execution"
    order_id: str
    limit_ticks: int | None
    step: NonNegativeInt
    reason: str


class OrderUnknown(Event):
    """A report that the order's state does not allow: nothing changed, new risk on the underlying halts."""

    FAMILY: ClassVar[str] = "execution"
    order_id: str
    underlying: str
    state: str
    report: str


class OrderDone(Event):
    """An order reached a final state."""

    FAMILY: ClassVar[str] = "execution"
    order_id: str
    position_id: str
    purpose: Purpose
    underlying: str
    state: Literal["filled", "cancelled", "rejected", "expired"]
    filled: NonNegativeInt
    quantity: PositiveInt
    reason: str


class Accepted(Event):
    FAMILY: ClassVar[str] = "broker"
    order_id: str
    venue_id: str


class Rejected(Event):
    FAMILY: ClassVar[str] = "broker"
    order_id: str
    reasons: tuple[str, ...]


class Filled(Event):
    """Units of an order traded: one price a leg, all at one instant.

    ``leg_quantities`` are signed contracts (lots) per leg, ``leg_price_micros`` the price of one underlying unit in
    millionths. Cash is exact: ``cash_micros`` is what the account received (negative: paid) before ``fees_micros``.
    ``mid_cash_micros`` and ``natural_cash_micros`` say what the same units would have brought at mid and at the
    natural price. ``quantity`` is in units of the structure, ``remaining`` what is still working.
    """

    FAMILY: ClassVar[str] = "broker"
    order_id: str
    fill_id: str
    quantity: PositiveInt
    instruments: tuple[str, ...]
    leg_quantities: tuple[int, ...]
    leg_price_micros: tuple[int, ...]
    cash_micros: int
    mid_cash_micros: int
    natural_cash_micros: int
    fees_micros: NonNegativeInt
    remaining: NonNegativeInt


class Cancelled(Event):
    """The venue took the rest of an order back."""

    FAMILY: ClassVar[str] = "broker"
    order_id: str
    reason: str


class Expired(Event):
    """Contracts expired: all legs of one root and instant settle on one print.

    ``quantities`` is the account's signed holding before; ``cash_micros`` what the settlement brought.
    """

    FAMILY: ClassVar[str] = "broker"
    underlying: str
    root: str
    expiry_ns: int
    print_price: float
    instruments: tuple[str, ...]
    quantities: tuple[int, ...]
    leg_cash_micros: tuple[int, ...]
    cash_micros: int
    fees_micros: NonNegativeInt = 0


class Assigned(Event):
    """Short contracts were assigned before expiry."""

    FAMILY: ClassVar[str] = "broker"
    instrument: str
    quantity: PositiveInt
    cash_micros: int
    fees_micros: NonNegativeInt = 0


class AccountSnapshot(Event):
    """What the venue says the account holds; the first one funds the book."""

    FAMILY: ClassVar[str] = "broker"
    cash_micros: int
    instruments: tuple[str, ...]
    quantities: tuple[int, ...]
