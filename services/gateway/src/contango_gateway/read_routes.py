"""GET: the views as they stand."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from contango_gateway import answers
from contango_gateway.explain import MessageAt, walk
from contango_gateway.neighbours import HealthOfServices
from contango_gateway.problems import Problem
from contango_gateway.view_decisions import KEPT, KINDS
from contango_gateway.views import Views

Id = Annotated[str, Path(max_length=200, examples=["iron_condor:SPX:10051"])]
Limit = Annotated[int, Query(ge=1, le=KEPT, description="rows at most")]
OrderState = Annotated[str | None, Query(description="only orders in this state", examples=["WORKING"])]
Points = Annotated[int, Query(ge=2, le=5000, description="points of the equity curve at most")]
KIND_NAMES = sorted(set(KINDS.values()))


def read_routes(
    views: Views, message_at: MessageAt, health_of_services: HealthOfServices, features: tuple[str, ...]
) -> APIRouter:
    """Routes over ``views``; ``message_at`` is asked by explain alone."""
    router = APIRouter(prefix="/v1")

    def as_of() -> dict[str, Any]:
        return {"as_of_seq": views.as_of_seq, "as_of_ts_ns": views.as_of_ts_ns}

    @router.get("/book", tags=["book"], response_model=answers.Book, summary="Account, curve, halts, prices")
    async def book(points: Points = 300) -> dict[str, Any]:
        account, control, market = views.account, views.control, views.market
        return as_of() | {
            "marks": account.marked,
            "cash_usd": views.positions.cash_usd,
            "initial_cash_usd": account.initial_cash_usd,
            "trading_started_ts_ns": control.started_ts_ns,
            "halted": control.halted,
            "halts": list(control.halts.values()),
            "reserved": views.positions.reserved(),
            "prices": list(market.prices.values()),
            "feeds": list(market.feeds.values()),
            "curve": account.points(points),
        }

    @router.get("/positions", tags=["book"], response_model=answers.Positions, summary="Open positions and why")
    async def positions() -> dict[str, Any]:
        return as_of() | {"positions": views.positions.rows()}

    @router.get("/positions/{position_id}", tags=["book"], response_model=answers.OnePosition, summary="One position")
    async def position(position_id: Id) -> dict[str, Any]:
        row = views.positions.find(position_id)
        if row is None:
            what = f"no open position is called {position_id}"
            raise _missing(what, "position_id", "GET /v1/positions lists the open ones, /v1/trades the closed ones")
        return as_of() | {"position": row}

    @router.get("/orders", tags=["orders"], response_model=answers.Orders, summary="Orders with their histories")
    async def orders(limit: Limit = 100, state: OrderState = None) -> dict[str, Any]:
        rows = [*reversed(views.orders.working.values()), *reversed(views.orders.finished.values())]
        rows = [row for row in rows if state is None or row["state"] == state.upper()]
        rows.sort(key=lambda row: -row["history"][0]["seq"])
        return as_of() | {"orders": rows[:limit]}

    @router.get("/decisions", tags=["orders"], response_model=answers.Decisions, summary="Last decisions and why")
    async def decisions(limit: Limit = 100, kind: str | None = None) -> dict[str, Any]:
        if kind is not None and kind not in KIND_NAMES:
            what = f"no decision is of the kind {kind!r}"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, what, "query: kind", f"use one of {', '.join(KIND_NAMES)}")
        return as_of() | {"decisions": views.decisions.select(limit, kind), "refusals": views.decisions.refusals}

    @router.get("/trades", tags=["book"], response_model=answers.Trades, summary="Closed trades and their totals")
    async def trades(limit: Limit = 100) -> dict[str, Any]:
        newest = list(reversed(views.trades.last))[:limit]
        return as_of() | {"totals": views.trades.totals(), "trades": newest}

    @router.get("/regimes", tags=["market"], response_model=answers.Regimes, summary="Regimes, forecasts, features")
    async def regimes() -> dict[str, Any]:
        rows = [row for of_symbol in views.market.regimes.values() for row in of_symbol.values()]
        forecasts, values = views.market.forecasts.values(), views.market.features.values()
        return as_of() | {"regimes": rows, "forecasts": list(forecasts), "features": list(values)}

    @router.get("/models", tags=["market"], response_model=answers.Models, summary="Served models, scores, drift")
    async def models() -> dict[str, Any]:
        seen = views.models
        return as_of() | {"models": list(seen.rows.values()), "drift": seen.drift, "changes": seen.changes}

    @router.get("/parameters", tags=["parameters"], response_model=answers.Parameters, summary="Parameters in force")
    async def parameters() -> dict[str, Any]:
        control = views.control
        return as_of() | {
            "parameters": control.parameters,
            "set_by": control.parameters_of,
            "refused_by_risk": views.positions.parameters_error,
            "switches": list(control.switches.values()),
            "features": list(features),
        }

    @router.get(
        "/explain/{id}", tags=["orders"], response_model=answers.Explanation, summary="An order back to its frame"
    )
    async def explain(id: Id) -> dict[str, Any]:
        place = views.origins.of(id)
        if place is None:
            what = f"no order, position or proposal is called {id}"
            raise _missing(what, "id", "take an id from /v1/orders, /v1/positions or /v1/trades")
        left, head = views.origins.exit_of(id), as_of()
        exit_steps = [] if left is None else await walk(message_at, left)
        return head | {"id": id, "steps": await walk(message_at, place), "exit_steps": exit_steps}

    @router.get("/health", tags=["health"], response_model=answers.Health, summary="All services")
    async def health() -> dict[str, Any]:
        services = await health_of_services()
        return as_of() | {
            "ready": all(row["ready"] for row in services),
            "services": services,
            "undecodable": views.undecodable,
            "ledger_trouble": views.positions.trouble,
            "quarantined": list(views.control.quarantined),
        }

    return router


def _missing(what: str, where: str, what_to_do: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, what, f"path: {where}", what_to_do)
