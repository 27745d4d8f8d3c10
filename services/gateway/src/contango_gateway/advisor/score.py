"""Score of one note: the Brier score of the probability that it gave to the trade making money. Pure.

    p = c        favourable with confidence c
    p = 1 - c    unfavourable with confidence c
    p = 1/2      neutral, whatever its confidence: it says nothing about the outcome
    score = (p - o)²,   o = 1 where the trade made money after fees, else 0

0 is perfect, 1 is certain and wrong, a coin has 1/4. A trade that came out at exactly nothing did not make money.

References:
    [1] G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950) 1-3
        (his score sums over both classes and is twice this one).
"""

from contango_common.events.advice import Stance

COIN = 0.25
"""Score of a forecast that always says one half."""


def probability(stance: Stance, confidence: float) -> float:
    """Probability that the trade makes money, as a stance with ``confidence`` in [0, 1] puts it.

    Raises ValueError for a confidence outside of that.

    >>> probability("favourable", 0.75), probability("unfavourable", 0.75), probability("neutral", 0.75)
    (0.75, 0.25, 0.5)
    """
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence must be in [0, 1], got {confidence!r}")
    if stance == "neutral":
        return 0.5
    return confidence if stance == "favourable" else 1.0 - confidence


def made_money(pnl_usd: float) -> bool:
    """Whether a P&L after fees counts as a gain.

    >>> made_money(0.01), made_money(0.0)
    (True, False)
    """
    return pnl_usd > 0.0


def brier(stance: Stance, confidence: float, pnl_usd: float) -> float:
    """Score in [0, 1], lower is better; ``pnl_usd`` is the trade's P&L after fees.

    >>> brier("favourable", 0.75, 120.0), brier("favourable", 0.75, -80.0), brier("neutral", 1.0, 120.0)
    (0.0625, 0.5625, 0.25)
    """
    outcome = 1.0 if made_money(pnl_usd) else 0.0
    return (probability(stance, confidence) - outcome) ** 2
