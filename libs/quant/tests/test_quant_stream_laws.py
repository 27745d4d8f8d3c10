"""Laws that every registered kernel keeps; slow independent twins in plain Python are the witnesses."""

import inspect
import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contango_quant.stream import (
    adx,
    atr,
    basis,
    bollinger,
    cmf,
    ema,
    ew_beta,
    kernel,
    macd,
    obv,
    psar,
    range_vol,
    rank,
    realised_vol,
    rolling_moments,
    rolling_quantile,
    rsi,
    rvol,
    sma,
    sma_distance,
    squeeze,
    stoch_rsi,
    stochastic,
    volume_profile,
    vwap,
)
from contango_quant.stream.registry import KERNELS
from support import stream_twins as twins

NAN = math.nan


# Twins: each takes the whole history as rows and gives the newest value or values from scratch.
def twin_sma(p, rows):
    xs = [r[0] for r in rows]
    return (math.fsum(xs[-p.window :]) / p.window,) if len(xs) >= p.window else (NAN,)


def twin_ema(p, rows):
    xs = [r[0] for r in rows]
    if len(xs) < p.window:
        return (NAN,)
    alpha = 2 / (p.window + 1)
    later = xs[p.window :]
    seed = math.fsum(xs[: p.window]) / p.window * (1 - alpha) ** len(later)
    return (seed + math.fsum(alpha * (1 - alpha) ** (len(later) - 1 - i) * x for i, x in enumerate(later)),)


def wilder_mean(values, n):
    """Closed form: weights of the seed mean and of every later value."""
    if len(values) < n:
        return NAN
    later, keep = values[n:], (n - 1) / n
    seed = math.fsum(values[:n]) / n * keep ** len(later)
    return seed + math.fsum(v / n * keep ** (len(later) - 1 - i) for i, v in enumerate(later))


def twin_rsi(p, rows):
    changes = [b[0] - a[0] for a, b in itertools.pairwise(rows)]
    gain = wilder_mean([max(c, 0.0) for c in changes], p.window)
    loss = wilder_mean([max(-c, 0.0) for c in changes], p.window)
    if math.isnan(gain) or gain + loss == 0:
        return (NAN,)
    return (100.0,) if loss == 0 else (100 - 100 / (1 + gain / loss),)


def true_ranges(rows):
    return [max(h - l, abs(h - a[2]), abs(l - a[2])) for a, (h, l, _) in itertools.pairwise(rows)]


def twin_atr(p, rows):
    return (wilder_mean(true_ranges(rows), p.window),)


def twin_adx(p, rows):
    ups = [b[0] - a[0] for a, b in itertools.pairwise(rows)]
    downs = [a[1] - b[1] for a, b in itertools.pairwise(rows)]
    plus = [u if u > d and u > 0 else 0.0 for u, d in zip(ups, downs, strict=True)]
    minus = [d if d > u and d > 0 else 0.0 for u, d in zip(ups, downs, strict=True)]
    tr, dis, dxs = true_ranges(rows), (NAN, NAN), []
    for end in range(p.window, len(tr) + 1):
        # A Wilder sum is window times the Wilder mean: the factor cancels in the quotient.
        span = wilder_mean(tr[:end], p.window)
        di = [100 * wilder_mean(dm[:end], p.window) / span if span else 0.0 for dm in (plus, minus)]
        dis = (di[0], di[1])
        dxs.append(100 * abs(di[0] - di[1]) / sum(di) if sum(di) else 0.0)
    return (wilder_mean(dxs, p.window), *dis)


def twin_realised_vol(p, rows):
    logs = [math.log(r[0]) for r in rows][-p.window - 1 :]
    if len(logs) <= p.window:
        return (NAN,)
    returns = [b - a for a, b in itertools.pairwise(logs)]
    return (math.sqrt(statistics.variance(returns) * p.periods_per_year),)


def twin_range_vol(p, rows):
    o, h, l, c = (math.log(x) for x in rows[-1])
    u, d, e = h - o, l - o, c - o
    return (
        (u - d) ** 2 / (4 * math.log(2)),
        (u - d) ** 2 / 2 - (math.log(4) - 1) * e**2,
        u * (u - e) + d * (d - e),
    )


def twin_rank(p, rows):
    xs = [r[0] for r in rows][-p.window :]
    if len(rows) < (p.min_count or p.window):
        return (NAN, NAN)
    spread = max(xs) - min(xs)
    below = sorted(xs).index(xs[-1])
    return (100 * (xs[-1] - min(xs)) / spread if spread else NAN, 100 * below / (len(xs) - 1))


CASES = {
    "sma": (sma.Params(3), sma.Params(33), twin_sma),
    "ema": (ema.Params(3), ema.Params(10), twin_ema),
    "rsi": (rsi.Params(3), rsi.Params(14), twin_rsi),
    "atr": (atr.Params(3), atr.Params(14), twin_atr),
    "adx": (adx.Params(3), adx.Params(7), twin_adx),
    "realised_vol": (realised_vol.Params(3, 252.0), realised_vol.Params(40, 365.0), twin_realised_vol),
    "range_vol": (range_vol.Params(), range_vol.Params(), twin_range_vol),
    "rank": (rank.Params(4, 2), rank.Params(34), twin_rank),
    "macd": (macd.Params(2, 4, 3), macd.Params(), twins.macd),
    "bollinger": (bollinger.Params(3, 1.5), bollinger.Params(), twins.bollinger),
    "stochastic": (stochastic.Params(4, 1, 2), stochastic.Params(), twins.stochastic),
    "stoch_rsi": (stoch_rsi.Params(3, 4, 1, 2), stoch_rsi.Params(), twins.stoch_rsi),
    "psar": (psar.Params(0.1, 0.25), psar.Params(), twins.psar),
    "vwap": (vwap.Params(), vwap.Params(), twins.vwap),
    "obv": (obv.Params(), obv.Params(), twins.obv),
    "cmf": (cmf.Params(3), cmf.Params(), twins.cmf),
    "rolling_moments": (rolling_moments.Params(3), rolling_moments.Params(40), twins.rolling_moments),
    "rolling_quantile": (rolling_quantile.Params(4, 0.3), rolling_quantile.Params(33, 0.95), twins.rolling_quantile),
    "sma_distance": (sma_distance.Params(3), sma_distance.Params(), twins.sma_distance),
    "rvol": (rvol.Params(3), rvol.Params(), twins.rvol),
    "squeeze": (squeeze.Params(3), squeeze.Params(), twins.squeeze),
    "ew_beta": (ew_beta.Params(3.0, 2), ew_beta.Params(), twins.ew_beta),
    "basis": (basis.Params(4, 2.0, 2), basis.Params(30), twins.basis),
    "volume_profile": (volume_profile.Params(3), volume_profile.Params(40, 0.01), twins.volume_profile),
}
EVERY = [(name, params) for name, (a, b, _) in CASES.items() for params in (a, b)]
each_kernel = pytest.mark.parametrize(("name", "params"), EVERY, ids=lambda v: v if isinstance(v, str) else None)


def test_every_registered_kernel_has_a_case():
    assert set(CASES) == set(KERNELS)


def bars(seed, n):
    """A jumpy walk as open, high, low, close; some bars repeat the last close without any range."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, n) * (rng.random(n) < 0.8)))
    open_ = np.concatenate([[100.0], close[:-1]])
    width = rng.random((2, n)) * 0.01 * (rng.random(n) < 0.9)
    return {
        "open": open_,
        "high": np.maximum(open_, close) * (1 + width[0]),
        "low": np.minimum(open_, close) * (1 - width[1]),
        "close": close,
        "x": close - 100.0,
        "iv_annual": np.round(close / 400.0, 2),  # rounded, for ties
        "price": close,
        "volume": np.round(rng.exponential(1e4, n)) * (rng.random(n) < 0.9),
        "session": np.arange(n) // 13 * 1.0,
        "asset_return": 0.8 * np.log(close / open_) + rng.normal(0.0, 0.01, n),
        "market_return": np.log(close / open_),
        "spot": close,
        "future": close * np.exp(0.01 + rng.normal(0.0, 0.001, n) + 0.02 * (np.arange(n) > 90)),  # it rolls once
        "carry": np.full(n, 0.002),
    }


def columns_of(name, seed, n):
    data = bars(seed, n)
    return [data[column] for column in KERNELS[name].INPUTS]


def stepped(k, state, columns):
    rows = [k.step(state, *map(float, row)) for row in zip(*columns, strict=True)]
    return np.array(rows, dtype=np.float64)


SEED = st.integers(0, 2**32 - 1)
LENGTH = st.integers(1, 120)


@each_kernel
@settings(deadline=None, max_examples=25)
@given(seed=SEED, n=LENGTH)
def test_batch_is_stream_bit_for_bit(name, params, seed, n):
    k, columns = KERNELS[name], columns_of(name, seed, n)
    one, other = k.init(params), k.init(params)
    assert kernel.run(k, one, *columns).tobytes() == stepped(k, other, columns).tobytes()
    assert one.tobytes() == other.tobytes()


@each_kernel
@settings(deadline=None, max_examples=25)
@given(seed=SEED, n=LENGTH, cut=st.floats(0.0, 1.0))
def test_restart_from_bytes_at_any_cut(name, params, seed, n, cut):
    k, columns = KERNELS[name], columns_of(name, seed, n)
    at = round(cut * n)
    state = k.init(params)
    head = kernel.run(k, state, *(c[:at] for c in columns))
    state = kernel.restore(k, params, state.tobytes())
    tail = kernel.run(k, state, *(c[at:] for c in columns))
    whole_state = k.init(params)
    whole = kernel.run(k, whole_state, *columns)
    assert np.concatenate([head, tail]).tobytes() == whole.tobytes()
    assert state.tobytes() == whole_state.tobytes()


@each_kernel
@settings(deadline=None, max_examples=15)
@given(seed=SEED, n=LENGTH)
def test_twin_agrees(name, params, seed, n):
    k, columns = KERNELS[name], columns_of(name, seed, n)
    got = kernel.run(k, k.init(params), *columns).reshape(n, -1)
    rows = [tuple(map(float, row)) for row in zip(*columns, strict=True)]
    for i in range(0, n, 7):
        want = CASES[name][2](params, rows[: i + 1])
        np.testing.assert_allclose(got[i], want, rtol=2e-12, atol=1e-11, err_msg=f"row {i}")


@each_kernel
@settings(deadline=None, max_examples=25)
@given(seed=SEED, n=LENGTH, data=st.data())
def test_bad_samples_do_not_poison(name, params, seed, n, data):
    k, columns = KERNELS[name], columns_of(name, seed, n)
    at, which = data.draw(st.integers(0, n)), data.draw(st.integers(0, len(columns) - 1))
    bad = data.draw(st.sampled_from([NAN, math.inf, -math.inf]))
    row = [float(c[at - 1]) for c in columns]
    row[which] = bad
    dirty = [np.insert(c, at, x) for c, x in zip(columns, row, strict=True)]
    clean_state, dirty_state = k.init(params), k.init(params)
    clean, got = kernel.run(k, clean_state, *columns), kernel.run(k, dirty_state, *dirty)
    assert np.isnan(got[at]).all()
    assert np.delete(got, at, axis=0).tobytes() == clean.tobytes()
    assert dirty_state["rejected"][0] == 1
    dirty_state["rejected"] = 0
    assert dirty_state.tobytes() == clean_state.tobytes()


@each_kernel
def test_ready_is_a_count(name, params):
    k = KERNELS[name]
    warm_up, state = k.WARM_UP(params), k.init(params)
    columns = columns_of(name, 7, warm_up + 5)
    out = kernel.run(k, k.init(params), *columns).reshape(warm_up + 5, -1)
    assert np.isnan(out[: warm_up - 1, 0]).all()
    assert np.isfinite(out[-1]).all()
    for i in range(warm_up):
        assert not kernel.is_ready(k, params, state)
        assert state["count"][0] == i
        k.step(state, *(float(c[i]) for c in columns))
    assert kernel.is_ready(k, params, state)


@each_kernel
def test_truncation_changes_nothing_before_it(name, params):
    k, columns = KERNELS[name], columns_of(name, 11, 100)
    whole = kernel.run(k, k.init(params), *columns)
    for cut in (1, 17, 60, 99):
        assert kernel.run(k, k.init(params), *(c[:cut] for c in columns)).tobytes() == whole[:cut].tobytes()


@each_kernel
def test_names_are_the_inputs_of_step(name, params):
    k = KERNELS[name]
    arguments = [a.rstrip("_") for a in inspect.signature(k.step.py_func).parameters]
    assert arguments == ["state", *k.INPUTS]
    assert k.state_dtype(params).names[:2] == ("count", "rejected")


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80), st.integers(1, 40))
def test_sma_of_any_numbers(xs, window):
    got = kernel.run(sma, sma.init(sma.Params(window)), xs)
    for i, value in enumerate(got):
        if i + 1 < window:
            assert math.isnan(value)
        else:
            part = xs[i + 1 - window : i + 1]
            assert value == pytest.approx(math.fsum(part) / window, abs=1e-15 * window * max(map(abs, part)))


def test_sma_forgets_an_extreme_value():
    out = kernel.run(sma, sma.init(sma.Params(3)), [1.0, 1e17, 2.0, 3.0, 4.0, 5.0])
    assert out[-1] == 4.0


PERCENT = ("rsi", "adx", "rank", "stochastic", "stoch_rsi")
SIGNED = (
    *("sma", "ema", "range_vol", "macd", "bollinger", "obv", "cmf"),
    *("rolling_moments", "rolling_quantile", "sma_distance", "ew_beta", "basis"),
)


@settings(deadline=None)
@given(SEED, st.integers(2, 60))
def test_indicators_stay_in_their_range(seed, n):
    for name, params in EVERY:
        out = kernel.run(KERNELS[name], KERNELS[name].init(params), *columns_of(name, seed, n))
        low, high = (0.0, 100.0 + 1e-9) if name in PERCENT else (0.0, math.inf)
        if name not in SIGNED:
            assert ((out[~np.isnan(out)] >= low) & (out[~np.isnan(out)] <= high)).all()


def test_undefined_is_none_and_not_a_constant():
    flat_rsi = kernel.Stream(rsi, rsi.Params(2))
    assert [flat_rsi.update(5) for _ in range(4)] == [None] * 4
    assert flat_rsi.ready
    flat_rank = kernel.Stream(rank, rank.Params(3))
    assert [flat_rank.update(0.2) for _ in range(3)] == [(None, None), (None, None), (None, 0.0)]


def test_mean_of_exactly_zero_does_not_begin_again():
    stream = kernel.Stream(ema, ema.Params(2))
    assert [stream.update(x) for x in (-1.0, 1.0, 3.0)] == [None, 0.0, 2.0]


@pytest.mark.parametrize("window", [0, -1, 1.5, True, 10**9])
def test_bad_window_is_named(window):
    for module in (sma, ema, rsi, atr, adx, rank):
        with pytest.raises(ValueError, match="window must be an integer"):
            module.Params(window)


def test_bad_other_parameters_and_columns():
    with pytest.raises(ValueError, match="periods_per_year"):
        realised_vol.Params(5, 0.0)
    with pytest.raises(ValueError, match="min_count must be from 2 to window 5, got 6"):
        rank.Params(5, 6)
    with pytest.raises(ValueError, match="inputs must be high, low, close"):
        kernel.run(atr, atr.init(atr.Params()), [1.0])
    with pytest.raises(ValueError, match="equally long"):
        kernel.run(atr, atr.init(atr.Params()), [1.0], [1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"must be \d+ bytes"):
        kernel.restore(sma, sma.Params(3), b"123")


@settings(deadline=None)
@given(st.floats(-5.0, 5.0), st.floats(-5.0, 5.0))
def test_impossible_bars_are_rejected(a, b):
    assume(a != b)
    high, low = min(a, b), max(a, b)
    for module in (atr, adx):
        state = module.init(module.Params())
        module.step(state, high, low, 1.0)
        assert (state["count"][0], state["rejected"][0]) == (0, 1)
