"""Books: the guide is what is declared, the template the defaults, presets merge, and what is wrong is named."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from contango_common.domain.errors import UserError
from contango_research.book import Book, load_book
from contango_research.cli.app import app
from contango_research.configuration.declared import rows
from contango_research.configuration.guide import guide
from contango_research.configuration.template import template
from contango_research.presets import PRESETS, STYLES, begun, merge
from contango_research.reach import dead_rules
from contango_signals.names import FEATURES
from contango_signals.strategies.registry import STRATEGIES

ROOT = Path(__file__).resolve().parents[3]
ROWS = rows()


def book_of(tmp_path: Path, text: str) -> Book:
    path = tmp_path / "book.yaml"
    path.write_text(text)
    return load_book(path)


def test_the_guide_is_what_the_code_declares() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == guide(), (
        "run: contango config guide > docs/configuration.md"
    )


def test_every_key_has_a_meaning_and_numbers_have_a_range_or_need_none() -> None:
    assert len(ROWS) > 300
    for row in ROWS:
        assert row.meaning, row.key
        assert "Undefined" not in str(row.default), row.key
    free = {row.key for row in ROWS if row.type.startswith(("integer", "number")) and not row.range}
    assert free == set()


def test_every_feature_and_strategy_stands_in_the_guide() -> None:
    text = guide()
    for name in (*FEATURES, *STRATEGIES, *PRESETS):
        assert f"`{name}`" in text


@pytest.mark.parametrize("names", [tuple(STRATEGIES), ("iron_condor",)])
def test_the_template_is_the_defaults(names: tuple[str, ...], tmp_path: Path) -> None:
    book = book_of(tmp_path, template(names))
    wanted = Book.model_validate({"signals": {"strategies": list(names)}})
    assert book.params() == wanted.params()
    assert len(max(template(names).splitlines(), key=len)) < 1200


def test_a_template_explains_every_key_it_has() -> None:
    lines = template().splitlines()
    for i, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#") and not line.rstrip().endswith(":"):
            above = lines[i - 1].lstrip()
            assert above.startswith("#"), line


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_is_a_valid_book(name: str, tmp_path: Path) -> None:
    book = book_of(tmp_path, f"presets: [{name}]\n")
    assert book.presets == (name,)
    if name == "balanced":
        assert book.params() | {"presets": []} == Book().params()


def test_the_books_own_keys_win_over_presets_and_later_presets_over_earlier(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        "presets: [active, conservative]\nsignals: {strategies: {iron_condor: {short_delta: 0.11}}}\n",
    )
    condor = book.signals.strategies["iron_condor"]
    assert condor.short_delta == 0.11
    assert condor.max_open == 2, "of the conservative preset, which is named last"
    assert list(book.signals.strategies) == ["iron_condor"], "the book says which strategies run"
    assert book.signals.switch("adjustments") == "on", "of the active preset"


def test_styles_are_ordered_by_risk(tmp_path: Path) -> None:
    books = [book_of(tmp_path, f"presets: [{style}]\n") for style in STYLES]
    for key in ("heat_fraction", "max_open_positions"):
        values = [getattr(book.risk.limits, key) for book in books]
        assert values == sorted(values)
        assert values[0] < values[-1]


trees = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(st.sampled_from("abc"), trees), st.dictionaries(st.sampled_from("abc"), trees))
def test_merging_keeps_every_key_and_the_upper_one_wins(below: dict[str, Any], above: dict[str, Any]) -> None:
    joined = merge(below, above)
    assert set(joined) == set(below) | set(above)
    assert merge(joined, above) == joined
    assert merge({}, below) == below


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("presets: [wild]\n", ["no preset is called 'wild'", "conservative"]),
        ("presets: wild\n", ["presets is a list of names"]),
        ("signals: {strategies: [martingale]}\n", ["no strategy is called 'martingale'", "iron_condor"]),
        (
            "signals: {strategies: {iron_condor: {short_dleta: 0.1}}}\n",
            ["iron_condor.short_dleta", "known keys", "short_delta"],
        ),
        ("signals: {fuzzy: {base_units: 0}}\n", ["signals.fuzzy.base_units", "0"]),
        ("market_data: {assets: {X: {kind: gold}}}\n", ["market_data.assets.X.kind", "gold"]),
    ],
)
def test_what_is_wrong_is_named_with_the_file(text: str, parts: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        book_of(tmp_path, text)
    for part in ["book.yaml", *parts]:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ({"signals": {"strategies": ["crypto_trend"]}}, "signals.assets names no symbol"),
        ({"signals": {"switches": {"iron_condor": "off"}}}, "signals.switches has it off"),
        ({"signals": {"strategies": ["iron_condor"]}, "market_data": {"underlying": None}}, "there are no chains"),
        ({"signals": {"strategies": {"iron_condor": {"regimes_allowed": []}}}}, "none of its regimes_allowed"),
        ({"signals": {"volatility": {"far_days": 90.0}}}, "far_days 90 is never known"),
    ],
)
def test_what_can_never_do_anything_is_found_at_start(raw: dict[str, Any], part: str) -> None:
    assert any(part in line for line in dead_rules(Book.model_validate(raw)))
    assert dead_rules(Book()) == []


def test_the_commands(tmp_path: Path) -> None:
    run = CliRunner().invoke
    path = tmp_path / "mine.yaml"
    path.write_text(run(app, ["config", "template", "-s", "calendar"]).output)
    checked = run(app, ["config", "check", str(path)])
    assert checked.exit_code == 0
    assert "valid; strategies calendar; 0 dead rules" in checked.output
    assert run(app, ["config", "guide"]).output == guide()
    assert yaml.safe_load(path.read_text())["signals"]["strategies"]["calendar"]["dte_target"] == 30
    unknown = run(app, ["config", "template", "-s", "martingale"])
    assert isinstance(unknown.exception, UserError)


def test_a_book_without_presets_is_taken_as_it_is() -> None:
    assert begun({"name": "x"}) == {"name": "x"}


@pytest.mark.parametrize("style", STYLES)
def test_a_style_shapes_strategies_and_leaves_all_of_them_running(style: str) -> None:
    book = Book.model_validate(begun({"presets": [style]}))
    assert tuple(book.signals.strategies) == tuple(Book().signals.strategies)
