"""European prices and Greeks in 50 digits: the textbook formulas, and derivatives of the price taken numerically.

Slow, obvious, and without a line in common with the compiled code.
"""

import mpmath
from mpmath import mpf

DIGITS = 50
CANCELLED = 310  # digits that an in-the-money price may hide of its time value
# Orders of differentiation in (spot, t_years, vol, rate), and the sign by which time passes.
ORDERS = {
    "price": ((0, 0, 0, 0), 1),
    "delta": ((1, 0, 0, 0), 1),
    "gamma": ((2, 0, 0, 0), 1),
    "vega": ((0, 0, 1, 0), 1),
    "theta": ((0, 1, 0, 0), -1),
    "rho": ((0, 0, 0, 1), 1),
    "vanna": ((1, 0, 1, 0), 1),
    "volga": ((0, 0, 2, 0), 1),
    "charm": ((1, 1, 0, 0), -1),
    "speed": ((3, 0, 0, 0), 1),
    "zomma": ((2, 0, 1, 0), 1),
    "color": ((2, 1, 0, 0), -1),
    "veta": ((0, 1, 1, 0), -1),
}


def cdf(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def black(forward, strike, t_years, vol, discount, is_call):
    """Black (1976), straight from the textbook; enough digits that its cancellation does no harm."""
    with mpmath.workdps(DIGITS + CANCELLED):
        f, k, t, v, d = (mpf(x) for x in (forward, strike, t_years, vol, discount))
        s = v * mpmath.sqrt(t)
        d1 = mpmath.log(f / k) / s + s / 2
        sign = 1 if is_call else -1
        return d * sign * (f * cdf(sign * d1) - k * cdf(sign * (d1 - s)))


def digitals(forward, strike, t_years, vol, discount, is_call):
    """(cash-or-nothing, asset-or-nothing)."""
    with mpmath.workdps(DIGITS):
        f, k, t, v, d = (mpf(x) for x in (forward, strike, t_years, vol, discount))
        s = v * mpmath.sqrt(t)
        d1 = mpmath.log(f / k) / s + s / 2
        sign = 1 if is_call else -1
        return d * cdf(sign * (d1 - s)), d * f * cdf(sign * d1)


def bachelier(forward, strike, t_years, vol, discount, is_call):
    with mpmath.workdps(DIGITS + CANCELLED):
        f, k, t, v, d = (mpf(x) for x in (forward, strike, t_years, vol, discount))
        s = v * mpmath.sqrt(t)
        money = (f - k) if is_call else (k - f)
        return d * (money * cdf(money / s) + s * mpmath.npdf(money / s))


def merton(spot, strike, t_years, vol, rate, div_yield, is_call):
    """Black-Scholes-Merton with a continuous yield, at the precision in force."""
    sign = 1 if is_call else -1
    s = vol * mpmath.sqrt(t_years)
    d1 = (mpmath.log(spot / strike) + (rate - div_yield) * t_years) / s + s / 2
    held = spot * mpmath.exp(-div_yield * t_years) * cdf(sign * d1)
    return sign * (held - strike * mpmath.exp(-rate * t_years) * cdf(sign * (d1 - s)))


def greek(name, spot, strike, t_years, vol, rate, div_yield, is_call):
    """One of ORDERS, as a numerical derivative of the price in 50 digits (100 while differences are taken)."""
    orders, sign = ORDERS[name]
    with mpmath.workdps(2 * DIGITS):
        s, k, t, v, r, q = (mpf(x) for x in (spot, strike, t_years, vol, rate, div_yield))
        if not any(orders):
            return merton(s, k, t, v, r, q, is_call)

        def price(a, b, c, d):
            return merton(a, k, b, c, d, q, is_call)

        return sign * mpmath.diff(price, (s, t, v, r), orders)
