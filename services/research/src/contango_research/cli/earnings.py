"""`contango earnings …`: feature tables, their validation, models of the move, a forecast, a statement's figures."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from contango_research.cli.screen import console, count_bar

app = typer.Typer(
    help="""Moves at earnings announcements: how large they will be, and what options charge for them.

1. `features` builds point-in-time tables, 2. `validate` looks for leaks, 3. `train` walks forward and stores a model,
4. `predict` asks it. The model forecasts the *size* of a move (q10, q50, q90); its direction is shown as the base rate
unless walk-forward found evidence of more. `statement` recomputes the figures of closed trades.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

TablesArgument = Annotated[Path, typer.Argument(help="Folder of tables, made by 'contango earnings features'.")]
Seed = Annotated[int, typer.Option(help="Seed of everything drawn.", min=0)]
Trees = Annotated[int, typer.Option(help="Trees of the quantile forest.", min=1, max=2000)]
FoldYears = Annotated[int, typer.Option(help="Calendar years of one walk-forward fold.", min=1, max=20)]
LeastTraining = Annotated[int, typer.Option(help="Known moves before the first fold.", min=20)]


@app.command()
def features(
    events: Annotated[Path, typer.Option(help="Announcements, CSV or Parquet: see below.")],
    bars: Annotated[
        list[Path] | None,
        typer.Option(help="Daily bars: a catalog folder, or CSV/Parquet with symbol,date,open,high,low,close; repeat."),
    ] = None,
    market: Annotated[str | None, typer.Option(help="Symbol, among the bars, that stands for the market.")] = None,
    vix: Annotated[str | None, typer.Option(help="Symbol, among the bars, of the volatility index.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("earnings/features"),
    check_future: Annotated[
        bool,
        typer.Option(help="Build again with everything after a date corrupted, at three dates: no feature may notice."),
    ] = True,
) -> None:
    """Build point-in-time feature tables and, apart from them, labels.

    **Columns of --events**: `symbol`, `date` (YYYY-MM-DD); optional `time` (bmo, amc, unknown; also pre, post),
    `eps_est`, `eps`, `sector` (a symbol among the bars). For symbols without daily bars: `pre_date`, `pre_close`,
    `post_date`, `post_close` (last close before, first close after) and `vol` (annual volatility of the closes before,
    0.3 = 30 %).

    A feature looks at nothing after the last close before its announcement; prices must be adjusted for splits. What
    cannot be computed is null, with the reason beside it.

    *Example*: contango earnings features --events dates.csv --bars catalog --bars indices.csv --market SPX --vix VIX
    """
    from contango_research.earnings.work import build_tables

    with count_bar("features") as tell:
        built = build_tables(
            events, bars or [], market=_upper(market), vix=_upper(vix), out=out, check_future=check_future, tell=tell
        )
    known = sum(not reason for reason in built.tables.labels.reasons)
    print(f"{out}: {len(built.tables.events):,} announcements, {known:,} with a known move")
    if built.twice:
        print(f"- {built.twice} stood twice (same symbol and date): the first was kept")
    if built.huge:
        print(f"- {built.huge} moves above 50 %: look for splits that the prices are not adjusted for")
    for group in built.tables.groups:
        missing = sum(bool(reason) for reason in group.reasons)
        print(f"- {group.name}: {len(group.names)} features, {missing:,} rows with something missing")
    if built.future_changed:
        print(f"LEAK: a corrupted future changes {', '.join(built.future_changed)}")
        sys.exit(1)


@app.command()
def validate(
    tables: TablesArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The report to write (HTML).")] = Path(
        "earnings/validation.html"
    ),
    models: Annotated[bool, typer.Option(help="Importance and walk-forward scores, which take minutes.")] = True,
    trees: Trees = 200,
    fold_years: FoldYears = 2,
    least_training: LeastTraining = 300,
    seed: Seed = 0,
) -> None:
    """Look for leaks, correlation, gaps and importance; write a report. Exit code 1 when something leaks.

    A leak shows in one of four ways: a row known after the last close before its announcement; a feature that tells the
    outcome better than an honest one can; a feature that notices a corrupted future; a file changed since it was built.
    """
    from contango_inference.earnings.params import EarningsParams
    from contango_research.earnings.page import render, summary
    from contango_research.earnings.work import validate_tables

    params = EarningsParams(trees=trees, fold_years=fold_years, least_training=least_training, seed=seed)
    with count_bar("validate") as tell:
        found = validate_tables(tables, params, models=models, tell=tell)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render(found), encoding="utf-8")
    console.print(summary(found))
    print(f"{out}: {len(found.problems)} problems")
    if found.problems:
        sys.exit(1)


@app.command()
def train(
    tables: TablesArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Model folder to write.")] = Path("earnings/model"),
    trees: Trees = 200,
    fold_years: FoldYears = 2,
    least_training: LeastTraining = 300,
    seed: Seed = 0,
) -> None:
    """Walk forward against the naive forecast, then fit on everything and store the model.

    The folder holds `model.safetensors` (numbers alone) and `manifest.json` (features in order, training range, scores,
    SHA-256 of the weights). A fold trains on moves known before it began, and on nothing else.
    """
    from contango_inference.earnings.params import EarningsParams
    from contango_research.earnings.scores import scores_table
    from contango_research.earnings.work import train_model

    params = EarningsParams(trees=trees, fold_years=fold_years, least_training=least_training, seed=seed)
    with count_bar("walk forward") as tell:
        found, sha = train_model(tables, out, params, tell)
    console.print(scores_table(found))
    for line in found.verdict:
        print(f"- {line}")
    print(f"{out}: model {sha[:12]}")


@app.command()
def predict(
    request: Annotated[Path, typer.Argument(help="The request as JSON, as POST /v1/earnings/predict takes it.")],
    model: Annotated[Path | None, typer.Option(help="Model folder; without it the plain VRP rule answers.")] = None,
) -> None:
    """Ask the model about one announcement; the answer is JSON.

    *Request*: {"symbol": "XYZ", "date": "2024-02-01", "timing": "amc", "spot": 100, "near": {"vol_annual": 0.9,
    "years": 0.0192}, "far": {"vol_annual": 0.5, "years": 0.096}, "prior_moves": [0.03, -0.05, 0.02]}.
    Instead of near and far a straddle_price will do, with what it is worth; features by name may stand beside or
    instead of prior_moves. When the model cannot answer, the plain rule does, and `reason` says why.
    """
    from pydantic import ValidationError

    from contango_common.domain.errors import UserError
    from contango_gateway.problems import of_validation
    from contango_inference.earnings.prediction import predictor
    from contango_inference.earnings.request import EarningsRequest
    from contango_research.earnings.store import load_model

    if not request.is_file():
        raise UserError(f"{request}: no such file; 'contango earnings predict --help' shows a request")
    try:
        asked = EarningsRequest.model_validate_json(request.read_bytes())
    except ValidationError as error:
        raise UserError(f"{request}: {of_validation(error)}") from None
    print(predictor(None if model is None else load_model(model))(asked).model_dump_json(indent=2))


@app.command()
def statement(
    trades: Annotated[Path, typer.Argument(help="Closed trades, CSV: date, strategy, pnl, and fees where apart.")],
    seed: Seed = 0,
) -> None:
    """Win rate, profit factor, total and Sharpe of closed trades, by kind, each with its interval.

    **Columns**: `date` (of closing, YYYY-MM-DD), `strategy` (naked…, …spread, …condor, or any word), `pnl` (USD), and
    optional `fees` (positive, taken off). Below stands what the published baseline implies about its own Sharpe ratio.
    """
    from contango_research.earnings.published import sentence
    from contango_research.earnings.statement import figures, read_trades
    from contango_research.earnings.statement_table import statement_table

    console.print(statement_table(figures(read_trades(trades), seed=seed)))
    print(sentence())


def _upper(symbol: str | None) -> str | None:
    return None if symbol is None else symbol.upper()
