"""Finding contracts and pairs in a frame's columns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contango_common.domain.chain import contract_key, pairs_of

CONTRACTS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([20180316, 20180317, 20181221]), st.integers(1, 9), st.booleans()),
    unique=True,
    max_size=60,
)


@given(CONTRACTS)
def test_pairs_are_the_strikes_with_both_rights_in_any_order_of_rows(rows):
    contracts = {
        "key": np.array([contract_key(r, date, call, k * 500) for r, date, k, call in rows], dtype=np.int64),
        "strike_millis": np.array([k * 500 for _, _, k, _ in rows], dtype=np.int32),
        "is_call": np.array([call for *_, call in rows], dtype=np.int8),
    }
    for root in range(3):
        for date in (20180316, 20180317, 20181221):
            strikes, calls, puts = pairs_of(contracts, root, date)
            both = {k for k in range(1, 10) if {(root, date, k, True), (root, date, k, False)} <= set(rows)}
            assert strikes.tolist() == sorted(k * 500 for k in both)
            assert [rows[i] for i in calls] == [(root, date, k, True) for k in sorted(both)]
            assert [rows[i] for i in puts] == [(root, date, k, False) for k in sorted(both)]
