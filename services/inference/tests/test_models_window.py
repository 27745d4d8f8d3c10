"""The window: features by name, normalised and clipped, or the reason why there is none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_inference.models.manifest import Contract
from contango_inference.models.window import Window, window_of
from support import model_cases as small

CONTRACT = Contract.model_validate(small.contract())
seeds = st.integers(0, 2**32 - 1)


def window(rows, contract=CONTRACT) -> Window:
    found = window_of(rows, contract)
    assert isinstance(found, Window), found
    return found


def reason(rows, contract=CONTRACT) -> str:
    found = window_of(rows, contract)
    assert isinstance(found, str)
    assert found
    assert len(found.splitlines()) == 1
    return found


def replaced(rows, at, name, value):
    return [row | {name: value} if t == at else row for t, row in enumerate(rows)]


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_values_are_those_of_the_definition():
    rows, found = small.rows(4, 1), window(small.rows(4, 1))
    for t, row in enumerate(rows):
        wanted = [(row["ret"] - 0.001) / 0.02, (math.log(row["vol"]) + 2.0) / 0.5, (row["skew"] + 0.1) / 0.05]
        np.testing.assert_allclose(found.values[t], wanted, rtol=1e-6)
    assert found.values.dtype == np.float32
    assert found.anchor_annual == rows[-1]["vol"]


@given(seeds, st.randoms(use_true_random=False))
def test_features_are_found_by_name_whatever_else_a_row_holds(seed, random):
    rows = small.rows(4, seed)
    turned = [{name: row[name] for name in random.sample(sorted(row), len(row))} | {"more": None} for row in rows]
    bare = [{name: row[name] for name in ("ret", "vol", "skew")} for row in rows]
    for other in (turned, bare):
        assert window(other).input_hash == window(rows).input_hash
        np.testing.assert_array_equal(window(other).values, window(rows).values)


@given(seeds, st.permutations([0, 1, 2]))
def test_columns_stand_in_the_order_of_the_contract(seed, order):
    features = small.contract()["features"]
    turned = Contract.model_validate(small.contract(features=[features[i] for i in order]))
    rows = small.rows(4, seed)
    np.testing.assert_array_equal(window(rows, turned).values, window(rows).values[:, list(order)])


@given(seeds, st.integers(0, 9))
def test_the_newest_rows_alone_count(seed, older):
    rows = small.rows(4, seed)
    before = [{"ret": math.nan, "vol": -1.0, "skew": None} for _ in range(older)]
    assert window(before + rows).input_hash == window(rows).input_hash
    np.testing.assert_array_equal(window(before + rows).values, window(rows).values)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0.1, 20.0), st.integers(0, 3))
def test_values_are_clipped_on_both_sides(value, clip, at):
    contract = Contract.model_validate(small.contract(clip=clip))
    found = window(replaced(small.rows(4), at, "ret", value), contract).values
    assert (np.abs(found) <= np.float32(clip)).all()
    assert found[at, 0] == pytest.approx(min(max((value - 0.001) / 0.02, -clip), clip), rel=1e-6, abs=1e-9)


@given(seeds)
def test_rows_are_left_as_they_were(seed):
    rows = small.rows(5, seed)
    window(rows)
    assert rows == small.rows(5, seed)


# --- its hash ---------------------------------------------------------------------------------------------------------


@given(seeds, st.integers(0, 3), st.sampled_from(["ret", "vol", "skew"]), st.floats(0.05, 0.2))
def test_the_hash_moves_with_every_value_and_only_with_values(seed, at, name, value):
    rows = small.rows(4, seed)
    moved, same = window(replaced(rows, at, name, value)), window(rows)
    unchanged = np.array_equal(moved.values, same.values) and moved.anchor_annual == same.anchor_annual
    assert (moved.input_hash == same.input_hash) is unchanged
    assert window(replaced(rows, at, "stranger", value)).input_hash == same.input_hash


def test_the_hash_moves_with_the_anchor_and_with_the_order_of_rows():
    contract = Contract.model_validate(small.contract(anchor="level"))
    rows = small.rows(4)
    hashes = {window([row | {"level": level} for row in rows], contract).input_hash for level in (0.1, 0.2, 0.3)}
    hashes.add(window(rows).input_hash)
    hashes.add(window([rows[1], rows[0], *rows[2:]]).input_hash)
    assert len(hashes) == 5
    assert all(len(found) == 64 for found in hashes)


# --- reasons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(4))
def test_too_few_rows_are_said(count):
    assert reason(small.rows(count)) == f"{count} feature rows, 4 are needed"


@given(
    st.integers(0, 3), st.sampled_from(["ret", "vol", "skew"]), st.sampled_from([None, math.nan, math.inf, -math.inf])
)
def test_a_feature_that_is_missing_or_no_number_is_named_with_its_row(at, name, value):
    said = reason(replaced(small.rows(4), at, name, value))
    assert f"feature {name} is missing" in said
    assert f"{3 - at} rows before the last" in said


def test_a_feature_that_no_row_holds_is_named():
    rows = [{name: value for name, value in row.items() if name != "skew"} for row in small.rows(4)]
    assert "feature skew is missing" in reason(rows)


@given(st.integers(0, 3), st.floats(-1e9, 0.0))
def test_a_logarithm_of_nothing_is_refused(at, value):
    said = reason(replaced(small.rows(4), at, "vol", value))
    assert "feature vol" in said
    assert "logarithm" in said


@pytest.mark.parametrize("value", [None, math.nan, math.inf, 0.0, -0.2, 1e-200, 1e200])
def test_an_anchor_that_is_no_volatility_is_refused(value):
    contract = Contract.model_validate(small.contract(anchor="level"))
    rows = [row | {"level": 0.2} for row in small.rows(4)]
    assert "anchor level" in reason(replaced(rows, 3, "level", value), contract)
    assert window(replaced(rows, 2, "level", value), contract).anchor_annual == 0.2


def test_an_anchor_that_no_row_holds_is_refused():
    assert "anchor level is None" in reason(small.rows(4), Contract.model_validate(small.contract(anchor="level")))
