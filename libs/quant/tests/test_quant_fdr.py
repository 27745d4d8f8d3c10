"""False discovery rates: equal to statsmodels, the paper's example, and the promise kept."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from contango_quant.stats import fdr

P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)
METHODS = [(fdr.benjamini_hochberg, "fdr_bh"), (fdr.benjamini_yekutieli, "fdr_by")]

# Benjamini and Hochberg (1995), section 4.1, p. 295: 15 comparisons of two treatments of heart attacks.
PAPER = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]


def test_the_papers_example_rejects_four():
    """Bonferroni rejects three, the procedure four at 0.05, up to p = 0.0095 ≤ 4/15 · 0.05."""
    got = fdr.benjamini_hochberg(PAPER, rate=0.05)
    assert got.rejected.tolist() == [True] * 4 + [False] * 11
    assert sum(p <= 0.05 / 15 for p in PAPER) == 3
    assert got.adjusted[3] == pytest.approx(0.0095 * 15 / 4)


@pytest.mark.parametrize(("method", "name"), METHODS)
@given(P_VALUES, st.floats(0.01, 0.5))
def test_twins_of_statsmodels(method, name, p, rate):
    got = method(p, rate=rate)
    rejected, adjusted, *_ = multipletests(p, alpha=rate, method=name)
    np.testing.assert_allclose(got.adjusted, adjusted, rtol=1e-12, atol=1e-300)
    near = np.abs(adjusted - rate) < 1e-12
    assert (got.rejected == rejected)[~near].all()


@pytest.mark.parametrize(("method", "name"), METHODS)
@given(P_VALUES, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_smaller_p_never_has_larger_q(method, name, p, random):
    got = method(p)
    turned = list(range(len(p)))
    random.shuffle(turned)
    assert method([p[i] for i in turned]).adjusted.tolist() == got.adjusted[turned].tolist()
    order = np.argsort(p)
    assert (np.diff(got.adjusted[order]) >= 0.0).all()
    assert (got.adjusted >= np.array(p) * (1.0 - 1e-12)).all()
    assert (got.adjusted <= 1.0).all()


@given(P_VALUES)
def test_any_dependence_costs_power(p):
    assert (fdr.benjamini_yekutieli(p).adjusted >= fdr.benjamini_hochberg(p).adjusted - 1e-15).all()


def test_false_discoveries_are_as_few_as_promised():
    """80 true hypotheses of 100: the share of false ones among the rejected is at most 0.8 · 10 % on average."""
    rng, shares = np.random.default_rng(1), []
    for _ in range(400):
        z = rng.normal(size=100) + np.where(np.arange(100) < 20, 3.0, 0.0)
        p = [0.5 * math.erfc(x / math.sqrt(2.0)) for x in z]
        rejected = fdr.benjamini_hochberg(p, rate=0.1).rejected
        shares.append(rejected[20:].sum() / max(rejected.sum(), 1))
    assert np.mean(shares) == pytest.approx(0.08, abs=0.012)


def test_empty_and_bad_input():
    assert fdr.benjamini_hochberg([]).adjusted.size == 0
    with pytest.raises(ValueError, match=r"p_values must be from 0 to 1, got 1.5 at position 1"):
        fdr.benjamini_hochberg([0.5, 1.5])
    with pytest.raises(ValueError, match=r"p_values must be finite, got nan"):
        fdr.benjamini_yekutieli([math.nan])
    with pytest.raises(ValueError, match=r"rate must be between 0 and 1, got 0.0"):
        fdr.benjamini_hochberg([0.5], rate=0.0)
