"""`contango earnings statement`: the figures, their intervals, and what the published ones imply."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from contango_common.domain.errors import UserError
from contango_research.cli.earnings import app
from contango_research.earnings.published import BASELINE_S3, implied, sentence
from contango_research.earnings.statement import Closed, daily, figures, kind_of, read_trades


def run(*arguments: object):
    return CliRunner().invoke(app, ["statement", *(str(a) for a in arguments)])


def test_the_published_sharpe_ratio_does_not_follow_from_the_other_figures():
    """289 trades, 57.4 % wins, $261,102, profit factor 1.19: by hand, losses 261102/0.19, gains 1.19 times that."""
    losses = 261_102 / 0.19
    win, loss = 1.19 * losses / (0.574 * 289), losses / (0.426 * 289)
    std = math.sqrt(0.574 * win**2 + 0.426 * loss**2 - (261_102 / 289) ** 2)
    found = implied(trades=289, win_rate=0.574, total=261_102.0, profit_factor=1.19)
    assert found.least_std == pytest.approx(std)
    assert found.most_sharpe == pytest.approx(261_102 / 289 / std * 17.0)
    assert found.most_sharpe == pytest.approx(1.48, abs=0.01)
    assert BASELINE_S3.sharpe > 4 * found.most_sharpe
    assert "at most 1.48" in sentence()


@given(st.lists(st.floats(-1000.0, 1000.0).filter(lambda x: abs(x) > 1.0), min_size=3, max_size=60))
def test_no_trades_with_such_figures_have_a_larger_ratio(pnls: list[float]):
    """The bound holds for any trades: recomputed from their figures it is at least their own ratio in size."""
    x = np.array(pnls)
    wins, total = np.mean(x > 0), float(x.sum())
    losses = -float(x[x < 0].sum())
    if not 0.0 < wins < 1.0 or abs(total) < 1e-6:
        return
    bound = implied(trades=len(x), win_rate=float(wins), total=total, profit_factor=float(x[x > 0].sum()) / losses)
    own = x.mean() / x.std() * math.sqrt(len(x))
    assert abs(own) <= abs(bound.most_sharpe) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"win_rate": 1.0}, "win_rate"), ({"profit_factor": 0.9}, "do not fit"), ({"trades": 0}, "trades")],
)
def test_figures_that_cannot_be_are_refused(changes, says):
    given_ = {"trades": 10, "win_rate": 0.5, "total": 100.0, "profit_factor": 1.2} | changes
    with pytest.raises(ValueError, match=says):
        implied(**given_)


def write(path, rows: list[str], header: str = "date,strategy,pnl"):
    path.write_text("\n".join([header, *rows, ""]))
    return path


def test_figures_by_hand(tmp_path):
    rows = [
        "2025-01-06,Iron Condor,-300",
        "2025-01-03,naked put,100",
        "2025-01-06,put spread,200",
        "2025-01-08,naked,50",
    ]
    found = {f.kind: f for f in figures(read_trades(write(tmp_path / "t.csv", rows)))}
    assert list(found) == ["all", "naked", "spread", "condor"]
    everything = found["all"]
    assert (everything.trades, everything.total.value) == (4, 50.0)
    assert everything.win_rate.value == 0.75
    assert everything.profit_factor.value == pytest.approx(350 / 300)
    days = np.array([100.0, -100.0, 0.0, 50.0])  # Friday to Wednesday
    assert everything.sharpe.value == pytest.approx(days.mean() / days.std(ddof=1) * math.sqrt(252))
    assert (everything.worst_loss, everything.average_win) == (300.0, pytest.approx(350 / 3))
    assert found["naked"].profit_factor.value is None
    assert found["condor"].sharpe.value is None


def test_intervals_hold_their_figures_and_are_the_same_again():
    rng = np.random.default_rng(0)
    days = np.arange("2025-01-01", "2026-01-01", dtype="M8[D]")
    trades = [
        Closed(int(str(d).replace("-", "")), "spread", float(p))
        for d, p in zip(rng.choice(days, 250), rng.normal(50, 400, 250), strict=True)
    ]
    trades.sort(key=lambda t: t.date)
    [everything, _] = figures(trades)
    for measured in (everything.total, everything.win_rate, everything.profit_factor, everything.sharpe):
        assert measured.interval.low < measured.value < measured.interval.high
    assert figures(trades) == figures(trades)


@given(st.integers(0, 1000))
def test_daily_profits_add_up_to_the_total(seed: int):
    """Weekends included: what closed on one counts to the weekday before."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2025-01-01") + rng.integers(0, 60, 20)
    trades = [
        Closed(int(str(d).replace("-", "")), "x", float(p)) for d, p in zip(days, rng.normal(size=20), strict=True)
    ]
    assert daily(trades).sum() == pytest.approx(sum(t.pnl for t in trades))


def test_fees_dollars_and_brackets(tmp_path):
    rows = ['2025-01-03,naked,"$1,200.50",0.5', "2025-01-06,naked,(200),"]
    trades = read_trades(write(tmp_path / "t.csv", rows, "Date,Strategy,PnL,Fees"))
    assert [t.pnl for t in trades] == [1200.0, -200.0]


def test_kinds():
    assert [kind_of(w) for w in ("Naked Put", "Bull Put Spread", "iron condor", "straddle ")] == [
        *("naked", "spread", "condor"),
        "straddle",
    ]


def test_the_command_prints_figures_and_the_arithmetic(tmp_path):
    rows = [f"2025-{1 + i // 20:02d}-{1 + i % 20:02d},naked,{(-1) ** i * (90 + i)}" for i in range(60)]
    done = run(write(tmp_path / "t.csv", rows))
    assert done.exit_code == 0, done.output
    assert "at most 1.48" in done.output
    assert "naked" in done.output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "date,strategy\n2025-01-03,naked\n",
            "line 1: no column 'pnl' (there are date, strategy); name it in the header",
        ),
        ("date,strategy,pnl\n2025-01-03,naked,abc\n", "line 2, column 'pnl': 'abc' is no number; write it as 1234.56"),
        ("date,strategy,pnl\n2025-01-03,naked,5\n13/01/2025,naked,1\n", "line 3, column 'date'"),
        ("date,strategy,pnl\n2025-01-03,,1\n", "line 2, column 'strategy': is empty; fill it in or remove the row"),
        ("date,strategy,pnl\n2025-01-03,naked,\n", "line 2, column 'pnl': is empty"),
        ("date,strategy,pnl\n2025-01-03,naked,1,2\n", "line 2: 4 fields for 3 columns"),
        ("date,strategy,pnl\n2025-01-03,naked,inf\n", "is not finite"),
        ("date,strategy,pnl\n", "there is no trade in it"),
    ],
)
def test_a_bad_statement_is_one_line_with_line_column_and_what_to_do(tmp_path, text, says):
    (tmp_path / "t.csv").write_text(text)
    done = run(tmp_path / "t.csv")
    assert isinstance(done.exception, UserError)  # the command line's main prints it and exits with 2
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)


def test_a_file_that_is_not_there():
    assert "no such file" in str(run("nowhere.csv").exception)
