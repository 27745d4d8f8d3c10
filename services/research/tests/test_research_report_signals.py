"""What the report says of signals: detectors over price, gate ledger, factors, shares of strategies; or that none."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.base import Event
from contango_common.events.codec import Envelope, decode, encode
from contango_common.events.risk import Refused
from contango_common.events.signal import FeatureFailed, GateAlert, RegimeReport, Scan, StrategiesSelected
from contango_common.runtime.log import Message
from contango_research.conservation import Twin
from contango_research.daily import ABSTAINS, UNKNOWN
from contango_research.plain import without_nan
from contango_research.report.numbers import number, percent
from contango_research.report.page import CONTENTS, render
from contango_research.shares import factors, shares
from contango_research.summary import Analysis, analyse, summarise
from contango_research.tally import Tally
from support.research_log import HOUR_NS, MONDAY_NS, Deal, deals, run_of, warming_up

DAY_NS = 24 * HOUR_NS
NAMES = ("iron_condor", "put_credit_spread", "calendar")
VOID = {"meta", "br", "img", "hr", "link", "input"}
LABELS = {
    "s0": ("bull_low_vol", "bull_high_vol", "bear_low_vol", "bear_high_vol"),
    "s1": ("TRENDING_BULLISH", "TRENDING_BEARISH", "RANGING", "UNCERTAIN"),
    "s2": ("LOW_VOL_RANGE", "BULL_TREND", "CRASH_MODE", "BEAR_TREND", "HIGH_VOL_RANGE"),
}


# Logs with what the signals fold adds


def report_of(detector: str, label: str | None, previous: str | None = None, abstain: str | None = None) -> Event:
    return RegimeReport(
        symbol="SPX",
        detector=detector,
        version=1,
        label=label,
        previous=previous,
        posterior={} if label is None else {label: 1.0},
        as_of_ns=1,
        stable_since_ns=1,
        abstain=abstain,
        why={},
    )


def with_facts(messages: Sequence[Message], said: Sequence[tuple[int, str, Event]]) -> list[Message]:
    """The log with facts (instant, source, fact) where they belong in time, behind what is there of that instant."""
    more = [
        (ts_ns, Message(0, f"log.{source}", encode(Envelope(ts_ns, source, 1, (fact,), (0,), "b1"))))
        for ts_ns, source, fact in said
    ]
    whole = [(decode(m.data).ts_ns, m) for m in messages]
    ordered = sorted([*whole, *more], key=lambda pair: pair[0])  # stable: the log's own order stays
    return [Message(seq, m.subject, m.data) for seq, (_, m) in enumerate(ordered, 1)]


def silent_run(story: Sequence[Deal] = (), days: int = 32) -> list[Message]:
    """A run in which no detector has spoken yet."""
    return [m for m in run_of(story, days=days) if b'"tag":"RegimeChanged"' not in m.data]


def strategy_of(position_id: str) -> str:
    """Deals are shared out by the day and the number in their name."""
    return NAMES[int(position_id.rpartition(":")[2].replace(".", "")) % len(NAMES)]


def of_its_strategy(event: Any) -> Event:
    """The fact, told of the strategy that its proposal was shared out to."""
    if event.TAG not in ("Proposal", "Approved", "Refused", "PositionOpened", "TradeClosed"):
        return event  # type: ignore[no-any-return]
    return event.model_copy(update={"strategy": strategy_of(event.proposal_id)})  # type: ignore[no-any-return]


def shared_out(messages: Sequence[Message]) -> list[Message]:
    """The log of one strategy's deals, told as three strategies' deals."""
    found = []
    for m in messages:
        e = decode(m.data)
        events = tuple(map(of_its_strategy, e.events))
        found.append(Message(m.seq, m.subject, encode(Envelope(e.ts_ns, e.source, e.cause, events, e.of, e.build))))
    return found


def closing(day: int) -> int:
    return MONDAY_NS + day * DAY_NS + 21 * HOUR_NS


def three_detectors(days: int, plan: dict[str, dict[int, str | None]]) -> list[tuple[int, str, Event]]:
    """Reports at closes by detector and day; None: it abstains, and says why."""
    said = []
    for name, reports in plan.items():
        previous = None
        for day, label in sorted(reports.items()):
            if day < days:
                why = None if label is not None else f"{name} knows too little on day {day}"
                said.append((closing(day), "signals", report_of(name, label, previous, why)))
                previous = label
    return said


PLAN: dict[str, dict[int, str | None]] = {
    "s0": {2: "bull_low_vol", 7: "bear_high_vol"},
    "s1": {0: "RANGING", 1: "TRENDING_BULLISH", 4: None, 6: "UNCERTAIN"},
    "s2": {0: "LOW_VOL_RANGE", 5: "CRASH_MODE"},
}
STORY = [
    Deal(1, 3, 2, 800_000_000, 100_000_000, 2_600_000),
    Deal(3, 2, 1, 400_000_000, 1_900_000_000, 1_300_000, reason="stop"),
    Deal(5, 2, 1, 300_000_000, 50_000_000, 1_300_000),
]


def selection(label: str | None, selected: tuple[str, ...], excluded: dict[str, str]) -> Event:
    return StrategiesSelected(
        underlying="SPX", session_date=1, detector="s2", label=label, selected=selected, excluded=excluded
    )


def full_log(days: int = 10) -> list[Message]:
    said: list[tuple[int, str, Event]] = three_detectors(days, PLAN)
    for day in range(days):
        said.append(
            (closing(day), "signals", selection("LOW_VOL_RANGE", NAMES[:2], {"calendar": "it does not trade X"}))
        )
    alert = GateAlert(underlying="SPX", strategy="calendar", gate="vrp", killed_share=0.93, limit=0.8, sessions=5)
    said.append((closing(6), "signals", alert))
    said.append((closing(7), "signals", FeatureFailed(feature="profile", reason="ValueError: <none>")))
    return with_facts(shared_out(silent_run(STORY, days)), said)


def analysed(messages: Sequence[Message]) -> Analysis:
    tally, twin = Tally(), Twin()
    for message in messages:
        envelope = decode(message.data)
        tally.take(message, envelope)
        twin.take(message.seq, envelope)
    return analyse(tally, twin, 252.0)


def page_of(a: Analysis) -> str:
    summary = without_nan(summarise(a, name="lab", digest="d" * 64, wall_s=2.0))
    return render(a, summary, {"name": "lab"}, ["MODELLED: everything"])


def section(page: str, anchor: str) -> str:
    found = re.findall(rf'(?s)<section id="{anchor}">(.*?)</section>', page)
    assert len(found) == 1, anchor
    return str(found[0])


def cells(part: str) -> list[list[str]]:
    """Text of every row of every table body in a part of the page."""
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", "".join(re.findall(r"(?s)<tbody>(.*?)</tbody>", part)))
    return [[text(cell) for cell in re.findall(r"(?s)<td[^>]*>(.*?)</td>", row)] for row in rows]


def text(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def raw(messages: Sequence[Message], tag: str) -> list[dict[str, Any]]:
    """Straight from the bytes, without any of our types."""
    return [event for m in messages for event in json.loads(m.data)["events"] if event["tag"] == tag]


# The page


class Tags(HTMLParser):
    """Whether tags nest, and whatever a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.reached: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.reached += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action") and v]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.reached += [v for k, v in attrs if k in ("src", "href", "srcset") and v]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def sound(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert all(link.startswith("#") for link in tags.reached), "nothing is fetched from anywhere"
    for word in ("http", "@import", "url(", "//cdn"):
        assert word not in page
    visible = re.sub(r"(?s)<style>.*?</style>|<script.*?</script>|<pre>.*?</pre>", "", page)
    assert not re.search(r"\bnan\b|\binf\b", visible)


def test_a_run_with_everything_is_one_sound_page_and_always_the_same() -> None:
    log = full_log()
    page = page_of(analysed(log))
    sound(page)
    assert page == page_of(analysed(log))
    assert re.findall(r'<section id="([a-z]+)">', page) == [anchor for anchor, _ in CONTENTS]


@settings(max_examples=8, deadline=None)
@given(st.lists(deals, max_size=6), st.integers(0, 12), st.data())
def test_any_run_with_any_reports_is_a_sound_page(story: list[Deal], days: int, data: st.DataObject) -> None:
    plan: dict[str, dict[int, str | None]] = {
        name: data.draw(st.dictionaries(st.integers(0, 11), st.none() | st.sampled_from(labels), max_size=5))
        for name, labels in LABELS.items()
    }
    sound(page_of(analysed(with_facts(shared_out(run_of(story, days=days)), three_detectors(days, plan)))))


NONE_STATED = {
    "gates": "Nothing was scanned in this run.",
    "strategies": "No strategy looked for an entry in this run.",
    "factors": "Fuzzy confidence was not at work in this run.",
    "alerts": "No gate killed nearly everything, and no feature failed.",
    "regimes": "No regime was detected in this run.",
    "forecasts": "No forecast was made in this run.",
    "trades": "No trade was closed in this run.",
    "exits": "No trade was closed in this run.",
    "prices": "No trade was closed in this run.",
    "months": "No session in this run.",
}


@pytest.mark.parametrize("log", [[], run_of(days=0)], ids=["no message", "no session"])
def test_an_empty_run_has_every_section_and_each_says_that_there_was_none(log: list[Message]) -> None:
    page = page_of(analysed(log))
    sound(page)
    for anchor, _ in CONTENTS:
        assert text(section(page, anchor)), anchor
    for anchor, words in NONE_STATED.items():
        part = section(page, anchor)
        assert f'<p class="none">{words}</p>' in part, anchor
        assert "<table" not in part
    for anchor in ("equity", "greeks"):
        assert "Too little in this run to draw." in section(page, anchor)
    assert "No trade was closed in this run: there is nothing to conclude." in section(page, "headline")


# Detectors over price


def test_three_detectors_are_three_pictures_over_the_same_price_and_the_deciding_one_comes_first() -> None:
    a = analysed(full_log())
    part = section(page_of(a), "regimes")
    titles = [text(title) for title in re.findall(r"(?s)<figcaption>(.*?)</figcaption>", part)]
    assert [title.partition(":")[0] for title in titles] == ["s2", "s0", "s1"]
    assert all("SPX at session closes, label in force behind it" in title for title in titles)
    paths = re.findall(r'<path class="line ink" d="([^"]+)"', part)
    assert len(paths) == 3
    assert len(set(paths)) == 1, "one price, three opinions"
    assert part.count('<div class="stacked">') == 3
    assert "<b>s2</b> decided here" in part


def in_force(reports: dict[int, str | None], days: int) -> tuple[str, ...]:
    """The label at each close, by looking back day by day."""
    found = []
    for day in range(days):
        told = [d for d in reports if d <= day]
        found.append(UNKNOWN if not told else reports[max(told)] or ABSTAINS)
    return tuple(found)


plans = st.fixed_dictionaries(
    {
        name: st.dictionaries(st.integers(0, 11), st.none() | st.sampled_from(labels), min_size=1, max_size=6)
        for name, labels in LABELS.items()
    }
)


@settings(max_examples=15, deadline=None)
@given(plans, st.integers(1, 12))
def test_labels_at_the_closes_and_their_shares_are_those_of_the_log(
    plan: dict[str, dict[int, str | None]], days: int
) -> None:
    a = analysed(with_facts(silent_run(days=days), three_detectors(days, plan)))
    known = a.daily.regimes
    assert known == {
        name: in_force(reports, days) for name, reports in plan.items() if any(day < days for day in reports)
    }
    part = section(page_of(a), "regimes")
    for name, labels in known.items():
        picture = part[part.index(f"<figcaption>{name}:") :].partition("</figure>")[2].partition("<figure>")[0]
        shown = re.findall(r'<span><i class="key wide [^"]*"></i>([^<]+)</span>', picture)
        counts = Counter(labels)
        expected = {f"{label.replace('_', ' ')} {count / days:.1%}" for label, count in counts.items()}
        assert set(map(unescape, shown)) == expected
        assert len(shown) == len(counts)
        assert f"Share of {days:,} sessions" in picture


def test_a_detector_that_abstains_says_why_and_one_that_never_spoke_has_no_picture() -> None:
    part = section(page_of(analysed(full_log())), "regimes")
    assert "Last reason to abstain: s1 knows too little on day 4." in part
    only = section(
        page_of(analysed(with_facts(silent_run(days=6), three_detectors(6, {"s1": {0: "RANGING"}})))), "regimes"
    )
    titles = [text(title) for title in re.findall(r"(?s)<figcaption>(.*?)</figcaption>", only)]
    assert [title.partition(":")[0] for title in titles] == ["s1"]


def test_changes_of_label_are_counted_as_told() -> None:
    part = section(page_of(analysed(full_log())), "regimes")
    found = re.findall(r"(\d+) changes of label", part)
    assert found == ["2", "2", "4"], "s2, s0 and s1; the first label and silence count as changes"


# The gate ledger


@settings(max_examples=10, deadline=None)
@given(st.lists(deals, max_size=12), st.booleans())
def test_the_ledger_counts_what_the_log_says(story: list[Deal], warm: bool) -> None:
    log = run_of(story, days=12)
    log = warming_up(log) if warm else log
    a = analysed(log)
    refusals = [
        ("signals", [gate for gate, ok in scan["gates"].items() if not ok] or ["unstated"])
        for scan in raw(log, "Scan")
        if not scan["proposed"] and scan["gates"].get("trading_started") is not False
    ] + [("risk", refused["reasons"]) for refused in raw(log, "Refused")]
    named = Counter((by, gate) for by, gates in refusals for gate in gates)
    alone = Counter((by, gates[0]) for by, gates in refusals if len(gates) == 1)
    part = section(page_of(a), "gates")
    rows = cells(part)
    assert {(row[2], row[0]): int(row[4].replace(",", "")) for row in rows} == dict(named)
    assert {(row[2], row[0]): int(row[6].replace(",", "")) for row in rows if row[6] != "0"} == dict(alone)
    for row in rows:
        assert row[5] == percent(named[row[2], row[0]] / len(refusals), 1)
    scans = len(raw(log, "Scan")) - warm
    assert f"{scans:,} scans, {len(refusals):,} refusals." in text(part)
    asked = {gate for scan in raw(log, "Scan") for gate in scan["gates"]}
    idle = set(re.findall(r"<li><code>([^<]+)</code></li>", part))
    assert idle == asked - {gate for _, gate in named}
    summary = summarise(a, name="lab", digest="d" * 64, wall_s=2.0)
    assert summary["refused"] == len(refusals)
    assert summary["refusals_by_gate"] == {gate: count for (_, gate), count in named.items()}


def test_the_ledger_by_hand() -> None:
    """Three scans: refused by two gates, by one alone, taken; and risk refuses once for one reason."""
    ts_ns = closing(5) + HOUR_NS
    verdicts = ({"iv_rank": False, "vrp": False, "drift": True}, {"iv_rank": True, "vrp": False, "drift": True})
    said: list[tuple[int, str, Event]] = [
        (
            ts_ns + i,
            "signals",
            Scan(underlying="SPX", strategy="t", candidates=3, proposed=False, gates=gates, kills={}, why={}),
        )
        for i, gates in enumerate(verdicts)
    ]
    refused = Refused(proposal_id="x", strategy="t", underlying="SPX", reasons=("heat",), limits={})
    log = with_facts(run_of(days=6, options=False), [*said, (ts_ns + 3, "risk", refused)])
    rows = {row[0]: (row[2], row[4], row[5], row[6], row[7]) for row in cells(section(page_of(analysed(log)), "gates"))}
    assert rows == {
        "vrp": ("signals", "2", "66.7 %", "1", "50 %"),
        "heat": ("risk", "1", "33.3 %", "1", "100 %"),
        "iv_rank": ("signals", "1", "33.3 %", "0", "0 %"),
    }


# Shares of strategies


@settings(max_examples=10, deadline=None)
@given(st.lists(deals, max_size=12))
def test_shares_add_up_to_the_whole(story: list[Deal]) -> None:
    log = shared_out(run_of(story))
    a = analysed(log)
    found = shares(a.tally)
    trades = raw(log, "TradeClosed")
    assert sum(round(s.pnl_usd * 1e6) for s in found) == sum(trade["pnl_micros"] for trade in trades)
    assert sum(round(s.fees_usd * 1e6) for s in found) == sum(trade["fees_micros"] for trade in trades)
    assert sum(s.pnl_usd for s in found) == pytest.approx(
        summarise(a, name="lab", digest="d" * 64, wall_s=2.0)["pnl_fill_usd"]
    )
    assert sum(s.trades for s in found) == len(trades)
    assert sum(s.wins for s in found) == sum(trade["pnl_micros"] > 0 for trade in trades)
    assert sum(s.proposals for s in found) == len(raw(log, "Proposal"))
    assert sum(s.approvals for s in found) == len(raw(log, "Approved"))
    assert sum(s.scans for s in found) == len(raw(log, "Scan"))
    assert sum(s.candidates for s in found) == sum(scan["candidates"] for scan in raw(log, "Scan"))
    known = [s.pnl_share for s in found if s.pnl_share is not None]
    assert all(0.0 <= share <= 1.0 for share in known)
    if any(s.pnl_usd for s in found):
        assert sum(known) == pytest.approx(1.0)
    assert [s.pnl_share is None for s in found if any(x.pnl_usd for x in found)] == [
        not s.trades for s in found if any(x.pnl_usd for x in found)
    ]
    assert [abs(s.pnl_usd) for s in found] == sorted((abs(s.pnl_usd) for s in found), reverse=True)
    rows = cells(section(page_of(a), "strategies"))
    assert [row[0] for row in rows] == [s.strategy for s in found]
    assert [row[6] for row in rows] == [f"{s.trades:,}" for s in found]


def test_shares_and_exclusions_by_hand() -> None:
    """Deals 1.0, 3.0 and 5.0 fall to the second, the first and the third of the names (10, 30, 50 by three)."""
    log = full_log()
    part = section(page_of(analysed(log)), "strategies")
    strategies, excluded = part.split("<h4>")
    rows = {row[0]: row[1:] for row in cells(strategies)}
    pnl = {"put_credit_spread": 694.8, "iron_condor": -1502.6, "calendar": 247.4}
    assert {strategy_of(f"condor:SPX:{day}.0"): usd for day, usd in zip((1, 3, 5), pnl.values(), strict=True)} == pnl
    total = sum(map(abs, pnl.values()))
    for name, usd in pnl.items():
        row = rows[name]
        sign = "−" if usd < 0 else ""
        assert row[5:11] == [
            "1",
            "100 %" if usd > 0 else "0 %",
            f"{sign}${abs(usd):,.0f}",
            "$5" if name == "put_credit_spread" else "$3",
            percent(abs(usd) / total, 0),
            "",
        ]
    assert rows["iron_condor"][0] == rows["put_credit_spread"][0] == "10", "sessions for which it was selected"
    assert rows["calendar"][0] == "0"
    assert cells(excluded) == [["calendar", "it does not trade X", "10", "100 %"]]


# Factors, alerts, failures


def scan_with(**contributions: float | None) -> Event:
    why = {f"fuzzy.{name}": x for name, x in contributions.items()}
    gates = {"iv_rank": True, "vrp": False}
    return Scan(
        underlying="SPX", strategy="t", candidates=1, proposed=False, gates=gates, kills={}, why={**why, "vix": 15.0}
    )


def test_factor_contributions_are_means_over_scans_and_over_trades_by_outcome() -> None:
    log = run_of(STORY, days=12)
    entries = iter(
        ({"fuzzy.trend": 0.2, "fuzzy.iv": 0.1}, {"fuzzy.trend": 0.4}, {"fuzzy.trend": 0.6, "fuzzy.iv": None})
    )
    told = []
    for m in log:
        e = decode(m.data)
        events = tuple(
            x.model_copy(update={"entry_why": next(entries)}) if x.TAG == "TradeClosed" else x for x in e.events
        )
        told.append(Message(m.seq, m.subject, encode(Envelope(e.ts_ns, e.source, e.cause, events, e.of, e.build))))
    said: list[tuple[int, str, Event]] = [
        (closing(6) + i, "signals", fact)
        for i, fact in enumerate(
            (scan_with(trend=0.30, iv=0.10), scan_with(trend=0.10, iv=None), scan_with(trend=0.20))
        )
    ]
    a = analysed(with_facts(told, said))
    found = {f.name: (f.scans, f.mean, f.won, f.lost) for f in factors(a.tally)}
    assert found["trend"] == pytest.approx((3, 0.20, 0.4, 0.4))  # won 0.2 and 0.6, lost 0.4
    assert found["iv"] == (1, 0.10, 0.1, None), "what was not known is left out, and is not nought"
    assert set(found) == {"trend", "iv"}
    rows = cells(section(page_of(a), "factors"))
    assert [[row[0], *row[2:]] for row in rows] == [
        ["trend", "3", number(0.20), number(0.40), number(0.40), number(0.0)],
        ["iv", "1", number(0.10), number(0.10), "–", "–"],
    ]


def test_alerts_and_failures_are_told_with_their_day() -> None:
    part = section(page_of(analysed(full_log())), "alerts")
    assert cells(part) == [
        ["calendar", "vrp", "93 %", "5", "20140112"],
        ["profile", "ValueError: <none>", "20140113"],
    ]
    assert "0 changes of adaptive thresholds, 0 volume profiles." in text(part)
