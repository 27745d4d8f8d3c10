"""American options a second, beside QuantLib's fast scheme on the same options, with the error of both.

Both price in one thread. The peer's process, engine, payoffs and exercises are made once, outside the clock. Inside it
four quotes are set and one option is made and priced: options that live on would all be told of every later quote,
which costs the peer more than making them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from contango_common.edge.clock import monotonic_s
from contango_quant.pricing.american.price import precise_price, price
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

HOW_TO_INSTALL = "QuantLib is not installed: pip install QuantLib"
COUNT, SEED = 2_000, 20_240_101
_BOUND = "one boundary and one premium integral an option, about 200 exponentials and normal distributions"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Options:
    """Columns of equal length; `days` is the time to expiry in calendar days of 1/365 year."""

    spot: Floats
    strike: Floats
    days: npt.NDArray[np.int64]
    vol: Floats
    rate: Floats
    div_yield: Floats
    is_call: npt.NDArray[np.bool_]

    def arguments(self) -> dict[str, Any]:
        """For the functions of `american.price`."""
        return {
            "spot": self.spot,
            "strike": self.strike,
            "t_years": self.days / 365.0,
            "vol": self.vol,
            "rate": self.rate,
            "div_yield": self.div_yield,
            "is_call": self.is_call,
        }


def measure(setting: Setting) -> list[Result]:
    """Prices of one random set, all different, so that no boundary serves twice."""
    options = random_options(COUNT)
    setting.say("american options: precise prices first, to measure errors")
    exact = precise_price(**options.arguments()).price
    ours, rates = _timed(lambda: price(**options.arguments()).price, setting, 0)
    note = f"{COUNT:,} options of strike 100; error {_error(ours, exact)}"
    peer: float | None = None
    if find_spec("QuantLib") is None:
        setting.say(HOW_TO_INSTALL)
        note += f"; {HOW_TO_INSTALL}"
    else:
        theirs, peer_rates = _timed(quantlib_fast(options), setting, setting.runs)
        peer = middle(peer_rates)
        note += f", of QuantLib {_error(theirs, exact)}"
    setting.tell(2 * setting.runs, 2 * setting.runs)
    beside = None if peer is None else "QuantLib QdFpAmericanEngine, fast scheme"
    return [
        Result(
            "american_per_s",
            middle(rates),
            "options/s",
            beside=beside,
            beside_value=peer,
            bound_by=_BOUND,
            samples=tuple(rates),
            note=note,
        )
    ]


def random_options(count: int) -> Options:
    """A week to three years, 8 to 80 % volatility, rates and yields of 0 to 10 %; equal counts give equal options."""
    rng = np.random.default_rng(SEED)
    return Options(
        spot=100.0 * np.exp(rng.normal(0.0, 0.25, count)),
        strike=np.full(count, 100.0),
        days=np.exp(rng.uniform(np.log(7.0), np.log(1095.0), count)).astype(np.int64),
        vol=rng.uniform(0.08, 0.8, count),
        rate=rng.uniform(0.0025, 0.10, count),
        div_yield=rng.uniform(0.0, 0.10, count),
        is_call=rng.random(count) < 0.5,
    )


def quantlib_fast(options: Options) -> Callable[[], Floats]:
    """A function that prices them all with the peer."""
    ql: Any = import_module("QuantLib")
    today = ql.Date(1, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    quotes = [ql.SimpleQuote(0.1) for _ in range(4)]
    spot, vol, rate, div_yield = (ql.QuoteHandle(quote) for quote in quotes)
    counter = ql.Actual365Fixed()
    process = ql.BlackScholesMertonProcess(
        spot,
        ql.YieldTermStructureHandle(ql.FlatForward(today, div_yield, counter)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, rate, counter)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), vol, counter)),
    )
    engine = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.fastScheme())
    rows = []
    for i in range(len(options.spot)):
        kind = ql.Option.Call if options.is_call[i] else ql.Option.Put
        payoff = ql.PlainVanillaPayoff(kind, float(options.strike[i]))
        exercise = ql.AmericanExercise(today, today + int(options.days[i]))
        values = (options.spot[i], options.vol[i], options.rate[i], options.div_yield[i])
        rows.append((payoff, exercise, tuple(float(value) for value in values)))

    def run() -> Floats:
        prices = np.empty(len(rows))
        for i, (payoff, exercise, values) in enumerate(rows):
            for quote, value in zip(quotes, values, strict=True):
                quote.setValue(value)
            option = ql.VanillaOption(payoff, exercise)
            option.setPricingEngine(engine)
            prices[i] = option.NPV()
        return prices

    return run


def _timed(run: Callable[[], Floats], setting: Setting, done: int) -> tuple[Floats, list[float]]:
    """The prices and the rates of the runs; one run before them compiles and fills caches."""
    prices, rates = run(), []
    for k in range(setting.runs):
        setting.tell(done + k, 2 * setting.runs)
        began_s = monotonic_s()
        prices = run()
        rates.append(len(prices) / (monotonic_s() - began_s))
    return prices, rates


def _error(prices: Floats, exact: Floats) -> str:
    error = np.abs(prices - exact)
    return f"{np.median(error):.1e} (largest {error.max():.1e})"
