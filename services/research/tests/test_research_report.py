"""The report: self-contained, complete, well-formed, and safe with any name."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contango_common.events.codec import decode
from contango_common.events.risk import TradeClosed
from contango_common.events.signal import Scan
from contango_common.runtime.log import Message
from contango_research.conservation import Twin
from contango_research.plain import without_nan
from contango_research.report import svg
from contango_research.report.barchart import histogram
from contango_research.report.gates import meanings
from contango_research.report.numbers import dollars, number, percent
from contango_research.report.page import CONTENTS, render
from contango_research.report.scale import Scale, ticks, time_ticks
from contango_research.report.thin import kept
from contango_research.report.timechart import Line, TimeChart
from contango_research.report.timechart import render as chart_of
from contango_research.summary import Analysis, analyse, summarise
from contango_research.tally import Tally
from support.research_log import Deal, changed, deals, run_of, warming_up

VOID = {"meta", "br", "img", "hr", "link", "input"}
PARAMS: dict[str, Any] = {"name": "lab", "notes": ["<b>bold</b> claim"], "venue": {"fill_model": "default"}}


class Outline(HTMLParser):
    """Checks that tags nest, and keeps ids, links and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key == "href" and value]
        self.fetched += [value for key, value in attrs if key in ("src", "srcset", "data") and value]
        assert tag != "link" or "href" not in known
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def analysis_of(messages: list[Message]) -> Analysis:
    tally, twin = Tally(), Twin()
    for message in messages:
        envelope = decode(message.data)
        tally.take(message, envelope)
        twin.take(message.seq, envelope)
    return analyse(tally, twin, 252.0)


def page_of(messages: list[Message], notes: tuple[str, ...] = ("REAL: the bars", "MODELLED: the quotes")) -> str:
    analysis = analysis_of(messages)
    summary = without_nan(summarise(analysis, name="lab", digest="d" * 64, wall_s=2.0))
    return render(analysis, summary, PARAMS, list(notes))


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    assert not found.open
    return found


@settings(max_examples=6, deadline=None)
@given(st.lists(deals, max_size=10))
def test_complete_and_well_formed_for_any_run(story: list[Deal]) -> None:
    log = run_of(story)
    page = page_of(log)
    found = outline(page)
    for event in (event for message in log for event in decode(message.data).events):
        if isinstance(event, TradeClosed):
            assert f'data-id="{event.position_id}"' in page
        for gate in event.gates if isinstance(event, Scan) else ():
            assert f"<code>{gate}</code>" in page
    assert {anchor for anchor, _ in CONTENTS} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert all(link[1:] in found.ids for link in found.links)
    assert not re.search(r"\bnan\b|\binf\b|None", re.sub(r"(?s)<style>.*?</style>|<script.*?</script>", "", page))


def test_nothing_is_fetched_from_anywhere() -> None:
    page = page_of(run_of([Deal(4, 3, 2, 700_000_000, 100, 5)]))
    found = outline(page)
    assert found.fetched == []
    assert "http" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert all(link.startswith("#") for link in found.links)


def test_names_and_notes_are_text_never_markup() -> None:
    log = run_of([Deal(4, 3, 2, 700_000_000, 100, 5)])
    planted = changed(log, "TradeClosed", 0, exit_reason="<script>x</script>", entry_why={'a"><i>': 1.0})
    planted = changed(planted, "Scan", 0, gates={"<img src=x>": False})
    page = page_of(planted, ("<script>alert(1)</script>",))
    assert "<script>x" not in page
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>bold</b>" not in page
    outline(page)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_short_runs_make_a_page_too(days: int) -> None:
    page = page_of(run_of(days=days))
    outline(page)
    assert "No trade was closed" in page


def test_a_run_without_options_makes_a_page() -> None:
    outline(page_of(run_of(options=False)))


def test_an_empty_log_makes_a_page() -> None:
    outline(page_of([]))


def test_a_violation_is_shown() -> None:
    log = run_of([Deal(4, 3, 2, 700_000_000, 100, 5)])
    assert "Violated" in page_of(changed(log, "TradeClosed", 0, pnl_micros=1))
    assert "Holds" in page_of(log)


def test_scans_of_the_warm_up_are_told_and_not_counted() -> None:
    assert "warm-up" not in page_of(run_of(days=2))
    page = page_of(warming_up(run_of(days=2)))
    assert "2 scans, 2 refusals" in page
    assert "are not counted: 1." in page


def test_gates_have_a_meaning() -> None:
    known = meanings()
    assert known["iv_rank"]
    assert known["halted"]
    assert known["size_risk_budget"]


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=5000),
    st.integers(4, 300),
)
@settings(max_examples=40, deadline=None)
def test_thinning_keeps_ends_and_extremes(values: list[float | None], most: int) -> None:
    rows = kept([values], most)
    assert rows == sorted(set(rows))
    assert len(rows) <= max(most, 3) + 2
    assert rows[0] == 0
    assert rows[-1] == len(values) - 1
    known = [value for value in values if value is not None]
    drawn = [values[row] for row in rows if values[row] is not None]
    if known:
        assert max(known) in drawn
        assert min(known) in drawn


@given(st.floats(-1e7, 1e7), st.floats(1e-3, 1e7), st.integers(2, 10))
def test_ticks_are_inside_evenly_spaced_and_few(low: float, width: float, about: int) -> None:
    found = ticks(low, low + width, about)
    slack = 1e-6 * max(1.0, width)
    assert all(low - slack <= value <= low + width + slack for value in found)
    assert len(found) <= about + 2


def test_time_ticks_name_the_first_period() -> None:
    assert [name for _, name in time_ticks(1_388_750_000_000.0, 1_546_000_000_000.0)] == [
        str(y) for y in range(2014, 2019)
    ]
    assert all(1e12 <= at <= 1.0001e12 for at, _ in time_ticks(1e12, 1.0001e12))


def test_scale_maps_ends_to_ends() -> None:
    y = Scale(10.0, 20.0, 200.0, 0.0)
    assert (y(10.0), y(15.0), y(20.0)) == (200.0, 100.0, 0.0)


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    chart = TimeChart("t", [0, 10**15, 2 * 10**15, 3 * 10**15, 4 * 10**15], (Line("a", [1.0, 2.0, None, 4.0, 5.0]),))
    path = re.search(r'<path class="line s1" d="([^"]+)"', chart_of(chart))
    assert path is not None
    assert path[1].count("M") == 2


def test_points_stand_where_the_axis_says() -> None:
    assert svg.polyline([[(1.0, 2.0), (3.0, 4.0)]], "c") == '<path class="c" d="M1.0 2.0L3.0 4.0"/>'


@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=50))
def test_a_histogram_shows_every_value(values: list[float]) -> None:
    picture = histogram(values, title="t", axis="a", step=0.25, rules=())
    assert sum(int(n) for n in re.findall(r"<title>[^:]+: (\d+)</title>", picture)) == len(values)


def test_numbers_read_as_written() -> None:
    assert percent(-0.12345) == "−12.35 %"
    assert percent(0.0) == "0.00 %"
    assert dollars(-0.4) == "$0"
    assert number(None) == "–"
    assert dollars(1234567.0, sign=True) == "+$1,234,567"


def test_one_huge_loss_makes_wide_bars_and_no_billion_of_them() -> None:
    picture = histogram([-2e10, 0.5, 0.7], title="t", axis="a", step=0.25, rules=())
    counts = [int(n) for n in re.findall(r": (\d+)<", picture)]
    assert sum(counts) == 3
    assert len(picture) < 20_000
