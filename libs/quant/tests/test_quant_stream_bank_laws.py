"""The full bank: every value is the single kernel's own, and batch, stream and restart agree bit for bit."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_quant.stream import bank, kernel, sma, volume_profile
from contango_quant.stream.bank import _parts

SMALL = bank.Params(
    ema_fast=2,
    ema_slow=5,
    sma=4,
    sma_long=9,
    rsi=3,
    macd_fast=3,
    macd_slow=6,
    macd_signal=2,
    bollinger=4,
    atr=3,
    atr_rank_window=8,
    adx=3,
    stochastic=4,
    cmf=4,
    rvol=4,
    vol_window=5,
    momentum=6,
)
SEEDS = st.integers(0, 2**32 - 1)


def bars(seed, n, volume=True):
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
    open_ = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + rng.random(n) * 0.01)
    low = np.minimum(open_, close) * (1 - rng.random(n) * 0.01)
    volumes = np.round(rng.exponential(100.0, n)) if volume else np.full(n, math.nan)
    return [open_, high, low, close, volumes, np.arange(n) // 10 * 1.0]


def whole(params, columns):
    state, out = bank.init(params), np.empty((len(columns[0]), len(bank.OUTPUTS)))
    bank.batch(state, *columns, out)
    return state, out


@settings(deadline=None, max_examples=25)
@given(SEEDS, st.integers(1, 90), st.floats(0.0, 1.0))
def test_batch_is_stream_is_restart_bit_for_bit(seed, n, cut):
    columns = bars(seed, n)
    state, out = whole(SMALL, columns)
    at = round(cut * n)
    one, row, rows = bank.init(SMALL), np.empty(len(bank.OUTPUTS)), []
    for i in range(n):
        if i == at:
            one = kernel.restore(bank, SMALL, one.tobytes())
        bank.step(one, *(float(c[i]) for c in columns), row)
        rows.append(row.copy())
    assert np.array(rows).tobytes() == out.tobytes()
    assert one.tobytes() == state.tobytes()


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.booleans())
def test_every_value_is_the_single_kernels_own(seed, volume):
    columns = bars(seed, 80, volume)
    _, high, low, close, _, _ = columns
    _, out = whole(SMALL, columns)
    inputs = {
        **dict(zip(("open", "high", "low", "close", "volume", "session"), columns, strict=True)),
        "x": close,
        "price": (high + low + close) / 3.0,
    }
    alone = {}
    for name in (
        "ema_fast",
        "ema_slow",
        "sma",
        "sma_long",
        "rsi",
        "macd",
        "bollinger",
        "atr",
        "adx",
        "stochastic",
        "stoch_rsi",
        "psar",
        "squeeze",
        "realised_vol",
    ):
        module, params = _parts(SMALL)[name]
        got = kernel.run(module, module.init(params), *(inputs[i] for i in module.INPUTS))
        alone[name] = got.reshape(80, -1)
    value = {name: out[:, i] for i, name in enumerate(bank.OUTPUTS)}
    pairs = {
        **{
            name: alone[name][:, 0]
            for name in ("ema_fast", "ema_slow", "sma", "sma_long", "rsi", "macd", "atr", "psar")
        },
        "macd_signal": alone["macd"][:, 1],
        "macd_hist": alone["macd"][:, 2],
        "bb_position": alone["bollinger"][:, 0],
        "bb_position_clipped": alone["bollinger"][:, 1],
        "bb_width": alone["bollinger"][:, 3],
        "adx": alone["adx"][:, 0],
        "plus_di": alone["adx"][:, 1],
        "minus_di": alone["adx"][:, 2],
        "stoch_k": alone["stochastic"][:, 0],
        "stoch_d": alone["stochastic"][:, 1],
        "stoch_rsi": alone["stoch_rsi"][:, 0],
        "squeeze_on": alone["squeeze"][:, 1],
        "realised_vol": alone["realised_vol"][:, 0],
    }
    for name, want in pairs.items():
        assert value[name].tobytes() == np.ascontiguousarray(want).tobytes(), name
    for name, i in (("vwap", "vwap"), ("obv", "obv"), ("cmf", "cmf"), ("rvol", "rvol")):
        if volume:
            module, params = _parts(SMALL)[i]
            got = kernel.run(module, module.init(params), *(inputs[x] for x in module.INPUTS)).reshape(80, -1)[:, 0]
            assert value[name].tobytes() == np.ascontiguousarray(got).tobytes(), name
        else:
            assert np.isnan(value[name]).all(), name
    assert value["sma_distance"] == pytest.approx((close - value["sma"]) / value["sma"], nan_ok=True)
    assert value["atr_percent"] == pytest.approx(100.0 * value["atr"] / close, nan_ok=True)
    assert value["momentum"][6:] == pytest.approx(np.log(close[6:] / close[:-6]))
    assert value["return_1"][1:] == pytest.approx(np.log(close[1:] / close[:-1]))


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_property_3_the_atrs_percentile_lies_between_0_and_100(seed):
    """And is the rank of the newest among the window, by counting."""
    columns = bars(seed, 60)
    _, out = whole(SMALL, columns)
    value = {name: out[:, i] for i, name in enumerate(bank.OUTPUTS)}
    pctl, ratio = value["atr_pctl"], value["atr"] / columns[3]
    known = ~np.isnan(pctl)
    assert ((pctl[known] >= 0.0) & (pctl[known] <= 100.0)).all()
    for i in np.flatnonzero(known):
        window = [x for x in ratio[: i + 1] if x == x][-8:]
        assert pctl[i] == pytest.approx(100.0 * sum(x < window[-1] for x in window) / (len(window) - 1))


def test_truncation_changes_nothing_before_it():
    columns = bars(5, 90)
    _, out = whole(SMALL, columns)
    for cut in (1, 20, 60):
        assert whole(SMALL, [c[:cut] for c in columns])[1].tobytes() == out[:cut].tobytes()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0, 0.0])
@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_a_bad_bar_is_rejected_and_poisons_nothing(which, bad):
    columns = bars(9, 60)
    clean_state, clean = whole(SMALL, columns)
    dirty = [np.insert(c, 30, bad if i == which else c[30]) for i, c in enumerate(columns)]
    state, out = whole(SMALL, dirty)
    assert np.isnan(out[30]).all()
    assert np.delete(out, 30, axis=0).tobytes() == clean.tobytes()
    assert state["rejected"][0] == 1
    state["rejected"] = 0
    assert state.tobytes() == clean_state.tobytes()


def test_a_changed_window_changes_its_own_outputs_alone():
    columns = bars(3, 90)
    _, before = whole(SMALL, columns)
    own = {
        "ema_fast": {"ema_fast"},
        "ema_slow": {"ema_slow"},
        "sma": {"sma", "sma_distance"},
        "sma_long": {"sma_long"},
        "rsi": {"rsi", "stoch_rsi"},
        "macd_fast": {"macd", "macd_signal", "macd_hist"},
        "macd_signal": {"macd", "macd_signal", "macd_hist"},
        "bollinger": {
            "bb_position",
            "bb_position_clipped",
            "bb_width",
            "bb_width_mean",
            "bb_middle",
            "squeeze_ratio",
            "squeeze_on",
        },
        "atr": {"atr", "atr_percent", "atr_pctl"},
        "atr_rank_window": {"atr_pctl"},
        "adx": {"adx", "plus_di", "minus_di"},
        "stochastic": {"stoch_k", "stoch_d", "stoch_rsi"},
        "cmf": {"cmf"},
        "rvol": {"rvol"},
        "momentum": {"momentum"},
        "vol_window": {"realised_vol", "parkinson_vol", "garman_klass_vol", "rogers_satchell_vol"},
    }
    assert set(own) <= {f.name for f in fields(SMALL)}
    for name, outputs in own.items():
        _, after = whole(replace(SMALL, **{name: getattr(SMALL, name) + 1}), columns)
        moved = {key for i, key in enumerate(bank.OUTPUTS) if before[:, i].tobytes() != after[:, i].tobytes()}
        assert moved <= outputs, name
        assert moved, name


def test_everything_is_defined_after_the_warm_up():
    n = bank.WARM_UP(SMALL)
    _, out = whole(SMALL, bars(1, n + 1))
    assert np.isfinite(out[-1]).all()


def test_bad_parameters_are_named():
    with pytest.raises(ValueError, match="window must be an integer"):
        bank.Params(momentum=0)
    with pytest.raises(ValueError, match="window"):
        bank.Params(sma=0)
    assert sma.Params(3).window == 3


profiles = st.lists(
    st.tuples(st.floats(50.0, 200.0), st.floats(0.0, 0.05), st.just(0.0) | st.floats(0.01, 1000.0)),
    min_size=1,
    max_size=40,
)


def profiled(rows, fraction=0.01, bars=100, scale=1.0):
    state = volume_profile.init(volume_profile.Params(bars, fraction))
    for price, width, volume in rows:
        volume_profile.step(state, scale * price * (1.0 + width), scale * price, volume)
    return state


@settings(deadline=None)
@given(profiles)
def test_property_8_the_point_of_control_is_the_fullest_bin(rows):
    state = profiled(rows)
    first, volumes = volume_profile.volumes_of(state)
    found = volume_profile.profile_of(state)
    total = sum(v for _, _, v in rows)
    assert volumes.sum() == pytest.approx(total)
    if not total:
        assert found is None or found.volume == 0.0
        return
    assert found is not None
    width = math.log1p(0.01)
    at = math.floor(math.log(found.poc) / width) - first
    assert volumes[at] == volumes.max()
    assert found.volume == pytest.approx(total)


@settings(deadline=None)
@given(profiles)
def test_property_9_the_value_area_is_contiguous_holds_the_poc_and_70_percent_and_no_more(rows):
    """Minimal under the two-sided expansion: without its last step it would hold less than 70 %."""
    state = profiled(rows)
    first, volumes = volume_profile.volumes_of(state)
    if not volumes.sum() > 0.0:
        return
    found, poc = volume_profile.profile_of(state), int(np.argmax(volumes))
    width = math.log1p(0.01)
    low = round(math.log(found.value_low) / width) - first
    high = round(math.log(found.value_high) / width) - first - 1
    assert low <= poc <= high
    assert volumes[low : high + 1].sum() >= 0.70 * volumes.sum() * (1 - 1e-12)
    steps, a, b, middle = [], poc, poc, 0.5 * (len(volumes) - 1)
    while volumes[a : b + 1].sum() < 0.70 * volumes.sum() - 1e-9 and (a, b) != (0, len(volumes) - 1):
        below = volumes[a - 1] if a else -1.0
        above = volumes[b + 1] if b + 1 < len(volumes) else -1.0
        if below > above or (below == above and abs(a - 1 - middle) <= abs(b + 1 - middle)):
            a -= 1
        else:
            b += 1
        steps.append((a, b))
    assert (low, high) == ((poc, poc) if not steps else steps[-1])


@settings(deadline=None)
@given(profiles, st.sampled_from([1e-6, 1e-3, 1e4]))
def test_the_profile_does_not_depend_on_the_scale_of_prices(rows, scale):
    """A coin below a cent has as many bins as an index; the grid may lie differently by one bin."""
    one, other = profiled(rows), profiled(rows, scale=scale)
    a, b = volume_profile.volumes_of(one)[1], volume_profile.volumes_of(other)[1]
    assert abs(len(a) - len(b)) <= 1
    assert a.sum() == pytest.approx(b.sum())


def test_low_areas_lie_inside_what_traded_and_the_ring_forgets():
    rows = [(100.0, 0.0, 10.0), (102.0, 0.0, 1.0), (104.0, 0.0, 5.0)]
    found = volume_profile.profile_of(profiled(rows))
    assert found.low_areas
    assert all(99.0 < low < high < 106.0 for low, high in found.low_areas)
    later = profiled([*rows, *[(150.0, 0.0, 1.0)] * 3], bars=3)
    assert volume_profile.profile_of(later).poc == pytest.approx(150.0, rel=0.01)
