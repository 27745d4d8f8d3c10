"""The last fitted smile of every expiry: volatilities of strikes whose own quote has none."""

import numpy as np

from contango_common.events.signal import SurfaceFitted
from contango_quant.surface.smile import NO_SMILE, smile_vol
from contango_risk.state import Leg, Smile


def take(smiles: dict[str, Smile], event: SurfaceFitted, ts_ns: int) -> None:
    """Keep the newest of each expiry and forget those that are over; a fit that failed leaves the one before."""
    for key in [key for key, smile in smiles.items() if smile.expiry_ns <= ts_ns]:
        del smiles[key]
    if event.smile and event.forward is not None:
        smiles[f"{event.root}:{event.expiry_date}"] = Smile(event.expiry_ns, event.forward, list(event.smile))


def smile_of(smiles: dict[str, Smile], leg: Leg) -> Smile | None:
    return smiles.get(f"{leg.root}:{leg.expiry_date}")


def vol_of(smile: Smile, leg: Leg) -> float | None:
    """The smile's volatility at the leg's strike, annual."""
    vol, status = smile_vol(leg.strike_millis / 1000.0, np.array(smile.row))
    return None if status == NO_SMILE else vol
