"""Slow twins of streaming kernels: each takes the whole history as rows and gives the newest values from scratch."""

import itertools
import math
import statistics

import numpy as np

NAN = math.nan


def ema_line(xs, n):
    """Exponential averages from the n-th value on, in closed form."""
    alpha = 2 / (n + 1)
    seed = math.fsum(xs[:n]) / n
    lines = []
    for m in range(len(xs) - n + 1):
        weights = [alpha * (1 - alpha) ** (m - 1 - i) for i in range(m)]
        lines.append(seed * (1 - alpha) ** m + math.fsum(w * x for w, x in zip(weights, xs[n : n + m], strict=True)))
    return lines


def macd(p, rows):
    xs = [r[0] for r in rows]
    if len(xs) < p.slow + p.signal - 1:
        return (NAN, NAN, NAN)
    fast, slow = ema_line(xs, p.fast), ema_line(xs, p.slow)
    gaps = [f - s for f, s in zip(fast[p.slow - p.fast :], slow, strict=True)]
    signal = ema_line(gaps, p.signal)[-1]
    return gaps[-1], signal, gaps[-1] - signal


def bollinger(p, rows):
    xs = [r[0] for r in rows][-p.window :]
    if len(xs) < p.window:
        return (NAN,) * 7
    mean, half = statistics.fmean(xs), p.k * statistics.pstdev(xs)
    lower, upper, wide = mean - half, mean + half, p.k * statistics.stdev(xs)
    flat = len(set(xs)) == 1
    at = NAN if flat else (xs[-1] - lower) / (upper - lower)
    sample = NAN if flat else (xs[-1] - mean + wide) / (2 * wide)
    return at, float(np.clip(at, 0, 1)), sample, (upper - lower) / mean, mean, lower, upper


def smoothed(raws, p):
    ks = [sum(raws[i : i + p.k_window]) / p.k_window for i in range(len(raws) - p.k_window + 1)]
    if len(ks) < p.d_window:
        return (NAN, NAN)
    return ks[-1], sum(ks[-p.d_window :]) / p.d_window


def stochastic(p, rows):
    raws = []
    for end in range(p.window, len(rows) + 1):
        part = rows[end - p.window : end]
        top, bottom = max(r[0] for r in part), min(r[1] for r in part)
        raws.append(100 * (rows[end - 1][2] - bottom) / (top - bottom) if top > bottom else NAN)
    return smoothed(raws, p)


def rsi_line(xs, n):
    """Wilder's index by its recursion for the ratio's two means; nan where nothing moved."""
    changes = np.diff(xs)
    out, up, down = [], 0.0, 0.0
    for i in range(n, len(changes) + 1):
        if i == n:
            up, down = np.clip(changes[:n], 0, None).mean(), np.clip(-changes[:n], 0, None).mean()
        else:
            up, down = (up * (n - 1) + max(changes[i - 1], 0)) / n, (down * (n - 1) + max(-changes[i - 1], 0)) / n
        out.append(NAN if up + down == 0 else 100 * up / (up + down))
    return out


def stoch_rsi(p, rows):
    line, raws = rsi_line([r[0] for r in rows], p.rsi_window), []
    for end in range(p.window, len(line) + 1):
        part = line[end - p.window : end]
        low, high = float(np.min(part)), float(np.max(part))
        raws.append(100 * (part[-1] - low) / (high - low) if round(high - low, 8) else NAN)
    return smoothed(raws, p)


def psar(p, rows):
    """A trend at a time: how long it lasts, then the next one from its extreme."""
    if len(rows) < 2:
        return (NAN, NAN)
    (h0, l0), (h1, l1) = rows[0], rows[1]
    side = -1 if l0 - l1 > max(h1 - h0, 0) else 1
    # In a down-trend the mirror image: heads are −lows and tails −highs.
    stop, best, rises, t = (l0 if side > 0 else -h0), (h1 if side > 0 else -l1), 0, 1
    while True:
        heads = [side * r[0 if side > 0 else 1] for r in rows]
        tails = [side * r[1 if side > 0 else 0] for r in rows]
        while tails[t] > stop:
            if heads[t] > best:
                best, rises = heads[t], rises + 1
            if t == len(rows) - 1:
                return side * stop, float(side > 0)
            ahead = stop + min(p.rate * (1 + rises), p.max_rate) * (best - stop)
            stop = min(ahead, tails[t], tails[max(t - 1, 1)])
            t += 1
        turned = max(best, heads[t], heads[max(t - 1, 1)])
        side, stop, best, rises = -side, -turned, -tails[t], 0
        if t == len(rows) - 1:
            return side * stop, float(side > 0)
        stop = min(stop + p.rate * (best - stop), -heads[t], -heads[max(t - 1, 1)])
        t += 1


def vwap(p, rows):
    own = [r for r in rows if r[2] == rows[-1][2]]
    volume = math.fsum(r[1] for r in own)
    return (math.fsum(r[0] * r[1] for r in own) / volume if volume else NAN,)


def obv(p, rows):
    closes = np.array([r[0] for r in rows])
    signs = np.concatenate([[1.0], np.sign(np.diff(closes))])
    return (math.fsum(signs * [r[1] for r in rows]),)


def cmf(p, rows):
    part = rows[-p.window :]
    total = math.fsum(r[3] for r in part)
    if len(part) < p.window or total == 0:
        return (NAN,)
    return (math.fsum(v * (2 * c - h - l) / (h - l) for h, l, c, v in part if h > l) / total,)


def rolling_moments(p, rows):
    xs = [r[0] for r in rows][-p.window :]
    if len(xs) < p.window:
        return (NAN, NAN, NAN)
    return statistics.fmean(xs), statistics.pvariance(xs), statistics.variance(xs)


def rolling_quantile(p, rows):
    xs = [r[0] for r in rows][-p.window :]
    return (float(np.quantile(xs, p.level)),) if len(xs) == p.window else (NAN,)


def sma_distance(p, rows):
    xs = [r[0] for r in rows][-p.window :]
    return (xs[-1] / statistics.fmean(xs) - 1,) if len(xs) == p.window else (NAN,)


def rvol(p, rows):
    xs = [r[0] for r in rows][-p.window - 1 :]
    if len(xs) <= p.window:
        return (NAN, NAN)
    return tuple(xs[-1] / statistics.fmean(part) if any(part) else NAN for part in (xs[:-1], xs[1:]))


def squeeze(p, rows):
    """Both bands against both ends of the channel."""
    if len(rows) <= p.window:
        return (NAN, NAN)
    spans = [max(h, a[2]) - min(l, a[2]) for a, (h, l, _) in itertools.pairwise(rows)]
    reach = statistics.fmean(spans[: p.window])
    for span in spans[p.window :]:
        reach += (span - reach) / p.window
    if reach == 0:
        return (NAN, NAN)
    xs = [r[2] for r in rows[-p.window :]]
    mean, band, channel = statistics.fmean(xs), p.k * statistics.pstdev(xs), p.m * reach
    return band / channel, float(mean - channel < mean - band and mean + band < mean + channel)


def ew_beta(p, rows):
    if len(rows) < p.min_count:
        return (NAN, NAN)
    asset, market = np.array(rows).T
    weights = 0.5 ** (np.arange(len(rows))[::-1] / p.halflife)
    cov = np.cov(asset, market, aweights=weights, ddof=0)
    if np.ptp(market) == 0:
        return (NAN, NAN)
    return cov[0, 1] / cov[1, 1], cov[0, 1] / math.sqrt(cov[0, 0] * cov[1, 1]) if np.ptp(asset) else NAN


def basis(p, rows):
    """The whole history played through, with plain lists."""
    held, away, out = [], [], (NAN, NAN)
    for spot, future, carry in rows:
        b, out = math.log(future / spot) - carry, (NAN, NAN)
        if len(held) >= p.window:
            last = held[-p.window :]
            mean, sd = statistics.fmean(last), statistics.stdev(last)
            out = (mean - b, (mean - b) / sd)
            side = (out[1] > p.jump) - (out[1] < -p.jump)
            away = [*away, side] if side and (not away or away[-1] == side) else [side] if side else []
            if len(away) >= p.patience:
                held, away = [], []
        held.append(b)
    return out


def volume_profile(p, rows):
    return (rows[-1][2],)
