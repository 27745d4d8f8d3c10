"""Where on the log an order or a position began, and where its exit did."""

from contango_common.events.order import OrderSubmitted
from contango_common.events.risk import Approved, ExitRequested, TradeClosed
from contango_common.events.signal import Proposal
from contango_gateway.seen import Handlers, Place, Seen

KEPT = 100_000


class Origins:
    """Of the newest ``KEPT`` ids: the latest fact that says why it was opened, and why it is or was left."""

    def __init__(self) -> None:
        self._opened: dict[str, Place] = {}
        self._left: dict[str, Place] = {}

    def of(self, id_: str) -> Place | None:
        return self._opened.get(id_)

    def exit_of(self, position_id: str) -> Place | None:
        return self._left.get(position_id)

    def on_proposal(self, event: Proposal, seen: Seen) -> None:
        _put(self._opened, event.proposal_id, seen)

    def on_approved(self, event: Approved, seen: Seen) -> None:
        _put(self._opened, event.position_id, seen)

    def on_submitted(self, event: OrderSubmitted, seen: Seen) -> None:
        _put(self._opened, event.order_id, seen)
        if event.purpose == "open":
            _put(self._opened, event.position_id, seen)

    def on_exit(self, event: ExitRequested, seen: Seen) -> None:
        _put(self._left, event.position_id, seen)

    def on_closed(self, event: TradeClosed, seen: Seen) -> None:
        """A settlement closes without anybody asking; an exit that was asked for explains more."""
        if event.position_id not in self._left:
            _put(self._left, event.position_id, seen)


def _put(index: dict[str, Place], key: str, seen: Seen) -> None:
    index[key] = Place(seen.seq, seen.index)
    if len(index) > KEPT:
        del index[next(iter(index))]


HANDLERS: Handlers = {
    Proposal: Origins.on_proposal,
    Approved: Origins.on_approved,
    OrderSubmitted: Origins.on_submitted,
    ExitRequested: Origins.on_exit,
    TradeClosed: Origins.on_closed,
}
