"""The last regime report of every symbol and hour, for readers that do not follow the log: keys that expire.

Key ``<symbol>.<yyyymmdd>.<hour>.<parameters>``: date and hour (UTC) of the event time, and the first eight digits of a
hash of the parameters in force, so that nothing is ever read across a change of them. Value: JSON, detector → what it
said (label, posterior, multiplier, abstention, since when). An hour after it was written a key is gone.

This is an edge: it writes what the log already says. No fold reads it, and losing it loses nothing. A bus that does not
answer is tried again at the next look.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import nats.errors
import nats.js.errors
import numpy as np

from contango_common.edge.logs import get_logger
from contango_gateway.views import Views

BUCKET = "regimes"
TTL_S = 3600.0
LOOK_EVERY_S = 1.0

log = get_logger("gateway")


class Bucket(Protocol):
    """What is needed of a NATS key-value bucket."""

    async def put(self, key: str, value: bytes) -> Any: ...


Open = Callable[[], Awaitable[Bucket]]


def bucket_of(client: Any) -> Open:
    """Opens the bucket over a NATS client, making it where it is not there."""

    async def made() -> Bucket:
        from nats.js.api import KeyValueConfig, StorageType

        js = client.jetstream()
        try:
            found: Bucket = await js.key_value(BUCKET)
        except nats.js.errors.BucketNotFoundError:
            config = KeyValueConfig(bucket=BUCKET, ttl=TTL_S, history=1, storage=StorageType.MEMORY)
            found = await js.create_key_value(config)
        return found

    return made


def entries(views: Views) -> dict[str, bytes]:
    """Key → value of what the views say now."""
    when = np.datetime64(views.as_of_ts_ns, "ns")
    date, hour = str(when.astype("M8[D]")).replace("-", ""), int(when.astype("M8[h]").astype(np.int64) % 24)
    digits = _hash(views.control.parameters)
    found = {}
    for symbol, detectors in views.market.regimes.items():
        told = {name: _plain(report) for name, report in sorted(detectors.items())}
        found[f"{symbol}.{date}.{hour:02d}.{digits}"] = json.dumps(told, separators=(",", ":")).encode()
    return found


async def keep(views: Views, open_bucket: Open, ready: Callable[[], bool]) -> None:
    """For ever: write what changed since the last look, and everything when an hour begins."""
    bucket: Bucket | None = None
    known: dict[str, bytes] = {}
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if not ready() or not views.market.regimes:
            continue
        try:
            bucket = bucket or await open_bucket()
            now = entries(views)
            for key, value in now.items():
                if known.get(key) != value:
                    await bucket.put(key, value)
            known = now
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
            bucket = None
            log.warning("the regime bucket does not answer: %s", type(error).__name__)


def _plain(report: dict[str, Any]) -> dict[str, Any]:
    names = ("version", "label", "posterior", "multiplier", "overlay", "abstain", "since_ts_ns")
    return {name: report[name] for name in names}


def _hash(parameters: Any) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode()).hexdigest()[:8]
