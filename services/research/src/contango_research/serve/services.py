"""One short composition root per kind of service; ``contango run SERVICE`` ends up here."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contango_common.domain.errors import UserError
from contango_common.edge.redact import Redactor
from contango_common.edge.settings import Settings
from contango_common.runtime.feed import FeedServer
from contango_common.runtime.fold import Fold
from contango_common.runtime.lockstep import join
from contango_common.runtime.shell import open_participant, run_free
from contango_research.house import BUILD, SERVICES, fold_of
from contango_research.kernels import load
from contango_research.serve.context import Context, addresses, context
from contango_research.serve.watch import MetricsWatch
from contango_research.served import models_of, why_not_served

if TYPE_CHECKING:
    from contango_gateway.advisor.settings import AdvisorSettings
    from contango_inference.earnings.request import Predictor

Body = Callable[[asyncio.Event], Awaitable[None]]

SWITCH_S = 0.0002  # the feed computes ahead in a thread; a request must not wait for it


def body_of(service: str, settings: Settings, redactor: Redactor) -> Body:
    """What ``contango run <service>`` does until it is told to stop. Raises UserError for an unknown service."""
    if service not in SERVICES:
        raise UserError(f"no service is called {service!r}: choose one of {', '.join(SERVICES)}")
    work = {
        "market-data": _market_data,
        "clock": _clock,
        "recorder": _recorder,
        "gateway": _gateway,
        "advisor": _advisor,
        "conductor": _conductor,
    }.get(service, _fold)

    if service == "advisor":
        _advisor_settings(settings)  # off, or not well configured: said before anything is connected

    async def body(stop: asyncio.Event) -> None:
        async with context(service, settings, stop, redactor, own_http=service == "gateway") as ctx:
            await ctx.until_stopped(work(ctx))

    return body


async def _fold(ctx: Context) -> None:
    models = models_of(ctx.settings, ctx.metrics) if ctx.service == "inference" else None
    try:
        await _folded(ctx, fold_of(ctx.service, models))
    finally:
        if models is not None:
            models.close()


async def _folded(ctx: Context, fold: Fold) -> None:
    load(ctx.service)
    watch = MetricsWatch(ctx)
    if ctx.settings.runtime == "lockstep":
        lock = await join(
            fold,
            ctx.log,
            ctx.client,
            ctx.blocks,
            ctx.snapshots,
            build=BUILD,
            snapshot_every=ctx.settings.snapshot_every,
            watch=watch,
        )
        await lock.run()
        return
    await ctx.log.wait()
    running = await open_participant(
        fold, ctx.log, ctx.blocks, ctx.snapshots, build=BUILD, snapshot_every=ctx.settings.snapshot_every
    )
    await run_free(running, watch)


def _opened(ctx: Context):  # type: ignore[no-untyped-def]
    """Book, feed and start of trading, as the settings name them."""
    from contango_market_data.catalog.store import Catalog
    from contango_research.backtest import open_feed, period_of, start_ns_of
    from contango_research.book import load_book

    if ctx.settings.catalog is None:
        raise UserError(f"{ctx.service} needs a catalog: set CONTANGO_CATALOG to its folder")
    catalog, book = Catalog.open(ctx.settings.catalog), load_book(ctx.settings.book)
    period = period_of(catalog, book, ctx.settings.start, ctx.settings.end)
    feed = open_feed(catalog, book, period, ctx.blocks)
    return book, feed, start_ns_of(feed, period)


async def _conductor(ctx: Context) -> None:
    """Drives a lock-step replay to its end, then finishes."""
    from contango_common.runtime.conductor import Conductor
    from contango_research.backtest import REASON
    from contango_research.house import turns

    book, _, start_ns = _opened(ctx)
    await ctx.log.create()
    cursor = ctx.metrics.gauge("contango_cursor_seq", service=ctx.service)
    conductor = Conductor(ctx.log, ctx.client, turns(), BUILD)
    async for _ in conductor.run(book.params(), start_ns, REASON):
        cursor.set(conductor.cursor)


async def _market_data(ctx: Context) -> None:
    from contango_research.serve.paced import run_paced

    book, feed, start_ns = _opened(ctx)
    if ctx.settings.runtime == "lockstep":
        await ctx.log.wait()
        sys.setswitchinterval(SWITCH_S)
        await FeedServer(ctx.log, ctx.client, feed.inputs(), ("md", "reference"), BUILD).run()
        return
    await ctx.log.create()
    await run_paced(ctx, feed.inputs(), book.params(), start_ns)


async def _clock(ctx: Context) -> None:
    from contango_research.serve.paced import run_clock

    await ctx.log.wait()
    await run_clock(ctx)


async def _recorder(ctx: Context) -> None:
    from contango_common.edge.store import Store
    from contango_recorder.recorder import Recorder

    conninfo = ctx.settings.postgres_conninfo()
    if conninfo is None:
        raise UserError("recorder needs a database: set CONTANGO_POSTGRES_DSN")
    await ctx.log.wait()
    store = Store(conninfo.get_secret_value())
    recorder = Recorder(ctx.log, store, ctx.metrics)
    ctx.health.add_check("database", lambda: recorder.trouble)
    stop, ctx.stop = ctx.stop, asyncio.Event()
    try:
        await recorder.run(stop)
    finally:
        ctx.stop = stop
        await asyncio.to_thread(store.close)


async def _gateway(ctx: Context) -> None:
    from contango_gateway.regime_cache import bucket_of
    from contango_gateway.service import serve
    from contango_research.book import Book

    ctx.settings.run_dir.mkdir(parents=True, exist_ok=True)
    await ctx.log.wait()
    token = ctx.settings.gateway_token
    await serve(
        ctx.log,
        host=ctx.settings.gateway_host,
        port=ctx.settings.gateway_port,
        token=None if token is None else token.get_secret_value(),
        service_urls=lambda: {**addresses(ctx.settings.run_dir), **ctx.settings.neighbours()},
        validate_params=lambda raw: Book.model_validate(raw).params(),
        metrics=ctx.metrics,
        stop=ctx.stop,
        run_dir=Path(ctx.settings.run_dir),
        blocks=ctx.blocks,
        open_bucket=bucket_of(ctx.client),
        earnings=_earnings(ctx.settings.earnings_model),
        validate_model=lambda model, sha: why_not_served(ctx.settings, model, sha),
    )


def _earnings(folder: Path | None) -> "Predictor":
    """The model in ``folder``; the plain rule where none is named. Raises UserError for one that is not whole."""
    from contango_inference.earnings.prediction import predictor
    from contango_research.earnings.store import load_model

    return predictor(None if folder is None else load_model(folder))


def _advisor_settings(settings: Settings) -> "AdvisorSettings":
    """Raises UserError when no advisor is configured, or where there cannot be one."""
    from contango_gateway.advisor.settings import advisor_settings

    if settings.runtime == "lockstep":
        raise UserError("the advisor has no turn in a lock-step replay, whose log is byte for byte the memory run's")
    return advisor_settings(
        settings.advisor_url, settings.advisor_model, settings.advisor_key, settings.advisor_deadline_s
    )


async def _advisor(ctx: Context) -> None:
    from contango_gateway.advisor.serve import serve

    await ctx.log.wait()
    await serve(ctx.log, _advisor_settings(ctx.settings), Redactor(ctx.settings.secrets()), ctx.metrics)
