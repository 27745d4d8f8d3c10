"""The bucket of regime reports: what is in it, when it changes, and that a bus which is away costs nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from contango_common.edge.embedded_nats import EmbeddedNats
from contango_common.events.codec import Envelope, encode
from contango_common.events.signal import RegimeReport
from contango_common.events.system import ParametersChanged
from contango_common.runtime.log import Message
from contango_common.runtime.nats import connect
from contango_gateway import regime_cache
from contango_gateway.regime_cache import BUCKET, TTL_S, bucket_of, entries, keep
from contango_gateway.views import Views

HOUR_NS = 3_600_000_000_000
NOON_NS = 1_520_000_000_000_000_000  # 2018-03-02 14:13 UTC


def report(label: str | None, **changes: Any) -> RegimeReport:
    said: dict[str, Any] = {
        "symbol": "SPX",
        "detector": "s0",
        "version": 1,
        "label": label,
        "previous": None,
        "posterior": {} if label is None else {label: 0.9},
        "as_of_ns": NOON_NS,
        "stable_since_ns": NOON_NS,
        "abstain": None if label else "too little",
        "multiplier": 0.5,
        "why": {},
    }
    return RegimeReport(**{**said, **changes})


def told(views: Views, *events: Any, ts_ns: int = NOON_NS) -> None:
    seq = views.as_of_seq + 1
    envelope = Envelope(ts_ns, "signals", 0, events, (0,) * len(events))
    views.update(Message(seq, "log.signals", encode(envelope)), envelope)


def test_one_key_a_symbol_hour_and_parameters_with_every_detector() -> None:
    views = Views()
    told(views, report("bull_low_vol"), report("RANGING", detector="s1"))
    ((key, value),) = entries(views).items()
    symbol, date, hour, digits = key.split(".")
    assert (symbol, date, hour) == ("SPX", "20180302", "14")
    said = json.loads(value)
    assert {name: one["label"] for name, one in said.items()} == {"s0": "bull_low_vol", "s1": "RANGING"}
    assert said["s0"]["posterior"] == {"bull_low_vol": 0.9}
    told(views, ParametersChanged(params={"signals": {}}, reason="new"), ts_ns=NOON_NS + HOUR_NS)
    ((later, _),) = entries(views).items()
    assert later.split(".")[2] == "15"
    assert later.split(".")[3] != digits, "never read across a change of parameters"


def test_a_detector_that_abstains_says_so() -> None:
    views = Views()
    told(views, report(None))
    (value,) = entries(views).values()
    assert json.loads(value)["s0"] == {
        "version": 1,
        "label": None,
        "posterior": {},
        "multiplier": 0.5,
        "overlay": [],
        "abstain": "too little",
        "since_ts_ns": NOON_NS,
    }


class Fragile:
    """A bucket that is away for its first calls."""

    def __init__(self, failures: int) -> None:
        self.failures, self.held = failures, {}
        self.puts = 0

    async def put(self, key: str, value: bytes) -> None:
        if self.failures:
            self.failures -= 1
            raise nats.errors.TimeoutError
        self.puts += 1
        self.held[key] = value


def test_it_writes_what_changed_and_outlives_a_bus_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regime_cache, "LOOK_EVERY_S", 0.01)
    views, bucket = Views(), Fragile(failures=2)

    async def opened() -> Fragile:
        return bucket

    async def look(ready: bool = True) -> None:
        task = asyncio.create_task(keep(views, opened, lambda: ready))
        await asyncio.sleep(0.2)
        task.cancel()

    told(views, report("bull_low_vol"))
    asyncio.run(look(ready=False))
    assert bucket.held == {}, "while the log is still being read nothing is written"
    asyncio.run(look())
    assert list(bucket.held.values()) == list(entries(views).values())
    assert bucket.puts == 1, "what did not change is not written again"


def test_over_a_real_nats_server_keys_expire_after_an_hour(tmp_path: Path) -> None:
    views = Views()
    told(views, report("bull_low_vol"))

    async def check(url: str, login: dict[str, Any]) -> None:
        client = await connect(url, "gateway", **login)
        task = asyncio.create_task(keep(views, bucket_of(client), lambda: True))
        js = client.jetstream()
        found: Any = None
        for _ in range(100):
            try:
                found = await js.key_value(BUCKET)
                (key,) = await found.keys()
                break
            except (nats.js.errors.BucketNotFoundError, nats.js.errors.NoKeysError):
                await asyncio.sleep(0.1)
        entry = await found.get(key)
        assert json.loads(entry.value)["s0"]["label"] == "bull_low_vol"
        info = await js.stream_info(f"KV_{BUCKET}")
        assert info.config.max_age == TTL_S
        task.cancel()
        await client.close()

    with EmbeddedNats(tmp_path).start() as server:
        asyncio.run(asyncio.wait_for(check(server.url, server.login()), 60))
