"""The total volatility s = vol·√t behind a time value: a guess good to 1e-4, and one step of fifth order.

With a = |ln(F/K)|, h = a/s, t = s/2 and Mills' ratio M, a Black time value is p = m φ(h - t) R, where m is the smaller
of F and K and R = M(h - t) - M(h + t) its quotient by its own slope in s; what it lacks of its maximum m is
m φ(h - t) S, S = M(t - h) + M(t + h). Whichever of ln p and ln(m - p) is better conditioned is solved for s, so the
answer carries the digits of the price down to the smallest number and up to the last gap below the maximum [1].

The guess. Let p' = p/√(FK) and take it for a Bachelier (normal) time value of distance a from the money,
p' = s_B (φ(h_B) - h_B N(-h_B)), h_B = a/s_B. The inverse is a function of one variable, held by two rational fits: near
the money in w = a/(p' + a/2), elsewhere in v = √(ln(a/p')). Then s = s_B (1 + c s²) with c close to a function of h
alone (1/24 at h = 0, 1/(8h²) far out): a third fit. Close to the maximum t - h is a normal quantile of the gap instead.

The step is Householder's of fifth order on the logarithm. The derivatives of p in s, in units of p_s/s^k, are
q = h² - t², q² - 3h² - t² and q (q² - 9h² - 3t²) + 12h². With t = 0 they are those of the normal model [2].

References:
    [1] P. Jäckel, "Let's be rational", Wilmott (2015) 40-53: the plan of guess and Householder steps.
    [2] P. Jäckel, "Implied normal volatility", Wilmott (2017) 52-54: the inverse of the normal time value.
"""

import math

from numba import njit

from contango_quant.pricing.elementary import log_quotient
from contango_quant.pricing.mills import HIGH, slope_ratio
from contango_quant.pricing.normal import inverse_cdf

LN_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
MAX_ROUNDS = 30
CLOSE = 1e-3  # relative step times 1 + h + t: one of fifth order from here ends below 1e-15
NEAR_MONEY = 1.85  # w below which the first fit serves; w = 2 is the far end
TINY = 1e-290
SMALL_GAP = 0.2  # of the maximum
FLATTEST = 0.04  # of the discriminant in the correction of the guess


@njit(cache=True, error_model="numpy", forceinline=True)
def normal_guess(value: float, distance: float) -> tuple[float, float]:
    """(h_B, s_B) of a Bachelier time value at `distance` ≥ 0 from the money; relative error below 2e-6.

    >>> h, s = normal_guess(0.3989422804014327, 0.0)
    >>> round(h, 5), round(s, 5)
    (0.0, 1.0)
    """
    half_straddle = value + 0.5 * distance
    w = distance / half_straddle
    near = w < NEAR_MONEY
    above_near, below_near = _near(w * w)
    above_far, below_far = _far(math.sqrt(log_quotient(distance, value)))
    above, below = (above_near, below_near) if near else (above_far, below_far)
    return (w if near else 1.0) * (above / below), (half_straddle if near else distance) * (below / above)


@njit(cache=True, error_model="numpy", forceinline=True)
def far_guess(log_ratio: float, distance: float) -> tuple[float, float]:
    """(h_B, s_B) where ln(distance/value) = `log_ratio` is at least 2.9.

    >>> h, _ = far_guess(10.0, 1.0)
    >>> round(h, 4)
    3.2601
    """
    above, below = _far(math.sqrt(log_ratio))
    return above / below, distance * (below / above)


@njit(cache=True, error_model="numpy", forceinline=True)
def _near(z: float) -> tuple[float, float]:
    """Numerator and denominator of h_B/w for z = w²."""
    above = ((-0.000456431858904 * z + 0.0199751550074) * z - 0.170460100844) * z + 0.398942804558
    return above, ((-0.00353328199466 * z + 0.0787592109966) * z - 0.506841496349) * z + 1.0


@njit(cache=True, error_model="numpy", forceinline=True)
def _far(v: float) -> tuple[float, float]:
    """Numerator and denominator of h_B."""
    above = (0.00040407736939 * v + 0.158679421184) * v + 0.381742529185
    below = (0.000286541251838 * v + 0.112094396385) * v + 0.280206390708
    above = ((above * v - 1.46856593086) * v + 2.06904707739) * v - 0.69031422709
    return above, (below * v - 0.466578412389) * v + 1.0


@njit(cache=True, error_model="numpy", forceinline=True)
def _correct(h: float, s: float) -> float:
    """From Bachelier's s_B to Black's s: s = s_B (1 + c s²); nan where that has no root to rely on."""
    hh, ss = h * h, s * s
    inverse_c = 24.0 + 8.0 * hh + 16.0 * hh / (hh + 1.10263816 * h + 1.26929411)
    inverse_c -= ss * ((1.11995262 * hh - 0.04985873 * h + 0.0935831) / (0.94119442 * hh + 0.1887034 * h + 1.0))
    root = 1.0 - 4.0 * ss / inverse_c
    return 2.0 * s / (1.0 + math.sqrt(root)) if root > FLATTEST else math.nan


@njit(cache=True, error_model="numpy", forceinline=True)
def quick_total_vol(a: float, value: float, gap: float, root_ratio: float) -> float:
    """`total_vol` by the guess and one step without a branch; nan where that is not enough.

    >>> round(quick_total_vol(0.0, 0.07965567455405796, 1.0 - 0.07965567455405796, 1.0), 14)
    0.2
    """
    h, s_normal = normal_guess(value * root_ratio, a)
    s = _correct(h, s_normal)
    step = _step(a, s, value, gap, 0.0)
    good = (abs(step) * (1.0 + a / s + 0.5 * s) <= CLOSE) & (gap >= SMALL_GAP) & (value * root_ratio >= TINY)
    return s + s * step if good else math.nan


@njit(cache=True, error_model="numpy")
def total_vol(a: float, value: float, gap: float, root_ratio: float) -> float:
    """s = vol·√t of a time value, by as many steps as it takes.

    a = |ln(F/K)|; value and gap: the time value and what it lacks of its maximum m = min(F, K), in units of m;
    root_ratio = √(m/max(F, K)). value must be at least 1e-290/root_ratio, or a must be 0 (see `tiny_total_vol`).

    >>> round(total_vol(1.0, 0.25, 0.75, math.exp(-0.5)), 14)
    1.32332161271946
    """
    h, s = normal_guess(value * root_ratio, a)
    s = _correct(h, s)
    if gap < SMALL_GAP or math.isnan(s):
        s = _from_gap(a, gap)
    return _polish(a, s, value, gap, 0.0)


@njit(cache=True, error_model="numpy")
def tiny_total_vol(a: float, log_value: float, log_root_ratio: float) -> float:
    """`total_vol` for a > 0 where the time value is given by its logarithm: it may be beyond the range of numbers.

    >>> round(tiny_total_vol(1.0, math.log(1e-200), 0.0) / total_vol(1.0, 1e-200, 1.0, 1.0), 12)
    1.0
    """
    h, s = far_guess(math.log(a) - log_value - log_root_ratio, a)
    s = _correct(h, s)
    return _polish(a, s if s > 0.0 else a / h, 1.0, 1.0, -log_value)


@njit(cache=True, error_model="numpy")
def _from_gap(a: float, gap: float) -> float:
    """s from what the time value lacks of its maximum, a share of it: N(h − t) + (m'/m) N(−h − t), m' the larger."""
    z = -inverse_cdf(0.5 * gap)
    outer = math.sqrt(z * z + 2.0 * a)  # h + t where t − h = z
    share = (z + math.sqrt(z * z + 2.5)) / (outer + math.sqrt(outer * outer + 2.5))  # M(outer)/M(z), roughly
    z = -inverse_cdf(gap / (1.0 + share))
    return z + math.sqrt(z * z + 2.0 * a)


@njit(cache=True, error_model="numpy")
def _polish(a: float, s: float, value: float, gap: float, shift: float) -> float:
    """Householder steps until one is so small that none need follow."""
    for _ in range(MAX_ROUNDS):
        step = _step(a, s, value, gap, shift)
        s += s * max(step, -0.5)
        if abs(step) * (1.0 + a / s + 0.5 * s) <= CLOSE:
            break
    return s


@njit(cache=True, error_model="numpy", forceinline=True)
def _step(a: float, s: float, value: float, gap: float, shift: float) -> float:
    """Relative step from s, in ln(value) or, where t − h > ½, in ln(gap); `shift` is added to the model's logarithm."""
    h, t = a / s, 0.5 * s
    ratio, _ = slope_ratio(h, t)
    high = t - h > HIGH
    miss = log_quotient(-ratio if high else ratio, gap if high else value) + shift
    return householder(miss - 0.5 * (h - t) * (h - t) - LN_SQRT_2PI, ratio / s, h * h, t * t)


@njit(cache=True, error_model="numpy", forceinline=True)
def householder(miss: float, per_slope: float, hh: float, tt: float) -> float:
    """Relative step in s that takes `miss` off ln p, of fifth order; per_slope = 1/(s ∂(ln p)/∂s), hh = h², tt = t².

    >>> round(householder(math.log(1.01), 1.0, 0.0, 0.0), 8), round(1.0 / 1.01 - 1.0, 8)  # p proportional to s
    (-0.00990099, -0.00990099)
    """
    q = hh - tt
    p3 = q * q - 3.0 * hh - tt
    p4 = q * (p3 - 6.0 * hh - 2.0 * tt) + 12.0 * hh
    n = -miss * per_slope  # Newton's step; in what follows s ∂(ln p)/∂s · n = −miss
    q, p3, p4 = q * n, p3 * n * n, p4 * n * n * n
    f2 = q + miss
    f3 = p3 + miss * (3.0 * q + 2.0 * miss)
    f4 = p4 + miss * (4.0 * p3 + 3.0 * q * q + miss * (12.0 * q + 6.0 * miss))
    return n * (1.0 + f2 + f3 * (1 / 6)) / (1.0 + 1.5 * f2 + 0.25 * f2 * f2 + f3 * (1 / 3) + f4 * (1 / 24))
