"""Fitting the Gaussian mixture of daily features, on rows strictly before its use. Deterministic.

Rows are scaled by median and interquartile range, frozen at the fit. The number of components is the one with the
smallest BIC. Names come from the components' own means: "bull" where the drift (momentum plus trend, scaled) is not
below 0, "high" where volatility (realised and implied, scaled) lies above the weighted mean of all components *and*
above a floor, so that a calm year has no "high volatility" half; two components may share a name. Components are
matched to those of the previous fit, so that their order does not jump. The transition matrix is counted from the
posteriors of neighbouring sessions in the fit.

The published fit (``source_s0``) takes the last 60 bars, of which its look-back of 50 leaves ten rows, standard scores,
four full covariances (143 parameters), and no memory.

References:
    [1] C. M. Bishop, "Pattern Recognition and Machine Learning", 2006, section 9.2.
    [2] G. Schwarz, "Estimating the dimension of a model", Annals of Statistics 6 (1978) 461-464.
"""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from contango_common.events.fit import MixtureFitted
from contango_quant.stats.mixture import match
from contango_signals.regimes.s0 import S0Params

Floats = npt.NDArray[np.float64]
SOURCE_ROWS, SOURCE_COMPONENTS = 10, 4
SEED, STARTS, ITERATIONS = 20_140_103, 3, 300
RIDGE = 1e-4
HIGH_VOL_FLOOR = 0.14  # annual; below it nothing is called a high volatility
SMOOTHING = 1.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """What ``MixtureFitted`` says, apart from symbol, detector and version."""

    sha: str
    centre: Floats
    scale: Floats
    weights: Floats
    means: Floats
    precisions: Floats
    log_dets: Floats
    transition: Floats
    labels: list[str]
    covariance: str
    rows: int
    bic: float


def fit(rows: npt.ArrayLike, features: Sequence[str], p: S0Params, previous: Floats | None = None) -> Fitted | str:
    """The fit of ``rows`` (n, F), oldest first, none missing; or the reason why there is none.

    ``previous`` are the means (K, F) of the fit before in raw units, whose order is kept.
    """
    x = np.asarray(rows, dtype=np.float64)
    need = needed_rows(p)
    x = x[-SOURCE_ROWS:] if p.source_s0 else x[-p.max_rows :]
    if len(x) < max(need, x.shape[1] + 2 if x.ndim == 2 else need):
        return f"{need} sessions with every feature are needed, {len(x)} are there"
    centre, scale = _scaling(x, p.source_s0)
    if not (scale > 0.0).all():
        still = ", ".join(name for name, s in zip(features, scale, strict=True) if not s > 0.0)
        return f"a feature does not move: {still}"
    z = (x - centre) / scale
    model, bic, covariance = _best(z, p)
    order = _order(model, centre, scale, previous)
    means = model.means_[order]
    precisions = _precisions(model, z.shape[1])[order]
    weights = model.weights_[order] / model.weights_.sum()
    posterior = model.predict_proba(z)[:, order]
    transition = np.tile(weights, (len(weights), 1)) if p.source_s0 else _transition(posterior)
    raw = means * scale + centre
    labels = _labels(raw, weights, features)
    numbers = (centre, scale, weights, means, precisions, transition)
    return Fitted(
        sha=_sha(numbers, labels, covariance),
        centre=centre,
        scale=scale,
        weights=weights,
        means=means,
        precisions=precisions,
        log_dets=np.linalg.slogdet(precisions)[1],
        transition=transition,
        labels=labels,
        covariance=covariance,
        rows=len(x),
        bic=bic,
    )


def needed_rows(p: S0Params) -> int:
    """Rows with every feature below which nothing is fitted."""
    return SOURCE_ROWS if p.source_s0 else p.min_rows


def raw_means(f: Fitted | MixtureFitted) -> Floats:
    """Means (K, F) in the features' own units, of a fit or of the fact that says it."""
    return np.asarray(np.asarray(f.means) * np.asarray(f.scale) + np.asarray(f.centre))


def _scaling(x: Floats, standard: bool) -> tuple[Floats, Floats]:
    if standard:
        return x.mean(axis=0), x.std(axis=0)
    low, middle, high = np.percentile(x, (25.0, 50.0, 75.0), axis=0)
    return np.asarray(middle), np.asarray((high - low) / 1.349)  # of a normal distribution: its standard deviation


def _best(z: Floats, p: S0Params) -> tuple[Any, float, str]:
    if p.source_s0:
        counts, covariance = [SOURCE_COMPONENTS], "full"
    else:
        counts, covariance = list(range(p.components_min, max(p.components_min, p.components_max) + 1)), p.covariance
    found = []
    for count in counts:
        model = GaussianMixture(
            n_components=count,
            covariance_type=covariance,
            reg_covar=RIDGE,
            n_init=STARTS,
            max_iter=ITERATIONS,
            random_state=SEED,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the best of the starts is taken as it stands
            model.fit(z)
        found.append((float(model.bic(z)), count, model))
    bic, _, model = min(found, key=lambda item: item[:2])
    return model, bic, covariance


def _order(model: Any, centre: Floats, scale: Floats, previous: Floats | None) -> list[int]:
    """Components by volatility (the first feature), or as they continue those of the previous fit; new ones behind."""
    by_vol = [int(i) for i in np.argsort(model.means_[:, 0], kind="stable")]
    if previous is None or previous.shape[1] != model.means_.shape[1]:
        return by_vol
    kept = [i for i in match((previous - centre) / scale, model.means_) if i >= 0]
    return kept + [i for i in by_vol if i not in kept]


def _precisions(model: Any, features: int) -> Floats:
    """(K, F, F), whatever the covariances' shape."""
    k, kind = len(model.weights_), model.covariance_type
    if kind == "full":
        return np.asarray(model.precisions_)
    if kind == "tied":
        return np.repeat(model.precisions_[None], k, axis=0)
    return np.asarray([np.diag(row) for row in model.precisions_.reshape(k, features)])


def _transition(posterior: Floats) -> Floats:
    """Expected moves from component to component along the rows, smoothed, rows adding to 1."""
    counts = posterior[:-1].T @ posterior[1:] + SMOOTHING / posterior.shape[1]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _labels(raw: Floats, weights: Floats, features: Sequence[str]) -> list[str]:
    at = {name: i for i, name in enumerate(features)}
    vol = raw[:, [at[name] for name in ("realised_vol", "iv") if name in at]].mean(axis=1)
    drift = raw[:, [at[name] for name in ("momentum", "trend") if name in at]].sum(axis=1)
    usual = float(weights @ vol)
    return [
        f"{'bull' if d >= 0.0 else 'bear'}_{'high' if v > usual and v > HIGH_VOL_FLOOR else 'low'}_vol"
        for v, d in zip(vol.tolist(), drift.tolist(), strict=True)
    ]


def _sha(numbers: Sequence[Floats], labels: Sequence[str], covariance: str) -> str:
    head = f"{' '.join(labels)} {covariance}".encode()
    return hashlib.sha256(head + b"".join(n.astype("<f8").tobytes() for n in numbers)).hexdigest()
