"""Validation: what leaks is caught, what does not is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from contango_inference.earnings import checks
from contango_inference.earnings.build import build
from contango_inference.earnings.dataset import dataset
from contango_inference.earnings.params import EarningsParams
from support.earn_world import world


@pytest.fixture(scope="module")
def tables():
    return build(*world(symbols=8, sessions=1300))


def planted(data, column):
    return replace(data, names=(*data.names, "planted"), values=np.column_stack([data.values, column]))


def test_honest_tables_have_no_leak(tables):
    assert checks.late(tables) == []
    assert checks.late_labels(tables) == 0
    assert checks.suspects(dataset(tables)) == []


@pytest.mark.parametrize(
    ("leak", "figure"),
    [
        (lambda move, rng: move, "rank correlation with move"),
        (lambda move, rng: np.abs(move) + 0.2 * np.abs(move).std() * rng.standard_normal(len(move)), "|move|"),
        (lambda move, rng: (move > 0) + 0.9 * rng.standard_normal(len(move)), "AUC"),
        (lambda move, rng: -np.log(np.abs(move) + 1e-9), "|move|"),
    ],
    ids=["move", "size with noise", "direction with noise", "a function of size"],
)
def test_a_planted_leak_is_caught_and_named(tables, leak, figure):
    data = dataset(tables)
    found = checks.suspects(planted(data, leak(data.move, np.random.default_rng(0))))
    assert {s.feature for s in found} == {"planted"}
    assert any(figure in s.figure for s in found)


def test_a_leak_that_most_rows_lack_is_caught_too(tables):
    data = dataset(tables)
    column = data.move.copy()
    column[110:] = np.nan
    assert {s.feature for s in checks.suspects(planted(data, column))} == {"planted"}


def test_chance_is_not_suspect(tables):
    data = dataset(tables)
    assert checks.suspects(planted(data, np.random.default_rng(1).standard_normal(len(data.move)))) == []


def test_a_row_known_too_late_is_caught(tables):
    group = tables.groups[1]
    known = group.known_at_ns.copy()
    known[7] = tables.cutoffs_ns[7] + 1
    bad = replace(tables, groups=(tables.groups[0], replace(group, known_at_ns=known), *tables.groups[2:]))
    [late] = checks.late(bad)
    assert (late.group, late.rows) == ("volatility_features", 1)
    assert late.first == f"{tables.events[7].symbol} {tables.events[7].date}"


def test_a_label_known_too_early_is_caught(tables):
    known = tables.labels.known_at_ns.copy()
    known[3] = tables.events[3].latest_ns
    assert checks.late_labels(replace(tables, labels=replace(tables.labels, known_at_ns=known))) == 1


def test_pairs_above_the_limit(tables):
    data = dataset(tables)
    column = -data.values[:, data.names.index("vix")] + 3.0
    found = checks.pairs(planted(data, column))
    assert ("vix", "planted", pytest.approx(-1.0)) in found
    sizes = [abs(c) for _, _, c in found]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) > 0.9


def test_coverage_says_share_and_reason():
    events, inputs = world(symbols=2, sessions=400, bars=False)
    tables = build(events, inputs)
    by_name = {c.feature: c for c in checks.covered(tables)}
    assert by_name["vix"].share == 1.0
    assert by_name["atr_pct_20"].share == 0.0
    assert by_name["atr_pct_20"].reason.startswith("no daily bars of")


def test_importance_ranks_what_matters_first(tables):
    """A feature that scales the outcome, beside the others that know next to nothing."""
    data = dataset(tables)
    rng = np.random.default_rng(2)
    scale = rng.standard_normal(len(data.move))
    data = replace(planted(data, scale), move=data.move * np.exp(scale))
    found = checks.importance(data, EarningsParams(trees=20, least_training=60, fold_years=2))
    assert found[0].feature == "planted"
    assert found[0].rise_percent > 5.0
    assert len(found) == len(data.names)
