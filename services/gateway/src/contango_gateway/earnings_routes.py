"""POST /v1/earnings/predict: the forecast for one announcement. The gateway reads no model; it asks a port."""

from fastapi import APIRouter

from contango_common.edge.logs import fields, get_logger
from contango_inference.earnings.request import EarningsAnswer, EarningsRequest, Predictor

log = get_logger("gateway")


def earnings_routes(predictor: Predictor) -> APIRouter:
    """Routes over ``predictor`` (`contango_inference.earnings.prediction.predictor`); without a model it falls back."""
    router = APIRouter(prefix="/v1/earnings")

    @router.post("/predict", tags=["earnings"], response_model=EarningsAnswer, summary="Expected move and VRP")
    def predict(request: EarningsRequest) -> EarningsAnswer:  # not async: a forest takes its time in a worker thread
        said = predictor(request)
        if said.fallback:
            log.warning(
                "the plain rule answered for %s: %s", said.symbol, said.reason, extra=fields(symbol=said.symbol)
            )
        return said

    return router
