"""The tally: facts of the log as lists, decisions by instant, refusals with all reasons."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.codec import decode
from contango_common.runtime.log import Message
from contango_research.gate_ledger import gate_ledger
from contango_research.readiness import first_tradable
from contango_research.tally import Tally
from support.research_log import GATES, Deal, deals, run_of, warming_up

ONE = [Deal(5, 4, 3, 900_000_000, 200_000_000, 1_300_000)]


def tally_of(messages: list[Message]) -> Tally:
    tally = Tally()
    for message in messages:
        tally.take(message, decode(message.data))
    return tally


def events(messages: list[Message], tag: str) -> list[dict[str, object]]:
    """Straight from the bytes, without any of our types."""
    return [e for m in messages for e in json.loads(m.data)["events"] if e["tag"] == tag]


@settings(max_examples=30, deadline=None)
@given(st.lists(deals, max_size=10))
def test_every_fact_is_counted_once(story: list[Deal]) -> None:
    log = run_of(story)
    tally = tally_of(log)
    assert tally.frames == sum(m.subject == "log.md" for m in log)
    assert len(tally.trades) == len(events(log, "TradeClosed"))
    assert len(tally.marks) == len(events(log, "PortfolioMarked"))
    refused = [e for e in events(log, "Scan") if not e["proposed"]] + events(log, "Refused")
    assert len(tally.refusals) == len(refused)
    assert tally.fees_micros == sum(int(str(e["fees_micros"])) for e in events(log, "Filled"))


@settings(max_examples=30, deadline=None)
@given(st.lists(deals, max_size=8), st.data())
def test_what_comes_later_changes_no_decision_before(story: list[Deal], data: st.DataObject) -> None:
    log = run_of(story)
    cut = data.draw(st.integers(0, len(log)))
    part, whole = tally_of(log[:cut]).decisions, tally_of(log).decisions
    assert part[:-1] == whole[: max(0, len(part) - 1)]
    if part:
        assert part[-1].ts_ns == whole[len(part) - 1].ts_ns
        assert part[-1].actions == whole[len(part) - 1].actions[: len(part[-1].actions)]


def test_one_decision_per_instant_with_its_frame() -> None:
    log = run_of(ONE)
    tally = tally_of(log)
    instants = [decision.ts_ns for decision in tally.decisions]
    assert instants == sorted(set(instants))
    frames = {decode(m.data).ts_ns: m.seq for m in log if m.subject == "log.md"}
    started = tally.decisions[0].ts_ns
    assert all(d.frame == frames[d.ts_ns] for d in tally.decisions if d.ts_ns > started)
    opening = next(d for d in tally.decisions if any(a["what"] == "opened" for a in d.actions))
    assert [a["what"] for a in opening.actions] == ["proposed", "approved", "ordered", "accepted", "filled", "opened"]


def test_a_scan_that_proposes_nothing_is_refused_by_all_its_gates() -> None:
    tally = tally_of(run_of(days=2))
    assert [r.reasons for r in tally.refusals] == [("iv_rank", "vrp"), ("iv_rank", "vrp")]
    refused = [a for d in tally.decisions for a in d.actions if a["what"] == "refused"]
    assert all(a["by"] == "signals" and a["reasons"] == ["iv_rank", "vrp"] and a["gates"] for a in refused)


def test_scans_of_the_warm_up_are_no_refusals_wherever_they_stand_on_the_log() -> None:
    plain, warm = tally_of(run_of(days=2)), tally_of(warming_up(run_of(days=2)))
    assert warm.refusals == plain.refusals
    assert [d.actions for d in warm.decisions] != []
    assert not [a for d in warm.decisions for a in d.actions if "trading_started" in a.get("reasons", ())]
    assert (warm.warm_up_scans, plain.warm_up_scans) == (1, 0)
    assert len(warm.scans) == len(plain.scans) + 1
    assert "trading_started" not in [row.gate for row in gate_ledger(warm.refusals, warm.gates) if row.refused]


def test_exposure_counts_frames_between_opening_and_closing() -> None:
    tally = tally_of(run_of(ONE, days=12))
    # Opened on the first of two frames of day 5, closed after the first frame of day 9 was read: 8 frames saw it.
    assert sum(day.exposed_frames for day in tally.days) == 8


def test_first_tradable_day_waits_for_every_gate_that_needs_history() -> None:
    found = first_tradable(tally_of(run_of(days=9)))
    assert found.date == 20140109
    assert "iv_rank" in found.reason
    assert found.ready["history_ready"] == 20140106
    nothing = first_tradable(tally_of(run_of(days=2)))
    assert nothing.date is None
    assert "iv_rank" in nothing.reason
    assert "no scans" in first_tradable(tally_of(run_of(days=2, options=False))).reason


@settings(max_examples=30, deadline=None)
@given(st.lists(deals, max_size=10))
def test_gate_ledger_is_what_counting_by_hand_gives(story: list[Deal]) -> None:
    tally = tally_of(run_of(story))
    rows = gate_ledger(tally.refusals, tally.gates)
    for row in rows:
        naming = [r for r in tally.refusals if row.gate in r.reasons and r.by == row.by]
        assert row.refused == len(naming)
        assert row.alone == sum(r.reasons == (row.gate,) for r in naming)
    assert set(GATES) <= {row.gate for row in rows}
    assert sum(row.refused for row in rows) == sum(len(r.reasons) for r in tally.refusals)
