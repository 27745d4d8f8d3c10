"""All commands in one table of contents."""

import typer

from contango_research.cli import bench, config, data, earnings, models, runs, session, train, triton

app = typer.Typer(
    name="contango",
    help="Options-volatility trading over one log: the same functions for backtest, replay, paper and live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)
app.command()(runs.demo)
app.command("demo-crypto")(runs.demo_crypto)
app.command("demo-triton")(triton.demo_triton)
app.command()(runs.backtest)
app.command()(runs.replay)
app.command()(runs.audit)
app.command()(train.train)
app.command()(session.up)
app.command("run")(session.run)
app.add_typer(data.app, name="data")
app.add_typer(config.app, name="config")
app.add_typer(models.app, name="models")
app.add_typer(earnings.app, name="earnings")
app.command("bench")(bench.bench)
app.command()(session.doctor)
