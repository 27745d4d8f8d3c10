"""The forecast for one announcement as it is asked and answered; without a usable model, the plain VRP rule. Pure.

The plain rule is the implied move over the mean |move| of the symbol's earlier announcements. It is used, with the
reason, when no model is loaded, when the model is too old for the date, when too many usual features are missing, and
when the model fails.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from contango_common.domain.errors import UserError
from contango_inference.earnings import historical, vrp
from contango_inference.earnings.events import DAY_NS, instants
from contango_inference.earnings.model import MODEL, EarningsModel, Prediction, predict, row_of
from contango_inference.earnings.params import EarningsParams
from contango_inference.earnings.request import EarningsAnswer, EarningsRequest, Predictor, TailBody
from contango_quant.surface.event import event_between


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model and the SHA-256 of its weights."""

    model: EarningsModel
    sha: str


@dataclass(frozen=True, slots=True)
class _Refused:
    reason: str
    missing_share: float | None = None


def predictor(loaded: Loaded | None, params: EarningsParams | None = None) -> Predictor:
    """The port that the gateway asks."""
    chosen = params or EarningsParams()
    return lambda request: answer(loaded, request, chosen)


def answer(loaded: Loaded | None, request: EarningsRequest, params: EarningsParams) -> EarningsAnswer:
    """The model's forecast, or the plain rule's with the reason. Raises UserError for features that do not exist."""
    features = _features(request)
    said = _ask(loaded, request, features, params)
    implied, by, implied_reason = implied_move(request)
    made = said[0] if isinstance(said, tuple) else None
    expected = made.mean if made is not None else features.get("abs_move_mean_8q")
    ratio = None if implied is None or expected is None else vrp.ratio(implied, expected)
    found = vrp.tier(ratio, vrp.PRESETS[request.tiers])
    tail = vrp.tail([abs(move) for move in request.prior_moves], implied)
    trr = tail.trr if tail.trr is not None else features.get("trr")
    why = said.reason if isinstance(said, _Refused) else None
    if ratio is None:
        lacking = "no implied move" if implied is None else "no expected move"
        why = "; ".join(part for part in (why, f"no VRP: {lacking}") if part)
    return EarningsAnswer(
        symbol=request.symbol,
        date=request.date,
        model=MODEL if made is not None else None,
        model_sha=None if loaded is None else loaded.sha,
        q10=None if made is None else made.q10,
        q50=None if made is None else made.q50,
        q90=None if made is None else made.q90,
        expected_move=expected,
        prob_up=None if made is None else made.prob_up,
        shows_direction=made is not None and loaded is not None and loaded.model.shows_direction,
        implied_move=implied,
        implied_by=by,
        implied_reason=implied_reason,
        vrp=ratio,
        tiers=request.tiers,
        tier=found,
        size_factor=vrp.size_factor(found, trr),
        missing_share=said.missing_share if isinstance(said, _Refused) else said[1],
        fallback=made is None,
        reason=why,
        tail=TailBody(**(tail._asdict() | {"trr": trr})),
    )


def implied_move(
    request: EarningsRequest,
) -> tuple[float | None, Literal["event_variance", "straddle"] | None, str | None]:
    """(implied |move|, how it was found, reason or remark) as a fraction of the spot."""
    reason = None
    if request.near is not None and request.far is not None:
        found = event_between(
            near_vol=request.near.vol_annual,
            near_years=request.near.years,
            far_vol=request.far.vol_annual,
            far_years=request.far.years,
        )
        if found.expected_move is not None:
            return found.expected_move, "event_variance", None
        reason = f"no event variance: {found.reason}"
    if request.straddle_price is None:
        return None, None, reason
    remark = "a straddle also holds the ordinary variance up to its expiry"
    text = "; ".join(part for part in (reason, remark) if part)
    return request.straddle_price / request.spot, "straddle", text


def _features(request: EarningsRequest) -> dict[str, float | None]:
    """Features given, over those that the moves tell."""
    moves = request.prior_moves
    told = historical.of_moves(np.array(moves[-max(historical.WINDOWS) :]), len(moves)) if moves else {}
    return told | request.features


def _ask(
    loaded: Loaded | None, request: EarningsRequest, features: dict[str, float | None], params: EarningsParams
) -> tuple[Prediction, float] | _Refused:
    """(prediction, share of usual features missing), or why the plain rule must do."""
    if loaded is None:
        return _Refused("no model is loaded")
    model = loaded.model
    day = int(request.date.strftime("%Y%m%d"))
    age_days = (instants(day, request.timing)[0] - model.last_label_ns) / DAY_NS
    if age_days < 0.0:
        return _Refused(f"the model learned from moves after {request.date}: it is not ready for that date")
    if age_days > params.most_age_days:
        return _Refused(f"the model's last move is {age_days:.0f} days before {request.date}, train it again")
    try:
        row, missing = row_of(model, features)
    except ValueError as error:
        raise UserError(f"features: {error}; the manifest of the model lists its features") from None
    if missing > params.most_missing:
        return _Refused(f"{missing:.0%} of the usual features are missing, at most {params.most_missing:.0%}", missing)
    try:
        made = predict(model, row)[0]
    except Exception as error:  # noqa: BLE001 - whatever breaks in a model, the plain rule answers and says why
        return _Refused(f"the model failed ({type(error).__name__}: {error})", missing)
    if not all(math.isfinite(x) for x in (made.q10, made.q50, made.q90, made.mean, made.prob_up)):
        return _Refused("the model's answer is not finite", missing)
    return made, missing
