"""What published figures of closed trades imply about their Sharpe ratio.

From total P, profit factor F, win rate w and n trades: the losses sum to L = P/(F − 1), the gains to F·L, so that an
average win is a = F·L/(w n), an average loss b = L/((1 − w) n). The least that profits can vary with these averages is
when every win is a and every loss b:

    mean = P/n,   σ ≥ (a + b) √(w (1 − w)),   annual Sharpe ≤ mean/σ · √(trades per year)

for trades that do not depend on each other. Real wins and losses vary too, so the truth lies below.
"""

import math
from typing import NamedTuple


class Implied(NamedTuple):
    """Of a trade: mean, average win, average loss, least standard deviation; and the largest annual Sharpe ratio."""

    mean: float
    average_win: float
    average_loss: float
    least_std: float
    most_sharpe: float


class Published(NamedTuple):
    """Figures as published; money in USD."""

    trades: int
    win_rate: float
    total: float
    profit_factor: float
    sharpe: float


BASELINE_S3 = Published(trades=289, win_rate=0.574, total=261_102.0, profit_factor=1.19, sharpe=6.60)


def implied(
    *, trades: int, win_rate: float, total: float, profit_factor: float, trades_per_year: float | None = None
) -> Implied:
    """The arithmetic; ``trades_per_year`` is ``trades`` unless given. Raises ValueError naming argument and value.

    >>> found = implied(trades=289, win_rate=0.574, total=261_102.0, profit_factor=1.19)
    >>> round(found.average_win), round(found.average_loss), round(found.most_sharpe, 2)
    (9858, 11162, 1.48)
    """
    if trades < 1 or not 0.0 < win_rate < 1.0:
        raise ValueError(f"need trades of at least 1 and win_rate in (0, 1), got {trades!r}, {win_rate!r}")
    if not (profit_factor > 0.0 and profit_factor != 1.0 and (profit_factor > 1.0) == (total > 0.0)):
        raise ValueError(f"profit_factor {profit_factor!r} and total {total!r} do not fit together")
    losses = total / (profit_factor - 1.0)
    win, loss = profit_factor * losses / (win_rate * trades), losses / ((1.0 - win_rate) * trades)
    mean = total / trades
    std = (win + loss) * math.sqrt(win_rate * (1.0 - win_rate))
    return Implied(mean, win, loss, std, mean / std * math.sqrt(trades_per_year or trades))


def sentence(figures: Published = BASELINE_S3) -> str:
    """What the figures imply, in words."""
    found = implied(
        trades=figures.trades,
        win_rate=figures.win_rate,
        total=figures.total,
        profit_factor=figures.profit_factor,
    )
    ratio = (figures.sharpe / found.most_sharpe) ** 2
    return (
        f"Published: {figures.trades} trades, win rate {figures.win_rate:.1%}, ${figures.total:,.0f}, profit factor "
        f"{figures.profit_factor:.2f}, Sharpe {figures.sharpe:.2f}. These imply an average win of "
        f"${found.average_win:,.0f} and loss of ${found.average_loss:,.0f}, a mean of ${found.mean:,.0f} with a "
        f"standard deviation of at least ${found.least_std:,.0f} a trade, and so an annual Sharpe ratio of at most "
        f"{found.most_sharpe:.2f} for independent trades. {figures.sharpe:.2f} would need a variance {ratio:.0f} times "
        "smaller than theirs."
    )
