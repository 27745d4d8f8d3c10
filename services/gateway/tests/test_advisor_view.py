"""GET /v1/advice: the last notes and their scores, as the log has them, safe to show."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.advice import AdviceAbsent, AdviceGiven, AdviceScored
from contango_common.events.base import Event
from contango_gateway.advisor import view as views
from contango_gateway.advisor.routes import advice_routes
from contango_gateway.advisor.score import brier
from contango_gateway.advisor.view import HANDLERS, OTHER, AdviceView
from contango_gateway.seen import Seen


def given_note(name: str, note: str = "x", confidence: float = 0.75) -> AdviceGiven:
    return AdviceGiven(
        proposal_id=name,
        advisor="m",
        stance="favourable",
        confidence=confidence,
        note=note,
        prompt_sha="s",
        latency_ms=1.0,
    )


def scored(name: str, pnl_usd: float) -> AdviceScored:
    score = brier("favourable", 0.75, pnl_usd)
    return AdviceScored(
        proposal_id=name, advisor="m", stance="favourable", confidence=0.75, pnl_usd=pnl_usd, score=score
    )


def absent(name: str, reason: str = "r") -> AdviceAbsent:
    return AdviceAbsent(proposal_id=name, advisor="m", reason=reason)


def view_of(*events: Event) -> AdviceView:
    view = AdviceView()
    for seq, event in enumerate(events, 1):
        HANDLERS[type(event)](view, event, Seen(seq, 0, 100 * seq, "advice", 0))
    return view


def get(view: AdviceView, path: str = "/v1/advice", status: int = 200) -> Any:
    async def main() -> Any:
        app = FastAPI()
        app.include_router(advice_routes(view, lambda: {"as_of_seq": 7, "as_of_ts_ns": 8}))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            answer = await client.get(path)
            assert answer.status_code == status, answer.text
            return answer.json()

    return asyncio.run(main())


def test_notes_absences_and_scores_newest_first():
    said = get(view_of(given_note("a"), absent("b", "the API answered 500, 3 times"), scored("a", -5.0)))
    assert (said["as_of_seq"], said["given"], said["absent"]) == (7, 1, 1)
    assert said["reasons"] == {"the API answered 500, 3 times": 1}
    newest, oldest = said["advice"]
    assert (newest["proposal_id"], newest["stance"], newest["reason"]) == ("b", None, "the API answered 500, 3 times")
    assert (oldest["score"], oldest["pnl_usd"], oldest["scored_ts_ns"]) == (0.5625, -5.0, 300)
    assert said["table"]["notes"] == 1
    assert said["table"]["stances"][0] == {"stance": "favourable", "notes": 1, "hits": 0, "hit_rate": 0.0}


def test_an_empty_log_answers_with_reasons():
    said = get(AdviceView())
    assert said["advice"] == []
    assert said["table"]["absent"] == "no note has been scored yet"


def test_a_note_is_escaped_for_pages_and_kept_as_text_beside():
    note = "<img src=x onerror=\"fetch('/v1/halt')\"> & more"
    [row] = get(view_of(given_note("a", note)))["advice"]
    assert row["note"] == note
    assert row["note_html"] == "&lt;img src=x onerror=&quot;fetch(&#x27;/v1/halt&#x27;)&quot;&gt; &amp; more"


def test_the_limit_counts_from_the_newest():
    view = view_of(*(given_note(f"p{i}") for i in range(5)))
    assert [row["proposal_id"] for row in get(view, "/v1/advice?limit=2")["advice"]] == ["p4", "p3"]


@pytest.mark.parametrize("limit", ["0", "-1", "501", "x"])
def test_a_limit_out_of_range_is_refused(limit: str):
    get(AdviceView(), f"/v1/advice?limit={limit}", 422)


events = st.one_of(
    st.builds(given_note, st.sampled_from("abc"), st.text(max_size=9), st.floats(0, 1)),
    st.builds(absent, st.sampled_from("abc"), st.text(max_size=3)),
    st.builds(scored, st.sampled_from("abc"), st.floats(-10, 10)),
)


@settings(max_examples=50)
@given(st.lists(events, max_size=12))
def test_any_log_is_counted_whole_and_answered(log: list[Event]):
    view = view_of(*log)
    said = get(view)
    kinds = [type(event) for event in log]
    assert said["given"] == kinds.count(AdviceGiven)
    assert said["absent"] == kinds.count(AdviceAbsent) == sum(said["reasons"].values())
    assert said["table"]["notes"] == kinds.count(AdviceScored)
    assert get(view_of(*log)) == said


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(views, "KEPT", 3)
    monkeypatch.setattr(views, "REASONS_KEPT", 2)
    view = view_of(*(absent(f"p{i}", f"r{i}") for i in range(5)))
    assert list(view.rows) == ["p2", "p3", "p4"]
    assert dict(view.reasons) == {"r0": 1, "r1": 1, OTHER: 3}


def test_the_table_is_made_anew_only_for_a_new_score():
    view = view_of(scored("a", 1.0), scored("b", -1.0))
    first = view.table()
    assert view.table() is first
    HANDLERS[AdviceScored](view, scored("c", 1.0), Seen(9, 0, 9, "advice", 0))
    assert view.table().notes == 3
