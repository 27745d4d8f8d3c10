"""Live views from the log alone: every message in order, and nothing that is not on the log. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from contango_common.domain.at import At
from contango_common.domain.blocks import Block
from contango_common.events.base import Event
from contango_common.events.codec import Envelope
from contango_common.runtime.log import Message
from contango_gateway import (
    origins,
    view_account,
    view_control,
    view_decisions,
    view_market,
    view_models,
    view_orders,
    view_trades,
)
from contango_gateway.advisor import view as view_advice
from contango_gateway.advisor.view import AdviceView
from contango_gateway.origins import Origins
from contango_gateway.seen import Handlers, Seen
from contango_gateway.view_account import AccountView
from contango_gateway.view_control import ControlView
from contango_gateway.view_decisions import DecisionView
from contango_gateway.view_market import MarketView
from contango_gateway.view_models import ModelView
from contango_gateway.view_orders import OrderView
from contango_gateway.view_positions import PositionView
from contango_gateway.view_trades import TradeView

Take = Callable[[Any, Seen], None]


class Views:
    """All views together; ``as_of_seq`` and ``as_of_ts_ns`` say which message they reflect (0: none yet).

    Rebuilding from the first message gives the same views: there is no other state.

    >>> views = Views()
    >>> views.as_of_seq, views.account.marked
    (0, None)
    """

    def __init__(self, blocks: Mapping[str, Block] | None = None) -> None:
        self.as_of_seq = 0
        self.as_of_ts_ns = 0
        self.undecodable = 0
        self.account = AccountView()
        self.market = MarketView()
        self.control = ControlView()
        self.orders = OrderView()
        self.decisions = DecisionView()
        self.trades = TradeView()
        self.models = ModelView()
        self.advice = AdviceView()
        self.positions = PositionView({} if blocks is None else blocks)
        self.origins = Origins()
        self._takers = self._table()

    def as_of(self) -> dict[str, Any]:
        """Head of every answer."""
        return {"as_of_seq": self.as_of_seq, "as_of_ts_ns": self.as_of_ts_ns}

    def update(self, message: Message, envelope: Envelope | None) -> None:
        """Take the next message; ``envelope`` None means that it could not be decoded.

        Raises ValueError when messages do not come one after the other.
        """
        if message.seq != self.as_of_seq + 1:
            raise ValueError(f"the views stand at message {self.as_of_seq} and were given {message.seq}")
        self.as_of_seq = message.seq
        if envelope is None:
            self.undecodable += 1
            return
        self.as_of_ts_ns = envelope.ts_ns
        at = At(envelope.ts_ns, message.seq, envelope.source)
        for index, event in enumerate(envelope.events):
            self.positions.take(event, at)
            takers = self._takers.get(type(event))
            if takers:
                seen = Seen(message.seq, index, envelope.ts_ns, envelope.source, envelope.cause)
                for take in takers:
                    take(event, seen)

    def _table(self) -> dict[type[Event], list[Take]]:
        """Event type to the bound methods that want it."""
        parts: tuple[tuple[Any, Handlers], ...] = (
            (self.account, view_account.HANDLERS),
            (self.market, view_market.HANDLERS),
            (self.control, view_control.HANDLERS),
            (self.orders, view_orders.HANDLERS),
            (self.decisions, view_decisions.HANDLERS),
            (self.trades, view_trades.HANDLERS),
            (self.models, view_models.HANDLERS),
            (self.advice, view_advice.HANDLERS),
            (self.origins, origins.HANDLERS),
        )
        table: dict[type[Event], list[Take]] = {}
        for part, handlers in parts:
            for kind, method in handlers.items():
                table.setdefault(kind, []).append(method.__get__(part))
        return table
