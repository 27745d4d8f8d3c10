"""Implied volatilities a second beside QuantLib, and rows of Greeks a second beside a price in numpy, in one thread.

The options are mixed: calls and puts, strikes of half to twice the forward, two days to two years, volatilities of 5 to
150 %; those whose time value vanishes in the price are left out. Ours and the peers' runs alternate, so that all meet
the same load. QuantLib is called as Python callers have it, one option at a time; vollib (Jäckel's own code) likewise,
on a part of them, and is told in the note.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from contango_common.domain.errors import ContangoError
from contango_common.edge.clock import monotonic_s
from contango_quant.pricing.black import price
from contango_quant.pricing.greeks_higher import full_greeks
from contango_quant.pricing.implied import OK, implied
from contango_research.bench.result import Result, middle
from contango_research.bench.setting import Setting

OPTIONS = 100_000
ROWS = 1_000_000
VOLLIB_OPTIONS = 10_000  # it takes long
HOW_TO_INSTALL = "QuantLib is not installed: pip install QuantLib"
VOLLIB_HOW_TO_INSTALL = "vollib is not installed: pip install vollib"
_FORWARD, _RATE, _DIV_YIELD = 100.0, 0.03, 0.01
_SEED = 20_260_701

Column = npt.NDArray[Any]
Solver = Callable[[], list[float]]


@dataclass(frozen=True, slots=True)
class Options:
    """Columns of equal length; prices discounted, of Black-76 at ``vol``."""

    strike: Column
    t_years: Column
    vol: Column
    is_call: Column
    discount: Column
    price: Column

    def part(self, rows: Column | slice) -> "Options":
        return Options(*(np.ascontiguousarray(getattr(self, name)[rows]) for name in self.__slots__))


def measure(setting: Setting, options_count: int = OPTIONS, rows_count: int = ROWS) -> list[Result]:
    """Two figures. ContangoError when ours and a peer's answers differ."""
    return [measure_iv(setting, options_count), measure_greeks(setting, rows_count)]


def mixed_options(count: int) -> Options:
    """The same options every time; fewer than ``count``, for some have no time value."""
    random = np.random.default_rng(_SEED)
    strike, t_years = _FORWARD * random.uniform(0.5, 2.0, count), random.uniform(2 / 365, 2.0, count)
    vol, is_call = random.uniform(0.05, 1.5, count), random.random(count) < 0.5
    discount = np.exp(-_RATE * t_years)
    prices = price(forward=_FORWARD, strike=strike, t_years=t_years, vol=vol, discount=discount, is_call=is_call)
    options = Options(strike, t_years, vol, is_call, discount, prices)
    return options.part(solve(options).status == OK)


def solve(options: Options) -> Any:
    return implied(
        price=options.price,
        forward=_FORWARD,
        strike=options.strike,
        t_years=options.t_years,
        discount=options.discount,
        is_call=options.is_call,
    )


def measure_iv(setting: Setting, count: int) -> Result:
    options = mixed_options(count)
    some = options.part(slice(0, VOLLIB_OPTIONS))
    quantlib, vollib = quantlib_solver(options), vollib_solver(some)
    for solver, absent in ((quantlib, HOW_TO_INSTALL), (vollib, VOLLIB_HOW_TO_INSTALL)):
        if solver is None:
            setting.say(absent)
    ours, theirs, reference = [], [], []
    number, part = len(options.price), len(some.price)
    for done in range(setting.runs):
        setting.tell(done, setting.runs)
        ours.append(number / seconds(lambda: solve(options)))
        if quantlib is not None:
            theirs.append(number / seconds(quantlib))
        if vollib is not None:
            reference.append(part / seconds(vollib))
    setting.tell(setting.runs, setting.runs)
    check_same("QuantLib", quantlib, options)
    check_same("vollib", vollib, some)
    errors = np.abs(solve(options).vol / options.vol - 1.0)
    note = f"{number:,} options, median error {np.median(errors):.1e}"
    note += f"; vollib {middle(reference):,.0f}/s" if reference else ""
    return Result(
        "iv_per_s",
        middle(ours),
        "options/s",
        beside=f"QuantLib {version('QuantLib')}, blackFormulaImpliedStdDev in a Python loop" if theirs else None,
        beside_value=middle(theirs) if theirs else None,
        bound_by="one core's vector arithmetic: divisions, two Mills ratios and three logarithms an option",
        samples=tuple(ours),
        note=note,
    )


def quantlib_solver(options: Options) -> Solver | None:
    """All volatilities with its default accuracy; None where it is not installed. Arguments are made beforehand."""
    if find_spec("QuantLib") is None:
        return None
    ql = import_module("QuantLib")
    one = ql.blackFormulaImpliedStdDev
    kinds = [ql.Option.Call if call else ql.Option.Put for call in options.is_call]
    rows = list(zip(kinds, options.strike.tolist(), options.price.tolist(), options.discount.tolist(), strict=True))
    roots = np.sqrt(options.t_years).tolist()

    def run() -> list[float]:
        return [
            one(kind, strike, _FORWARD, value, discount) / root
            for (kind, strike, value, discount), root in zip(rows, roots, strict=True)
        ]

    return run


def vollib_solver(options: Options) -> Solver | None:
    """All volatilities by the package's Black model; None where it is not installed."""
    if find_spec("vollib") is None:
        return None
    one = import_module("vollib.black.implied_volatility").implied_volatility
    flags = ["c" if call else "p" for call in options.is_call]
    columns = (options.price.tolist(), options.strike.tolist(), options.t_years.tolist(), flags)
    rows = list(zip(*columns, strict=True))
    return lambda: [one(value, _FORWARD, strike, _RATE, t_years, flag) for value, strike, t_years, flag in rows]


def check_same(peer: str, solver: Solver | None, options: Options) -> None:
    """A speed beside another one means nothing unless both found the same, to the peer's accuracy."""
    if solver is None:
        return
    gap = float(np.median(np.abs(np.array(solver()) / solve(options).vol - 1.0)))
    if not gap < 1e-6:
        raise ContangoError(f"half of {peer}'s volatilities differ from ours by a relative {gap:.1e} or more")


def measure_greeks(setting: Setting, count: int) -> Result:
    random = np.random.default_rng(_SEED)
    spot, strike = np.full(count, _FORWARD), _FORWARD * random.uniform(0.5, 2.0, count)
    t_years, vol = random.uniform(2 / 365, 2.0, count), random.uniform(0.05, 1.5, count)
    is_call, out = random.random(count) < 0.5, np.empty((9, count))

    def ours() -> None:
        full_greeks(
            spot=spot,
            strike=strike,
            t_years=t_years,
            vol=vol,
            rate=_RATE,
            div_yield=_DIV_YIELD,
            is_call=is_call,
            out=out,
        )

    mine, theirs = [], []
    ours()
    for done in range(setting.runs):
        setting.tell(done, setting.runs)
        mine.append(count / seconds(ours))
        theirs.append(count / seconds(lambda: numpy_price(spot, strike, t_years, vol, is_call)))
    setting.tell(setting.runs, setting.runs)
    gap = float(np.max(np.abs(out[0] - numpy_price(spot, strike, t_years, vol, is_call))))
    if not gap < 1e-9 * _FORWARD:
        raise ContangoError(f"the price in numpy differs from ours by {gap:.1e}")
    return Result(
        "greeks_rows_per_s",
        middle(mine),
        "rows/s",
        beside="the price alone, numpy with scipy's ndtr",
        beside_value=middle(theirs),
        bound_by="one core's vector arithmetic and the memory that nine columns are written to",
        samples=tuple(mine),
        note=f"{count:,} rows of price, delta, gamma, vega, theta, rho, vanna, volga and charm",
    )


def numpy_price(spot: Column, strike: Column, t_years: Column, vol: Column, is_call: Column) -> Column:
    """What a short numpy program does for the price alone."""
    s = vol * np.sqrt(t_years)
    d1 = (np.log(spot / strike) + (_RATE - _DIV_YIELD) * t_years) / s + 0.5 * s
    sign = np.where(is_call, 1.0, -1.0)
    held = spot * np.exp(-_DIV_YIELD * t_years) * ndtr(sign * d1)
    value: Column = sign * (held - strike * np.exp(-_RATE * t_years) * ndtr(sign * (d1 - s)))
    return value


def seconds(run: Callable[[], object]) -> float:
    began_s = monotonic_s()
    run()
    return monotonic_s() - began_s


def version(package: str) -> str:
    return str(getattr(import_module(package), "__version__", "of unknown version"))
